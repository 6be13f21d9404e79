//! What goes into the table and what comes out.

// From `core`, which has the addresses but no sockets.
use core::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use libp2p_identity::PeerId;

use super::side::Seat;
use shoal_addresses::Prefix;
use shoal_wire::tracker::Role;

/// The most networks that one registration counts against.
pub const MAX_PREFIXES: usize = 16;

/// A request to be listed. The caller has checked that the record is signed by the connected peer. Here the record
/// is opaque.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// The peer that registers.
    pub peer: PeerId,
    /// Where it registers; 1 to 255 bytes.
    pub namespace: String,
    /// The signed record, byte for byte as it is passed on.
    pub record: Arc<[u8]>,
    /// The record's sequence number.
    pub sequence: u64,
    /// [`addresses_digest`](super::addresses_digest) of what is in the record. Clients sign a new record for
    /// each renewal. To a peer that asks with a cookie, only a record with other addresses is news.
    pub addresses: u64,
    /// The networks against whose quota it counts: those that the peer is seen in, not those that it merely says it is
    /// in. At most [`MAX_PREFIXES`]; further ones are left out.
    pub prefixes: Vec<Prefix>,
    /// Where the peer's connection came from; which of its addresses may be dialled depends on that, see
    /// [`shoal_addresses`].
    pub observed: Option<IpAddr>,
    /// The time asked for, in seconds.
    pub ttl: Option<u64>,
    /// What the peer is there; none if it did not say, as clients do that speak the libp2p protocol only. A renewal
    /// without a role leaves the role as it is.
    pub role: Option<Role>,
}

/// A registration in an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrationListing {
    /// The registered peer.
    pub peer: PeerId,
    /// Where it is registered.
    pub namespace: Arc<str>,
    /// The signed record.
    pub record: Arc<[u8]>,
    /// What is left of its time, in seconds, at least 1.
    pub ttl: u64,
    /// What the peer is there, if it said so.
    pub role: Option<Role>,
}

/// The answer to a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiscoveryPage {
    /// The registered peers that were found.
    pub listings: Vec<RegistrationListing>,
    /// To ask later for what is new since.
    pub cookie: Vec<u8>,
}

/// How to reach a peer by what it registered last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// The signed record.
    pub record: Arc<[u8]>,
    /// Where the peer's connection came from then.
    pub observed: Option<IpAddr>,
}

/// How many are in a swarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Have everything.
    pub seeds: usize,
    /// Are fetching.
    pub downloaders: usize,
    /// Did not say.
    pub unknown: usize,
}

impl Counts {
    /// All of them.
    pub fn total(self) -> usize {
        self.seeds + self.downloaders + self.unknown
    }
}

/// One registration as the table holds it.
#[derive(Debug)]
pub(super) struct Entry {
    /// Place in the table of peers.
    pub(super) peer: u32,
    /// Place in the table of namespaces.
    pub(super) namespace: u32,
    pub(super) record: Arc<[u8]>,
    pub(super) sequence: u64,
    pub(super) addresses: u64,
    /// Rises with every registration that is news.
    pub(super) number: u64,
    pub(super) expires: Duration,
    pub(super) role: Option<Role>,
    /// Where it came from when it was new. Renewals from elsewhere stay charged there, so that they are
    /// never refused and the quotas hold all the same.
    pub(super) prefixes: Box<[Prefix]>,
    /// Where the newest record came from.
    pub(super) observed: Option<IpAddr>,
    /// Its seat among those with its role in the namespace's swarm.
    pub(super) seat: Seat,
}

impl Entry {
    /// Whole seconds until it runs out, at least 1, because zero means something else to clients.
    pub(super) fn left(&self, now: Duration) -> u64 {
        self.expires.saturating_sub(now).as_secs().max(1)
    }
}
