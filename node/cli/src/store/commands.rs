//! The commands, with their options.

use std::path::PathBuf;
use std::time::Duration;

use libp2p::Multiaddr;
use libp2p::identity::Keypair;
use tokio_util::sync::CancellationToken;

use super::super::error::{CliError, Exit};
use super::super::identity::Identity;
use super::super::options::address;
use super::super::output::Output;
use super::super::session::{Session, UseArgs, required};
use super::super::share::absolute;
use super::own::own;
use super::placing::Placement;

/// Which node speaks with the store.
#[derive(clap::Args, Debug, Clone)]
struct ThroughArgs {
    #[command(flatten)]
    which: UseArgs,
    /// Address of a node of the store, for a node of this command's own; may be given several times
    #[arg(long, value_name = "ADDR", value_parser = address)]
    peer: Vec<Multiaddr>,
}

impl ThroughArgs {
    /// The running node, or one of this command's own if peers are named.
    async fn open(&self, key: Option<Keypair>, output: &Output) -> Result<Session, CliError> {
        let named = (!self.peer.is_empty()).then_some("--peer");
        if let Some(client) = self.which.running_for(named, output).await? {
            return Ok(Session::attached(client));
        }
        if self.peer.is_empty() {
            let session = required().await;
            return session.map_err(|error| {
                error.hint("start one with `shoal node`, or name a node of the store with --peer ADDR")
            });
        }
        own(self.peer.clone(), key).await
    }
}

/// Have other nodes keep files or a folder, so that they are there when this machine is not
///
/// Nodes that give space (`shoal node --donate SIZE`) keep them: as many as --copies says. The content's id goes to standard
/// output; `shoal request` with it, or with the name, fetches it from them. Again with the same path: for longer, or as more
/// copies.
#[derive(clap::Args)]
pub(crate) struct StoreArgs {
    /// Files and folders; several become one folder
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Name by which it is found [default: that of the path]
    #[arg(long)]
    name: Option<String>,
    /// How many nodes shall keep it
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=16))]
    copies: u8,
    /// How long they shall keep it, from now on
    #[arg(long, value_name = "TIME", default_value = "30d", value_parser = humantime::parse_duration)]
    keep_for: Duration,
    /// Leave it to the running node, and do not wait until all copies are there
    #[arg(long)]
    background: bool,
    /// Key file of a node of this command's own, made if missing: who has it can end or renew what is stored
    #[arg(long, value_name = "FILE", requires = "peer")]
    identity: Option<PathBuf>,
    #[command(flatten)]
    through: ThroughArgs,
}

impl StoreArgs {
    pub(crate) async fn run(self, output: &Output, stop: CancellationToken) -> Result<Exit, CliError> {
        let identity = self.identity.as_deref().map(Identity::in_file).transpose();
        let identity = identity.map_err(anyhow::Error::from)?;
        let session = self.through.open(identity.map(|it| it.key.clone()), output).await?;
        let is_own = session.daemon().is_some();
        if is_own && self.identity.is_none() {
            output.warn("nobody can end or renew this before its time: the key for that ends with this command (see --identity)");
        }
        let placement = Placement {
            paths: absolute(&self.paths)?,
            name: self.name.clone(),
            copies: self.copies,
            keep: self.keep_for,
            waits: is_own || !self.background,
            is_own,
        };
        let stop = &stop;
        session.with(|client| async move { super::store(&client, &placement, output, stop).await }).await
    }
}

/// Fetch a content from the nodes that keep it
///
/// Its path goes to standard output.
#[derive(clap::Args)]
pub(crate) struct RequestArgs {
    /// The content's id, or its whole name
    #[arg(value_name = "ID|NAME")]
    content: String,
    /// Folder that gets the content under its name
    #[arg(long, short, value_name = "DIR", default_value = ".")]
    output: PathBuf,
    /// Replace what differs there
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    through: ThroughArgs,
}

impl RequestArgs {
    pub(crate) async fn run(self, output: &Output, stop: CancellationToken) -> Result<Exit, CliError> {
        let session = self.through.open(None, output).await?;
        let dir = absolute(std::slice::from_ref(&self.output))?.remove(0);
        let (content, force, stop) = (&self.content, self.force, &stop);
        session
            .with(|client| async move { super::request(&client, content, dir, force, output, stop).await })
            .await
    }
}

/// Have other nodes keep a content no longer
///
/// Only who stored it can: the node, or the key file, that did.
#[derive(clap::Args)]
pub(crate) struct DropArgs {
    /// The content's id, or its whole name
    #[arg(value_name = "ID|NAME")]
    content: String,
    /// Key file that it was stored with
    #[arg(long, value_name = "FILE", requires = "peer")]
    identity: Option<PathBuf>,
    #[command(flatten)]
    through: ThroughArgs,
}

impl DropArgs {
    pub(crate) async fn run(self, output: &Output) -> Result<Exit, CliError> {
        let identity = self.identity.as_deref().map(Identity::in_file).transpose();
        let identity = identity.map_err(anyhow::Error::from)?;
        let session = self.through.open(identity.map(|it| it.key.clone()), output).await?;
        let content = &self.content;
        session.with(|client| async move { super::end(&client, content, output).await }).await
    }
}

/// List what the running node keeps for others, and what others keep for it
#[derive(clap::Args)]
pub(crate) struct StoredArgs {}

impl StoredArgs {
    pub(crate) async fn run(self, output: &Output) -> Result<Exit, CliError> {
        required().await?.with(|client| async move { super::stored(&client, output).await }).await
    }
}
