//! The commands on the running node's library, with their options.

use std::str::FromStr;

use shoal_daemon::parse_rate;

use super::super::error::{CliError, Exit};
use super::super::output::Output;
use super::super::session::{AskArgs, required};
use super::Order;
use super::finding::{FOUND, HOPS, Search};

/// Which contents of the library.
#[derive(clap::Args)]
pub(crate) struct Which {
    /// A content of the running node: its id, the beginning of its id (at least 8 characters), or its name
    #[arg(required = true, value_name = "CONTENT")]
    contents: Vec<String>,
}

/// Stop what the running node does for a content, also after a restart, until it is resumed
#[derive(clap::Args)]
pub(crate) struct PauseArgs {
    #[command(flatten)]
    which: Which,
}

/// Go on with a content after a pause, a failure, or a goal that was reached
#[derive(clap::Args)]
pub(crate) struct ResumeArgs {
    #[command(flatten)]
    which: Which,
}

/// Take a content out of the running node's library
///
/// Its files stay where they are, and so does the part of a download that is not complete.
#[derive(clap::Args)]
pub(crate) struct RmArgs {
    #[command(flatten)]
    which: Which,
}

async fn order(which: Which, order: Order, output: &Output) -> Result<Exit, CliError> {
    let session = required().await?;
    session.with(|client| async move { super::order(&client, order, &which.contents, output).await }).await
}

impl PauseArgs {
    pub(crate) async fn run(self, output: &Output) -> Result<Exit, CliError> {
        order(self.which, Order::Pause, output).await
    }
}

impl ResumeArgs {
    pub(crate) async fn run(self, output: &Output) -> Result<Exit, CliError> {
        order(self.which, Order::Resume, output).await
    }
}

impl RmArgs {
    pub(crate) async fn run(self, output: &Output) -> Result<Exit, CliError> {
        order(self.which, Order::Remove, output).await
    }
}

/// Show or change the running node's bandwidth limits
///
/// What is changed holds at once and after restarts, whenever the node's schedule says nothing.
#[derive(clap::Args)]
pub(crate) struct LimitArgs {
    /// Send at most this many bytes per second, such as 12.5MB or 100mbit; 'none' for no limit
    #[arg(long, value_name = "RATE")]
    up: Option<Cap>,
    /// Fetch at most this many bytes per second; 'none' for no limit
    #[arg(long, value_name = "RATE")]
    down: Option<Cap>,
}

/// A limit as it is written: a rate, or `none` for no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cap(pub(crate) Option<u64>);

impl FromStr for Cap {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.eq_ignore_ascii_case("none") {
            Ok(Self(None))
        } else {
            parse_rate(text).map(|rate| Self(Some(rate)))
        }
    }
}

impl LimitArgs {
    pub(crate) async fn run(self, output: &Output) -> Result<Exit, CliError> {
        let Self { up, down } = self;
        required().await?.with(|client| async move { super::limit(&client, up, down, output).await }).await
    }
}

/// Find contents by name: at the trackers, and from neighbours, who ask theirs
///
/// Found is what peers publish: `shoal share --publish`, `shoal node --share-dir`. What peers say is their claim: the content's
/// bytes are checked when it is fetched, by its id. Give the id to `shoal get`, with an address from --json as --peer. Exit code 1 if
/// nothing has such a name.
#[derive(clap::Args)]
pub(crate) struct FindArgs {
    /// What the name contains; case does not count. '' finds every name
    name: String,
    /// The name begins with it
    #[arg(long)]
    prefix: bool,
    /// Find at most this many
    #[arg(long, value_name = "N", default_value_t = FOUND, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    /// Ask peers that are at most this many connections away; 0 asks trackers alone
    #[arg(long, value_name = "N", default_value_t = HOPS, value_parser = clap::value_parser!(u8).range(0..=8))]
    hops: u8,
    /// Ask this peer instead of all neighbours, by address or id; may be given several times
    #[arg(long, value_name = "PEER")]
    peer: Vec<String>,
    #[command(flatten)]
    ask: AskArgs,
}

impl FindArgs {
    pub(crate) async fn run(self, output: &Output) -> Result<Exit, CliError> {
        let session = self.ask.open(output).await?;
        let trackers = self.ask.names_trackers();
        let Self { name, prefix, limit, hops, peer: peers, .. } = self;
        let search = Search { name, prefix, limit, hops, peers, trackers };
        session.with(|client| async move { super::show_found(&client, &search, output).await }).await
    }
}
