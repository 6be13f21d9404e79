//! Questions over `/rendezvous/1.0.0` that wait for their turn at one tracker. Servers drop streams that are too many.

use std::collections::VecDeque;
use std::time::Duration;

use shoal_wire::rendezvous::RendezvousRequest;

use super::discovered::DiscoveredPeer;
use super::error::TrackerError;
use super::order::Reply;

/// Questions under way at one tracker; further ones wait.
pub(super) const MAX_UNDERWAY: usize = 32;
/// Questions that wait for one tracker; further ones fail.
const MAX_WAITING: usize = 4096;

/// What waits for an answer.
pub(super) enum Asked {
    Register(Reply<Duration>),
    Unregister(Reply<()>),
    Discover { namespace: String, reply: Reply<Vec<DiscoveredPeer>> },
}

impl Asked {
    pub(super) fn fail(self, error: TrackerError) {
        // Where sending fails, nobody waits any more.
        match self {
            Self::Register(reply) => drop(reply.send(Err(error))),
            Self::Unregister(reply) => drop(reply.send(Err(error))),
            Self::Discover { reply, .. } => drop(reply.send(Err(error))),
        }
    }

    /// Whether nobody waits for the answer any more.
    fn is_given_up(&self) -> bool {
        match self {
            Self::Register(reply) => reply.is_closed(),
            Self::Unregister(reply) => reply.is_closed(),
            Self::Discover { reply, .. } => reply.is_closed(),
        }
    }
}

/// What is asked of one tracker.
#[derive(Default)]
pub(super) struct Line {
    underway: usize,
    waiting: VecDeque<(RendezvousRequest, Asked)>,
}

impl Line {
    /// Lines a question up, or fails it.
    pub(super) fn push(&mut self, request: RendezvousRequest, asked: Asked) {
        if self.waiting.len() < MAX_WAITING {
            self.waiting.push_back((request, asked));
        } else {
            asked.fail(TrackerError::Busy);
        }
    }

    /// The next question that somebody waits for, if it may go out now. Each is [over](Self::over) some time.
    pub(super) fn next(&mut self) -> Option<(RendezvousRequest, Asked)> {
        while self.underway < MAX_UNDERWAY {
            let (request, asked) = self.waiting.pop_front()?;
            if !asked.is_given_up() {
                self.underway += 1;
                return Some((request, asked));
            }
        }
        None
    }

    /// A question that went out has been answered, or has failed.
    pub(super) fn over(&mut self) {
        self.underway -= 1;
    }

    /// Whether nothing is under way, and so nothing waits.
    pub(super) fn is_idle(&self) -> bool {
        self.underway == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::oneshot;

    fn push(line: &mut Line, n: usize) -> oneshot::Receiver<Result<(), TrackerError>> {
        let (reply, answer) = oneshot::channel();
        line.push(RendezvousRequest::Unregister { namespace: n.to_string() }, Asked::Unregister(reply));
        answer
    }

    #[test]
    fn questions_wait_in_line_and_those_that_nobody_waits_for_are_skipped() {
        let mut line = Line::default();
        let mut answers: Vec<_> = (0..MAX_UNDERWAY + 2).map(|n| push(&mut line, n)).collect();
        drop(answers.remove(0));
        let mut sent = vec![];
        while let Some((request, asked)) = line.next() {
            sent.push((request, asked));
        }
        assert_eq!((sent.len(), line.waiting.len()), (MAX_UNDERWAY, 1));
        assert_eq!(sent[0].0, RendezvousRequest::Unregister { namespace: "1".to_owned() });
        line.over();
        assert!(line.next().is_some() && line.next().is_none() && !line.is_idle());
    }

    #[test]
    fn no_more_wait_than_is_allowed() {
        let mut line = Line::default();
        let _waiting: Vec<_> = (0..MAX_WAITING).map(|n| push(&mut line, n)).collect();
        assert_eq!(push(&mut line, 0).try_recv(), Ok(Err(TrackerError::Busy)));
    }
}
