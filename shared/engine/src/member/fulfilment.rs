//! When a complete member does not seek others, because it has just seen that they are complete too.
//!
//! A swarm in which all began together is complete within seconds. Were each member, once it is complete, to seek others that
//! lack something at line speed, it would connect to dozens that are complete as well: more than half of all
//! connections of a large swarm came of that. Who lacks something seeks connections by itself and finds complete members, so
//! nothing is lost when these wait.
//!
//! What always holds: a member that finds peers that lack something, or has met none that is complete, does not wait.

use std::time::Duration;

use crate::Backoff;

/// How long to wait after the first peers that are complete, and at most.
const FIRST_REST: Duration = Duration::from_secs(1);
const LONGEST_REST: Duration = Duration::from_secs(8);

/// How far the others seem to be complete.
#[derive(Debug)]
pub(super) struct Fulfilment {
    backoff: Backoff,
    rests_until: Duration,
}

impl Default for Fulfilment {
    fn default() -> Self {
        Self { backoff: Backoff::new(FIRST_REST, LONGEST_REST), rests_until: Duration::ZERO }
    }
}

impl Fulfilment {
    /// Nobody needs to be sought before this time.
    pub(super) fn rests_until(&self) -> Duration {
        self.rests_until
    }

    /// This member, or a peer, is complete. Several within a rest say no more than one.
    pub(super) fn found_complete(&mut self, now: Duration) {
        if now >= self.rests_until {
            self.rests_until = now + self.backoff.fail();
        }
    }

    /// A peer that was sought lacks something: there may be more.
    pub(super) fn found_lacking(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn it_rests_ever_longer_until_somebody_lacks_something() {
        let mut fulfilment = Fulfilment::default();
        assert_eq!(fulfilment.rests_until(), Duration::ZERO);
        let mut now = millis(500);
        for rest in [1000, 2000, 4000, 8000, 8000] {
            fulfilment.found_complete(now);
            fulfilment.found_complete(now + millis(rest - 1));
            assert_eq!(fulfilment.rests_until(), now + millis(rest));
            now += millis(rest);
        }
        fulfilment.found_lacking();
        assert_eq!(fulfilment.rests_until(), Duration::ZERO);
        fulfilment.found_complete(now);
        assert_eq!(fulfilment.rests_until(), now + millis(1000));
    }
}
