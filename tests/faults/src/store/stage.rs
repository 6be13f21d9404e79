//! What lies on the disk before a child begins to write.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use rand::{RngExt, SeedableRng, seq::SliceRandom};
use shoal_content::{ChunkIndex, Chunker, Hash};
use shoal_engine::SeededRng;
use shoal_store::{ChunkStore, Reuse, Selection, Source, Target, TargetError, TargetOptions};
use shoal_tests::files::{random, write};
use shoal_tests::gate::source;

/// What the content is called.
pub(crate) const NAME: &str = "set";

/// Small chunks, so that small trees have several.
const CHUNKER: Chunker = Chunker::FastCdc { min: 16 << 10, avg: 32 << 10, max: 64 << 10 };

/// How things are when a child begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beginning {
    /// The folder is empty.
    Fresh,
    /// Half of the chunks are in a part.
    Half,
    /// All chunks are in a part; what is left is to place them.
    Whole,
    /// Something has the final name: a file that is right, one that is not, and a stranger's.
    Taken,
}

impl Beginning {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::Fresh, Self::Half, Self::Whole, Self::Taken];

    /// Whether what stands at the final name may be replaced.
    pub(crate) fn force(self) -> bool {
        self == Self::Taken
    }
}

/// A content to be written, and the folder that it goes to.
pub(crate) struct Stage {
    /// Where the content comes from.
    pub(crate) from: PathBuf,
    /// Where it goes to.
    pub(crate) to: PathBuf,
    /// How it began.
    pub(crate) beginning: Beginning,
    /// The content.
    pub(crate) source: Source,
    /// What was at the final name from the start, by path.
    pub(crate) before: BTreeMap<String, Hash>,
    /// Chunks that were there from the start.
    pub(crate) there: Vec<ChunkIndex>,
}

impl Stage {
    /// Makes a content of this seed beneath one folder, and the beginning beneath another.
    pub(crate) fn set(scratch: &Path, to: &Path, beginning: Beginning, seed: u64) -> Result<Self, String> {
        let from = scratch.join(NAME);
        make(&from, seed);
        let source = opened(&from);
        let mut stage =
            Self { from, to: to.to_owned(), beginning, source, before: BTreeMap::new(), there: Vec::new() };
        stage.begin(seed)?;
        Ok(stage)
    }

    fn begin(&mut self, seed: u64) -> Result<(), String> {
        match self.beginning {
            Beginning::Fresh => fs::create_dir_all(&self.to).map_err(|e| e.to_string())?,
            Beginning::Half | Beginning::Whole => {
                let target = self.open().map_err(|e| e.to_string())?;
                let all = order(&target, seed);
                let some = if self.beginning == Beginning::Half { all.len() / 2 } else { all.len() };
                for chunk in &all[..some] {
                    target.write(*chunk, &self.bytes(*chunk)).map_err(|e| e.to_string())?;
                }
                target.sync().map_err(|e| e.to_string())?;
                self.there = all[..some].to_vec();
            }
            Beginning::Taken => {
                let last = self.to.join(NAME);
                let right = fs::read(self.from.join("large")).map_err(|e| e.to_string())?;
                for (name, bytes) in
                    [("large", right), ("twin", random(70_000, 99)), ("mine", b"mine".to_vec())]
                {
                    write(&last.join(name), &bytes);
                    self.before.insert(name.to_owned(), Hash::of(&bytes));
                }
            }
        }
        Ok(())
    }

    /// Opens the download in this process.
    pub(crate) fn open(&self) -> Result<Target, TargetError> {
        open(&self.source, &self.to, self.beginning.force())
    }

    /// A chunk's bytes.
    pub(crate) fn bytes(&self, chunk: ChunkIndex) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.source.read(chunk, &mut bytes).expect("the source is not touched");
        bytes
    }
}

/// Imports the content again, in a child.
pub(crate) fn opened(from: &Path) -> Source {
    source(from, CHUNKER)
}

/// Opens the download.
pub(crate) fn open(source: &Source, to: &Path, force: bool) -> Result<Target, TargetError> {
    let options =
        TargetOptions { dir: to.to_owned(), force, selection: Selection::All, reuse: Reuse::default() };
    Target::open(source.manifest().clone(), options, &|_| {}, &AtomicBool::new(false))
}

/// The chunks that are missing, in an order of the seed's.
pub(crate) fn order(target: &Target, seed: u64) -> Vec<ChunkIndex> {
    let mut missing: Vec<ChunkIndex> =
        target.wanted().difference(&target.stored()).map(|c| c as ChunkIndex).collect();
    missing.shuffle(&mut SeededRng::seed_from_u64(seed));
    missing
}

/// A tree with all that the store treats in a way of its own: large, small, empty, twice, zeros, links, private.
fn make(from: &Path, seed: u64) {
    let mut rng = SeededRng::seed_from_u64(seed);
    write(&from.join("large"), random(200_000 + rng.random_range(0..100_000), seed));
    write(&from.join("deep/er/twin"), random(70_000, seed + 1));
    write(&from.join("twin"), random(70_000, seed + 1));
    write(&from.join("zeros"), vec![0; 100_000]);
    for n in 0..rng.random_range(4..20_usize) {
        write(&from.join(format!("small/{n}")), random(n * 97, n as u64));
    }
    write(&from.join("empty"), "");
    write(&from.join("secret/key"), "a key");
    fs::create_dir_all(from.join("hollow")).expect("can be made");
    std::os::unix::fs::symlink("large", from.join("link")).expect("can be linked");
    use fs::Permissions;
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(from.join("secret/key"), Permissions::from_mode(0o600)).expect("it is ours");
}
