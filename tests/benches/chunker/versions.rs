//! How large chunks should be on average: what moves again after edits of 1 GiB, what a folder that grows over a boundary of
//! [`Chunker::for_size`] shares with itself, and what the chunk table of 1 TiB takes.

use rand::{Rng, RngExt, SeedableRng};
use shoal_content::Chunker;
use shoal_engine::SeededRng;

use super::{hashes, moved};

const MIB: usize = 1 << 20;
const SIZE: usize = 1 << 30;
/// What the memory of a reader holds for each chunk: hash and length.
const ENTRY: u64 = 36;

/// Average sizes, in KiB.
const AVERAGES: [u32; 4] = [128, 256, 512, 1024];

fn of_average(kib: u32) -> Chunker {
    let avg = kib << 10;
    Chunker::FastCdc { min: avg / 2, avg, max: avg * 4 }
}

/// Prints the tables.
pub(crate) fn compare() {
    println!("\n1 GiB of random bytes in one file; moved: bytes in new chunks, MiB");
    println!(
        "{:<26} {:>11} {:>13} {:>13} {:>12} {:>16}",
        "", "10 x 1 MiB", "100 x 100 KiB", "1000 x 4 KiB", "in front", "MiB a TiB needs"
    );
    let mut bytes = vec![0; SIZE];
    SeededRng::seed_from_u64(1).fill_bytes(&mut bytes);
    for kib in AVERAGES {
        let chunker = of_average(kib);
        let known = hashes(chunker, &bytes);
        let after = |count, len| moved(chunker, &known, &overwritten(&bytes, count, len));
        let in_front = [&[7; 1000][..], &bytes].concat();
        println!(
            "{:<26} {:>11} {:>13} {:>13} {:>12} {:>16}",
            chunker.to_string(),
            after(10, MIB),
            after(100, 100 << 10),
            after(1000, 4 << 10),
            moved(chunker, &known, &in_front),
            (1_u64 << 40) / SIZE as u64 * known.len() as u64 * ENTRY / MIB as u64,
        );
    }
    println!(
        "\ngrowth, cut by `for_size` each time; moved: MiB, with the older version's chunker in parentheses"
    );
    for (before, after) in [(250, 255), (255, 257), (1023, 1025), (2047, 2049)] {
        grown(&mut bytes, before, after);
    }
}

/// The bytes, some stretches of which were changed in place.
fn overwritten(bytes: &[u8], count: usize, len: usize) -> Vec<u8> {
    let mut rng = SeededRng::seed_from_u64(2);
    let mut new = bytes.to_vec();
    for _ in 0..count {
        let at = rng.random_range(0..new.len() - len);
        rng.fill_bytes(&mut new[at..at + len]);
    }
    new
}

/// One file that grows from so many MiB to so many.
fn grown(bytes: &mut Vec<u8>, before: usize, after: usize) {
    bytes.resize(after * MIB, 0);
    SeededRng::seed_from_u64(3).fill_bytes(bytes);
    let chunker = |mib: usize| Chunker::for_size((mib * MIB) as u64);
    let known = hashes(chunker(before), &bytes[..before * MIB]);
    println!(
        "{before:>5} to {after:>5} MiB: {:>5} ({})",
        moved(chunker(after), &known, bytes),
        moved(chunker(before), &known, bytes)
    );
}
