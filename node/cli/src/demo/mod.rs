//! `shoal demo`: a tracker, a seed and some peers on this machine, each a node of its own.

mod folder;
mod host;
mod liar;
mod spec;
mod swarm;
mod table;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::{Context, anyhow};
use bytesize::ByteSize;
use libp2p::identity::Keypair;
use libp2p::{Multiaddr, PeerId};
use shoal_content::Manifest;
use shoal_engine::Topology;
use shoal_net::{ContentHandle, FetchOptions, ServeOptions};
use shoal_printable::Printable;
use shoal_rendezvous::{Settings, TrackerServer};
use shoal_store::{ChunkStore, EntryState, Source, verify};
use tokio_util::sync::CancellationToken;

use self::host::{Host, LOOPBACK};
use self::liar::Liar;
use self::spec::{Kill, NodeName, Slow};
use self::swarm::{End, Fetcher, Member};
use self::table::{Fate, Report, Row};
use super::error::{CliError, Exit};
use super::human;
use super::options::TopologyArg;
use super::output::Output;

/// Up to so many peers have a bar each.
const BARS: u16 = 16;
/// How long a peer looks for somebody who has what it lacks. Long, since many nodes on few cores take their time.
const WAIT: Duration = Duration::from_secs(120);
/// The same where nodes are killed, so that what they took with them may never come.
const WAIT_FOR_THE_DEAD: Duration = Duration::from_secs(20);

/// Show it at work: a tracker, one seed and some peers on this machine move a folder
///
/// Without PATH a folder with large and many tiny files is made up. Every copy is compared with the
/// source; everything that was made is removed afterwards. The nodes are called seed, peer1, peer2 and so on.
/// Exit code 4 if a copy differs, 3 if a peer gave up; peers that were killed do not count.
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
    /// Which peers may be fetched from
    #[arg(long, value_enum, default_value_t, hide_default_value = true)]
    topology: TopologyArg,
    /// Do without a tracker: peers know the seed's address, and find each other by asking their neighbours
    #[arg(long)]
    no_tracker: bool,
    /// Kill a node in the middle of everything, once the peers that are left have PERCENT of all the bytes that they want
    /// together, such as seed@50%; may be given several times. If no peer has some chunk when the seed goes, nobody completes
    #[arg(long, value_name = "NODE@PERCENT")]
    kill: Vec<Kill>,
    /// Have a peer send wrong bytes, such as peer2: it claims to have a part of the content, and everybody knows its
    /// address; may be given several times
    #[arg(long, value_name = "PEER", value_parser = spec::peer)]
    corrupt: Vec<NodeName>,
    /// Let a node send and fetch no faster than this, such as peer4=1MiB; may be given several times
    #[arg(long, value_name = "NODE=RATE")]
    slow: Vec<Slow>,
    /// Keep what was made, and say where it is
    #[arg(long)]
    keep: bool,
}

/// Reads a size that a machine may well have room for.
fn size(text: &str) -> Result<ByteSize, String> {
    let size: ByteSize = text.parse()?;
    if size <= ByteSize::tib(1) { Ok(size) } else { Err("at most 1TiB here".into()) }
}

pub(super) async fn run(args: Args, output: &Output, stop: CancellationToken) -> Result<Exit, CliError> {
    spec::check(args.peers, &args.kill, &args.slow, &args.corrupt)
        .map_err(|wrong| CliError::usage(anyhow!(wrong)))?;
    // Removed when it goes out of scope, whichever way this ends.
    let scratch = tempfile::Builder::new().prefix("shoal-demo-").tempdir().map_err(anyhow::Error::from)?;
    let result = tokio::select! {
        result = demonstrate(&args, scratch.path(), output, &stop) => result,
        () = stop.cancelled() => Err(CliError { exit: Exit::Failed, error: anyhow!("stopped"), hint: None }),
    };
    if args.keep {
        let kept = scratch.keep();
        output.say(format!("kept in '{}'", Printable(&kept.to_string_lossy())));
    } else {
        scratch.close().context("cannot remove the demo's folder")?;
    }
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
    let tracker = if args.no_tracker { None } else { Some(tracker(output).await?) };
    let trackers = tracker.as_ref().map_or(vec![], |tracker| tracker.addresses().to_vec());
    let imported = super::import::run(vec![path], None, None, false, output, stop).await?;
    let mut demo = Demo::start(args, Arc::new(imported.source), trackers, output).await?;
    demo.add_peers(args, scratch, output).await?;
    swarm::run(&mut demo.fetchers, &mut demo.members, &args.kill, output).await;
    let report = demo.report().await?;
    output.data(&report, || report.text())?;
    // No node has to leave its swarm in good order: all nodes end together.
    drop((demo, tracker));
    Ok(match () {
        () if report.has(Fate::Differs) => Exit::VerificationFailed,
        () if report.has(Fate::Incomplete) => Exit::PartlyDone,
        () => Exit::Done,
    })
}

async fn tracker(output: &Output) -> Result<TrackerServer, CliError> {
    let settings = Settings { listen: vec![LOOPBACK.parse().expect("well-formed")], ..Settings::default() };
    let tracker =
        TrackerServer::start(Keypair::generate_ed25519(), settings).await.map_err(anyhow::Error::from)?;
    output.say(format!("tracker   {}", tracker.addresses()[0]));
    Ok(tracker)
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

/// All nodes but the tracker.
struct Demo {
    source: Arc<Source>,
    trackers: Vec<Multiaddr>,
    /// The seed first, then the peers, whatever their kind.
    members: Vec<Member>,
    seeding: ContentHandle,
    /// Addresses that every peer is given.
    known: Vec<Multiaddr>,
    fetchers: Vec<Fetcher>,
    /// What the corrupt peers have sent.
    liars: BTreeMap<NodeName, ContentHandle>,
}

impl Demo {
    /// Starts the seed and the corrupt peers.
    async fn start(
        args: &Args,
        source: Arc<Source>,
        trackers: Vec<Multiaddr>,
        output: &Output,
    ) -> Result<Self, CliError> {
        let options = ServeOptions { trackers: trackers.clone(), ..ServeOptions::default() };
        let seed = member(args, NodeName::Seed).await?;
        let seeding = seed.host.serve(source.clone(), options.clone())?;
        let manifest = source.manifest();
        output.say(format!("seed      {} shares {}", human::peer(&seed.host.peer_id()), describe(manifest)));
        let mut known = seed.host.addresses().await;
        let (mut members, mut liars) = (vec![seed], BTreeMap::new());
        for name in &args.corrupt {
            let liar = member(args, *name).await?;
            let all = Topology::from(args.topology) == Topology::Star;
            let handle = liar.host.serve(Arc::new(Liar::new(source.clone(), all)), options.clone())?;
            output.say(format!("{name:<9} {} sends wrong bytes", human::peer(&liar.host.peer_id())));
            known.extend(liar.host.addresses().await);
            liars.insert(*name, handle);
            members.push(liar);
        }
        Ok(Self { source, trackers, members, seeding, known, fetchers: vec![], liars })
    }

    /// Starts the peers that fetch.
    async fn add_peers(&mut self, args: &Args, scratch: &Path, output: &Output) -> Result<(), CliError> {
        let manifest = self.source.manifest().clone();
        let names = (1..=args.peers).map(NodeName::Peer).filter(|name| !args.corrupt.contains(name));
        let mut new = Vec::new();
        for name in names {
            new.push(member(args, name).await?);
        }
        // All at once, when all nodes are there: to start many takes time.
        for member in new {
            let dir = scratch.join(member.name.to_string());
            let handle = member.host.fetch(FetchOptions {
                peers: self.known.clone(),
                trackers: self.trackers.clone(),
                topology: args.topology.into(),
                wait: Some(if args.kill.is_empty() { WAIT } else { WAIT_FOR_THE_DEAD }),
                ..FetchOptions::new(manifest.id(), dir.clone())
            })?;
            let size = manifest.root().size;
            let bar = if args.peers <= BARS {
                output.part(Some(size), member.name.to_string())
            } else {
                super::meter::Meter::nothing()
            };
            let (name, killed) = (member.name, member.killed.clone());
            self.fetchers.push(Fetcher {
                name,
                handle,
                dir,
                bar,
                killed,
                end: None,
                corrupt: BTreeMap::new(),
            });
            self.members.push(member);
        }
        Ok(())
    }

    /// Compares every copy with the source and gathers the numbers.
    async fn report(&self) -> Result<Report, CliError> {
        let manifest = self.source.manifest();
        let mut fates = Vec::new();
        for fetcher in &self.fetchers {
            fates.push(fate(fetcher, manifest).await?);
        }
        // After that, so that counters have had time to settle.
        let mut rows = vec![self.row(NodeName::Seed, &self.seeding, Fate::Source)];
        rows.extend(self.liars.iter().map(|(name, handle)| self.row(*name, handle, Fate::Corrupt)));
        for (fetcher, fate) in self.fetchers.iter().zip(fates) {
            let seconds = match fetcher.end {
                Some(End::Complete(time)) => Some(time.as_secs_f64()),
                _ => None,
            };
            let corrupt_chunks = fetcher.corrupt.values().sum();
            let sent_by = fetcher.corrupt.keys().map(|peer| self.name_of(peer)).collect();
            let row = self.row(fetcher.name, &fetcher.handle, fate);
            rows.push(Row { seconds, corrupt_chunks, sent_by, ..row });
        }
        Ok(Report::new(manifest.root().size, rows))
    }

    fn row(&self, name: NodeName, handle: &ContentHandle, fate: Fate) -> Row {
        let seed = self.members[0].host.peer_id();
        let traffic = handle.progress().borrow().traffic.clone();
        let from_seed = traffic.peers.get(&seed).map_or(0, |t| t.received);
        Row {
            node: name.to_string(),
            seconds: None,
            from_seed,
            from_peers: traffic.total.received - from_seed,
            duplicate: traffic.total.duplicate,
            sent: traffic.total.sent,
            corrupt_chunks: 0,
            sent_by: vec![],
            killed: self.members.iter().any(|m| m.name == name && m.killed.is_cancelled()),
            fate,
        }
    }

    fn name_of(&self, peer: &PeerId) -> String {
        let member = self.members.iter().find(|member| member.host.peer_id() == *peer);
        member.map_or_else(|| human::peer(peer), |member| member.name.to_string())
    }
}

async fn member(args: &Args, name: NodeName) -> Result<Member, CliError> {
    let limit = args.slow.iter().find(|slow| slow.node == name).map(|slow| slow.rate);
    Ok(Member { name, host: Host::start(limit).await?, killed: CancellationToken::new() })
}

/// What came of a peer that fetches.
async fn fate(fetcher: &Fetcher, manifest: &Arc<Manifest>) -> Result<Fate, CliError> {
    match &fetcher.end {
        Some(End::Complete(_)) => {}
        Some(End::Killed) => return Ok(Fate::Killed),
        Some(End::Failed(_)) | None => return Ok(Fate::Incomplete),
    }
    let (whole, base) = (manifest.clone(), fetcher.dir.join(manifest.name().as_str()));
    let look = move || verify(&whole, &base, &|_| {}, &AtomicBool::new(false));
    let report = tokio::task::spawn_blocking(look).await;
    let report = report.map_err(anyhow::Error::from)?.context("cannot read a copy")?;
    let equal = report.extra_count == 0 && report.entries.iter().all(|e| *e == EntryState::Match);
    Ok(if equal { Fate::Equal } else { Fate::Differs })
}
