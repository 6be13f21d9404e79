//! Key files: who a node or tracker is, from one start to the next.

use std::fs;
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

/// Reads the key in `path` (libp2p's protobuf encoding), or makes a new Ed25519 key there, readable by
/// its owner only. Folders above it are made if they are missing.
pub fn load_or_create(path: &Path) -> Result<Keypair, IdentityError> {
    let failed = |source| IdentityError::Io { path: path.to_owned(), source };
    match fs::metadata(path) {
        Ok(meta) => {
            check_mode(path, &meta)?;
            if meta.len() > MAX_FILE {
                return Err(IdentityError::Malformed { path: path.to_owned() });
            }
            let bytes = fs::read(path).map_err(failed)?;
            Keypair::from_protobuf_encoding(&bytes)
                .map_err(|_| IdentityError::Malformed { path: path.to_owned() })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => create(path).map_err(failed),
        Err(error) => Err(failed(error)),
    }
}

fn create(path: &Path) -> io::Result<Keypair> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder)?;
    let key = Keypair::generate_ed25519();
    let bytes = key.to_protobuf_encoding().map_err(io::Error::other)?;
    // Temporary files are made with mode 0600, and the name appears only when the file is whole.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(&bytes)?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path).map_err(|e| e.error)?;
    Ok(key)
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
