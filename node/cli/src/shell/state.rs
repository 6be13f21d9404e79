//! What the words of a shell work with.

use std::collections::BTreeSet;
use std::path::PathBuf;

use shoal_api::Client;
use tokio::sync::Mutex;

use super::super::output::Output;
use super::super::session::Session;
use super::super::share_dirs::ShareDirs;

/// A shell at a node.
pub(super) struct Shell {
    pub(super) session: Session,
    pub(super) output: Output,
    /// Where downloads are placed.
    pub(super) dir: PathBuf,
    /// Folders whose entries are shared.
    pub(super) dirs: Mutex<ShareDirs>,
    /// Trackers that the node was registered at since the shell began: those that `register` alone goes back to.
    pub(super) trackers: Mutex<BTreeSet<String>>,
}

impl Shell {
    pub(super) fn client(&self) -> &Client {
        &self.session.client
    }
}
