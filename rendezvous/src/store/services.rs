//! Payloads and published entries as rows.
//!
//! A payload's key is its id. An entry's key is the length of its publisher's id in one byte, the id, and the content
//! id: so all of one peer lie together. An entry's value is, after a version, what its peer sent to publish
//! it, so that it is checked by the same code when it is read.

use std::time::Duration;

use libp2p::PeerId;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use shoal_content::{ContentId, Hash};
use shoal_tracker::{ServiceChange, StoredEntry, StoredPayload};
use shoal_wire::frame;
use shoal_wire::tracker::TrackerRequest;

use super::registration::{BadRow, peer_key, prefix, prefix_bytes};
use super::{Row, StoreChange, Table, WallClock};

/// The version that is written and read.
const VERSION: u8 = 1;

/// In the order of the keys' lengths and bytes.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    #[serde(rename = "v")]
    version: u8,
    peer: ByteBuf,
    bytes: ByteBuf,
    /// Empty where it is not known.
    prefix: ByteBuf,
}

/// What writes a change down.
pub fn change(changed: ServiceChange, clock: WallClock, now: Duration) -> StoreChange {
    let expires = |left: Duration| clock.at(now.saturating_add(left));
    match changed {
        ServiceChange::PutPayload(payload) => {
            let stored = Stored {
                version: VERSION,
                peer: ByteBuf::from(payload.peer.to_bytes()),
                bytes: ByteBuf::from(payload.bytes.to_vec()),
                prefix: payload.prefix.as_ref().map(prefix_bytes).unwrap_or_default(),
            };
            StoreChange::Put {
                table: Table::Payloads,
                key: shoal_cbor::encode(&payload.id),
                value: shoal_cbor::encode(&stored),
                expires: expires(payload.left),
            }
        }
        ServiceChange::DropPayload(id) => {
            StoreChange::Remove { table: Table::Payloads, key: shoal_cbor::encode(&id) }
        }
        ServiceChange::PutEntry(StoredEntry { peer, entry, left }) => {
            let key = entry_key(&peer, &entry.content);
            let published = shoal_cbor::encode(&TrackerRequest::Publish { entries: vec![entry] });
            let value = [&[VERSION], published.as_slice()].concat();
            StoreChange::Put { table: Table::Index, key, value, expires: expires(left) }
        }
        ServiceChange::DropEntry { peer, content } => {
            StoreChange::Remove { table: Table::Index, key: entry_key(&peer, &content) }
        }
    }
}

/// Reads a payload, with the rest of its time.
///
/// # Errors
/// What is wrong with the row. That the bytes fit the id is checked by the caller.
pub fn payload(row: &Row, clock: WallClock, now: Duration) -> Result<StoredPayload, BadRow> {
    let left = clock.left(now, row.expires).ok_or(BadRow::Expired)?;
    let id: Hash = shoal_cbor::decode_canonical(&row.key).map_err(|_| BadRow::Key)?;
    let stored: Stored = shoal_cbor::decode_canonical(&row.value)?;
    if stored.version != VERSION {
        return Err(BadRow::Version(stored.version));
    }
    let from = (!stored.prefix.is_empty()).then(|| prefix(&stored.prefix).ok_or(BadRow::Prefixes));
    Ok(StoredPayload {
        id,
        bytes: stored.bytes.into_vec().into(),
        peer: PeerId::from_bytes(&stored.peer).map_err(|_| BadRow::Peer)?,
        prefix: from.transpose()?,
        left: Duration::from_secs(left),
    })
}

/// Reads a published entry, with the rest of its time.
///
/// # Errors
/// What is wrong with the row.
pub fn entry(row: &Row, clock: WallClock, now: Duration) -> Result<StoredEntry, BadRow> {
    let left = clock.left(now, row.expires).ok_or(BadRow::Expired)?;
    let (version, published) = row.value.split_first().ok_or(BadRow::Entry)?;
    if *version != VERSION {
        return Err(BadRow::Version(*version));
    }
    let Ok(TrackerRequest::Publish { entries }) = frame::decode(published) else { return Err(BadRow::Entry) };
    let [entry] = entries.try_into().map_err(|_| BadRow::Entry)?;
    let (length, rest) = row.key.split_first().ok_or(BadRow::Key)?;
    let (peer, content) = rest.split_at_checked(usize::from(*length)).ok_or(BadRow::Key)?;
    let peer = PeerId::from_bytes(peer).map_err(|_| BadRow::Key)?;
    if content != entry.content.to_bytes() {
        return Err(BadRow::Key);
    }
    Ok(StoredEntry { peer, entry, left: Duration::from_secs(left) })
}

fn entry_key(peer: &PeerId, content: &ContentId) -> Vec<u8> {
    peer_key(peer, &content.to_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use shoal_addresses::Prefix;
    use shoal_wire::tracker::IndexEntry;

    const SECOND: Duration = Duration::from_secs(1);

    fn clock() -> WallClock {
        WallClock::new(1_000_000 * SECOND, SECOND)
    }

    fn row(changed: ServiceChange) -> Row {
        match change(changed, clock(), SECOND) {
            StoreChange::Put { key, value, expires, .. } => Row { key, value, expires },
            other => panic!("{other:?}"),
        }
    }

    fn stored_payload(prefix: Option<Prefix>) -> StoredPayload {
        let bytes = b"some text".to_vec();
        let id = Hash::of(&bytes);
        StoredPayload { id, bytes: bytes.into(), peer: PeerId::random(), prefix, left: 60 * SECOND }
    }

    fn stored_entry() -> StoredEntry {
        let content = ContentId::from_root_hash(Hash::of(b"root"));
        let entry = IndexEntry { name: "Größe".into(), size: 1 << 40, files: 3, content };
        StoredEntry { peer: PeerId::random(), entry, left: 60 * SECOND }
    }

    #[test]
    fn what_is_written_is_read() {
        for prefix in [None, Some(Prefix::V4([8, 8, 8])), Some(Prefix::V6([1; 6]))] {
            let stored = stored_payload(prefix);
            let row = row(ServiceChange::PutPayload(stored.clone()));
            assert_eq!(payload(&row, clock(), SECOND), Ok(stored.clone()));
            let removed = change(ServiceChange::DropPayload(stored.id), clock(), SECOND);
            assert_eq!(removed, StoreChange::Remove { table: Table::Payloads, key: row.key });
        }
        let stored = stored_entry();
        let row = row(ServiceChange::PutEntry(stored.clone()));
        assert_eq!(entry(&row, clock(), SECOND), Ok(stored.clone()));
        let drop = ServiceChange::DropEntry { peer: stored.peer, content: stored.entry.content };
        let removed = change(drop, clock(), SECOND);
        assert_eq!(removed, StoreChange::Remove { table: Table::Index, key: row.key });
    }

    #[test]
    fn time_runs_on_between_starts() {
        let (kept, told) = (
            row(ServiceChange::PutPayload(stored_payload(None))),
            row(ServiceChange::PutEntry(stored_entry())),
        );
        assert_eq!(payload(&kept, clock(), 31 * SECOND).unwrap().left, 30 * SECOND);
        assert_eq!(entry(&told, clock(), 31 * SECOND).unwrap().left, 30 * SECOND);
        assert_eq!(payload(&kept, clock(), 61 * SECOND), Err(BadRow::Expired));
        assert_eq!(entry(&told, clock(), 61 * SECOND), Err(BadRow::Expired));
    }

    #[test]
    fn each_fault_is_named() {
        let kept = row(ServiceChange::PutPayload(stored_payload(None)));
        let with = |change: fn(&mut Stored)| {
            let mut stored: Stored = shoal_cbor::decode(&kept.value).unwrap();
            change(&mut stored);
            payload(&Row { value: shoal_cbor::encode(&stored), ..kept.clone() }, clock(), SECOND).unwrap_err()
        };
        assert_eq!(with(|s| s.version = 2), BadRow::Version(2));
        assert_eq!(with(|s| s.peer = ByteBuf::from([1; 3])), BadRow::Peer);
        assert_eq!(with(|s| s.prefix = ByteBuf::from([1; 4])), BadRow::Prefixes);
        assert_eq!(payload(&Row { key: vec![1], ..kept.clone() }, clock(), SECOND), Err(BadRow::Key));

        let told = row(ServiceChange::PutEntry(stored_entry()));
        let value = |value: Vec<u8>| entry(&Row { value, ..told.clone() }, clock(), SECOND).unwrap_err();
        assert_eq!(value(vec![]), BadRow::Entry);
        assert_eq!(value(vec![2]), BadRow::Version(2));
        assert_eq!(value(vec![1, 0]), BadRow::Entry);
        let hostile = IndexEntry { name: "../etc".into(), ..stored_entry().entry };
        let published = shoal_cbor::encode(&TrackerRequest::Publish { entries: vec![hostile] });
        assert_eq!(value([&[VERSION], published.as_slice()].concat()), BadRow::Entry);
        let elsewhere = peer_key(&PeerId::random(), b"another content");
        assert_eq!(entry(&Row { key: elsewhere, ..told }, clock(), SECOND), Err(BadRow::Key));
    }
}
