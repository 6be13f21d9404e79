//! A content of equal chunks, where it comes from and where it goes.

use std::path::{Path, PathBuf};

use shoal_content::{Chunker, Ticket};
use shoal_tests::files::{random, tree, write};
use shoal_tests::gate::{Gate, Provider, provide_gated};
use shoal_tests::process::Ended;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::tools::scratch;

/// Bytes of a chunk.
pub(crate) const CHUNK: usize = 64 << 10;
/// How the command line says so.
pub(crate) const CHUNKER: &str = "fixed:64KiB";

/// A content beneath a folder that goes with this.
pub(crate) struct World {
    scratch: TempDir,
    /// The content.
    pub(crate) from: PathBuf,
    /// Where it goes.
    pub(crate) to: PathBuf,
}

impl World {
    /// With this many chunks in one file.
    pub(crate) fn new(chunks: usize, seed: u64) -> Result<Self, String> {
        let scratch = scratch()?;
        let from = scratch.path().join("from/set");
        write(&from.join("file"), random(CHUNK * chunks, seed));
        let to = scratch.path().join("to");
        Ok(Self { scratch, from, to })
    }

    /// A place for other things.
    pub(crate) fn scratch(&self) -> &Path {
        self.scratch.path()
    }

    /// Where the content is in the end.
    pub(crate) fn last(&self) -> PathBuf {
        self.to.join("set")
    }

    /// Whether the final name has the content.
    pub(crate) fn arrived(&self) -> Result<(), String> {
        if !self.last().exists() {
            return Err("the content is not under its final name".into());
        }
        let (from, last) = (tree(&self.from), tree(&self.last()));
        let differs = from.keys().chain(last.keys()).find(|path| from.get(*path) != last.get(*path));
        differs.map_or(Ok(()), |path| Err(format!("'{path}' is not what it should be")))
    }

    /// The final name has the content, or nothing.
    pub(crate) fn all_or_nothing(&self) -> Result<(), String> {
        if self.last().exists() { self.arrived() } else { Ok(()) }
    }
}

/// A provider in this process whose reads are counted.
pub(crate) struct Counted {
    pub(crate) provider: Provider,
    pub(crate) gate: std::sync::Arc<Gate>,
    // Last, so that it outlives what runs in it.
    _runtime: Runtime,
}

impl Counted {
    /// Serves the content.
    pub(crate) fn serve(world: &World) -> Result<Self, String> {
        let runtime = Runtime::new().map_err(|e| e.to_string())?;
        let gate = Gate::new(&world.from, Chunker::Fixed { size: CHUNK as u32 });
        let provider = runtime.block_on(provide_gated(gate.clone()));
        Ok(Self { provider, gate, _runtime: runtime })
    }

    /// Where it is found.
    pub(crate) fn ticket(&self) -> String {
        self.provider.ticket.to_string()
    }
}

/// Fails unless a program ended well.
pub(crate) fn well(ended: Ended) -> Result<Ended, String> {
    if ended.code == Some(0) {
        Ok(ended)
    } else {
        Err(format!("it ended with {:?}: {}", ended.code, ended.stderr))
    }
}

/// The TCP port of the first address of a ticket.
pub(crate) fn port(ticket: &str) -> Result<u16, String> {
    port_of(ticket, "tcp")
}

/// The port of the first address of a ticket, whose protocol is this one.
pub(crate) fn port_of(ticket: &str, protocol: &str) -> Result<u16, String> {
    let ticket: Ticket = ticket.parse().map_err(|e| format!("{e}"))?;
    let address = ticket.peers.first().map(ToString::to_string).unwrap_or_default();
    let port = address.split('/').skip_while(|part| *part != protocol).nth(1);
    port.and_then(|port| port.parse().ok()).ok_or_else(|| format!("no port in {address}"))
}
