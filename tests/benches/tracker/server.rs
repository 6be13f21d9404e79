//! The servers: our program, and libp2p's stock behaviour in a process of this benchmark's own.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Context;
use futures::StreamExt;
use libp2p::swarm::{NetworkBehaviour, SwarmEvent};
use libp2p::{Multiaddr, SwarmBuilder, identify, noise, ping, rendezvous, tcp, yamux};
use shoal_tests::process::{LOOPBACK, Process};

/// Tells a child what to be.
const ROLE: &str = "SHOAL_BENCH_STOCK_SERVER";
/// More than is ever registered; its defaults are 10 000 and 32.
const PLENTY: usize = 10_000_000;

/// A running server.
pub(crate) struct Server {
    pub(crate) process: Process,
    pub(crate) address: Multiaddr,
}

impl Server {
    /// `shoal-rendezvous`, with its state in this folder.
    pub(crate) fn ours(program: &Path, data: &Path, connections: usize) -> anyhow::Result<Self> {
        let mut command = Command::new(program);
        command.args(["--listen", LOOPBACK, "--per-peer", "100000", "--connections"]);
        command.arg((connections + 100).to_string()).arg("--data").arg(data);
        Self::start(command)
    }

    /// libp2p's own.
    pub(crate) fn stock() -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.env(ROLE, "1");
        Self::start(command)
    }

    fn start(mut command: Command) -> anyhow::Result<Self> {
        command.stdin(Stdio::null()).env_remove("RUST_LOG");
        let mut process = Process::spawn(command);
        let address = process.line("an address", |line| line.contains("/p2p/"));
        Ok(Self { process, address: address.parse().context("an address")? })
    }
}

#[derive(NetworkBehaviour)]
struct Stock {
    rendezvous: rendezvous::server::Behaviour,
    identify: identify::Behaviour,
    ping: ping::Behaviour,
}

/// Serves for ever, if that is what this process is to do.
pub(crate) fn ran_as_child() -> bool {
    if std::env::var_os(ROLE).is_none() {
        return false;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(serve()).expect("it serves");
    true
}

async fn serve() -> anyhow::Result<()> {
    let config = rendezvous::server::Config::default()
        .with_min_ttl(1)
        .with_max_registration_total(PLENTY)
        .with_max_registration_per_peer(PLENTY);
    let mut swarm = SwarmBuilder::with_new_identity()
        .with_tokio()
        .with_tcp(tcp::Config::default().nodelay(true), noise::Config::new, yamux::Config::default)?
        .with_behaviour(|key| Stock {
            rendezvous: rendezvous::server::Behaviour::new(config),
            identify: identify::Behaviour::new(identify::Config::new("bench/1".into(), key.public())),
            ping: ping::Behaviour::default(),
        })?
        .with_swarm_config(|config| config.with_idle_connection_timeout(Duration::from_secs(3600)))
        .build();
    swarm.listen_on(LOOPBACK.parse()?)?;
    let own = *swarm.local_peer_id();
    loop {
        if let SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await {
            println!("{address}/p2p/{own}");
        }
    }
}
