//! The journal: which chunks are in the part.
//!
//! A file that is only ever appended to. It starts with the content id; then come records. An *epoch*
//! says, once for each opening that needs it, for which arrangement of files the records after it hold, and
//! all chunks that are there at that time. A *chunk* record says that a chunk, and all chunks like it, have
//! been written. A *piece* record has the hash of what of a chunk is in the part, where the rest is not wanted. Each
//! record has a checksum, and reading stops at the first that does not fit: the end that a crash tore off.
//!
//! What always holds: a record is written after the bytes that it tells of. The file is locked as
//! long as it is open. What this is not: proof that the bytes are still there; who reads it hashes them.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io::{self, BufReader, Read};
use std::os::unix::fs::{FileExt, MetadataExt};

use cap_fs_ext::{FollowSymlinks, OpenOptionsFollowExt};
use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};
use rustix::fs::OFlags;
use shoal_content::{ChunkIndex, ChunkSet, ContentId, Hash};

use crate::tree::found;

const MAGIC: &[u8; 8] = b"shoaljnl";
const VERSION: u32 = 1;
const ID: usize = 36;
const SUM: usize = 4;
const HEADER: usize = MAGIC.len() + 4 + ID + SUM;
/// Kind and length of a record.
const HEAD: usize = 5;
const CHUNK: u8 = 1;
const EPOCH: u8 = 2;
const PIECE: u8 = 3;
/// Zeros, which once told the boot of the system.
const RESERVED: usize = 16;
/// What of an epoch comes before the chunks: reserved bytes and the arrangement.
const EPOCH_FIXED: usize = RESERVED + 32;
/// A chunk and a hash.
const PIECE_LEN: usize = 4 + 32;

/// SHA-256 of pieces of chunks, by chunk.
pub(super) type Pieces = BTreeMap<ChunkIndex, Hash>;

/// An open, locked journal.
#[derive(Debug)]
pub(super) struct Journal {
    file: File,
    /// Where the next record goes: after the last valid one.
    end: u64,
}

/// What a journal says.
#[derive(Debug)]
pub(super) struct Recorded {
    /// The arrangement for which it was written.
    pub(super) layout: Hash,
    /// Chunks that were there when the epoch began.
    pub(super) chunks: ChunkSet,
    /// Chunks that were written since, with all that are like them.
    pub(super) groups: Vec<ChunkIndex>,
    /// Of chunks with bytes that are not wanted: the hash of those that are in the part.
    pub(super) pieces: Pieces,
}

/// What was found in a journal file.
#[derive(Debug)]
pub(super) enum Contents {
    /// Nothing, or a header that was not finished.
    Empty,
    /// The journal of this very content.
    Ours(Recorded),
    /// That of another one.
    Other(ContentId),
    /// Something else, or of a later version.
    Unknown,
}

/// Why a journal could not be opened.
#[derive(Debug)]
pub(super) enum LockError {
    /// Another process has it.
    Busy,
    /// Something else.
    Io(io::Error),
}

impl Journal {
    /// Opens and locks a journal. With `make` it is made if it is not there, else that is `None`.
    pub(super) fn lock(dir: &Dir, name: &str, make: bool) -> Result<Option<Self>, LockError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(make).follow(FollowSymlinks::No);
        options.custom_flags(OFlags::NONBLOCK.bits() as i32);
        loop {
            let opened = dir.open_with(name, &options).map(cap_std::fs::File::into_std);
            let opened = if make { opened.map(Some) } else { found(opened) };
            let Some(file) = opened.map_err(LockError::Io)? else { return Ok(None) };
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(LockError::Busy),
                Err(TryLockError::Error(error)) => return Err(LockError::Io(error)),
            }
            // The process that held the lock before may have removed the file; then the lock guards nothing.
            let meta = file.metadata().map_err(LockError::Io)?;
            if !meta.is_file() {
                return Err(LockError::Io(io::Error::other("it is not a regular file")));
            }
            let there = found(dir.symlink_metadata(name)).map_err(LockError::Io)?;
            if there.is_some_and(|there| {
                use cap_std::fs::MetadataExt;
                (there.dev(), there.ino()) == (meta.dev(), meta.ino())
            }) {
                return Ok(Some(Self { file, end: 0 }));
            }
        }
    }

    /// A journal in any file, to see what happens to it.
    #[cfg(test)]
    pub(super) fn within(file: File) -> Self {
        Self { file, end: 0 }
    }

    /// Whether a file is a journal, of whatever content or version.
    pub(super) fn is_one(dir: &Dir, name: &str) -> io::Result<bool> {
        let mut options = OpenOptions::new();
        options.read(true).follow(FollowSymlinks::No).custom_flags(OFlags::NONBLOCK.bits() as i32);
        let Some(mut file) = found(dir.open_with(name, &options))? else { return Ok(false) };
        let mut start = [0; MAGIC.len()];
        let regular = file.metadata()?.is_file();
        Ok(regular && read_up_to(&mut file, &mut start)? == MAGIC.len() && start == *MAGIC)
    }

    /// Reads all of it, and cuts off what is not valid at the end of our own.
    pub(super) fn read(&mut self, id: &ContentId, chunks: usize) -> io::Result<Contents> {
        let file = self.file.try_clone()?;
        let mut reader = BufReader::new(At { file, offset: 0 });
        let mut header = [0; HEADER];
        let len = read_up_to(&mut reader, &mut header)?;
        let owner = match parse_header(&header[..len]) {
            Some(owner) => owner,
            None if len < HEADER && MAGIC.starts_with(&header[..len.min(MAGIC.len())]) => {
                return Ok(Contents::Empty);
            }
            None => return Ok(Contents::Unknown),
        };
        if owner != *id {
            return Ok(Contents::Other(owner));
        }
        self.end = HEADER as u64;
        let mut recorded = Recorded {
            layout: Hash::from_bytes([0; 32]),
            chunks: ChunkSet::with_capacity(chunks),
            groups: Vec::new(),
            pieces: Pieces::new(),
        };
        while let Some((kind, body)) = read_record(&mut reader, chunks)? {
            match kind {
                CHUNK => recorded.groups.extend(parse_chunk(&body, chunks)),
                PIECE => recorded.pieces.extend(parse_piece(&body, chunks)),
                _ => recorded = parse_epoch(&body, chunks),
            }
            self.end += (HEAD + body.len() + SUM) as u64;
        }
        // Whatever comes after the end must not become valid again by what is written there.
        self.file.set_len(self.end)?;
        Ok(Contents::Ours(recorded))
    }

    /// Empties the journal and starts it for a content.
    pub(super) fn start(&mut self, id: &ContentId) -> io::Result<()> {
        let mut header = Vec::with_capacity(HEADER);
        header.extend_from_slice(MAGIC);
        header.extend_from_slice(&VERSION.to_le_bytes());
        header.extend_from_slice(&id.to_bytes());
        let sum = checksum(&header);
        header.extend_from_slice(&sum);
        self.file.set_len(0)?;
        self.file.write_all_at(&header, 0)?;
        self.end = HEADER as u64;
        Ok(())
    }

    /// Starts an epoch with what is there, and makes sure that it is on disk.
    pub(super) fn epoch(&mut self, layout: &Hash, chunks: &ChunkSet, pieces: &Pieces) -> io::Result<()> {
        let mut body = vec![0; RESERVED];
        body.extend_from_slice(layout.as_bytes());
        let mut bits = vec![0u8; chunks.len().div_ceil(8)];
        chunks.ones().for_each(|chunk| bits[chunk / 8] |= 1 << (chunk % 8));
        body.extend_from_slice(&bits);
        self.append(EPOCH, &body)?;
        for (chunk, hash) in pieces {
            self.piece(*chunk, hash)?;
        }
        self.sync()
    }

    /// Records the hash of what of a chunk is in the part. To be called before [`chunk`](Self::chunk).
    pub(super) fn piece(&mut self, chunk: ChunkIndex, hash: &Hash) -> io::Result<()> {
        let mut body = chunk.to_le_bytes().to_vec();
        body.extend_from_slice(hash.as_bytes());
        self.append(PIECE, &body)
    }

    /// Records that a chunk and all like it have been written. Not synced: a crash of this process loses
    /// nothing, and whoever opens the part next hashes what is there.
    pub(super) fn chunk(&mut self, chunk: ChunkIndex) -> io::Result<()> {
        self.append(CHUNK, &chunk.to_le_bytes())
    }

    /// Makes sure that all records are on disk.
    fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// A handle for syncing, so that records can be written meanwhile. It shares the lock.
    pub(super) fn handle(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    fn append(&mut self, kind: u8, body: &[u8]) -> io::Result<()> {
        let mut record = Vec::with_capacity(HEAD + body.len() + SUM);
        record.push(kind);
        record.extend_from_slice(&(body.len() as u32).to_le_bytes());
        record.extend_from_slice(body);
        let sum = checksum(&record);
        record.extend_from_slice(&sum);
        // If this fails halfway (disk full), the next record is written over what got there.
        self.file.write_all_at(&record, self.end)?;
        self.end += record.len() as u64;
        Ok(())
    }
}

/// Reads a file by position, so that its cursor does not matter.
struct At {
    file: File,
    offset: u64,
}

impl Read for At {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let len = self.file.read_at(buf, self.offset)?;
        self.offset += len as u64;
        Ok(len)
    }
}

fn checksum(bytes: &[u8]) -> [u8; SUM] {
    let hash = Hash::of(bytes);
    hash.as_bytes().first_chunk().copied().unwrap_or_default()
}

fn read_up_to(reader: &mut impl Read, buf: &mut [u8]) -> io::Result<usize> {
    let mut len = 0;
    while len < buf.len() {
        match reader.read(&mut buf[len..])? {
            0 => break,
            n => len += n,
        }
    }
    Ok(len)
}

fn parse_header(header: &[u8]) -> Option<ContentId> {
    let (body, sum) = header.split_at_checked(HEADER - SUM)?;
    let rest = body.strip_prefix(MAGIC)?.strip_prefix(&VERSION.to_le_bytes())?;
    ContentId::from_bytes(rest).ok().filter(|_| checksum(body) == sum)
}

/// The next valid record; `None` at the end, or where the valid ones end.
fn read_record(reader: &mut impl Read, chunks: usize) -> io::Result<Option<(u8, Vec<u8>)>> {
    let mut record = vec![0; HEAD];
    if read_up_to(reader, &mut record)? < HEAD {
        return Ok(None);
    }
    let kind = record[0];
    let len = u32::from_le_bytes([record[1], record[2], record[3], record[4]]) as usize;
    // The length is checked before anything is allocated for it.
    let right = match kind {
        CHUNK => len == 4,
        PIECE => len == PIECE_LEN,
        EPOCH => len == EPOCH_FIXED + chunks.div_ceil(8),
        _ => false,
    };
    if !right {
        return Ok(None);
    }
    record.resize(HEAD + len + SUM, 0);
    if read_up_to(reader, &mut record[HEAD..])? < len + SUM {
        return Ok(None);
    }
    let sum = record.split_off(HEAD + len);
    let valid = checksum(&record)[..] == sum[..];
    record.drain(..HEAD);
    Ok(valid.then_some((kind, record)))
}

fn parse_chunk(body: &[u8], chunks: usize) -> Option<ChunkIndex> {
    let chunk = u32::from_le_bytes(*body.first_chunk()?);
    ((chunk as usize) < chunks).then_some(chunk)
}

fn parse_piece(body: &[u8], chunks: usize) -> Option<(ChunkIndex, Hash)> {
    let (chunk, hash) = body.split_at_checked(4)?;
    Some((parse_chunk(chunk, chunks)?, Hash::from_bytes(*hash.first_chunk()?)))
}

/// The length of the body has been checked.
fn parse_epoch(body: &[u8], chunks: usize) -> Recorded {
    let (fixed, bits) = body.split_at(EPOCH_FIXED);
    let layout = fixed[RESERVED..].first_chunk().copied().unwrap_or_default();
    let mut set = ChunkSet::with_capacity(chunks);
    (0..chunks).filter(|c| bits[c / 8] & (1 << (c % 8)) != 0).for_each(|c| set.insert(c));
    let (groups, pieces) = Default::default();
    Recorded { layout: Hash::from_bytes(layout), chunks: set, groups, pieces }
}
