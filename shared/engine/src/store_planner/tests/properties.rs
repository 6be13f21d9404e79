//! Whatever others say, what always holds holds.

use proptest::prelude::*;
use shoal_wire::store::{CopyState, StoreRefusal};

use super::*;

/// Peers and contents that others speak of.
const PEERS: u32 = 200;
const CONTENTS: u8 = 6;
/// Bytes that are given.
const GIVEN: u64 = 3500;

fn peer() -> impl Strategy<Value = PeerId> {
    (0..PEERS).prop_map(numbered_peer)
}

fn proof() -> impl Strategy<Value = StoreProof> {
    prop::sample::select(vec![
        StoreProof::Given,
        StoreProof::Wrong,
        StoreProof::Denied,
        StoreProof::Missing,
        StoreProof::Busy,
    ])
}

fn state() -> impl Strategy<Value = CopyState> {
    prop::sample::select(vec![
        CopyState::None,
        CopyState::Fetching,
        CopyState::Held,
        CopyState::Leaving,
        CopyState::Ended,
    ])
}

/// What happens: something is told, an offer or a question comes, or time passes.
#[derive(Debug, Clone)]
enum Step {
    Told(StoreInput),
    Offer(PeerId, StoreRecord, Vec<PeerId>, bool),
    Asked(PeerId, ContentId, CopyState),
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let contents = || (0..CONTENTS).prop_map(content);
    let records =
        || (0..CONTENTS, 1_u8..=16, 0_u64..20).prop_map(|(n, copies, issued)| record(n, copies, issued));
    let peers = || prop::collection::vec(peer(), 0..16);
    let told = prop_oneof![
        peers().prop_map(StoreInput::Named),
        (peer(), any::<bool>(), 0_u64..5000).prop_map(|(peer, willing, free)| StoreInput::Hello {
            peer,
            willing,
            free
        }),
        peer().prop_map(StoreInput::Silent),
        peer().prop_map(StoreInput::Bye),
        (peer(), contents(), state(), any::<bool>()).prop_map(|(peer, content, state, why)| {
            StoreInput::Offered { peer, content, state, why: why.then_some(StoreRefusal::Full) }
        }),
        (peer(), contents(), state(), peers(), prop::collection::vec(records(), 0..4)).prop_map(
            |(peer, content, state, holders, records)| StoreInput::Status {
                peer,
                content,
                state,
                holders,
                records
            }
        ),
        (peer(), contents(), proof()).prop_map(|(peer, content, answer)| StoreInput::Checked {
            peer,
            content,
            answer
        }),
        contents().prop_map(StoreInput::Stored),
        contents().prop_map(StoreInput::Lost),
        (contents(), any::<bool>()).prop_map(|(content, whole)| StoreInput::Verified { content, whole }),
        records().prop_map(StoreInput::Own),
        (0..CONTENTS, 0_u64..20).prop_map(|(n, issued)| StoreInput::End(end(n, issued))),
    ];
    prop_oneof![
        6 => told.prop_map(Step::Told),
        3 => (peer(), records(), peers(), any::<bool>())
            .prop_map(|(from, record, holders, here)| Step::Offer(from, record, holders, here)),
        2 => (peer(), contents(), state()).prop_map(|(from, content, state)| Step::Asked(from, content, state)),
        2 => (1_u64..2000).prop_map(Step::Pass),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn bounds_hold_and_time_goes_on(steps in prop::collection::vec(step(), 1..150), leaves in any::<bool>()) {
        let mut desk = Desk::new(numbered_peer(PEERS + 1), GIVEN);
        let last = leaves.then_some(Step::Told(StoreInput::Leave(secs(30))));
        for step in steps.into_iter().chain(last) {
            match step {
                Step::Told(input) => drop(desk.tell(input)),
                Step::Offer(from, record, holders, here) => {
                    desk.planner.offer_came(desk.now, from, record, holders, here);
                }
                Step::Asked(from, content, state) => {
                    let (_, holders, nearest, records) =
                        desk.planner.status_came(desk.now, from, content, state);
                    prop_assert!(holders.len() <= 16 && nearest.len() <= 16 && records.len() <= 8);
                }
                Step::Pass(time) => {
                    desk.now += secs(time);
                    desk.planner.tick(desk.now);
                }
            }
            desk.outputs();
            prop_assert!(desk.planner.used() <= GIVEN);
            prop_assert!(desk.planner.members().count() <= 96);
            prop_assert!(desk.planner.partners.values().all(|count| *count > 0));
            prop_assert!(desk.planner.due.len() == desk.planner.contents.len());
            // Nothing is due at once for ever.
            prop_assert!(desk.planner.next_timeout().is_none_or(|due| due > desk.now));
        }
    }
}
