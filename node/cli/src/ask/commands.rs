//! The commands that ask peers, with their options.

use super::super::error::{CliError, Exit};
use super::super::library;
use super::super::output::Output;
use super::super::session::{AskArgs, required};

/// Show what a peer has to do: uploads that are running, what waits in line
///
/// What a peer says of itself is its claim. Without PEER: the running node itself.
#[derive(clap::Args)]
pub(crate) struct LoadArgs {
    /// An address, or the id of a peer that the running node is connected to
    peer: Option<String>,
    #[command(flatten)]
    ask: AskArgs,
}

impl LoadArgs {
    pub(crate) async fn run(self, output: &Output) -> Result<Exit, CliError> {
        let session = match self.peer {
            Some(_) => self.ask.open(output).await?,
            None => required().await?,
        };
        session.with(|client| async move { super::load(&client, self.peer.as_deref(), output).await }).await
    }
}

/// Show what a peer has sent, received and refused since its start
///
/// What a peer says of itself is its claim; it tells nobody what it exchanged with third parties. Without PEER: the
/// running node itself.
#[derive(clap::Args)]
pub(crate) struct CountersArgs {
    /// An address, or the id of a peer that the running node is connected to
    peer: Option<String>,
    /// For this content alone
    #[arg(long, value_name = "CONTENT", requires = "peer")]
    content: Option<String>,
    #[command(flatten)]
    ask: AskArgs,
}

impl CountersArgs {
    pub(crate) async fn run(self, output: &Output) -> Result<Exit, CliError> {
        let session = match self.peer {
            Some(_) => self.ask.open(output).await?,
            None => required().await?,
        };
        let Self { peer, content, .. } = self;
        session
            .with(|client| async move {
                super::counters(&client, peer.as_deref(), content.as_deref(), output).await
            })
            .await
    }
}

/// Ask peers where a chunk of a content is
///
/// Each peer that is asked says whether it has the chunk, and which others it knows to have it.
#[derive(clap::Args)]
pub(crate) struct WhereArgs {
    /// A content: its id, or in the running node's library the beginning of its id or its name
    content: String,
    /// The chunk: its number counted from 0, or the 64 hexadecimal digits of its SHA-256
    chunk: String,
    /// Ask this peer, by address or id; may be given several times [default: those that the running node is connected to
    /// for this content]
    #[arg(long, value_name = "PEER")]
    peer: Vec<String>,
    #[command(flatten)]
    ask: AskArgs,
}

impl WhereArgs {
    pub(crate) async fn run(self, output: &Output) -> Result<Exit, CliError> {
        let session = self.ask.open(output).await?;
        let Self { content, chunk, peer, .. } = self;
        session
            .with(|client| async move { super::locate(&client, &content, &chunk, &peer, output).await })
            .await
    }
}

/// List what a peer shares in public, or what the running node has
#[derive(clap::Args)]
pub(crate) struct LsArgs {
    /// An address, or the id of a peer that the running node is connected to [default: the running node itself]
    peer: Option<String>,
    #[command(flatten)]
    ask: AskArgs,
}

impl LsArgs {
    pub(crate) async fn run(self, output: &Output) -> Result<Exit, CliError> {
        let Some(peer) = self.peer else {
            return required()
                .await?
                .with(|client| async move { library::list(&client, output).await })
                .await;
        };
        let session = self.ask.open(output).await?;
        session.with(|client| async move { super::shared_by(&client, &peer, output).await }).await
    }
}

/// Measure round trips to a peer
#[derive(clap::Args)]
pub(crate) struct PingArgs {
    /// An address, or the id of a peer that the running node is connected to
    peer: String,
    /// How many, one each second
    #[arg(long, short, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    count: u32,
    #[command(flatten)]
    ask: AskArgs,
}

impl PingArgs {
    pub(crate) async fn run(self, output: &Output) -> Result<Exit, CliError> {
        let session = self.ask.open(output).await?;
        session.with(|client| async move { super::ping(&client, &self.peer, self.count, output).await }).await
    }
}

/// Show which peers are connected with each other: those of the running node, and those that they name
#[derive(clap::Args)]
pub(crate) struct TopoArgs {}

impl TopoArgs {
    pub(crate) async fn run(self, output: &Output) -> Result<Exit, CliError> {
        required().await?.with(|client| async move { super::topo(&client, output).await }).await
    }
}
