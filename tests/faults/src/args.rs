//! What the command line of the long bench says.

use std::path::PathBuf;
use std::time::Duration;

/// What to play, and what to write.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Args {
    /// Names of faults; all if there are none.
    pub only: Vec<String>,
    /// The first seed.
    pub seed: u64,
    /// How many seeds of each; if not given, as many as its table says, or one if there is a seed.
    pub runs: Option<u64>,
    /// How long all may take together.
    pub budget: Option<Duration>,
    /// Where results are kept, so that several runs of the bench make one page.
    pub results: Option<PathBuf>,
    /// Where the page goes.
    pub write: Option<PathBuf>,
}

/// How it is used.
pub const HELP: &str = "cargo bench -p shoal-faults --bench faults -- [OPTIONS]

  --only NAME      plays this fault; may be given several times
  --seed N         the first seed; without --runs, the only one
  --runs N         so many seeds of each fault
  --budget TIME    all faults together take about so long, as 90s or 10m
  --results FILE   adds the results to those that are kept there; to be used with other seeds each time
  --write FILE     writes RELIABILITY.md, of the results that are kept and those of now";

impl Args {
    /// `None` if only help is wanted.
    pub fn parse(words: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let (mut args, mut seed, mut words) = (Self::default(), None, words);
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            match word.as_str() {
                // Cargo says this to every benchmark.
                "--bench" => {}
                "--help" | "-h" => return Ok(None),
                "--only" => args.only.push(value()?),
                "--seed" => seed = Some(number(&value()?)?),
                "--runs" => args.runs = Some(number(&value()?)?),
                "--budget" => args.budget = Some(time(&value()?)?),
                "--results" => args.results = Some(value()?.into()),
                "--write" => args.write = Some(value()?.into()),
                other => return Err(format!("what is {other}?")),
            }
        }
        args.runs = args.runs.or(seed.map(|_| 1));
        args.seed = seed.unwrap_or(0);
        Ok(Some(args))
    }
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("'{text}' is no number"))
}

fn time(text: &str) -> Result<Duration, String> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let unit = match &text[split..] {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err(format!("'{text}' is no time, as 90s, 10m or 2h")),
    };
    Ok(Duration::from_secs(number(&text[..split])?.saturating_mul(unit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &str) -> Result<Option<Args>, String> {
        Args::parse(words.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn a_seed_alone_is_one_run() {
        let args = parse("--bench --only power_loss --seed 7").unwrap().unwrap();
        assert_eq!((args.seed, args.runs, args.only.len()), (7, Some(1), 1));
        assert_eq!(parse("--seed 7 --runs 3").unwrap().unwrap().runs, Some(3));
    }

    #[test]
    fn times_have_units() {
        let budget = |text: &str| parse(&format!("--budget {text}")).map(|args| args.unwrap().budget);
        assert_eq!(budget("90s"), Ok(Some(Duration::from_secs(90))));
        assert_eq!(budget("2h"), Ok(Some(Duration::from_secs(7200))));
        assert!(budget("10").is_err() && budget("m").is_err() && parse("--budget").is_err());
    }
}
