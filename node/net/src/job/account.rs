//! What a content's task has met with, in figures, to explain how it goes.
//!
//! What always holds: it is bounded, whatever peers and networks do; it decides nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use libp2p::{Multiaddr, PeerId};
use shoal_engine::{DialTrouble, Offence, WrongBytes};

use crate::peers::{DialError, trouble};
use crate::shared_error::SharedError;

/// Peers that are remembered as too old.
const MAX_UNSUPPORTED: usize = 64;
/// The most of what a network said that is kept, in characters.
const MAX_WORDS: usize = 300;

type SwarmDialError = libp2p::swarm::DialError;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Account {
    began: Duration,
    /// When something new came last.
    came: Duration,
    /// Addresses that were named and of which nothing is known yet.
    waiting: BTreeSet<Multiaddr>,
    pub(super) addresses: usize,
    pub(super) failed: BTreeMap<DialTrouble, u64>,
    pub(super) last_failure: Option<String>,
    pub(super) exchanges: u64,
    pub(super) wrong: WrongBytes,
    unsupported: BTreeSet<PeerId>,
}

impl Account {
    pub(super) fn begin(now: Duration, addresses: Vec<Multiaddr>) -> Self {
        let waiting: BTreeSet<_> = addresses.into_iter().collect();
        Self { began: now, came: now, addresses: waiting.len(), waiting, ..Self::default() }
    }

    /// A part of a chunk, or something else that is new, has come.
    pub(super) fn came(&mut self, now: Duration) {
        self.came = now;
    }

    /// When something new came last; at first, when it began.
    pub(super) fn came_at(&self) -> Duration {
        self.came
    }

    /// The peer at an address that was named is known.
    pub(super) fn answered(&mut self, address: &Multiaddr) {
        self.waiting.remove(address);
    }

    /// Nobody answered at an address that was named.
    pub(super) fn address_failed(&mut self, address: &Multiaddr, error: &DialError) {
        self.waiting.remove(address);
        match error {
            DialError::Failed(error) => self.dial_failed(Some(error)),
            DialError::NotDialled => self.note(DialTrouble::NoAddress, error.to_string()),
            DialError::Closed => {}
        }
    }

    /// A peer could not be reached; without an error, there was nothing to dial.
    pub(super) fn dial_failed(&mut self, error: Option<&SharedError<SwarmDialError>>) {
        match error {
            Some(error) => self.note(trouble(error), error.to_string()),
            None => *self.failed.entry(DialTrouble::NoAddress).or_default() += 1,
        }
    }

    fn note(&mut self, trouble: DialTrouble, words: String) {
        *self.failed.entry(trouble).or_default() += 1;
        let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
        self.last_failure = Some(line.chars().take(MAX_WORDS).collect());
    }

    /// A peer sent something wrong.
    pub(super) fn wrong(&mut self, offence: Offence) {
        match offence {
            Offence::Chunk(_) => self.wrong.chunks += 1,
            Offence::Block => self.wrong.blocks += 1,
            Offence::Map => {}
        }
    }

    /// A peer does not know what it was asked, or does.
    pub(super) fn knows_question(&mut self, peer: PeerId, knows: bool) {
        if knows {
            self.unsupported.remove(&peer);
        } else if self.unsupported.len() < MAX_UNSUPPORTED {
            self.unsupported.insert(peer);
        }
    }

    /// Peers that do not know what they were asked; also those that have gone since.
    pub(super) fn unsupported(&self) -> usize {
        self.unsupported.len()
    }

    /// Addresses at which somebody may still answer.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn running_for(&self, now: Duration) -> Duration {
        now.saturating_sub(self.began)
    }

    pub(super) fn idle_for(&self, now: Duration) -> Duration {
        now.saturating_sub(self.came)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_wait_until_something_is_known_of_them() {
        let all: Vec<Multiaddr> =
            ["/ip4/127.0.0.1/tcp/1", "/ip4/127.0.0.1/tcp/2"].map(|a| a.parse().unwrap()).into();
        let mut account = Account::begin(Duration::ZERO, all.clone());
        assert_eq!((account.addresses, account.waiting()), (2, 2));
        account.answered(&all[0]);
        account.address_failed(&all[1], &DialError::NotDialled);
        assert_eq!((account.addresses, account.waiting()), (2, 0));
        assert_eq!(account.failed, [(DialTrouble::NoAddress, 1)].into());
        assert!(account.last_failure.is_some());
    }

    #[test]
    fn peers_that_are_too_old_are_bounded_and_may_learn() {
        let mut account = Account::default();
        let one = PeerId::random();
        account.knows_question(one, false);
        assert_eq!(account.unsupported(), 1);
        account.knows_question(one, true);
        assert_eq!(account.unsupported(), 0);
        (0..2 * MAX_UNSUPPORTED).for_each(|_| account.knows_question(PeerId::random(), false));
        assert_eq!(account.unsupported(), MAX_UNSUPPORTED);
    }

    #[test]
    fn what_came_last_counts() {
        let mut account = Account::begin(Duration::from_secs(1), vec![]);
        account.came(Duration::from_secs(5));
        let now = Duration::from_secs(7);
        assert_eq!(
            (account.running_for(now), account.idle_for(now)),
            (Duration::from_secs(6), Duration::from_secs(2))
        );
    }
}
