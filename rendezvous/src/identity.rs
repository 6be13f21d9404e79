//! Key files: the identity of a node or tracker, the same from one start to the next.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use libp2p::identity::Keypair;

/// No key file is longer, in bytes.
const MAX_FILE: u64 = 4096;

/// Why an identity cannot be had from a file.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The file cannot be read or made.
    #[error("cannot use the key file '{}': {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file holds something else.
    #[error("'{}' is not a key file; choose another path, or remove it to have a new key made", path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
    },
    /// Others may read the secret key.
    #[error("the key file '{}' can be read by others; run: chmod 600 on it", path.display())]
    Exposed {
        /// Which file.
        path: PathBuf,
    },
}

/// A key that no other process gets by [`hold`] while this one has it. It is free again when this is dropped, and
/// when the process ends, however it ends.
#[derive(Debug)]
pub struct HeldKey {
    /// The key.
    pub key: Keypair,
    /// The key file, locked.
    file: File,
}

impl HeldKey {
    /// Marks the key file as used now: its time of change becomes the present one.
    pub fn touch(&self) -> io::Result<()> {
        self.file.set_modified(std::time::SystemTime::now())
    }
}

/// As [`load_or_create`], and keeps other processes from holding the same key; `None` if one has it already.
pub fn hold(path: &Path) -> Result<Option<HeldKey>, IdentityError> {
    let failed = |source| IdentityError::Io { path: path.to_owned(), source };
    let key = load_or_create(path)?;
    let file = File::open(path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(HeldKey { key, file })),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// Reads the key in `path` (libp2p's protobuf encoding), or makes a new Ed25519 key there, readable by
/// its owner only. Folders above it are made if they are missing.
pub fn load_or_create(path: &Path) -> Result<Keypair, IdentityError> {
    let failed = |source| IdentityError::Io { path: path.to_owned(), source };
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => match create(path) {
            // Another process has made it in this moment.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => load(path),
            made => made.map_err(failed),
        },
        _ => load(path),
    }
}

fn load(path: &Path) -> Result<Keypair, IdentityError> {
    let failed = |source| IdentityError::Io { path: path.to_owned(), source };
    let meta = fs::metadata(path).map_err(failed)?;
    check_mode(path, &meta)?;
    if meta.len() > MAX_FILE {
        return Err(IdentityError::Malformed { path: path.to_owned() });
    }
    let bytes = fs::read(path).map_err(failed)?;
    Keypair::from_protobuf_encoding(&bytes).map_err(|_| IdentityError::Malformed { path: path.to_owned() })
}

fn create(path: &Path) -> io::Result<Keypair> {
    create_durably(path, &mut sync_folder)
}

/// Makes a key file that is still there after a loss of power, with the folders above it: an address that was given away
/// must not change. `sync` makes sure that a folder's list of names is on the disk.
fn create_durably(path: &Path, sync: &mut dyn FnMut(&Path) -> io::Result<()>) -> io::Result<Keypair> {
    let folder = folder_of(path);
    let made: Vec<&Path> = folder.ancestors().take_while(|folder| !is_there(folder)).collect();
    fs::create_dir_all(folder)?;
    let key = Keypair::generate_ed25519();
    let bytes = key.to_protobuf_encoding().map_err(io::Error::other)?;
    // Temporary files are made with mode 0600, and the name appears only when the file is whole.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(&bytes)?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path).map_err(|e| e.error)?;
    sync(folder)?;
    made.into_iter().try_for_each(|folder| sync(folder_of(folder)))?;
    Ok(key)
}

/// The folder that has a path's name in it.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn is_there(folder: &Path) -> bool {
    folder.as_os_str().is_empty() || folder.exists()
}

/// Where a file system cannot do that, there is nothing more to be done.
fn sync_folder(folder: &Path) -> io::Result<()> {
    use io::ErrorKind::{InvalidInput, IsADirectory, PermissionDenied, Unsupported};
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        Err(error)
            if matches!(error.kind(), InvalidInput | IsADirectory | PermissionDenied | Unsupported) =>
        {
            Ok(())
        }
        done => done,
    }
}

#[cfg(unix)]
fn check_mode(path: &Path, meta: &fs::Metadata) -> Result<(), IdentityError> {
    use std::os::unix::fs::MetadataExt;
    if meta.mode() & 0o077 == 0 { Ok(()) } else { Err(IdentityError::Exposed { path: path.to_owned() }) }
}

#[cfg(not(unix))]
fn check_mode(_: &Path, _: &fs::Metadata) -> Result<(), IdentityError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_start_is_the_same_peer() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sub/key");
        let first = load_or_create(&path).unwrap().public();
        assert_eq!(load_or_create(&path).unwrap().public(), first);
    }

    #[test]
    fn a_new_key_survives_a_loss_of_power() {
        let base = tempfile::tempdir().unwrap();
        let path = base.path().join("a/b/key");
        let mut synced = vec![];
        let mut sync = |folder: &Path| {
            assert!(path.exists(), "the name comes first");
            synced.push(folder.to_owned());
            sync_folder(folder)
        };
        create_durably(&path, &mut sync).unwrap();
        assert_eq!(synced, [base.path().join("a/b"), base.path().join("a"), base.path().to_owned()]);
        let failing = create_durably(&base.path().join("other"), &mut |_| Err(io::ErrorKind::Other.into()));
        assert!(failing.is_err(), "a key that may be gone tomorrow is none");
    }

    #[test]
    fn a_held_key_is_nobody_elses_until_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let held = hold(&path).unwrap().unwrap();
        assert!(hold(&path).unwrap().is_none());
        assert!(hold(&folder.path().join("other")).unwrap().is_some());
        let public = held.key.public();
        drop(held);
        assert_eq!(hold(&path).unwrap().unwrap().key.public(), public);
    }

    #[test]
    fn many_that_start_at_once_agree_on_one_key() {
        let folder = tempfile::tempdir().unwrap();
        for round in 0..20 {
            let path = folder.path().join(format!("{round}/key"));
            let keys: Vec<_> = std::thread::scope(|scope| {
                let all: Vec<_> =
                    (0..4).map(|_| scope.spawn(|| load_or_create(&path).unwrap().public())).collect();
                all.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            assert!(keys.iter().all(|key| *key == keys[0]));
        }
    }

    #[test]
    fn other_files_are_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes");
        let mut file = tempfile::NamedTempFile::new_in(folder.path()).unwrap();
        file.write_all(b"my notes").unwrap();
        file.persist(&path).unwrap();
        assert!(matches!(load_or_create(&path), Err(IdentityError::Malformed { .. })));
        assert_eq!(fs::read(&path).unwrap(), b"my notes");
    }

    #[cfg(unix)]
    #[test]
    fn a_key_is_private_and_an_exposed_one_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        load_or_create(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(load_or_create(&path), Err(IdentityError::Exposed { .. })));
    }
}
