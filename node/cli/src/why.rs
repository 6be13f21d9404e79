//! `shoal why`.

use super::error::{CliError, Exit};
use super::library;
use super::output::Output;
use super::session::required;

/// Say why contents of the running node do not come, or come slowly
///
/// Names what holds each back, the most important first, with the figures that speak for it and what to do. Without a content, those
/// that are not complete, or that something is wrong with.
#[derive(clap::Args)]
pub(super) struct Args {
    /// A content of the running node: its id, the beginning of its id (at least 8 characters), or its name
    content: Option<String>,
}

impl Args {
    pub(super) async fn run(self, output: &Output) -> Result<Exit, CliError> {
        let act = |client| async move { library::why(&client, self.content.as_deref(), output).await };
        required().await?.with(act).await
    }
}
