//! A few seeds of each fault, as tests; and whether RELIABILITY.md tells of all of them.

use std::path::Path;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use shoal_faults::{Fault, answer, faults, play};

fn main() -> ExitCode {
    if let Some(code) = answer() {
        return code;
    }
    let args = Arguments::from_args();
    let mut trials: Vec<Trial> = faults().into_iter().map(|fault| trial(fault, &args)).collect();
    trials.push(Trial::test("the_page_tells_of_every_fault", || Ok(page_is_whole()?)));
    libtest_mimic::run(&args, trials).exit_code()
}

fn trial(fault: &'static dyn Fault, args: &Arguments) -> Trial {
    let reason = fault.missing();
    if let Some(reason) = reason.as_ref().filter(|_| !args.list) {
        eprintln!("skipped: {}: {reason}", fault.name());
    }
    let run = move || {
        let tally = play(fault, 0, fault.runs().few, None, |_| {});
        if tally.failed > 0 {
            let shown: Vec<_> = tally.failures.iter().map(|(seed, why)| replay(fault, *seed, why)).collect();
            return Err(format!("{} of {} runs:\n{}", tally.failed, tally.runs, shown.join("\n")).into());
        }
        if tally.struck == 0 {
            return Err(format!("it struck in none of {} runs", tally.runs).into());
        }
        Ok(())
    };
    Trial::test(fault.name(), run).with_ignored_flag(reason.is_some())
}

fn replay(fault: &dyn Fault, seed: u64, why: &str) -> String {
    format!("seed {seed}: {why}\n  {}", shoal_faults::page::command(fault.name(), seed))
}

fn page_is_whole() -> Result<(), String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../RELIABILITY.md");
    let page = std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    let untold = faults().into_iter().filter(|fault| !page.contains(&format!("`{}`", fault.name())));
    let untold: Vec<_> = untold.map(Fault::name).collect();
    if untold.is_empty() { Ok(()) } else { Err(format!("write it anew, it lacks {untold:?}")) }
}
