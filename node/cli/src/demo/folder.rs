//! A made-up folder: some large files, many tiny ones, and the odd cases.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use rand::{Rng, SeedableRng};
use shoal_engine::SeededRng;

/// Tiny files, and how large they are at most.
const TINY: u64 = 2000;
const TINY_MAX: u64 = 8 << 10;
const BLOCK: usize = 1 << 20;

/// Makes the folder with about `size` bytes; the same for the same size. Tells how far it is.
pub(super) fn make(folder: &Path, size: u64, progress: &dyn Fn(u64)) -> io::Result<()> {
    let mut writer = Writer { rng: SeededRng::seed_from_u64(size), block: vec![0; BLOCK], done: 0, progress };
    let tiny = TINY.min(size / (4 * TINY_MAX));
    let large = size.saturating_sub(tiny * TINY_MAX / 2);
    fs::create_dir_all(folder.join("tiny"))?;
    fs::create_dir_all(folder.join("an empty folder"))?;
    fs::create_dir_all(folder.join("models/deep/er"))?;
    File::create(folder.join("an empty file"))?;
    fs::write(folder.join("名前 имя.txt"), "names in any script\n")?;
    writer.file(&folder.join("models/weights.bin"), large / 2)?;
    writer.file(&folder.join("models/deep/er/optimizer.bin"), large / 4)?;
    for n in 0..4 {
        writer.file(&folder.join(format!("image-{n}.raw")), large / 16)?;
    }
    for n in 0..tiny {
        let len = u64::from(writer.rng.next_u32()) % TINY_MAX;
        writer.file(&folder.join(format!("tiny/{n:04}.json")), len)?;
    }
    script(&folder.join("run.sh"))
}

#[cfg(unix)]
fn script(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::write(path, "#!/bin/sh\necho an executable file\n")?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn script(path: &Path) -> io::Result<()> {
    fs::write(path, "echo an executable file\n")
}

struct Writer<'a> {
    rng: SeededRng,
    block: Vec<u8>,
    done: u64,
    progress: &'a dyn Fn(u64),
}

impl Writer<'_> {
    fn file(&mut self, path: &Path, mut len: u64) -> io::Result<()> {
        let mut file = File::create(path)?;
        while len > 0 {
            let now = len.min(BLOCK as u64) as usize;
            self.rng.fill_bytes(&mut self.block[..now]);
            file.write_all(&self.block[..now])?;
            len -= now as u64;
            self.done += now as u64;
            (self.progress)(self.done);
        }
        Ok(())
    }
}
