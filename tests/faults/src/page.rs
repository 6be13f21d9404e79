//! RELIABILITY.md: the results in words, in front of a page that people wrote (`template.md`).

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::{Fault, Tally};

/// What people wrote.
const TEMPLATE: &str = include_str!("template.md");
/// Where the results go in it.
const PLACE: &str = "<!-- results -->\n";
/// Where the machine is named.
const MACHINE: &str = "<!-- machine -->";

/// The command that plays one seed of a fault again.
pub fn command(name: &str, seed: u64) -> String {
    format!("cargo bench -p shoal-faults --bench faults -- --only {name} --seed {seed}")
}

/// Results of earlier runs of the bench; none if there is no such file.
pub fn read_results(file: &Path) -> Result<BTreeMap<String, Tally>, String> {
    match fs::read(file) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|e| format!("{}: {e}", file.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(error) => Err(format!("{}: {error}", file.display())),
    }
}

/// Keeps them for the next one.
pub fn keep_results(file: &Path, results: &BTreeMap<String, Tally>) -> Result<(), String> {
    let text = serde_json::to_vec_pretty(results).map_err(|e| e.to_string())?;
    fs::write(file, text).map_err(|e| format!("{}: {e}", file.display()))
}

/// The page.
pub fn page(faults: &[&dyn Fault], results: &BTreeMap<String, Tally>) -> String {
    let mut rows = String::from(
        "| fault, by name | what goes wrong, and how it is made to | what must hold | promises | runs | struck | failures |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for fault in faults {
        let card = fault.card();
        let counts = match results.get(fault.name()) {
            None => "not run | | ".to_owned(),
            Some(Tally { skipped: Some(why), .. }) => format!("skipped: {why} | | "),
            Some(tally) => format!("{} | {} | {}", tally.runs, tally.struck, tally.failed),
        };
        rows += &format!(
            "| `{}` | {}: {} | {} | {} | {counts} |\n",
            fault.name(),
            card.fault,
            card.injected,
            card.expected,
            card.promises
        );
    }
    TEMPLATE.replace(PLACE, &rows).replace(MACHINE, &machine())
}

fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let kernel = read("/proc/sys/kernel/osrelease");
    let release: Vec<&str> = kernel.trim().split('.').take(2).collect();
    let memory = read("/proc/meminfo");
    let kib = memory.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let build = if cfg!(debug_assertions) { "debug" } else { "release" };
    format!("Linux {}, {cores} cores, {} GiB of memory, {build} build", release.join("."), kib >> 20)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults;

    #[test]
    fn a_fault_that_was_not_run_is_not_said_to_hold() {
        let all = faults();
        let mut results = BTreeMap::new();
        let tally = Tally { runs: 12, struck: 11, failed: 1, ..Tally::default() };
        results.insert(all[0].name().to_owned(), tally);
        let skipped = Tally { skipped: Some("no root".into()), ..Tally::default() };
        results.insert(all[1].name().to_owned(), skipped);
        let page = page(&all, &results);
        let row = |name: &str| page.lines().find(|line| line.contains(&format!("`{name}`"))).unwrap();
        assert!(row(all[0].name()).ends_with("| 12 | 11 | 1 |"));
        assert!(row(all[1].name()).contains("skipped: no root"));
        assert!(row(all[2].name()).contains("not run"));
    }
}
