//! One run and its figures.

use anyhow::{Context, bail};
use libp2p::multiaddr::Protocol;
use serde::Serialize;
use shoal_content::Ticket;
use shoal_tests::programs::Programs;

use crate::content::Content;
use crate::entrant::{Entrant, Fate, Got, Told};
use crate::node::{Cost, Node};
use crate::plan::{Getter, Plan};
use crate::race::{Race, received};

/// What is the same for all runs of a scenario.
pub(crate) struct Setting<'a> {
    pub(crate) programs: &'a Programs,
    pub(crate) content: &'a Content,
    pub(crate) shaped: bool,
}

/// How it went.
#[derive(Serialize)]
pub(crate) struct Run {
    pub(crate) label: String,
    /// Whether bytes are those on the line, or only those of chunks.
    pub(crate) shaped: bool,
    pub(crate) size: u64,
    /// Seconds that the nodes that count would need at best.
    pub(crate) bound: f64,
    /// When the nodes that were not done were given up.
    pub(crate) deadline: f64,
    pub(crate) seed_sent: u64,
    /// Processor seconds.
    pub(crate) cpu: f64,
    pub(crate) cpu_seed: f64,
    /// Most bytes resident in one process.
    pub(crate) rss: u64,
    /// When the mishap was.
    pub(crate) mishap: Option<f64>,
    pub(crate) getters: Vec<Got>,
}

/// Plays a plan.
pub(crate) fn run(plan: &Plan, setting: &Setting) -> anyhow::Result<Run> {
    let mut race = Race::prepare(plan, setting).with_context(|| format!("setting up {}", plan.label))?;
    race.go().and_then(|()| figures(race)).with_context(|| format!("in {}", plan.label))
}

/// Takes the figures, and ends everybody.
fn figures(mut race: Race) -> anyhow::Result<Run> {
    let seed = race.seed.cost();
    let costs: Vec<Cost> = race.entrants.iter_mut().filter_map(|e| e.node.as_mut()).map(Node::cost).collect();
    let sent = race.lab.sent(0)?.map(|sent| sent - race.before.sent);
    let received = received(&race.lab, race.plan)?;

    let told = race.entrants.iter_mut().map(Entrant::told).collect::<anyhow::Result<Vec<_>>>()?;
    race.check_bytes()?;
    race.end()?;
    let size = race.setting.content.size;
    let cpu_seed = seed.cpu - race.before.seed.cpu;
    let killed = |n: usize| matches!(race.entrants[n].fate, Fate::Killed(_));
    let counts = |n: usize, getter: &Getter| !getter.apart && !killed(n);
    Ok(Run {
        label: race.plan.label.clone(),
        shaped: race.setting.shaped,
        size,
        bound: race.plan.bound(size, counts),
        deadline: race.deadline(),
        seed_sent: sent.map_or_else(|| bytes_from(&race.ticket, &told), Ok)?,
        cpu: cpu_seed + costs.iter().map(|c| c.cpu).sum::<f64>(),
        cpu_seed,
        rss: costs.iter().map(|c| c.rss).fold(seed.rss, u64::max),
        mishap: race.mishap,
        getters: got(&race, received, told),
    })
}

fn got(race: &Race, received: Vec<Option<u64>>, told: Vec<Option<Told>>) -> Vec<Got> {
    let each = race.entrants.iter().zip(&race.before.received).zip(received).zip(told);
    each.map(|(((entrant, before), after), told)| {
        let on_the_line = after.zip(*before).map(|(after, before)| after - before);
        let of_chunks = told.as_ref().map(|t| t.fetched + t.duplicate);
        entrant.got(on_the_line.or(of_chunks), told)
    })
    .collect()
}

/// Bytes of chunks that came from the seed, as the getters tell.
fn bytes_from(ticket: &str, told: &[Option<Told>]) -> anyhow::Result<u64> {
    let ticket: Ticket = ticket.parse().context("the ticket is not understood")?;
    let address = ticket.peers.first().context("the ticket names no seed")?;
    let Some(Protocol::P2p(seed)) = address.iter().last() else { bail!("the ticket does not name the seed") };
    let seed = seed.to_string();
    Ok(told.iter().flatten().map(|t| t.from(&seed)).sum())
}
