//! Many contents on few nodes: `cargo bench -p shoal-tests --bench contents [-- idle pair mesh]`.
//!
//! - `idle`: a thousand shared contents that nobody asks for: memory for each, and share of a core, with and without
//!   a tracker.
//! - `pair`: two nodes with 200 contents each, both ways at once.
//! - `mesh`: 12 nodes with 20 contents each; everybody fetches everything.
//!
//! All nodes run in this process, over loopback. Figures of processor time and memory are those of the process.

mod cost;
mod home;

use std::time::{Duration, Instant};

use libp2p::Multiaddr;
use shoal_content::ContentId;

use self::cost::{cpu, resident};
use self::home::Home;

const IDLE: u64 = 1000;
const IDLE_FOR: Duration = Duration::from_secs(60);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // `cargo bench` passes `--bench`; `cargo test --benches` does not want a benchmark.
    let args: Vec<String> = std::env::args().skip(1).collect();
    if !args.iter().any(|arg| arg == "--bench") {
        return Ok(());
    }
    let named: Vec<_> = args.iter().filter(|arg| !arg.starts_with('-')).collect();
    let wanted = |name: &str| named.is_empty() || named.iter().any(|n| n.as_str() == name);
    if wanted("idle") {
        idle(None).await?;
        let settings = shoal_rendezvous::Settings {
            listen: vec![shoal_tests::process::LOOPBACK.parse()?],
            ..shoal_rendezvous::Settings::default()
        };
        let keys = libp2p::identity::Keypair::generate_ed25519();
        let tracker = shoal_rendezvous::TrackerServer::start(keys, settings).await?;
        idle(Some(tracker.addresses()[0].clone())).await?;
    }
    if wanted("pair") {
        pair().await?;
    }
    if wanted("mesh") {
        mesh().await?;
    }
    Ok(())
}

async fn idle(tracker: Option<Multiaddr>) -> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    let home = Home::new(scratch.path(), "home").await?;
    let before = resident();
    let trackers: Vec<_> = tracker.into_iter().collect();
    for n in 0..IDLE {
        home.share(&n.to_string(), 64 << 10, n, &trackers)?;
    }
    // What follows from the start, such as the first questions to a tracker, is not idleness.
    tokio::time::sleep(Duration::from_secs(20)).await;
    let each = resident().saturating_sub(before) / IDLE;
    let (start, used) = (Instant::now(), cpu());
    tokio::time::sleep(IDLE_FOR).await;
    let share = (cpu() - used) / start.elapsed().as_secs_f64();
    let with = if trackers.is_empty() { "without a tracker" } else { "at a tracker (its own work included)" };
    println!("idle   {IDLE} contents {with}: {} KiB each, {:.2} % of a core", each >> 10, 100.0 * share);
    home.node.shutdown().await;
    Ok(())
}

async fn pair() -> anyhow::Result<()> {
    const EACH: u64 = 200;
    let scratch = tempfile::tempdir()?;
    let homes = [Home::new(scratch.path(), "one").await?, Home::new(scratch.path(), "two").await?];
    let mut contents = Vec::new();
    for (n, home) in (0..).zip(&homes) {
        contents.push(shared(home, n, EACH, 1 << 20).await?);
    }
    run("pair", &homes, &contents).await
}

async fn mesh() -> anyhow::Result<()> {
    const NODES: u64 = 12;
    const EACH: u64 = 20;
    let scratch = tempfile::tempdir()?;
    let (mut homes, mut contents) = (Vec::new(), Vec::new());
    for n in 0..NODES {
        let home = Home::new(scratch.path(), &n.to_string()).await?;
        contents.push(shared(&home, n, EACH, 1 << 20).await?);
        homes.push(home);
    }
    run("mesh", &homes, &contents).await
}

/// What a node shares, and where it is.
type Shared = (Vec<ContentId>, Vec<Multiaddr>);

async fn shared(home: &Home, n: u64, each: u64, size: usize) -> anyhow::Result<Shared> {
    let share = |k| home.share(&format!("{n}-{k}"), size, 1_000_000 * n + k, &[]);
    let contents = (0..each).map(share).collect::<anyhow::Result<_>>()?;
    Ok((contents, home.node.addresses().await))
}

/// Everybody fetches everything that others share.
async fn run(name: &str, homes: &[Home], shared: &[Shared]) -> anyhow::Result<()> {
    let (start, used, before) = (Instant::now(), cpu(), resident());
    let mut wanted = Vec::new();
    for (n, home) in homes.iter().enumerate() {
        for (_, (contents, at)) in shared.iter().enumerate().filter(|(owner, _)| *owner != n) {
            for content in contents {
                wanted.push(home.fetch(*content, at)?);
            }
        }
    }
    let mut most = before;
    for handle in &wanted {
        handle.finished().await?;
        most = most.max(resident());
    }
    println!(
        "{name}   {} downloads among {} nodes: {:.1} s, {:.1} s of processor time, {} MiB more memory at most",
        wanted.len(),
        homes.len(),
        start.elapsed().as_secs_f64(),
        cpu() - used,
        most.saturating_sub(before) >> 20,
    );
    Ok(())
}
