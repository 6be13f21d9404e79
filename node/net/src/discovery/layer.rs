//! The driver's part of finding peers: carries out what the engine's `Discovery` says, and brings it what comes of that.
//! It decides nothing.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use libp2p::kad::{QueryId, RecordKey};
use libp2p::{Multiaddr, PeerId, StreamProtocol, Swarm};
use shoal_content::ContentId;
use shoal_engine::{DiscoveryOutput, Subnet, Teller};
use shoal_wire::query;
use tokio::sync::{mpsc, oneshot};

use super::behaviour::{DiscoveryBehaviour, DiscoveryBehaviourEvent};
use super::config::DiscoveryConfig;
use super::lan::LanEvent;
use super::shared::{Asked, DhtRole, DhtStatus, Found, Nearest, SharedDiscovery};
use super::zone::{Reach, ZoneEvent};
use crate::behaviour::Behaviour;
use crate::clock::Clock;
use crate::peers::{PeerEvent, PeersHandle};

/// Connections at once that lookups wait for; what is wanted beyond that does not come.
const MAX_WANTED: usize = 32;
/// How long a lookup waits for a connection; kad itself asks somebody else after ten seconds.
const WANTED_FOR: Duration = Duration::from_secs(12);
/// How long to wait before a peer to begin with is sought again of which no address is known.
const UNKNOWN_FOR: Duration = Duration::from_secs(60);

/// What a query of kad is for.
enum Purpose {
    LookUp(ContentId),
    Announce(ContentId),
    Nearest(u64),
}

/// Queries of both halves that belong together.
struct Together<T> {
    left: usize,
    so_far: T,
}

struct NearestSearch {
    reply: oneshot::Sender<Nearest>,
    found: Nearest,
}

/// See the module. Always holds: there is an entry in each map only for what kad has under way, or until
/// [`WANTED_FOR`] has passed.
pub(crate) struct DiscoveryLayer {
    clock: Clock,
    shared: SharedDiscovery,
    peers: PeersHandle,
    events: mpsc::Receiver<PeerEvent>,
    inbox: VecDeque<PeerEvent>,
    queries: HashMap<(Reach, QueryId), Purpose>,
    lookups: HashMap<ContentId, Together<()>>,
    announcements: HashMap<ContentId, Together<bool>>,
    searches: HashMap<u64, Together<NearestSearch>>,
    searched: u64,
    /// Peers that kad wants, in which half, and until when.
    wanted: BTreeMap<PeerId, (Reach, Duration)>,
}

impl DiscoveryLayer {
    /// `peers` and `events`: its way to the node's book of peers.
    pub(crate) fn new(
        clock: Clock,
        shared: SharedDiscovery,
        (peers, events): (PeersHandle, mpsc::Receiver<PeerEvent>),
        config: &DiscoveryConfig,
    ) -> Self {
        for it in &config.remembered {
            peers.learn(it.peer, it.addresses.clone(), Teller::User);
        }
        config.bootstrap.iter().for_each(|address| peers.seek_address(address.clone()));
        Self {
            clock,
            shared,
            peers,
            events,
            inbox: VecDeque::new(),
            queries: HashMap::new(),
            lookups: HashMap::new(),
            announcements: HashMap::new(),
            searches: HashMap::new(),
            searched: 0,
            wanted: BTreeMap::new(),
        }
    }

    /// Waits until there may be something to [carry out](Self::carry_out). Cancel-safe.
    pub(crate) async fn due(&mut self) {
        let wanted = self.wanted.values().map(|(_, until)| *until).min();
        let machine = self.shared.state().machine.next_timeout();
        tokio::select! {
            () = self.clock.until(machine.into_iter().chain(wanted).min()) => {}
            () = self.shared.changed() => {}
            Some(event) = self.events.recv() => self.inbox.push_back(event),
        }
    }

    /// A peer says what it speaks and where it listens: addresses that it may tell.
    pub(crate) fn identified(
        &mut self,
        swarm: &mut Swarm<Behaviour>,
        peer: PeerId,
        protocols: &[StreamProtocol],
        addresses: &[Multiaddr],
    ) {
        for reach in Reach::BOTH {
            if let Some(zone) = swarm.behaviour_mut().discovery.zone(reach) {
                let speaks = zone.speaks(protocols);
                zone.identified(peer, speaks, addresses.to_vec());
            }
        }
        if protocols.iter().any(|it| it.as_ref() == query::PROTOCOL) {
            self.shared.state().met(peer, addresses.to_vec());
        }
    }

    /// Something was found, or came to an end.
    pub(crate) fn on_event(&mut self, swarm: &mut Swarm<Behaviour>, event: DiscoveryBehaviourEvent) {
        let discovery = &mut swarm.behaviour_mut().discovery;
        match event {
            DiscoveryBehaviourEvent::Lan(LanEvent::Heard(heard)) => self.heard_on_lan(heard),
            DiscoveryBehaviourEvent::Lan(LanEvent::Gone(gone)) => {
                let mut state = self.shared.state();
                gone.iter().for_each(|peer| state.machine.gone_from_lan(peer));
            }
            DiscoveryBehaviourEvent::Near(event) => self.on_zone_event(discovery, Reach::Near, event),
            DiscoveryBehaviourEvent::Wide(event) => self.on_zone_event(discovery, Reach::Wide, event),
        }
    }

    /// Does all that is to be done.
    pub(crate) fn carry_out(&mut self, swarm: &mut Swarm<Behaviour>) {
        let discovery = &mut swarm.behaviour_mut().discovery;
        while let Some(event) = self.inbox.pop_front() {
            self.on_peer_event(discovery, event);
        }
        self.answer_user(discovery);
        self.give_up_wanted(discovery);
        loop {
            let now = self.clock.now();
            let Some(output) = self.shared.state().machine.poll(now) else { return };
            self.act(discovery, output);
        }
    }

    fn act(&mut self, discovery: &mut DiscoveryBehaviour, output: DiscoveryOutput) {
        match output {
            DiscoveryOutput::LookUp(content) => self.look_up(discovery, content),
            DiscoveryOutput::Announce(content) => self.announce(discovery, content),
            DiscoveryOutput::Withdraw(content) => {
                for reach in Reach::BOTH {
                    discovery.zone(reach).into_iter().for_each(|zone| zone.withdraw(&key(&content)));
                }
            }
            DiscoveryOutput::Tell { content, peers, source } => {
                tracing::debug!(%content, ?source, peers = peers.len(), "peers found");
                self.shared.state().tell(content, Found { peers, source });
            }
            DiscoveryOutput::Seek(peer) => self.peers.seek(peer),
            DiscoveryOutput::Search { often } => {
                discovery.lan.as_mut().into_iter().for_each(|lan| lan.search(often));
            }
        }
    }

    fn look_up(&mut self, discovery: &mut DiscoveryBehaviour, content: ContentId) {
        let begun =
            self.begin(discovery, |zone| Some(zone.providers(key(&content))), || Purpose::LookUp(content));
        match begun {
            0 => self.shared.state().looked_up(self.clock.now(), content),
            left => drop(self.lookups.insert(content, Together { left, so_far: () })),
        }
    }

    fn announce(&mut self, discovery: &mut DiscoveryBehaviour, content: ContentId) {
        let begun = self.begin(discovery, |zone| zone.provide(key(&content)), || Purpose::Announce(content));
        match begun {
            0 => self.shared.state().machine.announced(self.clock.now(), content, false),
            left => drop(self.announcements.insert(content, Together { left, so_far: false })),
        }
    }

    /// Begins a query in each half in which somebody is known. Returns how many there are.
    fn begin(
        &mut self,
        discovery: &mut DiscoveryBehaviour,
        query: impl Fn(&mut super::zone::Zone) -> Option<QueryId>,
        purpose: impl Fn() -> Purpose,
    ) -> usize {
        let mut begun = 0;
        for reach in Reach::BOTH {
            let Some(zone) = discovery.zone(reach) else { continue };
            if zone.table() > 0
                && let Some(id) = query(zone)
            {
                self.queries.insert((reach, id), purpose());
                begun += 1;
            }
        }
        begun
    }

    fn on_zone_event(&mut self, discovery: &mut DiscoveryBehaviour, reach: Reach, event: ZoneEvent) {
        match event {
            ZoneEvent::Wanted { peer, addresses } => self.want(discovery, reach, peer, addresses),
            ZoneEvent::Providers { query, peers } => {
                if let Some(Purpose::LookUp(content)) = self.queries.get(&(reach, query)) {
                    let ids = peers.iter().map(|(peer, _)| *peer).collect();
                    for (peer, addresses) in peers {
                        self.peers.learn(peer, addresses, Teller::Dht);
                    }
                    self.shared.state().machine.found(*content, ids);
                }
            }
            ZoneEvent::Ended { query, well, nearest } => {
                if let Some(purpose) = self.queries.remove(&(reach, query)) {
                    self.ended(purpose, well, nearest);
                }
            }
            ZoneEvent::Table => {
                let table = discovery.table();
                let mut state = self.shared.state();
                state.table = table;
                state.machine.set_table(self.clock.now(), table);
            }
        }
    }

    fn ended(&mut self, purpose: Purpose, well: bool, nearest: Nearest) {
        let now = self.clock.now();
        match purpose {
            Purpose::LookUp(content) => {
                if finish(&mut self.lookups, content, |()| {}).is_some() {
                    self.shared.state().looked_up(now, content);
                }
            }
            Purpose::Announce(content) => {
                if let Some(reached) = finish(&mut self.announcements, content, |reached| *reached |= well) {
                    self.shared.state().machine.announced(now, content, reached);
                }
            }
            Purpose::Nearest(number) => {
                if let Some(done) = finish(&mut self.searches, number, |it| it.found.extend(nearest)) {
                    drop(done.reply.send(done.found));
                }
            }
        }
    }

    /// kad wants a connection; the book makes one, within its budget.
    fn want(
        &mut self,
        discovery: &mut DiscoveryBehaviour,
        reach: Reach,
        peer: PeerId,
        addresses: Vec<Multiaddr>,
    ) {
        if self.wanted.len() >= MAX_WANTED && !self.wanted.contains_key(&peer) {
            return discovery.zone(reach).into_iter().for_each(|zone| zone.failed(peer));
        }
        self.wanted.insert(peer, (reach, self.clock.now() + WANTED_FOR));
        self.peers.learn(peer, addresses, Teller::Dht);
        self.peers.seek(peer);
    }

    fn give_up_wanted(&mut self, discovery: &mut DiscoveryBehaviour) {
        let now = self.clock.now();
        let late: Vec<_> =
            self.wanted.iter().filter(|(_, (_, until))| *until <= now).map(|(peer, _)| *peer).collect();
        for peer in late {
            self.peers.release(peer);
            self.not_coming(discovery, peer);
        }
    }

    fn not_coming(&mut self, discovery: &mut DiscoveryBehaviour, peer: PeerId) {
        if let Some((reach, _)) = self.wanted.remove(&peer) {
            discovery.zone(reach).into_iter().for_each(|zone| zone.failed(peer));
        }
    }

    fn on_peer_event(&mut self, discovery: &mut DiscoveryBehaviour, event: PeerEvent) {
        let now = self.clock.now();
        match event {
            PeerEvent::Connected { peer } => {
                self.shared.state().machine.reached(&peer);
                if let Some((reach, _)) = self.wanted.remove(&peer)
                    && let Some(zone) = discovery.zone(reach).filter(|zone| !zone.has(&peer))
                {
                    // It is connected, but in the other half.
                    zone.failed(peer);
                }
                // Whoever asks it something uses the connection; otherwise it ends after a while.
                self.peers.release(peer);
            }
            PeerEvent::Unreachable { peer, retry_at, error } => {
                let retry_at = retry_at.unwrap_or(now + UNKNOWN_FOR);
                self.shared.state().machine.failed(now, &peer, retry_at);
                self.not_coming(discovery, peer);
                // It was dialled, and does not answer where the table says.
                if error.is_some() {
                    Reach::BOTH.iter().for_each(|reach| {
                        discovery.zone(*reach).into_iter().for_each(|zone| zone.forget(&peer));
                    });
                }
            }
            PeerEvent::AddressAnswered { address, peer } => {
                tracing::debug!(%address, %peer, "a peer to begin with is known");
                self.shared.state().machine.named(now, peer);
            }
            PeerEvent::AddressUnreachable { address, error } => {
                tracing::debug!(%address, %error, "a peer to begin with cannot be reached");
            }
            PeerEvent::Disconnected { .. } => {}
            PeerEvent::Lagged { .. } => {
                let all: Vec<_> = self.wanted.keys().copied().collect();
                for peer in all {
                    self.peers.release(peer);
                    self.not_coming(discovery, peer);
                }
            }
        }
    }

    fn heard_on_lan(&mut self, heard: Vec<(PeerId, Multiaddr)>) {
        let own = subnets();
        let mut by_peer: BTreeMap<PeerId, Vec<Multiaddr>> = BTreeMap::new();
        heard.into_iter().for_each(|(peer, address)| by_peer.entry(peer).or_default().push(address));
        for (peer, addresses) in by_peer {
            let near = self.shared.state().machine.heard_on_lan(self.clock.now(), peer, addresses, &own);
            if !near.is_empty() {
                self.peers.learn(peer, near, Teller::Lan);
            }
        }
    }

    fn answer_user(&mut self, discovery: &mut DiscoveryBehaviour) {
        while let Some(asked) = { self.shared.state().asked.pop_front() } {
            match asked {
                // Err only says that nobody waits any more.
                Asked::Status(reply) => drop(reply.send(self.status(discovery))),
                Asked::Nearest { key, reply } => {
                    self.searched += 1;
                    let number = self.searched;
                    let left = self.begin(
                        discovery,
                        |zone| Some(zone.nearest(key.clone())),
                        || Purpose::Nearest(number),
                    );
                    if left > 0 {
                        let so_far = NearestSearch { reply, found: Vec::new() };
                        self.searches.insert(number, Together { left, so_far });
                    }
                }
            }
        }
    }

    fn status(&self, discovery: &mut DiscoveryBehaviour) -> DhtStatus {
        let lan_peers = discovery.lan.is_enabled().then(|| self.shared.state().machine.lan_peers());
        let mut status = DhtStatus { lan_peers, ..DhtStatus::default() };
        let mut servers = [false; 2];
        for (at, reach) in Reach::BOTH.into_iter().enumerate() {
            let Some(zone) = discovery.zone(reach) else { continue };
            let (own, others) = zone.records();
            status.own_records = status.own_records.max(own);
            status.other_records += others;
            servers[at] = zone.is_server();
            match reach {
                Reach::Near => status.near_peers = zone.table(),
                Reach::Wide => status.wide_peers = zone.table(),
            }
        }
        status.role = match (discovery.near.is_enabled(), servers) {
            (false, _) => DhtRole::Off,
            (true, [_, true]) => DhtRole::Server,
            (true, [true, false]) => DhtRole::NearServer,
            (true, [false, false]) => DhtRole::Client,
        };
        status
    }
}

/// One of several queries has ended. What came of all of them, if it was the last one.
fn finish<K: std::hash::Hash + Eq, T>(
    all: &mut HashMap<K, Together<T>>,
    key: K,
    add: impl FnOnce(&mut T),
) -> Option<T> {
    let it = all.get_mut(&key)?;
    add(&mut it.so_far);
    it.left -= 1;
    if it.left > 0 {
        return None;
    }
    all.remove(&key).map(|it| it.so_far)
}

/// The key of a content in the DHT: the multihash of its id, as the Kademlia specification of libp2p wants it.
pub(super) fn key(content: &ContentId) -> RecordKey {
    let mut key = vec![0x12, 0x20];
    key.extend(content.root_hash().as_bytes());
    RecordKey::from(key)
}

/// The networks of this machine's interfaces.
fn subnets() -> Vec<Subnet> {
    let all = if_addrs::get_if_addrs().unwrap_or_default();
    let subnet = |it: if_addrs::Interface| match it.addr {
        if_addrs::IfAddr::V4(v4) => Subnet::new(v4.ip.into(), v4.prefixlen),
        if_addrs::IfAddr::V6(v6) => Subnet::new(v6.ip.into(), v6.prefixlen),
    };
    all.into_iter().map(subnet).collect()
}
