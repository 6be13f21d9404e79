//! What a manifest takes in memory while it is read, against the bytes that arrive.
//!
//! It is measured by what the system says of this process, so there is one test here.

#![cfg(target_os = "linux")]

use shoal_content::{
    ChunkEntry, Chunker, EntryKind, FileEntry, Hash, Manifest, ManifestAssembler, ManifestBuilder, SafePath,
    Shape,
};

/// A reader takes at most so many times what arrives.
const TIMES: usize = 4;
/// What the allocator may keep besides, in bytes.
const BESIDES: usize = 8 << 20;
/// What a chunk takes on a page that repeats another one, in bytes. A root may have 2 Mi of them.
const REPEATED: usize = 48;

fn entry(path: String, size: u64) -> FileEntry {
    let path = SafePath::new(path).expect("a safe path");
    FileEntry { path, size, kind: EntryKind::File { executable: false }, private: false }
}

fn made(mut entries: Vec<FileEntry>, chunks: Vec<ChunkEntry>) -> Manifest {
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    let name = SafePath::name("x").expect("a safe name");
    let (shape, chunker) = (Shape::Folder, Chunker::for_size(1 << 40));
    ManifestBuilder { name, shape, chunker, private: false, parent: None, entries, chunks }
        .build()
        .expect("a valid manifest")
}

/// A line of the process's status, in bytes.
fn status(key: &str) -> usize {
    let text = std::fs::read_to_string("/proc/self/status").expect("a status");
    let line = text.lines().find_map(|line| line.strip_prefix(key)).expect("the key");
    line.trim_start_matches(':').trim().trim_end_matches(" kB").parse::<usize>().expect("a number") << 10
}

/// How much more memory reading takes at its peak, and how many bytes arrive.
fn read(manifest: Manifest) -> (usize, usize) {
    let root = manifest.block(manifest.id().root_hash()).expect("the root");
    let hashes: std::collections::BTreeSet<Hash> =
        manifest.root().file_pages.iter().chain(&manifest.root().chunk_pages).copied().collect();
    let pages: Vec<_> =
        hashes.into_iter().map(|hash| (hash, manifest.block(&hash).expect("a page"))).collect();
    let id = manifest.id();
    drop(manifest);
    let arrived = root.len() + pages.iter().map(|(_, page)| page.len()).sum::<usize>();
    // The peak counts from here on.
    std::fs::write("/proc/self/clear_refs", "5").expect("the peak can be set back");
    let before = status("VmRSS");
    let mut assembler = ManifestAssembler::new(id, &root).expect("a root");
    pages.iter().for_each(|(hash, page)| assembler.add(hash, page).expect("a page"));
    drop(assembler.finish().expect("a manifest"));
    (status("VmHWM") - before, arrived)
}

#[test]
fn memory_is_bounded_by_what_arrives() {
    let chunk = |n: u32| ChunkEntry { hash: Hash::of(&n.to_be_bytes()), length: 1 };
    let repeated = 64 * 4096;
    // Letters of which each becomes eighteen when their names are compared.
    let long = |n: u32| entry(format!("{n:06}{}", "\u{fdfa}".repeat(80)), 0);
    let cases = [
        (
            "equal chunks",
            REPEATED * repeated,
            vec![entry("a".into(), repeated as u64)],
            vec![chunk(0); repeated],
        ),
        ("different chunks", 0, vec![entry("a".into(), 100_000)], (0..100_000).map(chunk).collect()),
        ("short names", 0, (0..100_000).map(|n| entry(format!("A{n:06}"), 0)).collect(), vec![]),
        ("names that grow when folded", 0, (0..1_000).map(long).collect(), vec![]),
    ];
    for (what, more, entries, chunks) in cases {
        let (taken, arrived) = read(made(entries, chunks));
        println!("{what}: {} KiB for {} KiB", taken >> 10, arrived >> 10);
        assert!(taken <= TIMES * arrived + BESIDES + more, "{what}: {taken} bytes for {arrived}");
    }
}
