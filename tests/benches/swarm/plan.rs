//! The nodes of a run, what happens to them, and how fast it could be done at best.

use serde::Serialize;

use crate::lab::{Link, bytes};

/// One run.
pub(crate) struct Plan {
    pub(crate) label: String,
    pub(crate) seed: Link,
    pub(crate) getters: Vec<Getter>,
    pub(crate) mishap: Mishap,
}

#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Getter {
    #[serde(skip)]
    pub(crate) link: Link,
    /// Seconds after the first one.
    pub(crate) start: f64,
    /// Whether its time is told apart from that of the others.
    pub(crate) apart: bool,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Mishap {
    None,
    /// The seed is killed once it has sent so many times the content. Its line stays: what the system has
    /// already taken for sending still leaves, some MiB.
    SeedDies {
        after: f64,
    },
    /// The first getters are killed after so many seconds.
    GettersDie {
        count: usize,
        at: f64,
    },
}

impl Plan {
    /// One seed and some getters that all start at once, behind links of this rate.
    pub(crate) fn equal(label: &str, getters: usize, rate: f64) -> Self {
        let link = Link::even(rate);
        let getters = vec![Getter { link, start: 0.0, apart: false }; getters];
        Self { label: label.to_owned(), seed: link, getters, mishap: Mishap::None }
    }

    pub(crate) fn links(&self) -> Vec<Link> {
        [self.seed].into_iter().chain(self.getters.iter().map(|g| g.link)).collect()
    }

    /// Seconds from the first start until the last of `these` could be done: the seed has to send everything
    /// once, each has to receive it all, and together they cannot receive more than everybody sends. By the raw
    /// rates of the links, so that headers alone put a few per cent on top.
    pub(crate) fn bound(&self, size: u64, these: impl Fn(usize, &Getter) -> bool) -> f64 {
        let size = size as f64;
        let these = || self.getters.iter().enumerate().filter(|(n, g)| these(*n, g)).map(|(_, g)| g);
        let slowest = these().map(|g| g.start + size / bytes(g.link.down)).fold(0.0, f64::max);
        let up: f64 = self.links().iter().map(|l| bytes(l.up)).sum();
        // What a node that starts later would have sent up to then.
        let missed: f64 = self.getters.iter().map(|g| bytes(g.link.up) * g.start).sum();
        let together = (these().count() as f64 * size + missed) / up;
        (size / bytes(self.seed.up)).max(slowest).max(together)
    }
}
