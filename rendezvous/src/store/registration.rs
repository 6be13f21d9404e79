//! Registrations as rows.
//!
//! The key is the length of the peer's id in one byte, the id, and the namespace: so all of one peer lie
//! together. The value is CBOR with a version of its own. Roles are those that
//! peers said last.
//!
//! What is read is checked like what a peer sends, but for the record's signature: a user that can
//! write the file could as well read the tracker's key beside it.

use std::net::IpAddr;
use std::time::Duration;

use libp2p::PeerId;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use shoal_addresses::Prefix;
use shoal_cbor::CborError;
use shoal_registry::{MAX_PREFIXES, Registration};
use shoal_wire::rendezvous::MAX_NAMESPACE;
use shoal_wire::tracker::Role;

use super::{Row, StoreChange, Table, WallClock};

/// The version that is written and read.
const VERSION: u8 = 1;

/// Why a row is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadRow {
    /// The key is not a peer id and a namespace.
    #[error("the key is malformed")]
    Key,
    /// The value cannot be read.
    #[error(transparent)]
    Value(#[from] CborError),
    /// The value is of a version that is not known here.
    #[error("version {0} is not known")]
    Version(u8),
    /// Too many prefixes, or one that is neither a /24 nor a /48.
    #[error("the prefixes are malformed")]
    Prefixes,
    /// The address that the peer was seen at is none.
    #[error("the observed address is malformed")]
    Observed,
    /// The peer is none.
    #[error("the peer id is malformed")]
    Peer,
    /// Not a published entry.
    #[error("the published entry is malformed")]
    Entry,
    /// A role that is not known here.
    #[error("the role is not known")]
    Role,
    /// Nothing is left of its time.
    #[error("it has expired")]
    Expired,
}

/// In the order of the keys' lengths and bytes.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    #[serde(rename = "v")]
    version: u8,
    role: u8,
    record: ByteBuf,
    /// Four or sixteen bytes; empty where it is not known.
    observed: ByteBuf,
    prefixes: Vec<ByteBuf>,
    sequence: u64,
    addresses: u64,
}

/// A registration, encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    key: Vec<u8>,
    value: Vec<u8>,
}

impl Encoded {
    /// Encodes it. Its `ttl` is not part of that.
    pub fn of(registration: &Registration) -> Self {
        let stored = Stored {
            version: VERSION,
            role: role_number(registration.role),
            record: ByteBuf::from(registration.record.to_vec()),
            observed: registration.observed.map(address_bytes).unwrap_or_default(),
            prefixes: registration.prefixes.iter().map(prefix_bytes).collect(),
            sequence: registration.sequence,
            addresses: registration.addresses,
        };
        Self { key: key(&registration.peer, &registration.namespace), value: shoal_cbor::encode(&stored) }
    }

    /// What writes it down, until `expires` in seconds since the Unix epoch.
    pub fn until(self, expires: u64) -> StoreChange {
        StoreChange::Put { table: Table::Registrations, key: self.key, value: self.value, expires }
    }
}

/// What removes one registration.
pub fn remove(peer: &PeerId, namespace: &str) -> StoreChange {
    StoreChange::Remove { table: Table::Registrations, key: key(peer, namespace) }
}

/// What removes all registrations of a peer.
pub fn remove_peer(peer: &PeerId) -> StoreChange {
    StoreChange::RemovePrefix { table: Table::Registrations, prefix: key(peer, "") }
}

/// Reads a registration as `Registry::restore` takes it, with the rest of its time.
///
/// # Errors
/// What is wrong with the row. The limits of an operator are not looked at here, the registry does that.
pub fn read(row: &Row, clock: WallClock, now: Duration) -> Result<Registration, BadRow> {
    let ttl = clock.left(now, row.expires).ok_or(BadRow::Expired)?;
    let (peer, namespace) = split(&row.key).ok_or(BadRow::Key)?;
    let stored: Stored = shoal_cbor::decode_canonical(&row.value)?;
    if stored.version != VERSION {
        return Err(BadRow::Version(stored.version));
    }
    if stored.prefixes.len() > MAX_PREFIXES {
        return Err(BadRow::Prefixes);
    }
    let prefixes: Option<Vec<Prefix>> = stored.prefixes.iter().map(|bytes| prefix(bytes)).collect();
    Ok(Registration {
        peer,
        namespace: namespace.to_owned(),
        record: stored.record.into_vec().into(),
        sequence: stored.sequence,
        addresses: stored.addresses,
        prefixes: prefixes.ok_or(BadRow::Prefixes)?,
        ttl: Some(ttl),
        role: role(stored.role)?,
        observed: address(&stored.observed)?,
    })
}

fn key(peer: &PeerId, namespace: &str) -> Vec<u8> {
    peer_key(peer, namespace.as_bytes())
}

/// A key among those of one peer.
pub(super) fn peer_key(peer: &PeerId, rest: &[u8]) -> Vec<u8> {
    let peer = peer.to_bytes();
    // A peer id is a multihash of at most 64 bytes and its head.
    let length = peer.len() as u8;
    [&[length], peer.as_slice(), rest].concat()
}

fn split(key: &[u8]) -> Option<(PeerId, &str)> {
    let (length, rest) = key.split_first()?;
    let (peer, namespace) = rest.split_at_checked(usize::from(*length))?;
    let namespace = str::from_utf8(namespace).ok().filter(|n| (1..=MAX_NAMESPACE).contains(&n.len()))?;
    Some((PeerId::from_bytes(peer).ok()?, namespace))
}

pub(super) fn prefix_bytes(prefix: &Prefix) -> ByteBuf {
    match prefix {
        Prefix::V4(bytes) => ByteBuf::from(bytes.to_vec()),
        Prefix::V6(bytes) => ByteBuf::from(bytes.to_vec()),
    }
}

pub(super) fn prefix(bytes: &[u8]) -> Option<Prefix> {
    let v4 = || bytes.try_into().ok().map(Prefix::V4);
    let v6 = || bytes.try_into().ok().map(Prefix::V6);
    v4().or_else(v6)
}

fn address_bytes(address: IpAddr) -> ByteBuf {
    ByteBuf::from(match address {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    })
}

fn address(bytes: &[u8]) -> Result<Option<IpAddr>, BadRow> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let v4 = || <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    let v6 = || <[u8; 16]>::try_from(bytes).map(IpAddr::from);
    v4().or_else(|_| v6()).map(Some).map_err(|_| BadRow::Observed)
}

fn role_number(role: Option<Role>) -> u8 {
    match role {
        None => 0,
        Some(Role::Seed) => 1,
        Some(Role::Downloader) => 2,
    }
}

fn role(number: u8) -> Result<Option<Role>, BadRow> {
    match number {
        0 => Ok(None),
        1 => Ok(Some(Role::Seed)),
        2 => Ok(Some(Role::Downloader)),
        _ => Err(BadRow::Role),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn clock() -> WallClock {
        WallClock::new(1_000_000 * SECOND, SECOND)
    }

    fn registrations() -> impl Strategy<Value = Registration> {
        let prefix =
            prop_oneof![any::<[u8; 3]>().prop_map(Prefix::V4), any::<[u8; 6]>().prop_map(Prefix::V6)];
        let role = prop_oneof![Just(None), Just(Some(Role::Seed)), Just(Some(Role::Downloader))];
        let names = "[a-zé/]{1,40}";
        let record = prop::collection::vec(any::<u8>(), 1..400);
        let prefixes = prop::collection::vec(prefix, 0..=MAX_PREFIXES);
        let observed = any::<Option<IpAddr>>();
        (names, record, any::<[u64; 2]>(), prefixes, 1..7200_u64, role, observed).prop_map(
            |(namespace, record, [sequence, addresses], prefixes, ttl, role, observed)| Registration {
                peer: PeerId::random(),
                namespace,
                record: record.into(),
                sequence,
                addresses,
                prefixes,
                observed,
                ttl: Some(ttl),
                role,
            },
        )
    }

    fn row(registration: &Registration) -> Row {
        let expires = clock().at(SECOND) + registration.ttl.unwrap();
        match Encoded::of(registration).until(expires) {
            StoreChange::Put { table: Table::Registrations, key, value, expires } => {
                Row { key, value, expires }
            }
            other => panic!("{other:?}"),
        }
    }

    fn plain() -> Registration {
        Registration {
            peer: PeerId::random(),
            namespace: "a".into(),
            record: vec![7; 10].into(),
            sequence: 1,
            addresses: 2,
            prefixes: vec![Prefix::V4([8, 8, 8])],
            observed: Some([8, 8, 8, 8].into()),
            ttl: Some(60),
            role: Some(Role::Seed),
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(registration in registrations()) {
            prop_assert_eq!(read(&row(&registration), clock(), SECOND), Ok(registration));
        }

        #[test]
        fn damaged_rows_are_refused_or_read_and_never_panic(
            registration in registrations(), at: prop::sample::Index, bit in 0..8u8, in_key: bool, cut: bool
        ) {
            let mut row = row(&registration);
            let bytes = if in_key { &mut row.key } else { &mut row.value };
            let at = at.index(bytes.len());
            if cut { bytes.truncate(at) } else { bytes[at] ^= 1u8 << bit }
            if let Ok(read) = read(&row, clock(), SECOND) {
                prop_assert_ne!(read, registration);
            }
        }
    }

    #[test]
    fn time_runs_on_between_starts() {
        let row = row(&plain());
        assert_eq!(read(&row, clock(), 31 * SECOND).unwrap().ttl, Some(30));
        assert_eq!(read(&row, clock(), 61 * SECOND), Err(BadRow::Expired));
    }

    #[test]
    fn each_fault_is_named() {
        let good = row(&plain());
        let with = |change: fn(&mut Stored)| {
            let mut stored: Stored = shoal_cbor::decode(&good.value).unwrap();
            change(&mut stored);
            read(&Row { value: shoal_cbor::encode(&stored), ..good.clone() }, clock(), SECOND)
        };
        assert!(with(|_| ()).is_ok());
        assert_eq!(with(|s| s.version = 2), Err(BadRow::Version(2)));
        assert_eq!(with(|s| s.role = 3), Err(BadRow::Role));
        assert_eq!(with(|s| s.prefixes = vec![ByteBuf::from([1; 4])]), Err(BadRow::Prefixes));
        assert_eq!(with(|s| s.prefixes = vec![ByteBuf::from([1; 3]); 17]), Err(BadRow::Prefixes));
        assert_eq!(with(|s| s.observed = ByteBuf::from([1; 5])), Err(BadRow::Observed));
        let value = [good.value.as_slice(), &[0]].concat();
        let longer = Row { value, ..good.clone() };
        assert_eq!(read(&longer, clock(), SECOND), Err(BadRow::Value(CborError::Trailing)));
        let nowhere = Row { key: key(&PeerId::random(), ""), ..good };
        assert_eq!(read(&nowhere, clock(), SECOND), Err(BadRow::Key));
    }

    #[test]
    fn all_of_one_peer_and_nothing_else_is_removed_with_it() {
        let (a, b) = (PeerId::random(), PeerId::random());
        let StoreChange::RemovePrefix { prefix, .. } = remove_peer(&a) else { panic!("another change") };
        assert!(key(&a, "x").starts_with(&prefix) && key(&a, "y").starts_with(&prefix));
        assert!(!key(&b, "x").starts_with(&prefix));
    }
}
