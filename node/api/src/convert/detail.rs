//! One content from inside.

use std::collections::BTreeMap;

use shoal_content::{ChunkSet, ContentId};
use shoal_net::{ContentDetail, ContentNeighbour, Exchanged, Traffic};

use super::node::millis;
use crate::model::{ChunkMapInfo, ChunkRun, ChunkStateInfo, ContentPeerInfo};

/// Runs in one answer.
const RUNS: usize = 4096;

/// The peers of a content, by id: those that something was exchanged with, and those that are connected.
pub(crate) fn content_peers(traffic: &Traffic, detail: Option<&ContentDetail>) -> Vec<ContentPeerInfo> {
    let mut peers: BTreeMap<String, ContentPeerInfo> = BTreeMap::new();
    for (peer, exchanged) in &traffic.peers {
        peers.insert(peer.to_string(), one(peer.to_string(), exchanged, None));
    }
    for neighbour in detail.into_iter().flat_map(|detail| &detail.neighbours) {
        let exchanged = traffic.peers.get(&neighbour.peer).unwrap_or(&neighbour.exchanged);
        let peer = neighbour.peer.to_string();
        peers.insert(peer.clone(), one(peer, exchanged, Some(neighbour)));
    }
    peers.into_values().collect()
}

fn one(peer: String, exchanged: &Exchanged, neighbour: Option<&ContentNeighbour>) -> ContentPeerInfo {
    ContentPeerInfo {
        peer,
        connected: neighbour.is_some(),
        chunks: neighbour.filter(|it| it.joined).map(|it| it.chunks as u64),
        round_trip_ms: neighbour.and_then(|it| it.rtt).map(millis),
        queued_bytes: neighbour.map_or(0, |it| it.queued),
        received: exchanged.received,
        duplicate: exchanged.duplicate,
        sent: exchanged.sent,
    }
}

/// The chunk map of a content from a chunk on; without detail, which a content that nothing is done for has not, it is empty.
pub(crate) fn chunk_map(content: ContentId, detail: Option<&ContentDetail>, from: u32) -> ChunkMapInfo {
    let (runs, next) = detail.map_or_else(Default::default, |it| runs(it.chunks, &it.have, from));
    ChunkMapInfo {
        content: content.to_string(),
        chunks: detail.map_or(0, |it| it.chunks),
        have: detail.map_or(0, |it| it.have.count_ones(..) as u32),
        runs,
        next,
        unavailable: detail.map_or(0, |it| it.unavailable as u32),
        stretch: detail.map_or(1, |it| it.stretch as u32),
        rarity: detail.map(|it| it.rarity.clone()).unwrap_or_default(),
    }
}

/// Runs from a chunk on, as many as one answer has, and the chunk behind them if there is one.
fn runs(chunks: u32, have: &ChunkSet, from: u32) -> (Vec<ChunkRun>, Option<u32>) {
    let mut runs: Vec<ChunkRun> = vec![];
    for chunk in from..chunks {
        let state =
            if have.contains(chunk as usize) { ChunkStateInfo::Have } else { ChunkStateInfo::Missing };
        match runs.last_mut() {
            Some(run) if run.state == state => run.len += 1,
            _ => {
                if runs.len() == RUNS {
                    return (runs, Some(chunk));
                }
                runs.push(ChunkRun { start: chunk, len: 1, state });
            }
        }
    }
    (runs, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(chunks: u32, have: impl Fn(u32) -> bool) -> ChunkSet {
        let mut set = ChunkSet::with_capacity(chunks as usize);
        (0..chunks).filter(|chunk| have(*chunk)).for_each(|chunk| set.insert(chunk as usize));
        set
    }

    #[test]
    fn runs_end_to_end_are_all_chunks() {
        for have in [(|_| false) as fn(u32) -> bool, |_| true, |n| n % 2 == 0, |n| n % 1000 < 7] {
            let chunks = 20_001;
            let set = set(chunks, have);
            let (mut all, mut from, mut answers) = (vec![], Some(0), 0);
            while let Some(begin) = from {
                let (some, next) = runs(chunks, &set, begin);
                assert!(some.len() <= RUNS);
                (all, from, answers) = ([all, some].concat(), next, answers + 1);
            }
            let mut at = 0;
            for run in all {
                assert_eq!((run.start, run.len > 0), (at, true));
                at += run.len;
                let is = |chunk| (run.state == ChunkStateInfo::Have) == have(chunk);
                assert!((run.start..at).all(is));
            }
            assert_eq!(at, chunks);
            assert!(answers <= 5);
        }
    }

    #[test]
    fn behind_the_end_there_is_nothing() {
        assert_eq!(runs(5, &set(5, |_| true), 5), (vec![], None));
        assert_eq!(runs(5, &set(5, |_| true), u32::MAX), (vec![], None));
        assert_eq!(
            runs(5, &ChunkSet::new(), 3).0,
            [ChunkRun { start: 3, len: 2, state: ChunkStateInfo::Missing }]
        );
        assert_eq!(runs(0, &ChunkSet::new(), 0), (vec![], None));
    }
}
