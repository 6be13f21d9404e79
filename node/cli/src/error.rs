//! What ends a command: an exit code, and for a failure what failed, on what, and what to do next.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::anyhow;
use shoal_api::ClientError;
use shoal_daemon::DaemonError;
use shoal_net::{Failure, NodeError};
use shoal_printable::Printable;
use shoal_store::{ImportError, SkippedList, TargetError, is_too_many_open};

/// What to do where too few files may be open.
pub(super) const RAISE_OPEN_FILES: &str = "raise the limit: `ulimit -n 1024`, or LimitNOFILE= of a service";
/// How many of many files are named that are left out or refused.
pub(super) const NAMED: usize = 100;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    Done = 0,
    Failed = 1,
    Usage = 2,
    PartlyDone = 3,
    VerificationFailed = 4,
    NoPeers = 5,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// A failure, fit for a person.
#[derive(Debug)]
pub(super) struct CliError {
    pub(super) exit: Exit,
    pub(super) error: anyhow::Error,
    pub(super) hint: Option<String>,
}

impl CliError {
    pub(super) fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self { exit: Exit::Usage, error: error.into(), hint: None }
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

impl From<anyhow::Error> for CliError {
    fn from(error: anyhow::Error) -> Self {
        Self { exit: Exit::Failed, error, hint: None }
    }
}

impl From<NodeError> for CliError {
    fn from(error: NodeError) -> Self {
        anyhow::Error::from(error).into()
    }
}

impl From<ClientError> for CliError {
    fn from(error: ClientError) -> Self {
        let (exit, hint) = match &error {
            ClientError::NotRunning => (Exit::Failed, Some("start one: `shoal node`".to_owned())),
            ClientError::Refused(problem) if problem.kind == "no_peers" => {
                (Exit::NoPeers, problem.hint.clone())
            }
            ClientError::Refused(problem) => (Exit::Failed, problem.hint.clone()),
            ClientError::Broken(_) => (Exit::Failed, None),
        };
        Self { exit, error: anyhow!("{}", Printable(&error.to_string())), hint }
    }
}

impl From<DaemonError> for CliError {
    fn from(error: DaemonError) -> Self {
        match error {
            DaemonError::Content(failure) => failure.into(),
            DaemonError::InUse { .. } => Self::from(anyhow::Error::from(error))
                .hint("use that one, or give this one a folder of its own with --data"),
            error => anyhow::Error::from(error).into(),
        }
    }
}

impl From<ImportError> for CliError {
    fn from(error: ImportError) -> Self {
        let hint = import_hint(&error);
        let error = match error {
            ImportError::UnsafeNames(names) => anyhow!(unsafe_names(&names)),
            error => error.into(),
        };
        Self { exit: Exit::Failed, error, hint: hint.map(str::to_owned) }
    }
}

/// What can be done about paths that cannot be shared.
fn import_hint(error: &ImportError) -> Option<&'static str> {
    match error {
        ImportError::UnsafeNames(_) => Some("rename them, or leave them out with --skip-unsafe"),
        ImportError::NotUtf8(_) => Some("rename it, or share the folder that it lies in with --skip-unsafe"),
        ImportError::Name { .. } | ImportError::NameNeeded => Some("choose a name with --name"),
        ImportError::SameName(..) => Some("share the folder that they lie in, or one by one"),
        ImportError::Changed { .. } => Some("share again when it is quiet"),
        _ => None,
    }
}

/// A line for each name.
fn unsafe_names(names: &SkippedList) -> String {
    let mut text = match names.count {
        1 => "1 name cannot be shared".to_owned(),
        count => format!("{count} names cannot be shared"),
    };
    text.extend(names.named.iter().take(NAMED).map(|one| format!("\n  {one}")));
    match names.more_than(NAMED) {
        0 => text,
        more => text + &format!("\n  … and {more} more"),
    }
}

impl From<Failure> for CliError {
    fn from(failure: Failure) -> Self {
        Arc::new(failure).into()
    }
}

impl From<Arc<Failure>> for CliError {
    fn from(failure: Arc<Failure>) -> Self {
        let (exit, hint) = match &*failure {
            Failure::NoPeers { kept: 0 } => (
                Exit::NoPeers,
                Some(
                    "is the sharing side running and reachable? Give its address with --peer, or a \
                      rendezvous point with --rendezvous; a ticket holds both, a bare id neither",
                ),
            ),
            Failure::NoPeers { .. } => {
                (Exit::PartlyDone, Some("all verified chunks are kept; run the same command again to go on"))
            }
            Failure::Stopped { kept: None | Some(1..) } => {
                (Exit::PartlyDone, Some("all verified chunks are kept; run the same command again to go on"))
            }
            Failure::Manifest(_) => (Exit::VerificationFailed, Some("nothing was written")),
            Failure::Target(error) => (Exit::Failed, target_hint(error)),
            Failure::Include(_) => (
                Exit::Failed,
                Some("--include takes paths inside the content; `shoal inspect --files` lists them"),
            ),
            _ => (Exit::Failed, None),
        };
        Self { exit, error: failure.into(), hint: hint.map(str::to_owned) }
    }
}

/// What can be done about a target that cannot be used.
fn target_hint(error: &TargetError) -> Option<&'static str> {
    match error {
        TargetError::Exists { .. } => Some(
            "replace what differs with --force, or keep both: choose another folder with -o, and give what is \
                 there to --reuse. Either way what did not change is not fetched",
        ),
        TargetError::InTheWay { .. } | TargetError::NotOurs { .. } => {
            Some("move it away, or choose another folder with -o")
        }
        TargetError::Blocked { source, .. } | TargetError::Io { source, .. } if is_too_many_open(source) => {
            Some(RAISE_OPEN_FILES)
        }
        TargetError::Blocked { .. } => {
            Some("make room or choose another folder with -o; what is verified is kept")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    /// 24 is EMFILE.
    #[test]
    fn want_of_descriptors_is_told_with_the_limit_and_want_of_room_with_what_makes_some() {
        let path = || "x".into();
        let blocked = |source| TargetError::Blocked { path: path(), source };
        let hint = |error| CliError::from(Failure::Target(error)).hint.unwrap();
        assert!(hint(blocked(io::Error::from_raw_os_error(24))).contains("ulimit -n"));
        let unread = TargetError::Io { path: path(), source: io::Error::from_raw_os_error(24) };
        assert!(hint(unread).contains("ulimit -n"));
        assert!(hint(blocked(io::ErrorKind::StorageFull.into())).contains("make room"));
    }
}
