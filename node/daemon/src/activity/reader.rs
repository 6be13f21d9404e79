//! Reads an activity log, from the oldest file on, also while it is written and rotated.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use super::rotating::{KEPT, numbered};

/// The longest line that is read, in bytes; of a longer one the rest is left out.
const MAX_LINE: u64 = 1 << 20;

/// Tells files apart, whatever their names are.
type FileId = (u64, u64);

/// See the module.
pub struct LogReader {
    path: PathBuf,
    file: BufReader<File>,
    id: FileId,
    /// Whether the file was put aside, so that nothing is added to it any more.
    is_aside: bool,
    /// The beginning of a line whose end is not written yet.
    begun: Vec<u8>,
}

impl LogReader {
    /// Begins with the oldest file that there is.
    pub fn open(path: &Path) -> io::Result<Self> {
        let oldest = (0..=KEPT).rev().map(|number| numbered(path, number)).find(|path| path.exists());
        let file = File::open(oldest.unwrap_or_else(|| path.to_owned()))?;
        let id = id_of(&file)?;
        Ok(Self { path: path.to_owned(), file: BufReader::new(file), id, is_aside: false, begun: Vec::new() })
    }

    /// The next line, without its end; `None` if there is none now. There may be one later.
    pub fn next_line(&mut self) -> io::Result<Option<String>> {
        loop {
            let room = MAX_LINE.saturating_sub(self.begun.len() as u64);
            self.file.by_ref().take(room.max(1)).read_until(b'\n', &mut self.begun)?;
            if self.begun.last() == Some(&b'\n') || self.begun.len() as u64 >= MAX_LINE {
                let line = std::mem::take(&mut self.begun);
                return Ok(Some(String::from_utf8_lossy(&line).trim_end_matches('\n').to_owned()));
            }
            if !self.go_on()? {
                return Ok(None);
            }
        }
    }

    /// At the end of a file: whether there is more to read, in this one or in the next.
    fn go_on(&mut self) -> io::Result<bool> {
        let Some(next) = self.next_number()? else { return Ok(false) };
        // What was added after the last look and before it was put aside is still to be read.
        if !std::mem::replace(&mut self.is_aside, true) {
            return Ok(true);
        }
        match File::open(numbered(&self.path, next)) {
            Ok(file) => {
                self.id = id_of(&file)?;
                self.file = BufReader::new(file);
                self.is_aside = false;
                self.begun.clear();
                Ok(true)
            }
            // It is being rotated right now.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The number of the file after this one; `None` if this is the last one.
    fn next_number(&self) -> io::Result<Option<u32>> {
        let mut oldest = None;
        for number in 0..=KEPT {
            match File::open(numbered(&self.path, number)) {
                Ok(file) if id_of(&file)? == self.id => return Ok(number.checked_sub(1)),
                Ok(_) => oldest = Some(number),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        // This one is gone: so much was written since that it was the oldest.
        Ok(oldest)
    }
}

#[cfg(unix)]
fn id_of(file: &File) -> io::Result<FileId> {
    use std::os::unix::fs::MetadataExt;
    let metadata = file.metadata()?;
    Ok((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn id_of(file: &File) -> io::Result<FileId> {
    let made = file.metadata()?.created()?.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Ok((made.as_secs(), made.subsec_nanos().into()))
}

#[cfg(test)]
mod tests {
    use super::super::rotating::RotatingFile;
    use super::*;

    fn all(reader: &mut LogReader) -> Vec<String> {
        std::iter::from_fn(|| reader.next_line().unwrap()).collect()
    }

    #[test]
    fn it_reads_all_files_in_order_and_then_what_comes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let mut file = RotatingFile::open(path.clone(), 40).unwrap();
        let mut write = |n: u32| file.append(format!("line {n:04}\n").as_bytes()).unwrap();
        (0..10).for_each(&mut write);
        let mut reader = LogReader::open(&path).unwrap();
        let expected =
            |from: u32, until: u32| (from..until).map(|n| format!("line {n:04}")).collect::<Vec<_>>();
        assert_eq!(all(&mut reader), expected(0, 10));
        assert_eq!(reader.next_line().unwrap(), None);
        // Over several rotations between two looks.
        (10..24).for_each(&mut write);
        assert_eq!(all(&mut reader), expected(10, 24));
        // So many that it loses its place: it goes on with the oldest that is left.
        (24..100).for_each(&mut write);
        let rest = all(&mut reader);
        assert_eq!(rest.last(), expected(99, 100).last());
        assert!(rest.len() >= 16 && rest[..] == expected(100 - rest.len() as u32, 100));
    }

    #[test]
    fn half_a_line_waits_for_its_end() {
        use std::io::Write;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        std::fs::write(&path, "whole\nha").unwrap();
        let mut reader = LogReader::open(&path).unwrap();
        assert_eq!(all(&mut reader), ["whole"]);
        let mut file = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"lf\n").unwrap();
        assert_eq!(all(&mut reader), ["half"]);
    }

    #[test]
    fn a_line_without_end_takes_no_more_memory_than_it_may() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        std::fs::write(&path, vec![b'x'; 3 * MAX_LINE as usize]).unwrap();
        let mut reader = LogReader::open(&path).unwrap();
        let lines = all(&mut reader);
        assert!(!lines.is_empty() && lines.iter().all(|line| line.len() as u64 <= MAX_LINE));
    }
}
