//! Bodies of requests under fire: seeded mutations of good ones. Whatever is let through is within its bounds.

use serde::de::DeserializeOwned;
use shoal_fuzz::Mutator;

use super::request::{fetch_request, share_request};
use crate::model::{Fetch, LimitsInfo, Share};

/// How many mutations each kind of body gets.
const MUTATIONS: usize = 3000;

const SHARES: [&str; 3] = [
    r#"{"paths": ["/a", "/b/c"], "name": "n", "chunker": "fastcdc:16384:32768:65536", "skip_unsafe": true}"#,
    r#"{"paths": ["/a"], "public": true, "publish": true, "goal": {"seconds": 60, "ratio": 1.5, "copies": 3}}"#,
    r#"{"paths": ["/a/../b", "relative"], "chunker": "fixed:1MiB", "trackers": ["/ip4/10.0.0.1/tcp/4001"]}"#,
];
const FETCHES: [&str; 3] = [
    r#"{"source": "bafyreihlv5eiin7atqhh5kqateu2fabjrmaud67y64f423cqpv2nplscum", "dir": "/in", "in_flight": 9}"#,
    r#"{"source": "shoal1uaa", "dir": "/in", "peers": ["/dns4/a.example/tcp/1"], "include": ["*.txt", "[a-z]/**"]}"#,
    r#"{"source": "x", "dir": "", "goal": {"ratio": -1e308}, "reuse": ["/a", "b"], "star": true, "score": true}"#,
];
const LIMITS: [&str; 2] = [r#"{"up": 1048576, "down": null}"#, r#"{"up": 0, "down": -1}"#];

fn mutated<T: DeserializeOwned>(seeds: &[&str], check: impl Fn(T)) -> usize {
    let seeds: Vec<Vec<u8>> = seeds.iter().map(|seed| seed.as_bytes().to_vec()).collect();
    let mut mutator = Mutator::new(3);
    let all = seeds.clone().into_iter().chain((0..MUTATIONS).map(|_| mutator.mutate(&seeds)));
    let read = all.filter_map(|body| serde_json::from_slice::<T>(&body).ok());
    read.map(check).count()
}

#[test]
fn what_is_asked_to_be_shared_is_within_bounds() {
    let read = mutated(&SHARES, |share: Share| {
        if let Ok(request) = share_request(share) {
            assert!(!request.paths.is_empty() && request.paths.iter().all(|path| path.is_absolute()));
            assert!(request.chunker.is_none_or(|chunker| chunker.check().is_ok()));
            let ratio = request.goal.and_then(|goal| goal.ratio);
            assert!(ratio.is_none_or(|ratio| (0.0..=1e6).contains(&ratio)));
        }
    });
    assert!(read > MUTATIONS / 30, "only {read} could be read");
}

#[test]
fn what_is_asked_to_be_fetched_is_within_bounds() {
    let read = mutated(&FETCHES, |fetch: Fetch| {
        if let Ok(request) = fetch_request(fetch) {
            let options = request.options;
            assert!(options.dir.is_absolute() && options.reuse.iter().all(|path| path.is_absolute()));
            assert!((1..=64).contains(&options.download.max_in_flight));
            let ratio = options.goal.and_then(|goal| goal.ratio);
            assert!(ratio.is_none_or(|ratio| (0.0..=1e6).contains(&ratio)));
        }
    });
    assert!(read > MUTATIONS / 30, "only {read} could be read");
}

#[test]
fn limits_are_numbers_or_none() {
    let read = mutated(&LIMITS, |limits: LimitsInfo| {
        let again: LimitsInfo = serde_json::from_value(serde_json::to_value(limits).unwrap()).unwrap();
        assert_eq!(again, limits);
    });
    assert!(read > MUTATIONS / 30, "only {read} could be read");
}
