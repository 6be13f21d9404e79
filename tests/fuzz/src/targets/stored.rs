//! What lies on the disk from an earlier run: a download's journal, and a source that was written down.

use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, LazyLock};

use shoal_content::{
    ChunkEntry, Chunker, EntryKind, FileEntry, Hash, Manifest, ManifestBuilder, SafePath, Shape,
};
use shoal_store::{ChunkStore, Reuse, SavedSource, Selection, Source, Target, TargetOptions};

use super::input::Pieces;

const CHUNK: usize = 16 << 10;
/// The stream: a file of two and a half chunks, then one whose only chunk is like the first one.
static STREAM: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let a = [vec![1; CHUNK], vec![2; CHUNK], vec![3; CHUNK / 2]].concat();
    [a, vec![1; CHUNK]].concat()
});
/// Where the chunks lie in it.
const CHUNKS: [(usize, usize); 4] =
    [(0, CHUNK), (CHUNK, 2 * CHUNK), (2 * CHUNK, 5 * CHUNK / 2), (5 * CHUNK / 2, 7 * CHUNK / 2)];
/// Where the files lie in it.
const FILES: [(&str, usize, usize); 2] = [("a", 0, 5 * CHUNK / 2), ("d/b", 5 * CHUNK / 2, 7 * CHUNK / 2)];

static MANIFEST: LazyLock<Arc<Manifest>> = LazyLock::new(|| {
    let entry = |path: &str, size: usize| FileEntry {
        path: SafePath::new(path).expect("the path is a good one"),
        size: size as u64,
        kind: EntryKind::File { executable: false },
        private: false,
    };
    let chunk = |(start, end): (usize, usize)| ChunkEntry {
        hash: Hash::of(&STREAM[start..end]),
        length: (end - start) as u32,
    };
    let builder = ManifestBuilder {
        name: SafePath::name("t").expect("the name is a good one"),
        shape: Shape::Folder,
        chunker: Chunker::Fixed { size: CHUNK as u32 },
        private: false,
        parent: None,
        entries: FILES
            .iter()
            .map(|(path, start, end)| entry(path, end - start))
            .chain([entry("e", 0)])
            .collect(),
        chunks: CHUNKS.map(chunk).to_vec(),
    };
    Arc::new(builder.build().expect("the manifest is a good one"))
});

/// A journal beside a part: how the bytes are meant, which chunks the part really has, then the journal. Of the first byte,
/// bit 0 says that the rest are records to which header and checksums are made, each a kind and a piece; bit 1 that
/// the download goes on to its end.
///
/// Whatever a journal says: only chunks that are there count, and the end is the content.
pub(super) fn journal(bytes: &[u8]) {
    let mut pieces = Pieces::new(bytes);
    let (flags, right) = (pieces.byte(), pieces.byte());
    let journal = if flags & 1 == 0 { pieces.rest().to_vec() } else { records(pieces) };
    let dir = tempfile::tempdir().expect("there is a place for temporary files");
    let part = part_name();
    let before = put_part(&dir.path().join(&part), right);
    fs::write(dir.path().join(format!("{part}.journal")), &journal).expect("a file can be written");
    let Some(target) = open(dir.path()) else {
        let now = FILES.map(|(path, ..)| fs::read(dir.path().join(&part).join(path)).unwrap_or_default());
        assert_eq!(now, before, "a part that is not ours was changed");
        return;
    };
    assert_only_what_is_there(&target, right);
    let stored = target.stored();
    drop(target);
    let target = open(dir.path()).expect("what was opened can be opened again");
    assert_eq!(target.stored(), stored, "the second look at a part is another one");
    if flags & 2 != 0 {
        let missing: Vec<usize> = target.wanted().difference(&stored).collect();
        for chunk in missing {
            let (start, end) = CHUNKS[chunk];
            assert!(target.write(chunk as u32, &vec![9; end - start]).is_err(), "wrong bytes were taken");
            target.write(chunk as u32, &STREAM[start..end]).expect("a chunk can be written");
        }
        target.finish().expect("nothing is missing");
        for (path, start, end) in FILES {
            let there = fs::read(dir.path().join("t").join(path)).expect("the file is there");
            assert!(there == STREAM[start..end], "{path} has wrong bytes at its final place");
        }
    }
}

fn part_name() -> String {
    let key: String = MANIFEST.id().to_string().chars().skip(7).take(16).collect();
    format!("t.{key}.part")
}

/// Header and records with their checksums.
fn records(mut pieces: Pieces<'_>) -> Vec<u8> {
    let summed = |bytes: Vec<u8>| {
        let sum = Hash::of(&bytes).as_bytes()[..4].to_vec();
        [bytes, sum].concat()
    };
    let mut journal = summed([&b"shoaljnl"[..], &1u32.to_le_bytes(), &MANIFEST.id().to_bytes()].concat());
    while !pieces.is_empty() {
        let kind = pieces.byte();
        let body = pieces.piece();
        let len = (body.len() as u32).to_le_bytes();
        journal.extend(summed([&[kind][..], &len, body].concat()));
    }
    journal
}

/// Writes the part's files, with right bytes for the chunks in `right`.
fn put_part(part: &Path, right: u8) -> [Vec<u8>; 2] {
    let mut stream = STREAM.clone();
    for (chunk, (start, end)) in CHUNKS.into_iter().enumerate() {
        if right & 1 << chunk == 0 {
            stream[start + 7..end].fill(8);
        }
    }
    FILES.map(|(path, start, end)| {
        let file = part.join(path);
        fs::create_dir_all(file.parent().unwrap_or(part)).expect("a folder can be made");
        fs::write(file, &stream[start..end]).expect("a file can be written");
        stream[start..end].to_vec()
    })
}

fn open(dir: &Path) -> Option<Target> {
    let options = TargetOptions {
        dir: dir.to_owned(),
        force: false,
        selection: Selection::All,
        reuse: Reuse::default(),
    };
    Target::open(MANIFEST.clone(), options, &|_| {}, &AtomicBool::new(false)).ok()
}

fn assert_only_what_is_there(target: &Target, right: u8) {
    let is_right = |chunk: usize| right & 1 << chunk != 0;
    // The first and the last chunk are alike: either is enough.
    let there = |chunk: usize| is_right(chunk) || (matches!(chunk, 0 | 3) && (is_right(0) || is_right(3)));
    assert!(target.stored().ones().all(there), "a chunk counts that is not on the disk");
    let mut bytes = Vec::new();
    for chunk in target.have().ones() {
        target.read(chunk as u32, &mut bytes).expect("what is here can be read");
        assert_eq!(Hash::of(&bytes), MANIFEST.chunks()[chunk].hash, "a wrong chunk would be served");
    }
}

/// A saved source; behind a 1, what is in one, to which version and checksum are made.
pub(super) fn saved_source(bytes: &[u8]) {
    let mut pieces = Pieces::new(bytes);
    let saved = match pieces.byte() {
        1 => {
            let body = pieces.rest();
            [&[1][..], Hash::of(body).as_bytes(), body].concat()
        }
        _ => pieces.rest().to_vec(),
    };
    let Ok(source) = Source::reopen(&SavedSource::from_bytes(saved)) else { return };
    assert_eq!(source.have().len(), source.manifest().chunks().len());
    let again = Source::reopen(&source.save()).expect("what was reopened can be saved");
    assert_eq!(again.manifest().id(), source.manifest().id());
    assert_eq!(again.have(), source.have());
}
