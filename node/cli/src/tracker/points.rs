//! The rendezvous points that are asked.

use anyhow::anyhow;
use futures::future::join_all;
use libp2p::Multiaddr;

use super::super::error::{CliError, Exit};
use super::super::options::address;
use super::super::output::Output;
use shoal_net::{Node, NodeConfig, TrackerClient, TrackerError};
use shoal_printable::Printable;

/// The rendezvous points to ask.
#[derive(clap::Args, Debug, Clone)]
pub(super) struct PointArgs {
    /// Rendezvous point to ask; may be given several times
    #[arg(long, value_name = "ADDR", required = true, value_parser = address)]
    rendezvous: Vec<Multiaddr>,
}

/// What one of them said.
pub(super) struct Answer<T> {
    pub(super) tracker: Multiaddr,
    pub(super) said: T,
}

impl PointArgs {
    /// Asks all of them at once. Those that fail are named in warnings; an error if all do.
    pub(super) async fn ask<T, F: Future<Output = Result<T, TrackerError>>>(
        &self,
        output: &Output,
        question: impl Fn(TrackerClient) -> F,
    ) -> Result<Vec<Answer<T>>, CliError> {
        let node = Node::start(NodeConfig::default()).await?;
        let mut points = self.rendezvous.clone();
        points.sort();
        points.dedup();
        let asked = points.into_iter().map(|tracker| {
            let answer = question(node.tracker(tracker.clone()));
            async { (tracker, answer.await) }
        });
        let (mut answers, mut failures) = (vec![], vec![]);
        for (tracker, answer) in join_all(asked).await {
            match answer {
                Ok(said) => answers.push(Answer { tracker, said }),
                Err(error) => failures.push((tracker, error)),
            }
        }
        node.shutdown().await;
        if answers.is_empty() {
            return Err(nobody(failures, output));
        }
        failures.iter().for_each(|(tracker, error)| output.warn(words(tracker, error)));
        Ok(answers)
    }
}

fn words(tracker: &Multiaddr, error: &TrackerError) -> String {
    // An error may hold words of the other side.
    format!("{tracker}: {}", Printable(&error.to_string()))
}

/// All failed: the last one is the error, the others are warnings.
fn nobody(mut failures: Vec<(Multiaddr, TrackerError)>, output: &Output) -> CliError {
    let silent = failures.iter().all(|(_, error)| is_silence(error));
    let last = failures.pop();
    failures.iter().for_each(|(tracker, error)| output.warn(words(tracker, error)));
    let error = last.map(|(tracker, error)| anyhow!(words(&tracker, &error)));
    let error = CliError::from(error.unwrap_or_else(|| anyhow!("there is nobody to ask")));
    if silent {
        let hint = "is the address right, with /p2p/… at its end, and does shoal-rendezvous run there?";
        CliError { exit: Exit::NoPeers, ..error }.hint(hint)
    } else {
        error
    }
}

fn is_silence(error: &TrackerError) -> bool {
    matches!(
        error,
        TrackerError::Unreachable(_)
            | TrackerError::Unsupported(_)
            | TrackerError::Timeout
            | TrackerError::Ended
            | TrackerError::Broken(_)
    )
}
