//! The node that a command uses: the one that is running, or one of its own in this process.

use libp2p::Multiaddr;
use libp2p::identity::Keypair;
use shoal_api::{Client, ClientError};
use shoal_daemon::{Daemon, DaemonConfig};
use shoal_net::{DiscoveryConfig, NodeConfig};
use tokio_util::sync::CancellationToken;

use super::error::{CliError, Exit};
use super::options::{NetArgs, address};
use super::output::Output;
use super::places;

/// Which node a command uses.
#[derive(clap::Args, Debug, Clone, Default)]
pub(super) struct UseArgs {
    /// Use no running node, but one of this command's own
    #[arg(long)]
    pub(super) standalone: bool,
}

/// Which node asks, and whom it knows if it is this command's own.
#[derive(clap::Args, Debug, Clone)]
pub(super) struct AskArgs {
    #[command(flatten)]
    which: UseArgs,
    /// Rendezvous point to use, in a node of this command's own; may be given several times
    #[arg(long, value_name = "ADDR", value_parser = address)]
    rendezvous: Vec<Multiaddr>,
}

/// A node that answers.
pub(super) struct Session {
    pub(super) client: Client,
    /// The daemon of this process, and what ends the watch over it.
    own: Option<(Daemon, CancellationToken)>,
}

/// The running node, if there is one. Nothing but a socket on which nobody listens counts as none.
pub(super) async fn running() -> Result<Option<Client>, CliError> {
    for socket in places::sockets() {
        let client = Client::unix(socket);
        match client.node().await {
            Ok(_) => return Ok(Some(client)),
            Err(ClientError::NotRunning) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
}

impl UseArgs {
    /// The running node, unless told not to use it.
    async fn running(&self) -> Result<Option<Client>, CliError> {
        if self.standalone { Ok(None) } else { running().await }
    }

    /// The running node, unless told not to use it, or an option is given that means something only without: then this says
    /// so.
    pub(super) async fn running_for(
        &self,
        only_alone: Option<&str>,
        output: &Output,
    ) -> Result<Option<Client>, CliError> {
        let running = self.running().await?;
        Ok(match (running, only_alone) {
            (Some(_), Some(option)) => {
                output.say(format!("{option} means nothing to the running node: this is a node of its own"));
                None
            }
            (running, _) => running,
        })
    }
}

/// The running node; an error if there is none.
pub(super) async fn required() -> Result<Session, CliError> {
    match running().await? {
        Some(client) => Ok(Session { client, own: None }),
        None => Err(ClientError::NotRunning.into()),
    }
}

impl AskArgs {
    /// Whether trackers are named.
    pub(super) fn names_trackers(&self) -> bool {
        !self.rendezvous.is_empty()
    }

    /// The running node, or one in this process that keeps nothing.
    pub(super) async fn open(&self, output: &Output) -> Result<Session, CliError> {
        if !self.rendezvous.is_empty() && !self.which.standalone {
            output.say("with --rendezvous this asks by a node of its own");
        } else if let Some(client) = self.which.running().await? {
            return Ok(Session { client, own: None });
        }
        // It asks once, and is gone before anybody could find it or come by way of the router.
        let net = NetArgs { rendezvous: self.rendezvous.clone(), no_upnp: true, ..NetArgs::default() };
        let discovery = DiscoveryConfig::default();
        let node = NodeConfig { discovery, ..net.config(Keypair::generate_ed25519(), 0)? };
        Session::own(DaemonConfig { node, trackers: net.rendezvous, ..DaemonConfig::default() }).await
    }
}

impl Session {
    /// Starts a node in this process.
    pub(super) async fn own(config: DaemonConfig) -> Result<Self, CliError> {
        let (data, stop) = (config.data.clone(), CancellationToken::new());
        let daemon = Daemon::start(config).await?;
        let client = Client::in_process(shoal_api::router(daemon.clone(), data, stop.clone()));
        Ok(Self { client, own: Some((daemon, stop)) })
    }

    /// The running node that answers there.
    pub(super) fn attached(client: Client) -> Self {
        Self { client, own: None }
    }

    /// The node in this process, if it is one.
    pub(super) fn daemon(&self) -> Option<&Daemon> {
        self.own.as_ref().map(|(daemon, _)| daemon)
    }

    /// Ends the node in good order if it is this process's own.
    pub(super) async fn end(self) {
        drop(self.client);
        if let Some((daemon, stop)) = self.own {
            stop.cancel();
            daemon.shutdown().await;
        }
    }

    /// Does something with the node, and ends the session however that ended.
    pub(super) async fn with<F>(self, act: impl FnOnce(Client) -> F) -> Result<Exit, CliError>
    where
        F: Future<Output = Result<Exit, CliError>>,
    {
        let result = act(self.client.clone()).await;
        self.end().await;
        result
    }
}
