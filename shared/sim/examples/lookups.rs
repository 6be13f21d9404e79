//! How many hops a lookup in the DHT takes, by the number of its nodes.
//!
//! `cargo run --release -p shoal-sim --example lookups [LOOKUPS]`. Each node knows 20 nodes at random of every bucket that has so
//! many, as tables are once a network has settled (Maymounkov and Mazières 2002), and answers with the 20 nearest that it
//! knows. The one that looks asks the nearest that it has heard of, one after another, until the 20 nearest have answered. What is
//! told at first is one hop away, what a node at hop n tells at n + 1; a lookup's hops are those of the nearest node.
//!
//! What this is not: a simulation of libp2p's own code, of nodes that come and go, or of time.

use std::collections::{BTreeMap, BTreeSet};

use rand::{RngExt, SeedableRng};
use shoal_engine::SeededRng;

/// Nodes in a bucket, and in an answer.
const K: usize = 20;

/// Ids of all nodes, in order. 64 bits are enough to tell them apart.
struct Network(Vec<u64>);

impl Network {
    fn new(nodes: usize, rng: &mut SeededRng) -> Self {
        let mut ids = BTreeSet::new();
        while ids.len() < nodes {
            ids.insert(rng.random());
        }
        Self(ids.into_iter().collect())
    }

    /// Nodes whose ids begin like `id` for so many bits, and then differ.
    fn bucket(&self, id: u64, bits: u32) -> &[u64] {
        let rest = u64::MAX.checked_shr(bits + 1).unwrap_or(0);
        let first = (id ^ (1 << (63 - bits))) & !rest;
        let (from, to) =
            (self.0.partition_point(|it| *it < first), self.0.partition_point(|it| *it <= first | rest));
        &self.0[from..to]
    }

    /// The nodes nearest to a target that a node knows: always the same for one node.
    fn answer(&self, id: u64, target: u64) -> Vec<u64> {
        let mut rng = SeededRng::seed_from_u64(id);
        let mut known = vec![];
        for bits in 0..64 {
            let bucket = self.bucket(id, bits);
            if bucket.len() <= K {
                known.extend_from_slice(bucket);
            } else {
                known.extend((0..K).map(|_| bucket[rng.random_range(0..bucket.len())]));
            }
        }
        known.sort_unstable_by_key(|it| it ^ target);
        known.dedup();
        known.truncate(K);
        known
    }

    /// Hops, and nodes that were asked.
    fn look_up(&self, from: u64, target: u64) -> (usize, usize) {
        // By their distances, as far as they are told of; and whether each was asked.
        let mut told: BTreeMap<u64, (usize, bool)> = BTreeMap::new();
        let learn = |told: &mut BTreeMap<u64, (usize, bool)>, nodes: Vec<u64>, hops: usize| {
            for node in nodes.into_iter().filter(|node| *node != from) {
                told.entry(node ^ target).or_insert((hops, false));
            }
        };
        learn(&mut told, self.answer(from, target), 1);
        let mut asked = 0;
        while let Some((distance, at)) = told.iter_mut().take(K).find(|(_, (_, asked))| !asked) {
            let (node, hops) = (distance ^ target, at.0);
            at.1 = true;
            asked += 1;
            learn(&mut told, self.answer(node, target), hops + 1);
        }
        (told.values().next().map_or(0, |(hops, _)| *hops), asked)
    }
}

fn main() {
    let lookups: usize = std::env::args().nth(1).and_then(|it| it.parse().ok()).unwrap_or(200);
    println!("{:>8} {:>6} {:>10} {:>10} {:>6}", "nodes", "log2", "hops, mean", "most hops", "asked");
    for nodes in [100, 1_000, 10_000, 100_000] {
        let mut rng = SeededRng::seed_from_u64(nodes as u64);
        let network = Network::new(nodes, &mut rng);
        let each: Vec<(usize, usize)> = (0..lookups)
            .map(|_| network.look_up(network.0[rng.random_range(0..nodes)], rng.random()))
            .collect();
        let hops = each.iter().map(|(hops, _)| *hops);
        let mean = hops.clone().sum::<usize>() as f64 / lookups as f64;
        let asked = each.iter().map(|(_, asked)| *asked).sum::<usize>() / lookups;
        let most = hops.max().unwrap_or(0);
        println!("{nodes:>8} {:>6.1} {mean:>10.1} {most:>10} {asked:>6}", (nodes as f64).log2());
    }
}
