//! What is wrong with a request, before anything is done for it.

use std::path::PathBuf;

use libp2p::Multiaddr;

use crate::trackers::MAX_TRACKERS;
use crate::{DaemonError, FetchRequest, ShareRequest};

/// The most paths of one request.
const MAX_PATHS: usize = 4096;

/// Whether a request to share makes sense. No file is looked at.
pub(crate) fn check_share(request: &ShareRequest) -> Result<(), DaemonError> {
    if request.paths.is_empty() {
        return Err(DaemonError::Invalid("nothing to share: no path was given".into()));
    }
    check_paths(&request.paths)?;
    check_trackers(&request.trackers)
}

/// Whether a request to fetch makes sense. No file is looked at.
pub(crate) fn check_fetch(request: &FetchRequest) -> Result<(), DaemonError> {
    let options = &request.options;
    check_paths(std::slice::from_ref(&options.dir))?;
    check_paths(&options.reuse)?;
    check_paths(options.cache.as_slice())?;
    check_trackers(&options.trackers)
}

fn check_paths(paths: &[PathBuf]) -> Result<(), DaemonError> {
    if paths.len() > MAX_PATHS {
        return Err(DaemonError::Invalid(format!("more than {MAX_PATHS} paths")));
    }
    if let Some(path) = paths.iter().find(|path| !path.is_absolute()) {
        return Err(DaemonError::RelativePath(path.clone()));
    }
    // They are written down as text.
    match paths.iter().find(|path| path.to_str().is_none()) {
        Some(path) => {
            let path = shoal_printable::printable_bytes(path.as_os_str().as_encoded_bytes());
            Err(DaemonError::Invalid(format!("the path '{path}' is not UTF-8")))
        }
        None => Ok(()),
    }
}

fn check_trackers(trackers: &[Multiaddr]) -> Result<(), DaemonError> {
    match trackers.len() > MAX_TRACKERS {
        true => Err(DaemonError::Invalid(format!("more than {MAX_TRACKERS} trackers"))),
        false => Ok(()),
    }
}
