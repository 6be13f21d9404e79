//! Which process speaks, signed by it, so that two programs with one key are told apart.

use std::time::Duration;

use libp2p_identity::Keypair;
use serde::{Deserialize, Serialize};

use super::signing::SignedWords;

/// Says which process has a key, and that it was running at a time.
///
/// A process that is shown the presence of another one with its own key, which started before it and was there after it
/// started, knows that its place is taken. Only who has the key can make such words, so nobody else can end a node by them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    /// When it said so, in milliseconds since 1970.
    pub at: u64,
    /// The key, as libp2p writes it.
    #[serde(with = "serde_bytes")]
    pub key: Vec<u8>,
    /// When it was started, in milliseconds since 1970.
    pub started: u64,
    /// A number that the process drew at its start.
    pub instance: u64,
    /// The signature.
    #[serde(with = "serde_bytes")]
    pub signature: Vec<u8>,
}

impl Presence {
    /// What is to be signed by who has the key. Times are since 1970.
    pub fn new(identity: &Keypair, instance: u64, started: Duration, at: Duration) -> Self {
        let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Self {
            at: milliseconds(at),
            key: identity.public().encode_protobuf(),
            started: milliseconds(started),
            instance,
            signature: Vec::new(),
        }
    }

    /// Whether the process of `self` has to give way to `other`, which has the same key. The signatures were checked.
    pub fn gives_way_to(&self, other: &Self) -> bool {
        self.instance != other.instance
            && (other.started, other.instance) < (self.started, self.instance)
            && other.at > self.started
    }
}

impl SignedWords for Presence {
    const DOMAIN: &'static [u8] = b"shoal-store-presence:";

    fn seal(&self) -> (&[u8], &[u8]) {
        (&self.key, &self.signature)
    }

    fn sealed(self, signature: Vec<u8>) -> Self {
        Self { signature, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn presence(instance: u64, started: u64, at: u64) -> Presence {
        Presence { at, key: vec![], started, instance, signature: vec![] }
    }

    #[test]
    fn who_started_later_gives_way_to_one_that_is_still_there() {
        let (old, new) = (presence(1, 1000, 3000), presence(2, 2000, 2500));
        assert!(new.gives_way_to(&old) && !old.gives_way_to(&new));
    }

    #[test]
    fn one_that_was_seen_only_before_is_the_process_before_a_restart() {
        assert!(!presence(2, 2000, 2500).gives_way_to(&presence(1, 1000, 1999)));
        assert!(!presence(2, 2000, 2500).gives_way_to(&presence(2, 1000, 3000)), "it is the same");
    }

    #[test]
    fn of_two_that_started_at_once_one_gives_way() {
        let (one, other) = (presence(1, 1000, 3000), presence(2, 1000, 3000));
        assert!(other.gives_way_to(&one) && !one.gives_way_to(&other));
    }
}
