//! A source that changes after it was hashed.

use std::fs::{self, File, FileTimes};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rand::{RngExt, SeedableRng};
use shoal_content::Ticket;
use shoal_engine::SeededRng;
use shoal_tests::disk::Disk;
use shoal_tests::eventually;
use shoal_tests::files::{random, write};
use shoal_tests::process::{get, share};

use super::world::{CHUNK, CHUNKER, World, well};
use crate::tools::{no_mounts, no_program};
use crate::{Card, Fault, Runs, Strike};

const CHUNKS: usize = 16;
/// Stamps that are older than this are trusted, also those of whole seconds.
const TRUSTED: Duration = Duration::from_millis(2200);
/// Blocks of a small ext4 are of this size or a multiple of it, in bytes.
const BLOCK: usize = 1 << 10;
/// So that the rotten one is asked for most, and the other one for some.
const RATES: [&str; 2] = ["1MB", "400KB"];

/// What becomes of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SourceChange {
    /// It loses its end.
    Truncated,
    /// Another one takes its place, of the same size and time of change.
    Replaced,
    /// It is removed.
    Removed,
    /// One bit of it turns on the disk, of which no time stamp tells.
    BitFlipped,
}

/// One of two seeds has a file that is not what it was any more.
pub(crate) struct ChangedSource(pub(crate) SourceChange);

impl Fault for ChangedSource {
    fn name(&self) -> &'static str {
        match self.0 {
            SourceChange::Truncated => "source_truncated",
            SourceChange::Replaced => "source_replaced",
            SourceChange::Removed => "source_removed",
            SourceChange::BitFlipped => "source_bit_flipped",
        }
    }

    fn card(&self) -> Card {
        let (fault, injected) = match self.0 {
            SourceChange::Truncated => ("a shared file loses its end", "cut after it was hashed"),
            SourceChange::Replaced => (
                "a shared file is replaced by another of the same size and time",
                "renamed over it, its time set back",
            ),
            SourceChange::Removed => ("a shared file is removed", "removed after it was hashed"),
            SourceChange::BitFlipped => (
                "one bit of a shared file turns at rest",
                "turned in the image of the disk, beneath the file system",
            ),
        };
        let expected = "no wrong byte is stored; the other seed is enough; what shows in a stamp is withdrawn by its seed";
        Card { promises: "1, 5, 7", fault, injected, expected }
    }

    fn runs(&self) -> Runs {
        Runs { few: 2, many: 50 }
    }

    fn missing(&self) -> Option<String> {
        let flips = self.0 == SourceChange::BitFlipped;
        flips.then(|| no_mounts().or_else(|| no_program("mkfs.ext4", "-V"))).flatten()
    }

    fn run(&self, seed: u64) -> Result<Strike, String> {
        let mut rng = SeededRng::seed_from_u64(seed);
        let world = World::new(CHUNKS, seed)?;
        let disk = (self.0 == SourceChange::BitFlipped).then(|| Disk::with_a_plug(48 << 20));
        let folder = disk.as_ref().map_or(world.scratch(), Disk::path).join("rotten/set");
        let file = folder.join("file");
        let bytes = random(CHUNK * CHUNKS, seed);
        write(&file, &bytes);
        grows_old(&file)?;
        let more = |rate| ["--chunker", CHUNKER, "--limit-up", rate];
        let (mut rotten, ticket) = share(&folder, &more(RATES[0]));
        let (_good, other) = share(&world.from, &more(RATES[1]));
        let at = rng.random_range(0..bytes.len());
        self.change(&file, &bytes, at, disk.as_ref())?;
        let both = with_peers_of(&ticket, &other)?;
        let got = well(get(&both, &world.to, &[]).end())?;
        world.arrived()?;
        if got.stderr.contains("panicked") || rotten.count("panicked") > 0 || !rotten.is_running() {
            return Err(format!("the seed: {}", rotten.errors()));
        }
        // What shows in a stamp is not even sent, so nobody has to be blamed for it.
        if self.0 != SourceChange::BitFlipped && got.stderr.contains("banned") {
            return Err(format!("wrong bytes were sent: {}", got.stderr));
        }
        Ok(Strike::of(rotten.count("no longer served") > 0 || got.stderr.contains("banned")))
    }
}

impl ChangedSource {
    fn change(&self, path: &Path, bytes: &[u8], at: usize, disk: Option<&Disk>) -> Result<(), String> {
        let done = match self.0 {
            SourceChange::Truncated => {
                File::options().write(true).open(path).and_then(|f| f.set_len(at as u64 / 2))
            }
            SourceChange::Removed => fs::remove_file(path),
            SourceChange::Replaced => replace(path, bytes),
            SourceChange::BitFlipped => disk.map_or(Ok(()), |disk| flip(disk, path, bytes, at)),
        };
        done.map_err(|e| e.to_string())
    }
}

/// Waits until a file is old enough for its stamp to be trusted: a younger one is hashed again whatever its stamp says, and
/// that the stamp is compared would not be put to the test.
fn grows_old(file: &Path) -> Result<(), String> {
    let changed = fs::metadata(file).and_then(|meta| meta.modified()).map_err(|e| e.to_string())?;
    eventually("the file is old", || {
        let age = SystemTime::now().duration_since(changed).ok()?;
        (age > TRUSTED).then_some(())
    });
    Ok(())
}

fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let time = fs::metadata(path)?.modified()?;
    let other: Vec<u8> = bytes.iter().map(|byte| byte ^ 1).collect();
    let new = path.with_extension("new");
    fs::write(&new, other)?;
    File::options().write(true).open(&new)?.set_times(FileTimes::new().set_modified(time))?;
    fs::rename(new, path)
}

/// Turns a bit in the image, where the chunk's bytes lie there, and has the system forget what it has in memory.
fn flip(disk: &Disk, path: &Path, bytes: &[u8], at: usize) -> std::io::Result<()> {
    disk.sync();
    let image = File::options().read(true).write(true).open(disk.image())?;
    let all = fs::read(disk.image())?;
    let block = at / BLOCK * BLOCK;
    let wanted = &bytes[block..block + BLOCK];
    let place = all.chunks_exact(BLOCK).position(|chunk| chunk == wanted);
    let place =
        place.ok_or_else(|| std::io::Error::other("the file is not in the image"))? * BLOCK + at % BLOCK;
    image.write_all_at(&[bytes[at] ^ 1], place as u64)?;
    let file = File::open(path)?;
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed)?;
    let mut now = [0];
    file.read_exact_at(&mut now, at as u64)?;
    if now[0] == bytes[at] ^ 1 { Ok(()) } else { Err(std::io::Error::other("the bit has not turned")) }
}

/// The first ticket, with the addresses of the second one too.
fn with_peers_of(ticket: &str, other: &str) -> Result<String, String> {
    let parse = |text: &str| text.parse::<Ticket>().map_err(|e| e.to_string());
    let (mut both, other) = (parse(ticket)?, parse(other)?);
    if both.content != other.content {
        return Err("the two seeds have different contents".into());
    }
    both.peers.extend(other.peers);
    Ok(both.to_string())
}
