//! The book as a whole, in a world where the test decides which peers can be reached.

mod dialing;
mod limits;
mod properties;
mod sharing;

use std::time::Duration;

use libp2p_identity::PeerId;
use multiaddr::Multiaddr;
use rand::SeedableRng;
use shoal_addresses::Scope;

use super::book::PeerBook;
use super::config::PeerBookConfig;
use super::output::{Connection, Dial, DialFailure, DialId, PeerBookOutput, Teller};
use crate::SeededRng;
use crate::testing::peer;

/// Contents are numbers here.
type Output = PeerBookOutput<u32>;

const START: Duration = Duration::from_secs(1000);
const USER: Teller = Teller::User;

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// An address of a host of its own.
fn address(n: usize) -> Multiaddr {
    format!("/ip4/{}.{}.{}.7/tcp/1000", 20 + n / 65536, n / 256 % 256, n % 256).parse().unwrap()
}

/// A connection with a peer at an address.
fn connection(dial: Option<DialId>, remote: Multiaddr) -> Connection {
    Connection { dial, outbound: dial.is_some(), standing: Scope::standing_at(&remote), remote }
}

fn inbound(n: usize) -> Connection {
    connection(None, address(n))
}

/// A book and its time.
struct World {
    book: PeerBook<u32>,
    now: Duration,
}

impl World {
    fn new(config: PeerBookConfig) -> Self {
        Self { book: PeerBook::new(peer(0), config, SeededRng::seed_from_u64(1)), now: START }
    }

    /// Learns that the `n`th peer is at the `n`th address.
    fn learn(&mut self, n: usize, teller: Teller) {
        self.book.learn(self.now, peer(n), [address(n)], teller);
    }

    fn seek(&mut self, content: u32, n: usize) {
        self.book.seek(self.now, content, peer(n));
    }

    /// All that the book has to say now.
    fn drain(&mut self) -> Vec<Output> {
        std::iter::from_fn(|| self.book.poll(self.now)).collect()
    }

    /// The dials among what the book has to say now.
    fn dials(&mut self) -> Vec<(DialId, Dial)> {
        self.drain().into_iter().filter_map(dial).collect()
    }

    fn dialled(&mut self) -> Vec<PeerId> {
        self.dials().into_iter().filter_map(|(_, dial)| dial.peer).collect()
    }

    fn answer(&mut self, id: DialId, n: usize) -> Connection {
        let connection = connection(Some(id), address(n));
        self.book.connected(self.now, peer(n), connection.clone());
        connection
    }

    /// Seeks a peer and lets it answer.
    fn connect(&mut self, content: u32, n: usize) -> Connection {
        self.learn(n, USER);
        self.seek(content, n);
        let dials = self.dials();
        let (id, _) = dials.into_iter().find(|(_, dial)| dial.peer == Some(peer(n))).expect("a dial");
        let connection = self.answer(id, n);
        assert!(self.drain().contains(&Output::Connected { content, peer: peer(n) }));
        connection
    }

    fn come_in(&mut self, n: usize) -> Connection {
        self.book.connected(self.now, peer(n), inbound(n));
        inbound(n)
    }

    fn wait(&mut self, time: Duration) {
        self.now += time;
    }
}

fn dial(output: Output) -> Option<(DialId, Dial)> {
    match output {
        Output::Dial { id, dial } => Some((id, dial)),
        _ => None,
    }
}

fn closed(outputs: &[Output]) -> Vec<PeerId> {
    let closed = outputs.iter().filter_map(|output| match output {
        Output::Close { peer } => Some(*peer),
        _ => None,
    });
    closed.collect()
}
