//! Anything can be explained.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;

use super::super::*;
use super::tracker;

fn affairs() -> impl Strategy<Value = Affairs> {
    prop_oneof![
        Just(Affairs::Looking),
        (any::<u64>(), any::<u64>()).prop_map(|(done, total)| Affairs::Checking { done, total }),
        Just(Affairs::Fetching),
        Just(Affairs::Placing),
        Just(Affairs::Serving),
        Just(Affairs::Paused),
        Just(Affairs::Ended),
        ".{0,9}".prop_map(|path| Affairs::Waiting { path }),
        ".{0,9}".prop_map(|why| Affairs::Failed { why }),
    ]
}

fn search() -> impl Strategy<Value = PeerSearch> {
    let standing = prop_oneof![
        Just(TrackerStanding::Asked),
        Just(TrackerStanding::Answered),
        Just(TrackerStanding::Unreachable),
        Just(TrackerStanding::Refuses),
    ];
    let trouble =
        prop_oneof![Just(DialTrouble::Refused), Just(DialTrouble::NoRoute), Just(DialTrouble::Other)];
    let failed = prop::collection::btree_map(trouble, 0u64..1 << 40, 0..3);
    let trackers = prop::collection::vec(standing.prop_map(tracker), 0..3);
    (0usize..3, trackers, 0usize..3, 0usize..3, failed, any::<u64>()).prop_map(
        |(addresses, trackers, heard_of, dialling, failed, exchanges)| PeerSearch {
            addresses,
            trackers,
            heard_of,
            dialling,
            failed,
            last_failure: None,
            exchanges,
            without_tracker: TrackerlessSearch {
                lan: Some(addresses).filter(|it| *it > 0),
                dht: Some(heard_of).filter(|_| exchanges % 2 == 0),
                lookups: exchanges % 3,
            },
        },
    )
}

fn neighbours() -> impl Strategy<Value = NeighbourFigures> {
    let small = || 0usize..3;
    let peers = (small(), small(), small(), small(), small(), small());
    (peers, any::<u64>(), any::<u64>(), any::<u64>()).prop_map(|(peers, asked_bytes, queued, told_rate)| {
        let (connected, useful, refusing, asked, sending, unsupported) = peers;
        NeighbourFigures {
            connected,
            useful,
            refusing,
            asked,
            asked_bytes,
            sending,
            queued,
            told_rate,
            unsupported,
        }
    })
}

fn disk() -> impl Strategy<Value = DiskUse> {
    let blocked = prop::option::of((
        prop_oneof![
            Just(DiskTrouble::Full),
            Just(DiskTrouble::Denied),
            Just(DiskTrouble::TooManyOpen),
            Just(DiskTrouble::Other)
        ],
        ".{0,9}",
    ));
    (blocked, any::<u64>(), any::<u64>(), any::<Duration>())
        .prop_map(|(blocked, waiting, room, writing_for)| DiskUse { blocked, waiting, room, writing_for })
}

proptest! {
    /// Whatever the figures are, there is an answer, each cause once, with words for people.
    #[test]
    fn anything_can_be_explained(
        affairs in affairs(),
        search in search(),
        neighbours in neighbours(),
        disk in disk(),
        times in (any::<Duration>(), any::<Duration>()),
        bytes in (any::<u64>(), any::<u64>(), any::<usize>(), any::<usize>()),
        limits in (prop::option::of(any::<u64>()), any::<u64>()),
        wrong in (0u64..3, 0u64..3),
    ) {
        let situation = Situation {
            affairs,
            running_for: times.0,
            idle_for: times.1,
            rate: bytes.0,
            missing: bytes.2,
            unheld: bytes.3,
            left: bytes.1,
            search,
            neighbours,
            down: LimitUse { limit: limits.0, rate: limits.1 },
            up: LimitUse { limit: limits.0, rate: limits.1 },
            disk,
            wrong: WrongBytes { chunks: wrong.0, blocks: wrong.1 },
        };
        let findings = explain(&situation);
        let causes: BTreeSet<Cause> = findings.iter().map(|finding| finding.cause).collect();
        prop_assert!(!findings.is_empty());
        prop_assert_eq!(causes.len(), findings.len());
        prop_assert!(findings.iter().all(|finding| finding.to_string().ends_with('.')));
    }
}
