//! `shoal-rendezvous`: runs a tracker until it is told to end.

#[cfg(unix)]
mod open_files;
mod signals;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use libp2p::Multiaddr;
use libp2p::identity::Keypair;
use shoal_printable::escaped;
use shoal_rendezvous::config::{Options, TrackerConfig};
use shoal_rendezvous::{Settings, TrackerServer, identity, log, metrics};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

use self::signals::Signals;

/// How long the store may take to write what waits, at the end.
const FAREWELL: Duration = Duration::from_secs(10);
/// Exit codes; others are 0 and 1.
const USAGE: u8 = 2;
/// What a shell reports for a process that SIGINT ended.
const INTERRUPTED: i32 = 130;

/// A rendezvous point where peers of Shoal (and of any libp2p program) find each other.
///
/// Prints its full addresses on standard output, one on each line; give one of them to `shoal share
/// --rendezvous`. Runs until Ctrl-C or SIGTERM.
#[derive(Parser)]
#[command(version, after_long_help = AFTER_HELP)]
struct Args {
    /// Read options from a TOML file; those on the command line go before it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print the options that hold in the end, as TOML, and exit
    #[arg(long)]
    check_config: bool,
    #[command(flatten)]
    options: Options,
}

const AFTER_HELP: &str = "\
Examples:
  shoal-rendezvous
      A tracker on port 6969, TCP and QUIC, for everybody who reaches this machine.
  shoal-rendezvous --external /dns4/tracker.example.org/tcp/6969 --metrics 9469
      One with a name of its own, whose figures are at http://127.0.0.1:9469/metrics (and /health).
  shoal-rendezvous --relay
      One that also relays between peers whose routers let nobody through, until they have found a direct way.
  shoal-rendezvous --relay --relay-bytes 0 --relay-time 0s
      The same for routers that leave no direct way: contents then come through this machine, encrypted.
  shoal-rendezvous --config /etc/shoal-rendezvous.toml --check-config
      Shows what the file and the defaults come to.

File: options have the names from here without the dashes; the limits are in its table [limits].

State: --data holds identity.key (keep a copy: it is the tracker's address) and tracker.redb. Both are made \
if missing. A damaged tracker.redb is moved aside, and peers register again by themselves.

Signals: the first Ctrl-C or SIGTERM ends it in good order, a second one at once. SIGHUP is ignored: the \
configuration is read at the start only. Under systemd it reports when it is ready (Type=notify).

Open files: each connection takes one. The soft limit is raised to what --connections needs; if the hard limit is \
too low for that, a warning says so.

Exit codes: 0 ended as told, 1 failed, 2 usage or configuration, 130 ended at once by a second signal.";

fn main() -> ExitCode {
    // Usage errors end here, with exit code 2.
    let args = Args::parse();
    let (config, filter) = match configuration(&args) {
        Ok(both) => both,
        Err(error) => return complain(&error, USAGE),
    };
    if args.check_config {
        // Err: nobody reads it.
        let _ = std::io::stdout().write_all(config.to_toml().as_bytes());
        return ExitCode::SUCCESS;
    }
    log::init(filter, config.log_format);
    #[cfg(unix)]
    open_files::make_room(config.connections);
    let result = tokio::runtime::Runtime::new().context("cannot start").and_then(|runtime| {
        let result = runtime.block_on(run(&config));
        runtime.shutdown_background();
        result
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&error, 1),
    }
}

fn complain(error: &anyhow::Error, code: u8) -> ExitCode {
    eprintln!("error: {}", escaped(&format!("{error:#}")));
    code.into()
}

fn configuration(args: &Args) -> anyhow::Result<(TrackerConfig, EnvFilter)> {
    let file = args.config.as_deref().map(Options::from_file).transpose()?.unwrap_or_default();
    let config = args.options.clone().or(file).complete()?;
    let filter = match &config.log {
        Some(log) => {
            EnvFilter::try_new(log).with_context(|| format!("log: {log:?} is no level or filter"))?
        }
        None => EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into()),
    };
    Ok((config, filter))
}

async fn run(config: &TrackerConfig) -> anyhow::Result<()> {
    // Before anything is printed: a program that reads the address may end the tracker the moment after.
    let mut signals = Signals::new().context("cannot listen for signals")?;
    let key = identity::load_or_create(&config.data.join("identity.key"))?;
    let tracker = serve(config, key, &mut signals).await?;
    tokio::select! {
        written = tracker.shutdown(FAREWELL) => {
            if !written {
                tracing::error!("not all of the state could be written");
            }
        }
        () = signals.end() => std::process::exit(INTERRUPTED),
    }
    Ok(())
}

/// Runs the tracker until a signal is to end it.
async fn serve(config: &TrackerConfig, key: Keypair, signals: &mut Signals) -> anyhow::Result<TrackerServer> {
    let settings = Settings {
        listen: config.listen.clone(),
        data: Some(config.data.clone()),
        external: config.external.clone(),
        limits: config.limits.clone(),
        connections: config.connections,
        relay: config.relay,
        ..Settings::default()
    };
    let tracker = TrackerServer::start(key, settings).await?;
    if let Some(address) = config.metrics {
        let listener = TcpListener::bind(address).await;
        let listener = listener.with_context(|| {
            format!("cannot serve figures on {address}; choose another address with --metrics")
        })?;
        tracing::info!(address = %listener.local_addr()?, "serving figures");
        tokio::spawn(metrics::serve(listener, tracker.feed()));
        if !address.ip().is_loopback() {
            tracing::warn!(%address, "whoever reaches this address can read the tracker's figures");
        }
    }
    print_addresses(tracker.addresses());
    notify(sd_notify::NotifyState::Ready);
    signals.end().await;
    notify(sd_notify::NotifyState::Stopping);
    Ok(tracker)
}

fn print_addresses(addresses: &[Multiaddr]) {
    let lines: String = addresses.iter().map(|address| format!("{address}\n")).collect();
    let mut out = std::io::stdout().lock();
    // Err: nobody reads it; the tracker is of use all the same.
    let _ = out.write_all(escaped(&lines).as_bytes()).and_then(|()| out.flush());
}

/// Tells systemd, if it is there.
fn notify(state: sd_notify::NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::debug!(%error, "cannot tell systemd");
    }
}
