//! Many seeds of each fault, and RELIABILITY.md of what came of them. `-- --help` says how.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use shoal_faults::args::{Args, HELP};
use shoal_faults::{Fault, Tally, answer, faults, page, play};
use shoal_tests::programs::Programs;

fn main() -> ExitCode {
    if let Some(code) = answer() {
        return code;
    }
    // `cargo test --benches` does not want a benchmark.
    if !std::env::args().any(|word| word == "--bench") {
        return ExitCode::SUCCESS;
    }
    let done = match Args::parse(std::env::args().skip(1)) {
        Ok(Some(args)) => bench(&args),
        Ok(None) => {
            println!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => Err(format!("{error}\n\n{HELP}")),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

/// Whether all held.
fn bench(args: &Args) -> Result<bool, String> {
    let chosen = chosen(&args.only)?;
    // A debug build plays with the programs of the debug build, which `cargo test --workspace` has made.
    if !cfg!(debug_assertions) {
        Programs::find().map_err(|e| format!("{e:#}"))?;
    }
    let mut results = args.results.as_deref().map_or_else(|| Ok(BTreeMap::new()), page::read_results)?;
    let start = Instant::now();
    let mut good = true;
    for (at, fault) in chosen.iter().enumerate() {
        // What one leaves of its share is for those after it.
        let left = (chosen.len() - at) as u32;
        let share = args.budget.map(|budget| budget.saturating_sub(start.elapsed()) / left);
        let runs = args.runs.unwrap_or(fault.runs().many);
        let tally = play(*fault, args.seed, runs, share, |tally| progress(*fault, tally, runs));
        report(*fault, &tally);
        good &= tally.failed == 0;
        results.entry(fault.name().to_owned()).or_default().merge(tally);
    }
    if let Some(file) = &args.results {
        page::keep_results(file, &results)?;
    }
    if let Some(file) = &args.write {
        write(file, &page::page(&faults(), &results))?;
    }
    Ok(good)
}

fn chosen(only: &[String]) -> Result<Vec<&'static dyn Fault>, String> {
    let all = faults();
    if only.is_empty() {
        return Ok(all);
    }
    let find = |name: &String| all.iter().find(|fault| fault.name() == name).copied();
    only.iter().map(|name| find(name).ok_or_else(|| format!("no fault is called {name}"))).collect()
}

fn progress(fault: &dyn Fault, tally: &Tally, runs: u64) {
    if std::io::stdout().is_terminal() {
        print!("\r{:<28} {} of {runs}, {} failed ", fault.name(), tally.runs, tally.failed);
        drop(std::io::stdout().flush());
    }
}

fn report(fault: &dyn Fault, tally: &Tally) {
    match &tally.skipped {
        Some(why) => println!("{:<28} skipped: {why}", fault.name()),
        None => println!(
            "\r{:<28} {} runs, struck in {}, {} failed",
            fault.name(),
            tally.runs,
            tally.struck,
            tally.failed
        ),
    }
    for (seed, why) in &tally.failures {
        println!("  seed {seed}: {why}\n    {}", page::command(fault.name(), *seed));
    }
}

fn write(file: &Path, text: &str) -> Result<(), String> {
    std::fs::write(file, text).map_err(|e| format!("{}: {e}", file.display()))
}
