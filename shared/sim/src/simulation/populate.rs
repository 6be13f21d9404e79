//! Who takes part, and when each comes and goes.

use std::collections::VecDeque;
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use shoal_engine::{SeededRng, UploadQueue};

use super::Simulation;
use crate::event::Event;
use crate::id::Number;
use crate::inbox::Inbox;
use crate::node::{Kind, Node};
use crate::scenario::Link;

/// Peers that leave do so between these parts of the bound.
const LEAVES: std::ops::Range<f64> = 0.1..0.9;

impl Simulation {
    pub(super) fn populate(&mut self) {
        let seed_line = Link { up: self.scenario.seed_up, down: self.scenario.seed_up };
        for _ in 0..self.scenario.seeds {
            let seed = self.add(Kind::Seed, seed_line);
            self.queue.push(self.scenario.seeds_start, Event::Start(seed));
            if let Some((killed, back)) = self.scenario.seeds_away {
                self.queue.push(killed, Event::Kill(seed));
                self.queue.push(back, Event::Start(seed));
            }
        }
        let (corrupt, lying) = (self.scenario.corrupt_count(), self.scenario.lying_count());
        let idle = self.scenario.idle_count();
        for n in 0..self.scenario.peers {
            let kind = match n {
                n if n < corrupt => Kind::Corrupt,
                n if n < corrupt + lying && n % 2 == 0 => Kind::Refuses,
                n if n < corrupt + lying => Kind::Silent,
                n if n < corrupt + lying + idle => Kind::Idle,
                _ => Kind::Honest,
            };
            let node = self.add(kind, self.scenario.link(n));
            let late = if kind == Kind::Honest { self.scenario.honest_start } else { Duration::ZERO };
            let start = self.scenario.stagger * n + late;
            self.queue.push(start, Event::Start(node));
            if kind == Kind::Honest && self.rng.random_bool(self.scenario.churn.clamp(0.0, 1.0)) {
                let after = self.bound.mul_f64(self.rng.random_range(LEAVES));
                let crash = self.rng.random_bool(self.scenario.crash.clamp(0.0, 1.0));
                self.queue.push(start + after, Event::Leave { node, crash });
            }
        }
        if let Some(vanishing) = self.scenario.vanishing {
            self.queue.push(vanishing.at, Event::Vanish);
        }
        if let Some(partition) = self.scenario.partition {
            self.queue.push(partition.at, Event::Cut);
            self.queue.push(partition.heals(), Event::Heal);
        }
        self.queue.push(Duration::ZERO, Event::Sample);
    }

    /// Makes a peer. It does nothing before [`Event::Start`].
    pub(super) fn add(&mut self, kind: Kind, line: Link) -> Number {
        let number = self.nodes.len() as Number;
        let whole = kind.has_everything();
        let upload = self.upload_queue(whole);
        self.missing += usize::from(kind == Kind::Honest);
        self.inboxes.push(Inbox::default());
        self.nodes.push(Node {
            kind,
            up: line.up.max(1),
            down: line.down.max(1),
            alive: false,
            started: Duration::ZERO,
            member: None,
            undone: VecDeque::new(),
            recording: None,
            knows_manifest: whole || !self.scenario.fetches_manifest,
            completed: whole,
            upload,
            links: Default::default(),
            banned: Default::default(),
            backoffs: Default::default(),
            line: Default::default(),
            sending: false,
            down_free: Duration::ZERO,
            blocks_free: Duration::ZERO,
            timer: None,
            sent: 0,
        });
        number
    }

    pub(super) fn upload_queue(&mut self, whole: bool) -> UploadQueue<Number> {
        let mut upload = UploadQueue::new(self.scenario.upload, self.fork());
        upload.add_content(self.content, self.lengths.clone(), whole);
        upload
    }

    /// A generator of its own, so that what one peer draws does not change what another does.
    pub(super) fn fork(&mut self) -> SeededRng {
        SeededRng::seed_from_u64(self.rng.random())
    }
}
