//! What Linux tells of processes.

use std::fs;
use std::time::Duration;

use anyhow::ensure;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Bytes resident now.
pub(crate) fn resident(process: u32) -> u64 {
    status(process, "VmRSS:")
}

/// Bytes resident at most so far.
pub(crate) fn peak(process: u32) -> u64 {
    status(process, "VmHWM:")
}

fn status(process: u32, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(name));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).unwrap_or(0) << 10
}

/// Processor time of a process, of all its threads that live.
pub(crate) fn processor(process: u32) -> Duration {
    let threads = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    threads.map(|thread| on_processor(&thread.path().join("schedstat"))).sum()
}

/// Processor time of the thread that asks.
pub(crate) fn own_processor() -> Duration {
    on_processor("/proc/thread-self/schedstat".as_ref())
}

/// The first number is nanoseconds on a processor.
fn on_processor(path: &std::path::Path) -> Duration {
    let text = fs::read_to_string(path).unwrap_or_default();
    Duration::from_nanos(text.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0))
}

/// Makes room for so many open files, in this process and those it starts.
pub(crate) fn allow_files(wanted: u64) -> anyhow::Result<()> {
    let limit = getrlimit(Resource::Nofile);
    let enough = |limit: Option<u64>| limit.is_none_or(|limit| limit >= wanted);
    if !enough(limit.current) {
        ensure!(enough(limit.maximum), "{wanted} open files are needed; raise the limit (ulimit -Hn)");
        setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })?;
    }
    Ok(())
}

pub(crate) fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
