//! `kill -9` at every system call that writes.

use std::collections::BTreeSet;

use super::check::{final_names, goes_on};
use super::said::Said;
use super::stage::Stage;
use super::writer;
use crate::child::Running;
use crate::store::calls::Calls;
use crate::tools::{no_strace, scratch, traced};
use crate::{Card, Fault, Runs, Strike};

/// A chunk that is written and not yet noted when the process dies may come again; no other one.
const WINDOW: usize = 1;

/// The process that writes a content is killed as it makes its N-th system call that writes.
pub(crate) struct KilledAtCall;

impl Fault for KilledAtCall {
    fn name(&self) -> &'static str {
        "kill_at_every_write"
    }

    fn card(&self) -> Card {
        Card {
            promises: "1, 3",
            fault: "`kill -9` as the store makes its N-th system call that writes, for every N, from four beginnings",
            injected: "strace, SIGKILL on entering the call",
            expected: "no chunk that was noted is fetched again; nothing unverified has a final name; it goes on to the same tree",
        }
    }

    fn runs(&self) -> Runs {
        Runs { few: Calls::at_least(200), many: 2000 }
    }

    fn missing(&self) -> Option<String> {
        no_strace()
    }

    fn run(&self, seed: u64) -> Result<Strike, String> {
        let aim = Calls::aim(seed)?;
        let scratch = scratch()?;
        let stage = Stage::set(scratch.path(), &scratch.path().join("to"), aim.beginning, aim.content)?;
        let log = scratch.path().join("strace");
        let mut child =
            Running::start(traced(&writer::command(&stage, aim.content), &aim.once("signal=KILL"), &log))?;
        let mut said = Said::default();
        while let Some(line) = child.line() {
            said.hear(&line)?;
        }
        let ended = child.end();
        final_names(&stage)?;
        let found = goes_on(&stage)?;
        let noted: BTreeSet<_> = said.stored.iter().chain(&stage.there).copied().collect();
        let lost: Vec<_> = noted.difference(&found.stored).collect();
        if !lost.is_empty() {
            return Err(format!("{lost:?} were noted and are fetched again ({} {})", aim.name, aim.nth()));
        }
        if found.damaged as usize > WINDOW {
            return Err(format!("{} chunks were noted before they were written", found.damaged));
        }
        Ok(Strike::of(ended.is_none()))
    }
}
