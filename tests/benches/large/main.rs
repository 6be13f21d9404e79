//! A content of 1 TiB, made up: what its tables take, how long a node needs to begin with it, and what a choice costs.
//!
//! `cargo bench -p shoal-tests --bench large`. The manifest has as many chunks as [`Chunker::for_size`] would make. Almost all
//! of their hashes are random; the first few chunks have bytes, which are stored, and found again by a second start. The choice of
//! chunks is that of a getter with fifty neighbours that have half of the chunks each, beside the same for 1 GiB.
//! `TMPDIR` says where the file lies; it is sparse.
//!
//! What this is not: a transfer. No byte goes over a network.

mod choice;
mod content;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use shoal_content::{ContentId, Manifest, ManifestAssembler};
use shoal_store::{Reuse, Selection, Target, TargetOptions};
use shoal_tests::proc::peak_resident;

use self::content::{TIB, bytes, made_up};

/// So many chunks are stored before the second start.
const STORED: u32 = 64;

fn main() {
    let manifest = timed("made by the node that shares it", || made_up(TIB, STORED));
    println!(
        "1 TiB: {} chunks, {} KiB of manifest",
        manifest.chunks().len(),
        blocks(&manifest).map(|block| block.len()).sum::<usize>() >> 10
    );
    let id = manifest.id();
    let wire: Vec<Vec<u8>> = blocks(&manifest).collect();
    drop(manifest);
    let manifest = Arc::new(timed("read by the node that gets it", || received(id, &wire)));
    drop(wire);
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let open = || {
        let dir = scratch.path().to_owned();
        let options = TargetOptions { dir, force: false, selection: Selection::All, reuse: Reuse::default() };
        Target::open(manifest.clone(), options, &|_| {}, &AtomicBool::new(false)).expect("can be opened")
    };
    let target = timed("opened", open);
    timed("some chunks stored and synced", || {
        (0..STORED).for_each(|chunk| {
            target.write(chunk, &bytes(chunk, manifest.chunks()[chunk as usize].length)).expect("they match");
        });
        target.sync().expect("can be synced");
    });
    drop(target);
    let target = timed("opened again", open);
    assert_eq!(target.stored().count_ones(..), STORED as usize, "what was stored is found again");
    println!("resident at most, so far: {} MiB", peak() >> 20);

    let small = choice::cost(&made_up(1 << 30, 0), target.stored().count_ones(..));
    let large = choice::cost(&manifest, target.stored().count_ones(..));
    println!("a chunk chosen and stored: {small:.2?} of 1 GiB, {large:.2?} of 1 TiB, with fifty neighbours");
    println!("resident at most: {} MiB (aim: at most 200)", peak() >> 20);
}

fn peak() -> u64 {
    peak_resident(std::process::id())
}

fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let done = work();
    let took: Duration = start.elapsed();
    println!("{what}: {took:.2?}");
    done
}

/// The blocks of a manifest, the root first.
fn blocks(manifest: &Manifest) -> impl Iterator<Item = Vec<u8>> {
    let root = manifest.root();
    let hashes = [*manifest.id().root_hash()]
        .into_iter()
        .chain(root.file_pages.clone())
        .chain(root.chunk_pages.clone());
    hashes.map(|hash| manifest.block(&hash).expect("it has its blocks"))
}

fn received(id: ContentId, blocks: &[Vec<u8>]) -> Manifest {
    let (root, pages) = blocks.split_first().expect("there is a root");
    let mut assembler = ManifestAssembler::new(id, root).expect("a root");
    pages.iter().for_each(|page| {
        assembler.add(&shoal_content::Hash::of(page), page).expect("a page");
    });
    assembler.finish().expect("all is there")
}
