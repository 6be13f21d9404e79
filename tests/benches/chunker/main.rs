//! Ways to cut, side by side: how fast each is beside SHA-256, how large its chunks are, and how much of a
//! content moves again after an edit.
//!
//! `cargo bench -p shoal-tests --bench chunker`. Each edit makes a new version of 256 MiB of random bytes (`versions`: of
//! 1 GiB); what has to move is the bytes of chunks that the old version does not have.

mod versions;

use std::collections::HashSet;
use std::hint::black_box;
use std::time::{Duration, Instant};

use rand::{Rng, RngExt, SeedableRng};
use shoal_content::{Chunker, Hash};
use shoal_engine::SeededRng;

const SIZE: usize = 256 << 20;
const EDITS: usize = 40;
const KIB: u32 = 1 << 10;
const MIB: u32 = 1 << 20;

fn main() {
    let mut old = vec![0; SIZE];
    SeededRng::seed_from_u64(1).fill_bytes(&mut old);
    let hashing = best_of_three(|| Hash::of(&old));
    println!(
        "{SIZE} random bytes, {EDITS} edits of each kind spread over them; moved: bytes in new chunks, MiB"
    );
    println!(
        "{:<34} {:>11} {:>12} {:>12} {:>10} {:>10}",
        "", "cut ÷ sha2", "mean KiB", "largest KiB", "overwrites", "insertions"
    );
    for chunker in candidates() {
        let cutting = best_of_three(|| cut(chunker, &old));
        let lens = cut(chunker, &old);
        let mean = SIZE / lens.len() / KIB as usize;
        let largest = lens.iter().max().expect("there are chunks") / KIB as usize;
        let known = hashes(chunker, &old);
        println!(
            "{:<34} {:>11.2} {:>12} {:>12} {:>10} {:>10}",
            chunker.to_string(),
            cutting.as_secs_f64() / hashing.as_secs_f64(),
            mean,
            largest,
            moved(chunker, &known, &overwritten(&old)),
            moved(chunker, &known, &inserted(&old)),
        );
    }
    drop(old);
    versions::compare();
}

fn candidates() -> Vec<Chunker> {
    let mut all = vec![Chunker::Fixed { size: MIB }];
    for min in [128 * KIB, 256 * KIB, 512 * KIB, 768 * KIB] {
        all.push(Chunker::FastCdc { min, avg: MIB, max: 4 * MIB });
    }
    all.push(Chunker::FastCdc { min: 512 * KIB, avg: MIB, max: 2 * MIB });
    all
}

fn best_of_three<T>(mut work: impl FnMut() -> T) -> Duration {
    let time = |_| {
        let start = Instant::now();
        black_box(work());
        start.elapsed()
    };
    (0..3).map(time).min().expect("three times")
}

fn cut(chunker: Chunker, bytes: &[u8]) -> Vec<usize> {
    let mut rest = bytes;
    let mut lens = Vec::new();
    while !rest.is_empty() {
        let len = chunker.cut(rest);
        lens.push(len);
        rest = &rest[len..];
    }
    lens
}

pub(crate) fn hashes(chunker: Chunker, bytes: &[u8]) -> HashSet<Hash> {
    chunks(chunker, bytes).map(Hash::of).collect()
}

fn chunks(chunker: Chunker, bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut at = 0;
    cut(chunker, bytes).into_iter().map(move |len| {
        at += len;
        &bytes[at - len..at]
    })
}

/// MiB of chunks that are not known yet.
pub(crate) fn moved(chunker: Chunker, known: &HashSet<Hash>, new: &[u8]) -> usize {
    let unknown = chunks(chunker, new).filter(|chunk| !known.contains(&Hash::of(chunk)));
    unknown.map(<[u8]>::len).sum::<usize>() >> 20
}

/// Some stretches of 4 KiB changed in place.
fn overwritten(old: &[u8]) -> Vec<u8> {
    let mut rng = SeededRng::seed_from_u64(2);
    let mut new = old.to_vec();
    for _ in 0..EDITS {
        let at = rng.random_range(0..new.len() - 4096);
        rng.fill_bytes(&mut new[at..at + 4096]);
    }
    new
}

/// Some hundred bytes put in between.
fn inserted(old: &[u8]) -> Vec<u8> {
    let mut rng = SeededRng::seed_from_u64(3);
    let mut places: Vec<usize> = (0..EDITS).map(|_| rng.random_range(0..old.len())).collect();
    places.sort_unstable();
    let mut new = Vec::with_capacity(old.len() + EDITS * 100);
    let mut before = 0;
    for place in places {
        new.extend_from_slice(&old[before..place]);
        new.extend((0..100).map(|_| rng.random::<u8>()));
        before = place;
    }
    new.extend_from_slice(&old[before..]);
    new
}
