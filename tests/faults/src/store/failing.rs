//! Writing and syncing that fails, at every system call.

use std::collections::BTreeSet;
use std::fs;

use super::calls::Calls;
use super::check::{final_names, goes_on};
use super::said::Said;
use super::stage::Stage;
use super::writer;
use crate::child::Running;
use crate::tools::{SYNCING, no_strace, scratch, traced};
use crate::{Card, Fault, Runs, Strike};

/// What the system may say.
const ERRORS: [&str; 5] = ["ENOSPC", "EIO", "EROFS", "EDQUOT", "EACCES"];

/// The N-th system call that writes fails: once, or it and all after it.
pub(crate) struct FailingCall {
    /// Whether all after it fail too.
    pub(crate) for_good: bool,
}

impl Fault for FailingCall {
    fn name(&self) -> &'static str {
        if self.for_good { "disk_fails_for_good" } else { "call_fails_once" }
    }

    fn card(&self) -> Card {
        let (fault, expected) = if self.for_good {
            (
                "all system calls that write fail from the N-th on, for every N: full, quota, read-only, not permitted, broken",
                "it says why; what was noted by then is not fetched again; nothing unverified has a final name; it goes on \
                 when the disk is well",
            )
        } else {
            (
                "the N-th system call that writes or syncs fails, for every N: full, quota, read-only, not permitted, broken",
                "it says why, or needs nothing of that call; tried again it comes to its end; a failed sync is never silent",
            )
        };
        Card { promises: "1, 3, 8", fault, injected: "strace, an error in place of the call", expected }
    }

    fn runs(&self) -> Runs {
        Runs { few: if self.for_good { 80 } else { Calls::at_least(200) }, many: 2000 }
    }

    fn missing(&self) -> Option<String> {
        no_strace()
    }

    fn run(&self, seed: u64) -> Result<Strike, String> {
        // Some calls of every kind also where only a few seeds are played.
        let aim = Calls::aim(if self.for_good { seed * 3 } else { seed })?;
        let scratch = scratch()?;
        let stage = Stage::set(scratch.path(), &scratch.path().join("to"), aim.beginning, aim.content)?;
        let log = scratch.path().join("strace");
        let error = ERRORS[(seed % 7 % 5) as usize];
        let what = format!("error={error}");
        let inject = if self.for_good { aim.for_good(&what) } else { aim.once(&what) };
        let mut child = Running::start(traced(&writer::command(&stage, aim.content), &inject, &log))?;
        let mut said = Said::default();
        while let Some(line) = child.line() {
            said.hear(&line)?;
        }
        let ended = child.end();
        let log = fs::read_to_string(log).map_err(|e| e.to_string())?;
        let struck = log.lines().find(|line| line.contains("(INJECTED)"));
        final_names(&stage)?;
        self.told(&said, ended, struck)?;
        let found = goes_on(&stage)?;
        let noted: BTreeSet<_> = said.stored.iter().chain(&stage.there).copied().collect();
        let lost: Vec<_> = noted.difference(&found.stored).collect();
        if !lost.is_empty() {
            return Err(format!("{lost:?} were noted and are fetched again: {struck:?}"));
        }
        Ok(Strike::of(struck.is_some()))
    }
}

impl FailingCall {
    /// Whether the child noticed, as far as it had to.
    fn told(&self, said: &Said, ended: Option<i32>, struck: Option<&str>) -> Result<(), String> {
        let Some(call) = struck else { return Ok(()) };
        let syncs = SYNCING.iter().any(|name| call.contains(&format!(" {name}(")));
        if syncs && said.blocked.is_empty() {
            return Err(format!("nothing was said of a sync that failed: {call}"));
        }
        let expected = [Some(0), Some(i32::from(writer::GAVE_UP))];
        if !expected.contains(&ended) || (!self.for_good && ended != Some(0)) {
            return Err(format!("it ended with {ended:?} after {call}: {:?}", said.blocked));
        }
        if (ended == Some(0)) != said.placed {
            return Err(format!("it ended with {ended:?}, and placed: {}", said.placed));
        }
        Ok(())
    }
}
