//! The identity that shares a content: the same peer for the same content from one start to the next, so that tickets stay valid.
//!
//! Each content has a key file of its own in the user's state folder, called by the content's id. It is locked while it
//! is in use, so that two processes are never one peer. What this is not: needed. Where there is no such folder, or it
//! cannot be used, a new identity does.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use libp2p::identity::Keypair;
use shoal_content::ContentId;
use shoal_daemon::DaemonError;
use shoal_printable::Printable;
use shoal_rendezvous::identity::{HeldKey, IdentityError, hold, load_or_create};

use super::error::CliError;
use super::output::Output;
use super::places::state_dir;

/// No more key files than these are kept; those used longest ago go first.
const MAX_KEYS: usize = 4096;
/// How key files are called behind the content id.
const EXTENSION: &str = "key";

/// The identity that shares a content.
pub(super) struct Identity {
    pub(super) key: Keypair,
    /// Keeps other processes from being the same peer.
    _held: Option<HeldKey>,
}

impl Identity {
    /// That of this process alone.
    fn new() -> Self {
        Self { key: Keypair::generate_ed25519(), _held: None }
    }

    /// That in a key file of the user's choice, made if it is missing.
    pub(super) fn in_file(path: &Path) -> Result<Self, IdentityError> {
        Ok(Self { key: load_or_create(path)?, _held: None })
    }
}

/// The identity under which this user shares a content. Says so if it is not the one of the last time.
pub(super) fn of_content(content: &ContentId, output: &Output) -> Identity {
    let Some(state) = state_dir() else { return Identity::new() };
    match keep(&state.join("identities"), content) {
        Ok(Some(held)) => return Identity { key: held.key.clone(), _held: Some(held) },
        Ok(None) => output.warn(
            "this content is being shared by another shoal of yours: this one is another peer, whose tickets hold \
             only until it ends",
        ),
        Err(error) => {
            let error = error.to_string();
            output.warn(format!(
                "cannot keep an identity ({}): tickets hold only until this shoal ends",
                Printable(&error)
            ));
        }
    }
    Identity::new()
}

/// The identity of a node, in its data folder; made if there is none. It is held, so that no other process is the same peer.
pub(super) fn of_node(data: &Path) -> Result<HeldKey, CliError> {
    let failed = |source| IdentityError::Io { path: data.to_owned(), source };
    let made = DirBuilder::new().recursive(true).mode(0o700).create(data);
    made.map_err(failed).map_err(anyhow::Error::from)?;
    match hold(&data.join("identity.key")).map_err(anyhow::Error::from)? {
        Some(held) => Ok(held),
        None => Err(DaemonError::InUse { path: data.to_owned() }.into()),
    }
}

/// The kept key of a content, made if there is none; `None` if another process holds it.
fn keep(dir: &Path, content: &ContentId) -> Result<Option<HeldKey>, IdentityError> {
    let failed = |source| IdentityError::Io { path: dir.to_owned(), source };
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(failed)?;
    let path = dir.join(content.to_string()).with_extension(EXTENSION);
    let is_new = !path.exists();
    let held = hold(&path)?;
    if let Some(held) = &held {
        held.touch().map_err(failed)?;
    }
    if is_new {
        prune(dir, MAX_KEYS).map_err(failed)?;
    }
    Ok(held)
}

/// Removes the keys used longest ago if there are too many, but none that is in use.
fn prune(dir: &Path, most: usize) -> io::Result<()> {
    let mut all: Vec<(SystemTime, PathBuf)> = Vec::new();
    for item in fs::read_dir(dir)? {
        let item = item?;
        if item.path().extension().is_some_and(|e| e == EXTENSION) {
            all.push((item.metadata()?.modified()?, item.path()));
        }
    }
    all.sort();
    let surplus = all.len().saturating_sub(most);
    for (_, path) in all.iter().take(surplus) {
        if let Ok(Some(_held)) = hold(path) {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;
    use std::time::Duration;

    use shoal_content::Hash;

    use super::*;

    fn content(n: u8) -> ContentId {
        ContentId::from_root_hash(Hash::from_bytes([n; 32]))
    }

    #[test]
    fn each_content_has_one_identity_at_a_time() {
        let state = tempfile::tempdir().unwrap();
        let dir = state.path().join("a/b");
        let first = keep(&dir, &content(1)).unwrap().unwrap();
        assert!(keep(&dir, &content(1)).unwrap().is_none(), "it is in use");
        let other = keep(&dir, &content(2)).unwrap().unwrap();
        assert_ne!(first.key.public(), other.key.public());
        let peer = first.key.public();
        drop(first);
        assert_eq!(keep(&dir, &content(1)).unwrap().unwrap().key.public(), peer);
        let modes = |path: &Path| path.metadata().unwrap().mode() & 0o777;
        assert_eq!(modes(&dir), 0o700);
        assert!(fs::read_dir(&dir).unwrap().all(|key| modes(&key.unwrap().path()) == 0o600));
    }

    #[test]
    fn keys_used_longest_ago_go_unless_they_are_in_use() {
        let state = tempfile::tempdir().unwrap();
        let keys: Vec<_> = (0..6).map(|n| keep(state.path(), &content(n)).unwrap().unwrap()).collect();
        let file = |n| state.path().join(content(n).to_string()).with_extension(EXTENSION);
        for n in 0..6 {
            let key = fs::File::open(file(n)).unwrap();
            key.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(n.into())).unwrap();
        }
        let mut keys = keys.into_iter();
        let oldest = keys.next();
        drop(keys);
        prune(state.path(), 3).unwrap();
        let left: Vec<_> = (0..6).filter(|n| file(*n).exists()).collect();
        assert_eq!(left, [0, 3, 4, 5]);
        drop(oldest);
    }

    #[test]
    fn a_folder_that_cannot_be_used_is_an_error() {
        let state = tempfile::tempdir().unwrap();
        fs::write(state.path().join("file"), "").unwrap();
        assert!(keep(&state.path().join("file/below"), &content(1)).is_err());
    }
}
