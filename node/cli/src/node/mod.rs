//! `shoal node`: a node that stays, with a library that outlives it, controlled by the other commands.

mod config;
mod options;
mod shown;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, anyhow};
use serde::Serialize;
use shoal_api::metrics::NodeMetrics;
use shoal_api::{ApiConfig, Client, serve};
use shoal_daemon::{Daemon, DaemonConfig};
use shoal_net::{NeighbourhoodConfig, NodeConfig, SwarmMetrics};
use shoal_printable::Printable;
use shoal_rendezvous::config::read_file;
use shoal_rendezvous::log;
use shoal_rendezvous::metrics::{MetricsPage, serve_page};
use shoal_store::default_cache_dir;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use self::config::NodeSettings;
use self::options::NodeOptions;
use super::error::{CliError, Exit};
use super::log_filter::log_filter;
use super::options::{NetArgs, PaceArgs};
use super::output::Output;
use super::share_dirs::{self, ShareDirs};
use super::{activity, identity, places, store};

/// Run a node that stays: it shares and fetches what the other commands leave to it, also after a restart
///
/// Prints its addresses on standard output, one on each line, and runs until Ctrl-C or SIGTERM. While it runs, `share`, `get`,
/// `status`, `peers`, `ls`, `find`, `pause`, `resume`, `rm`, `limit`, `load`, `counters`, `where`, `ping`, `topo`, `store`,
/// `request`, `stored`, `drop` and `shell` use it.
#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Args {
    /// Read options from a TOML file; those on the command line go before it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print the options that hold in the end, as TOML, and exit
    #[arg(long)]
    check_config: bool,
    #[command(flatten)]
    options: NodeOptions,
}

const AFTER_HELP: &str = "\
File: options have the names from here without the dashes; those under Limits, Store and Control are in its tables \
[limits], [store] and [control].

Data: the folder holds identity.key (the node's address), library.redb, with --api api.token, and with \
--donate in store/ what it keeps for others. Shared files stay where they are.

Signals: the first Ctrl-C or SIGTERM ends it in good order, what it keeps for others being handed over first; a second one \
ends it at once. Under systemd it reports when it is ready \
(Type=notify).";

/// What is printed once the node runs.
#[derive(Serialize)]
struct Running {
    peer: String,
    addresses: Vec<String>,
    socket: PathBuf,
    /// Where the API is served over TCP.
    #[serde(skip_serializing_if = "Option::is_none")]
    api: Option<String>,
    data: PathBuf,
}

pub(super) async fn run(
    args: Args,
    verbose: bool,
    output: &Output,
    stop: CancellationToken,
) -> Result<Exit, CliError> {
    let (settings, filter) = args.settings(verbose).map_err(CliError::usage)?;
    if args.check_config {
        let text = settings.to_toml()?;
        output.data(&text, || text.trim_end().to_owned())?;
        return Ok(Exit::Done);
    }
    log::init(filter, settings.log_format);
    let mut dirs = ShareDirs::new(&settings.share_dir)?;
    let held = identity::of_node(&settings.data)?;
    let daemon = Daemon::start(settings.daemon(held.key.clone())?).await?;
    let recorder = activity::record(daemon.node(), settings.activity_log.as_deref())?;
    let result = tokio::select! {
        ended = control(&settings, &daemon, &mut dirs, output, &stop) => ended,
        () = daemon.outdone() => Err(outdone(&daemon)),
    };
    notify(sd_notify::NotifyState::Stopping);
    if result.is_ok() {
        store::hand_over(&daemon, output).await;
    }
    daemon.shutdown().await;
    activity::finish(recorder).await;
    drop(held);
    result.map(|()| Exit::Done)
}

fn outdone(daemon: &Daemon) -> CliError {
    let peer = daemon.node().peer_id();
    let error = CliError::from(anyhow!(
        "another node with this identity, {peer}, is running, and was started before this one"
    ));
    error.hint("end it first, or give this node an identity of its own: another --data folder, without a copy of identity.key")
}

/// Serves the API until the node is to end.
async fn control(
    settings: &NodeSettings,
    daemon: &Daemon,
    dirs: &mut ShareDirs,
    output: &Output,
    stop: &CancellationToken,
) -> Result<(), CliError> {
    if let Some(address) = settings.control.metrics {
        serve_figures(address, daemon.clone()).await?;
    }
    let api = serve(daemon.clone(), settings.api(), stop.clone()).await.map_err(anyhow::Error::from)?;
    let running = Running {
        peer: daemon.node().peer_id().to_string(),
        addresses: daemon.node().addresses().await.iter().map(ToString::to_string).collect(),
        socket: settings.control.socket.clone(),
        api: api.tcp().map(|address| address.to_string()),
        data: settings.data.clone(),
    };
    output.data(&running, || running.addresses.join("\n"))?;
    output.say(format!(
        "the other commands find it at '{}'; Ctrl-C ends it",
        Printable(&running.socket.to_string_lossy())
    ));
    notify(sd_notify::NotifyState::Ready);
    share_on(dirs, &settings.control.socket, stop).await;
    api.ended().await;
    Ok(())
}

/// Serves figures for Prometheus for as long as the process runs.
async fn serve_figures(address: SocketAddr, daemon: Daemon) -> Result<(), CliError> {
    let listener = TcpListener::bind(address).await.with_context(|| {
        format!("cannot serve figures on {address}; choose another address with --metrics")
    })?;
    let address = listener.local_addr().context("the listener has no address")?;
    tracing::info!(%address, "serving figures");
    if !address.ip().is_loopback() {
        tracing::warn!(%address, "whoever reaches this address can read the node's figures");
    }
    let figures = NodeMetrics::of(daemon);
    tokio::spawn(serve_page(listener, MetricsPage::new(move || figures.text(), || true)));
    Ok(())
}

/// Shares what lies in the folders to share, and what comes into them, until the node is to end.
async fn share_on(dirs: &mut ShareDirs, socket: &std::path::Path, stop: &CancellationToken) {
    if dirs.is_empty() {
        return stop.cancelled().await;
    }
    let client = Client::unix(socket);
    let mut at_once = true;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            looked = dirs.look(&client, at_once) => match looked {
                Ok(words) => words.iter().for_each(|words| tracing::warn!("{words}")),
                Err(error) => tracing::warn!("cannot look what is to be shared: {:#}", error.error),
            },
        }
        at_once = false;
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(share_dirs::PAUSE) => {}
        }
    }
}

impl Args {
    fn settings(&self, verbose: bool) -> anyhow::Result<(NodeSettings, EnvFilter)> {
        let file = self.config.as_deref().map(read_file).transpose()?.unwrap_or_default();
        let settings = self.options.clone().or(file).complete(places::runtime_dir().as_deref())?;
        let filter = match &settings.log {
            Some(log) => {
                EnvFilter::try_new(log).map_err(|_| anyhow!("log: {log:?} is no level or filter"))?
            }
            None => log_filter(verbose, "warn"),
        };
        let absolute = |path: &PathBuf| std::path::absolute(path).context("there is no folder to be in");
        let activity_log = settings.activity_log.as_ref().map(absolute).transpose()?;
        Ok((NodeSettings { data: absolute(&settings.data)?, activity_log, ..settings }, filter))
    }
}

impl NodeSettings {
    fn daemon(&self, key: libp2p::identity::Keypair) -> Result<DaemonConfig, CliError> {
        let net = NetArgs {
            listen: self.listen.clone(),
            rendezvous: self.rendezvous.clone(),
            relay: self.relay.clone(),
            no_upnp: self.no_upnp,
            pace: PaceArgs {
                limit_up: self.limits.up,
                limit_down: self.limits.down,
                upload_slots: self.limits.upload_slots,
                fairness: self.limits.fairness,
            },
            finding: self.finding.clone(),
        };
        Ok(DaemonConfig {
            data: Some(self.data.clone()),
            node: NodeConfig {
                metrics: Some(SwarmMetrics::default()),
                neighbourhood: NeighbourhoodConfig { peers: self.peer.clone(), ring: !self.no_ring },
                ..net.config(key, self.port)?
            },
            trackers: self.rendezvous.clone(),
            schedule: self.limits.schedule.clone(),
            watch: self.watch,
            activity_log: self.activity_log.clone(),
            cache: default_cache_dir(),
            store: Some(self.store.clone()),
        })
    }

    fn api(&self) -> ApiConfig {
        let control = &self.control;
        ApiConfig {
            socket: Some(control.socket.clone()),
            tcp: control.api,
            allow_remote: control.api_allow_remote,
            names: control.api_host.clone(),
            base: control.api_base.clone().unwrap_or_default(),
            data: Some(self.data.clone()),
        }
    }
}

/// Tells systemd, if it is there.
fn notify(state: sd_notify::NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::debug!(%error, "cannot tell systemd");
    }
}
