//! What the command line says.

use std::str::FromStr;

use anyhow::{Context, anyhow, ensure};

use crate::scenario::Scenario;

/// What to measure.
pub(crate) struct Args {
    pub(crate) scenarios: Vec<Scenario>,
    pub(crate) runs: usize,
    /// Bytes; each scenario has a size of its own.
    pub(crate) size: Option<u64>,
    /// Of an ordinary link, Mbit/s.
    pub(crate) rate: f64,
    pub(crate) json: bool,
}

impl Args {
    /// `None` if only help is wanted.
    pub(crate) fn parse(words: impl Iterator<Item = String>) -> anyhow::Result<Option<Self>> {
        let mut args = Self { scenarios: vec![], runs: 1, size: None, rate: 100.0, json: false };
        let mut words = words;
        while let Some(word) = words.next() {
            match word.as_str() {
                // Cargo says this to every benchmark.
                "--bench" => {}
                "--help" | "-h" => return Ok(None),
                "--json" => args.json = true,
                "--runs" => args.runs = value(&word, words.next())?,
                "--rate" => args.rate = value(&word, words.next())?,
                "--size" => args.size = Some(value::<u64>(&word, words.next())? << 20),
                name => args.scenarios.push(Scenario::named(name).ok_or_else(|| anyhow!("no {name} here"))?),
            }
        }
        ensure!(args.runs > 0 && args.size != Some(0), "--runs and --size start at 1");
        ensure!(args.rate.is_finite() && args.rate >= 1.0, "--rate starts at 1 Mbit/s");
        if args.scenarios.is_empty() {
            args.scenarios = vec![Scenario::Equal4, Scenario::Equal8];
        }
        Ok(Some(args))
    }
}

fn value<T: FromStr>(option: &str, word: Option<String>) -> anyhow::Result<T> {
    let word = word.with_context(|| format!("{option} needs a number"))?;
    word.parse().map_err(|_| anyhow!("{option} needs a number, not {word}"))
}

/// What there is to choose from.
pub(crate) fn help() -> String {
    let mut text = "cargo bench -p shoal-tests --bench swarm -- [SCENARIO…] [OPTIONS]\n\n".to_owned();
    for scenario in Scenario::ALL {
        text += &format!("  {:<12} {}\n", scenario.name(), scenario.about());
    }
    text + "\nWithout a name: equal4 equal8.\n\n  \
        --runs K     medians of K runs\n  \
        --size MIB   size of the content [128; slow-seed and slow-peer 64]\n  \
        --rate MBIT  of an ordinary link, both ways [100]; slow ones are a fifth (seed) or a tenth (peer)\n  \
        --json       one JSON object for each line of figures"
}
