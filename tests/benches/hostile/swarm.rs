//! One run.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use shoal_content::Ticket;
use shoal_store::{ChunkStore, ImportOptions, Source, import};
use shoal_tests::files::{random, write};
use shoal_tests::hostile_half::HostileHalf;
use shoal_tests::proc::{open_files, peak_resident};
use shoal_tests::process::{LOOPBACK, Process, prepared};
use shoal_tests::programs::Programs;
use shoal_tests::third_party::ThirdParty;
use shoal_tests::visitor::Visitor;
use shoal_wire::swarm_namespace;

/// How long a run may take.
const GIVE_UP: Duration = Duration::from_secs(600);
const LOOK: Duration = Duration::from_millis(10);

/// What is the same in all runs.
pub(crate) struct Setup {
    pub(crate) getters: usize,
    /// Bytes of the content.
    pub(crate) size: usize,
    /// Bytes a second, each way, of each honest node.
    pub(crate) rate: u64,
}

/// How it went; seconds since the seed's ticket.
pub(crate) struct Outcome {
    pub(crate) first: f64,
    pub(crate) last: f64,
    /// Most bytes resident in one honest process.
    pub(crate) resident: u64,
    /// Most files open in one honest process.
    pub(crate) files: usize,
}

/// Runs a swarm, with or without hostile peers.
pub(crate) async fn run(programs: &Programs, setup: &Setup, hostile: bool) -> anyhow::Result<Outcome> {
    let scratch = tempfile::tempdir()?;
    let file = scratch.path().join("from/content");
    write(&file, random(setup.size, 1));
    let source = Arc::new(open(&file)?);
    let content = source.manifest().id();
    let mut tracker =
        start(&programs.rendezvous, &["--listen", LOOPBACK, "--data"], &scratch.path().join("tracker"));
    let point = tracker.line("an address", |line| line.contains("/p2p/"));

    let third = ThirdParty::listen().await;
    let mut half = match hostile {
        true => Some(HostileHalf::gather(source, &point, &third.homes()).await),
        false => None,
    };
    let liars: BTreeSet<_> = half.iter().flat_map(HostileHalf::liars).map(|liar| liar.peer).collect();
    let rate = setup.rate.to_string();
    let limits = ["--listen", LOOPBACK, "--rendezvous", &point, "--limit-up", &rate, "--limit-down", &rate];
    let getter = |n: usize| {
        let id = content.to_string();
        let options = [&["get", &id, "--seed", "--wait", "10m"], &limits[..], &["-o"]].concat();
        start(&programs.shoal, &options, &scratch.path().join(n.to_string()))
    };
    let getters: Vec<Process> = (0..setup.getters).map(getter).collect();
    let mut visitor = Visitor::connect(&point).await;
    let waiting = visitor.members(&swarm_namespace(&content), setup.getters, &liars).await;
    if let Some(half) = &mut half {
        waiting.values().for_each(|address| half.surround(address));
    }
    let mut seed = start(&programs.shoal, &[&["share"], &limits[..]].concat(), &file);
    let ticket = seed.line("a ticket", |line| line.starts_with("shoal1"));
    let begun = Instant::now();
    let ticket: Ticket = ticket.parse().context("the ticket is not understood")?;
    ensure!(ticket.content == content, "the seed shares something else");
    if let Some(half) = &mut half {
        half.surround(&ticket.peers[0]);
    }
    let outcome = watch(begun, &getters, &seed).await?;
    let whole = std::fs::read(&file)?;
    for n in 0..setup.getters {
        let got = std::fs::read(scratch.path().join(n.to_string()).join("content"))?;
        ensure!(got == whole, "getter {n} has something else");
    }
    Ok(outcome)
}

/// Waits until all are done.
async fn watch(begun: Instant, getters: &[Process], seed: &Process) -> anyhow::Result<Outcome> {
    let ids: Vec<u32> = getters.iter().chain([seed]).map(Process::id).collect();
    let (mut first, mut files) = (None, 0);
    loop {
        let done = getters.iter().filter(|getter| getter.errors().contains("done:")).count();
        let now = begun.elapsed();
        first = first.or((done > 0).then_some(now));
        files = ids.iter().map(|id| open_files(*id)).fold(files, usize::max);
        if done == getters.len() {
            let resident = ids.iter().map(|id| peak_resident(*id)).max().unwrap_or(0);
            let first = first.unwrap_or(now).as_secs_f64();
            return Ok(Outcome { first, last: now.as_secs_f64(), resident, files });
        }
        ensure!(now < GIVE_UP, "{done} of {} completed in {GIVE_UP:?}", getters.len());
        tokio::time::sleep(LOOK).await;
    }
}

fn open(file: &Path) -> anyhow::Result<Source> {
    let paths = vec![file.to_owned()];
    let options = ImportOptions { paths, name: None, chunker: None, cache: None, skip_unsafe: false };
    Ok(import(&options, &|_| {}, &std::sync::atomic::AtomicBool::new(false))?.source)
}

/// Starts a program; its last argument is a path.
fn start(program: &Path, args: &[&str], path: &Path) -> Process {
    let mut command = prepared(program, args);
    command.arg(path);
    Process::spawn(command)
}
