//! What is written down.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use libp2p::Multiaddr;
use serde::{Deserialize, Serialize};
use shoal_content::ContentId;
use shoal_store::SavedSource;

use crate::{FetchRequest, ShareRequest};

/// What a content is here for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Want {
    /// It is shared from where it lies.
    Share(ShareRequest),
    /// It is, or was, fetched.
    Fetch(FetchRequest),
}

/// Whether anything is to be done for a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Standing {
    /// Yes.
    Active,
    /// The user paused it.
    Paused,
    /// Its goal is reached.
    Ended,
}

/// A content of the library.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) want: Want,
    pub(crate) standing: Standing,
    /// Whether all that is wanted of it is here.
    pub(crate) complete: bool,
    /// Once the manifest is known.
    pub(crate) name: Option<String>,
    /// Bytes of the whole; 0 until the manifest is known.
    pub(crate) size: u64,
    /// Seconds since 1970.
    added: u64,
}

impl Record {
    /// A record that is made now.
    pub(crate) fn new(want: Want) -> Self {
        let added = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        Self { want, standing: Standing::Active, complete: false, name: None, size: 0, added }
    }

    /// When it was added.
    pub(crate) fn added(&self) -> SystemTime {
        UNIX_EPOCH.checked_add(Duration::from_secs(self.added)).unwrap_or(UNIX_EPOCH)
    }

    /// Whether peers that ask are told of it.
    pub(crate) fn is_public(&self) -> bool {
        match &self.want {
            Want::Share(request) => request.public,
            Want::Fetch(request) => request.public,
        }
    }

    /// Tells peers that ask, or not.
    pub(crate) fn set_public(&mut self, public: bool) {
        match &mut self.want {
            Want::Share(request) => request.public = public,
            Want::Fetch(request) => request.public = public,
        }
    }

    /// The trackers that were named for it.
    pub(crate) fn trackers(&self) -> &[Multiaddr] {
        match &self.want {
            Want::Share(request) => &request.trackers,
            Want::Fetch(request) => &request.options.trackers,
        }
    }
}

/// What holds for all contents.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Settings {
    /// Limits up and down that were set, instead of those that the program was started with.
    pub(crate) limits: Option<(Option<u64>, Option<u64>)>,
    /// Trackers beside those that the program is started with.
    pub(crate) registered: Vec<Multiaddr>,
    /// Trackers that are left out although the program is started with them.
    pub(crate) deregistered: Vec<Multiaddr>,
}

/// Something to write down.
#[derive(Debug)]
pub(crate) enum Change {
    /// A content, as it is now.
    Record(ContentId, Box<Record>),
    /// What it takes to serve it again.
    Source(ContentId, SavedSource),
    /// Takes out a content with its source.
    Forget(ContentId),
    /// Something to share that is not hashed yet.
    Share(u64, ShareRequest),
    /// It is hashed, or cannot be.
    ShareDone(u64),
    Settings(Settings),
    /// Peers that worked, all of them.
    Peers(Vec<KnownPeer>),
    /// What the store knows of a content; `None`: nothing any more.
    Kept(ContentId, Option<Vec<u8>>),
    /// Something else that the store knows, by its name.
    OfStore(&'static str, Vec<u8>),
}

/// A peer that worked, to begin with at the next start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KnownPeer {
    pub(crate) peer: String,
    pub(crate) addresses: Vec<Multiaddr>,
    pub(crate) useful: bool,
    /// Seconds since 1970.
    pub(crate) met: u64,
}
