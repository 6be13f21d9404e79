//! Where the long-lived node and the commands that use it keep things, and find each other.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

/// How the control socket is called.
pub(super) const SOCKET: &str = "node.sock";
/// Names the control socket, for nodes and for commands. Empty: commands find no node.
const VARIABLE: &str = "SHOAL_SOCKET";

/// The folder of a node's key and library unless told otherwise; none if the user has no home.
pub(super) fn data_dir() -> Option<PathBuf> {
    Some(etcetera::choose_base_strategy().ok()?.data_dir().join("shoal"))
}

/// The folder for what a user's programs leave from one start to the next: the one in the environment variable
/// `SHOAL_STATE`, or `shoal` in the user's state folder. `None`, which means nowhere, if `SHOAL_STATE` is set and empty, or
/// the user has no home.
pub(super) fn state_dir() -> Option<PathBuf> {
    match std::env::var_os("SHOAL_STATE") {
        Some(dir) if dir.is_empty() => None,
        Some(dir) => Some(dir.into()),
        None => {
            let user = etcetera::choose_base_strategy().ok()?;
            Some(user.state_dir().unwrap_or_else(|| user.data_dir()).join("shoal"))
        }
    }
}

/// The folder for sockets of the user's programs, if there is one.
pub(super) fn runtime_dir() -> Option<PathBuf> {
    std::env::var_os("XDG_RUNTIME_DIR").filter(|dir| !dir.is_empty()).map(Into::into)
}

/// The control socket that the environment names.
pub(super) fn told_socket() -> Option<PathBuf> {
    std::env::var_os(VARIABLE).filter(|path| !path.is_empty()).map(Into::into)
}

/// Where a running node's control socket may be, the likeliest place first. None: commands are to find no node.
pub(super) fn sockets() -> Vec<PathBuf> {
    candidates(std::env::var_os(VARIABLE), runtime_dir().as_deref(), data_dir().as_deref())
}

fn candidates(told: Option<OsString>, runtime: Option<&Path>, data: Option<&Path>) -> Vec<PathBuf> {
    match told {
        Some(path) if path.is_empty() => vec![],
        Some(path) => vec![path.into()],
        None => {
            let runtime = runtime.map(|dir| dir.join("shoal").join(SOCKET));
            runtime.into_iter().chain(data.map(|dir| dir.join(SOCKET))).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_names_the_socket_or_none_at_all() {
        let (run, data) = (Some(Path::new("/run/user/1")), Some(Path::new("/d/shoal")));
        let both: [PathBuf; 2] = ["/run/user/1/shoal/node.sock".into(), "/d/shoal/node.sock".into()];
        assert_eq!(candidates(None, run, data), both);
        assert_eq!(candidates(None, None, data), both[1..]);
        assert_eq!(candidates(Some("/x".into()), run, data), [PathBuf::from("/x")]);
        assert!(candidates(Some("".into()), run, data).is_empty());
    }
}
