//! A getter in a run: how it fares, and what it tells in the end.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::content::Content;
use crate::node::Node;
use crate::plan::Getter;

/// How it went for one getter.
#[derive(Serialize)]
pub(crate) struct Got {
    #[serde(flatten)]
    pub(crate) getter: Getter,
    pub(crate) fate: Fate,
    /// Bytes over its line, or of chunks where lines are not counted.
    pub(crate) received: Option<u64>,
    pub(crate) told: Option<Told>,
}

/// Seconds are since the first start.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fate {
    Waiting,
    Running,
    Done(f64),
    Killed(f64),
    /// It ended by itself.
    Failed {
        at: f64,
        why: String,
    },
}

/// What `get --json` says.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Told {
    pub(crate) fetched: u64,
    pub(crate) duplicate: u64,
    peers: Vec<Source>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Source {
    peer: String,
    bytes: u64,
}

impl Got {
    /// Whether it is one of those whose times make the figures.
    pub(crate) fn counts(&self) -> bool {
        !self.getter.apart && !matches!(self.fate, Fate::Killed(_))
    }

    pub(crate) fn done(&self) -> Option<f64> {
        if let Fate::Done(at) = self.fate { Some(at) } else { None }
    }
}

impl Told {
    /// Bytes that came from this peer.
    pub(crate) fn from(&self, peer: &str) -> u64 {
        self.peers.iter().filter(|p| p.peer == peer).map(|p| p.bytes).sum()
    }
}

/// One that takes part.
pub(crate) struct Entrant {
    pub(crate) getter: Getter,
    /// Where it runs, and where it fetches to.
    pub(crate) dir: PathBuf,
    pub(crate) node: Option<Node>,
    pub(crate) fate: Fate,
}

impl Entrant {
    pub(crate) fn new(getter: Getter, dir: PathBuf) -> Self {
        Self { getter, dir, node: None, fate: Fate::Waiting }
    }

    /// Its final name, which is there only once everything is.
    pub(crate) fn result(&self) -> PathBuf {
        self.dir.join(Content::NAME)
    }

    pub(crate) fn is_busy(&self) -> bool {
        matches!(self.fate, Fate::Waiting | Fate::Running)
    }

    pub(crate) fn is_due(&self, now: f64) -> bool {
        self.fate == Fate::Waiting && now >= self.getter.start
    }

    pub(crate) fn start(&mut self, command: Command) -> anyhow::Result<()> {
        self.node = Some(Node::start(command, &self.dir)?);
        self.fate = Fate::Running;
        Ok(())
    }

    /// Notices when it is done, or gone.
    pub(crate) fn look(&mut self, now: f64) {
        let result = self.result();
        let Some(node) = &mut self.node else { return };
        node.sample();
        if self.fate != Fate::Running {
            return;
        }
        // In this order: it may be done and gone between two looks.
        let alive = node.is_alive();
        if result.exists() {
            self.fate = Fate::Done(now);
        } else if !alive {
            self.fate = Fate::Failed { at: now, why: node.complaint() };
        }
    }

    /// Ends it like `kill -9`, done or not.
    pub(crate) fn kill(&mut self, now: f64) {
        if let Some(node) = &mut self.node {
            node.kill();
        }
        self.fate = Fate::Killed(now);
    }

    /// What it printed when it was done, which comes a moment after the final name.
    pub(crate) fn told(&mut self) -> anyhow::Result<Option<Told>> {
        let (Fate::Done(_), Some(node)) = (&self.fate, &mut self.node) else { return Ok(None) };
        let line = node.line("what a getter has to say", |line| line.starts_with('{'))?;
        serde_json::from_str(&line).map(Some).with_context(|| format!("not understood: {line}"))
    }

    pub(crate) fn got(&self, received: Option<u64>, told: Option<Told>) -> Got {
        Got { getter: self.getter, fate: self.fate.clone(), received, told }
    }
}
