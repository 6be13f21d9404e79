//! What kind of failure keeps a disk from taking bytes.

use std::error::Error;
use std::io;

use shoal_engine::{Affairs, DiskTrouble, DiskUse, Situation};
use shoal_store::{TargetError, is_too_many_open};

use super::types::Failure;

impl Failure {
    /// What is known after it.
    pub(crate) fn situation(&self) -> Situation {
        let blocked = match self {
            Self::Target(error @ TargetError::Blocked { .. }) => {
                Some((disk_trouble(error), error.to_string()))
            }
            Self::Target(error @ TargetError::Io { source, .. }) if is_too_many_open(source) => {
                Some((DiskTrouble::TooManyOpen, error.to_string()))
            }
            _ => None,
        };
        Situation {
            affairs: Affairs::Failed { why: self.to_string() },
            disk: DiskUse { blocked, ..DiskUse::default() },
            ..Situation::default()
        }
    }
}

/// What kind of failure keeps a disk from taking bytes.
pub(super) fn disk_trouble(error: &(dyn Error + 'static)) -> DiskTrouble {
    let sources = std::iter::successors(Some(error), |error| (**error).source());
    let error = sources.filter_map(|error| error.downcast_ref::<io::Error>()).next();
    if error.is_some_and(is_too_many_open) {
        return DiskTrouble::TooManyOpen;
    }
    match error.map(io::Error::kind) {
        Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge) => {
            DiskTrouble::Full
        }
        Some(io::ErrorKind::ReadOnlyFilesystem) => DiskTrouble::ReadOnly,
        Some(io::ErrorKind::PermissionDenied) => DiskTrouble::Denied,
        _ => DiskTrouble::Other,
    }
}

#[cfg(test)]
mod tests {
    use shoal_store::WriteError;

    use super::*;

    #[test]
    fn a_failure_for_want_of_descriptors_is_no_failure_of_the_disk() {
        let trouble = |source: fn() -> io::Error, reads: bool| {
            let (path, source) = ("x".into(), source());
            let error =
                if reads { TargetError::Io { path, source } } else { TargetError::Blocked { path, source } };
            Failure::Target(error).situation().disk.blocked.map(|(trouble, _)| trouble)
        };
        let none_left = || io::Error::from_raw_os_error(24);
        assert_eq!([true, false].map(|reads| trouble(none_left, reads)), [Some(DiskTrouble::TooManyOpen); 2]);
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        assert_eq!([true, false].map(|reads| trouble(full, reads)), [None, Some(DiskTrouble::Full)]);
    }

    #[test]
    fn a_disks_failure_is_known_by_what_the_system_says() {
        let of = |kind: io::ErrorKind| {
            disk_trouble(&WriteError::Blocked { path: "x".into(), source: io::Error::from(kind) })
        };
        assert_eq!(of(io::ErrorKind::StorageFull), DiskTrouble::Full);
        assert_eq!(of(io::ErrorKind::ReadOnlyFilesystem), DiskTrouble::ReadOnly);
        assert_eq!(of(io::ErrorKind::PermissionDenied), DiskTrouble::Denied);
        assert_eq!(of(io::ErrorKind::BrokenPipe), DiskTrouble::Other);
        // EMFILE, ENFILE.
        for number in [24, 23] {
            let source = io::Error::from_raw_os_error(number);
            let error = WriteError::Blocked { path: "x".into(), source };
            assert_eq!(disk_trouble(&error), DiskTrouble::TooManyOpen);
        }
        assert_eq!(disk_trouble(&WriteError::Corrupt(1)), DiskTrouble::Other);
    }
}
