//! Syncing folders and whole file systems.

use std::io;

use rustix::fs::{Mode, OFlags};

/// Syncs a folder, so that its list of names is on disk.
pub(super) fn sync_folder(dir: &cap_std::fs::Dir) -> io::Result<()> {
    match rustix::fs::fsync(readable(dir)?) {
        // Some network file systems cannot sync folders.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOTSUP) => Ok(()),
        done => Ok(done?),
    }
}

/// A handle of the same folder that can be synced; those of `cap-std` only serve to find paths.
pub(super) fn readable(dir: &cap_std::fs::Dir) -> io::Result<std::os::fd::OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(dir, ".", flags, Mode::empty())?)
}

/// Syncs all of a file system; `false` where there is no such call.
#[cfg(target_os = "linux")]
pub(super) fn sync_file_system(dir: &cap_std::fs::Dir) -> io::Result<bool> {
    rustix::fs::syncfs(readable(dir)?)?;
    Ok(true)
}

/// Syncs all of a file system; `false` where there is no such call.
#[cfg(not(target_os = "linux"))]
pub(super) fn sync_file_system(_dir: &cap_std::fs::Dir) -> io::Result<bool> {
    Ok(false)
}
