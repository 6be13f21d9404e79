//! One planner, told what happens.

mod clocks;
mod copies;
mod properties;
mod trust;

use std::time::Duration;

use libp2p_identity::PeerId;
use shoal_content::{ContentId, Hash};
use shoal_wire::store::{CopyState, StoreEnd, StoreRecord};

use super::place::Place;
use super::{StoreInput, StoreOutput, StorePlanner, StorePlannerConfig, StoreProof};
use crate::numbered_peer;

pub(super) fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

pub(super) fn content(n: u8) -> ContentId {
    ContentId::from_root_hash(Hash::of(&[n]))
}

pub(super) fn record(n: u8, copies: u8, issued: u64) -> StoreRecord {
    StoreRecord {
        name: format!("content {n}"),
        size: 1000,
        owner: b"owner".to_vec(),
        copies,
        issued,
        content: content(n),
        expires: 1_000_000,
        signature: vec![],
    }
}

pub(super) fn end(n: u8, issued: u64) -> StoreEnd {
    StoreEnd { owner: b"owner".to_vec(), issued, content: content(n), signature: vec![] }
}

/// Peers from the nearest to a content to the farthest.
pub(super) fn by_distance(n: u8, peers: impl IntoIterator<Item = u32>) -> Vec<PeerId> {
    let place = Place::of_content(&content(n));
    let mut peers: Vec<PeerId> = peers.into_iter().map(numbered_peer).collect();
    peers.sort_by_key(|peer| place.distance(&Place::of_peer(peer)));
    peers
}

/// A planner with a clock.
pub(super) struct Desk {
    pub(super) planner: StorePlanner,
    pub(super) now: Duration,
}

impl Desk {
    pub(super) fn new(local: PeerId, donated: u64) -> Self {
        Self::by_clock(local, donated, Duration::ZERO)
    }

    /// One whose machine says that it is so long since 1970.
    pub(super) fn by_clock(local: PeerId, donated: u64, start: Duration) -> Self {
        let config = StorePlannerConfig { donated, start, ..StorePlannerConfig::default() };
        Self { planner: StorePlanner::new(local, config), now: secs(0) }
    }

    /// Others say that they are there and take contents.
    pub(super) fn meet(&mut self, peers: &[PeerId]) {
        for peer in peers {
            self.tell(StoreInput::Hello { peer: *peer, willing: true, free: 1 << 30 });
        }
    }

    /// Tells something; returns what is to be done.
    pub(super) fn tell(&mut self, input: StoreInput) -> Vec<StoreOutput> {
        self.planner.handle(self.now, input);
        self.outputs()
    }

    pub(super) fn outputs(&mut self) -> Vec<StoreOutput> {
        std::iter::from_fn(|| self.planner.poll_output()).collect()
    }

    /// A peer says what it has.
    pub(super) fn says(&mut self, peer: PeerId, n: u8, state: CopyState) -> Vec<StoreOutput> {
        self.tell(StoreInput::Status { peer, content: content(n), state, holders: vec![], records: vec![] })
    }

    pub(super) fn proves(&mut self, peer: PeerId, n: u8) -> Vec<StoreOutput> {
        self.tell(StoreInput::Checked { peer, content: content(n), answer: StoreProof::Given })
    }

    /// Lets time pass; those in `there` answer all pings, and nobody else does. Returns what was to be done besides, and
    /// when.
    pub(super) fn pass(&mut self, time: Duration, there: &[PeerId]) -> Vec<(Duration, StoreOutput)> {
        let (until, mut done) = (self.now + time, vec![]);
        while let Some(due) = self.planner.next_timeout().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            self.planner.tick(self.now);
            let mut outputs = self.outputs();
            while !outputs.is_empty() {
                for output in std::mem::take(&mut outputs) {
                    match output {
                        StoreOutput::Hello(peer) if there.contains(&peer) => {
                            outputs.extend(self.tell(StoreInput::Hello {
                                peer,
                                willing: true,
                                free: 1 << 30,
                            }));
                        }
                        StoreOutput::Hello(peer) => outputs.extend(self.tell(StoreInput::Silent(peer))),
                        StoreOutput::Check { peer, content } if there.contains(&peer) => {
                            let answer = StoreProof::Given;
                            outputs.extend(self.tell(StoreInput::Checked { peer, content, answer }));
                        }
                        other => done.push((self.now, other)),
                    }
                }
            }
        }
        self.now = until;
        done
    }
}

/// To whom a content is offered.
pub(super) fn offered<'a>(outputs: impl IntoIterator<Item = &'a StoreOutput>) -> Vec<PeerId> {
    let to = |output: &StoreOutput| match output {
        StoreOutput::Offer { to, .. } => Some(*to),
        _ => None,
    };
    outputs.into_iter().filter_map(to).collect()
}

/// A node that holds content 1, its place among the holders given by `local`, with two others that proved theirs.
pub(super) fn holder(all: &[PeerId], local: usize) -> Desk {
    let mut desk = Desk::new(all[local], 1 << 20);
    let others: Vec<PeerId> = all.iter().copied().filter(|peer| *peer != all[local]).collect();
    desk.meet(&others);
    let answer = desk.planner.offer_came(desk.now, all[2], record(1, 3, 1), vec![], false);
    assert_eq!((answer.state, answer.why), (CopyState::Fetching, None));
    desk.tell(StoreInput::Stored(content(1)));
    for other in all[..3].iter().filter(|peer| **peer != all[local]) {
        desk.says(*other, 1, CopyState::Held);
        desk.proves(*other, 1);
    }
    desk.outputs();
    desk
}
