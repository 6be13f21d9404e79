//! Handshakes that others begin: a newcomer always gets in, and the oldest one that is not done makes room for it.
//!
//! A transport around the transports. It lets every connection begin. Where too many handshakes are under way, the
//! oldest one ends, of the network that has most of them. A honest peer is done within a few round trips, so half-open
//! connections, however many somebody holds, keep it out only if they come faster than that.
//!
//! What this is not: it neither limits connections that stand, which is the peer book's work, nor how long one
//! handshake takes, which is the Swarm's. What always holds: at most [`MAX`] handshakes are under way, or fewer
//! where fewer connections are allowed, and of one [`Network`] at most half of them, loopback excepted.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures::future::{BoxFuture, FutureExt};
use libp2p::Multiaddr;
use libp2p::core::transport::{DialOpts, ListenerId, Transport, TransportError, TransportEvent};
use shoal_addresses::{Network, ip_of};
use tokio_util::sync::CancellationToken;

/// Handshakes under way.
pub(super) const MAX: usize = 64;

/// A transport whose inbound handshakes are bounded. See the module.
pub(super) struct BoundedHandshakes<T> {
    transport: T,
    table: Arc<Mutex<Table>>,
}

impl<T> BoundedHandshakes<T> {
    /// `most` handshakes at once, and no more than [`MAX`].
    pub(super) fn new(transport: T, most: usize) -> Self {
        Self { transport, table: Arc::new(Mutex::new(Table::new(most.clamp(2, MAX)))) }
    }
}

/// Why a handshake that somebody else began has failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum HandshakeError<E> {
    /// By itself.
    #[error(transparent)]
    Failed(E),
    /// It has made room for a newer one.
    #[error("too many connections begin at once")]
    GaveWay,
}

impl<T> Transport for BoundedHandshakes<T>
where
    T: Transport + Unpin,
    T::Output: 'static,
    T::Error: 'static,
    T::ListenerUpgrade: Send + 'static,
    T::Dial: Send + 'static,
{
    type Output = T::Output;
    type Error = HandshakeError<T::Error>;
    type ListenerUpgrade = BoxFuture<'static, Result<T::Output, Self::Error>>;
    type Dial = BoxFuture<'static, Result<T::Output, Self::Error>>;

    fn listen_on(&mut self, id: ListenerId, address: Multiaddr) -> Result<(), TransportError<Self::Error>> {
        self.transport.listen_on(id, address).map_err(|error| error.map(HandshakeError::Failed))
    }

    fn remove_listener(&mut self, id: ListenerId) -> bool {
        self.transport.remove_listener(id)
    }

    fn dial(
        &mut self,
        address: Multiaddr,
        options: DialOpts,
    ) -> Result<Self::Dial, TransportError<Self::Error>> {
        let dial = self.transport.dial(address, options);
        let dial = dial.map_err(|error| error.map(HandshakeError::Failed))?;
        Ok(dial.map(|result| result.map_err(HandshakeError::Failed)).boxed())
    }

    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<TransportEvent<Self::ListenerUpgrade, Self::Error>> {
        let event = std::task::ready!(Pin::new(&mut self.transport).poll(cx));
        let TransportEvent::Incoming { listener_id, upgrade, local_addr, send_back_addr } = event else {
            let never = |_| unreachable!("an incoming connection is handled above");
            return Poll::Ready(event.map_err(HandshakeError::Failed).map_upgrade(never));
        };
        let place = Place::take(&self.table, ip_of(&send_back_addr).map(Network::of));
        let upgrade = async move {
            let gave_way = place.gave_way.clone();
            tokio::select! {
                result = upgrade => result.map_err(HandshakeError::Failed),
                () = gave_way.cancelled() => Err(HandshakeError::GaveWay),
            }
        };
        Poll::Ready(TransportEvent::Incoming {
            listener_id,
            upgrade: upgrade.boxed(),
            local_addr,
            send_back_addr,
        })
    }
}

/// The place of one handshake; given back when dropped.
struct Place {
    table: Arc<Mutex<Table>>,
    number: u64,
    gave_way: CancellationToken,
}

impl Place {
    fn take(table: &Arc<Mutex<Table>>, network: Option<Network>) -> Self {
        let gave_way = CancellationToken::new();
        let number = lock(table).begin(network, gave_way.clone());
        Self { table: table.clone(), number, gave_way }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        lock(&self.table).end(self.number);
    }
}

fn lock(table: &Mutex<Table>) -> MutexGuard<'_, Table> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The handshakes under way, by age.
#[derive(Debug)]
struct Table {
    most: usize,
    /// By number; the lowest is the oldest.
    underway: BTreeMap<u64, (Option<Network>, CancellationToken)>,
    /// Handshakes that ever began.
    begun: u64,
}

impl Table {
    fn new(most: usize) -> Self {
        Self { most, underway: BTreeMap::new(), begun: 0 }
    }

    /// A handshake begins, of a network if that is known. Others give way for it.
    fn begin(&mut self, network: Option<Network>, gave_way: CancellationToken) -> u64 {
        let of_network = self.of(network).count();
        // Everybody on this machine has the same address.
        let local = matches!(network, Some(Network::Host(host)) if host.is_loopback());
        if of_network >= self.most / 2 && !local {
            self.give_way(network);
        } else if self.underway.len() >= self.most {
            self.give_way(self.largest());
        }
        self.begun += 1;
        self.underway.insert(self.begun, (network, gave_way));
        self.begun
    }

    fn end(&mut self, number: u64) {
        self.underway.remove(&number);
    }

    fn of(&self, network: Option<Network>) -> impl Iterator<Item = u64> {
        self.underway.iter().filter(move |(_, (it, _))| *it == network).map(|(number, _)| *number)
    }

    /// The network with most handshakes under way.
    fn largest(&self) -> Option<Network> {
        let mut counts: BTreeMap<Option<Network>, usize> = BTreeMap::new();
        for (network, _) in self.underway.values() {
            *counts.entry(*network).or_default() += 1;
        }
        counts.into_iter().max_by_key(|(_, count)| *count).and_then(|(network, _)| network)
    }

    /// The oldest handshake of a network ends.
    fn give_way(&mut self, network: Option<Network>) {
        let oldest = self.of(network).next();
        if let Some((_, gave_way)) = oldest.and_then(|oldest| self.underway.remove(&oldest)) {
            gave_way.cancel();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Begins some handshakes of an address.
    fn begin(table: &mut Table, ip: &str, count: usize) -> Vec<CancellationToken> {
        let network = Some(Network::of(ip.parse().unwrap()));
        let one = |_| {
            let gave_way = CancellationToken::new();
            table.begin(network, gave_way.clone());
            gave_way
        };
        (0..count).map(one).collect()
    }

    /// Which of some handshakes gave way.
    fn gone(handshakes: &[CancellationToken]) -> Vec<usize> {
        (0..handshakes.len()).filter(|n| handshakes[*n].is_cancelled()).collect()
    }

    #[test]
    fn a_network_that_begins_too_many_loses_its_own_oldest() {
        let mut table = Table::new(MAX);
        let others = begin(&mut table, "9.9.9.9", 1);
        let one = begin(&mut table, "8.8.8.1", MAX / 2);
        let neighbour = begin(&mut table, "8.8.8.2", 2);
        assert_eq!((gone(&others), gone(&one), gone(&neighbour)), (vec![], vec![0, 1], vec![]));
    }

    #[test]
    fn where_all_places_are_taken_the_network_with_most_loses_its_oldest() {
        let mut table = Table::new(MAX);
        let many = begin(&mut table, "127.0.0.1", MAX - 1);
        let few = begin(&mut table, "9.9.9.9", 1);
        let newcomers = begin(&mut table, "8.8.8.8", 3);
        assert_eq!((gone(&many), gone(&few), gone(&newcomers)), (vec![0, 1, 2], vec![], vec![]));
        assert_eq!(table.underway.len(), MAX);
    }

    #[test]
    fn a_place_is_given_back_however_the_handshake_ends() {
        let table = Arc::new(Mutex::new(Table::new(MAX)));
        let first = Place::take(&table, None);
        let second = Place::take(&table, None);
        assert_eq!(lock(&table).underway.len(), 2);
        drop(first);
        assert_eq!(lock(&table).underway.keys().collect::<Vec<_>>(), [&second.number]);
        lock(&table).give_way(None);
        assert!(second.gave_way.is_cancelled());
        drop(second);
        assert!(lock(&table).underway.is_empty());
    }
}
