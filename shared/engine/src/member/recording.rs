//! What a member was told and what it said, so that it can be played again.
//!
//! A driver that keeps a [`Recording`] of a member can hand it to anybody: [`Recording::replay`] makes a member of the
//! same start, tells it the same at the same times, and compares. What went wrong in the field is found that way
//! without the field. A recording grows with every input, so it is for tests and for searching faults.

use std::time::Duration;

use rand::SeedableRng;
use shoal_content::{ChunkSet, ContentId};

use super::{Member, MemberConfig, MemberInput, MemberOutput};
use crate::{PeerName, SeededRng};

/// How a member began.
#[derive(Debug, Clone)]
pub struct MemberStart<P> {
    /// The time.
    pub now: Duration,
    /// The node's own name.
    pub local: P,
    /// What the member is for.
    pub role: StartRole,
    /// How it behaves.
    pub config: MemberConfig,
    /// Determines what it draws by lot.
    pub seed: u64,
}

/// Is told of every member of a driver, and of every step that it takes.
pub trait MemberObserver<P>: Send + Sync {
    /// A member begins.
    fn began(&self, content: ContentId, start: &MemberStart<P>);

    /// It was told something, and said something.
    fn stepped(&self, content: ContentId, step: MemberStep<P>);
}

/// What a member is for when it begins.
#[derive(Debug, Clone)]
pub enum StartRole {
    /// See [`Member::fetching`].
    Fetching(ContentId),
    /// See [`Member::opening`].
    Opening,
    /// See [`Member::serving`].
    Serving(ChunkSet),
}

impl<P: PeerName> MemberStart<P> {
    /// The member.
    pub fn begin(&self) -> Member<P> {
        let rng = SeededRng::seed_from_u64(self.seed);
        let (now, local, config) = (self.now, self.local, self.config);
        match &self.role {
            StartRole::Fetching(content) => Member::fetching(now, local, *content, config, rng),
            StartRole::Opening => Member::opening(now, local, config, rng),
            StartRole::Serving(servable) => Member::serving(now, local, servable.clone(), config, rng),
        }
    }
}

/// One input, and what the member said to it.
#[derive(Debug, Clone)]
pub struct MemberStep<P> {
    /// When it was told.
    pub now: Duration,
    /// What it was told.
    pub input: MemberInput<P>,
    /// What it said.
    pub outputs: Vec<MemberOutput<P>>,
}

/// A member's course.
#[derive(Debug, Clone)]
pub struct Recording<P> {
    /// How it began.
    pub start: MemberStart<P>,
    /// What happened, in order.
    pub steps: Vec<MemberStep<P>>,
}

impl<P: PeerName> Recording<P> {
    /// Plays the course again. `Err` names the first step to which the member says something else, and what.
    pub fn replay(&self) -> Result<(), (usize, Vec<MemberOutput<P>>)> {
        let mut member = self.start.begin();
        for (at, step) in self.steps.iter().enumerate() {
            member.handle(step.now, step.input.clone());
            let said: Vec<_> = std::iter::from_fn(|| member.poll_output()).collect();
            if said != step.outputs {
                return Err((at, said));
            }
        }
        Ok(())
    }
}
