//! What holds at every step of every simulation, whatever befalls the swarm.

use std::time::Duration;

use super::Simulation;
use crate::id::Number;
use crate::node::{Kind, Node};
use shoal_wire::chunks::MAX_WAITING;

/// Looks at a simulation after each step.
///
/// What always holds: time does not go back; an honest member loses no chunk that it had; who has all is complete, and
/// nobody else is; nobody is counted twice or forgotten; nobody honest is banned by an honest one; connections have two
/// ends; a chunk is not asked of one peer twice at once, and no more is asked at once than allowed.
#[derive(Debug, Default)]
pub struct Invariants {
    now: Duration,
    /// How many chunks each peer had, by number.
    had: Vec<usize>,
}

impl Invariants {
    /// Fails with what does not hold.
    pub fn check(&mut self, simulation: &Simulation) -> Result<(), String> {
        self.look(simulation).map_err(|what| format!("at {:?}: {what}", simulation.now))
    }

    fn look(&mut self, simulation: &Simulation) -> Result<(), String> {
        if simulation.now < self.now {
            return Err(format!("time went back from {:?}", self.now));
        }
        self.now = simulation.now;
        if simulation.asked_twice > 0 {
            return Err("a chunk was asked of the same peer twice at once".into());
        }
        if simulation.most_in_flight > simulation.scenario.download.max_in_flight.max(MAX_WAITING) {
            return Err(format!("{} requests at once", simulation.most_in_flight));
        }
        let honest = simulation.nodes.iter().filter(|node| node.kind == Kind::Honest).count();
        let counted = simulation.missing + simulation.completions.len() + simulation.left;
        if honest != counted {
            return Err(format!("{honest} honest peers, and {counted} are complete, missing or gone"));
        }
        self.had.resize(simulation.nodes.len(), 0);
        (0..).zip(&simulation.nodes).try_for_each(|(number, node)| self.look_at(simulation, number, node))
    }

    fn look_at(&mut self, simulation: &Simulation, number: Number, node: &Node) -> Result<(), String> {
        let chunks = simulation.lengths.len();
        let had = &mut self.had[number as usize];
        match &node.member {
            Some(member) if node.kind == Kind::Honest => {
                let has = member.have().count_ones(..);
                if has < *had {
                    return Err(format!("peer {number} had {had} chunks and has {has}"));
                }
                if (has == chunks) != node.completed {
                    return Err(format!("peer {number} has {has} of {chunks}, complete: {}", node.completed));
                }
                *had = has;
            }
            _ => *had = 0,
        }
        let fair = |node: &Node| matches!(node.kind, Kind::Seed | Kind::Honest);
        let wronged = |other: &&Number| fair(node) && fair(&simulation.nodes[**other as usize]);
        if let Some(other) = node.banned.iter().find(wronged) {
            return Err(format!("peer {number} has banned {other}, which did nothing wrong"));
        }
        let back = |other: Number| simulation.nodes[other as usize].links.get(number);
        match node.links.iter().find(|link| back(link.other).is_none_or(|it| it.number != link.number)) {
            Some(link) => Err(format!("the connection of {number} to {} has one end", link.other)),
            None => Ok(()),
        }
    }

    /// How many chunks each honest member that is there and not complete had at the last step.
    pub fn lacking<'a>(&'a self, simulation: &'a Simulation) -> impl Iterator<Item = (u32, usize)> + 'a {
        let nodes = (0..).zip(&simulation.nodes).zip(&self.had);
        let some = nodes.filter(|((_, node), _)| node.kind == Kind::Honest && !node.completed);
        some.filter(|((_, node), _)| node.member.is_some()).map(|((number, _), had)| (number, *had))
    }
}
