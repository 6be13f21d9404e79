//! Requests and what comes of them.

// From `core`, which has the addresses but no sockets.
use core::net::IpAddr;
use std::time::Duration;

use libp2p_identity::PeerId;
use multiaddr::Multiaddr;
use shoal_addresses::{Prefix, Scope};
use shoal_content::ContentId;
use shoal_registry::{Registry, RequestLimiter};
use shoal_wire::frame::{Received, UnknownKind};
use shoal_wire::swarm_namespace;
use shoal_wire::tracker::{
    Current, IndexEntry, RefusalCounts, RequestCounts, Role, Stats, TrackerErrorCode, TrackerRequest,
    TrackerResponse, Verdict,
};

use super::index::{Index, Search};
use super::listing::list;
use super::payloads::Payloads;
use super::{ServiceChange, ServiceLimits, StoredEntry, StoredPayload, tally};

/// The peer that asks, as its connection shows it.
#[derive(Debug, Clone, Copy)]
pub struct Asker {
    /// The peer's id.
    pub peer: PeerId,
    /// The address that the connection comes from.
    pub ip: Option<IpAddr>,
}

/// Something that the caller has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Ask this peer for a sign of life and tell
    /// [`Registry::probe_result`](shoal_registry::Registry::probe_result).
    Probe(PeerId),
    /// Something to write down.
    Changed(ServiceChange),
    /// A registration to store again, because its role has changed; see
    /// [`Registry::registration`](shoal_registry::Registry::registration).
    RoleChanged {
        /// Whose.
        peer: PeerId,
        /// Where.
        namespace: String,
    },
}

/// What comes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceOutcome {
    /// What to answer.
    pub response: TrackerResponse,
    /// What to do besides.
    pub effects: Vec<Effect>,
}

/// Everything behind `/shoal/tracker/1`. See the [module](super) for what it promises.
#[derive(Debug)]
pub struct Services {
    limits: ServiceLimits,
    version: &'static str,
    addresses_in: fn(&[u8]) -> Vec<Multiaddr>,
    started: Duration,
    pub(super) index: Index,
    pub(super) payloads: Payloads,
    limiter: RequestLimiter,
    requests: RequestCounts,
    refusals: RefusalCounts,
}

impl Services {
    /// Starts empty at `now`. `version` is told to every peer that asks; `addresses_in` reads the addresses in a signed
    /// record of the registry, whose signature has been checked when it was registered.
    pub fn new(
        now: Duration,
        limits: ServiceLimits,
        version: &'static str,
        addresses_in: fn(&[u8]) -> Vec<Multiaddr>,
    ) -> Self {
        let limiter =
            RequestLimiter::new(limits.burst, limits.interval, limits.peers_per_prefix, limits.askers);
        Self {
            limits,
            version,
            addresses_in,
            started: now,
            index: Index::default(),
            payloads: Payloads::default(),
            limiter,
            requests: RequestCounts::default(),
            refusals: RefusalCounts::default(),
        }
    }

    /// Answers a request, also one of an unknown kind.
    pub fn handle(
        &mut self,
        registry: &mut Registry,
        now: Duration,
        from: Asker,
        request: Received<TrackerRequest>,
    ) -> ServiceOutcome {
        registry.expire(now);
        let mut effects: Vec<_> = self.expire(now).into_iter().map(Effect::Changed).collect();
        let answered = if self.limiter.allow(now, from.peer, from.ip) {
            match request {
                Ok(request) => {
                    *tally::requests(&mut self.requests, &request) += 1;
                    self.answer(registry, now, from, request, &mut effects)
                }
                Err(UnknownKind { .. }) => Err(TrackerErrorCode::Unsupported),
            }
        } else {
            Err(TrackerErrorCode::Limited)
        };
        let response = answered.unwrap_or_else(|code| {
            *tally::refusals(&mut self.refusals, code) += 1;
            TrackerResponse::Error { code }
        });
        ServiceOutcome { response, effects }
    }

    /// Takes back what was written down before a restart, as [`ServiceChange::PutPayload`] told it, for the rest of
    /// its time: the caller subtracts the time in between. `false` if it is not taken.
    pub fn restore_payload(&mut self, now: Duration, payload: StoredPayload) -> bool {
        self.payloads.restore(now, &self.limits, payload)
    }

    /// As [`restore_payload`](Self::restore_payload), for [`ServiceChange::PutEntry`]. Nobody is told of it until its
    /// publisher is in the registry.
    pub fn restore_entry(&mut self, now: Duration, entry: StoredEntry) -> bool {
        self.index.restore(now, &self.limits, entry)
    }

    /// Drops what has run out. [`handle`](Self::handle) does so first; call this when no request comes.
    pub fn expire(&mut self, now: Duration) -> Vec<ServiceChange> {
        let mut changes = self.payloads.expire(now);
        changes.extend(self.index.expire(now));
        changes
    }

    /// When [`expire`](Self::expire) next has something to do.
    pub fn next_expiry(&self) -> Option<Duration> {
        [self.payloads.next_expiry(), self.index.next_expiry()].into_iter().flatten().min()
    }

    /// What is counted, as answers tell it.
    pub fn stats(&self, registry: &Registry, now: Duration) -> Stats {
        let payloads = self.payloads.usage();
        Stats {
            uptime: now.saturating_sub(self.started).as_secs(),
            current: Current {
                peers: registry.peers() as u64,
                entries: self.index.len() as u64,
                payloads: payloads.count as u64,
                namespaces: registry.namespaces() as u64,
                payload_bytes: payloads.bytes as u64,
                registrations: registry.len() as u64,
            },
            version: self.version.to_owned(),
            refusals: self.refusals,
            registry: registry.counters(),
            requests: self.requests,
        }
    }

    fn answer(
        &mut self,
        registry: &mut Registry,
        now: Duration,
        from: Asker,
        request: TrackerRequest,
        effects: &mut Vec<Effect>,
    ) -> Result<TrackerResponse, TrackerErrorCode> {
        match request {
            TrackerRequest::Swarm { content } => Ok(swarm(registry, &content)),
            TrackerRequest::Role { role, content } => set_role(registry, from.peer, role, &content, effects),
            TrackerRequest::Report { peer } => report(registry, now, from, &peer, effects),
            TrackerRequest::Publish { entries } => self.publish(registry, now, from.peer, entries, effects),
            TrackerRequest::Withdraw { contents } => {
                effects.extend(self.index.withdraw(&from.peer, &contents).into_iter().map(Effect::Changed));
                Ok(TrackerResponse::Ok {})
            }
            TrackerRequest::Find { mode, text, after, limit } => {
                let after = after.as_ref().map(|after| after.as_slice());
                let search = Search { mode, text: &text, after, limit: limit as usize };
                self.find(registry, &search, effects)
            }
            TrackerRequest::Put { bytes } => {
                let prefix = from.ip.and_then(Prefix::of);
                let (id, change) = self.payloads.put(now, &self.limits, from.peer, prefix, bytes)?;
                effects.extend(change.map(Effect::Changed));
                Ok(TrackerResponse::Stored { id, ttl: self.limits.payload_ttl.as_secs() })
            }
            TrackerRequest::Get { id } => {
                let bytes = self.payloads.get(&id).ok_or(TrackerErrorCode::NotFound)?;
                Ok(TrackerResponse::Payload { bytes: bytes.to_vec() })
            }
            TrackerRequest::Peers { after, limit } => {
                let after = after.as_ref().map(|after| after.as_slice());
                let standing = from.ip.map_or(Scope::Public, Scope::standing_at_ip);
                list(registry, now, standing, self.addresses_in, after, limit as usize)
            }
            TrackerRequest::Stats {} => {
                Ok(TrackerResponse::Stats { stats: Box::new(self.stats(registry, now)) })
            }
        }
    }

    fn publish(
        &mut self,
        registry: &Registry,
        now: Duration,
        peer: PeerId,
        entries: Vec<IndexEntry>,
        effects: &mut Vec<Effect>,
    ) -> Result<TrackerResponse, TrackerErrorCode> {
        let is_in = |entry: &IndexEntry| registry.is_registered(&peer, &swarm_namespace(&entry.content));
        if !entries.iter().all(is_in) {
            return Err(TrackerErrorCode::NotRegistered);
        }
        let changes = self.index.publish(now, &self.limits, peer, entries)?;
        effects.extend(changes.into_iter().map(Effect::Changed));
        Ok(TrackerResponse::Published { ttl: self.limits.entry_ttl.as_secs() })
    }

    fn find(
        &mut self,
        registry: &Registry,
        search: &Search<'_>,
        effects: &mut Vec<Effect>,
    ) -> Result<TrackerResponse, TrackerErrorCode> {
        let is_there = |peer: &PeerId, namespace: &str| registry.is_registered(peer, namespace);
        let found = self.index.find(&self.limits, search, is_there)?;
        effects.extend(found.changes.into_iter().map(Effect::Changed));
        Ok(TrackerResponse::Found { next: found.next, contents: found.contents })
    }
}

fn swarm(registry: &Registry, content: &ContentId) -> TrackerResponse {
    let counts = registry.counts(&swarm_namespace(content));
    TrackerResponse::Swarm {
        seeds: counts.seeds as u64,
        unknown: counts.unknown as u64,
        downloaders: counts.downloaders as u64,
    }
}

fn set_role(
    registry: &mut Registry,
    peer: PeerId,
    role: Role,
    content: &ContentId,
    effects: &mut Vec<Effect>,
) -> Result<TrackerResponse, TrackerErrorCode> {
    let namespace = swarm_namespace(content);
    // Peers tell their role with every renewal; most of the time it has not changed.
    if registry.set_role(&peer, &namespace, role).ok_or(TrackerErrorCode::NotRegistered)? {
        effects.push(Effect::RoleChanged { peer, namespace });
    }
    Ok(TrackerResponse::Ok {})
}

fn report(
    registry: &mut Registry,
    now: Duration,
    reporter: Asker,
    peer: &[u8],
    effects: &mut Vec<Effect>,
) -> Result<TrackerResponse, TrackerErrorCode> {
    let peer = PeerId::from_bytes(peer).map_err(|_| TrackerErrorCode::BadRequest)?;
    let verdict = registry.report(now, reporter.peer, reporter.ip, peer);
    if verdict == Verdict::Probing {
        effects.push(Effect::Probe(peer));
    }
    Ok(TrackerResponse::Reported { verdict })
}
