//! Changes bytes as a fuzzer does, but the same way for the same seed.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Nothing that it makes is longer, in bytes.
const LONGEST: usize = 16 << 10;
/// Bytes at which lengths, kinds and signs change: heads of CBOR, limits of varints, what paths and texts are made of.
const EDGES: [u8; 24] = [
    0x00, 0x01, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x20, 0x2e, 0x2f, 0x40, 0x58, 0x5c, 0x60, 0x7f, 0x80, 0x9f,
    0xa0, 0xa1, 0xbf, 0xc2, 0xe2, 0xf6, 0xff,
];

/// Makes new inputs of old ones.
#[derive(Debug)]
pub struct Mutator {
    rng: ChaCha8Rng,
}

impl Mutator {
    /// One that always makes the same of the same.
    pub fn new(seed: u64) -> Self {
        Self { rng: ChaCha8Rng::seed_from_u64(seed) }
    }

    /// One of the corpus, changed in one to four places.
    pub fn mutate(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = self.pick(corpus).to_vec();
        for _ in 0..self.rng.random_range(1..=4) {
            self.change(&mut bytes, corpus);
        }
        bytes.truncate(LONGEST);
        bytes
    }

    fn pick<'a>(&mut self, corpus: &'a [Vec<u8>]) -> &'a [u8] {
        if corpus.is_empty() { &[] } else { &corpus[self.rng.random_range(0..corpus.len())] }
    }

    fn change(&mut self, bytes: &mut Vec<u8>, corpus: &[Vec<u8>]) {
        let at = self.rng.random_range(0..=bytes.len());
        let len = self.rng.random_range(0..=(bytes.len() - at).min(16));
        match self.rng.random_range(0..8) {
            0 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << (at % 8)),
            1 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = byte.wrapping_add(1)),
            2 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = byte.wrapping_sub(1)),
            3 => {
                let edge = EDGES[self.rng.random_range(0..EDGES.len())];
                bytes.splice(at..at + len.min(1), [edge]);
            }
            4 => drop(bytes.drain(at..at + len)),
            5 => {
                let again = bytes[at..at + len].to_vec();
                bytes.splice(at..at, again);
            }
            6 => {
                let mut some = vec![0; len];
                self.rng.fill_bytes(&mut some);
                bytes.splice(at..at + len, some);
            }
            _ => {
                let other = self.pick(corpus).to_vec();
                let from = self.rng.random_range(0..=other.len());
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_and_another_one_something_else() {
        let corpus = [b"one of them".to_vec(), b"another".to_vec()];
        let some = |seed| {
            let mut mutator = Mutator::new(seed);
            (0..50).map(|_| mutator.mutate(&corpus)).collect::<Vec<_>>()
        };
        assert_eq!(some(1), some(1));
        assert_ne!(some(1), some(2));
        assert!(some(1).iter().filter(|made| !corpus.contains(made)).count() > 40);
    }
}
