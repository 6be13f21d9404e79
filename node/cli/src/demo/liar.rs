//! A peer that sends wrong bytes.

use std::sync::Arc;

use shoal_content::{ChunkIndex, ChunkSet, Manifest};
use shoal_store::{ChunkStore, ReadError};

/// A store that claims to have chunks, and reads each of them with a wrong byte.
pub(super) struct Liar {
    honest: Arc<dyn ChunkStore>,
    claims: ChunkSet,
}

impl Liar {
    /// Claims every fourth chunk, or all: as a seed it is asked for chunks of its choice too.
    pub(super) fn new(honest: Arc<dyn ChunkStore>, all: bool) -> Self {
        let mut claims = honest.have();
        let some: Vec<usize> = claims.ones().filter(|chunk| !all && chunk % 4 != 0).collect();
        some.into_iter().for_each(|chunk| claims.remove(chunk));
        Self { honest, claims }
    }
}

impl ChunkStore for Liar {
    fn manifest(&self) -> &Arc<Manifest> {
        self.honest.manifest()
    }

    fn have(&self) -> ChunkSet {
        self.claims.clone()
    }

    fn has(&self, chunk: ChunkIndex) -> bool {
        self.claims.contains(chunk as usize)
    }

    fn read(&self, chunk: ChunkIndex, buf: &mut Vec<u8>) -> Result<(), ReadError> {
        self.honest.read(chunk, buf)?;
        if let Some(first) = buf.first_mut() {
            *first ^= 1;
        }
        Ok(())
    }
}
