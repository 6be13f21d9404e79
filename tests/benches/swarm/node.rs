//! One process of a swarm: what it prints, what it costs, and its end.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};
use shoal_tests::proc::peak_resident;

use crate::wait;

/// How long a process may take to come up, or to print what it has to say.
const READY: Duration = Duration::from_secs(60);
/// How long it may take to end when asked.
const FAREWELL: Duration = Duration::from_secs(5);
/// Looking more often would itself cost something.
const SAMPLING: Duration = Duration::from_millis(300);

/// What a process took so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cost {
    /// Processor seconds, user and system.
    pub(crate) cpu: f64,
    /// Most bytes resident.
    pub(crate) rss: u64,
}

/// A running program. Killed when dropped.
pub(crate) struct Node {
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
    cost: Cost,
    sampled: Instant,
}

impl Node {
    /// Starts it in a folder, which also takes what it prints.
    pub(crate) fn start(mut command: Command, dir: &Path) -> anyhow::Result<Self> {
        let (stdout, stderr) = (dir.join("stdout"), dir.join("stderr"));
        command.stdin(Stdio::null()).stdout(File::create(&stdout)?).stderr(File::create(&stderr)?);
        command
            .env("NO_COLOR", "1")
            .env("SHOAL_CACHE", "")
            .env("SHOAL_STATE", "")
            .env("SHOAL_SOCKET", "")
            .env_remove("RUST_LOG")
            .current_dir(dir);
        // Ctrl-C on the terminal is for the benchmark, which then ends its nodes itself.
        let child = command.process_group(0).spawn().context("a node does not start")?;
        Ok(Self { child, stdout, stderr, cost: Cost::default(), sampled: Instant::now() })
    }

    /// Waits for a line of standard output for which `is` holds.
    pub(crate) fn line(&mut self, what: &str, is: impl Fn(&str) -> bool) -> anyhow::Result<String> {
        wait::until(what, READY, || {
            let alive = self.is_alive();
            match self.printed().lines().find(|line| is(line)) {
                None if !alive => bail!("it ended: {}", self.complaint()),
                found => Ok(found.map(str::to_owned)),
            }
        })
    }

    /// What it printed on standard output.
    pub(crate) fn printed(&self) -> String {
        fs::read_to_string(&self.stdout).unwrap_or_default()
    }

    /// The first error that it printed, or else the last thing that it said.
    pub(crate) fn complaint(&self) -> String {
        let text = fs::read_to_string(&self.stderr).unwrap_or_default();
        let error = text.lines().find(|line| line.starts_with("error"));
        error.or(text.trim().lines().last()).unwrap_or("not a word").to_owned()
    }

    pub(crate) fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// What it took up to now, or to the last time that somebody looked while it lived.
    pub(crate) fn cost(&mut self) -> Cost {
        let id = self.child.id();
        if self.is_alive() {
            self.cost = Cost { cpu: cpu(id), rss: peak_resident(id) };
        }
        self.sampled = Instant::now();
        self.cost
    }

    /// Takes note of what it took, now and then; for when it ends before somebody asks.
    pub(crate) fn sample(&mut self) {
        if self.sampled.elapsed() >= SAMPLING {
            self.cost();
        }
    }

    /// Ends it like `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.cost();
        // Err only says that it has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }

    /// Asks it to end. What does not obey in time is killed when dropped.
    pub(crate) fn ask_to_end(&mut self) {
        if let (true, Some(id)) = (self.is_alive(), Pid::from_raw(self.child.id() as i32)) {
            // Err only says that it has ended just now.
            let _ = kill_process(id, Signal::TERM);
        }
    }

    /// Waits for its end, not for long.
    pub(crate) fn wait_for_end(&mut self) -> anyhow::Result<()> {
        let start = Instant::now();
        while self.is_alive() && start.elapsed() < FAREWELL {
            wait::pause()?;
        }
        Ok(())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn cpu(id: u32) -> f64 {
    /// Linux counts in hundredths of a second for user space, whatever its own tick is.
    const TICKS: f64 = 100.0;
    let text = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    // The name before that may contain anything.
    let Some((_, rest)) = text.rsplit_once(')') else { return 0.0 };
    let ticks = rest.split_whitespace().skip(11).take(2).filter_map(|t| t.parse::<f64>().ok());
    ticks.sum::<f64>() / TICKS
}
