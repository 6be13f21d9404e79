//! What a content is here for.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use libp2p::Multiaddr;
use serde::{Deserialize, Serialize};
use shoal_content::ContentId;
use shoal_engine::{DownloadConfig, SeedGoal, Topology};
use shoal_store::ChunkStore;

use super::include::Include;

/// What to fetch, from where, to where. Plain data: it can be written down and read again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FetchOptions {
    /// Which content.
    pub content: ContentId,
    /// Addresses of peers that may have it, with or without `/p2p/PEER` at the end.
    pub peers: Vec<Multiaddr>,
    /// Addresses of trackers to register at and to ask.
    pub trackers: Vec<Multiaddr>,
    /// The folder that gets the content under its name.
    pub dir: PathBuf,
    /// Replace what differs there, at the end; until then chunks are taken from it.
    pub force: bool,
    /// Files and folders, such as an older version, from which chunks are taken before anything is fetched. They are
    /// only read.
    pub reuse: Vec<PathBuf>,
    /// The folder of the hash cache for those; see [`shoal_store::default_cache_dir`].
    pub cache: Option<PathBuf>,
    /// Which entries are wanted.
    pub include: Include,
    /// How long to go on while no peer has a missing chunk. `None`: 30 seconds without any peer,
    /// without end while peers are connected that lack chunks too.
    pub wait: Option<Duration>,
    /// Which peers it fetches from.
    pub topology: Topology,
    /// Knobs of the engine.
    pub download: DownloadConfig,
    /// When to end serving, once it is complete; `None`: not by itself.
    pub goal: Option<SeedGoal>,
    /// Whether peers that ask what is shared here are told of it, from the moment that it can be served.
    #[serde(default)]
    pub public: bool,
}

impl FetchOptions {
    /// Everything of a content into a folder, with everything else as usual.
    pub fn new(content: ContentId, dir: impl Into<PathBuf>) -> Self {
        Self {
            content,
            peers: Vec::new(),
            trackers: Vec::new(),
            dir: dir.into(),
            force: false,
            reuse: Vec::new(),
            cache: None,
            include: Include::default(),
            wait: None,
            topology: Topology::default(),
            download: DownloadConfig::default(),
            goal: None,
            public: false,
        }
    }
}

/// How a content is served that is here. Plain data.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ServeOptions {
    /// Addresses of trackers to register at.
    pub trackers: Vec<Multiaddr>,
    /// Whether trackers are told the content's name, size and number of files, which they tell everybody that asks.
    pub publish: bool,
    /// When to end; `None`: not by itself.
    pub goal: Option<SeedGoal>,
    /// Whether peers that ask what is shared here are told of it.
    #[serde(default)]
    pub public: bool,
    /// Whether nobody is told of it but its trackers, neither on the LAN nor in the DHT.
    #[serde(default)]
    pub tracker_only: bool,
}

/// What a content is here for.
#[derive(Clone)]
pub(crate) enum Intent {
    /// Serve what is in a store.
    Serve { store: Arc<dyn ChunkStore>, options: ServeOptions },
    /// Fetch to a folder.
    Fetch(Box<FetchOptions>),
    /// Fetch the manifest alone; others are not told of this node.
    Manifest { peers: Vec<Multiaddr>, trackers: Vec<Multiaddr>, wait: Option<Duration> },
}

impl Intent {
    pub(super) fn peers(&self) -> Vec<Multiaddr> {
        match self {
            Self::Serve { .. } => Vec::new(),
            Self::Fetch(options) => options.peers.clone(),
            Self::Manifest { peers, .. } => peers.clone(),
        }
    }

    pub(super) fn trackers(&self) -> &[Multiaddr] {
        match self {
            Self::Serve { options, .. } => &options.trackers,
            Self::Fetch(options) => &options.trackers,
            Self::Manifest { trackers, .. } => trackers,
        }
    }

    pub(super) fn is_serving(&self) -> bool {
        matches!(self, Self::Serve { .. })
    }

    /// Whether trackers are told of this node. One that has nothing to serve is of no use to others.
    pub(super) fn registers(&self) -> bool {
        match self {
            Self::Serve { .. } => true,
            Self::Fetch(options) => options.topology != Topology::Star,
            Self::Manifest { .. } => false,
        }
    }

    /// Whether peers that ask what is shared here are told of it.
    pub(super) fn is_public(&self) -> bool {
        match self {
            Self::Serve { options, .. } => options.public,
            Self::Fetch(options) => options.public,
            Self::Manifest { .. } => false,
        }
    }

    pub(crate) fn set_public(&mut self, public: bool) {
        match self {
            Self::Serve { options, .. } => options.public = public,
            Self::Fetch(options) => options.public = public,
            // There is nothing to share of it.
            Self::Manifest { .. } => {}
        }
    }

    /// Whether peers come from trackers, and from what the user named, alone.
    pub(super) fn is_tracker_only(&self) -> bool {
        match self {
            Self::Serve { options, .. } => options.tracker_only,
            Self::Fetch(options) => options.topology == Topology::Star,
            Self::Manifest { .. } => false,
        }
    }

    pub(super) fn publishes(&self) -> bool {
        matches!(self, Self::Serve { options, .. } if options.publish)
    }

    pub(super) fn goal(&self) -> Option<SeedGoal> {
        match self {
            Self::Serve { options, .. } => options.goal,
            Self::Fetch(options) => options.goal,
            Self::Manifest { .. } => None,
        }
    }
}
