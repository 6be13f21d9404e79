//! What the rendezvous point answers: the protocol's rules over the [`Registry`]. Decisions only.
//!
//! **Addresses.** A record is passed on byte for byte, because a signature is over all of it; an address
//! cannot be taken out. So a record with an address that nobody may be told (see [`is_harmful`]) is refused as a whole, and
//! so is one without any address that its peer may name ([`tellable`], by where the peer is seen). One that names
//! private addresses beside public ones is taken, as most libp2p programs behind a router send such;
//! the reader has to know which networks are its own. Shoal's nodes do.
//!
//! **Two forms of records.** Clients of rust-libp2p (libp2p-rendezvous 0.18) write and read the legacy form only
//! and give up a whole answer because of one record of the specification's form. The other way round, a client that
//! follows the specification leaves out legacy records, or fails likewise. A tracker cannot sign again, so it
//! chooses by asker:
//!
//! - A peer that registered a legacy record, or says by identify that it is rust-libp2p, is told legacy records only.
//! - A peer that registered a record of the specification, or says that it is Shoal, is told both.
//! - A peer of which nothing is known is told records of one form only: the form that more of the answer's records
//!   have.
//!
//! So in a namespace with both forms, clients of rust-libp2p do not see peers that use the specification's;
//! peers that want to be found by both kinds have to register under two ids or be known otherwise.

use std::net::IpAddr;
use std::time::Duration;

use libp2p::PeerId;
use shoal_addresses::{Prefix, Scope, is_harmful, tellable};
use shoal_registry::{
    DiscoveryPage, Registration, RegistrationListing, Registry, RequestLimiter, addresses_digest,
};
use shoal_wire::rendezvous::RendezvousRefusal;
use shoal_wire::rendezvous::{
    Discovered, Malformed, PeerRecord, RecordFormat, Registered, RendezvousRequest, RendezvousResponse,
};

use crate::counters::Requests;
use crate::settings::{Rate, Settings};

/// Peers and networks whose rates are remembered.
const MAX_REMEMBERED: usize = 50_000;

/// Which records a client can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Reads {
    /// Legacy ones only.
    Legacy,
    /// Records of the specification; it reads or skips legacy ones.
    Both,
    /// Not known; one form at a time is safe.
    #[default]
    Unknown,
}

/// The peer that asks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asker {
    pub(crate) peer: PeerId,
    /// Where its connection comes from.
    pub(crate) observed: Option<IpAddr>,
    /// What is known from other things than its registrations.
    pub(crate) reads: Reads,
}

/// What a request has changed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// The asker has registered or renewed. The registration is the registry's, with the role from before.
    Registered(Registration),
    /// It is not any more.
    Unregistered { namespace: String },
}

/// A rendezvous point without its network.
pub(crate) struct Point {
    registry: Registry,
    registers: RequestLimiter,
    discovers: RequestLimiter,
    /// How many registrations an answer may have.
    room: u64,
    record: usize,
    requests: Requests,
}

impl Point {
    pub(crate) fn new(settings: &Settings, registry: Registry) -> Self {
        let many = settings.peers_per_prefix;
        let limiter = |rate: Rate| RequestLimiter::new(rate.burst, rate.interval, many, MAX_REMEMBERED);
        let record = settings.limits.record;
        Self {
            registry,
            registers: limiter(settings.register_rate),
            discovers: limiter(settings.discover_rate),
            room: RendezvousResponse::room_for(record) as u64,
            record,
            requests: Requests::default(),
        }
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    pub(crate) fn registry_mut(&mut self) -> &mut Registry {
        &mut self.registry
    }

    pub(crate) fn requests(&self) -> Requests {
        self.requests
    }

    /// Does what was asked for; says what to answer and what has changed. There is an answer to everything but a
    /// request to unregister.
    pub(crate) fn handle(
        &mut self,
        now: Duration,
        asker: &Asker,
        request: Result<RendezvousRequest, Malformed>,
    ) -> (Option<RendezvousResponse>, Option<Kept>) {
        let mut kept = None;
        let answer = match request {
            Ok(RendezvousRequest::Register { namespace, record, ttl }) => {
                self.requests.registers += 1;
                let granted = self.register(now, asker, namespace.clone(), record, ttl);
                if granted.is_ok() {
                    kept = self.registry.registration(now, &asker.peer, &namespace).map(Kept::Registered);
                }
                Some(RendezvousResponse::Register(granted.map_err(Into::into)))
            }
            Ok(RendezvousRequest::Unregister { namespace }) => {
                self.requests.unregisters += 1;
                let was = self.registry.unregister(&asker.peer, &namespace);
                kept = was.then_some(Kept::Unregistered { namespace });
                None
            }
            Ok(RendezvousRequest::Discover { namespace, limit, cookie }) => {
                self.requests.discovers += 1;
                let found = self.discover(now, asker, namespace.as_deref(), limit, cookie.as_deref());
                Some(RendezvousResponse::Discover(found.map_err(Into::into)))
            }
            Err(malformed) => {
                self.requests.malformed += 1;
                malformed.into()
            }
        };
        if let Some(refused) = answer.as_ref().and_then(RendezvousResponse::refused) {
            self.requests.count_refusal(refused.status);
        }
        (answer, kept)
    }

    fn register(
        &mut self,
        now: Duration,
        asker: &Asker,
        namespace: String,
        record: Vec<u8>,
        ttl: Option<u64>,
    ) -> Result<u64, RendezvousRefusal> {
        if !self.registers.allow(now, asker.peer, asker.observed) {
            return Err(RendezvousRefusal::TooOften);
        }
        // Before the signature is checked, which costs most.
        if record.len() > self.record {
            return Err(RendezvousRefusal::RecordSize);
        }
        let opened = PeerRecord::open(&record).map_err(|_| RendezvousRefusal::Record)?;
        check(&opened, asker)?;
        let registration = Registration {
            peer: asker.peer,
            namespace,
            record: record.into(),
            sequence: opened.sequence,
            addresses: addresses_digest(&opened.addresses),
            prefixes: asker.observed.and_then(Prefix::of).into_iter().collect(),
            observed: asker.observed,
            ttl,
            role: None,
        };
        self.registry.register(now, registration)
    }

    fn discover(
        &mut self,
        now: Duration,
        asker: &Asker,
        namespace: Option<&str>,
        limit: Option<u64>,
        cookie: Option<&[u8]>,
    ) -> Result<Discovered, RendezvousRefusal> {
        if !self.discovers.allow(now, asker.peer, asker.observed) {
            return Err(RendezvousRefusal::TooOften);
        }
        // Zero means no limit, as it does where protobuf leaves it out.
        let limit = limit.filter(|n| *n > 0).unwrap_or(u64::MAX).min(self.room);
        let page = self.registry.discover(now, namespace, Some(limit), cookie, Some(asker.peer))?;
        let reads = match self.registry.contact(&asker.peer).and_then(|it| RecordFormat::of(&it.record)) {
            Some(RecordFormat::Legacy) => Reads::Legacy,
            Some(RecordFormat::Standard) => Reads::Both,
            None => asker.reads,
        };
        Ok(readable(page, reads))
    }
}

fn check(record: &PeerRecord, asker: &Asker) -> Result<(), RendezvousRefusal> {
    let standing = asker.observed.map_or(Scope::Public, Scope::standing_at_ip);
    if record.peer != asker.peer {
        Err(RendezvousRefusal::NotAuthorized)
    } else if record.addresses.iter().any(is_harmful) {
        Err(RendezvousRefusal::HarmfulAddress)
    } else if tellable(record.addresses.iter().cloned(), standing).is_empty() {
        Err(RendezvousRefusal::NoAddress)
    } else {
        Ok(())
    }
}

/// What of a page its asker can read.
fn readable(page: DiscoveryPage, reads: Reads) -> Discovered {
    let is_legacy = |it: &RegistrationListing| RecordFormat::of(&it.record) == Some(RecordFormat::Legacy);
    let legacy = page.listings.iter().filter(|it| is_legacy(it)).count();
    let keep = |it: &RegistrationListing| match reads {
        Reads::Both => true,
        Reads::Legacy => is_legacy(it),
        Reads::Unknown => is_legacy(it) == (legacy > page.listings.len() - legacy),
    };
    let told = |it: &RegistrationListing| Registered {
        namespace: it.namespace.clone(),
        record: it.record.clone(),
        ttl: it.ttl,
    };
    let registrations = page.listings.iter().filter(|it| keep(it)).map(told).collect();
    Discovered { registrations, cookie: page.cookie }
}

#[cfg(test)]
mod tests;
