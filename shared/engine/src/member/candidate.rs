//! One peer that may have the content.

use std::time::Duration;

use super::sources::SourceIndex;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// May be sought from this time on.
    Waiting(Duration),
    /// A connection was asked for.
    Sought,
    /// Connected because it was sought.
    Connected,
}

#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) state: State,
    pub(super) source: SourceIndex,
    /// Whether the user named it.
    pub(super) is_named: bool,
    /// Whether a connection was ever asked for.
    pub(super) tried: bool,
    /// Tries in a row that led to nothing.
    pub(super) failures: u32,
    /// Whether it said that it has everything.
    pub(super) complete: bool,
    /// Decides among those that have waited equally long, so that everybody connects to other ones.
    pub(super) lot: u32,
}

impl Candidate {
    /// From when on it may be sought; `None` if that is under way or done.
    pub(super) fn waits_until(&self) -> Option<Duration> {
        match self.state {
            State::Waiting(at) => Some(at),
            State::Sought | State::Connected => None,
        }
    }

    /// Whether it is worth the place of a neighbour that is of no use.
    pub(super) fn is_promising(&self) -> bool {
        !self.tried || self.complete || self.is_named
    }
}

/// Who is asked for next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pick {
    /// Anybody.
    Any,
    /// Those that are not complete: a member that needs nothing has no use for others.
    Incomplete,
    /// Those that were never tried, had everything when they were met last, or were named by the user.
    Promising,
    /// Those that the user named.
    Named,
}

impl Pick {
    pub(super) fn includes(self, candidate: &Candidate) -> bool {
        match self {
            Self::Any => true,
            Self::Incomplete => !candidate.complete,
            Self::Promising => candidate.is_promising(),
            Self::Named => candidate.is_named,
        }
    }
}
