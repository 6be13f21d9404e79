//! The peers that worked, for commands with a node of their own: a small file in the user's state folder.
//!
//! What this is not: needed. Where there is no such folder, or the file is damaged, nobody is known. What always holds: at
//! most 64 peers; the file is readable by its owner alone; it is replaced as a whole.

use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use shoal_engine::{PeerMemory, RememberedPeer};
use shoal_net::Node;

use super::places::state_dir;

/// How the file is called.
const FILE: &str = "peers.json";
/// A longer file is none of ours.
const MAX_FILE: u64 = 1 << 20;

#[derive(Serialize, Deserialize)]
struct Line {
    peer: String,
    addresses: Vec<String>,
    useful: bool,
    /// Seconds since 1970.
    met: u64,
}

impl Line {
    fn of(it: &RememberedPeer) -> Self {
        Self {
            peer: it.peer.to_string(),
            addresses: it.addresses.iter().map(ToString::to_string).collect(),
            useful: it.useful,
            met: it.met.as_secs(),
        }
    }

    fn read(self) -> Option<RememberedPeer> {
        let addresses = self.addresses.iter().filter_map(|text| text.parse().ok()).collect();
        let met = Duration::from_secs(self.met);
        Some(RememberedPeer { peer: self.peer.parse().ok()?, addresses, useful: self.useful, met })
    }
}

/// The peers that worked the last time, the best first.
pub(super) fn load() -> Vec<RememberedPeer> {
    state_dir().map(|dir| load_from(&dir)).unwrap_or_default()
}

/// Remembers the peers of a node, beside those that other nodes of the user have left.
pub(super) fn save(node: &Node) {
    let Some(dir) = state_dir() else { return };
    if let Err(error) = save_to(&dir, node.remembered()) {
        tracing::debug!(%error, "cannot remember peers for the next time");
    }
}

fn load_from(dir: &Path) -> Vec<RememberedPeer> {
    let read = || -> io::Result<Vec<Line>> {
        let mut text = String::new();
        fs::File::open(dir.join(FILE))?.take(MAX_FILE).read_to_string(&mut text)?;
        Ok(serde_json::from_str(&text)?)
    };
    let lines = read().unwrap_or_else(|error| {
        tracing::debug!(%error, "no peers are remembered");
        Vec::new()
    });
    PeerMemory::recall(lines.into_iter().filter_map(Line::read)).best_first()
}

fn save_to(dir: &Path, peers: Vec<RememberedPeer>) -> io::Result<()> {
    if peers.is_empty() {
        return Ok(());
    }
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let all = PeerMemory::recall(load_from(dir).into_iter().chain(peers)).best_first();
    let lines: Vec<_> = all.iter().map(Line::of).collect();
    let new = dir.join(format!("{FILE}.{}.new", std::process::id()));
    let written = (|| {
        let mut file =
            fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(&serde_json::to_vec(&lines)?)?;
        fs::rename(&new, dir.join(FILE))
    })();
    if written.is_err() {
        drop(fs::remove_file(&new));
    }
    written
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use libp2p::PeerId;

    use super::*;

    fn met(at: u64, useful: bool) -> RememberedPeer {
        let addresses = vec!["/ip4/192.168.1.9/tcp/1".parse().unwrap()];
        RememberedPeer { peer: PeerId::random(), addresses, useful, met: Duration::from_secs(at) }
    }

    #[test]
    fn what_was_saved_is_read_again_and_others_are_kept() {
        let state = tempfile::tempdir().unwrap();
        let dir = state.path().join("a");
        assert!(load_from(&dir).is_empty());
        let (old, new) = (met(1, false), met(2, true));
        save_to(&dir, vec![old.clone()]).unwrap();
        save_to(&dir, vec![new.clone()]).unwrap();
        assert_eq!(load_from(&dir), [new, old]);
        assert_eq!(dir.join(FILE).metadata().unwrap().mode() & 0o777, 0o600);
        save_to(&dir, (0..200).map(|at| met(at, false)).collect()).unwrap();
        assert_eq!(load_from(&dir).len(), 64);
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_damaged_file_is_nobody() {
        let state = tempfile::tempdir().unwrap();
        for text in ["", "[", "[{\"peer\":1}]", "\u{1b}"] {
            fs::write(state.path().join(FILE), text).unwrap();
            assert!(load_from(state.path()).is_empty(), "{text:?}");
        }
        let odd = r#"[{"peer":"nobody","addresses":["/ip4/1.2.3.4/tcp/1"],"useful":true,"met":1}]"#;
        fs::write(state.path().join(FILE), odd).unwrap();
        assert!(load_from(state.path()).is_empty());
    }
}
