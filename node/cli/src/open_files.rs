//! Makes room for open files, and finds out how many connections fit.
//!
//! Systems give programs a low soft limit of open files (often 1024) and let them raise it up to the hard one. A TCP
//! connection takes one, a handshake too, and so do the files that are read and written. Where connections could take
//! all of them, no file could be opened and no newcomer accepted; so files have a part of their own.

use shoal_engine::PeerBookConfig;

/// Open files that are asked for.
const WANTED: u64 = 8192;
/// Of those that are allowed, kept for files and the rest of the program: this many, or half of them.
const KEPT: u64 = 512;

/// Raises the soft limit, and returns the bounds for connections that fit below it.
pub(super) fn bounds() -> PeerBookConfig {
    #[cfg(unix)]
    return match rlimit::increase_nofile_limit(WANTED) {
        Ok(allowed) => PeerBookConfig::for_connections(connections(allowed)),
        Err(error) => {
            tracing::warn!(%error, "the limit of open files is not known");
            PeerBookConfig::default()
        }
    };
    #[cfg(not(unix))]
    PeerBookConfig::default()
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
