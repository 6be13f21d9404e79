//! A clock that is wrong, for programs that are started with it. Linux, a C compiler.
//!
//! What this is not: another time since the boot. No clock that people set changes that one.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::ensure;

/// Shifts what the C library says of the time of day by the seconds in a file, which may change at any time.
const SHIFT: &str = include_str!("clock.c");

/// The seconds of a year.
pub const YEAR: i64 = 365 * 24 * 3600;

/// A clock that some programs go by.
pub struct Clock {
    library: PathBuf,
    shift: PathBuf,
}

impl Clock {
    /// Makes one that is right, with its files in this folder.
    pub fn make(folder: &Path) -> anyhow::Result<Self> {
        let (source, library) = (folder.join("clock.c"), folder.join("clock.so"));
        fs::write(&source, SHIFT)?;
        let mut compile = Command::new("cc");
        compile.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(&source).arg("-ldl");
        let output = compile.output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let clock = Self { library, shift: folder.join("shift") };
        clock.set(0)?;
        Ok(clock)
    }

    /// Sets it ahead by so many seconds, or back.
    pub fn set(&self, seconds: i64) -> io::Result<()> {
        // In place, since the programs have mapped it.
        let file = File::options().write(true).create(true).truncate(false).open(&self.shift)?;
        file.write_all_at(&seconds.to_ne_bytes(), 0)?;
        file.set_len(16)
    }

    /// A program that goes by it.
    pub fn wrong(&self, mut command: Command) -> Command {
        command.env("LD_PRELOAD", &self.library).env("SHOAL_TEST_SHIFT", &self.shift);
        command
    }

    /// Whether anybody asked it for the time of day while it was wrong.
    pub fn was_asked(&self) -> bool {
        fs::read(&self.shift).is_ok_and(|bytes| bytes.get(8..16).is_some_and(|asked| asked != [0; 8]))
    }
}

/// Why there can be no such clock here, if so.
pub fn no_clock() -> Option<String> {
    let compiles = Command::new("cc").arg("--version").output().is_ok();
    (!compiles).then(|| "cc is not installed".to_owned())
}
