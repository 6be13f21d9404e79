//! The driver's part of finding peers: carries out what the engine's `Discovery` says, and brings it what comes of that.
//! It decides nothing.

mod queries;
mod wanted;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use libp2p::kad::QueryId;
use libp2p::{Multiaddr, PeerId, StreamProtocol, Swarm};
use shoal_content::ContentId;
use shoal_engine::{DiscoveryOutput, Subnet, Teller};
use shoal_wire::query;
use tokio::sync::mpsc;

pub(super) use self::queries::key;
use self::queries::{NearestSearch, Purpose, Together};
#[cfg(test)]
pub(super) use self::wanted::MAX_WANTED;
use super::behaviour::{DiscoveryBehaviour, DiscoveryBehaviourEvent};
use super::config::DiscoveryConfig;
use super::lan::LanEvent;
use super::shared::{Found, SharedDiscovery};
use super::zone::{Reach, ZoneEvent};
use crate::behaviour::Behaviour;
use crate::clock::Clock;
use crate::peers::{PeerEvent, PeersHandle};

/// See the module. Always holds: there is an entry in each map only for what kad has under way, or for the few seconds
/// that it waits for a connection.
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
            peers.learn(it.peer, it.addresses.clone(), Teller::Remembered);
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
