//! A content's use of connections, over the node's orders.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};
use shoal_addresses::{MAX_ADDRESSES, is_dialable};
use shoal_engine::{Backoff, Dial};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::clock::Clock;
use crate::control::{Control, DialError, NetEvent};

/// Events that may wait for a content.
const EVENTS: usize = 1024;
/// Peers of which addresses are kept.
const MAX_KNOWN: usize = 512;

/// What happened to a connection that a content uses or wants.
#[derive(Debug)]
pub(crate) enum PeerEvent {
    /// A connection that was sought stands.
    Connected { peer: PeerId },
    /// It could not be made; not before `retry_at` again.
    Unreachable { peer: PeerId, retry_at: Duration },
    /// The last connection to a peer is gone.
    Disconnected { peer: PeerId },
    /// At an address that was named without a peer, this one answered.
    AddressAnswered { peer: PeerId },
    /// Nobody answered there.
    AddressUnreachable { address: Multiaddr, error: DialError },
    /// Events were lost; these are connected.
    Lagged { connected: Vec<PeerId> },
}

struct Known {
    addresses: Vec<Multiaddr>,
    backoff: Backoff,
}

/// What a content wants of connections. Dropping it ends that.
pub(crate) struct PeersHandle {
    control: Control,
    clock: Clock,
    known: Arc<Mutex<BTreeMap<PeerId, Known>>>,
    events: mpsc::Sender<PeerEvent>,
    tasks: Mutex<Vec<AbortHandle>>,
}

impl PeersHandle {
    pub(crate) fn attach(control: Control, clock: Clock) -> (Self, mpsc::Receiver<PeerEvent>) {
        let (events, receiver) = mpsc::channel(EVENTS);
        let forward = tokio::spawn(forward(control.clone(), events.clone()));
        let tasks = Mutex::new(vec![forward.abort_handle()]);
        (Self { control, clock, known: Arc::default(), events, tasks }, receiver)
    }

    /// Wants a connection.
    pub(crate) fn seek(&self, peer: PeerId) {
        let addresses = self.known().get(&peer).map(|known| known.addresses.clone()).unwrap_or_default();
        let (control, events, clock, known) =
            (self.control.clone(), self.events.clone(), self.clock, self.known.clone());
        self.spawn(async move {
            let event = match control.dial(Dial { peer: Some(peer), addresses }).await {
                Ok(peer) => PeerEvent::Connected { peer },
                Err(error) => {
                    tracing::debug!(%peer, %error, "dial failed");
                    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
                    let wait =
                        known.get_mut(&peer).map_or(Duration::from_secs(60), |known| known.backoff.fail());
                    PeerEvent::Unreachable { peer, retry_at: clock.now() + wait }
                }
            };
            let _ = events.send(event).await;
        });
    }

    /// Wants a connection to whatever peer answers at an address.
    pub(crate) fn seek_address(&self, address: Multiaddr) {
        if let Some(Protocol::P2p(peer)) = address.iter().last() {
            self.learn(peer, vec![address]);
            let events = self.events.clone();
            self.spawn(async move {
                let _ = events.send(PeerEvent::AddressAnswered { peer }).await;
            });
            return;
        }
        let (control, events, known) = (self.control.clone(), self.events.clone(), self.known.clone());
        self.spawn(async move {
            let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));
            loop {
                match control.dial(Dial { peer: None, addresses: vec![address.clone()] }).await {
                    Ok(peer) => {
                        insert(&known, peer, vec![address]);
                        let _ = events.send(PeerEvent::AddressAnswered { peer }).await;
                        return;
                    }
                    Err(error) => {
                        let address = address.clone();
                        let _ = events.send(PeerEvent::AddressUnreachable { address, error }).await;
                    }
                }
                tokio::time::sleep(backoff.fail()).await;
            }
        });
    }

    /// Has no more use for a connection.
    pub(crate) fn release(&self, _: PeerId) {}

    /// Closes all connections to a peer, for good.
    pub(crate) fn ban(&self, peer: PeerId) {
        let control = self.control.clone();
        self.spawn(async move { control.disconnect(peer, true).await });
    }

    /// A tracker told where a peer is.
    pub(crate) fn learn_from_tracker(&self, peer: PeerId, addresses: Vec<Multiaddr>, _: Option<PeerId>) {
        self.learn(peer, addresses);
    }

    /// A peer told where another one is.
    pub(crate) fn learn_from_peer(&self, peer: PeerId, addresses: Vec<Multiaddr>, _: PeerId) {
        self.learn(peer, addresses);
    }

    fn learn(&self, peer: PeerId, addresses: Vec<Multiaddr>) {
        insert(&self.known, peer, addresses);
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<PeerId, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.retain(|task| !task.is_finished());
        tasks.push(tokio::spawn(task).abort_handle());
    }
}

fn insert(known: &Mutex<BTreeMap<PeerId, Known>>, peer: PeerId, addresses: Vec<Multiaddr>) {
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    if known.len() >= MAX_KNOWN && !known.contains_key(&peer) {
        return;
    }
    let backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));
    let entry = known.entry(peer).or_insert(Known { addresses: Vec::new(), backoff });
    for mut address in addresses.into_iter().filter(is_dialable) {
        if matches!(address.iter().last(), Some(Protocol::P2p(_))) {
            address.pop();
        }
        if entry.addresses.len() < MAX_ADDRESSES && !entry.addresses.contains(&address) {
            entry.addresses.push(address);
        }
    }
}

impl Drop for PeersHandle {
    fn drop(&mut self) {
        let tasks = self.tasks.get_mut().unwrap_or_else(PoisonError::into_inner);
        tasks.iter().for_each(AbortHandle::abort);
    }
}

async fn forward(control: Control, events: mpsc::Sender<PeerEvent>) {
    let mut net = control.events();
    loop {
        let event = match net.recv().await {
            Ok(NetEvent::Disconnected { peer }) => PeerEvent::Disconnected { peer },
            Err(RecvError::Lagged(_)) => PeerEvent::Lagged { connected: control.connected().await },
            Err(RecvError::Closed) => return,
        };
        if events.send(event).await.is_err() {
            return;
        }
    }
}
