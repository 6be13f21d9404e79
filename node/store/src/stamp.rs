//! Stamps: a file's size, times, inode and device, by which changes are noticed.
//!
//! What this is not: proof. A change within the granularity of the file system's clock leaves no trace,
//! so a stamp taken too soon after a change is *racy* and must not be trusted (as in Git's index).

use std::os::unix::fs::MetadataExt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// Nanoseconds in a second.
const SECOND: i64 = 1_000_000_000;
/// File systems with fine time stamps take them from a clock that ticks every 1 to 10 ms.
const TICK: i64 = SECOND / 10;
/// Some file systems keep whole or even seconds.
const COARSE_TICK: i64 = 2 * SECOND;

/// Size, times of change, inode and device.
pub(crate) type StampFields = (u64, i64, i64, u64, u64);

/// Which file a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileId {
    dev: u64,
    ino: u64,
}

/// What the system says of a file; two equal stamps mean that the file most likely did not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stamp {
    /// Bytes.
    size: u64,
    /// Last change of the contents, in nanoseconds since 1970.
    mtime: i64,
    /// Last change of contents, name or rights; programs cannot set it.
    ctime: i64,
    ino: u64,
    dev: u64,
}

impl Stamp {
    /// Stands for a file that only we write to: always the same, and never racy.
    pub(crate) const OURS: Self = Self { size: 0, mtime: 0, ctime: 0, ino: 0, dev: 0 };

    /// Reads it from what the standard library found.
    pub(crate) fn of(meta: &std::fs::Metadata) -> Self {
        Self {
            size: meta.size(),
            mtime: nanoseconds(meta.mtime(), meta.mtime_nsec()),
            ctime: nanoseconds(meta.ctime(), meta.ctime_nsec()),
            ino: meta.ino(),
            dev: meta.dev(),
        }
    }

    /// Reads it from what `cap-std` found.
    pub(crate) fn of_cap(meta: &cap_std::fs::Metadata) -> Self {
        use cap_std::fs::MetadataExt;
        Self {
            size: meta.size(),
            mtime: nanoseconds(meta.mtime(), meta.mtime_nsec()),
            ctime: nanoseconds(meta.ctime(), meta.ctime_nsec()),
            ino: meta.ino(),
            dev: meta.dev(),
        }
    }

    /// All that it is, to be written down.
    pub(crate) fn fields(&self) -> StampFields {
        (self.size, self.mtime, self.ctime, self.ino, self.dev)
    }

    /// The same with another time of change.
    #[cfg(test)]
    pub(crate) fn changed_at(self, ctime: i64) -> Self {
        Self { ctime, ..self }
    }

    /// Which file this is.
    pub(crate) fn id(&self) -> FileId {
        FileId { dev: self.dev, ino: self.ino }
    }

    /// Whether a change at or after `now` could leave the stamp as it is.
    pub(crate) fn is_racy(&self, now: i64) -> bool {
        let newest = self.mtime.max(self.ctime);
        let tick = if newest % SECOND == 0 { COARSE_TICK } else { TICK };
        newest >= now.saturating_sub(tick)
    }
}

impl From<StampFields> for Stamp {
    /// From its [`fields`](Stamp::fields).
    fn from((size, mtime, ctime, ino, dev): StampFields) -> Self {
        Self { size, mtime, ctime, ino, dev }
    }
}

fn nanoseconds(seconds: i64, nanoseconds: i64) -> i64 {
    seconds.saturating_mul(SECOND).saturating_add(nanoseconds)
}

/// The wall clock, which tests may set ahead: new files would all be racy otherwise.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Clock {
    /// How far ahead.
    pub(crate) ahead: Duration,
}

impl Clock {
    /// Nanoseconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + self.ahead;
        i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_racy_until_the_clock_has_ticked() {
        let fine = Stamp { mtime: 5 * SECOND, ctime: 7 * SECOND + 1, ..Stamp::OURS };
        assert!(fine.is_racy(7 * SECOND + TICK));
        assert!(!fine.is_racy(7 * SECOND + TICK + 2));
        let coarse = Stamp { mtime: 7 * SECOND, ctime: 7 * SECOND, ..Stamp::OURS };
        assert!(coarse.is_racy(8 * SECOND));
        assert!(!coarse.is_racy(9 * SECOND + 1));
        assert!(fine.is_racy(0), "a time in the future");
        assert!(!Stamp::OURS.is_racy(Clock::default().now()));
    }
}
