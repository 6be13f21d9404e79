//! `shoal status` and `shoal peers`.

use tokio_util::sync::CancellationToken;

use super::error::{CliError, Exit};
use super::live::{self, View};
use super::output::Output;
use super::session::required;
use super::{ask, library};

/// Show the running node and what it shares and fetches, or one of its contents
#[derive(clap::Args)]
pub(super) struct StatusArgs {
    /// A content of the running node: its id, the beginning of its id (at least 8 characters), or its name
    content: Option<String>,
    /// Go on showing it, until q or Ctrl-C
    #[arg(long, short)]
    watch: bool,
}

/// Show the peers that the running node is connected to
#[derive(clap::Args)]
pub(super) struct PeersArgs {
    /// Go on showing them, until q or Ctrl-C
    #[arg(long, short)]
    watch: bool,
}

impl StatusArgs {
    pub(super) async fn run(self, output: &Output, stop: CancellationToken) -> Result<Exit, CliError> {
        let Self { content, watch } = self;
        let act = |client| async move {
            if watch {
                live::watch(&client, View::Contents, content, output, &stop).await
            } else {
                library::status(&client, content.as_deref(), output).await
            }
        };
        required().await?.with(act).await
    }
}

impl PeersArgs {
    pub(super) async fn run(self, output: &Output, stop: CancellationToken) -> Result<Exit, CliError> {
        let act = |client| async move {
            if self.watch {
                live::watch(&client, View::Peers, None, output, &stop).await
            } else {
                ask::peers(&client, output).await
            }
        };
        required().await?.with(act).await
    }
}
