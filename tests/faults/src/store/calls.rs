//! Which system call a seed is aimed at: all of one beginning, then all of the next, then the same of another content.

use std::collections::BTreeMap;
use std::fs;
use std::sync::OnceLock;

use super::stage::{Beginning, Stage};
use super::writer;
use crate::child::Running;
use crate::tools::{scratch, traced};

/// The system calls that write which the child makes, in their order, by beginning. Those of another content are a few
/// more or fewer.
#[derive(Debug)]
pub(crate) struct Calls(Vec<(Beginning, Vec<String>)>);

/// What a seed is aimed at.
#[derive(Debug, Clone)]
pub(crate) struct Aim {
    /// How things are at first.
    pub(crate) beginning: Beginning,
    /// The seed of the content.
    pub(crate) content: u64,
    /// The calls before it, by name.
    before: BTreeMap<String, usize>,
    /// Its name.
    pub(crate) name: String,
}

impl Aim {
    /// What of its kind it is, from 1. That is how strace counts.
    pub(crate) fn nth(&self) -> usize {
        self.before.get(&self.name).copied().unwrap_or(0) + 1
    }

    /// What to tell strace, so that this happens in place of this call alone.
    pub(crate) fn once(&self, what: &str) -> Vec<String> {
        vec![format!("{}:{what}:when={}", self.name, self.nth())]
    }

    /// What to tell strace, so that this happens in place of this call and all that write after it.
    pub(crate) fn for_good(&self, what: &str) -> Vec<String> {
        let from = |name: &str| self.before.get(name).copied().unwrap_or(0) + 1;
        crate::tools::WRITING.iter().map(|name| format!("{name}:{what}:when={}+", from(name))).collect()
    }
}

impl Calls {
    fn seen() -> Result<&'static Self, String> {
        static SEEN: OnceLock<Result<Calls, String>> = OnceLock::new();
        SEEN.get_or_init(Self::see).as_ref().map_err(Clone::clone)
    }

    fn count(&self) -> u64 {
        self.0.iter().map(|(_, names)| names.len() as u64).sum()
    }

    /// As many seeds as every call of the first content takes, and no fewer than `least`.
    pub(crate) fn at_least(least: u64) -> u64 {
        // Where there is an error, the first run tells it.
        Self::seen().map_or(least, |calls| least.max(calls.count()))
    }

    /// What a seed is aimed at.
    pub(crate) fn aim(seed: u64) -> Result<Aim, String> {
        let calls = Self::seen()?;
        let all = calls.count();
        let (content, mut at) = (seed / all, (seed % all) as usize);
        for (beginning, names) in &calls.0 {
            if let Some(name) = names.get(at) {
                let mut before = BTreeMap::new();
                names[..at].iter().for_each(|name| *before.entry(name.clone()).or_default() += 1);
                return Ok(Aim { beginning: *beginning, content, before, name: name.clone() });
            }
            at -= names.len();
        }
        Err("there is no such call".into())
    }

    fn see() -> Result<Self, String> {
        Beginning::ALL
            .into_iter()
            .map(|beginning| Ok((beginning, names(beginning)?)))
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

/// The calls of an undisturbed child.
fn names(beginning: Beginning) -> Result<Vec<String>, String> {
    let scratch = scratch()?;
    let stage = Stage::set(scratch.path(), &scratch.path().join("to"), beginning, 0)?;
    let log = scratch.path().join("strace");
    let mut child = Running::start(traced(&writer::command(&stage, 0), &[], &log))?;
    while child.line().is_some() {}
    match child.end() {
        Some(0) => {}
        other => return Err(format!("undisturbed, the child ends with {other:?}")),
    }
    let log = fs::read_to_string(log).map_err(|e| e.to_string())?;
    // A line is `PID NAME(ARGUMENTS) = RESULT`.
    let name = |line: &str| Some(line.split_once(' ')?.1.trim().split_once('(')?.0.to_owned());
    Ok(log.lines().filter_map(name).collect())
}
