//! A virtual peer.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::mem::offset_of;
use std::time::Duration;

use super::id::{Number, TransferId};
use super::links::{Link, Links};
use shoal_content::ChunkIndex;
use shoal_engine::{
    Backoff, Member, MemberInput, MemberOutput, MemberStep, Recording, UploadQueue, prefetch_around,
};
use shoal_wire::query::Load;

/// How a virtual peer behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Seed,
    Honest,
    /// Downloads like an honest one, and sends wrong bytes.
    Corrupt,
    /// Says that it has everything, and refuses.
    Refuses,
    /// Says that it has everything, and answers nothing.
    Silent,
    /// Has nothing and takes nothing.
    Idle,
}

impl Kind {
    pub(super) fn lies(self) -> bool {
        matches!(self, Self::Refuses | Self::Silent)
    }

    /// Whether it wants the content.
    pub(super) fn fetches(self) -> bool {
        matches!(self, Self::Honest | Self::Corrupt)
    }

    /// Whether it has everything from the start, or says so.
    pub(super) fn has_everything(self) -> bool {
        self == Self::Seed || self.lies()
    }
}

/// A virtual peer.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    /// Bytes per second.
    pub(super) up: u64,
    pub(super) down: u64,
    pub(super) alive: bool,
    pub(super) started: Duration,
    /// Its part in the swarm; `None` before it begins and after it has gone.
    pub(super) member: Option<Member<Number>>,
    /// Whether it knows the content's manifest.
    pub(super) knows_manifest: bool,
    /// Whether it has got everything.
    pub(super) completed: bool,
    /// What its member said and what is not done yet.
    pub(super) undone: VecDeque<MemberOutput<Number>>,
    /// Its member's course, if it is kept.
    pub(super) recording: Option<Recording<Number>>,
    pub(super) upload: UploadQueue<Number>,
    pub(super) links: Links,
    pub(super) banned: BTreeSet<Number>,
    /// How long to wait before a peer is dialled again.
    pub(super) backoffs: BTreeMap<Number, Backoff>,
    /// Chunks that wait for a turn on the uplink.
    pub(super) line: VecDeque<TransferId>,
    /// Whether a piece is on the uplink.
    pub(super) sending: bool,
    /// When the downlink has taken all that is on the way to it.
    pub(super) down_free: Duration,
    /// When the uplink has taken all manifest blocks.
    pub(super) blocks_free: Duration,
    /// When it will be woken.
    pub(super) timer: Option<Duration>,
    /// Bytes that left its uplink, with framing.
    pub(super) sent: u64,
}

impl Node {
    /// Has the caches fetch it, without what it points to.
    pub(super) fn prefetch(&self) {
        prefetch_around(size_of::<Self>(), &self.kind, offset_of!(Self, kind));
    }

    /// The connection to another, if it is the one of this number and stands.
    pub(super) fn link(&mut self, other: Number, number: u32) -> Option<&mut Link> {
        self.links.get_mut(other).filter(|link| link.number == number && link.up)
    }

    /// Whether it has a chunk to send.
    pub(super) fn serves(&self, chunk: ChunkIndex) -> bool {
        self.member.as_ref().is_some_and(|member| member.have().contains(chunk as usize))
    }

    /// The next thing that its member says.
    pub(super) fn next_output(&mut self) -> Option<MemberOutput<Number>> {
        self.undone.pop_front().or_else(|| self.member.as_mut()?.poll_output())
    }

    /// Tells its member something, and writes down what it says.
    pub(super) fn input_recorded(&mut self, now: Duration, input: MemberInput<Number>) -> bool {
        let (Some(member), Some(recording)) = (&mut self.member, &mut self.recording) else { return false };
        let news = member.handle(now, input.clone());
        let outputs: Vec<_> = std::iter::from_fn(|| member.poll_output()).collect();
        self.undone.extend(outputs.iter().cloned());
        recording.steps.push(MemberStep { now, input, outputs });
        news
    }

    /// When its engine wants to be woken at the latest.
    pub(super) fn next_timeout(&self) -> Option<Duration> {
        let member = self.member.as_ref().and_then(Member::next_timeout);
        member.into_iter().chain(self.upload.next_timeout()).min()
    }

    /// How busy it is, as it tells others.
    pub(super) fn load(&self) -> Load {
        Load { rate: 0, active: self.upload.active() as u32, queued: self.upload.queued() }
    }
}
