//! `shoal-rendezvous`: runs a tracker until it is told to end.

use std::io::IsTerminal;
use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;
use etcetera::BaseStrategy;
use libp2p::Multiaddr;
use shoal_rendezvous::{Settings, Tracker, identity};

/// A rendezvous point where peers of Shoal (and of any libp2p program) find each other.
///
/// Prints its full addresses on standard output, one on each line; give one of them to `shoal share
/// --rendezvous`. Ends on Ctrl-C or SIGTERM.
#[derive(Parser)]
#[command(version)]
struct Args {
    /// Address to listen on; may be given several times
    #[arg(long, value_name = "ADDR", default_values = ["/ip4/0.0.0.0/tcp/6969", "/ip4/0.0.0.0/udp/6969/quic-v1"])]
    listen: Vec<Multiaddr>,
    /// Folder that keeps the tracker's key, so that its address stays the same [default: in your data folder]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into()),
        )
        .with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none())
        .with_writer(std::io::stderr)
        .init();
    let args = Args::parse();
    let data = match args.data {
        Some(data) => data,
        None => etcetera::choose_base_strategy()
            .context("there is no home folder; say where to keep the key with --data")?
            .data_dir()
            .join("shoal-rendezvous"),
    };
    let key = identity::load_or_create(&data.join("identity.key"))?;
    // Before anything is printed: who reads the address may end the tracker the moment after.
    let end = Signals::new()?;
    let tracker = Tracker::start(key, Settings { listen: args.listen, ..Settings::default() }).await?;
    for address in tracker.addresses() {
        println!("{address}");
    }
    end.wait().await;
    tracker.shutdown().await;
    Ok(())
}

/// Ctrl-C and SIGTERM, noticed from the moment this is made.
#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn wait(mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn wait(self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
