//! What the command line says.

use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, anyhow, bail, ensure};

/// What there is to choose from.
pub(crate) const HELP: &str = "\
cargo bench -p shoal-tests --bench tracker -- [PART…] [OPTIONS]

  memory       resident memory of a process that holds the registrations in 1 000 namespaces
  discover     processor time of a question in a large namespace and in a small one
  renew        memory after one peer has renewed 100 000 times
  requests     registrations, renewals and discoveries per second, ours and libp2p's own server
  connections  many live connections to ours: memory of the server, and questions meanwhile

Without a name: all of them.

  --registrations N  held in memory and requests [100000]
  --connections N    live at once in connections [5000]
  --seconds S        of each measurement of requests [10]
  --fill-seconds S   the most that filling a server may take [600]";

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Memory,
    Discover,
    Renew,
    Requests,
    Connections,
}

impl Part {
    const ALL: [(&str, Self); 5] = [
        ("memory", Self::Memory),
        ("discover", Self::Discover),
        ("renew", Self::Renew),
        ("requests", Self::Requests),
        ("connections", Self::Connections),
    ];
}

/// What to measure.
pub(crate) struct Args {
    pub(crate) parts: Vec<Part>,
    pub(crate) registrations: usize,
    pub(crate) connections: usize,
    pub(crate) measure: Duration,
    pub(crate) fill: Duration,
}

impl Args {
    /// `None` if only help is wanted.
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> anyhow::Result<Option<Self>> {
        let mut args = Self {
            parts: vec![],
            registrations: 100_000,
            connections: 5_000,
            measure: Duration::from_secs(10),
            fill: Duration::from_secs(600),
        };
        while let Some(word) = words.next() {
            match word.as_str() {
                // Cargo says this to every benchmark.
                "--bench" => {}
                "--help" | "-h" => return Ok(None),
                "--registrations" => args.registrations = value(&word, words.next())?,
                "--connections" => args.connections = value(&word, words.next())?,
                "--seconds" => args.measure = Duration::from_secs(value(&word, words.next())?),
                "--fill-seconds" => args.fill = Duration::from_secs(value(&word, words.next())?),
                name => match Part::ALL.iter().find(|(other, _)| *other == name) {
                    Some((_, part)) => args.parts.push(*part),
                    None => bail!("no {name} here"),
                },
            }
        }
        ensure!(args.registrations >= 1_000, "--registrations starts at 1000");
        ensure!(args.connections > 0 && !args.measure.is_zero(), "numbers start at 1");
        if args.parts.is_empty() {
            args.parts = Part::ALL.iter().map(|(_, part)| *part).collect();
        }
        Ok(Some(args))
    }
}

fn value<T: FromStr>(option: &str, word: Option<String>) -> anyhow::Result<T> {
    let word = word.with_context(|| format!("{option} needs a number"))?;
    word.parse().map_err(|_| anyhow!("{option} needs a number, not {word}"))
}
