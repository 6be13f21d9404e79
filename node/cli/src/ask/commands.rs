//! The commands that ask peers, with their options.

use shoal_api::model::MapBody;

use super::super::error::{CliError, Exit};
use super::super::library;
use super::super::output::Output;
use super::super::session::{AskArgs, required};
use super::MapForm;

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

/// Show who is connected with whom: the neighbours, and by asking them, the map of the swarm
///
/// Neighbours are asked for theirs, and those in turn: at most 256 peers, at most 20 seconds. For each peer: how many connections
/// away it is, how long the smallest answer takes, its load, how much it has of CONTENT, and with whom it is connected. What is not
/// seen by this node itself is what peers say. A long-lived node shows the two peers on either side of it on the ring of all
/// peers too, which it watches by pings.
#[derive(clap::Args)]
pub(crate) struct TopoArgs {
    /// Show how much each peer has of this content: its id, or in the running node's library the beginning of its id or its
    /// name
    content: Option<String>,
    /// Print the map in Graphviz's language, as `dot -Tsvg` reads it
    #[arg(long)]
    dot: bool,
    /// Ask peers that are at most this many connections away; 0 asks nobody
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(0..=16))]
    hops: u8,
    /// Begin at this peer instead of the running node; may be given several times
    #[arg(long, value_name = "PEER")]
    peer: Vec<String>,
    #[command(flatten)]
    ask: AskArgs,
}

impl TopoArgs {
    pub(crate) async fn run(self, output: &Output) -> Result<Exit, CliError> {
        let session = match self.peer.is_empty() {
            true => required()
                .await
                .map_err(|error| error.hint("start one: `shoal node`; or begin at a peer: --peer ADDR"))?,
            false => self.ask.open(output).await?,
        };
        let form = if self.dot { MapForm::Dot } else { MapForm::Table };
        let body = MapBody { content: self.content, hops: Some(self.hops), peers: self.peer };
        session.with(|client| async move { super::topo(&client, &body, form, output).await }).await
    }
}
