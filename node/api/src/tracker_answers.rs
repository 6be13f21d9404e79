//! Asks all trackers of the node at once.

use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use libp2p::Multiaddr;
use shoal_daemon::Daemon;
use shoal_net::{TrackerClient, TrackerError};
use shoal_wire::tracker::TrackerErrorCode;

use crate::model::TrackerFailureInfo;
use crate::refusal::Refusal;

/// How long all of it may take; each question has a limit of its own below that.
const PATIENCE: Duration = Duration::from_secs(25);

/// What trackers say.
pub(crate) struct Answers<T> {
    pub(crate) said: Vec<(Multiaddr, T)>,
    pub(crate) failed: Vec<TrackerFailureInfo>,
    /// Whether one of them says that it has no such thing.
    pub(crate) absent: bool,
}

/// Asks all trackers of the node, until `enough` or all have answered. Refuses if there is none.
pub(crate) async fn ask<T, F: Future<Output = Result<T, TrackerError>>>(
    daemon: &Daemon,
    enough: usize,
    question: impl Fn(TrackerClient) -> F,
) -> Result<Answers<T>, Refusal> {
    let trackers = daemon.trackers();
    if trackers.is_empty() {
        let refusal = Refusal::conflict("this node has no tracker to ask");
        return Err(refusal.hint("add one: POST /v1/trackers, or start the node with --rendezvous"));
    }
    let mut asked: FuturesUnordered<_> = trackers
        .into_iter()
        .map(|tracker| {
            let answer = tokio::time::timeout(PATIENCE, question(daemon.node().tracker(tracker.clone())));
            async { (tracker, answer.await.unwrap_or(Err(TrackerError::Timeout))) }
        })
        .collect();
    let mut answers = Answers { said: vec![], failed: vec![], absent: false };
    while answers.said.len() < enough
        && let Some((tracker, answer)) = asked.next().await
    {
        match answer {
            Ok(said) => answers.said.push((tracker, said)),
            Err(error) => {
                answers.absent |= error == TrackerError::Declined(TrackerErrorCode::NotFound);
                answers
                    .failed
                    .push(TrackerFailureInfo { tracker: tracker.to_string(), why: error.to_string() });
            }
        }
    }
    Ok(answers)
}

impl<T> Answers<T> {
    /// Refuses if no tracker has answered.
    pub(crate) fn some(self) -> Result<Self, Refusal> {
        if !self.said.is_empty() {
            return Ok(self);
        }
        let words: Vec<String> = self.failed.iter().map(|it| format!("{}: {}", it.tracker, it.why)).collect();
        Err(Refusal::no_peers(format!("no tracker gives an answer: {}", words.join("; "))))
    }
}
