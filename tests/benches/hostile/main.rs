//! The same swarm undisturbed and beside hostile peers, in turn, in one run: how much longer the last honest one takes.
//!
//! `cargo bench -p shoal-tests --bench hostile [-- [--runs K] [--size MIB] [--getters N] [--rate MBIT]]`. `SHOAL` and
//! `SHOAL_RENDEZVOUS` name programs that are there already; without them, the bench builds them first. `TMPDIR` says
//! where the copies lie.
//!
//! Getters come first and wait at a tracker, where liars claim to have everything; nuisances beset every honest node.
//! The time runs from the seed's ticket to the last getter's completion. Everything runs on loopback, held back by the
//! program's own limits, so that a line and not the processor is what the swarm waits for. The hostile peers live in
//! this process, on the same processors, which honest nodes would not have to share with them elsewhere.
//!
//! It is no test: nothing fails when the ratio is bad, but it fails when somebody does not complete.

mod swarm;

use std::str::FromStr;

use anyhow::{Context, bail, ensure};
use shoal_tests::programs::Programs;

use self::swarm::{Outcome, Setup, run};

/// What is aimed at.
const AIM: f64 = 2.0;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    // `cargo bench` passes `--bench`; `cargo test --benches` does not want a benchmark.
    if !words.iter().any(|word| word == "--bench") {
        return Ok(());
    }
    let (setup, runs) = parse(&words)?;
    let programs = Programs::find()?;
    println!(
        "{}: a seed and {} getters, {} MiB, {} Mbit/s each way for each; runs in turn",
        programs.version()?,
        setup.getters,
        setup.size >> 20,
        setup.rate * 8 / 1_000_000,
    );
    let (mut alone, mut beset) = (Vec::new(), Vec::new());
    for n in 0..runs {
        // Each one first now and then: the first one pays for what the last one left behind.
        for hostile in [n % 2 == 1, n % 2 == 0] {
            let outcome = run(&programs, &setup, hostile).await?;
            show(hostile, &outcome);
            if hostile { beset.push(outcome) } else { alone.push(outcome) }
        }
    }
    let (alone, beset) = (median(&alone), median(&beset));
    println!(
        "the last one, medians: {alone:.2} s alone, {beset:.2} s beside hostile peers; ratio {:.2} (aim: at most {AIM})",
        beset / alone
    );
    Ok(())
}

fn parse(words: &[String]) -> anyhow::Result<(Setup, usize)> {
    let (mut setup, mut runs) = (Setup { getters: 4, size: 64 << 20, rate: 12_500_000 }, 3);
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--bench" => {}
            "--runs" => runs = number(word, words.next())?,
            "--getters" => setup.getters = number(word, words.next())?,
            "--size" => setup.size = number::<usize>(word, words.next())? << 20,
            "--rate" => setup.rate = number::<u64>(word, words.next())? * 1_000_000 / 8,
            other => bail!("no {other} here: --runs, --getters, --size (MiB), --rate (Mbit/s)"),
        }
    }
    ensure!(runs > 0 && setup.getters > 0 && setup.size > 0 && setup.rate > 0, "numbers start at 1");
    Ok((setup, runs))
}

fn number<T: FromStr>(option: &str, word: Option<&String>) -> anyhow::Result<T> {
    let word = word.with_context(|| format!("{option} needs a number"))?;
    word.parse().map_err(|_| anyhow::anyhow!("{option} needs a number, not {word}"))
}

fn show(hostile: bool, outcome: &Outcome) {
    println!(
        "  {:<22} last {:>6.2} s, first {:>6.2} s; at most {} MiB resident and {} files in one process",
        if hostile { "beside hostile peers" } else { "alone" },
        outcome.last,
        outcome.first,
        outcome.resident >> 20,
        outcome.files,
    );
}

fn median(outcomes: &[Outcome]) -> f64 {
    let mut times: Vec<f64> = outcomes.iter().map(|outcome| outcome.last).collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
