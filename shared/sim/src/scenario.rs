//! What is to be simulated.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;

use shoal_content::Chunker;
use shoal_engine::{DownloadConfig, SeededRng, Topology, UploadConfig};

/// Of a chunk, no less than this goes over a line at a time unless somebody says so.
const LEAST_PIECE: u32 = 128 << 10;
/// Until neighbours notice that a peer is out of reach.
pub(super) const SILENCE: Duration = Duration::from_secs(10);

/// A peer's access line, in bytes per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// What it can send.
    pub up: u64,
    /// What it can receive.
    pub down: u64,
}

/// Members that fall silent all at once, and the tracker with them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Vanishing {
    /// When.
    pub at: Duration,
    /// Which share of all members, seeds included; one seed stays.
    pub share: f64,
    /// Whether those with the most connections go; otherwise any.
    pub best_connected: bool,
}

/// A network that falls into two parts for a while. The tracker is in reach of both.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Partition {
    /// When.
    pub at: Duration,
    /// For how long. Connections between the parts fall silent, and end once that is noticed; a shorter time than that
    /// takes counts as that time.
    pub lasts: Duration,
    /// Which share of the peers is in the second part.
    pub share: f64,
}

impl Partition {
    /// When it is over.
    pub fn heals(&self) -> Duration {
        self.at.saturating_add(self.lasts.max(SILENCE + Duration::from_secs(1)))
    }
}

/// A swarm and what happens to it.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Downloaders, whatever their kind.
    pub peers: u32,
    /// Peers that have everything from the start.
    pub seeds: u32,
    /// Bytes of the content.
    pub size: u64,
    /// How it is cut; `None`: as [`Chunker::for_size`] says. Chunks of random lengths where they depend on what the
    /// bytes are.
    pub chunker: Option<Chunker>,
    /// Bytes per second that each seed can send and receive.
    pub seed_up: u64,
    /// Bytes per second that each downloader can send.
    pub up: u64,
    /// Bytes per second that each downloader can receive.
    pub down: u64,
    /// Lines of the first downloaders, where they differ from `up` and `down`.
    pub links: Vec<Link>,
    /// From any peer to any other, one way.
    pub delay: Duration,
    /// Bytes on the line for each byte of a chunk.
    pub framing: f64,
    /// The seeds go when they have sent this many times the content, framing included.
    pub seed_leaves_after: Option<f64>,
    /// Share of the downloaders that leave before they are complete, each replaced by a new one.
    pub churn: f64,
    /// Of the peers that leave, the share that falls silent without a word, so that others notice late.
    pub crash: f64,
    /// Share of the downloaders that send wrong bytes.
    pub corrupt: f64,
    /// Share of the peers that say that they have everything and send nothing.
    pub lying: f64,
    /// Share of the downloaders that join whoever comes, have nothing and take nothing.
    pub idle: f64,
    /// When the seeds come.
    pub seeds_start: Duration,
    /// The seeds are killed at the first of these times, and are back under their names at the second.
    pub seeds_away: Option<(Duration, Duration)>,
    /// Members that fall silent at once.
    pub vanishing: Option<Vanishing>,
    /// A network that falls apart for a while.
    pub partition: Option<Partition>,
    /// Whether downloaders are told of the seeds when they begin. If not, they find them through the tracker.
    pub seeds_named: bool,
    /// How much later than the others honest downloaders begin to come.
    pub honest_start: Duration,
    /// Whether downloaders begin with the content's id alone, and fetch its manifest.
    pub fetches_manifest: bool,
    /// Share of the messages that are lost on their first way.
    pub loss: f64,
    /// Which peers connect to which.
    pub topology: Topology,
    /// With fewer connections a peer dials more.
    pub sought: usize,
    /// Connections that a peer may have in all. A seed of a star has no limit.
    pub accepted: usize,
    /// Downloaders start this long after one another.
    pub stagger: Duration,
    /// Determines all that is random.
    pub seed: u64,
    /// When to give up; `None`: twenty times the bound and two minutes.
    pub deadline: Option<Duration>,
    /// Bytes of a chunk that go over a line at a time; `None`: half a usual chunk, at least 128 KiB. More take less
    /// time to simulate; fewer share lines more evenly.
    pub piece: Option<u32>,
    /// The options of every download.
    pub download: DownloadConfig,
    /// The options of every upload queue.
    pub upload: UploadConfig,
}

impl Default for Scenario {
    /// Eight peers and a seed behind 100 Mbit/s, 128 MiB.
    fn default() -> Self {
        Self {
            peers: 8,
            seeds: 1,
            size: 128 << 20,
            chunker: None,
            seed_up: 12_500_000,
            up: 12_500_000,
            down: 12_500_000,
            links: Vec::new(),
            delay: Duration::from_millis(10),
            framing: 1.046,
            seed_leaves_after: None,
            churn: 0.0,
            crash: 0.5,
            corrupt: 0.0,
            lying: 0.0,
            idle: 0.0,
            seeds_start: Duration::ZERO,
            seeds_away: None,
            vanishing: None,
            partition: None,
            seeds_named: true,
            honest_start: Duration::ZERO,
            fetches_manifest: false,
            loss: 0.0,
            topology: Topology::default(),
            sought: 16,
            accepted: 192,
            stagger: Duration::ZERO,
            seed: 1,
            deadline: None,
            piece: None,
            download: DownloadConfig::default(),
            upload: UploadConfig::default(),
        }
    }
}

impl Scenario {
    /// The line of the `n`th downloader.
    pub fn link(&self, n: u32) -> Link {
        self.links.get(n as usize).copied().unwrap_or(Link { up: self.up, down: self.down })
    }

    /// How many downloaders send wrong bytes; they come first, then those that lie, then the idle ones.
    pub(super) fn corrupt_count(&self) -> u32 {
        share(self.corrupt, self.peers)
    }

    pub(super) fn lying_count(&self) -> u32 {
        share(self.lying, self.peers).min(self.peers - self.corrupt_count())
    }

    pub(super) fn idle_count(&self) -> u32 {
        share(self.idle, self.peers).min(self.peers - self.corrupt_count() - self.lying_count())
    }

    /// How many downloaders are honest at a time.
    pub fn honest(&self) -> u32 {
        self.peers - self.corrupt_count() - self.lying_count() - self.idle_count()
    }

    /// No protocol whatsoever can be faster: the content has to leave the seeds once, pass the slowest
    /// downlink once, and leave some uplink as many times as there are downloaders.
    pub fn bound(&self) -> Duration {
        let dishonest = self.peers - self.honest();
        let honest = (dishonest..self.peers).map(|n| self.link(n));
        let seeds = self.seed_up as f64 * f64::from(self.seeds);
        let (mut up, mut down) = (seeds, f64::INFINITY);
        for link in honest {
            up += link.up as f64;
            down = down.min(link.down as f64);
        }
        let size = self.size as f64;
        let slowest = (size / seeds).max(size / down).max(f64::from(self.honest()) * size / up);
        Duration::try_from_secs_f64(slowest).unwrap_or(Duration::MAX)
    }

    pub(super) fn deadline(&self) -> Duration {
        self.deadline.unwrap_or_else(|| {
            let late = self.seeds_away.map_or(self.seeds_start, |(_, back)| back);
            let starts = self
                .stagger
                .saturating_mul(self.peers)
                .saturating_add(late)
                .saturating_add(self.partition.map_or(Duration::ZERO, |partition| partition.heals()))
                .saturating_add(self.honest_start);
            self.bound().saturating_mul(20).saturating_add(Duration::from_secs(120)).saturating_add(starts)
        })
    }

    pub(super) fn chunker(&self) -> Chunker {
        self.chunker.unwrap_or(Chunker::for_size(self.size))
    }

    /// Bytes of a chunk that go over a line at a time.
    pub(super) fn piece(&self) -> u32 {
        let usual = match self.chunker() {
            Chunker::Fixed { size } => size,
            Chunker::FastCdc { avg, .. } => avg,
        };
        self.piece.unwrap_or((usual / 2).max(LEAST_PIECE)).max(1)
    }

    /// The length of each chunk.
    pub(super) fn lengths(&self, rng: &mut SeededRng) -> Arc<[u32]> {
        let mut left = self.size;
        let mut lengths = Vec::new();
        while left > 0 {
            let len = random_len(self.chunker(), rng);
            let len = u64::from(len).min(left);
            lengths.push(len as u32);
            left -= len;
        }
        lengths.into()
    }
}

/// A cut is equally likely everywhere beyond the minimum. Drawn in steps, not with a logarithm, whose last
/// bits differ from machine to machine.
fn random_len(chunker: Chunker, rng: &mut SeededRng) -> u32 {
    /// Steps from the minimum to what lies as far above it on average.
    const STEPS: u32 = 16;
    let Chunker::FastCdc { min, avg, max } = chunker else { return chunker.max_size().max(1) };
    let step = ((avg - min) * 5 / 4 / STEPS).max(1);
    let mut len = min + rng.random_range(0..step);
    while len < max && rng.random_range(0..STEPS) > 0 {
        len += step;
    }
    len.min(max)
}

fn share(of: f64, all: u32) -> u32 {
    ((f64::from(all) * of).round() as u32).min(all)
}
