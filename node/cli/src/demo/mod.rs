//! `shoal demo`: a tracker, a seed and some peers on this machine, each a node of its own.

mod folder;
mod table;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use bytesize::ByteSize;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use libp2p::identity::Keypair;
use libp2p::{Multiaddr, PeerId};
use shoal_content::Manifest;
use shoal_rendezvous::{Settings, TrackerServer};
use tokio_util::sync::CancellationToken;

use self::table::{Row, table};
use super::error::{CliError, Exit};
use super::human;
use super::meter::Meter;
use super::output::Output;
use super::share::tell;
use shoal_net::{ContentEvent, ContentHandle, Failure, FetchOptions, Node, NodeConfig, ServeOptions};
use shoal_store::{ChunkStore, EntryState, verify};

/// Nodes of the demo listen on loopback alone.
const LOOPBACK: &str = "/ip4/127.0.0.1/tcp/0";
/// How often the bars change.
const REFRESH: Duration = Duration::from_millis(100);

/// Show it at work: a tracker, one seed and some peers on this machine move a folder
///
/// Without PATH a folder with large and many tiny files is made up. Every copy is compared with the
/// source; everything that was made is removed afterwards.
#[derive(clap::Args)]
pub(super) struct Args {
    /// File or folder to move [default: a made-up folder]
    path: Option<PathBuf>,
    /// How many peers fetch it
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    peers: u16,
    /// Size of the made-up folder
    #[arg(long, default_value = "256MiB", conflicts_with = "path", value_parser = size)]
    size: ByteSize,
}

/// Reads a size that a machine may well have room for.
fn size(text: &str) -> Result<ByteSize, String> {
    let size: ByteSize = text.parse()?;
    if size <= ByteSize::tib(1) { Ok(size) } else { Err("at most 1TiB here".into()) }
}

/// A node that fetches.
struct Peer {
    handle: ContentHandle,
    dir: PathBuf,
    bar: Meter,
}

pub(super) async fn run(args: Args, output: &Output, stop: CancellationToken) -> Result<Exit, CliError> {
    // Removed when it goes out of scope, whichever way this ends.
    let scratch = tempfile::Builder::new().prefix("shoal-demo-").tempdir().map_err(anyhow::Error::from)?;
    let result = tokio::select! {
        result = demonstrate(&args, scratch.path(), output, &stop) => result,
        () = stop.cancelled() => Err(CliError { exit: Exit::Failed, error: anyhow!("stopped"), hint: None }),
    };
    scratch.close().context("cannot remove the demo's folder")?;
    result
}

async fn demonstrate(
    args: &Args,
    scratch: &Path,
    output: &Output,
    stop: &CancellationToken,
) -> Result<Exit, CliError> {
    let path = match &args.path {
        Some(path) => path.clone(),
        None => make_up(scratch, args.size.as_u64(), output).await?,
    };
    let settings = Settings { listen: vec![LOOPBACK.parse().expect("well-formed")], ..Settings::default() };
    let tracker =
        TrackerServer::start(Keypair::generate_ed25519(), settings).await.map_err(anyhow::Error::from)?;
    let rendezvous = tracker.addresses().to_vec();
    output.say(format!("tracker   {}", rendezvous[0]));

    let imported = super::import::run(vec![path], None, None, false, output, stop).await?;
    let manifest = imported.source.manifest().clone();
    let seed = node().await?;
    let options = ServeOptions { trackers: rendezvous.clone(), ..ServeOptions::default() };
    let seeding = seed.serve(Arc::new(imported.source), options)?;
    output.say(format!("seed      {} shares {}", human::peer(&seed.peer_id()), describe(&manifest)));

    let start = Instant::now();
    let mut peers = Vec::new();
    for n in 1..=args.peers {
        let dir = scratch.join(format!("peer-{n}"));
        peers.push(start_peer(&manifest, seed.addresses().await, &rendezvous, dir, n, output).await?);
    }
    let times = fetch_all(&mut peers, start, output).await?;
    let rows = check(&peers, &times, seed.peer_id(), &manifest).await?;
    output.data(&rows, || table(&rows, manifest.root().size))?;

    // No node has to leave its swarm in good order: all nodes end together.
    drop((peers, seeding, tracker));
    let good = rows.iter().all(|row| row.verified);
    Ok(if good { Exit::Done } else { Exit::VerificationFailed })
}

fn describe(manifest: &Manifest) -> String {
    let root = manifest.root();
    let files = human::count(root.files.into(), "file");
    let chunks = human::count(root.chunks.into(), "chunk");
    format!("'{}': {} in {files}, {chunks}", root.name, human::bytes(root.size))
}

async fn make_up(scratch: &Path, size: u64, output: &Output) -> Result<PathBuf, CliError> {
    let path = scratch.join("demo-folder");
    let bar = output.byte_bar(size, "making up");
    let (to, shown) = (path.clone(), bar.clone());
    let made = tokio::task::spawn_blocking(move || folder::make(&to, size, &|n| shown.set_position(n))).await;
    made.map_err(anyhow::Error::from)?.context("cannot make up a folder")?;
    bar.finish_and_clear();
    Ok(path)
}

async fn node() -> Result<Node, CliError> {
    let listen = vec![LOOPBACK.parse().expect("well-formed")];
    Ok(Node::start(NodeConfig { listen, ..NodeConfig::default() }).await?)
}

async fn start_peer(
    manifest: &Manifest,
    seed: Vec<Multiaddr>,
    rendezvous: &[Multiaddr],
    dir: PathBuf,
    n: u16,
    output: &Output,
) -> Result<Peer, CliError> {
    let node = node().await?;
    let bar = output.part(Some(manifest.root().size), format!("peer {n}"));
    let handle = node.fetch(FetchOptions {
        peers: seed,
        trackers: rendezvous.to_vec(),
        ..FetchOptions::new(manifest.id(), dir.clone())
    })?;
    Ok(Peer { handle, dir, bar })
}

/// Shows all downloads until each has ended; returns how long each took.
async fn fetch_all(peers: &mut [Peer], start: Instant, output: &Output) -> Result<Vec<Duration>, CliError> {
    let follow = |(n, peer)| async move {
        follow(peer, output).await.map(|()| (n, start.elapsed())).map_err(|failure| (n, failure))
    };
    let mut running: FuturesUnordered<_> = peers.iter_mut().enumerate().map(follow).collect();
    let mut times = vec![Duration::ZERO; running.len()];
    while let Some(ended) = running.next().await {
        match ended {
            Ok((n, time)) => times[n] = time,
            Err((n, failure)) => {
                let mut error = CliError::from(failure);
                error.error = error.error.context(format!("peer {} failed", n + 1));
                return Err(error);
            }
        }
    }
    Ok(times)
}

async fn follow(peer: &mut Peer, output: &Output) -> Result<(), Arc<Failure>> {
    let progress = peer.handle.progress();
    let mut refresh = tokio::time::interval(REFRESH);
    loop {
        tokio::select! {
            _ = refresh.tick() => {
                let now = progress.borrow();
                if now.total > 0 {
                    peer.bar.set_length(now.total);
                }
                peer.bar.set_position(now.done);
                peer.bar.set_message(human::count(now.peers as u64, "peer"));
            }
            event = peer.handle.next() => match event {
                Some(ContentEvent::Finished(result)) => {
                    peer.bar.abandon();
                    return result.map(|_| ());
                }
                Some(event) => tell(event, output),
                None => return peer.handle.finished().await.map(|_| ()),
            }
        }
    }
}

/// Compares every copy with the source and gathers the numbers.
async fn check(
    peers: &[Peer],
    times: &[Duration],
    seed: PeerId,
    manifest: &Arc<Manifest>,
) -> Result<Vec<Row>, CliError> {
    let mut rows = Vec::new();
    for (n, (peer, time)) in peers.iter().zip(times).enumerate() {
        let (whole, base) = (manifest.clone(), peer.dir.join(manifest.name().as_str()));
        let look = move || verify(&whole, &base, &|_| {}, &AtomicBool::new(false));
        let report = tokio::task::spawn_blocking(look).await;
        let report = report.map_err(anyhow::Error::from)?.context("cannot read a copy")?;
        let verified = report.extra_count == 0 && report.entries.iter().all(|e| *e == EntryState::Match);
        let traffic = peer.handle.progress().borrow().traffic.clone();
        let from_seed = traffic.peers.get(&seed).map_or(0, |t| t.received);
        rows.push(Row {
            peer: format!("peer {}", n + 1),
            seconds: time.as_secs_f64(),
            from_seed,
            from_peers: traffic.total.received - from_seed,
            duplicate: traffic.total.duplicate,
            sent: traffic.total.sent,
            verified,
        });
    }
    Ok(rows)
}
