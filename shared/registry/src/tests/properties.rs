//! Random lives of the registry, each step compared with the model.

use std::collections::BTreeSet;
use std::time::Duration;

use libp2p_identity::PeerId;
use proptest::prelude::*;
use shoal_addresses::Prefix;

use super::invariants::check;
use super::model::{Model, Row, is};
use crate::testing::peer;
use crate::testing::{everything, registry, secs};
use crate::{DiscoveryPage, Registration, Registry, RegistryLimits};
use shoal_wire::tracker::Role;

#[derive(Debug, Clone)]
enum Step {
    Register(Registration),
    Unregister(usize, usize),
    PeerGone(usize),
    Role(usize, usize, Role),
    Wait(u64),
    Discover {
        namespace: usize,
        limit: Option<u64>,
        asker: usize,
    },
    /// Asks again with one of the cookies that were given.
    Again {
        cookie: prop::sample::Index,
        limit: Option<u64>,
    },
    Probe(usize, bool),
}

const PEERS: usize = 10;
/// The last two are not valid.
const NAMESPACES: usize = 6;

fn namespace(n: usize) -> String {
    ["a", "b", "c", "d", "", &"x".repeat(256)][n].to_owned()
}

/// What to ask for: a namespace, one that nobody is in, or all.
fn asked(n: usize) -> Option<String> {
    [Some("a"), Some("b"), Some("c"), Some("d"), Some("nobody"), None][n].map(str::to_owned)
}

fn limits() -> RegistryLimits {
    RegistryLimits {
        total: 14,
        per_namespace: 7,
        per_peer: 3,
        per_prefix: 6,
        record: 4,
        page: 5,
        max_ttl: 100,
        ..RegistryLimits::default()
    }
}

fn role() -> impl Strategy<Value = Role> {
    prop_oneof![Just(Role::Seed), Just(Role::Downloader)]
}

fn registration() -> impl Strategy<Value = Registration> {
    let names = prop_oneof![20 => 0..4usize, 1 => 4..NAMESPACES];
    let record = prop_oneof![20 => 1..=4usize, 1 => Just(0), 1 => Just(5)];
    let ttl = prop_oneof![
        Just(None),
        (20..=100u64).prop_map(Some),
        prop::sample::select(vec![Some(0), Some(19), Some(7_200), Some(259_200), Some(259_201)])
    ];
    let prefixes = prop::collection::btree_set((0..5u8).prop_map(|n| Prefix::V4([n; 3])), 0..3);
    (0..PEERS, names, record, 0..4u64, 0..3u64, prefixes, ttl, prop::option::of(role())).prop_map(
        |(n, name, record, sequence, addresses, prefixes, ttl, role)| Registration {
            peer: peer(n),
            namespace: namespace(name),
            record: vec![sequence as u8; record].into(),
            sequence,
            addresses,
            prefixes: prefixes.into_iter().collect(),
            observed: None,
            ttl,
            role,
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    let limit = || prop_oneof![Just(None), (0..8u64).prop_map(Some), Just(Some(u64::MAX))];
    prop_oneof![
        12 => registration().prop_map(Step::Register),
        2 => (0..PEERS, 0..NAMESPACES).prop_map(|(peer, name)| Step::Unregister(peer, name)),
        1 => (0..PEERS).prop_map(Step::PeerGone),
        1 => (0..PEERS, 0..NAMESPACES, role()).prop_map(|(peer, name, role)| Step::Role(peer, name, role)),
        2 => (0..40u64).prop_map(Step::Wait),
        4 => (0..6usize, limit(), 0..PEERS + 1)
            .prop_map(|(namespace, limit, asker)| Step::Discover { namespace, limit, asker }),
        4 => (any::<prop::sample::Index>(), limit()).prop_map(|(cookie, limit)| Step::Again { cookie, limit }),
        1 => (0..PEERS, any::<bool>()).prop_map(|(peer, alive)| Step::Probe(peer, alive)),
    ]
}

/// A cookie, and what its holder was told.
#[derive(Debug, Clone)]
struct Held {
    bytes: Vec<u8>,
    namespace: Option<String>,
    asker: PeerId,
    /// The step of the last answer that told everything that was new.
    since: u64,
    /// The peers that later answers told, where those did not tell everything, and in which step.
    told: Vec<(PeerId, u64)>,
}

struct World {
    registry: Registry,
    model: Model,
    cookies: Vec<Held>,
    now: Duration,
}

impl World {
    fn new() -> Self {
        let (registry, model) = (registry(limits()), Model::new(limits()));
        Self { registry, model, cookies: vec![], now: secs(1_000) }
    }

    fn run(&mut self, step: Step) {
        self.model.step += 1;
        let now = self.now;
        match step {
            Step::Register(new) => {
                assert_eq!(self.registry.register(now, new.clone()), self.model.register(now, &new))
            }
            Step::Unregister(n, name) => {
                let (peer, name) = (peer(n), namespace(name));
                let removed = self.model.remove(|row| is(row, &peer, &name));
                assert_eq!(usize::from(self.registry.unregister(&peer, &name)), removed);
            }
            Step::PeerGone(n) => {
                let removed = self.remove_from_model(peer(n));
                assert_eq!(self.registry.remove_peer(&peer(n)), removed);
            }
            Step::Role(n, name, role) => {
                let (peer, name) = (peer(n), namespace(name));
                let there = self.model.set_role(&peer, &name, role);
                assert_eq!(self.registry.set_role(&peer, &name, role), there);
            }
            Step::Wait(time) => {
                self.now += secs(time);
                assert_eq!(self.registry.next_expiry(), self.model.rows.iter().map(|row| row.expires).min());
                assert_eq!(self.registry.expire(self.now), self.model.expire(self.now));
            }
            Step::Discover { namespace, limit, asker } => self.discover(asked(namespace), limit, peer(asker)),
            Step::Again { cookie, limit } if !self.cookies.is_empty() => {
                self.again(cookie.get(&self.cookies).clone(), limit)
            }
            Step::Again { .. } => {}
            Step::Probe(n, alive) => {
                // Long enough ago that nobody has renewed since it began.
                self.now += limits().probe_interval;
                self.model.expire(self.now);
                let removed = if alive { 0 } else { self.remove_from_model(peer(n)) };
                assert_eq!(self.registry.probe_result(self.now, &peer(n), alive), removed);
            }
        }
        self.compare();
    }

    fn remove_from_model(&mut self, peer: PeerId) -> usize {
        self.model.remove(|row| row.registration.peer == peer)
    }

    fn discover(&mut self, namespace: Option<String>, limit: Option<u64>, asker: PeerId) {
        let page = self.registry.discover(self.now, namespace.as_deref(), limit, None, Some(asker)).unwrap();
        let given = self.check_page(&page, namespace.as_deref());
        let there = self.model.peers(namespace.as_deref(), None, asker);
        assert!(given.is_subset(&there));
        assert_eq!(given.len(), there.len().min(page_of(limit)), "all, or as many as fit");
        if let Some(name) = namespace.as_deref().filter(|_| page_of(limit) > 1) {
            for role in [Role::Seed, Role::Downloader] {
                let mut of_role = self.model.with_role(name, Some(role));
                // Peers without a role are listed with the downloaders.
                if role == Role::Downloader {
                    of_role.extend(self.model.with_role(name, None));
                }
                of_role.remove(&asker);
                assert!(of_role.is_empty() || !given.is_disjoint(&of_role), "{role:?} in the answer");
            }
        }
        let (bytes, since) = (page.cookie, self.model.step);
        self.cookies.push(Held { bytes, namespace, asker, since, told: vec![] });
    }

    fn again(&mut self, mut held: Held, limit: Option<u64>) {
        let name = held.namespace.as_deref();
        let page =
            self.registry.discover(self.now, name, limit, Some(&held.bytes), Some(held.asker)).unwrap();
        let given = self.check_page(&page, name);
        let mut new = self.model.peers(name, Some(held.since), held.asker);
        // What it was told meanwhile is only new again if there was news of the same peer after that.
        new.retain(|peer| {
            let told = held.told.iter().rev().find(|(told, _)| told == peer);
            told.is_none_or(|(_, step)| self.model.peers(name, Some(*step), held.asker).contains(peer))
        });
        assert!(given.is_subset(&new), "{given:?} of {new:?}");
        assert_eq!(given.len(), new.len().min(page_of(limit)), "{given:?} of {new:?}");
        held.bytes = page.cookie;
        if given.len() == new.len() {
            (held.since, held.told) = (self.model.step, vec![]);
        } else {
            held.told.extend(given.iter().map(|peer| (*peer, self.model.step)));
        }
        self.cookies.push(held);
        if let Some(other) =
            self.cookies.iter().find(|other| other.namespace.as_deref() != asked(0).as_deref())
        {
            let refused = self.registry.discover(self.now, Some("a"), None, Some(&other.bytes), None);
            assert!(refused.is_err());
        }
    }

    /// Checks that an answer is of living registrations, each peer once.
    fn check_page(&mut self, page: &DiscoveryPage, namespace: Option<&str>) -> BTreeSet<PeerId> {
        self.model.expire(self.now);
        for listing in &page.listings {
            assert!(namespace.is_none_or(|name| *name == *listing.namespace));
            let row = self.model.rows.iter().find(|row| is(row, &listing.peer, &listing.namespace));
            let row = row.expect("an answer is of what is registered");
            assert_eq!(listing.record, row.registration.record);
            assert_eq!(listing.role, row.registration.role);
            assert_eq!(listing.ttl, (row.expires - self.now).as_secs());
        }
        let peers: BTreeSet<_> = page.listings.iter().map(|listing| listing.peer).collect();
        assert_eq!(peers.len(), page.listings.len(), "each once");
        peers
    }

    fn compare(&mut self) {
        check(&self.registry);
        let rows = |same: &dyn Fn(&Row) -> bool| self.model.rows.iter().filter(|row| same(row)).count();
        assert_eq!(self.registry.len(), rows(&|_| true));
        for name in (0..4).map(namespace) {
            let count = |role| rows(&|r| r.registration.namespace == name && r.registration.role == role);
            let counts = self.registry.counts(&name);
            assert_eq!(counts.seeds, count(Some(Role::Seed)));
            assert_eq!(counts.downloaders, count(Some(Role::Downloader)));
            assert_eq!(counts.unknown, count(None));
        }
        let key = |r: &Registration| (r.peer, r.namespace.clone(), r.sequence, r.record.clone());
        let listed: BTreeSet<_> = everything(&self.registry, self.now).iter().map(key).collect();
        let alive = self.model.rows.iter().filter(|row| row.expires > self.now);
        assert_eq!(listed, alive.map(|row| key(&row.registration)).collect());
        let counters = self.registry.counters();
        let left = counters.unregistered + counters.expired + counters.gone + counters.dead;
        assert_eq!(counters.registered - left, self.registry.len() as u64);
    }
}

fn page_of(limit: Option<u64>) -> usize {
    limit.filter(|n| *n > 0).map_or(5, |n| n.min(5) as usize)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn lives_as_the_model_does(steps in prop::collection::vec(step(), 1..120)) {
        let mut world = World::new();
        steps.into_iter().for_each(|step| world.run(step));
    }

    #[test]
    fn no_bytes_are_taken_for_a_cookie(bytes in prop::collection::vec(any::<u8>(), 1..40)) {
        let mut registry = registry(limits());
        let name = std::str::from_utf8(bytes.get(8..).unwrap_or_default()).ok();
        prop_assert!(registry.discover(secs(1), name, None, Some(&bytes), None).is_err());
    }
}
