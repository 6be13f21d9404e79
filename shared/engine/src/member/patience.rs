//! How long a member goes on alone, and when it says that a part of the content is out of reach.

use std::time::Duration;

/// How long to go on without any peer if nothing was said.
const WAIT: Duration = Duration::from_secs(30);
/// How long nobody has had a missing chunk before that is told.
const UNAVAILABLE_AFTER: Duration = Duration::from_secs(5);

/// What a member has, as far as its patience is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outlook {
    /// Whether there is somebody who may give something.
    pub(super) company: bool,
    /// Whether what is missing may still come from the peers that are there.
    pub(super) hope: bool,
    /// Missing chunks that no neighbour has; 0 while there are no neighbours.
    pub(super) unavailable: usize,
}

/// What its patience says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Tell that so many chunks are out of reach.
    Unavailable(usize),
    /// It has been alone for too long.
    GiveUp,
}

/// Decides by what it is told now and then; told again at [`next_timeout`](Self::next_timeout).
#[derive(Debug)]
pub(super) struct Patience {
    /// How long to go on without anybody useful. `None`: [`WAIT`] without any peer, without end while peers are
    /// connected that lack chunks too.
    wait: Option<Duration>,
    /// Since when there has been nobody, or nothing useful came of it; `None` while there is somebody.
    alone_since: Option<Duration>,
    /// Since when some chunk has been out of reach.
    unavailable_since: Option<Duration>,
    told: bool,
}

impl Patience {
    pub(super) fn new(now: Duration, wait: Option<Duration>) -> Self {
        Self { wait, alone_since: Some(now), unavailable_since: None, told: false }
    }

    /// Something useful has come.
    pub(super) fn refresh(&mut self, now: Duration) {
        if self.alone_since.is_some() {
            self.alone_since = Some(now);
        }
    }

    pub(super) fn look(&mut self, now: Duration, outlook: Outlook) -> Option<Verdict> {
        let alone = !outlook.company || (!outlook.hope && self.wait.is_some());
        self.alone_since = alone.then(|| self.alone_since.unwrap_or(now));
        if self.gives_up_at().is_some_and(|at| now >= at) {
            return Some(Verdict::GiveUp);
        }
        if outlook.unavailable == 0 {
            (self.unavailable_since, self.told) = (None, false);
            return None;
        }
        let since = *self.unavailable_since.get_or_insert(now);
        if self.told || now < since + UNAVAILABLE_AFTER {
            return None;
        }
        self.told = true;
        Some(Verdict::Unavailable(outlook.unavailable))
    }

    pub(super) fn next_timeout(&self) -> Option<Duration> {
        let tell = self.unavailable_since.filter(|_| !self.told).map(|since| since + UNAVAILABLE_AFTER);
        self.gives_up_at().into_iter().chain(tell).min()
    }

    fn gives_up_at(&self) -> Option<Duration> {
        self.alone_since.map(|since| since.saturating_add(self.wait.unwrap_or(WAIT)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALONE: Outlook = Outlook { company: false, hope: false, unavailable: 0 };
    const WELL: Outlook = Outlook { company: true, hope: true, unavailable: 0 };
    const STARVING: Outlook = Outlook { company: true, hope: false, unavailable: 3 };

    fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn alone_it_gives_up_after_its_time() {
        let mut patience = Patience::new(secs(0), None);
        assert_eq!(patience.look(secs(29), ALONE), None);
        assert_eq!(patience.next_timeout(), Some(WAIT));
        assert_eq!(patience.look(secs(30), ALONE), Some(Verdict::GiveUp));
    }

    #[test]
    fn company_and_blocks_begin_it_anew() {
        let mut patience = Patience::new(secs(0), None);
        patience.look(secs(29), WELL);
        assert_eq!(patience.next_timeout(), None);
        assert_eq!(patience.look(secs(100), ALONE), None);
        patience.refresh(secs(120));
        assert_eq!(patience.look(secs(149), ALONE), None);
        assert_eq!(patience.look(secs(150), ALONE), Some(Verdict::GiveUp));
    }

    #[test]
    fn with_peers_that_lack_chunks_too_it_goes_on_unless_told_how_long() {
        let mut patient = Patience::new(secs(0), None);
        let mut told = Patience::new(secs(0), Some(secs(20)));
        for now in 0..20 {
            patient.look(secs(now), STARVING);
            assert_ne!(told.look(secs(now), STARVING), Some(Verdict::GiveUp));
        }
        assert_eq!(patient.look(secs(1000), STARVING), None);
        assert_eq!(told.look(secs(20), STARVING), Some(Verdict::GiveUp));
    }

    #[test]
    fn what_is_out_of_reach_is_told_once_each_time() {
        let mut patience = Patience::new(secs(0), None);
        assert_eq!(patience.look(secs(1), STARVING), None);
        assert_eq!(patience.next_timeout(), Some(secs(6)));
        assert_eq!(patience.look(secs(6), STARVING), Some(Verdict::Unavailable(3)));
        assert_eq!(patience.look(secs(9), STARVING), None);
        patience.look(secs(10), WELL);
        patience.look(secs(11), STARVING);
        assert_eq!(patience.look(secs(16), STARVING), Some(Verdict::Unavailable(3)));
    }

    #[test]
    fn an_endless_wait_is_no_overflow() {
        let mut patience = Patience::new(secs(1), Some(Duration::MAX));
        assert_eq!(patience.look(secs(1_000_000), ALONE), None);
    }
}
