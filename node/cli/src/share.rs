//! `shoal share`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use libp2p::{Multiaddr, PeerId};
use serde::Serialize;
use shoal_api::model::{Goal, Share};
use shoal_content::{Chunker, Ticket};
use shoal_engine::SeedGoal;
use shoal_printable::Printable;
use tokio_util::sync::CancellationToken;

use super::activity::{self, ActivityArgs};
use super::error::{CliError, Exit};
use super::human::{self, Growth};
use super::identity::{self, Identity};
use super::known_peers;
use super::library;
use super::meter::Meter;
use super::options::{NetArgs, chunker};
use super::output::Output;
use super::session::UseArgs;
use shoal_net::{ContentEvent, ContentHandle, Progress, ServeOptions, TrackerError, try_listening};
use shoal_store::ChunkStore;

/// Peers that get a line of their own while they fetch.
const SHOWN: usize = 8;
/// How often the lines change.
const REFRESH: Duration = Duration::from_millis(500);

/// Share files or a folder: prints a ticket, and serves until Ctrl-C
///
/// The files stay where they are; nothing is copied. The ticket goes to standard output, alone on a
/// line. If a node is running (`shoal node`), it is left to that, which serves on when the command has ended.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Files and folders; several become one folder
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Name under which the content is placed elsewhere [default: that of the path]
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    which: UseArgs,
    #[command(flatten)]
    net: NetArgs,
    /// Port to listen on, for TCP and QUIC, on all interfaces [default: any free one]
    #[arg(long, default_value_t = 0, hide_default_value = true, conflicts_with = "listen")]
    port: u16,
    /// How to cut: fastcdc:MIN:AVG:MAX or fixed:SIZE [default: fastcdc, finer for small contents]
    #[arg(long, value_name = "CHUNKER", value_parser = chunker)]
    chunker: Option<Chunker>,
    /// Key file of the node, made if missing, so that its peer id stays the same [default: one for each content, in your
    /// state folder]
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,
    /// Leave out files and folders whose names cannot be created everywhere, and say which, instead of sharing nothing
    #[arg(long)]
    skip_unsafe: bool,
    /// Tell the rendezvous points name, size and number of files while sharing, so that `shoal tracker find` finds
    /// it: they tell whoever asks
    #[arg(long)]
    publish: bool,
    /// End once so many complete copies exist elsewhere, counted across peers chunk by chunk [default: 1]
    #[arg(
        long, value_name = "COPIES", num_args = 0..=1, require_equals = true, default_missing_value = "1",
        value_parser = clap::value_parser!(u16).range(1..)
    )]
    until_safe: Option<u16>,
    /// End after this long (such as 10m)
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    seed_for: Option<Duration>,
    /// End after as many times the size was sent
    #[arg(long, value_name = "RATIO", value_parser = ratio)]
    seed_ratio: Option<f64>,
    #[command(flatten)]
    activity: ActivityArgs,
}

/// Reads how many times the size.
pub(super) fn ratio(text: &str) -> Result<f64, String> {
    let ratio = text.parse().ok().filter(|ratio: &f64| ratio.is_finite() && *ratio >= 0.0);
    ratio.ok_or_else(|| "not a ratio; write a number such as 1.5".into())
}

#[derive(Serialize)]
struct Shared {
    ticket: String,
    content: String,
    name: String,
    bytes: u64,
    files: u32,
    chunks: u32,
}

/// By the running node if there is one and nothing is asked for that it cannot give, else by a node of its own.
pub(super) async fn run(args: Args, output: &Output, stop: CancellationToken) -> Result<Exit, CliError> {
    match args.which.running_for(args.only_alone(), output).await? {
        Some(client) => {
            let share = args.for_node()?;
            output.say("a node is running; it is left to that, which serves on when this command has ended");
            library::share(&client, &share, output, &stop).await
        }
        None if args.publish && args.net.rendezvous.is_empty() => {
            Err(CliError::usage(anyhow!("--publish needs a rendezvous point to tell: --rendezvous <ADDR>")))
        }
        None => alone(args, output, stop).await,
    }
}

impl Args {
    /// What is given that only a node of the command's own can do.
    fn only_alone(&self) -> Option<&'static str> {
        self.net.only_alone().or(self.activity.only_alone()).or_else(|| {
            let own = [(self.port != 0, "--port"), (self.identity.is_some(), "--identity")];
            own.into_iter().find(|(given, _)| *given).map(|(_, name)| name)
        })
    }

    /// The same as a request to a node.
    fn for_node(&self) -> Result<Share, CliError> {
        Ok(Share {
            paths: absolute(&self.paths)?,
            name: self.name.clone(),
            chunker: self.chunker.map(|chunker| chunker.to_string()),
            skip_unsafe: self.skip_unsafe,
            public: self.publish,
            publish: self.publish,
            goal: goal(self.seed_for, self.seed_ratio, self.until_safe.map(usize::from)),
            trackers: self.net.rendezvous.iter().map(ToString::to_string).collect(),
        })
    }
}

/// Paths as they mean the same in every folder.
pub(super) fn absolute(paths: &[PathBuf]) -> Result<Vec<PathBuf>, CliError> {
    let absolute = paths.iter().map(std::path::absolute).collect::<Result<_, _>>();
    Ok(absolute.map_err(anyhow::Error::from)?)
}

/// When to end serving, as a request to a node. Parts of a second count as a whole one.
pub(super) fn goal(time: Option<Duration>, ratio: Option<f64>, copies: Option<usize>) -> Goal {
    let seconds = time.map(|time| time.as_secs() + u64::from(time.subsec_nanos() > 0));
    Goal { seconds, ratio, copies }
}

async fn alone(args: Args, output: &Output, stop: CancellationToken) -> Result<Exit, CliError> {
    // Before what may be hours of hashing.
    try_listening(&args.net.listen).map_err(anyhow::Error::from)?;
    let Args { paths, name, chunker, skip_unsafe, .. } = args;
    let imported = super::import::run(paths, name, chunker, skip_unsafe, output, &stop).await?;
    let manifest = imported.source.manifest().clone();
    let identity = match &args.identity {
        Some(path) => Identity::in_file(path).map_err(anyhow::Error::from)?,
        None => identity::of_content(&manifest.id(), output),
    };
    let node = args.net.start(identity.key.clone(), args.port).await?;
    let recorder = activity::record(&node, args.activity.activity_log.as_deref())?;
    let ticket = Ticket {
        content: manifest.id(),
        peers: node.addresses().await,
        rendezvous: args.net.rendezvous.clone(),
    };
    let source = Arc::new(imported.source);
    let goal =
        SeedGoal { time: args.seed_for, ratio: args.seed_ratio, copies: args.until_safe.map(usize::from) };
    let options = ServeOptions {
        trackers: args.net.rendezvous,
        publish: args.publish,
        goal: Some(goal),
        public: args.publish,
        tracker_only: false,
    };
    let mut handle = node.serve(source, options)?;
    let root = manifest.root();
    output.say(format!(
        "sharing '{}': {} in {}, {}; Ctrl-C ends it",
        root.name,
        human::bytes(root.size),
        human::count(root.files.into(), "file"),
        human::count(root.chunks.into(), "chunk"),
    ));
    let shared = Shared {
        ticket: ticket.to_string(),
        content: manifest.id().to_string(),
        name: root.name.to_string(),
        bytes: root.size,
        files: root.files,
        chunks: root.chunks,
    };
    output.data(&shared, || shared.ticket.clone())?;
    let served = serve(&mut handle, output, &stop).await;
    known_peers::save(&node);
    node.shutdown().await;
    activity::finish(recorder).await;
    served.map(|()| Exit::Done)
}

/// Shows how fast each peer fetches, until the goal is reached or the user stops it.
pub(super) async fn serve(
    handle: &mut ContentHandle,
    output: &Output,
    stop: &CancellationToken,
) -> Result<(), CliError> {
    let progress = handle.progress();
    let mut board = Board::new(output);
    let mut refresh = tokio::time::interval(REFRESH);
    let result = loop {
        tokio::select! {
            () = stop.cancelled() => break Ok(()),
            _ = refresh.tick() => board.show(&progress.borrow(), output),
            event = handle.next() => match event {
                Some(ContentEvent::Finished(Err(failure))) => break Err(failure.into()),
                Some(ContentEvent::Safe { copies }) => output.say(safe(copies, progress.borrow().size)),
                Some(ContentEvent::GoalReached(_) | ContentEvent::Ended) | None => break Ok(()),
                Some(event) => tell(event, output),
            },
        }
    };
    board.clear();
    result
}

fn safe(copies: usize, size: u64) -> String {
    let copies = copies as u64;
    match size {
        0 => format!("safe to leave: it is empty, and {} joined", human::count(copies, "peer")),
        _ => format!(
            "safe to leave: the other peers have every chunk at least {}, confirmed by those that it was sent to or by \
             several networks",
            human::count(copies, "time")
        ),
    }
}

/// Says what happened.
pub(super) fn tell(event: ContentEvent, output: &Output) {
    match event {
        ContentEvent::Manifest { .. }
        | ContentEvent::Safe { .. }
        | ContentEvent::GoalReached(_)
        | ContentEvent::Finished(_)
        | ContentEvent::Ended => {}
        ContentEvent::BadPeer { peer, chunk: Some(chunk) } => output.warn(format!(
            "peer {peer} sent wrong bytes for chunk {chunk}; it is dropped, the chunk is fetched elsewhere"
        )),
        ContentEvent::BadPeer { peer, chunk: None } => {
            output.warn(format!("peer {peer} sent a wrong manifest block; it is dropped"));
        }
        ContentEvent::Blocked(why) => {
            output.warn(format!("paused: {why}; going on as soon as that is mended"))
        }
        ContentEvent::Withdrawn(words) => output.warn(words),
        ContentEvent::Unavailable { chunks } => {
            let are = if chunks == 1 { "1 chunk is".into() } else { format!("{chunks} chunks are") };
            output.warn(format!("{are} held by nobody reachable; waiting for somebody who has them"));
        }
        ContentEvent::Unblocked => output.say("going on"),
        ContentEvent::TrackersUseless(why) => output.warn(useless(&why)),
    }
}

/// Why no rendezvous point is of use.
fn useless(why: &[(Multiaddr, TrackerError)]) -> String {
    let refused = why.iter().any(|(_, error)| matches!(error, TrackerError::Refused(_)));
    let what = if refused { "no rendezvous point accepts this node" } else { "no rendezvous point answers" };
    let each: Vec<String> =
        why.iter().map(|(point, error)| Printable(&format!("{point}: {error}")).to_string()).collect();
    format!("{what} ({}); going on without, and trying again now and then", each.join("; "))
}

/// A line for all peers together, and one for each that fetches.
struct Board {
    summary: Meter,
    lines: BTreeMap<PeerId, Meter>,
    rates: BTreeMap<PeerId, Growth>,
    total: Growth,
}

impl Board {
    fn new(output: &Output) -> Self {
        Self {
            summary: output.status("serving"),
            lines: BTreeMap::new(),
            rates: BTreeMap::new(),
            total: Growth::default(),
        }
    }

    fn show(&mut self, progress: &Progress, output: &Output) {
        let sent = progress.traffic.total.sent;
        self.summary.set_message(format!(
            "{}, {} sent, {}",
            human::count(progress.peers as u64, "peer"),
            human::bytes(sent),
            human::rate(self.total.look(sent)),
        ));
        for (peer, traffic) in progress.traffic.peers.iter().filter(|(_, t)| t.sent > 0) {
            let rate = self.rates.entry(*peer).or_default().look(traffic.sent);
            if rate < 1024 {
                if let Some(line) = self.lines.remove(peer) {
                    line.finish_and_clear();
                }
                continue;
            }
            if self.lines.len() >= SHOWN && !self.lines.contains_key(peer) {
                continue;
            }
            let line = self.lines.entry(*peer).or_insert_with(|| output.part(None, human::peer(peer)));
            line.set_message(format!("{} sent, {}", human::bytes(traffic.sent), human::rate(rate)));
        }
    }

    fn clear(self) {
        self.lines.values().chain([&self.summary]).for_each(Meter::finish_and_clear);
    }
}
