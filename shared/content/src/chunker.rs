//! How a stream is cut into chunks.
//!
//! Content-defined cutting is FastCDC (Xia et al., "The Design of Fast Content-Defined Chunking for Data
//! Deduplication Based Storage Systems", IEEE TPDS 2020) with normalisation level 1, as the crate
//! `fastcdc` implements it in its `v2020` module. Cut points depend on the bytes and the parameters
//! alone, so the same input has the same chunks on every machine.

use std::fmt;
use std::str::FromStr;

use fastcdc::v2020::{self, Normalization};
use serde::{Deserialize, Serialize};

/// The largest chunk that any manifest may have: 16 MiB. Buffers are bounded by it.
pub const MAX_CHUNK: u32 = 16 << 20;
/// The smallest size that may be chosen for chunks (except the last of a run): 16 KiB.
const MIN_CHUNK: u32 = 16 << 10;

/// A file of at least this many bytes starts a chunk of its own; smaller ones share chunks with their neighbours. It
/// does not depend on the chunker, so that a folder that grows is packed as before.
pub const PACKED_BELOW: u64 = 64 << 10;
/// The averages of [`Chunker::for_size`]: contents of fewer bytes than the first number are cut into chunks of the second.
const AVERAGES: [(u64, u32); 3] = [(256 << 20, 128 << 10), (256 << 30, 256 << 10), (u64::MAX, 1 << 20)];

/// The rule by which a stream is cut; part of the manifest, so that a new version can be cut alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Chunker {
    /// Every chunk has this many bytes, except the last of a run.
    #[serde(rename = "fixed")]
    Fixed {
        /// Bytes, 16 KiB to 16 MiB.
        size: u32,
    },
    /// Content-defined; sizes in bytes, even numbers, `min <= avg <= max`.
    #[serde(rename = "fastcdc")]
    FastCdc {
        /// Average size.
        avg: u32,
        /// Largest size.
        max: u32,
        /// Smallest size, except at the end of a run.
        min: u32,
    },
}

/// Why a chunker is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChunkerError {
    /// Sizes out of bounds or order.
    #[error("chunk sizes must be between 16 KiB and 16 MiB; for fastcdc even, and in the order MIN:AVG:MAX")]
    Sizes,
    /// A text that names no chunker.
    #[error(
        "unknown chunker '{0}': use fastcdc:MIN:AVG:MAX or fixed:SIZE (such as fixed:1MiB or fixed:256000)"
    )]
    Unknown(String),
}

impl Chunker {
    /// What `share` uses for a content of `size` bytes unless told otherwise: 128 KiB on average below 256 MiB,
    /// 256 KiB below 256 GiB, 1 MiB above; at least half of that, at most four times.
    ///
    /// A chunk is passed on once it is here as a whole, so many small ones spread sooner through a swarm than a
    /// few large ones (`cargo bench -p shoal-tests --bench swarm`), and an edit moves fewer bytes. But each has a place in
    /// the chunk table, and a folder that grows over a boundary shares no chunk with its older version, unless that
    /// version's chunker is kept. `cargo bench -p shoal-tests --bench chunker` compares.
    /// The minimum: bytes below it are not looked at, so half the average makes cutting cheaper, at next to no loss
    /// of reuse.
    pub fn for_size(size: u64) -> Self {
        let (_, avg) = AVERAGES.into_iter().find(|(below, _)| size < *below).unwrap_or(AVERAGES[2]);
        Self::FastCdc { min: avg / 2, avg, max: avg * 4 }
    }

    /// Checks the bounds that the type cannot express.
    pub fn check(&self) -> Result<(), ChunkerError> {
        let fits = |n: u32| (MIN_CHUNK..=MAX_CHUNK).contains(&n) && n.is_multiple_of(2);
        let ok = match *self {
            Self::Fixed { size } => (MIN_CHUNK..=MAX_CHUNK).contains(&size),
            Self::FastCdc { min, avg, max } => {
                fits(min) && fits(avg) && fits(max) && min <= avg && avg <= max
            }
        };
        if ok { Ok(()) } else { Err(ChunkerError::Sizes) }
    }

    /// No chunk is shorter, in bytes, except the last of a run.
    pub const fn min_size(&self) -> u32 {
        match *self {
            Self::Fixed { size } => size,
            Self::FastCdc { min, .. } => min,
        }
    }

    /// No chunk is longer, in bytes.
    pub const fn max_size(&self) -> u32 {
        match *self {
            Self::Fixed { size } => size,
            Self::FastCdc { max, .. } => max,
        }
    }

    /// The length of the next chunk at the start of `window`: 0 only if the window is empty. Unless the
    /// window reaches the end of the run, it must hold at least [`max_size`](Self::max_size) bytes.
    pub fn cut(&self, window: &[u8]) -> usize {
        match *self {
            Self::Fixed { size } => window.len().min(size as usize),
            Self::FastCdc { min, avg, max } => {
                let (mask_s, mask_l) = v2020::select_masks(avg as usize, Normalization::Level1);
                let (min, avg, max) = (min as usize, avg as usize, max as usize);
                v2020::cut(window, min, avg, max, mask_s, mask_l, mask_s << 1, mask_l << 1).1
            }
        }
    }
}

impl fmt::Display for Chunker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed { size } => write!(f, "fixed:{size}"),
            Self::FastCdc { min, avg, max } => write!(f, "fastcdc:{min}:{avg}:{max}"),
        }
    }
}

/// Reads `fastcdc:MIN:AVG:MAX` or `fixed:BYTES`.
impl FromStr for Chunker {
    type Err = ChunkerError;

    fn from_str(text: &str) -> Result<Self, ChunkerError> {
        let unknown = || ChunkerError::Unknown(text.to_owned());
        let number = |t: &str| t.parse::<u32>().map_err(|_| unknown());
        let parts: Vec<_> = text.split(':').collect();
        let chunker = match parts.as_slice() {
            ["fastcdc", min, avg, max] => {
                Self::FastCdc { min: number(min)?, avg: number(avg)?, max: number(max)? }
            }
            ["fixed", size] => Self::Fixed { size: number(size)? },
            _ => return Err(unknown()),
        };
        chunker.check().map(|()| chunker)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::{RngExt, SeedableRng};

    fn random(len: usize, seed: u64) -> Vec<u8> {
        let mut bytes = vec![0; len];
        rand_chacha::ChaCha8Rng::seed_from_u64(seed).fill(&mut bytes[..]);
        bytes
    }

    fn cuts(chunker: Chunker, mut rest: &[u8]) -> Vec<usize> {
        let mut all = vec![];
        while !rest.is_empty() {
            let len = chunker.cut(rest);
            all.push(len);
            rest = &rest[len..];
        }
        all
    }

    #[test]
    fn the_average_jumps_twice_and_up_to_a_tebibyte_there_are_about_a_million_chunks() {
        let average = |size| match Chunker::for_size(size) {
            Chunker::FastCdc { min, avg, max } => {
                assert!(Chunker::for_size(size).check().is_ok() && min * 2 == avg && avg * 4 == max);
                avg >> 10
            }
            Chunker::Fixed { .. } => unreachable!("content-defined"),
        };
        assert_eq!([0, 1, (256 << 20) - 1].map(average), [128; 3]);
        assert_eq!([256 << 20, 1 << 30, (256 << 30) - 1].map(average), [256; 3]);
        assert_eq!([256 << 30, 1 << 40, u64::MAX].map(average), [1024; 3]);
    }

    /// Ids depend on these numbers. If this test fails, the format has changed.
    #[test]
    fn cut_points_are_frozen() {
        assert_eq!(cuts(Chunker::for_size(1 << 40), &random(6 << 20, 1)), FROZEN);
        assert_eq!(cuts(Chunker::for_size(1 << 40), &vec![0; 9 << 20]), [4 << 20, 4 << 20, 1 << 20]);
    }
    const FROZEN: [usize; 6] = [1_343_141, 1_250_193, 1_282_346, 1_089_726, 698_068, 627_982];

    #[test]
    fn an_insertion_moves_few_cuts() {
        let small = Chunker::FastCdc { min: 16 << 10, avg: 32 << 10, max: 128 << 10 };
        let before = random(4 << 20, 2);
        let mut after = before.clone();
        after.splice(1_000_000..1_000_000, [7; 100]);
        let hashes = |bytes: &[u8]| -> std::collections::BTreeSet<_> {
            let mut at = 0;
            cuts(small, bytes)
                .iter()
                .map(|l| {
                    at += l;
                    crate::Hash::of(&bytes[at - l..at])
                })
                .collect()
        };
        let (before, after) = (hashes(&before), hashes(&after));
        assert!(after.difference(&before).count() <= 4);
    }

    #[test]
    fn texts_round_trip_and_bounds_are_checked() {
        for text in ["fixed:256000", "fastcdc:16384:32768:65536"] {
            assert_eq!(text.parse::<Chunker>().unwrap().to_string(), text);
        }
        for text in ["fixed:1", "fixed:99999999", "fastcdc:3:2:1", "fastcdc:16385:32768:65536"] {
            assert_eq!(text.parse::<Chunker>(), Err(ChunkerError::Sizes), "{text}");
        }
        assert!(matches!("rabin".parse::<Chunker>(), Err(ChunkerError::Unknown(_))));
    }

    proptest! {
        #[test]
        fn cuts_cover_the_stream_within_bounds(len in 0usize..600_000, seed: u64, fixed: bool) {
            let chunker = if fixed { Chunker::Fixed { size: 20_000 } }
                else { Chunker::FastCdc { min: 16 << 10, avg: 32 << 10, max: 64 << 10 } };
            let all = cuts(chunker, &random(len, seed));
            prop_assert_eq!(all.iter().sum::<usize>(), len);
            let (max, min) = (chunker.max_size() as usize, chunker.min_size() as usize);
            prop_assert!(all.iter().all(|l| *l <= max));
            prop_assert!(all.iter().rev().skip(1).all(|l| *l >= min));
        }
    }
}
