//! Peers that do anything at any time, and a member of their swarm.
//!
//! The bytes are a script: each step takes two of them, what happens and to whom or how much. The member is the one
//! that nodes and the simulator drive; around it stands a [`world::World`] that plays the part of the node: it checks
//! blocks and chunks, and only tells what a node could tell. Peers join or not, have what they like, send right and wrong
//! chunks late, early and twice, refuse, vanish and lie.
//!
//! What must hold: see `world`. In the end an honest peer with everything comes, and then the content must become complete.

mod acts;
mod world;

use std::sync::Arc;
use std::time::Duration;

use shoal_content::ChunkSet;
use shoal_engine::{
    ConnectionEvent, MemberInput, NeighbourEvent, PeerSource, StoreEvent, StreamEvent, TrackerEvent,
};
use shoal_wire::chunks::ChunkRefusal;
use shoal_wire::query::Load;

use self::world::World;
use super::input::Pieces;

/// Peers of the script, from 1.
const PEERS: u32 = 6;
/// A script has no more steps.
const STEPS: usize = 400;

pub(super) fn script(bytes: &[u8]) {
    let mut pieces = Pieces::new(bytes);
    let mut world = World::new(pieces.byte());
    for _ in 0..STEPS {
        if pieces.is_empty() || world.has_ended() {
            break;
        }
        step(&mut world, pieces.byte(), pieces.byte());
    }
    world.rescue();
}

fn step(world: &mut World, what: u8, arg: u8) {
    let peer = 1 + u32::from(arg) % PEERS;
    let more = usize::from(arg) / PEERS as usize;
    match what % 24 {
        0 => found(world, peer, more),
        1 => world.connect(peer),
        2 => world.unreachable(peer, Duration::from_millis(100 << (more % 10))),
        3 => world.disconnect(peer),
        4 | 5 => world.answer_join(peer, Some(world.map(more))),
        6 => world.answer_join(peer, None),
        7 => world.neighbour(peer, NeighbourEvent::JoinedBy { have: Arc::new(world.map(more)) }),
        8 => world.neighbour(peer, NeighbourEvent::Has(Arc::new(world.map(more)).into())),
        9 => world.neighbour(peer, NeighbourEvent::Told { lost: Some(Arc::new(world.map(more))) }),
        10 => world.neighbour(peer, NeighbourEvent::Asked),
        11 => world.neighbour(peer, NeighbourEvent::Left),
        12 if more == 0 => {
            world.blame(peer);
            world.neighbour(peer, NeighbourEvent::Invalid);
        }
        12 | 13 => world.open_stream(peer),
        14 => world.stream(peer, StreamEvent::Failed),
        15 => world.lose_stream(peer),
        16 => world.stream(peer, StreamEvent::Progress { bytes: (more as u64) << (more % 48) }),
        17 => world.begin(peer, more),
        18 | 19 => world.deliver(peer, more, more % 8 != 7),
        20 => world.refuse(peer, more, refusal(more)),
        21 => world.answer_block(peer, more),
        22 => other(world, arg),
        _ => world.wait(Duration::from_millis(u64::from(arg).pow(2))),
    }
}

fn found(world: &mut World, peer: u32, more: usize) {
    let source = match more % 6 {
        0 => PeerSource::Peer(1 + more as u32 % PEERS),
        1 => PeerSource::Dht,
        2 => PeerSource::Lan,
        3 => PeerSource::Remembered,
        4 => PeerSource::Tracker(0),
        _ => PeerSource::User,
    };
    world.tell(MemberInput::Found { peers: vec![peer, 0, peer], source });
}

fn refusal(more: usize) -> ChunkRefusal {
    use ChunkRefusal::{Busy, Choked, NoneFresh, NotFound, Unsupported};
    [NotFound, Busy, Choked, NoneFresh, Unsupported][more % 5]
}

fn other(world: &mut World, arg: u8) {
    match arg % 6 {
        0 => world.tell(MemberInput::Store(StoreEvent::Blocked)),
        1 => world.tell(MemberInput::Store(StoreEvent::Unblocked)),
        2 => world.tell(MemberInput::AddressesChanged),
        3 => tracker(world, TrackerEvent::Registered(Some(Duration::from_secs(u64::from(arg) * 60)))),
        4 => tracker(world, TrackerEvent::Registered(None)),
        _ => tracker(world, TrackerEvent::Discovered(arg > 99)),
    }
}

fn tracker(world: &mut World, event: TrackerEvent) {
    world.tell(MemberInput::Tracker { tracker: 0, event });
}

/// How busy peers say that they are.
const LOAD: Load = Load { rate: 1 << 20, active: 1, queued: u64::MAX / 2 };

/// What a peer has.
fn map_of(chunks: usize, more: usize) -> ChunkSet {
    let mut set = ChunkSet::with_capacity(chunks);
    match more % 4 {
        0 => set.insert_range(..),
        1 => {}
        _ => (0..chunks)
            .filter(|chunk| (chunk * 7 + more).is_multiple_of(3))
            .for_each(|chunk| set.insert(chunk)),
    }
    set
}

/// What a step of the script says of a connection.
fn connection(peer: u32, event: ConnectionEvent) -> MemberInput<u32> {
    MemberInput::Connection { peer, event }
}
