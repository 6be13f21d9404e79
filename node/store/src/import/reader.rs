//! Reads a run of files as one stream, and makes sure that they do not change meanwhile.

use std::fs::{File, OpenOptions};
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rustix::fs::OFlags;
use shoal_content::FileEntry;

use super::roots::Roots;
use super::walk::{Facts, ListedMut};
use super::{ImportError, ImportProgress};
use crate::holes::{next_data, next_hole};
use crate::stamp::{Clock, Stamp};

/// Fewer files than these are read on one thread.
const WORTH_A_THREAD: usize = 32;

/// What every step of an import needs: where files lie, where progress is reported, and when to stop.
pub(super) struct Watcher<'a> {
    pub(super) roots: &'a Roots,
    pub(super) progress: &'a (dyn Fn(ImportProgress) + Sync),
    pub(super) cancel: &'a AtomicBool,
    pub(super) clock: Clock,
    pub(super) files: u64,
    pub(super) total: u64,
    pub(super) done: AtomicU64,
}

impl Watcher<'_> {
    /// Counts bytes, tells of them, and fails if the import is to stop.
    pub(super) fn did(&self, bytes: u64) -> Result<(), ImportError> {
        let done = self.done.fetch_add(bytes, Ordering::Relaxed) + bytes;
        (self.progress)(ImportProgress { files: self.files, bytes_done: done, bytes_total: self.total });
        if self.cancel.load(Ordering::Relaxed) { Err(ImportError::Cancelled) } else { Ok(()) }
    }
}

/// Opens a file for reading, without following a link at its end and without waiting for anything.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    OpenOptions::new().read(true).custom_flags(flags.bits() as i32).open(path)
}

/// A file that is being read.
struct Current {
    at: usize,
    file: File,
    path: PathBuf,
    offset: u64,
    /// A hole that is known, as far as one was looked for.
    hole: Range<u64>,
    /// Up to here there are no holes, from where one was looked for last.
    data_until: u64,
}

/// Reads the bytes of a run.
pub(super) struct Reader<'a> {
    files: ListedMut<'a>,
    watcher: &'a Watcher<'a>,
    /// The next file to open.
    next: usize,
    current: Option<Current>,
    unread: u64,
}

impl<'a> Reader<'a> {
    pub(super) fn new(files: ListedMut<'a>, watcher: &'a Watcher<'a>) -> Self {
        let unread = files.entries.iter().map(|entry| entry.size).sum();
        Self { files, watcher, next: 0, current: None, unread }
    }

    /// Bytes of the run that have been neither read nor skipped.
    pub(super) fn unread(&self) -> u64 {
        self.unread
    }

    /// Whether it is worth looking for holes: in runs of small files it is not.
    pub(super) fn is_sparse(&self) -> bool {
        matches!(&*self.files.facts, [only] if only.sparse)
    }

    /// Fills `buf`, or reads all that is left. Returns how many bytes were read.
    pub(super) fn read(&mut self, buf: &mut [u8]) -> Result<usize, ImportError> {
        let mut filled = 0;
        while filled < buf.len() && self.unread > 0 {
            if self.current.is_none() {
                let len = self.read_many(&mut buf[filled..])?;
                filled += len;
                if len > 0 {
                    continue;
                }
            }
            let current = self.open_next()?;
            let (at, offset) = (current.at, current.offset);
            let left = self.files.entries[at].size - offset;
            let want = left.min((buf.len() - filled) as u64) as usize;
            self.read_here(&mut buf[filled..filled + want])?;
            filled += want;
            self.advance(want as u64)?;
        }
        self.watcher.did(filled as u64)?;
        Ok(filled)
    }

    /// Reads whole small files into `buf`, as long as they fit, half of them on another thread: with
    /// small files, opening takes longer than reading. Returns 0 if there are too few to be worth it.
    fn read_many(&mut self, buf: &mut [u8]) -> Result<usize, ImportError> {
        let (mut len, mut count, mut half) = (0u64, 0, (0, 0));
        for entry in &self.files.entries[self.next..] {
            if len + entry.size > buf.len() as u64 {
                break;
            }
            len += entry.size;
            count += 1;
            if len <= buf.len().min(self.unread as usize) as u64 / 2 {
                half = (count, len as usize);
            }
        }
        if count < WORTH_A_THREAD {
            return Ok(0);
        }
        let watcher = self.watcher;
        let (first, second) = self.files.split(self.next..self.next + count, half.0);
        let (first_buf, second_buf) = buf[..len as usize].split_at_mut(half.1);
        std::thread::scope(|scope| {
            let other = scope.spawn(|| read_whole(first, watcher, first_buf));
            let here = read_whole(second, watcher, second_buf);
            other.join().unwrap_or(Err(ImportError::Cancelled)).and(here)
        })?;
        self.next += count;
        self.unread -= len;
        Ok(len as usize)
    }

    fn read_here(&self, buf: &mut [u8]) -> Result<(), ImportError> {
        let Some(current) = &self.current else { return Ok(()) };
        current.file.read_exact_at(buf, current.offset).map_err(|error| failed(&current.path, error))
    }

    /// The file to read next, open.
    fn open_next(&mut self) -> Result<&mut Current, ImportError> {
        if self.current.is_none() {
            while self.files.entries.get(self.next).is_some_and(|entry| entry.size == 0) {
                self.next += 1;
            }
            let at = self.next;
            self.next += 1;
            let (entry, facts) = (&self.files.entries[at], &mut self.files.facts[at]);
            let (file, path) = open_found(entry, facts, self.watcher)?;
            self.current = Some(Current { at, file, path, offset: 0, hole: 0..0, data_until: 0 });
        }
        self.current.as_mut().ok_or(ImportError::Nothing)
    }

    /// Moves on by some bytes of the current file, and takes leave of it at its end.
    fn advance(&mut self, bytes: u64) -> Result<(), ImportError> {
        self.unread -= bytes;
        let Some(current) = &mut self.current else { return Ok(()) };
        current.offset += bytes;
        if current.offset == self.files.entries[current.at].size {
            check_unchanged(&self.files.facts[current.at], &current.file, &current.path)?;
            self.current = None;
        }
        Ok(())
    }

    /// Whether `len` bytes lie in a hole of the run's only file; they start `back` bytes before what is
    /// read next.
    pub(super) fn is_hole(&mut self, back: u64, len: u64) -> Result<bool, ImportError> {
        let size = self.files.entries[0].size;
        let start = size - self.unread - back;
        if self.unread == 0 {
            // All has been read and the file is closed.
            return Ok(false);
        }
        let current = self.open_next()?;
        if current.hole.start <= start && start < current.hole.end {
            return Ok(start + len <= current.hole.end);
        }
        if start < current.data_until {
            return Ok(false);
        }
        let data = next_data(&current.file, start).map_err(|error| failed(&current.path, error))?;
        match data.unwrap_or(size) {
            data if data > start => current.hole = start..data,
            _ => current.data_until = next_hole(&current.file, start),
        }
        Ok(start + len <= current.hole.end && current.hole.start <= start)
    }

    /// Leaves out bytes of the run's only file that are known to be zeros.
    pub(super) fn skip(&mut self, bytes: u64) -> Result<(), ImportError> {
        if bytes > 0 {
            self.advance(bytes)?;
        }
        self.watcher.did(bytes)
    }
}

/// Reads all of these files, one after another; `buf` is as long as they are together.
fn read_whole(files: ListedMut<'_>, watcher: &Watcher<'_>, mut buf: &mut [u8]) -> Result<(), ImportError> {
    for (entry, facts) in files.entries.iter().zip(files.facts).filter(|(entry, _)| entry.size > 0) {
        if watcher.cancel.load(Ordering::Relaxed) {
            return Err(ImportError::Cancelled);
        }
        let (file, path) = open_found(entry, facts, watcher)?;
        let (here, rest) = buf.split_at_mut(entry.size as usize);
        file.read_exact_at(here, 0).map_err(|error| failed(&path, error))?;
        check_unchanged(facts, &file, &path)?;
        buf = rest;
    }
    Ok(())
}

fn open_found(
    entry: &FileEntry,
    facts: &mut Facts,
    watcher: &Watcher<'_>,
) -> Result<(File, PathBuf), ImportError> {
    let path = watcher.roots.locate(entry.path.as_str());
    // Before the first byte is read: a later change must show in the stamp.
    facts.racy = facts.stamp.is_racy(watcher.clock.now());
    let file = open(&path).map_err(|error| failed(&path, error))?;
    Ok((file, path))
}

/// After the last byte was read: fails if it is not the file that the walk saw, as it was then.
fn check_unchanged(facts: &Facts, file: &File, path: &Path) -> Result<(), ImportError> {
    let meta = file.metadata().map_err(|error| failed(path, error))?;
    if Stamp::of(&meta) == facts.stamp { Ok(()) } else { Err(ImportError::Changed { path: path.to_owned() }) }
}

/// The walk saw a regular file of a certain length; whatever contradicts that is a change.
fn failed(path: &Path, source: io::Error) -> ImportError {
    use io::ErrorKind::{NotADirectory, NotFound, UnexpectedEof};
    let path = path.to_owned();
    let is_link = source.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error());
    match source.kind() {
        NotADirectory | NotFound | UnexpectedEof => ImportError::Changed { path },
        _ if is_link => ImportError::Changed { path },
        _ => ImportError::Io { path, source },
    }
}
