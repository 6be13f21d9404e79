//! Which processes were heard, by their keys: two with one key are told of each other.
//!
//! What always holds: at most [`MAX_HEARD`] peers with two processes each are remembered.

use std::collections::BTreeMap;

use libp2p::PeerId;
use shoal_wire::store::Presence;

/// The most peers that are remembered; the next one takes the place of another.
const MAX_HEARD: usize = 512;

/// Which processes were heard.
#[derive(Debug, Default)]
pub(super) struct Presences(BTreeMap<PeerId, Vec<Presence>>);

impl Presences {
    /// Whether these very words of a peer were heard, and checked, before.
    pub(super) fn knows(&self, peer: &PeerId, presence: &Presence) -> bool {
        self.0.get(peer).is_some_and(|known| known.contains(presence))
    }

    /// A process said that it is there; its signature was checked. Returns the words of another process with the same key
    /// to which it has to give way.
    pub(super) fn heard(&mut self, peer: PeerId, presence: &Presence) -> Option<Presence> {
        if self.0.len() >= MAX_HEARD && !self.0.contains_key(&peer) {
            self.0.pop_first();
        }
        let known = self.0.entry(peer).or_default();
        match known.iter_mut().find(|it| it.instance == presence.instance) {
            Some(it) if it.at < presence.at => *it = presence.clone(),
            Some(_) => {}
            None => {
                known.insert(0, presence.clone());
                known.truncate(2);
            }
        }
        known.iter().find(|other| presence.gives_way_to(other)).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn presence(instance: u64, started: u64, at: u64) -> Presence {
        Presence { at, key: vec![], started, instance, signature: vec![] }
    }

    #[test]
    fn the_later_process_is_told_once_the_earlier_one_is_heard_again() {
        let (mut heard, peer) = (Presences::default(), PeerId::random());
        assert_eq!(heard.heard(peer, &presence(1, 1000, 1500)), None);
        assert_eq!(heard.heard(peer, &presence(2, 2000, 2001)), None, "the first may have ended");
        assert_eq!(heard.heard(peer, &presence(1, 1000, 2500)), None, "it was first");
        assert_eq!(heard.heard(peer, &presence(2, 2000, 3000)), Some(presence(1, 1000, 2500)));
        assert_eq!(heard.heard(PeerId::random(), &presence(2, 2000, 3000)), None);
    }

    #[test]
    fn it_is_bounded() {
        let mut heard = Presences::default();
        (0..2000).for_each(|_| drop(heard.heard(PeerId::random(), &presence(1, 1, 1))));
        let peer = PeerId::random();
        (0..100).for_each(|n| drop(heard.heard(peer, &presence(n, n, n))));
        assert!(heard.0.len() <= MAX_HEARD && heard.0[&peer].len() == 2);
    }
}
