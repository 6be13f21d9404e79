//! Random lives of the services, each step compared with the model.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use libp2p_identity::PeerId;
use proptest::prelude::*;

use super::model::{Model, key};
use super::{content, entry, from, prefix, register, registry, secs, services};
use crate::tests::peer;
use crate::{Effect, ServiceChange, ServiceLimits, Services, StoredEntry, StoredPayload};
use shoal_content::{ContentId, Hash};
use shoal_registry::Registry;
use shoal_wire::swarm_namespace;
use shoal_wire::tracker::{IndexEntry, Mode, TrackerErrorCode, TrackerRequest, TrackerResponse};

const PEERS: usize = 6;
const CONTENTS: usize = 5;
const NAMES: [&str; 7] = ["alpha", "Alpha", "ALPINE", "beta alpha", "Straße", "a\u{30a}lp", "z"];
const TEXTS: [&str; 9] = ["", "al", "ALPHA", "pha", "STRASSE", "sse", "Å", "ine", "nothing"];

#[derive(Debug, Clone)]
enum Step {
    Register(usize, usize),
    Unregister(usize, usize),
    Gone(usize),
    Publish(usize, Vec<IndexEntry>),
    Withdraw(usize, usize),
    Wait(u64),
    Find { mode: Mode, text: usize, limit: u32 },
    Put(usize, u8, Vec<u8>),
    Get(Vec<u8>),
    Restart,
}

fn limits() -> ServiceLimits {
    ServiceLimits {
        entries: 9,
        entries_per_peer: 3,
        entry_ttl: secs(60),
        scan: 3,
        payload: 8,
        payloads: 7,
        payload_bytes: 30,
        payloads_per_peer: 3,
        payload_bytes_per_peer: 15,
        payloads_per_prefix: 4,
        payload_bytes_per_prefix: 20,
        payload_ttl: secs(200),
        burst: 1_000,
        ..ServiceLimits::default()
    }
}

fn entries() -> impl Strategy<Value = Vec<IndexEntry>> {
    let one = (0..CONTENTS, 0..NAMES.len(), 0..2u64)
        .prop_map(|(n, name, size)| IndexEntry { size, ..entry(n, NAMES[name]) });
    prop::collection::vec(one, 1..4)
}

fn step() -> impl Strategy<Value = Step> {
    let mode = prop_oneof![Just(Mode::Prefix), Just(Mode::Substring)];
    let bytes = || {
        prop_oneof![
            9 => (0..9u8, 1..=8usize).prop_map(|(n, len)| vec![n; len]),
            1 => Just(vec![0; 9]),
        ]
    };
    prop_oneof![
        8 => (0..PEERS, 0..CONTENTS).prop_map(|(n, c)| Step::Register(n, c)),
        2 => (0..PEERS, 0..CONTENTS).prop_map(|(n, c)| Step::Unregister(n, c)),
        1 => (0..PEERS).prop_map(Step::Gone),
        8 => (0..PEERS, entries()).prop_map(|(n, entries)| Step::Publish(n, entries)),
        1 => (0..PEERS, 0..CONTENTS).prop_map(|(n, c)| Step::Withdraw(n, c)),
        3 => (0..50u64).prop_map(Step::Wait),
        4 => (mode, 0..TEXTS.len(), 0..4u32).prop_map(|(mode, text, limit)| Step::Find { mode, text, limit }),
        4 => (0..PEERS, 0..3u8, bytes()).prop_map(|(n, network, bytes)| Step::Put(n, network, bytes)),
        1 => bytes().prop_map(Step::Get),
        1 => Just(Step::Restart),
    ]
}

/// What has been written down: everything with the time until when it is kept.
#[derive(Debug, Default)]
struct Disk {
    entries: BTreeMap<(PeerId, ContentId), (Duration, StoredEntry)>,
    payloads: BTreeMap<Hash, (Duration, StoredPayload)>,
}

impl Disk {
    fn write(&mut self, now: Duration, change: ServiceChange) {
        match change {
            ServiceChange::PutEntry(stored) => {
                self.entries.insert((stored.peer, stored.entry.content), (now + stored.left, stored));
            }
            ServiceChange::DropEntry { peer, content } => {
                assert!(self.entries.remove(&(peer, content)).is_some())
            }
            ServiceChange::PutPayload(stored) => {
                self.payloads.insert(stored.id, (now + stored.left, stored));
            }
            ServiceChange::DropPayload(id) => assert!(self.payloads.remove(&id).is_some()),
        }
    }
}

struct World {
    registry: Registry,
    services: Services,
    model: Model,
    disk: Disk,
    now: Duration,
}

impl World {
    fn new() -> Self {
        let (services, model) = (services(limits()), Model::new(limits()));
        Self { registry: registry(), services, model, disk: Disk::default(), now: secs(1_000) }
    }

    fn ask(&mut self, n: usize, network: u8, request: TrackerRequest) -> TrackerResponse {
        let outcome = self.services.handle(&mut self.registry, self.now, from(peer(n), network), Ok(request));
        for effect in outcome.effects {
            match effect {
                Effect::Changed(change) => self.disk.write(self.now, change),
                Effect::RoleChanged { .. } => {}
                Effect::Probe(_) => panic!("nobody was reported"),
            }
        }
        outcome.response
    }

    fn run(&mut self, step: Step) {
        self.model.expire(self.now);
        match step {
            Step::Register(n, c) => {
                register(&mut self.registry, self.now, peer(n), content(c), "none");
                self.model.registered.insert((peer(n), content(c)), self.now + secs(100));
            }
            Step::Unregister(n, c) => {
                self.registry.unregister(&peer(n), &swarm_namespace(&content(c)));
                self.model.registered.remove(&(peer(n), content(c)));
            }
            Step::Gone(n) => {
                self.registry.remove_peer(&peer(n));
                self.model.registered.retain(|(other, _), _| *other != peer(n));
            }
            Step::Publish(n, entries) => {
                let want = self.model.publish(self.now, peer(n), &entries);
                let got = self.ask(n, 0, TrackerRequest::Publish { entries });
                assert_eq!(got, want.map_or_else(error, |()| TrackerResponse::Published { ttl: 60 }));
            }
            Step::Withdraw(n, c) => {
                self.model.withdraw(peer(n), content(c));
                assert_eq!(
                    self.ask(n, 0, TrackerRequest::Withdraw { contents: vec![content(c)] }),
                    TrackerResponse::Ok {}
                );
            }
            Step::Wait(time) => self.wait(secs(time)),
            Step::Find { mode, text, limit } => self.find(mode, TEXTS[text], limit),
            Step::Put(n, network, bytes) => {
                let want = self.model.put(self.now, peer(n), prefix(network), &bytes);
                let got = self.ask(n, network, TrackerRequest::Put { bytes });
                assert_eq!(got, want.map_or_else(error, |id| TrackerResponse::Stored { id, ttl: 200 }));
            }
            Step::Get(bytes) => {
                let there = self.model.payloads.iter().any(|payload| payload.bytes == bytes);
                let got = self.ask(0, 0, TrackerRequest::Get { id: Hash::of(&bytes) });
                let want = if there {
                    TrackerResponse::Payload { bytes }
                } else {
                    error(TrackerErrorCode::NotFound)
                };
                assert_eq!(got, want);
            }
            Step::Restart => self.restart(),
        }
        self.compare();
    }

    fn wait(&mut self, time: Duration) {
        let entries = self.model.publications.iter().map(|p| p.expires);
        let first = entries.chain(self.model.payloads.iter().map(|p| p.expires)).min();
        assert_eq!(self.services.next_expiry(), first);
        self.now += time;
        self.model.expire(self.now);
        self.registry.expire(self.now);
        for change in self.services.expire(self.now) {
            self.disk.write(self.now, change);
        }
    }

    /// Walks through all pages of a search: everything comes once, in order.
    fn find(&mut self, mode: Mode, text: &str, limit: u32) {
        let want = self.model.find(mode, text);
        let mut got = vec![];
        let mut after = None;
        loop {
            let request = TrackerRequest::Find { mode, text: text.into(), after, limit };
            let TrackerResponse::Found { next, contents } = self.ask(0, 0, request) else {
                panic!("not found")
            };
            assert!(limit == 0 || contents.len() <= limit as usize);
            got.extend(contents);
            after = next;
            if after.is_none() {
                break;
            }
        }
        let names: Vec<_> = got.iter().map(|found| key(&found.entry).0).collect();
        assert!(names.is_sorted(), "{names:?}");
        assert_eq!(got.len(), want.len(), "each once");
        let got: BTreeMap<_, BTreeSet<_>> = got
            .iter()
            .map(|found| {
                assert_eq!(found.publishers as usize, found.peers.len());
                let peers = found.peers.iter().map(|id| PeerId::from_bytes(id).unwrap());
                (key(&found.entry), peers.collect())
            })
            .collect();
        assert_eq!(got, want);
    }

    /// Starts again with what has been written down.
    fn restart(&mut self) {
        self.services = services(limits());
        let now = self.now;
        self.disk.entries.retain(|_, (expires, stored)| {
            let left = expires.saturating_sub(now);
            let restored = self.services.restore_entry(now, StoredEntry { left, ..stored.clone() });
            assert_eq!(restored, *expires > now);
            restored
        });
        self.disk.payloads.retain(|_, (expires, stored)| {
            let left = expires.saturating_sub(now);
            let restored = self.services.restore_payload(now, StoredPayload { left, ..stored.clone() });
            assert_eq!(restored, *expires > now);
            restored
        });
        // Renewals that were not written are lost.
        self.model.publications.retain_mut(|publication| {
            let key = (publication.peer, publication.entry.content);
            let on_disk = self.disk.entries.get(&key).map_or(now, |(expires, _)| *expires);
            assert!(on_disk + limits().entry_ttl / 2 >= publication.expires);
            publication.expires = on_disk;
            on_disk > now
        });
        self.model.payloads.retain_mut(|payload| {
            let id = Hash::of(&payload.bytes);
            let on_disk = self.disk.payloads.get(&id).map_or(now, |(expires, _)| *expires);
            assert!(on_disk + limits().payload_ttl / 24 >= payload.expires);
            payload.expires = on_disk;
            on_disk > now
        });
    }

    fn compare(&mut self) {
        let (entries, payloads) = (self.model.publications.len(), self.model.payloads.len());
        let stats = self.services.stats(&self.registry, self.now);
        assert_eq!((stats.current.entries, stats.current.payloads), (entries as u64, payloads as u64));
        let bytes: usize = self.model.payloads.iter().map(|payload| payload.bytes.len()).sum();
        assert_eq!(stats.current.payload_bytes, bytes as u64);
        let written: BTreeSet<_> = self.disk.entries.keys().copied().collect();
        assert_eq!(written, self.model.publications.iter().map(|p| (p.peer, p.entry.content)).collect());
        assert_eq!(self.disk.payloads.len(), payloads);
        let distinct = |all: BTreeSet<String>| all.len();
        let of = |what: &dyn Fn(&super::model::Publication) -> String| {
            distinct(self.model.publications.iter().map(what).collect())
        };
        let (items, peers) = (of(&|p| format!("{:?}", p.entry)), of(&|p| p.peer.to_string()));
        assert_eq!(self.services.index.footprint(), [items, entries, peers, entries, entries]);
        let owners = distinct(self.model.payloads.iter().map(|p| p.peer.to_string()).collect());
        let networks = distinct(self.model.payloads.iter().map(|p| format!("{:?}", p.prefix)).collect());
        assert_eq!(self.services.payloads.footprint(), [payloads, payloads, owners, networks]);
    }
}

fn error(code: TrackerErrorCode) -> TrackerResponse {
    TrackerResponse::Error { code }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn lives_as_the_model_does(steps in prop::collection::vec(step(), 1..100)) {
        let mut world = World::new();
        steps.into_iter().for_each(|step| world.run(step));
    }

    #[test]
    fn no_cursor_makes_it_panic(cursor in prop::collection::vec(any::<u8>(), 0..40), prefix in any::<bool>()) {
        let mut world = World::new();
        register(&mut world.registry, world.now, peer(1), content(1), "none");
        world.ask(1, 0, TrackerRequest::Publish { entries: vec![entry(1, "alpha")] });
        let mode = if prefix { Mode::Prefix } else { Mode::Substring };
        let after = Some(cursor.clone().into());
        let found = world.ask(0, 0, TrackerRequest::Find { mode, text: "al".into(), after, limit: 0 });
        let refused = found == error(TrackerErrorCode::BadRequest);
        assert!(refused || matches!(found, TrackerResponse::Found { next: None, .. }));
        let listed = world.ask(0, 0, TrackerRequest::Peers { after: Some(cursor.into()), limit: 0 });
        let refused = listed == error(TrackerErrorCode::BadRequest);
        assert!(refused || matches!(listed, TrackerResponse::Peers { .. }));
    }
}
