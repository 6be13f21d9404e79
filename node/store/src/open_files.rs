//! How many files are kept open for the next use, and what gives way where the system allows no more.
//!
//! What always holds: files that are kept open for later never keep one from being opened now.

use std::io;

use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};

/// Of the files that may be open, each place that keeps some keeps at most this part.
const PART: u64 = 32;

/// How many files a place keeps open that would keep `most` where there is room.
pub(crate) fn kept_open(most: usize) -> usize {
    getrlimit(Resource::Nofile).current.map_or(most, |allowed| part_of(allowed, most))
}

fn part_of(allowed: u64, most: usize) -> usize {
    usize::try_from(allowed / PART).unwrap_or(most).clamp(1, most)
}

/// Opens something. Where too many files are open, those that are kept for later are closed by `close`, and it is tried again.
pub(crate) fn opened<T>(close: impl FnOnce(), open: impl Fn() -> io::Result<T>) -> io::Result<T> {
    match open() {
        Err(error) if is_too_many_open(&error) => {
            close();
            open()
        }
        done => done,
    }
}

/// Whether something could not be opened because too much is open already, in this process or in the system.
pub fn is_too_many_open(error: &io::Error) -> bool {
    [Errno::MFILE, Errno::NFILE].iter().any(|it| error.raw_os_error() == Some(it.raw_os_error()))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn where_few_files_may_be_open_few_are_kept() {
        assert_eq!([8, 64, 1024, u64::MAX].map(|allowed| part_of(allowed, 128)), [1, 2, 32, 128]);
    }

    #[test]
    fn what_is_kept_open_gives_way_once() {
        let (kept, tries) = (Cell::new(3), Cell::new(0));
        let open = || {
            tries.set(tries.get() + 1);
            if kept.get() > 0 { Err(io::Error::from(Errno::MFILE)) } else { Ok(7) }
        };
        assert_eq!(opened(|| kept.set(0), open).unwrap(), 7);
        assert_eq!(tries.get(), 2);
        let never = || -> io::Result<()> { Err(io::Error::from(Errno::NFILE)) };
        assert!(opened(|| (), never).is_err(), "it does not try for ever");
        let other = || -> io::Result<()> { Err(io::Error::from(Errno::NOSPC)) };
        assert!(opened(|| panic!("that has nothing to do with it"), other).is_err());
    }

    #[test]
    fn what_the_system_says_is_known() {
        let is = |errno: Errno| is_too_many_open(&io::Error::from(errno));
        assert!(is(Errno::MFILE) && is(Errno::NFILE) && !is(Errno::NOSPC) && !is(Errno::NOENT));
    }
}
