//! `shoal get`.

mod following;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use libp2p::Multiaddr;
use libp2p::identity::Keypair;
use serde::Serialize;
use shoal_api::model::Fetch;
use shoal_engine::SeedGoal;
use tokio_util::sync::CancellationToken;

use self::following::follow;
use super::activity::{self, ActivityArgs};
use super::choice::{ChoiceArgs, PeerChoiceArg};
use super::error::{CliError, Exit};
use super::human;
use super::known_peers;
use super::library;
use super::options::{SourceArgs, TopologyArg};
use super::output::Output;
use super::session::UseArgs;
use super::share::{absolute, goal, ratio, serve};
use shoal_net::{ContentHandle, FetchOptions, Finished, Include};
use shoal_store::default_cache_dir;

/// Fetch a content by its ticket or id, from everyone who has any of it
///
/// It is placed under its own name. Until it is complete it lies beside that as NAME.KEY.part, KEY being a piece
/// of its id; run the same command again after an interruption, and it goes on where it was. The path goes to
/// standard output. If a node is running (`shoal node`), that fetches it; Ctrl-C leaves it to the node (exit code 3), which
/// serves it when it is complete.
#[derive(clap::Args)]
pub(super) struct Args {
    /// A ticket (shoal1…) or a content id (bafyrei…)
    #[arg(value_name = "TICKET|ID")]
    source: String,
    /// Folder to place it in
    #[arg(long, short, value_name = "DIR", default_value = ".")]
    output: PathBuf,
    #[command(flatten)]
    which: UseArgs,
    /// Leave it to the running node, and end at once
    #[arg(long, visible_alias = "detach")]
    background: bool,
    #[command(flatten)]
    from: SourceArgs,
    /// Fetch only files whose path inside the content matches; may be given several times
    #[arg(long, value_name = "GLOB")]
    include: Vec<String>,
    /// Go on serving when complete, for this long (such as 10m)
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration, conflicts_with = "seed")]
    seed_for: Option<Duration>,
    /// Go on serving when complete, until Ctrl-C
    #[arg(long)]
    seed: bool,
    /// Go on serving when complete, until as many times its size was sent
    #[arg(long, value_name = "RATIO", value_parser = ratio)]
    seed_ratio: Option<f64>,
    /// Replace files that are there and differ; what did not change in them is not fetched
    #[arg(long)]
    force: bool,
    /// Take chunks from this file or folder, such as an older version, instead of fetching them; may be given
    /// several times
    #[arg(long, value_name = "PATH")]
    reuse: Vec<PathBuf>,
    #[command(flatten)]
    choice: ChoiceArgs,
    #[command(flatten)]
    activity: ActivityArgs,
}

#[derive(Serialize)]
struct Got {
    path: String,
    content: String,
    /// Bytes of verified chunks that came over the network.
    fetched: u64,
    /// Bytes that were there already.
    found: u64,
    /// Bytes that were taken from elsewhere on this machine.
    reused: u64,
    /// Bytes that came twice.
    duplicate: u64,
    seconds: f64,
    peers: Vec<GotFrom>,
}

#[derive(Serialize)]
struct GotFrom {
    peer: String,
    bytes: u64,
}

/// By the running node if there is one and nothing is asked for that it cannot give, else by a node of its own.
pub(super) async fn run(args: Args, output: &Output, stop: CancellationToken) -> Result<Exit, CliError> {
    match args.which.running_for(args.from.only_alone().or(args.activity.only_alone()), output).await? {
        Some(client) => library::fetch(&client, &args.for_node()?, !args.background, output, &stop).await,
        None if args.background => {
            let error = CliError::from(anyhow!("no shoal node is running that it could be left to"));
            Err(error.hint("start one: `shoal node`"))
        }
        None => alone(args, output, stop).await,
    }
}

async fn alone(args: Args, output: &Output, stop: CancellationToken) -> Result<Exit, CliError> {
    let wanted = args.from.wanted(&args.source)?;
    let include = Include::try_from(args.include.clone()).map_err(CliError::usage)?;
    let node = match args.choice.topology {
        TopologyArg::Star => args.from.net.start_for_star(Keypair::generate_ed25519()).await?,
        TopologyArg::Mesh => args.from.net.start(Keypair::generate_ed25519(), 0).await?,
    };
    let recorder = activity::record(&node, args.activity.activity_log.as_deref())?;
    let start = Instant::now();
    let goal = args.goal();
    let mut handle = node.fetch(FetchOptions {
        peers: wanted.peers,
        trackers: wanted.rendezvous,
        force: args.force,
        reuse: args.reuse.clone(),
        cache: default_cache_dir(),
        include,
        wait: args.from.wait,
        topology: args.choice.topology.into(),
        download: args.choice.download(),
        goal,
        ..FetchOptions::new(wanted.content, args.output)
    })?;
    let result = match follow(&node, &mut handle, output, &stop).await {
        Ok(finished) => {
            report(&handle, &finished, start.elapsed(), output)?;
            linger(&mut handle, goal, output, &stop).await.map(|()| Exit::Done)
        }
        Err(failure) => Err(CliError::from(failure)),
    };
    known_peers::save(&node);
    node.shutdown().await;
    activity::finish(recorder).await;
    result
}

fn report(
    handle: &ContentHandle,
    finished: &Finished,
    time: Duration,
    output: &Output,
) -> Result<(), CliError> {
    let progress = handle.progress().borrow().clone();
    let fetched = progress.traffic.total.received;
    let from: Vec<_> = progress
        .traffic
        .peers
        .iter()
        .filter(|(_, t)| t.received > 0)
        .map(|(peer, t)| GotFrom { peer: peer.to_string(), bytes: t.received })
        .collect();
    let got = Got {
        path: finished.path.to_string_lossy().into_owned(),
        content: handle.content().to_string(),
        fetched,
        found: progress.found,
        reused: progress.reused,
        duplicate: progress.traffic.total.duplicate,
        seconds: time.as_secs_f64(),
        peers: from,
    };
    if finished.already_there {
        output.say("all of it is there already, and verified");
    } else {
        let reused = match progress.reused {
            0 => String::new(),
            bytes => format!(", {} taken from this machine", human::bytes(bytes)),
        };
        output.say(format!(
            "done: {} from {} in {} ({}){reused}, every byte verified",
            human::bytes(fetched),
            human::count(got.peers.len() as u64, "peer"),
            human::time(time),
            human::rate_over(fetched, time),
        ));
    }
    Ok(output.data(&got, || got.path.clone())?)
}

impl Args {
    /// The same as a request to a node.
    fn for_node(&self) -> Result<Fetch, CliError> {
        // A mistake is shown as it is without a node.
        self.from.wanted(&self.source)?;
        Include::try_from(self.include.clone()).map_err(CliError::usage)?;
        let texts = |addresses: &[Multiaddr]| addresses.iter().map(ToString::to_string).collect();
        let dir = absolute(std::slice::from_ref(&self.output))?.remove(0);
        Ok(Fetch {
            source: self.source.trim().to_owned(),
            dir,
            peers: texts(&self.from.peer),
            trackers: texts(&self.from.net.rendezvous),
            force: self.force,
            reuse: absolute(&self.reuse)?,
            include: self.include.clone(),
            public: false,
            goal: goal(self.seed_for, self.seed_ratio, None),
            star: matches!(self.choice.topology, TopologyArg::Star),
            score: matches!(self.choice.peer_choice, PeerChoiceArg::Score),
            in_flight: self.choice.in_flight,
        })
    }

    /// Until when to serve on, if at all.
    fn goal(&self) -> Option<SeedGoal> {
        let asked = self.seed || self.seed_for.is_some() || self.seed_ratio.is_some();
        asked.then_some(SeedGoal { time: self.seed_for, ratio: self.seed_ratio, copies: None })
    }
}

/// Serves on for as long as asked.
async fn linger(
    handle: &mut ContentHandle,
    goal: Option<SeedGoal>,
    output: &Output,
    stop: &CancellationToken,
) -> Result<(), CliError> {
    if goal.is_none() {
        return Ok(());
    }
    output.say("serving on; Ctrl-C ends it");
    serve(handle, output, stop).await
}
