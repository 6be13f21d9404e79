//! Many members that fall silent at once, and how the others hang together.

use std::cmp::Reverse;

use rand::seq::SliceRandom;

use super::Simulation;
use crate::id::Number;
use crate::node::Kind;

impl Simulation {
    /// Members fall silent, as their scenario says, and the tracker answers nobody any more.
    pub(super) fn vanish(&mut self) {
        let Some(vanishing) = self.scenario.vanishing else { return };
        self.tracker_gone = true;
        let members = self.members();
        let count = (members.len() as f64 * vanishing.share).round() as usize;
        // The last seed stays, or what is missing could be with nobody.
        let last = members.iter().copied().filter(|node| self.nodes[*node as usize].kind == Kind::Seed).max();
        let mut others: Vec<Number> = members.into_iter().filter(|node| Some(*node) != last).collect();
        others.shuffle(&mut self.rng);
        if vanishing.best_connected {
            others.sort_by_key(|node| {
                Reverse(self.nodes[*node as usize].links.iter().filter(|link| link.up).count())
            });
        }
        for node in others.into_iter().take(count) {
            let state = &self.nodes[node as usize];
            if state.kind == Kind::Honest && !state.completed {
                self.missing -= 1;
                self.left += 1;
            }
            self.leave(node, true);
        }
    }

    /// Members that are there, by number.
    fn members(&self) -> Vec<Number> {
        (0..).zip(&self.nodes).filter(|(_, node)| node.alive).map(|(number, _)| number).collect()
    }

    /// Into how many pieces the members that are there fall that are connected with each other, by connections that
    /// stand. 0 if nobody is there.
    pub fn pieces(&self) -> usize {
        let members = self.members();
        let mut seen = vec![false; self.nodes.len()];
        let mut pieces = 0;
        for start in members {
            if std::mem::replace(&mut seen[start as usize], true) {
                continue;
            }
            pieces += 1;
            let mut line = vec![start];
            while let Some(node) = line.pop() {
                for link in self.nodes[node as usize].links.iter().filter(|link| link.up) {
                    let other = link.other as usize;
                    if self.nodes[other].alive && !std::mem::replace(&mut seen[other], true) {
                        line.push(link.other);
                    }
                }
            }
        }
        pieces
    }
}
