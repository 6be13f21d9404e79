//! Which peers are sought, and which connections are given up.

use std::time::Duration;

use super::neighbours::Neighbour;
use super::{
    ConnectionEvent, MOST_DIALLING, Member, MemberOutput, Offence, PeerSource, Phase, SETTLED,
    SOUGHT_AT_FIRST, SOUGHT_BY_COMPLETE,
};
use crate::PeerName;
use crate::download::Input;

/// How long to wait before a peer is sought again whose connection ended.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
/// How long to wait before a peer is sought again that was of no use.
const USELESS_FOR: Duration = Duration::from_secs(60);
/// How long nobody has had anything that is missing before neighbours begin to give way, and the time from one to the
/// next.
const GIVE_WAY_AFTER: Duration = Duration::from_secs(2);

impl<P: PeerName> Member<P> {
    pub(super) fn found(&mut self, now: Duration, peers: Vec<P>, source: PeerSource) {
        for peer in peers {
            if peer != self.local && !self.banned.contains(&peer) {
                self.candidates.add(now, peer, source, &mut self.rng);
            }
        }
    }

    pub(super) fn on_connection(&mut self, now: Duration, peer: P, event: ConnectionEvent) {
        let complete = !self.seeks();
        match event {
            ConnectionEvent::Connected if self.banned.contains(&peer) => {
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
            Phase::Complete if self.have.is_clear() => 0,
            Phase::Complete => SOUGHT_BY_COMPLETE,
            Phase::Ended => 0,
            _ if now < self.started + SETTLED => self.config.most_sought.min(SOUGHT_AT_FIRST),
            _ => self.config.most_sought,
        }
    }

    /// Connections that are there or on their way, as far as the target is concerned.
    fn reached(&self) -> usize {
        let neighbours = match self.phase {
            Phase::Complete => self.neighbours.iter().filter(|(_, n)| !self.has_all(n)).count(),
            _ => self.neighbours.len(),
        };
        neighbours + self.candidates.sought()
    }

    fn has_all(&self, neighbour: &Neighbour) -> bool {
        neighbour.is_complete(self.neighbours.chunks())
    }

    pub(super) fn seek(&mut self, now: Duration) {
        if self.candidates.due().is_none_or(|due| now < due) {
            return;
        }
        let mut room = self.target(now).saturating_sub(self.reached());
        if room == 0 && self.give_way(now) {
            room = 1;
        }
        let seeks_complete = self.seeks();
        while room > 0
            && self.candidates.sought() < MOST_DIALLING
            && let Some(peer) = self.candidates.next(now, seeks_complete)
        {
            // It may have come by itself.
            if self.neighbours.get(&peer).is_some() {
                self.candidates.connected(&peer);
                continue;
            }
            room -= 1;
            self.outputs.push_back(MemberOutput::Seek { peer });
        }
    }

    /// When [`seek`](Self::seek) may next have something to do.
    pub(super) fn next_seek(&self) -> Option<Duration> {
        let due = self.candidates.due()?;
        if self.candidates.sought() >= MOST_DIALLING {
            return None;
        }
        if self.reached() < self.target(self.started) {
            return Some(due);
        }
        let settled = self.started + SETTLED;
        if self.reached() < self.target(settled) {
            return Some(due.max(settled));
        }
        // Whether it is starving is known at once; candidates have to be looked through.
        let untried = self.is_starving().then(|| self.candidates.untried_due()).flatten();
        untried.map(|at| at.max(self.gave_way_at + GIVE_WAY_AFTER))
    }

    /// Whether no neighbour has anything that is missing.
    fn is_starving(&self) -> bool {
        self.download().is_some_and(|download| download.unavailable() == download.left())
    }

    /// Where nobody has anything that is missing, makes room for a candidate that was never tried.
    fn give_way(&mut self, now: Duration) -> bool {
        if !self.is_starving() {
            self.gave_way_at = now;
            return false;
        }
        let untried = self.candidates.untried_due().is_some_and(|at| at <= now);
        if !untried || now < self.gave_way_at + GIVE_WAY_AFTER {
            return false;
        }
        self.gave_way_at = now;
        let ours = self.neighbours.iter().filter(|(peer, _)| self.candidates.is_connected(peer));
        let Some(peer) = ours.min_by_key(|(peer, n)| (n.since, *peer)).map(|(peer, _)| peer) else {
            return false;
        };
        self.disconnect(now, peer, USELESS_FOR);
        true
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
        /// Bans that a member remembers; the node remembers more.
        const MOST_BANNED: usize = 1024;
        if self.banned.len() >= MOST_BANNED {
            self.banned.pop_first();
        }
        self.banned.insert(peer);
        self.candidates.remove(&peer);
        self.forget(now, &peer);
        self.outputs.push_back(MemberOutput::Ban { peer, offence });
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
        if gone.is_joined() || !gone.have.is_clear() {
            self.outputs.push_back(MemberOutput::PeerGone { peer: *peer, had: gone.have });
        }
    }

    /// A complete member that sought a peer and finds it complete too has no use for it. Those that became complete
    /// here stay: how many copies there are is known from them.
    pub(super) fn disconnect_if_useless(&mut self, now: Duration, peer: P) {
        let complete = self.neighbours.get(&peer).is_some_and(|n| self.has_all(n));
        if complete && matches!(self.phase, Phase::Complete) && self.candidates.is_connected(&peer) {
            self.disconnect(now, peer, USELESS_FOR);
        }
    }
}
