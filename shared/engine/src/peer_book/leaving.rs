//! The end of a connection that was for one question.

use std::time::Duration;

use libp2p_identity::PeerId;

use super::book::PeerBook;
use super::output::PeerBookOutput;

impl<C: Copy + Ord> PeerBook<C> {
    /// As [`release`](Self::release), for who wanted to ask something once: a connection that nobody else has used, here or
    /// there, is closed at once.
    pub fn leave(&mut self, now: Duration, content: C, peer: PeerId) {
        let untouched = self.connected.is_untouched(&peer);
        self.release(now, content, peer);
        if untouched && !self.uses.wants(&peer) && self.connected.close(&peer) {
            self.outputs.push_back(PeerBookOutput::Close { peer });
        }
    }
}
