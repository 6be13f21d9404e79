//! Chunks that a peer has got.

use std::sync::Arc;

use shoal_content::{ChunkIndex, ChunkSet};

/// Chunks that are named one by one, before a map is made of them: a stored chunk is announced at once or with the few
/// that were stored since.
const FEW: usize = 5;

/// Chunks of one content that a peer has got.
///
/// Almost all of these are a few chunks, and each reaches every neighbour, so a node hears them more often than
/// anything else. A map of the whole content would take an allocation and several passes over its length for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkNews(Form);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    /// Chunks in rising order; those beyond `len` are 0 and do not count.
    Few {
        len: u8,
        chunks: [ChunkIndex; FEW],
    },
    Map(Arc<ChunkSet>),
}

impl ChunkNews {
    /// No chunk.
    pub const NOTHING: Self = Self(Form::Few { len: 0, chunks: [0; FEW] });

    /// The chunks, each once, in rising order.
    pub fn iter(&self) -> impl Iterator<Item = ChunkIndex> {
        let (few, map) = match &self.0 {
            Form::Few { len, chunks } => (&chunks[..usize::from(*len)], None),
            Form::Map(map) => (&[][..], Some(map)),
        };
        few.iter().copied().chain(map.into_iter().flat_map(|map| map.ones()).map(|chunk| chunk as ChunkIndex))
    }

    /// How many chunks; for a map that costs a pass over it.
    pub fn count(&self) -> usize {
        match &self.0 {
            Form::Few { len, .. } => usize::from(*len),
            Form::Map(map) => map.count_ones(..),
        }
    }

    /// Whether there is no chunk.
    pub fn is_empty(&self) -> bool {
        match &self.0 {
            Form::Few { len, .. } => *len == 0,
            Form::Map(map) => map.is_clear(),
        }
    }

    /// Whether these are all chunks of a content that has so many.
    pub(crate) fn is_whole(&self, chunks: usize) -> bool {
        match &self.0 {
            Form::Few { len, .. } => usize::from(*len) == chunks,
            Form::Map(map) => map.len() == chunks && map.is_full(),
        }
    }

    /// Whether these may be chunks of a content that has so many: a map has to be exactly as long.
    pub(crate) fn fits(&self, chunks: usize) -> bool {
        match &self.0 {
            Form::Few { .. } => self.iter().all(|chunk| (chunk as usize) < chunks),
            Form::Map(map) => map.len() == chunks,
        }
    }

    /// Adds them to a set of the content's length that they [fit](Self::fits), and returns those that were not in it.
    pub(crate) fn add_to(&self, set: &mut ChunkSet) -> Self {
        match &self.0 {
            Form::Few { .. } => few(self.iter().filter(|chunk| !set.put(*chunk as usize))),
            Form::Map(map) => {
                let news = if set.is_disjoint(map) {
                    self.clone()
                } else {
                    let mut news = ChunkSet::clone(map);
                    news.difference_with(set);
                    news.into()
                };
                set.union_with(map);
                news
            }
        }
    }
}

/// Gathers at most [`FEW`] chunks.
fn few(chunks: impl Iterator<Item = ChunkIndex>) -> ChunkNews {
    let (mut len, mut few) = (0, [0; FEW]);
    for (place, chunk) in few.iter_mut().zip(chunks) {
        *place = chunk;
        len += 1;
    }
    ChunkNews(Form::Few { len, chunks: few })
}

impl From<Arc<ChunkSet>> for ChunkNews {
    /// A map, or its chunks if they are few.
    fn from(map: Arc<ChunkSet>) -> Self {
        match map.ones().nth(FEW) {
            Some(_) => Self(Form::Map(map)),
            None => few(map.ones().map(|chunk| chunk as ChunkIndex)),
        }
    }
}

impl From<ChunkSet> for ChunkNews {
    fn from(map: ChunkSet) -> Self {
        Arc::new(map).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CHUNKS: usize = 12;

    fn chunks() -> impl Strategy<Value = ChunkSet> {
        prop::collection::vec(0..CHUNKS, 0..2 * CHUNKS).prop_map(|chunks| {
            let mut set = ChunkSet::with_capacity(CHUNKS);
            chunks.into_iter().for_each(|chunk| set.insert(chunk));
            set
        })
    }

    proptest! {
        /// Few or many: what is told, and what of it is new, are the same as with sets.
        #[test]
        fn both_forms_say_the_same(set in chunks(), known in chunks()) {
            let news = ChunkNews::from(set.clone());
            let of = |news: &ChunkNews| news.iter().map(|chunk| chunk as usize).collect::<Vec<_>>();
            prop_assert_eq!(of(&news), set.ones().collect::<Vec<_>>());
            prop_assert_eq!((news.count(), news.is_empty()), (set.count_ones(..), set.is_clear()));
            prop_assert_eq!(news.is_whole(CHUNKS), set.is_full());
            prop_assert!(news.fits(CHUNKS) && !news.is_whole(CHUNKS + 1));
            let mut both = known.clone();
            prop_assert_eq!(of(&news.add_to(&mut both)), set.difference(&known).collect::<Vec<_>>());
            prop_assert_eq!(both, set.union(&known).fold(ChunkSet::with_capacity(CHUNKS), |mut all, chunk| {
                all.insert(chunk);
                all
            }));
        }
    }

    #[test]
    fn chunks_that_a_content_does_not_have_do_not_fit() {
        let mut set = ChunkSet::with_capacity(CHUNKS);
        set.insert(CHUNKS - 1);
        let few = ChunkNews::from(set.clone());
        set.insert_range(..);
        assert!(few.fits(CHUNKS) && !few.fits(CHUNKS - 1));
        assert!(!ChunkNews::from(set).fits(CHUNKS + 1), "a map of another content");
    }
}
