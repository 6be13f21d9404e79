//! Plants defects one by one, and sees whether the tests notice: `cargo run -p shoal-planted -- [NAME…]`.
//!
//! Each defect of `defects.toml` takes one promise away: a hash that is not compared, a ban that is forgotten. It is planted
//! in a copy of the last commit beneath the target folder, so the tree itself is never touched. The tests that are named with it
//! must be green without it and red with it. Prints a line for each, and ends with 1 if any was not noticed.
//!
//! What this is not: proof that the tests notice every defect. What always holds: text that a defect replaces stands exactly
//! once in its file, or it is not planted and that is an error; so does a defect that does not compile.

mod copy;
mod defects;
mod tests_of;

use std::collections::BTreeSet;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Parser;

use self::copy::Copied;
use self::defects::{Defect, all};
use self::tests_of::{Outcome, run};

/// Plants defects, and sees whether the tests notice.
#[derive(Debug, Parser)]
struct Arguments {
    /// Those to plant; otherwise all whose tests build without libp2p
    names: Vec<String>,
    /// Plant also those whose tests need libp2p, which takes minutes
    #[arg(long)]
    slow: bool,
    /// Only say which there are
    #[arg(long)]
    list: bool,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let chosen = choose(&arguments)?;
    if arguments.list {
        chosen.iter().for_each(|defect| println!("{:<28} {}", defect.name, defect.what));
        return Ok(ExitCode::SUCCESS);
    }
    let copied = Copied::make()?;
    // What is red by itself notices nothing.
    for tests in chosen.iter().map(|defect| &defect.tests).collect::<BTreeSet<_>>() {
        match run(&copied, tests)? {
            Outcome::Green => {}
            other => bail!("without any defect, '{}' is not green: {other}", tests.join(" ")),
        }
    }
    let mut missed = 0;
    for defect in &chosen {
        let before = copied.plant(defect)?;
        let outcome = run(&copied, &defect.tests);
        copied.restore(defect, &before)?;
        let outcome = outcome?;
        missed += usize::from(!outcome.is_noticed());
        println!("{:<28} {outcome}", defect.name);
    }
    println!("{} planted, {} noticed", chosen.len(), chosen.len() - missed);
    Ok(if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn choose(arguments: &Arguments) -> Result<Vec<Defect>> {
    let all = all()?;
    for name in &arguments.names {
        if !all.iter().any(|defect| defect.name == *name) {
            bail!("there is no defect '{name}'; --list says which there are");
        }
    }
    let named = |defect: &Defect| match &arguments.names[..] {
        [] => arguments.slow || arguments.list || !defect.slow,
        names => names.contains(&defect.name),
    };
    Ok(all.into_iter().filter(named).collect())
}
