//! Servers under load over real connections.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use futures::future::try_join_all;
use libp2p::core::PeerRecord;
use libp2p::identity::Keypair;
use shoal_tests::process::program;

use crate::args::Args;
use crate::client::{Client, Tally};
use crate::server::Server;
use crate::{message, system};

const NAMESPACES: usize = 1_000;
/// Registrations of each peer. Many peers with few each, because a server may bound how often one of them asks.
const PER_PEER: usize = 100;
/// Peers that are dialled together; servers bound the handshakes under way.
const AT_ONCE: usize = 50;
/// The longest that our server grants.
const TTL: u64 = 7_200;
const LIMIT: u64 = 50;

/// What a measurement showed.
struct Rate {
    tally: Tally,
    seconds: f64,
    /// Processor seconds of the server.
    processor: f64,
}

impl Rate {
    fn per_second(&self) -> f64 {
        self.tally.done as f64 / self.seconds
    }

    fn show(&self, what: &str) {
        let each = self.processor / (self.tally.done.max(1)) as f64 * 1e6;
        print!(
            "    {what:<14} {:>8.0} per second; {each:>8.1} µs of the server's processor each",
            self.per_second()
        );
        if self.tally.listed > 0 {
            print!("; {:.0} listed in each", self.tally.listed as f64 / self.tally.done.max(1) as f64);
        }
        if self.tally.refused + self.tally.failed > 0 {
            print!("; REFUSED {}, FAILED {}", self.tally.refused, self.tally.failed);
        }
        println!();
    }
}

/// What one server showed.
struct Results {
    register: Rate,
    renew: Rate,
    discover: Rate,
}

fn namespace(n: usize) -> String {
    format!("shoal/bafyrei{n:052}")
}

/// A record as rust-libp2p writes them: both servers read it.
fn record(key: &Keypair) -> anyhow::Result<Vec<u8>> {
    let record = PeerRecord::new(key, vec!["/ip4/127.0.0.1/tcp/4001".parse()?])?;
    Ok(record.into_signed_envelope().into_protobuf_encoding())
}

/// A peer of the load: connected, with its registrations ready to be sent.
struct Peer {
    client: Client,
    record: Vec<u8>,
}

impl Peer {
    /// In so many namespaces; those of the next peer come after those of this one.
    fn registrations(&self, at: usize, count: usize) -> impl Iterator<Item = Vec<u8>> + use<> {
        let record = self.record.clone();
        let names = (at * count..).take(count).map(|n| namespace(n % NAMESPACES));
        names.map(move |name| message::register(&name, &record, TTL))
    }
}

/// What the peers of the load send, in turn.
#[derive(Clone, Copy)]
enum Kind {
    /// Each of its namespaces once.
    Register(usize),
    /// The same again, until time is up.
    Renew(usize),
    /// So many questions, or until time is up.
    Discover(usize),
}

async fn run(server: &Server, peers: &mut [Peer], kind: Kind, limit: Duration) -> Rate {
    let id = server.process.id();
    let (start, before) = (Instant::now(), system::processor(id));
    let end = start + limit;
    let each = peers.iter_mut().enumerate().map(|(at, peer)| async move {
        match kind {
            Kind::Register(count) => {
                let bodies = peer.registrations(at, count);
                peer.client.send(bodies, end).await
            }
            Kind::Renew(count) => {
                let bodies: Vec<_> = peer.registrations(at, count).collect();
                peer.client.send(bodies.into_iter().cycle(), end).await
            }
            Kind::Discover(count) => {
                let bodies = (at..).take(count).map(|n| message::discover(&namespace(n % NAMESPACES), LIMIT));
                peer.client.send(bodies, end).await
            }
        }
    });
    let tally = futures::future::join_all(each).await.into_iter().sum();
    let processor = (system::processor(id) - before).as_secs_f64();
    Rate { tally, seconds: start.elapsed().as_secs_f64(), processor }
}

async fn measure(name: &str, server: &Server, args: &Args) -> anyhow::Result<Results> {
    println!("  {name}");
    let (count, each) = (args.registrations / PER_PEER, PER_PEER);
    let mut peers = vec![];
    while peers.len() < count {
        let some = (0..AT_ONCE.min(count - peers.len())).map(|_| async {
            let key = Keypair::generate_ed25519();
            let record = record(&key)?;
            anyhow::Ok(Peer { record, client: Client::connect(key, &server.address).await? })
        });
        peers.extend(try_join_all(some).await?);
    }
    let register = run(server, &mut peers, Kind::Register(each), args.fill).await;
    register.show("register");
    let held = register.tally.done;
    if held < (count * each) as u64 {
        println!("    holds only {held} of {}: what follows does not compare", count * each);
    }
    let discover = run(server, &mut peers, Kind::Discover(usize::MAX), args.measure).await;
    discover.show("discover");
    let renew = run(server, &mut peers, Kind::Renew(each), args.measure).await;
    renew.show("renew");
    let resident = system::mib(system::resident(server.process.id()));
    println!("    resident: {resident:.0} MiB with {} connections", peers.len());
    Ok(Results { register, renew, discover })
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    // One thread, so that the server has a processor for itself where there are two.
    tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start")
}

/// The program that is measured: the one that `SHOAL_RENDEZVOUS` names, or a new build.
fn ours() -> anyhow::Result<PathBuf> {
    if let Some(path) = std::env::var_os("SHOAL_RENDEZVOUS") {
        return Ok(path.into());
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = std::process::Command::new(cargo);
    let built = command.args(["build", "--release", "--package", "shoal-rendezvous"]).status()?;
    ensure!(built.success(), "cannot build shoal-rendezvous");
    Ok(program("shoal-rendezvous"))
}

pub(crate) fn requests(args: &Args) -> anyhow::Result<()> {
    let program = ours()?;
    println!(
        "\n{} registrations in {NAMESPACES} namespaces over real connections (TCP, Noise, loopback)",
        args.registrations
    );
    let stock = {
        let server = Server::stock()?;
        runtime()?.block_on(measure("libp2p's own server", &server, args))?
    };
    let folder = tempfile::tempdir()?;
    let server = Server::ours(&program, folder.path(), args.registrations / PER_PEER)?;
    let ours = runtime()?.block_on(measure("shoal-rendezvous", &server, args))?;
    if ours.register.tally.done != stock.register.tally.done {
        println!("  they hold different numbers of registrations, so they do not compare");
        return Ok(());
    }
    for (what, of) in [
        ("registrations while filling", (|r| &r.register) as fn(&Results) -> &Rate),
        ("discoveries when full", |r| &r.discover),
        ("renewals when full", |r| &r.renew),
    ] {
        let (ours, stock) = (of(&ours), of(&stock));
        let cost = |rate: &Rate| rate.processor / rate.tally.done as f64;
        println!(
            "  {what}: ours ÷ stock {:.1} per second, {:.1} by processor time (aim: at least 5)",
            ours.per_second() / stock.per_second(),
            cost(stock) / cost(ours)
        );
    }
    Ok(())
}

pub(crate) fn connections(args: &Args) -> anyhow::Result<()> {
    let program = ours()?;
    println!("\n{} live connections to shoal-rendezvous", args.connections);
    system::allow_files(args.connections as u64 + 1_000)?;
    let folder = tempfile::tempdir()?;
    let server = Server::ours(&program, folder.path(), args.connections)?;
    let before = system::resident(server.process.id());
    runtime()?.block_on(async {
        let start = Instant::now();
        let mut peers = vec![];
        while peers.len() < args.connections {
            let count = AT_ONCE.min(args.connections - peers.len());
            let some = (0..count).map(|_| Client::connect(Keypair::generate_ed25519(), &server.address));
            let some =
                try_join_all(some).await.with_context(|| format!("after {} connections", peers.len()))?;
            // Those that stand answer pings from now on.
            peers.extend(some.into_iter().map(|client| tokio::spawn(client.stay())));
        }
        println!("  connected in {:.1} s", start.elapsed().as_secs_f64());
        let key = Keypair::generate_ed25519();
        let mut asker =
            [Peer { record: record(&key)?, client: Client::connect(key, &server.address).await? }];
        run(&server, &mut asker, Kind::Register(NAMESPACES), args.measure).await.show("register");
        // No more than one peer may ask at once.
        run(&server, &mut asker, Kind::Discover(NAMESPACES), args.measure).await.show("discover");
        let alive = peers.iter().filter(|peer| !peer.is_finished()).count();
        let now = system::resident(server.process.id());
        println!("  alive: {alive}; resident: {:.0} MiB", system::mib(now));
        println!(
            "  each connection takes {} KiB",
            (now.saturating_sub(before) / args.connections as u64) >> 10
        );
        Ok(())
    })
}
