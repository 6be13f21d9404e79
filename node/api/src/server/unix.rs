//! The Unix socket.

use std::fs::{self, DirBuilder, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};

use super::error::ApiError;

/// A socket that listens. Its file goes when it is dropped, unless another took its place.
pub(super) struct Socket {
    pub(super) listener: UnixListener,
    path: PathBuf,
    /// Device and number of its file.
    file: (u64, u64),
}

impl Socket {
    /// Listens at a path. What is left there of a process that is gone is replaced; whatever answers, or is no socket, is not.
    pub(super) async fn bind(path: &Path) -> Result<Self, ApiError> {
        clear(path).await?;
        listen(path).map_err(|source| ApiError::Socket { path: path.to_owned(), source })
    }
}

fn listen(path: &Path) -> io::Result<Socket> {
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let listener = UnixListener::bind(path)?;
    // Until this has happened, and after, the kernel tells who connects; see `accept`.
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    Ok(Socket { listener, path: path.to_owned(), file: file(path)? })
}

fn file(path: &Path) -> io::Result<(u64, u64)> {
    let meta = fs::symlink_metadata(path)?;
    Ok((meta.dev(), meta.ino()))
}

/// Makes way, if nobody answers.
async fn clear(path: &Path) -> Result<(), ApiError> {
    let failed = |source| ApiError::Socket { path: path.to_owned(), source };
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
        Ok(meta) if !meta.file_type().is_socket() => return Err(ApiError::InTheWay(path.to_owned())),
        Ok(_) => {}
    }
    match UnixStream::connect(path).await {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path).map_err(failed),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Ok(_) => Err(ApiError::SocketInUse(path.to_owned())),
        // Somebody listens, and is too busy or somebody else's.
        Err(_) => Err(ApiError::SocketInUse(path.to_owned())),
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if file(&self.path).is_ok_and(|file| file == self.file) {
            // Err only leaves a stale file, which the next one replaces.
            drop(fs::remove_file(&self.path));
        }
    }
}

/// Whether the process at the other end is this user's, or root's.
pub(super) fn is_own(stream: &UnixStream) -> bool {
    let own = rustix::process::geteuid().as_raw();
    stream.peer_cred().is_ok_and(|cred| cred.uid() == own || cred.uid() == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[tokio::test]
    async fn a_socket_is_its_owners_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run/shoal/node.sock");
        let socket = Socket::bind(&path).await.unwrap();
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        let (_client, (server, _)) =
            tokio::try_join!(UnixStream::connect(&path), socket.listener.accept()).unwrap();
        assert!(is_own(&server));
        drop(socket);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn only_a_socket_that_nobody_answers_at_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("node.sock");
        // What a process leaves that was killed.
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        let socket = Socket::bind(&path).await.unwrap();
        assert!(matches!(Socket::bind(&path).await, Err(ApiError::SocketInUse(_))));
        // Another one's file is left alone.
        fs::remove_file(&path).unwrap();
        let _other = std::os::unix::net::UnixListener::bind(&path).unwrap();
        drop(socket);
        assert!(path.exists());
        fs::remove_file(&path).unwrap();
        fs::write(&path, "precious").unwrap();
        assert!(matches!(Socket::bind(&path).await, Err(ApiError::InTheWay(_))));
        assert_eq!(fs::read(&path).unwrap(), b"precious");
    }
}
