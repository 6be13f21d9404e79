//! A run under way: starts everybody, watches for the final names, lets happen what the plan says.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use anyhow::{bail, ensure};
use tempfile::TempDir;

use crate::content::scratch;
use crate::entrant::{Entrant, Fate};
use crate::lab::{Lab, bytes};
use crate::node::{Cost, Node};
use crate::plan::{Getter, Mishap, Plan};
use crate::run::Setting;
use crate::wait;

/// A run under way.
pub(crate) struct Race<'a> {
    // Dropped in this order: processes, the namespaces they run in, the folder they write to.
    pub(crate) entrants: Vec<Entrant>,
    pub(crate) seed: Node,
    _tracker: Node,
    pub(crate) lab: Lab,
    _scratch: TempDir,
    pub(crate) plan: &'a Plan,
    pub(crate) setting: &'a Setting<'a>,
    pub(crate) ticket: String,
    start: Instant,
    pub(crate) before: Before,
    pub(crate) mishap: Option<f64>,
    next_look: f64,
}

/// What was there before the first getter started.
pub(crate) struct Before {
    pub(crate) seed: Cost,
    pub(crate) sent: u64,
    pub(crate) received: Vec<Option<u64>>,
}

impl<'a> Race<'a> {
    /// Everything up to the first getter's start.
    pub(crate) fn prepare(plan: &'a Plan, setting: &'a Setting<'a>) -> anyhow::Result<Self> {
        let scratch = scratch()?;
        let lab = Lab::new(&plan.links(), setting.shaped)?;
        let (tracker, meeting) = start_tracker(&lab, setting, folder(&scratch, "tracker")?)?;
        let (mut seed, ticket) = start_seed(&lab, setting, folder(&scratch, "seed")?, &meeting)?;
        let entrant = |(n, getter): (usize, &Getter)| {
            Ok(Entrant::new(*getter, folder(&scratch, &format!("getter{n}"))?))
        };
        let entrants = plan.getters.iter().enumerate().map(entrant).collect::<anyhow::Result<_>>()?;
        setting.content.prefault_memory(plan.getters.len() + 1);
        // What others have yet to write must not slow down the first chunks.
        rustix::fs::sync();
        let received = received(&lab, plan)?;
        let before = Before { seed: seed.cost(), sent: lab.sent(0)?.unwrap_or(0), received };
        Ok(Self {
            entrants,
            seed,
            _tracker: tracker,
            lab,
            _scratch: scratch,
            plan,
            setting,
            ticket,
            start: Instant::now(),
            before,
            mishap: None,
            next_look: 0.0,
        })
    }

    fn now(&self) -> f64 {
        self.start.elapsed().as_secs_f64()
    }

    /// Until everybody is done, dead or given up.
    pub(crate) fn go(&mut self) -> anyhow::Result<()> {
        let deadline = self.deadline();
        self.start = Instant::now();
        while self.now() < deadline && self.step()? {
            wait::pause()?;
        }
        Ok(())
    }

    /// Enough for a swarm that works, however badly; and for `get` to give up by itself, which takes it 30 s.
    pub(crate) fn deadline(&self) -> f64 {
        3.0 * self.plan.bound(self.setting.content.size, |_, _| true) + 40.0
    }

    /// Looks at everybody once. Whether anybody is still at it.
    fn step(&mut self) -> anyhow::Result<bool> {
        for n in 0..self.entrants.len() {
            if self.entrants[n].is_due(self.now()) {
                let command = self.get(n);
                self.entrants[n].start(command)?;
            }
            let now = self.now();
            self.entrants[n].look(now);
        }
        self.seed.sample();
        let busy = self.entrants.iter().any(Entrant::is_busy);
        if busy && self.mishap.is_none() {
            self.befall()?;
        }
        Ok(busy)
    }

    fn get(&self, n: usize) -> Command {
        let mut command = self.lab.command(n + 1, &self.setting.programs.shoal);
        command.args(["get", &self.ticket, "--seed", "--json", "-q", "-o"]).arg(&self.entrants[n].dir);
        command.args(self.lab.options(n + 1));
        command
    }

    /// Lets the mishap happen if its time has come.
    fn befall(&mut self) -> anyhow::Result<()> {
        let now = self.now();
        let due = match self.plan.mishap {
            Mishap::None => false,
            Mishap::SeedDies { after } => self.seed_has_sent(after)?,
            Mishap::GettersDie { at, .. } => now >= at,
        };
        match self.plan.mishap {
            Mishap::SeedDies { .. } if due => self.seed.kill(),
            Mishap::GettersDie { count, .. } if due => {
                self.entrants.iter_mut().take(count).for_each(|e| e.kill(now));
            }
            _ => {}
        }
        self.mishap = due.then_some(now);
        if self.mishap.is_none() && !self.seed.is_alive() {
            bail!("the seed ended by itself: {}", self.seed.complaint());
        }
        Ok(())
    }

    /// Whether the seed has sent so many times the content. Where nobody counts, it is taken to be busy all
    /// the time.
    fn seed_has_sent(&mut self, times: f64) -> anyhow::Result<bool> {
        let now = self.now();
        if now < self.next_look {
            return Ok(false);
        }
        let rate = bytes(self.plan.seed.up);
        let sent = self.lab.sent(0)?.map_or(now * rate, |sent| (sent - self.before.sent) as f64);
        let left = times * self.setting.content.size as f64 - sent;
        // Each look is a process of its own; half-way to when it may be is soon enough for the next.
        self.next_look = now + left / rate / 2.0;
        Ok(left <= 0.0)
    }

    /// Every node that says that it is done must have the very bytes.
    pub(crate) fn check_bytes(&self) -> anyhow::Result<()> {
        for entrant in self.entrants.iter().filter(|e| matches!(e.fate, Fate::Done(_))) {
            wait::go_on()?;
            let same = self.setting.content.is_same(&entrant.result())?;
            ensure!(same, "{} differs from what was shared", entrant.result().display());
        }
        Ok(())
    }

    /// Asks everybody to end, all at once, so that nobody waits for another.
    pub(crate) fn end(&mut self) -> anyhow::Result<()> {
        let getters = self.entrants.iter_mut().filter_map(|e| e.node.as_mut());
        let mut all: Vec<&mut Node> = getters.chain([&mut self.seed]).collect();
        all.iter_mut().for_each(|node| node.ask_to_end());
        for node in &mut all {
            node.wait_for_end()?;
        }
        let deaf = all.iter_mut().map(|node| node.is_alive()).filter(|alive| *alive).count();
        if deaf > 0 {
            eprintln!("{deaf} processes did not end when asked; they are killed");
        }
        Ok(())
    }
}

fn start_tracker(lab: &Lab, setting: &Setting, dir: PathBuf) -> anyhow::Result<(Node, String)> {
    let mut command = lab.hub_command(&setting.programs.rendezvous);
    command.args(["--listen", &lab.hub_address(), "--data"]).arg(&dir);
    let mut tracker = Node::start(command, &dir)?;
    let address = tracker.line("the tracker's address", |line| line.contains("/p2p/"))?;
    Ok((tracker, address))
}

fn start_seed(lab: &Lab, setting: &Setting, dir: PathBuf, meeting: &str) -> anyhow::Result<(Node, String)> {
    let mut command = lab.command(0, &setting.programs.shoal);
    command.arg("share").arg(setting.content.path()).args(["-q", "--rendezvous", meeting]);
    command.args(lab.options(0));
    let mut seed = Node::start(command, &dir)?;
    let ticket = seed.line("a ticket", |line| line.starts_with("shoal1"))?;
    Ok((seed, ticket))
}

fn folder(scratch: &TempDir, name: &str) -> anyhow::Result<PathBuf> {
    let folder = scratch.path().join(name);
    fs::create_dir(&folder)?;
    Ok(folder)
}

/// Bytes that came over each getter's line so far.
pub(crate) fn received(lab: &Lab, plan: &Plan) -> anyhow::Result<Vec<Option<u64>>> {
    (1..=plan.getters.len()).map(|node| lab.received(node)).collect()
}
