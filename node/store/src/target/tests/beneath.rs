//! Whatever paths a manifest has, and whatever others do to the folders meanwhile, all stays beneath the target folder. The
//! kernel is the judge: `openat2` with `RESOLVE_BENEATH` and `RESOLVE_NO_SYMLINKS`.

use std::sync::atomic::AtomicU32;
use std::thread;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};
use rustix::io::Errno;
use shoal_content::{
    ChunkEntry, Chunker, EntryKind, FileEntry, LinkTarget, ManifestBuilder, SafePath, Shape,
};

use super::*;

/// What hostile paths are made of.
const COMPONENTS: [&str; 22] = [
    "a", "b", "a.txt", "A", "..", ".", "", " ", "...", ".. ", "..a", "é", "e\u{301}", "C:", "con",
    "a\\..\\b", "..\\x", "\u{202e}", "a\0b", "t", "名前", "x y",
];

/// A path of some components, or an absolute one.
fn hostile(rng: &mut SmallRng) -> String {
    let count = rng.random_range(1..=4);
    // Mostly plain ones, or nothing would be let through.
    let some = (0..count).map(|_| {
        let from = if rng.random_range(0..4) == 0 { COMPONENTS.len() } else { 4 };
        COMPONENTS[rng.random_range(0..from)]
    });
    let path = some.collect::<Vec<_>>().join("/");
    if rng.random_range(0..20) == 0 { format!("/{path}") } else { path }
}

/// An entry, if the checks of paths let it through.
fn entry(rng: &mut SmallRng) -> Option<FileEntry> {
    let path = SafePath::new(hostile(rng)).ok()?;
    let kind = match rng.random_range(0..6) {
        0 => EntryKind::Folder,
        1 => {
            let up = "../".repeat(rng.random_range(0..4));
            EntryKind::Link(LinkTarget::new(&path, up + &hostile(rng)).ok()?)
        }
        _ => EntryKind::File { executable: rng.random() },
    };
    let size = if matches!(kind, EntryKind::File { .. }) { rng.random_range(0..300) } else { 0 };
    let private = kind == EntryKind::Folder && rng.random();
    Some(FileEntry { path, size, kind, private })
}

/// A manifest of hostile entries and the bytes of its only chunk, if the manifest's checks let it through.
fn manifest(rng: &mut SmallRng) -> Option<(Manifest, Vec<u8>)> {
    let mut entries: Vec<FileEntry> =
        (0..rng.random_range(1..6)).map(|_| entry(rng)).collect::<Option<_>>()?;
    entries.sort_by(|one, other| one.path.cmp(&other.path));
    let bytes = random(entries.iter().map(|entry| entry.size as usize).sum(), 1);
    let chunk = ChunkEntry { hash: Hash::of(&bytes), length: bytes.len() as u32 };
    let builder = ManifestBuilder {
        name: SafePath::name(hostile(rng)).ok()?,
        shape: Shape::Folder,
        chunker: Chunker::Fixed { size: 16 << 10 },
        private: false,
        parent: None,
        entries,
        chunks: if bytes.is_empty() { vec![] } else { vec![chunk] },
    };
    Some((builder.build().ok()?, bytes))
}

/// Whether the kernel finds something at a path without leaving `dir` and without following a link.
fn lies_beneath(dir: &File, path: &Path) -> Result<bool, Errno> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
    // The last component may be a link: it is looked at and not followed.
    match openat2(dir, path, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty(), resolve) {
        Ok(_) => Ok(true),
        Err(Errno::NOSYS | Errno::PERM) => Err(Errno::NOSYS),
        Err(_) => Ok(false),
    }
}

/// Whether a link leads out of `dir`, wherever it may lead inside.
fn leads_out(dir: &File, path: &Path) -> bool {
    let followed = openat2(dir, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), ResolveFlags::BENEATH);
    followed.err() == Some(Errno::XDEV)
}

#[test]
fn whatever_a_manifest_may_hold_lies_beneath_the_target_folder() {
    let outer = tempdir().unwrap();
    if lies_beneath(&File::open(outer.path()).unwrap(), Path::new(".")).is_err() {
        return eprintln!("skipped: this kernel has no openat2, or it is not allowed here");
    }
    put(outer.path(), "beside", b"precious");
    let mut rng = SmallRng::seed_from_u64(7);
    let (mut accepted, mut refused, mut links) = (0, 0, 0);
    while accepted < 300 {
        let Some((manifest, bytes)) = manifest(&mut rng) else {
            refused += 1;
            continue;
        };
        accepted += 1;
        let dir = outer.path().join("in");
        let manifest = Arc::new(manifest);
        let target = Target::open(manifest.clone(), to(&dir), &|_| {}, &AtomicBool::new(false)).unwrap();
        missing(&target).into_iter().for_each(|chunk| drop(target.write(chunk, &bytes).unwrap()));
        target.finish().unwrap();
        let (top, content) = (File::open(&dir).unwrap(), File::open(target.path()).unwrap());
        for entry in manifest.entries() {
            let path = Path::new(manifest.name().as_str()).join(entry.path.as_str());
            assert_eq!(lies_beneath(&top, &path), Ok(true), "{path:?}");
            if let EntryKind::Link(_) = entry.kind {
                links += 1;
                assert!(!leads_out(&content, Path::new(entry.path.as_str())), "{entry:?}");
            }
        }
        assert_eq!(names(&dir), [manifest.name().as_str()], "something beside the content");
        fs::remove_dir_all(&dir).unwrap();
        assert_eq!(names(outer.path()), ["beside"], "something beside the target folder");
    }
    assert!(refused > 100 && links > 10, "{refused} refused, {links} links");
}

/// Somebody who may write to the folder puts links where folders were, and folders back, all the time.
#[test]
fn folders_that_are_swapped_for_links_meanwhile_lead_nowhere() {
    const SWAPS: u32 = 4000;
    let (_from, source) = shared_mixed();
    let outside = tempdir().unwrap();
    put(outside.path(), "large.bin", &random(300_000, 9));
    put(outside.path(), "er/large.bin", &random(150_001, 9));
    (0..40).for_each(|n| put(outside.path(), &format!("{n}.txt"), b"precious"));
    let before = snapshot(outside.path());
    let swaps = AtomicU32::new(0);
    let mut done = 0;
    while swaps.load(Ordering::Relaxed) < SWAPS || done < 3 {
        let dir = tempdir().unwrap();
        let stop = AtomicBool::new(false);
        let places = [part(dir.path(), &source), dir.path().join("t")];
        thread::scope(|scope| {
            scope.spawn(|| swap(&places, outside.path(), &stop, &swaps));
            let _stopped = StopAtEnd(&stop);
            let outcome = try_open(&source, to(dir.path())).map(|target| {
                for chunk in missing(&target) {
                    let _ = target.write(chunk, &self::chunk(&source, chunk));
                }
                check_what_can_be_read(&target);
                let _ = target.finish();
                check_what_can_be_read(&target);
            });
            done += usize::from(outcome.is_ok());
        });
        assert_eq!(snapshot(outside.path()), before, "somebody else's files were changed");
    }
}

/// Ends what goes by it, also when the test fails: its thread is waited for.
struct StopAtEnd<'a>(&'a AtomicBool);

impl Drop for StopAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Puts a link in the place of each folder and the folder back, until told to stop.
fn swap(places: &[PathBuf], outside: &Path, stop: &AtomicBool, swaps: &AtomicU32) {
    while !stop.load(Ordering::Relaxed) {
        for folder in places.iter().flat_map(|place| ["small", "deep", "bin"].map(|name| place.join(name))) {
            let aside = folder.with_extension("aside");
            if fs::rename(&folder, &aside).is_ok() && symlink(outside, &folder).is_ok() {
                swaps.fetch_add(1, Ordering::Relaxed);
                thread::yield_now();
                let _ = fs::remove_file(&folder);
            }
            let _ = fs::rename(&aside, &folder);
        }
    }
}

/// Reading may fail, but never gives other bytes.
fn check_what_can_be_read(target: &Target) {
    let mut bytes = Vec::new();
    for chunk in target.have().ones() {
        if target.read(chunk as u32, &mut bytes).is_ok() {
            assert_eq!(Hash::of(&bytes), target.manifest().chunks()[chunk].hash);
        }
    }
}
