//! A network that falls into two parts, and heals.
//!
//! What was on its way from one part to the other is lost; what is sent meanwhile never arrives. Neighbours on the other
//! side notice the silence as they notice that of a peer that crashed.

use rand::RngExt;

use super::Simulation;
use crate::event::Event;
use crate::id::Number;
use crate::scenario::SILENCE;

impl Simulation {
    /// Whether nothing gets from one peer to the other now. Newcomers are in the first part.
    pub(super) fn is_cut(&self, a: Number, b: Number) -> bool {
        let Some(sides) = &self.sides else { return false };
        let side = |node: Number| sides.get(node as usize).copied().unwrap_or(false);
        side(a) != side(b)
    }

    /// The network falls apart.
    pub(super) fn cut(&mut self) {
        let Some(partition) = self.scenario.partition else { return };
        let share = partition.share.clamp(0.0, 1.0);
        let sides = (0..self.nodes.len()).map(|_| self.rng.random_bool(share)).collect();
        self.sides = Some(sides);
        for node in 0..self.nodes.len() as Number {
            let links = self.nodes[node as usize].links.iter().filter(|link| link.up && node < link.other);
            let links: Vec<_> = links.map(|link| (link.other, link.number)).collect();
            for (other, link) in links {
                if self.is_cut(node, other) {
                    self.standing.remove(link);
                    self.silence(node, other);
                    self.silence(other, node);
                    self.queue.push(self.now + SILENCE, Event::Noticed { gone: other, by: node, link });
                }
            }
        }
    }

    /// A connection that was being made when the network fell apart comes to nothing.
    pub(super) fn unconnected(&mut self, a: Number, b: Number, link: u32) {
        for (one, other) in [(a, b), (b, a)] {
            let links = &mut self.nodes[one as usize].links;
            if links.get(other).is_none_or(|it| it.number != link) {
                return;
            }
            links.remove(other);
        }
        self.unreachable(a, b);
    }
}
