//! Which chunks a peer has, or has got since it last said so.

use serde::{Deserialize, Serialize};

use super::frame::FrameError;
use shoal_content::{ChunkIndex, ChunkSet, MAX_CHUNKS};

/// The most bytes of bits in one [`Have`]: 32 KiB, 262 144 chunks. A larger map takes several messages.
pub const MAX_WINDOW_BYTES: usize = 32 << 10;
/// The most windows in one [`Have`].
const MAX_WINDOWS: usize = 1024;
/// A gap of more zero bytes than this starts a new window: about what a window costs.
const GAP: usize = 16;

/// Chunks that a peer has. It only ever adds to what the peer said before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Have {
    /// Every chunk of the content.
    pub all: bool,
    /// Stretches of the chunk table with a bit for each chunk; empty if `all`.
    pub windows: Vec<Window>,
}

/// A stretch of a bit map.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Bit `j` (least significant first) of byte `k` is chunk `first + 8 k + j`.
    #[serde(with = "serde_bytes")]
    pub bits: Vec<u8>,
    /// The chunk of the first bit; a multiple of 8.
    pub first: ChunkIndex,
}

impl Have {
    /// Every chunk.
    pub fn all() -> Self {
        Self { all: true, windows: Vec::new() }
    }

    /// Encodes a set of chunks in as many messages as it takes, at least one.
    pub fn of(set: &ChunkSet) -> Vec<Self> {
        if !set.is_empty() && set.is_full() {
            return vec![Self::all()];
        }
        let mut messages = vec![Self::default()];
        let mut room = MAX_WINDOW_BYTES;
        for window in windows(set) {
            let message = messages.last_mut().expect("there is one");
            if message.windows.len() < MAX_WINDOWS && window.bits.len() <= room {
                room -= window.bits.len();
                message.windows.push(window);
            } else {
                room = MAX_WINDOW_BYTES - window.bits.len();
                messages.push(Self { all: false, windows: vec![window] });
            }
        }
        messages
    }

    /// Checks sizes; nothing here needs the content's chunk count.
    pub(super) fn check(&self) -> Result<(), FrameError> {
        let bytes: usize = self.windows.iter().map(|w| w.bits.len()).sum();
        if self.windows.len() > MAX_WINDOWS || bytes > MAX_WINDOW_BYTES {
            return Err(FrameError::Value("a have-map is too long"));
        }
        let fits = |w: &Window| {
            w.first.is_multiple_of(8) && u64::from(w.first) + 8 * w.bits.len() as u64 <= u64::from(MAX_CHUNKS)
        };
        if !self.windows.iter().all(fits) {
            return Err(FrameError::Value("a have-map's window is out of place"));
        }
        Ok(())
    }

    /// The chunks that are said, of a content with `chunks` chunks. `None` if one is said that the
    /// content does not have.
    pub fn chunks(&self, chunks: ChunkIndex) -> Option<ChunkSet> {
        let mut set = ChunkSet::with_capacity(chunks as usize);
        if self.all {
            set.insert_range(..);
        }
        for window in &self.windows {
            for (byte, bits) in window.bits.iter().enumerate() {
                for bit in (0..8).filter(|bit| bits & (1 << bit) != 0) {
                    let chunk = window.first as usize + 8 * byte + bit;
                    if chunk >= set.len() {
                        return None;
                    }
                    set.insert(chunk);
                }
            }
        }
        Some(set)
    }
}

/// Cuts a set into windows, leaving out long gaps.
fn windows(set: &ChunkSet) -> Vec<Window> {
    let mut all: Vec<Window> = Vec::new();
    for chunk in set.ones() {
        let (byte, bit) = (chunk / 8, 1u8 << (chunk % 8));
        match all.last_mut() {
            Some(w) if byte < w.first as usize / 8 + (w.bits.len() + GAP).min(MAX_WINDOW_BYTES) => {
                let at = byte - w.first as usize / 8;
                if at >= w.bits.len() {
                    w.bits.resize(at + 1, 0);
                }
                w.bits[at] |= bit;
            }
            _ => all.push(Window { bits: vec![bit], first: (byte * 8) as ChunkIndex }),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_complete_set_is_one_word() {
        let mut set = ChunkSet::with_capacity(10);
        set.insert_range(..);
        assert_eq!(Have::of(&set), [Have::all()]);
        assert_eq!(Have::all().chunks(10), Some(set));
    }

    #[test]
    fn chunks_that_do_not_exist_are_noticed() {
        let have = Have { all: false, windows: vec![Window { bits: vec![0b100], first: 8 }] };
        assert_eq!(have.chunks(11).unwrap().ones().collect::<Vec<_>>(), [10]);
        assert_eq!(have.chunks(10), None);
    }

    #[test]
    fn windows_out_of_place_are_refused() {
        let with = |first, len| Have { all: false, windows: vec![Window { bits: vec![1; len], first }] };
        assert!(with(8, 4).check().is_ok());
        assert!(with(7, 1).check().is_err());
        assert!(with(MAX_CHUNKS, 1).check().is_err());
        assert!(with(u32::MAX - 7, 1).check().is_err());
        assert!(with(0, MAX_WINDOW_BYTES + 1).check().is_err());
    }

    proptest! {
        #[test]
        fn every_set_survives(len in 1usize..600_000, picks in prop::collection::vec(any::<prop::sample::Index>(), 0..200), dense: bool) {
            let mut set = ChunkSet::with_capacity(len);
            for pick in picks {
                let at = pick.index(len);
                set.insert_range(at..len.min(at + if dense { 5000 } else { 1 }));
            }
            let messages = Have::of(&set);
            let mut got = ChunkSet::with_capacity(len);
            for message in &messages {
                prop_assert_eq!(message.check(), Ok(()));
                got.union_with(&message.chunks(len as u32).unwrap());
            }
            prop_assert_eq!(got, set);
        }
    }
}
