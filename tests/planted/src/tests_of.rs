//! Runs tests in the copy.

use std::fmt;
use std::process::{Command, Output};

use anyhow::{Result, bail};

use crate::copy::Copied;

/// Tests that take more processor time than this never end, in seconds. Time on the clock says little on a machine that
/// others keep busy. What fills memory meanwhile ends before it takes that of everybody: 16 GiB of addresses, in KiB.
const LONGEST: &str = "ulimit -t 240; ulimit -v 16777216; exec \"$@\"";
/// What ends them, as cargo says it.
const ENDED: &str = "SIGXCPU";

/// What tests said.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All is as it should be.
    Green,
    /// These failed.
    Red(Vec<String>),
    /// One of them did not end.
    Hangs,
}

impl Outcome {
    pub(crate) fn is_noticed(&self) -> bool {
        *self != Self::Green
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Green => write!(f, "NOT NOTICED"),
            Self::Hangs => write!(f, "noticed: a test does not end"),
            Self::Red(failed) => {
                let first = failed.first().map_or("", String::as_str);
                write!(f, "noticed by {first}")?;
                if failed.len() > 1 { write!(f, " and {} more", failed.len() - 1) } else { Ok(()) }
            }
        }
    }
}

/// Builds and runs tests. That they cannot be built is an error, and no sign of anything.
pub(crate) fn run(copied: &Copied, tests: &[String]) -> Result<Outcome> {
    let built = cargo(copied, &[], &[&["test", "--no-run"], &words(tests)[..]].concat())?;
    if !built.status.success() {
        bail!("cargo test {} cannot be built:\n{}", tests.join(" "), String::from_utf8_lossy(&built.stderr));
    }
    let limited = ["bash", "-c", LONGEST, "tests"];
    let ran = cargo(copied, &limited, &[&["test", "--no-fail-fast"], &words(tests)[..]].concat())?;
    if String::from_utf8_lossy(&ran.stderr).contains(ENDED) {
        return Ok(Outcome::Hangs);
    }
    let text = String::from_utf8_lossy(&ran.stdout);
    let failed: Vec<String> = text.lines().filter_map(failed_test).map(str::to_owned).collect();
    match (ran.status.success(), failed.is_empty()) {
        (true, _) if !text.contains("test result: ok") => {
            bail!("cargo test {} runs no test", tests.join(" "))
        }
        (true, _) => Ok(Outcome::Green),
        (false, true) => bail!("the tests ended without a word:\n{}", String::from_utf8_lossy(&ran.stderr)),
        (false, false) => Ok(Outcome::Red(failed)),
    }
}

fn words(tests: &[String]) -> Vec<&str> {
    tests.iter().map(String::as_str).collect()
}

fn failed_test(line: &str) -> Option<&str> {
    line.strip_prefix("test ")?.strip_suffix(" ... FAILED")
}

fn cargo(copied: &Copied, before: &[&str], arguments: &[&str]) -> Result<Output> {
    let all = [before, &["cargo"], arguments].concat();
    let mut command = Command::new(all[0]);
    command.args(&all[1..]).current_dir(&copied.folder).env("CARGO_TARGET_DIR", &copied.target);
    Ok(command.env("PROPTEST_CASES", "64").env("RUST_BACKTRACE", "0").output()?)
}
