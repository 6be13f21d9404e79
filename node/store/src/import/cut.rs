//! Cuts runs of files into chunks, on the calling thread, while others hash.
//!
//! A window slides over the run's bytes: it is filled in large reads and shrinks by a chunk at a time.
//! Where it reaches a buffer's end, what is left of it (less than a chunk) is copied to the next buffer.

use std::ops::Range;

use shoal_content::{ChunkEntry, Chunker, Hash, MAX_CHUNKS, ManifestError};

use super::ImportError;
use super::pool::Hashers;
use super::reader::{Reader, Watcher};
use super::walk::ListedMut;
use crate::holes::ZeroHashes;
use crate::lru::Lru;

/// Makes the chunk table.
pub(super) struct Cutter<'a> {
    chunker: Chunker,
    hashers: &'a mut Hashers,
    watcher: &'a Watcher<'a>,
    /// Hashes of chunks that the threads have not hashed yet are [`UNKNOWN`].
    chunks: Vec<ChunkEntry>,
    buffer: Vec<u8>,
    /// What is read and not yet cut.
    window: Range<usize>,
    /// The chunks in the buffer.
    waiting: Vec<(u32, Range<usize>)>,
    zeros: ZeroHashes,
    /// Where a window of zeros is cut, by the window's length: the longest, or what a run ends with.
    zero_cuts: Lru<u64, usize>,
}

/// Stands for a hash that is being computed.
const UNKNOWN: Hash = Hash::from_bytes([0; 32]);

impl<'a> Cutter<'a> {
    pub(super) fn new(chunker: Chunker, hashers: &'a mut Hashers, watcher: &'a Watcher<'a>) -> Self {
        let buffer = hashers.buffer();
        Self {
            chunker,
            hashers,
            watcher,
            chunks: Vec::new(),
            buffer,
            window: 0..0,
            waiting: Vec::new(),
            zeros: ZeroHashes::default(),
            zero_cuts: Lru::new(8),
        }
    }

    /// How many chunks there are.
    pub(super) fn len(&self) -> usize {
        self.chunks.len()
    }

    /// Adds chunks that are known already.
    pub(super) fn add_known(&mut self, chunks: &[ChunkEntry]) -> Result<(), ImportError> {
        self.chunks.extend_from_slice(chunks);
        self.check_count()
    }

    /// Hands out what still waits, and returns the chunk table without the hashes under way.
    pub(super) fn finish(mut self) -> Vec<ChunkEntry> {
        self.hashers.hash(self.buffer, &mut self.waiting);
        self.chunks
    }

    /// Reads and cuts one run of files.
    pub(super) fn cut_run(&mut self, files: ListedMut<'_>) -> Result<(), ImportError> {
        let max = self.chunker.max_size() as usize;
        // The window is empty now, and again at the end: no chunk reaches from one run into the next.
        let mut reader = Reader::new(files, self.watcher);
        loop {
            self.skip_holes(&mut reader)?;
            if self.window.len() < max && reader.unread() > 0 {
                self.fill(&mut reader)?;
            }
            if self.window.is_empty() {
                return Ok(());
            }
            let len = self.chunker.cut(&self.buffer[self.window.clone()]);
            let at = self.window.start..self.window.start + len;
            self.window.start = at.end;
            self.waiting.push((self.chunks.len() as u32, at));
            self.push(UNKNOWN, len)?;
        }
    }

    /// Fills the window as far as the buffer goes; it then holds a longest chunk or the run's rest.
    fn fill(&mut self, reader: &mut Reader<'_>) -> Result<(), ImportError> {
        let enough = (self.chunker.max_size() as u64).min(self.window.len() as u64 + reader.unread());
        if ((self.buffer.len() - self.window.start) as u64) < enough {
            let mut next = self.hashers.buffer();
            let len = self.window.len();
            next[..len].copy_from_slice(&self.buffer[self.window.clone()]);
            let full = std::mem::replace(&mut self.buffer, next);
            self.hashers.hash(full, &mut self.waiting);
            self.window = 0..len;
        }
        self.window.end += reader.read(&mut self.buffer[self.window.end..])?;
        Ok(())
    }

    /// While all that the next cut would look at is a hole, cuts without reading it.
    fn skip_holes(&mut self, reader: &mut Reader<'_>) -> Result<(), ImportError> {
        let max = u64::from(self.chunker.max_size());
        loop {
            let left = self.window.len() as u64 + reader.unread();
            let looked_at = left.min(max);
            if !reader.is_sparse() || left == 0 || !reader.is_hole(self.window.len() as u64, looked_at)? {
                return Ok(());
            }
            let len = self.cut_zeros(looked_at);
            let in_window = self.window.len().min(len);
            self.window.start += in_window;
            reader.skip((len - in_window) as u64)?;
            let hash = self.zeros.get(len as u32);
            self.push(hash, len)?;
        }
    }

    /// The length of the next chunk in a window of `window` zeros, at most the longest chunk.
    fn cut_zeros(&mut self, window: u64) -> usize {
        if let Some(len) = self.zero_cuts.get(window) {
            return len;
        }
        let len = self.chunker.cut(&vec![0; window as usize]);
        self.zero_cuts.insert(window, len);
        len
    }

    fn push(&mut self, hash: Hash, len: usize) -> Result<(), ImportError> {
        self.chunks.push(ChunkEntry { hash, length: len as u32 });
        self.check_count()
    }

    fn check_count(&self) -> Result<(), ImportError> {
        if self.chunks.len() > MAX_CHUNKS as usize {
            return Err(ManifestError::Counts("too many chunks: choose larger ones").into());
        }
        Ok(())
    }
}
