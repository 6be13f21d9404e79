//! A node that stays: how soon it is up again, how long it takes to list what it has, how soon it answers under load.
//!
//! `cargo bench -p shoal-tests --bench resident [-- [restart] [list] [answers] [--runs K]]`; without a name, all three.
//! `SHOAL` and `SHOAL_RENDEZVOUS` name programs that are there already; without them, the bench builds them first. `TMPDIR`
//! says where the contents lie.
//!
//! - `restart`: a node with a content of 1 GiB is killed and started again: the time from the start of the process until it
//!   says that the content is complete and served, and how many bytes it has read by then.
//! - `list`: a node with 10 000 contents lists them all, page by page; then it is started again.
//! - `answers`: a node is asked without a pause while eight peers download from it as fast as they can.
//!
//! It is no test: nothing fails when a figure is bad.

mod figures;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use shoal_api::model::Content;
use shoal_tests::files::{random, write};
use shoal_tests::proc::bytes_read;
use shoal_tests::process::{LOOPBACK, Process, prepared};
use shoal_tests::programs::Programs;
use shoal_tests::resident::{Resident, node_arguments};

use self::figures::Times;

const MIB: usize = 1 << 20;
/// Contents of the `list` part.
const MANY: usize = 10_000;
/// The most that one page has.
const PAGE: usize = 1000;
/// How long sharing them may take.
const GIVE_UP: Duration = Duration::from_secs(300);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    // `cargo bench` passes `--bench`; `cargo test --benches` does not want a benchmark.
    if !words.iter().any(|word| word == "--bench") {
        return Ok(());
    }
    let (parts, runs) = parse(&words)?;
    let programs = Programs::find()?;
    println!("{}", programs.version()?);
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|wanted| wanted == part);
    if wanted("restart") {
        restart(&programs.shoal, runs).await?;
    }
    if wanted("list") {
        list(&programs.shoal, runs).await?;
    }
    if wanted("answers") {
        answers(&programs.shoal, runs).await?;
    }
    Ok(())
}

fn parse(words: &[String]) -> anyhow::Result<(Vec<String>, usize)> {
    let (mut parts, mut runs) = (Vec::new(), 3);
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--bench" => {}
            "--runs" => runs = words.next().and_then(|number| number.parse().ok()).unwrap_or(0),
            "restart" | "list" | "answers" => parts.push(word.clone()),
            other => bail!("no {other} here: restart, list, answers, --runs"),
        }
    }
    ensure!(runs > 0, "--runs needs a number from 1");
    Ok((parts, runs))
}

async fn start(shoal: &Path, home: &Path, more: &[&str]) -> Resident {
    Resident::spawn(prepared(shoal, node_arguments(home, more)), home).await
}

async fn restart(shoal: &Path, runs: usize) -> anyhow::Result<()> {
    let place = tempfile::tempdir()?;
    let folder = place.path().join("content");
    for n in 0..16 {
        write(&folder.join(format!("file {n}")), random(64 * MIB, n));
    }
    let home = place.path().join("node");
    let mut node = start(shoal, &home, &[]).await;
    node.share(&folder).await;
    let content = contents(&node).await?.remove(0).content;
    for _ in 0..runs {
        node.process.kill();
        let begun = Instant::now();
        node = start(shoal, &home, &[]).await;
        let answers = begun.elapsed();
        node.until(&content, "it is served again", |content| content.complete).await;
        let (up, read) = (begun.elapsed(), bytes_read(node.process.id()));
        println!(
            "restart   1 GiB: it answers after {answers:.0?}, serves after {up:.0?}, {} KiB read",
            read >> 10
        );
    }
    Ok(())
}

async fn list(shoal: &Path, runs: usize) -> anyhow::Result<()> {
    let place = tempfile::tempdir()?;
    let shared = place.path().join("shared");
    for n in 0..MANY {
        write(&shared.join(format!("file {n}")), random(64, n as u64));
    }
    let home = place.path().join("node");
    let folder = shared.to_str().unwrap_or_default();
    let mut node = start(shoal, &home, &["--share-dir", folder]).await;
    let begun = Instant::now();
    while contents(&node).await?.len() < MANY {
        ensure!(begun.elapsed() < GIVE_UP, "not all were shared within {GIVE_UP:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    println!("list      {MANY} contents were shared in {:.1?}", begun.elapsed());
    for _ in 0..runs {
        let begun = Instant::now();
        let listed = contents(&node).await?.len();
        println!("list      {listed} contents in {:.0?}", begun.elapsed());
    }
    node.process.kill();
    let begun = Instant::now();
    node = start(shoal, &home, &["--share-dir", folder]).await;
    println!("list      started again, it answers after {:.0?}", begun.elapsed());
    while contents(&node).await?.iter().filter(|content| content.complete).count() < MANY {
        ensure!(begun.elapsed() < GIVE_UP, "not all were served again within {GIVE_UP:?}");
    }
    println!("list      and serves all after {:.0?}", begun.elapsed());
    Ok(())
}

async fn contents(node: &Resident) -> anyhow::Result<Vec<Content>> {
    let mut all: Vec<Content> = Vec::new();
    loop {
        let after = all.last().map(|content| content.content.clone());
        let page = node.client.contents(after.as_deref(), Some(PAGE), None).await?;
        if page.items.is_empty() {
            return Ok(all);
        }
        all.extend(page.items);
    }
}

async fn answers(shoal: &Path, runs: usize) -> anyhow::Result<()> {
    for _ in 0..runs {
        let place = tempfile::tempdir()?;
        let file = place.path().join("content");
        write(&file, random(256 * MIB, 1));
        let node = start(shoal, &place.path().join("node"), &[]).await;
        let ticket = node.share(&file).await;
        let content = contents(&node).await?.remove(0).content;
        let mut getters: Vec<Process> = (0..8)
            .map(|n| {
                let mut command = prepared(shoal, ["get", &ticket, "--listen", LOOPBACK, "-o"]);
                command.arg(place.path().join(format!("got {n}")));
                Process::spawn(command)
            })
            .collect();
        let mut times = Times::default();
        while getters.iter_mut().any(Process::is_running) {
            times.of(node.client.node()).await?;
            times.of(node.client.content(&content)).await?;
            times.of(node.client.counters()).await?;
        }
        println!("answers   while eight peers fetch 256 MiB: {times}");
    }
    Ok(())
}
