//! The scenarios: which nodes take part, what happens to them, and what is reported.

use crate::entrant::Fate;
use crate::lab::{Link, bytes};
use crate::plan::{Mishap, Plan};
use crate::run::{Run, Setting, run};

/// How much more than the content the seed has sent when it dies.
const ENOUGH: f64 = 1.16;
/// Of eight.
const VICTIMS: usize = 3;
/// Seconds between two that start one after the other.
const STAGGER: f64 = 2.0;

/// One set-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scenario {
    Equal4,
    Equal8,
    SlowSeed,
    SlowPeer,
    SeedDies,
    PeersDie,
    Stagger,
}

impl Scenario {
    pub(crate) const ALL: [Self; 7] = [
        Self::Equal4,
        Self::Equal8,
        Self::SlowSeed,
        Self::SlowPeer,
        Self::SeedDies,
        Self::PeersDie,
        Self::Stagger,
    ];

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.name() == name)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Equal4 => "equal4",
            Self::Equal8 => "equal8",
            Self::SlowSeed => "slow-seed",
            Self::SlowPeer => "slow-peer",
            Self::SeedDies => "seed-dies",
            Self::PeersDie => "peers-die",
            Self::Stagger => "stagger",
        }
    }

    pub(crate) fn about(self) -> &'static str {
        match self {
            Self::Equal4 => "one seed, 4 getters, equal links",
            Self::Equal8 => "one seed, 8 getters, equal links",
            Self::SlowSeed => "8 getters, the seed at a fifth of their rate",
            Self::SlowPeer => {
                "8 getters, one of them at a tenth of the others' rate; figures are the others'"
            }
            Self::SeedDies => "8 getters, the seed killed once it has sent 1.16 × the content",
            Self::PeersDie => "8 getters undisturbed, then again with 3 of them killed midway",
            Self::Stagger => "8 getters that start 2 s apart",
        }
    }

    /// Bytes, unless others are asked for: what is slow gets less to do.
    pub(crate) fn size(self) -> u64 {
        match self {
            Self::SlowSeed | Self::SlowPeer => 64 << 20,
            _ => 128 << 20,
        }
    }

    /// Plays it once, which may take more than one run.
    pub(crate) fn play(self, setting: &Setting, rate: f64) -> anyhow::Result<Vec<Run>> {
        let mut plan = Plan::equal(self.name(), if self == Self::Equal4 { 4 } else { 8 }, rate);
        match self {
            Self::Equal4 | Self::Equal8 => {}
            Self::SlowSeed => plan.seed = Link::even(rate / 5.0),
            Self::SlowPeer => {
                plan.getters[0].link = Link::even(rate / 10.0);
                plan.getters[0].apart = true;
            }
            Self::SeedDies => plan.mishap = Mishap::SeedDies { after: ENOUGH },
            Self::PeersDie => return with_and_without(plan, setting),
            Self::Stagger => {
                for (n, getter) in plan.getters.iter_mut().enumerate() {
                    getter.start = n as f64 * STAGGER;
                }
            }
        }
        Ok(vec![run(&plan, setting)?])
    }

    /// What the figures do not say.
    pub(crate) fn remarks(self, runs: &[Run]) -> Vec<String> {
        let mut remarks: Vec<String> = runs.iter().flat_map(unfinished).collect();
        remarks.extend(match self {
            Self::SlowPeer => runs.first().and_then(slow_one),
            Self::SeedDies => runs.first().map(seed_died),
            Self::PeersDie => loss(runs),
            Self::Stagger => runs.first().map(each_took),
            Self::Equal4 | Self::Equal8 | Self::SlowSeed => None,
        });
        remarks
    }
}

/// The same swarm twice; the second time some are killed at half of what the first time took.
fn with_and_without(mut plan: Plan, setting: &Setting) -> anyhow::Result<Vec<Run>> {
    let name = std::mem::replace(&mut plan.label, "peers-die: none".to_owned());
    let undisturbed = run(&plan, setting)?;
    let took = last(&undisturbed).unwrap_or(undisturbed.deadline);
    plan.label = format!("{name}: {VICTIMS} of {}", plan.getters.len());
    plan.mishap = Mishap::GettersDie { count: VICTIMS, at: took / 2.0 };
    Ok(vec![undisturbed, run(&plan, setting)?])
}

/// When the last node that counts was done; `None` if not all were.
pub(crate) fn last(run: &Run) -> Option<f64> {
    let times: Option<Vec<f64>> = run.getters.iter().filter(|g| g.counts()).map(|g| g.done()).collect();
    times?.into_iter().reduce(f64::max)
}

/// The nodes that did not complete, and why.
fn unfinished(run: &Run) -> Vec<String> {
    let count = |is: fn(&Fate) -> bool| run.getters.iter().filter(|g| is(&g.fate)).count();
    let mut remarks = Vec::new();
    let late = count(|fate| matches!(fate, Fate::Running | Fate::Waiting));
    if late > 0 {
        remarks.push(format!("{}: {late} not done after {:.0} s", run.label, run.deadline));
    }
    let failed: Vec<_> = run
        .getters
        .iter()
        .filter_map(|g| if let Fate::Failed { at, why } = &g.fate { Some((at, why)) } else { None })
        .collect();
    if let Some((at, why)) = failed.first() {
        remarks.push(format!("{}: {} gave up, one after {at:.0} s: {why}", run.label, failed.len()));
    }
    remarks
}

fn slow_one(run: &Run) -> Option<String> {
    let slow = run.getters.iter().find(|g| g.getter.apart)?;
    let alone = run.size as f64 / bytes(slow.getter.link.down);
    let took = slow.done()?;
    Some(format!("the slow one took {took:.2} s, {:.2} × its own bound of {alone:.2} s", took / alone))
}

fn seed_died(run: &Run) -> String {
    let done = run.getters.iter().filter(|g| g.done().is_some()).count();
    let all = run.getters.len();
    match run.mishap {
        Some(at) => {
            let before = run.getters.iter().filter_map(|g| g.done()).filter(|done| *done <= at).count();
            format!(
                "the seed was killed after {at:.2} s, when {before} were done; {done} of {all} completed (aim: all)"
            )
        }
        None => format!("{done} of {all} completed before the seed had sent {ENOUGH} × the content"),
    }
}

fn loss(runs: &[Run]) -> Option<String> {
    let [undisturbed, disturbed] = runs else { return None };
    let (at, ratio) = (disturbed.mishap?, last(disturbed)? / last(undisturbed)?);
    Some(format!(
        "{VICTIMS} were killed after {at:.2} s; the last one left ÷ the last one undisturbed: {ratio:.3} (aim: at most 1.05)"
    ))
}

fn each_took(run: &Run) -> String {
    let times = run.getters.iter().map(|g| match g.done() {
        Some(at) => format!("{:.2}", at - g.getter.start),
        None => "–".to_owned(),
    });
    let alone = run.getters.first().map_or(0.0, |g| run.size as f64 / bytes(g.getter.link.down));
    format!("each took {} s (bound of each: {alone:.2})", times.collect::<Vec<_>>().join(" "))
}
