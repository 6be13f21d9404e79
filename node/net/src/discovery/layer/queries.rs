//! The queries of kad: which are under way, for what, and what came of them.

use std::collections::HashMap;

use libp2p::kad::{QueryId, RecordKey};
use shoal_content::ContentId;
use tokio::sync::oneshot;

use super::super::behaviour::DiscoveryBehaviour;
use super::super::shared::{Asked, DhtRole, DhtStatus, Nearest};
use super::super::zone::{Reach, Zone};
use super::DiscoveryLayer;

/// What a query of kad is for.
pub(super) enum Purpose {
    LookUp(ContentId),
    Announce(ContentId),
    Nearest(u64),
}

/// Queries of both halves that belong together.
pub(super) struct Together<T> {
    pub(super) left: usize,
    pub(super) so_far: T,
}

pub(super) struct NearestSearch {
    pub(super) reply: oneshot::Sender<Nearest>,
    pub(super) found: Nearest,
}

impl DiscoveryLayer {
    pub(super) fn look_up(&mut self, discovery: &mut DiscoveryBehaviour, content: ContentId) {
        let begun =
            self.begin(discovery, |zone| Some(zone.providers(key(&content))), || Purpose::LookUp(content));
        match begun {
            0 => self.shared.state().looked_up(self.clock.now(), content),
            left => drop(self.lookups.insert(content, Together { left, so_far: () })),
        }
    }

    pub(super) fn announce(&mut self, discovery: &mut DiscoveryBehaviour, content: ContentId) {
        let begun = self.begin(discovery, |zone| zone.provide(key(&content)), || Purpose::Announce(content));
        match begun {
            0 => self.shared.state().machine.announced(self.clock.now(), content, false),
            left => drop(self.announcements.insert(content, Together { left, so_far: false })),
        }
    }

    /// Begins a query in each half in which somebody is known. Returns how many there are.
    pub(super) fn begin(
        &mut self,
        discovery: &mut DiscoveryBehaviour,
        query: impl Fn(&mut Zone) -> Option<QueryId>,
        purpose: impl Fn() -> Purpose,
    ) -> usize {
        let mut begun = 0;
        for reach in Reach::BOTH {
            let Some(zone) = discovery.zone(reach) else { continue };
            if zone.table() > 0
                && let Some(id) = query(zone)
            {
                self.queries.insert((reach, id), purpose());
                begun += 1;
            }
        }
        begun
    }

    pub(super) fn ended(&mut self, purpose: Purpose, well: bool, nearest: Nearest) {
        let now = self.clock.now();
        match purpose {
            Purpose::LookUp(content) => {
                if finish(&mut self.lookups, content, |()| {}).is_some() {
                    self.shared.state().looked_up(now, content);
                }
            }
            Purpose::Announce(content) => {
                if let Some(reached) = finish(&mut self.announcements, content, |reached| *reached |= well) {
                    self.shared.state().machine.announced(now, content, reached);
                }
            }
            Purpose::Nearest(number) => {
                if let Some(done) = finish(&mut self.searches, number, |it| it.found.extend(nearest)) {
                    drop(done.reply.send(done.found));
                }
            }
        }
    }

    pub(super) fn answer_user(&mut self, discovery: &mut DiscoveryBehaviour) {
        while let Some(asked) = { self.shared.state().asked.pop_front() } {
            match asked {
                // Err only says that nobody waits any more.
                Asked::Status(reply) => drop(reply.send(self.status(discovery))),
                Asked::Nearest { key, reply } => {
                    self.searched += 1;
                    let number = self.searched;
                    let left = self.begin(
                        discovery,
                        |zone| Some(zone.nearest(key.clone())),
                        || Purpose::Nearest(number),
                    );
                    if left > 0 {
                        let so_far = NearestSearch { reply, found: Vec::new() };
                        self.searches.insert(number, Together { left, so_far });
                    }
                }
            }
        }
    }

    pub(super) fn status(&self, discovery: &mut DiscoveryBehaviour) -> DhtStatus {
        let lan_peers = discovery.lan.is_enabled().then(|| self.shared.state().machine.lan_peers());
        let mut status = DhtStatus { lan_peers, ..DhtStatus::default() };
        let mut servers = [false; 2];
        for (at, reach) in Reach::BOTH.into_iter().enumerate() {
            let Some(zone) = discovery.zone(reach) else { continue };
            let (own, others) = zone.records();
            status.own_records = status.own_records.max(own);
            status.other_records += others;
            servers[at] = zone.is_server();
            match reach {
                Reach::Near => status.near_peers = zone.table(),
                Reach::Wide => status.wide_peers = zone.table(),
            }
        }
        status.role = match (discovery.near.is_enabled(), servers) {
            (false, _) => DhtRole::Off,
            (true, [_, true]) => DhtRole::Server,
            (true, [true, false]) => DhtRole::NearServer,
            (true, [false, false]) => DhtRole::Client,
        };
        status
    }
}

/// One of several queries has ended. What came of all of them, if it was the last one.
fn finish<K: std::hash::Hash + Eq, T>(
    all: &mut HashMap<K, Together<T>>,
    key: K,
    add: impl FnOnce(&mut T),
) -> Option<T> {
    let it = all.get_mut(&key)?;
    add(&mut it.so_far);
    it.left -= 1;
    if it.left > 0 {
        return None;
    }
    all.remove(&key).map(|it| it.so_far)
}

/// The key of a content in the DHT: the multihash of its id, as the Kademlia specification of libp2p wants it.
pub(in super::super) fn key(content: &ContentId) -> RecordKey {
    let mut key = vec![0x12, 0x20];
    key.extend(content.root_hash().as_bytes());
    RecordKey::from(key)
}
