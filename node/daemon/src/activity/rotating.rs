//! A file that only grows at its end, and is put aside when it has become large.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Files that are kept beside the one that is written to.
pub(super) const KEPT: u32 = 5;

/// `FILE.1` is the youngest of those that were put aside; 0 is the file itself.
pub(super) fn numbered(path: &Path, number: u32) -> PathBuf {
    if number == 0 {
        return path.to_owned();
    }
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}

/// See the module. What always holds: the file ends with a whole line.
pub(super) struct RotatingFile {
    path: PathBuf,
    /// Bytes after which the file is put aside.
    most: u64,
    file: Option<File>,
    /// Bytes of whole lines in the file.
    size: u64,
}

impl RotatingFile {
    /// Opens a file, or makes it, readable by its owner alone.
    pub(super) fn open(path: PathBuf, most: u64) -> io::Result<Self> {
        let mut rotating = Self { path, most, file: None, size: 0 };
        rotating.reopen()?;
        Ok(rotating)
    }

    fn reopen(&mut self) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.append(true).read(true).create(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        let file = options.open(&self.path)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // It may have been made by somebody with other habits.
            file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
        }
        self.size = whole_lines(&file)?;
        self.file = Some(file);
        Ok(())
    }

    /// Appends whole lines: all of them, or none with an error.
    pub(super) fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        if self.size > 0 && self.size.saturating_add(lines.len() as u64) > self.most {
            self.rotate()?;
        }
        if self.file.is_none() {
            self.reopen()?;
        }
        let Some(file) = &mut self.file else { return Err(io::ErrorKind::NotFound.into()) };
        if let Err(error) = file.write_all(lines) {
            // A part of a line must not stand before the next one. Opened anew, that is tried again.
            if file.set_len(self.size).is_err() {
                self.file = None;
            }
            return Err(error);
        }
        self.size += lines.len() as u64;
        Ok(())
    }

    /// Puts the file aside, and those before it one place further; the oldest one goes.
    fn rotate(&mut self) -> io::Result<()> {
        for number in (0..KEPT).rev() {
            match std::fs::rename(numbered(&self.path, number), numbered(&self.path, number + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        self.file = None;
        self.reopen()
    }
}

/// Cuts off what is left of a line that was not written to its end, by a process that was killed.
fn whole_lines(file: &File) -> io::Result<u64> {
    use std::io::{Read, Seek, SeekFrom};
    /// Lines are far shorter.
    const TAIL: u64 = 64 << 10;
    let size = file.metadata()?.len();
    let start = size.saturating_sub(TAIL);
    let mut tail = Vec::new();
    let mut reader = file;
    reader.seek(SeekFrom::Start(start))?;
    reader.take(TAIL).read_to_end(&mut tail)?;
    let whole = tail.iter().rposition(|byte| *byte == b'\n').map_or(0, |place| place as u64 + 1);
    let whole = start + whole;
    if whole < size {
        file.set_len(whole)?;
    }
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_most_five_are_put_aside_and_no_line_is_torn() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let mut file = RotatingFile::open(path.clone(), 100).unwrap();
        for n in 0..100 {
            file.append(format!("{n:020}\n").as_bytes()).unwrap();
        }
        let mut lines = Vec::new();
        for number in (0..=KEPT).rev() {
            let text = std::fs::read_to_string(numbered(&path, number)).unwrap();
            assert!(text.len() <= 100 && text.ends_with('\n'));
            lines.extend(text.lines().map(|line| line.parse::<u32>().unwrap()));
        }
        assert!(!numbered(&path, KEPT + 1).exists());
        assert_eq!(lines.last(), Some(&99));
        assert!(lines.windows(2).all(|two| two[0] + 1 == two[1]), "in order and without a gap: {lines:?}");
        assert!(lines.len() > 20, "nothing goes before its time");
    }

    #[test]
    fn what_was_torn_is_cut_off_and_what_is_whole_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        std::fs::write(&path, "one\ntw").unwrap();
        RotatingFile::open(path.clone(), 1 << 20).unwrap().append(b"three\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\nthree\n");
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_reads_it() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        std::fs::write(&path, "").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let mut file = RotatingFile::open(path.clone(), 10).unwrap();
        (0..3).for_each(|_| file.append(b"a line\n").unwrap());
        for number in 0..3 {
            let mode = std::fs::metadata(numbered(&path, number)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}
