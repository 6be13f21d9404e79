//! Jobs: one task per content that is fetched or served.
//!
//! A job feeds what happens (connections, answers, chunks that were stored, time) to the engine's state
//! machines and does what they say. It owns the content's store; other tasks read chunks from it, none
//! decides about it.
//!
//! A fetched content goes through [`Phase`]s: manifest, opening the target, downloading, finishing, and,
//! if wanted, serving. A shared one starts at serving. From the moment the manifest is known, the job
//! answers others, and serves each chunk once it is verified and stored.

mod discovery;
mod downloading;
mod ending;
mod manifest;
mod neighbours;
mod opening;
mod placing;
mod presence;
mod questions;
mod run;
mod touch;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use libp2p::{Multiaddr, PeerId};
use shoal_content::{ChunkIndex, ContentId, Manifest, ManifestError};
use shoal_engine::{DownloadConfig, PeerBook, SeededRng, Topology};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

pub(super) use self::run::{Goal, Job, Shared};
use super::points::PointError;
use super::traffic::PeerTraffic;
use shoal_store::{ScanProgress, Selection, TargetError};

/// Events that may wait to be read; further ones are dropped.
const EVENTS: usize = 64;

/// Chooses entries once the manifest is known; `Err` says why none can be chosen.
pub type Select = Arc<dyn Fn(&Manifest) -> Result<Selection, String> + Send + Sync>;

/// What to fetch, from where, to where.
#[derive(Clone)]
pub struct GetOptions {
    /// Which content.
    pub content: ContentId,
    /// Addresses of peers that may have it.
    pub peers: Vec<Multiaddr>,
    /// Rendezvous points to register at and to ask.
    pub rendezvous: Vec<Multiaddr>,
    /// The folder that gets the content under its name.
    pub dir: PathBuf,
    /// Replace what differs there.
    pub force: bool,
    /// Which entries are wanted.
    pub select: Select,
    /// How long to go on without anybody who has a missing chunk. `None`: 30 seconds without any peer,
    /// without end while peers are connected that lack chunks too.
    pub wait: Option<Duration>,
    /// Who fetches from whom.
    pub topology: Topology,
    /// Knobs of the engine.
    pub download: DownloadConfig,
}

/// What a job is doing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Phase {
    /// Looking for peers and fetching the manifest.
    #[default]
    Manifest,
    /// Looking at what is on disk already.
    Opening,
    /// Fetching chunks.
    Downloading,
    /// Syncing and renaming.
    Finishing,
    /// Complete; serving others.
    Serving,
}

/// A snapshot of a job.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    /// What it is doing.
    pub phase: Phase,
    /// The content's name, once the manifest is known.
    pub name: Option<String>,
    /// Bytes of the whole content, once the manifest is known.
    pub size: u64,
    /// How far the look at what is on disk is, or was.
    pub scan: ScanProgress,
    /// Bytes of all distinct chunks that are wanted.
    pub total: u64,
    /// Bytes of those that are verified and stored.
    pub done: u64,
    /// Bytes of those that were there when the job began.
    pub found: u64,
    /// Peers connected for this content.
    pub peers: usize,
    /// Missing chunks that no connected peer has.
    pub unavailable: usize,
    /// How many copies of the whole the connected peers have together: of the rarest chunk as many as that.
    pub copies: usize,
    /// Peers that have not said yet that they have the chunk that was sent to them last: it may be on its way.
    pub unconfirmed: usize,
    /// Why nothing can be stored for now.
    pub blocked: Option<String>,
    /// Chunk bytes exchanged with each peer.
    pub traffic: BTreeMap<PeerId, PeerTraffic>,
}

/// Something worth telling a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The manifest is known.
    Manifest {
        /// The content's name.
        name: String,
        /// Bytes of the whole content.
        size: u64,
        /// Entries in it.
        files: u32,
    },
    /// A peer sent bytes that do not match and was banned.
    BadPeer {
        /// Who.
        peer: PeerId,
        /// For which chunk; `None` for a manifest block.
        chunk: Option<ChunkIndex>,
    },
    /// Chunks cannot be stored; the job waits until they can.
    Blocked(String),
    /// They can again.
    Unblocked,
    /// A shared file changed or vanished; in words.
    Withdrawn(String),
    /// Nobody who can be reached has some of the missing chunks; the job waits for them.
    Unavailable {
        /// How many.
        chunks: usize,
    },
    /// No rendezvous point is of use, each for its reason; the job goes on without.
    RendezvousUseless(Vec<(Multiaddr, PointError)>),
}

/// What a job has to tell.
#[derive(Debug)]
pub enum Update {
    /// Something happened.
    Event(Event),
    /// The download is complete or has failed. Comes once.
    Finished(Result<Finished, Failure>),
}

/// A download that is complete.
#[derive(Debug, Clone)]
pub struct Finished {
    /// Where it lies.
    pub path: PathBuf,
    /// Whether nothing had to be fetched.
    pub already_there: bool,
    /// The manifest.
    pub manifest: Arc<Manifest>,
}

/// Why a job ended without its result.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Nobody was found, or nobody who was found had it.
    #[error("no peer could be reached that has this content")]
    NoPeers {
        /// Bytes that are verified and kept.
        kept: u64,
    },
    /// The manifest itself is bad. No peer can have a better one.
    #[error("this content is not safe to fetch: {0}")]
    Manifest(#[from] ManifestError),
    /// Nothing can be chosen from it.
    #[error("{0}")]
    Selection(String),
    /// The target folder is not usable.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The node serves or fetches this content already.
    #[error("this node is busy with this content already")]
    Twice,
    /// Stopped before it was complete.
    #[error("stopped")]
    Stopped {
        /// Bytes that are verified and kept; `None` if it was not known yet.
        kept: Option<u64>,
    },
    /// A bug.
    #[error("internal error: {0}")]
    Internal(String),
}

/// A running job. Dropping it ends the job at once; [`stop`](Self::stop) ends it in good order.
pub struct ContentHandle {
    /// Which content.
    pub content: ContentId,
    progress: watch::Receiver<Progress>,
    events: mpsc::Receiver<Event>,
    finished: Option<oneshot::Receiver<Result<Finished, Failure>>>,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl ContentHandle {
    /// Snapshots, some per second while something moves.
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.clone()
    }

    /// The next thing that the job has to tell. Cancel-safe. Events come before the result that they led
    /// to; after the result of a download further events may come. Waits forever when there is nothing
    /// more.
    pub async fn next(&mut self) -> Update {
        let result = async {
            match &mut self.finished {
                Some(finished) => finished.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            Some(event) = self.events.recv() => Update::Event(event),
            result = result => {
                self.finished = None;
                let broken = |_| Err(Failure::Internal("the job broke off".into()));
                Update::Finished(result.unwrap_or_else(broken))
            }
        }
    }

    /// Waits until the download is complete or has failed, and lets events pass.
    pub async fn finished(&mut self) -> Result<Finished, Failure> {
        loop {
            if let Update::Finished(result) = self.next().await {
                return result;
            }
        }
    }

    /// Begins to end the job: a download's result will be [`Failure::Stopped`].
    pub fn cancel(&self) {
        self.stop.cancel();
    }

    /// Takes leave of rendezvous points, makes what is stored durable and ends.
    pub async fn stop(mut self) {
        self.stop.cancel();
        // Err only says that the task has ended already.
        drop((&mut self.task).await);
    }
}

impl Drop for ContentHandle {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Starts a job.
pub(super) fn start(shared: Shared, content: ContentId, goal: Goal) -> Result<ContentHandle, Failure> {
    let (progress, progress_receiver) = watch::channel(Progress::default());
    let (events, events_receiver) = mpsc::channel(EVENTS);
    let (finished, finished_receiver) = oneshot::channel();
    let stop = CancellationToken::new();
    let job = Job::new(shared, content, goal, run::Outlets { progress, events, finished: Some(finished) })?;
    let task = tokio::spawn(job.run(stop.clone()));
    Ok(ContentHandle {
        content,
        progress: progress_receiver,
        events: events_receiver,
        finished: Some(finished_receiver),
        stop,
        task,
    })
}

/// A generator seeded by the system; what it decides is of no interest to an attacker.
fn rng() -> SeededRng {
    rand::make_rng()
}

fn book(local: PeerId) -> PeerBook {
    /// Connections that a job seeks; others may add to them, so that in a large swarm, where everybody
    /// seeks as many, there is room for newcomers.
    const MOST_CONNECTED: usize = 16;
    PeerBook::new(local, MOST_CONNECTED, rng())
}
