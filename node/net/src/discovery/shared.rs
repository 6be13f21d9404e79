//! What finding peers shares with the contents and with the node's handle.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use libp2p::{Multiaddr, PeerId};
use shoal_content::ContentId;
use shoal_engine::{ContentWish, Discovery, PeerMemory, PeerSource, RememberedPeer, TrackerlessSearch};
use tokio::sync::{Notify, mpsc, oneshot};

use super::config::{DhtMode, DiscoveryConfig};
use crate::clock::Clock;

/// News that may wait for a content; more is dropped, and told again sooner or later.
const NEWS: usize = 32;
/// Questions of the node's user that may wait.
const MAX_ASKED: usize = 64;

/// Peers that may have a content.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) peers: Vec<PeerId>,
    pub(crate) source: PeerSource,
}

/// What a node is in the DHT now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DhtRole {
    /// It takes no part.
    #[default]
    Off,
    /// It asks, and answers nobody.
    Client,
    /// It answers peers on private networks and on this machine.
    NearServer,
    /// It answers everybody.
    Server,
}

impl DhtRole {
    /// One word or two: `off`, `client`, `near server` or `server`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Client => "client",
            Self::NearServer => "near server",
            Self::Server => "server",
        }
    }
}

/// How finding peers without a tracker goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DhtStatus {
    /// What the node is in the DHT.
    pub role: DhtRole,
    /// Peers in the table that stand on private networks or on this machine.
    pub near_peers: usize,
    /// Peers in the table that stand elsewhere.
    pub wide_peers: usize,
    /// Contents of this node that are announced.
    pub own_records: usize,
    /// Records that are kept for others.
    pub other_records: usize,
    /// Neighbours on the LAN that are known; `None`: the LAN is not asked.
    pub lan_peers: Option<usize>,
}

/// Peers that were found, and where each may be.
pub(super) type Nearest = Vec<(PeerId, Vec<Multiaddr>)>;

/// What the node's user asks.
pub(super) enum Asked {
    Nearest { key: Vec<u8>, reply: oneshot::Sender<Nearest> },
    Status(oneshot::Sender<DhtStatus>),
}

/// One content.
struct Entry {
    /// Tells it from earlier ones with the same id.
    number: u64,
    news: mpsc::Sender<Found>,
    lookups: u64,
}

pub(super) struct State {
    pub(super) machine: Discovery,
    contents: BTreeMap<ContentId, Entry>,
    entered: u64,
    pub(super) asked: VecDeque<Asked>,
    pub(super) memory: PeerMemory,
    /// Peers of the DHT that are known.
    pub(super) table: usize,
}

impl State {
    /// Lets a content know of peers.
    pub(super) fn tell(&self, content: ContentId, found: Found) {
        if let Some(entry) = self.contents.get(&content) {
            drop(entry.news.try_send(found));
        }
    }

    /// A lookup has ended.
    pub(super) fn looked_up(&mut self, now: Duration, content: ContentId) {
        if let Some(entry) = self.contents.get_mut(&content) {
            entry.lookups += 1;
        }
        self.machine.looked_up(now, content);
    }

    /// A peer was met that is of this kind.
    pub(super) fn met(&mut self, peer: PeerId, addresses: Vec<Multiaddr>) {
        let met = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        self.memory.note(RememberedPeer { peer, addresses, useful: false, met });
    }
}

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct SharedDiscovery(Arc<Shared>);

struct Shared {
    clock: Clock,
    on: bool,
    mdns: bool,
    dht: bool,
    state: Mutex<State>,
    changed: Notify,
}

impl SharedDiscovery {
    pub(crate) fn new(clock: Clock, config: &DiscoveryConfig) -> Self {
        let remembered = config.remembered.iter().map(|it| it.peer).collect();
        let state = State {
            machine: Discovery::new(clock.now(), remembered, config.dht != DhtMode::Off, rand::make_rng()),
            contents: BTreeMap::new(),
            entered: 0,
            asked: VecDeque::new(),
            memory: PeerMemory::recall(config.remembered.iter().cloned()),
            table: 0,
        };
        let (mdns, dht) = (config.mdns, config.dht != DhtMode::Off);
        let shared =
            Shared { clock, on: config.is_on(), mdns, dht, state: Mutex::new(state), changed: Notify::new() };
        Self(Arc::new(shared))
    }

    /// Lets peers of a content be found, for as long as it keeps what is returned.
    pub(crate) fn enter(&self, content: ContentId) -> (ContentDiscovery, mpsc::Receiver<Found>) {
        let (news, mailbox) = mpsc::channel(NEWS);
        let mut state = self.state();
        state.entered += 1;
        let number = state.entered;
        state.contents.insert(content, Entry { number, news, lookups: 0 });
        let wish = ContentWish::default();
        (ContentDiscovery { content, number, wish, shared: self.clone() }, mailbox)
    }

    /// The peers of the DHT that are nearest to a key.
    pub(crate) async fn nearest(&self, key: Vec<u8>) -> Nearest {
        self.ask(|reply| Asked::Nearest { key, reply }).await.unwrap_or_default()
    }

    pub(crate) async fn status(&self) -> DhtStatus {
        self.ask(Asked::Status).await.unwrap_or_default()
    }

    /// Peers that worked, the best first. `useful`: whether anything was exchanged with one.
    pub(crate) fn remembered(&self, useful: impl Fn(&PeerId) -> bool) -> Vec<RememberedPeer> {
        let mut all = self.state().memory.best_first();
        all.iter_mut().for_each(|it| it.useful |= useful(&it.peer));
        PeerMemory::recall(all).best_first()
    }

    async fn ask<T>(&self, question: impl FnOnce(oneshot::Sender<T>) -> Asked) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        {
            let mut state = self.state();
            if state.asked.len() >= MAX_ASKED {
                return None;
            }
            state.asked.push_back(question(reply));
        }
        self.0.changed.notify_one();
        answer.await.ok()
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until somebody has changed something. Cancel-safe.
    pub(super) async fn changed(&self) {
        self.0.changed.notified().await;
    }
}

/// A content whose peers are looked for. Dropping it ends that.
pub(crate) struct ContentDiscovery {
    content: ContentId,
    number: u64,
    wish: ContentWish,
    shared: SharedDiscovery,
}

impl ContentDiscovery {
    /// Whether peers may come from here at all.
    pub(crate) fn is_on(&self) -> bool {
        self.shared.0.on
    }

    /// What the content wants now.
    pub(crate) fn wish(&mut self, wish: ContentWish) {
        if self.is_on() && self.wish != wish {
            self.wish = wish;
            let now = self.shared.0.clock.now();
            self.shared.state().machine.wish(now, self.content, wish);
            self.shared.0.changed.notify_one();
        }
    }

    /// Where peers are sought, for those that ask why none come.
    pub(crate) fn search(&self) -> TrackerlessSearch {
        let shared = &self.shared.0;
        let state = self.shared.state();
        TrackerlessSearch {
            lan: shared.mdns.then(|| state.machine.lan_peers()),
            dht: shared.dht.then_some(state.table),
            lookups: state.contents.get(&self.content).map_or(0, |entry| entry.lookups),
        }
    }
}

impl Drop for ContentDiscovery {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        if state.contents.get(&self.content).is_some_and(|entry| entry.number == self.number) {
            state.contents.remove(&self.content);
            state.machine.forget(self.content);
        }
        drop(state);
        self.shared.0.changed.notify_one();
    }
}
