//! `shoal` at a tracker: sharing there, and asking it.

use std::path::Path;

use serde_json::Value;

use crate::process::{Ended, LOOPBACK, Process, shoal};

/// Runs `shoal tracker …` to its end.
pub fn ask(args: &[&str], points: &[&str]) -> Ended {
    let points = points.iter().flat_map(|point| ["--rendezvous", point]);
    shoal(["tracker"].into_iter().chain(args.iter().copied()).chain(points))
}

/// Asks a tracker until its answer is such.
pub fn ask_until(what: &str, args: &[&str], point: &str, is: impl Fn(&Ended) -> bool) {
    crate::eventually(what, || is(&ask(args, &[point])).then_some(()));
}

/// Starts `shoal share --json` at a tracker; returns it with what it printed.
pub fn share_at(path: &Path, point: &str, more: &[&str]) -> (Process, Value) {
    share_on(LOOPBACK, path, &[point], more)
}

/// As [`share_at`], listening at an address of choice, at several trackers.
pub fn share_on(listen: &str, path: &Path, points: &[&str], more: &[&str]) -> (Process, Value) {
    let path = path.to_str().expect("test paths are text");
    let mut args = vec!["share", path, "--json", "--listen", listen];
    args.extend(points.iter().flat_map(|point| ["--rendezvous", point]));
    args.extend(more);
    let mut process = Process::start("shoal", args);
    let line = process.line("a ticket", |line| line.contains("shoal1"));
    (process, serde_json::from_str(&line).expect("JSON"))
}

/// Whether an answer to `tracker swarm --json` tells of so many seeds, and of nobody else.
pub fn seeds(count: u64) -> impl Fn(&Ended) -> bool {
    move |ended| {
        ended.code == Some(0) && {
            let size = ended.json();
            size["seeds"] == count && size["downloaders"] == 0 && size["unknown"] == 0
        }
    }
}

/// What `tracker peers --json` lists: an id on each line.
pub fn peers(point: &str) -> Vec<String> {
    let listed = ask(&["peers", "--json"], &[point]).expect(0).stdout;
    let line = |line: &str| serde_json::from_str::<Value>(line).expect("JSON")["peer"].clone();
    listed.lines().map(|it| line(it).as_str().expect("an id").to_owned()).collect()
}

/// The tracker's own figures.
pub fn stats(point: &str) -> Value {
    ask(&["stats", "--json"], &[point]).expect(0).json()["stats"].clone()
}
