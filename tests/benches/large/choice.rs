//! What the choice of a chunk costs.

use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use shoal_content::{ChunkSet, Manifest};
use shoal_engine::{Download, DownloadConfig, Input, Output, SeededRng};

const NEIGHBOURS: u32 = 50;
/// So many chunks are chosen, which are about all of 1 GiB.
const CHOICES: u32 = 4_000;

/// The time that a download takes for each chunk that it asks for and that is stored at once. The first `stored` chunks are
/// here.
pub(crate) fn cost(manifest: &Manifest, stored: usize) -> Duration {
    let count = manifest.chunks().len();
    let mut wanted = ChunkSet::with_capacity(count);
    wanted.insert_range(..);
    let mut here = ChunkSet::with_capacity(count);
    here.insert_range(..stored.min(count));
    let lengths = manifest.chunks().iter().map(|chunk| chunk.length).collect();
    let rng = SeededRng::seed_from_u64(1);
    let mut download: Download<u32> = Download::new(DownloadConfig::default(), lengths, wanted, &here, rng);
    let mut rng = SeededRng::seed_from_u64(2);
    let mut now = Duration::ZERO;
    for peer in 0..NEIGHBOURS {
        download.handle(now, Input::PeerUp { peer, rtt: Duration::from_millis(20) });
        let mut half = ChunkSet::with_capacity(count);
        (0..count).filter(|_| rng.random()).for_each(|chunk| half.insert(chunk));
        download.handle(now, Input::Have { peer, chunks: half.into() });
    }
    let start = Instant::now();
    for chosen in 0..CHOICES {
        let Some((peer, id, chunk)) =
            std::iter::from_fn(|| download.poll_output()).find_map(|output| match output {
                Output::Request { peer, id, chunk } => Some((peer, id, chunk)),
                _ => None,
            })
        else {
            return start.elapsed() / chosen.max(1);
        };
        now += Duration::from_micros(100);
        download.handle(now, Input::Stored { peer, id, chunk });
    }
    start.elapsed() / CHOICES
}
