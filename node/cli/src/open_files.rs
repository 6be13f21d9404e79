//! Makes room for open files, and finds out how many connections fit.
//!
//! Systems give programs a low soft limit of open files (often 1024) and let them raise it up to the hard one. A TCP
//! connection takes one, a handshake too, and so do the files that are read and written. Where connections could take
//! all of them, no file could be opened and no newcomer accepted; so files have a part of their own.

use anyhow::anyhow;
use shoal_engine::PeerBookConfig;

use super::error::{CliError, RAISE_OPEN_FILES};

/// Open files that are asked for.
const WANTED: u64 = 8192;
/// With fewer than these a node cannot hold a connection, a folder, a file and its journal at once. It would begin, and pause again and
/// again for what no room on a disk can mend.
const LEAST: u64 = 32;
/// Of those that are allowed, kept for files and the rest of the program: this many, or half of them.
const KEPT: u64 = 512;

/// Raises the soft limit, and returns the bounds for connections that fit below it.
///
/// # Errors
/// Too few files may be open.
pub(super) fn bounds() -> Result<PeerBookConfig, CliError> {
    #[cfg(unix)]
    return match rlimit::increase_nofile_limit(WANTED) {
        Ok(allowed) if allowed < LEAST => Err(too_few(allowed)),
        Ok(allowed) => Ok(PeerBookConfig::for_connections(connections(allowed))),
        Err(error) => {
            tracing::warn!(%error, "the limit of open files is not known");
            Ok(PeerBookConfig::default())
        }
    };
    #[cfg(not(unix))]
    Ok(PeerBookConfig::default())
}

#[cfg(unix)]
fn too_few(allowed: u64) -> CliError {
    CliError::from(anyhow!("only {allowed} files may be open at once here, and at least {LEAST} are needed"))
        .hint(RAISE_OPEN_FILES)
}

/// How many connections fit where so many open files are allowed: as many again are needed for handshakes and dials.
fn connections(allowed: u64) -> usize {
    let left = allowed - KEPT.min(allowed / 2);
    usize::try_from(left / 2).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_open_files_mean_few_connections() {
        let standard = PeerBookConfig::default();
        assert_eq!((connections(64), connections(100), connections(u64::MAX) > 1 << 30), (16, 25, true));
        assert_eq!(PeerBookConfig::for_connections(connections(1024)), standard);
    }
}
