//! What happens in a script: only what a node could tell, and only at a time when it could.

use std::sync::Arc;
use std::time::Duration;

use shoal_content::ChunkSet;
use shoal_engine::{
    BlockFailure, ConnectionEvent, MemberInput, NeighbourEvent, PeerSource, RequestId, StoreEvent,
    StreamEvent,
};
use shoal_wire::chunks::ChunkRefusal;

use super::world::{CHUNKS, MANIFEST, World};
use super::{LOAD, connection};

/// The peer that has everything and does what it should.
const HONEST: u32 = 99;

impl World {
    pub(super) fn connect(&mut self, peer: u32) {
        if self.member.has_sought(&peer) {
            self.tell(connection(peer, ConnectionEvent::Connected));
        }
    }

    pub(super) fn unreachable(&mut self, peer: u32, after: Duration) {
        if self.member.has_sought(&peer) {
            let retry_at = self.now + after;
            self.tell(connection(peer, ConnectionEvent::Unreachable { retry_at }));
        }
    }

    pub(super) fn disconnect(&mut self, peer: u32) {
        self.lose_stream(peer);
        let it = self.peer(peer);
        (it.wants_join, it.wants_stream) = (false, false);
        self.blocks.retain(|(asked, _)| *asked != peer);
        self.tell(connection(peer, ConnectionEvent::Disconnected));
    }

    pub(super) fn answer_join(&mut self, peer: u32, have: Option<ChunkSet>) {
        if !std::mem::take(&mut self.peer(peer).wants_join) {
            return;
        }
        let event = match have {
            Some(have) => {
                NeighbourEvent::Joined { rtt: Duration::from_millis(20), have: Arc::new(have), load: LOAD }
            }
            None => NeighbourEvent::JoinFailed,
        };
        self.neighbour(peer, event);
    }

    pub(super) fn neighbour(&mut self, peer: u32, event: NeighbourEvent) {
        let said: Vec<usize> = match &event {
            NeighbourEvent::Joined { have, .. } | NeighbourEvent::JoinedBy { have } => have.ones().collect(),
            NeighbourEvent::Has(chunks) => chunks.iter().map(|chunk| chunk as usize).collect(),
            _ => vec![],
        };
        said.into_iter().for_each(|chunk| self.peer(peer).said.insert(chunk));
        self.tell(MemberInput::Neighbour { peer, event });
    }

    pub(super) fn stream(&mut self, peer: u32, event: StreamEvent) {
        if matches!(event, StreamEvent::Failed) {
            if !std::mem::take(&mut self.peer(peer).wants_stream) {
                return;
            }
        } else if !self.peer(peer).stream {
            return;
        }
        self.tell(MemberInput::Stream { peer, event });
    }

    pub(super) fn open_stream(&mut self, peer: u32) {
        let it = self.peer(peer);
        if std::mem::take(&mut it.wants_stream) && !it.banned {
            it.stream = true;
            self.tell(MemberInput::Stream { peer, event: StreamEvent::Opened });
        }
    }

    pub(super) fn lose_stream(&mut self, peer: u32) {
        if self.peer(peer).close_stream() {
            self.tell(MemberInput::Stream { peer, event: StreamEvent::Lost });
        }
    }

    fn nth(&mut self, peer: u32, nth: usize) -> Option<RequestId> {
        let asked = &self.peer(peer).asked;
        asked.keys().nth(nth % asked.len().max(1)).copied()
    }

    pub(super) fn begin(&mut self, peer: u32, more: usize) {
        let Some(id) = self.nth(peer, more) else { return };
        if !self.peer(peer).stream {
            return;
        }
        let Some(asked) = self.peer(peer).asked.get_mut(&id) else { return };
        let chunk = asked.chunk.unwrap_or((more * 5 % CHUNKS) as u32);
        if asked.begun.is_none() {
            asked.begun = Some(chunk);
            self.tell(MemberInput::Stream {
                peer,
                event: StreamEvent::Begun { id, chunk, queued: more as u64 },
            });
        }
    }

    /// A chunk is whole. The world compares it with its hash, and the disk says what is new.
    pub(super) fn deliver(&mut self, peer: u32, more: usize, right: bool) {
        self.begin(peer, more);
        let Some(id) = self.nth(peer, more) else { return };
        let Some(chunk) = self.peer(peer).asked.get(&id).and_then(|asked| asked.begun) else { return };
        self.peer(peer).asked.remove(&id);
        let event = if right {
            let servable = if self.verified.put(chunk as usize) { vec![] } else { vec![chunk] };
            StreamEvent::Stored { id, chunk, servable }
        } else {
            self.peer(peer).blamed = true;
            StreamEvent::Corrupt { id, chunk }
        };
        self.tell(MemberInput::Stream { peer, event });
    }

    pub(super) fn refuse(&mut self, peer: u32, more: usize, why: ChunkRefusal) {
        let Some(id) = self.nth(peer, more) else { return };
        let it = self.peer(peer);
        if it.stream && it.asked.get(&id).is_some_and(|asked| asked.begun.is_none()) {
            it.asked.remove(&id);
            self.tell(MemberInput::Stream { peer, event: StreamEvent::Refused { id, why } });
        }
    }

    pub(super) fn answer_block(&mut self, peer: u32, more: usize) {
        let Some(at) = self.blocks.iter().position(|(asked, _)| *asked == peer) else { return };
        let (_, hash) = self.blocks.remove(at);
        let block = match more % 4 {
            0 => Err(BlockFailure::NotFound),
            1 => {
                self.peer(peer).blamed = true;
                Ok(vec![0xa0; more])
            }
            _ => Ok(MANIFEST.block(&hash).expect("only blocks of the manifest are asked for")),
        };
        self.tell(MemberInput::Block { peer, hash, block });
    }

    /// Time passes, and the member is woken when it wants to be.
    pub(super) fn wait(&mut self, time: Duration) {
        let end = self.now + time;
        let mut woken_at = (self.now, 0);
        while let Some(at) = self.member.next_timeout().filter(|at| *at <= end) {
            self.now = at.max(self.now);
            woken_at = if woken_at.0 == self.now { (self.now, woken_at.1 + 1) } else { (self.now, 0) };
            assert!(woken_at.1 < 20, "it wakes again and again and does not move on: {:?}", self.member);
            self.tell(MemberInput::Timeout);
        }
        self.now = end;
    }

    /// Everybody else goes, and an honest peer comes that has everything. Then everything must come.
    pub(super) fn rescue(&mut self) {
        let others: Vec<u32> = self.peers.keys().copied().collect();
        others.into_iter().for_each(|peer| self.disconnect(peer));
        self.tell(MemberInput::Store(StoreEvent::Unblocked));
        self.tell(MemberInput::Found { peers: vec![HONEST], source: PeerSource::User });
        for _ in 0..2000 {
            if self.ended || self.complete {
                break;
            }
            self.connect(HONEST);
            self.answer_join(HONEST, Some(self.map(0)));
            self.open_stream(HONEST);
            self.answer_block(HONEST, 2);
            let answered = self.peer(HONEST).asked.len();
            (0..answered).for_each(|_| self.deliver(HONEST, 0, true));
            self.sought_in_vain();
            self.wait(Duration::from_millis(100));
        }
        assert!(
            self.ended || self.complete,
            "an honest peer has everything, and it does not come: {:?}",
            self.member
        );
        if self.complete {
            assert!(
                self.member.have().is_full(),
                "what is here is not told to others: {:?}",
                self.member.have()
            );
        }
    }

    fn sought_in_vain(&mut self) {
        let sought: Vec<u32> = self.member.sought().filter(|peer| *peer != HONEST).collect();
        sought.into_iter().for_each(|peer| self.unreachable(peer, Duration::from_secs(60)));
    }
}
