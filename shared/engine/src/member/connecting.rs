//! Which peers are sought, and which connections are given up.

use std::time::Duration;

use shoal_content::ChunkIndex;

use super::candidate::Pick;
use super::neighbours::Neighbour;
use super::{
    ConnectionEvent, MOST_DIALLING, Member, MemberOutput, Offence, PeerSource, Phase, SETTLED,
    SOUGHT_AT_FIRST,
};
use crate::PeerName;
use crate::download::Input;

/// How long to wait before a peer is sought again whose connection ended.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
/// How long to wait before a peer is sought again that was of no use.
pub(super) const USELESS_FOR: Duration = Duration::from_secs(60);
/// So many peers that the user named are sought beyond the target.
pub(super) const KEPT_FOR_NAMED: usize = 8;

/// Connections that may be sought and not reached before one more is. Those that the user named do not wait until
/// eight that others told of have turned out to be gone.
fn most_dialling(pick: Pick) -> usize {
    match pick {
        Pick::Named => MOST_DIALLING + KEPT_FOR_NAMED,
        Pick::Any | Pick::Incomplete | Pick::Promising => MOST_DIALLING,
    }
}

impl<P: PeerName> Member<P> {
    pub(super) fn found(&mut self, now: Duration, peers: Vec<P>, source: PeerSource<P>) {
        for peer in peers {
            if peer != self.local && !self.offenders.is_banned(&peer) {
                self.candidates.add(now, peer, source, &mut self.rng);
            }
        }
    }

    pub(super) fn on_connection(&mut self, now: Duration, peer: P, event: ConnectionEvent) {
        let complete = !self.seeks();
        match event {
            ConnectionEvent::Connected if self.offenders.contains(now, &peer) => {
                self.candidates.ended(&peer, now + USELESS_FOR);
                self.outputs.push_back(MemberOutput::Release { peer });
            }
            ConnectionEvent::Connected => {
                self.candidates.connected(&peer);
                self.add_neighbour(now, peer);
                // A complete member joins only those that it sought, and may have met this one before.
                self.neighbours.look_again(now);
            }
            ConnectionEvent::Unreachable { retry_at } => self.candidates.failed(&peer, retry_at, complete),
            ConnectionEvent::Disconnected => {
                self.candidates.ended(&peer, now + AGAIN_AFTER);
                self.forget(now, &peer);
            }
        }
    }

    /// A peer that may have the content is connected.
    pub(super) fn add_neighbour(&mut self, now: Duration, peer: P) {
        self.neighbours.add(now, peer);
        if let Phase::Manifest(fetch) = &mut self.phase {
            fetch.peer_up(now, peer);
        }
    }

    /// Connections that are sought at this time.
    fn target(&self, now: Duration) -> usize {
        match self.phase {
            Phase::Complete => self.takers_sought(),
            Phase::Ended => 0,
            _ if now < self.started + SETTLED => self.config.most_sought.min(SOUGHT_AT_FIRST),
            _ => self.config.most_sought,
        }
    }

    /// Connections that are there or on their way at a time, as far as the target is concerned.
    fn reached(&self, at: Duration) -> usize {
        let neighbours = match self.phase {
            Phase::Complete => self.takers(at),
            _ => self.neighbours.len(),
        };
        neighbours + self.candidates.sought()
    }

    pub(super) fn seek(&mut self, now: Duration) {
        if self.candidates.due().is_none_or(|due| now < due) {
            return;
        }
        if !self.seeks() && now < self.fulfilment.rests_until() {
            return;
        }
        let pick = if self.seeks() { Pick::Any } else { Pick::Incomplete };
        let mut room = self.target(now).saturating_sub(self.reached(now));
        if room > 0 && !self.seeks() {
            self.make_room_for_takers(now);
        }
        while room > 0 && self.seek_one(now, pick) {
            room -= 1;
        }
        if self.seeks() {
            while self.named_places() > 0 && self.seek_one(now, Pick::Named) {}
        }
        if self.seeks() && room == 0 && self.may_look(now) && self.give_way(now) {
            self.seek_one(now, Pick::Promising);
        }
    }

    /// Seeks the next candidate. `false`: there is none, or too many are being dialled.
    fn seek_one(&mut self, now: Duration, pick: Pick) -> bool {
        while self.candidates.sought() < most_dialling(pick)
            && let Some(peer) = self.candidates.next(now, pick)
        {
            // It may have come by itself.
            if self.neighbours.get(&peer).is_none() {
                self.outputs.push_back(MemberOutput::Seek { peer });
                return true;
            }
            self.candidates.connected(&peer);
        }
        false
    }

    /// Places beyond the target that are kept for peers that the user named.
    fn named_places(&self) -> usize {
        if self.candidates.named_due().is_none() {
            return 0;
        }
        KEPT_FOR_NAMED.saturating_sub(self.candidates.named_taken())
    }

    /// When [`seek`](Self::seek) may next have something to do.
    pub(super) fn next_seek(&self) -> Option<Duration> {
        let due = self.candidates.due()?;
        let sought = self.candidates.sought();
        let may_dial = self.named_places() > 0 && sought < most_dialling(Pick::Named);
        let named = self.candidates.named_due().filter(|_| may_dial);
        if sought >= MOST_DIALLING {
            return named.filter(|_| self.seeks());
        }
        if !self.seeks() {
            return self.takers_lack_at().map(|at| at.max(due).max(self.fulfilment.rests_until()));
        }
        if self.reached(due) < self.target(self.started) {
            return Some(due);
        }
        let settled = self.started + SETTLED;
        if self.reached(due) < self.target(settled) {
            return named.into_iter().chain([due.max(settled)]).min();
        }
        let promising = self.candidates.promising_due().map(|at| at.max(self.next_look()));
        named.into_iter().chain(promising).min()
    }

    /// Ends what there is with a peer, for this content alone. It may be sought again after a while.
    pub(super) fn disconnect(&mut self, now: Duration, peer: P, again_after: Duration) {
        if self.neighbours.get(&peer).is_some_and(Neighbour::is_joined) {
            self.outputs.push_back(MemberOutput::Leave { peer });
        }
        self.candidates.ended(&peer, now + again_after);
        self.forget(now, &peer);
        self.outputs.push_back(MemberOutput::Release { peer });
    }

    /// Never has to do with a peer again.
    pub(super) fn ban(&mut self, now: Duration, peer: P, offence: Offence) {
        self.offenders.ban(peer);
        self.candidates.remove(&peer);
        self.forget(now, &peer);
        self.outputs.push_back(MemberOutput::Ban { peer, offence });
    }

    /// Has nothing to do with a peer for some time that sent a wrong chunk after many good ones.
    pub(super) fn suspend(&mut self, now: Duration, peer: P, chunk: ChunkIndex) {
        let length = self.offenders.suspend(now, peer);
        self.candidates.ended(&peer, now + length);
        self.forget(now, &peer);
        self.outputs.push_back(MemberOutput::Suspend { peer, chunk });
    }

    /// The peer is no neighbour any more.
    pub(super) fn forget(&mut self, now: Duration, peer: &P) {
        let Some(gone) = self.neighbours.remove(peer) else { return };
        match &mut self.phase {
            Phase::Manifest(fetch) => fetch.peer_down(now, peer),
            Phase::Downloading(download, _) => {
                download.handle(now, Input::PeerDown { peer: *peer });
            }
            Phase::Opening | Phase::Complete | Phase::Ended => {}
        }
        // Other contents may keep the connection, and then what was asked would still come.
        if gone.has_stream() {
            self.outputs.push_back(MemberOutput::CloseStream { peer: *peer });
        }
        if gone.is_joined() || !gone.have.is_clear() {
            self.outputs.push_back(MemberOutput::PeerGone { peer: *peer, had: gone.have });
        }
    }

    /// A complete member that sought a peer and finds it complete too has no use for it. Those that became complete
    /// here stay: how many copies there are is known from them.
    pub(super) fn disconnect_if_useless(&mut self, now: Duration, peer: P) {
        if !matches!(self.phase, Phase::Complete) || !self.candidates.is_connected(&peer) {
            return;
        }
        if self.neighbours.get(&peer).is_some_and(|n| self.has_all(n)) {
            self.fulfilment.found_complete(now);
            self.disconnect(now, peer, USELESS_FOR);
        } else {
            self.fulfilment.found_lacking();
        }
    }
}
