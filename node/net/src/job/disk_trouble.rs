//! What kind of failure keeps a disk from taking bytes.

use std::error::Error;
use std::io;

use shoal_engine::{Affairs, DiskTrouble, DiskUse, Situation};
use shoal_store::TargetError;

use super::types::Failure;

impl Failure {
    /// What is known after it.
    pub(crate) fn situation(&self) -> Situation {
        let blocked = match self {
            Self::Target(error @ TargetError::Blocked { .. }) => {
                Some((disk_trouble(error), error.to_string()))
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
    let kind = sources.filter_map(|error| error.downcast_ref::<io::Error>()).map(io::Error::kind).next();
    match kind {
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
    fn a_disks_failure_is_known_by_what_the_system_says() {
        let of = |kind: io::ErrorKind| {
            disk_trouble(&WriteError::Blocked { path: "x".into(), source: io::Error::from(kind) })
        };
        assert_eq!(of(io::ErrorKind::StorageFull), DiskTrouble::Full);
        assert_eq!(of(io::ErrorKind::ReadOnlyFilesystem), DiskTrouble::ReadOnly);
        assert_eq!(of(io::ErrorKind::PermissionDenied), DiskTrouble::Denied);
        assert_eq!(of(io::ErrorKind::BrokenPipe), DiskTrouble::Other);
        assert_eq!(disk_trouble(&WriteError::Corrupt(1)), DiskTrouble::Other);
    }
}
