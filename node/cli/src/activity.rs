//! `--activity-log`.

use std::path::{Path, PathBuf};

use anyhow::Context;
use shoal_daemon::ActivityRecorder;
use shoal_net::Node;

use super::error::CliError;

/// Whether what the node does is written down.
#[derive(clap::Args, Debug, Clone, Default)]
pub(super) struct ActivityArgs {
    /// Write what happens to this file, a line of JSON for each event; `shoal log` reads it
    #[arg(long, value_name = "FILE")]
    pub(super) activity_log: Option<PathBuf>,
}

impl ActivityArgs {
    /// The option, if it is given: only a node of the command's own can do it.
    pub(super) fn only_alone(&self) -> Option<&'static str> {
        self.activity_log.is_some().then_some("--activity-log")
    }
}

/// Begins to write down what a node does, if that is wanted.
pub(super) fn record(node: &Node, file: Option<&Path>) -> Result<Option<ActivityRecorder>, CliError> {
    let Some(file) = file else { return Ok(None) };
    let name = shoal_printable::printable_bytes(file.as_os_str().as_encoded_bytes());
    let started = ActivityRecorder::start(node, file.to_owned());
    Ok(Some(started.with_context(|| format!("cannot write the activity log '{name}'"))?))
}

/// Writes down the rest.
pub(super) async fn finish(recorder: Option<ActivityRecorder>) {
    if let Some(recorder) = recorder {
        recorder.finish().await;
    }
}
