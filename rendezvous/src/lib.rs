//! The tracker: a libp2p rendezvous point where the peers of a content find each other.
//!
//! It speaks `/rendezvous/1.0.0` (github.com/libp2p/specs, rendezvous): peers register under a namespace
//! for a limited time, and discover other peers that have. [`shoal_registry`] keeps the table, `point` holds the
//! protocol's rules, `server` is the task that owns the network. Peers that others report dead are looked for
//! (`probes`) and dropped only if they give no sign of life.
//!
//! What it is not: it stores no content, sees no chunk, and no transfer needs it once peers are connected.
//!
//! What always holds: a request is answered with the specification's status, whatever is wrong with it;
//! requests, connections, registrations and probes are bounded, for each peer and in all ([`Settings`]).

mod answers;
mod behaviour;
mod codec;
pub mod config;
mod connections;
mod counters;
pub mod identity;
pub mod log;
pub mod metrics;
mod persistence;
mod point;
mod prefix_limits;
mod probes;
mod relaying;
mod server;
mod service;
mod settings;
mod sign_of_life;
pub mod store;
mod transport;

use std::time::Duration;

use libp2p::identity::Keypair;
use libp2p::{Multiaddr, PeerId};
use rand::SeedableRng;
use rand::rngs::SysRng;
use rand_chacha::ChaCha8Rng;
use shoal_registry::Registry;
use shoal_wire::tracker::Verdict;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;

pub use self::counters::{Counters, Probes, Requests};
use self::persistence::Persistence;
use self::point::Point;
use self::server::{Order, Server, State};
pub use self::settings::{Rate, RelaySettings, Settings};

/// Orders that may wait for the server.
const ORDERS: usize = 64;

/// Why a tracker cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Keys or transports.
    #[error("cannot set up the network: {0}")]
    Setup(String),
    /// The state from the last start cannot be read, or not be kept.
    #[error(transparent)]
    Store(#[from] store::StoreError),
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {why}; choose another address with --listen")]
    Listen {
        /// Where.
        address: Multiaddr,
        /// What the system said.
        why: String,
    },
}

/// A running tracker. Dropping it ends it.
pub struct TrackerServer {
    addresses: Vec<Multiaddr>,
    feed: metrics::Feed,
    orders: mpsc::Sender<Order>,
    server: JoinHandle<Persistence>,
}

impl TrackerServer {
    /// Starts a tracker and waits until it listens on every address.
    ///
    /// # Errors
    /// An address cannot be listened on, or the machine lacks something.
    pub async fn start(identity: Keypair, settings: Settings) -> Result<Self, StartError> {
        let start = Instant::now();
        let peer = identity.public().to_peer_id();
        let mut swarm = transport::swarm(identity, &settings)?;
        transport::listen(&mut swarm, &settings.listen).await?;
        settings.external.iter().for_each(|address| swarm.add_external_address(address.clone()));
        if settings.relay.is_some() {
            relaying::announce(&mut swarm);
        }
        let addresses = transport::addresses(&swarm, &settings.external, peer);
        // Cookies are as hard to forge as this is to guess.
        let rng = ChaCha8Rng::try_from_rng(&mut SysRng).map_err(|e| StartError::Setup(e.to_string()))?;
        let mut point = Point::new(&settings, Registry::new(settings.limits.clone(), rng));
        let mut services = service::services(Duration::ZERO);
        let (persistence, saved) = Persistence::open(settings.data.as_deref(), start.elapsed()).await?;
        persistence.restore(saved, start.elapsed(), point.registry_mut(), &mut services);
        let state = State { point, services, persistence, start };
        let (orders, received) = mpsc::channel(ORDERS);
        let (reporter, feed) = metrics::channel();
        let server = tokio::spawn(Server::new(swarm, state, received, reporter).run());
        Ok(Self { addresses, feed, orders, server })
    }

    /// Where peers reach it, each ending in `/p2p/PEER`; loopback addresses last.
    pub fn addresses(&self) -> &[Multiaddr] {
        &self.addresses
    }

    /// Its figures, for [`metrics::serve`].
    pub fn feed(&self) -> metrics::Feed {
        self.feed.clone()
    }

    /// What it has done, and what it holds; none if it has ended.
    pub async fn counters(&self) -> Option<Counters> {
        self.ask(Order::Counters).await
    }

    /// Tells it that `peer` does not answer `reporter`, as peers do themselves. It looks for the peer, if
    /// there is reason to; see [`Registry::report`]. None if it has ended.
    pub async fn report(&self, reporter: PeerId, peer: PeerId) -> Option<Verdict> {
        self.ask(|reply| Order::Report { reporter, peer, reply }).await
    }

    /// Ends it, and waits until its connections and sockets are closed and its state is written. `false` if
    /// writing took longer than `deadline`, or failed.
    pub async fn shutdown(self, deadline: Duration) -> bool {
        drop(self.orders);
        match self.server.await {
            Ok(persistence) => persistence.close(deadline).await,
            // It has panicked.
            Err(_) => false,
        }
    }

    async fn ask<T>(&self, order: impl FnOnce(oneshot::Sender<T>) -> Order) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.orders.send(order(reply)).await.ok()?;
        answer.await.ok()
    }
}
