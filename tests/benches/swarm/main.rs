//! Whole swarms of real processes behind shaped links: how long until the last one has everything, beside
//! the time that the links allow, and what the seed sends for that.
//!
//! `cargo bench -p shoal-tests --bench swarm [-- [SCENARIO…] [--runs K] [--size MIB] [--rate MBIT] [--json]]`;
//! `-- --help` lists the scenarios. `TMPDIR` says which disk is meant; it takes a copy of the content for each
//! node, of which there are up to nine. `SHOAL` (and `SHOAL_RENDEZVOUS`, otherwise taken to lie beside it)
//! name programs that are there already; without them, the bench builds them first.
//!
//! Linux and root are needed for namespaces; otherwise it all happens on loopback, with the program's own
//! rate limits, and the output says so. That tells less: the limits are then part of what is measured.
//!
//! It is no test: nothing fails when a figure is bad, or when somebody does not complete. It is no simulation
//! either: links have their queue (50 ms when full) but no length, so that round trips are short, and packets
//! are lost only where a queue is full. All nodes share the processors of one machine.

mod args;
mod content;
mod entrant;
mod lab;
mod node;
mod plan;
mod race;
mod report;
mod run;
mod scenario;
mod wait;

use std::process::ExitCode;

use anyhow::ensure;
use shoal_tests::programs::Programs;

use self::args::Args;
use self::content::Content;
use self::lab::{Ground, Lab};
use self::run::Setting;

fn main() -> ExitCode {
    let args = match Args::parse(std::env::args().skip(1)) {
        Ok(Some(args)) => args,
        Ok(None) => {
            println!("{}", args::help());
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("{error}\n\n{}", args::help());
            return ExitCode::from(2);
        }
    };
    match bench(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn bench(args: &Args) -> anyhow::Result<()> {
    wait::listen_for_signals()?;
    let programs = Programs::find()?;
    let ground = Lab::probe();
    let shaped = matches!(ground, Ground::Shaped { .. });
    // Without shaped links, only the program itself can hold back.
    ensure!(
        shaped || programs.has_limits()?,
        "links cannot be shaped here, and this shoal has no --limit-up and --limit-down"
    );
    report::begin(args, &programs, &ground)?;
    for scenario in &args.scenarios {
        let content = Content::make(args.size.unwrap_or(scenario.size()))?;
        let setting = Setting { programs: &programs, content: &content, shaped };
        let mut rounds = Vec::new();
        for _ in 0..args.runs {
            rounds.push(scenario.play(&setting, args.rate)?);
        }
        report::scenario(*scenario, &rounds, args.json)?;
    }
    Ok(())
}
