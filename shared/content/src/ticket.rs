//! Tickets: all that one needs to fetch a content, in one token that survives a shell and a chat.
//!
//! A ticket is `shoal`, the version in decimal, and lower-case unpadded base32 (RFC 4648) of a canonical
//! CBOR map followed by the first four bytes of the map's SHA-256. The last is no protection, only a
//! guard against a ticket that lost its end on the way.
//!
//! A ticket is not a secret: with it, anybody can fetch the content from any peer that serves it.

use std::fmt;
use std::str::FromStr;

use data_encoding::Encoding;
use multiaddr::Multiaddr;
use serde::{Deserialize, Serialize};

use super::hash::{ContentId, Hash};

/// The longest ticket, in characters.
pub const MAX_TICKET: usize = 8192;
/// The most addresses of either kind.
const MAX_ADDRESSES: usize = 32;
/// The longest address, in bytes.
const MAX_ADDRESS: usize = 256;
/// Bytes for the addresses of either kind, so that a ticket stays within its length; what does not fit is
/// left out.
const ROOM: usize = 2048;
const PREFIX: &str = "shoal";
const VERSION: u32 = 1;
const CHECKSUM: usize = 4;

/// A content id and where to ask for it. Addresses end in `/p2p/PEER` where the peer is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// What to fetch.
    pub content: ContentId,
    /// Some peers that had it when the ticket was made; at most 32.
    pub peers: Vec<Multiaddr>,
    /// Rendezvous points where its peers register; at most 32.
    pub rendezvous: Vec<Multiaddr>,
}

/// Why a text is no ticket.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TicketError {
    /// It does not start like one.
    #[error("not a Shoal ticket: it should start with 'shoal1'")]
    NotATicket,
    /// From a later version of Shoal.
    #[error("this ticket is of version {0}, and this Shoal reads version 1: please update Shoal")]
    FutureVersion(u32),
    /// Some characters are missing or wrong.
    #[error("the ticket is damaged ({0}): please copy it again, whole")]
    Damaged(&'static str),
    /// Longer than any ticket.
    #[error("the ticket is longer than {MAX_TICKET} characters")]
    TooLong,
    /// Whole, but with something inside that no ticket may have.
    #[error("the ticket is not valid: {0}")]
    Invalid(String),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    id: ContentId,
    peers: Vec<serde_bytes::ByteBuf>,
    rendezvous: Vec<serde_bytes::ByteBuf>,
}

fn base32() -> Encoding {
    let mut spec = data_encoding::BASE32_NOPAD.specification();
    spec.symbols = spec.symbols.to_lowercase();
    spec.encoding().expect("lower-case letters are distinct symbols")
}

impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = |all: &[Multiaddr]| {
            let mut room = ROOM;
            let fits = |a: &&Multiaddr| {
                let fits = a.len() <= MAX_ADDRESS.min(room) && is_plain(a);
                room -= if fits { a.len() } else { 0 };
                fits
            };
            let fit = all.iter().filter(fits).take(MAX_ADDRESSES);
            fit.map(|a| serde_bytes::ByteBuf::from(a.to_vec())).collect()
        };
        let fields =
            Fields { id: self.content, peers: bytes(&self.peers), rendezvous: bytes(&self.rendezvous) };
        let mut raw = shoal_cbor::encode(&fields);
        let checksum = Hash::of(&raw);
        raw.extend_from_slice(&checksum.as_bytes()[..CHECKSUM]);
        write!(f, "{PREFIX}{VERSION}{}", base32().encode(&raw))
    }
}

impl FromStr for Ticket {
    type Err = TicketError;

    fn from_str(text: &str) -> Result<Self, TicketError> {
        let text = text.trim();
        if text.len() > MAX_TICKET {
            return Err(TicketError::TooLong);
        }
        let rest = text.strip_prefix(PREFIX).ok_or(TicketError::NotATicket)?;
        // The base32 alphabet has digits 2–7, but the CBOR of a ticket starts with a map of three, 'u'
        // in base32: so the version ends where the digits end.
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let version: u32 = rest[..digits].parse().map_err(|_| TicketError::NotATicket)?;
        if rest.starts_with('0') {
            return Err(TicketError::NotATicket);
        }
        if version != VERSION {
            return Err(TicketError::FutureVersion(version));
        }
        let raw = base32()
            .decode(rest[digits..].to_ascii_lowercase().as_bytes())
            .map_err(|_| TicketError::Damaged("not base32"))?;
        let split = raw.len().checked_sub(CHECKSUM).ok_or(TicketError::Damaged("cut short"))?;
        let (body, checksum) = raw.split_at(split);
        if Hash::of(body).as_bytes()[..CHECKSUM] != *checksum {
            return Err(TicketError::Damaged("its checksum does not match"));
        }
        let fields: Fields =
            shoal_cbor::decode_canonical(body).map_err(|e| TicketError::Invalid(e.to_string()))?;
        Ok(Self {
            content: fields.id,
            peers: addresses(fields.peers)?,
            rendezvous: addresses(fields.rendezvous)?,
        })
    }
}

fn addresses(all: Vec<serde_bytes::ByteBuf>) -> Result<Vec<Multiaddr>, TicketError> {
    if all.len() > MAX_ADDRESSES || all.iter().any(|a| a.len() > MAX_ADDRESS) {
        return Err(TicketError::Invalid("too many or too long addresses".into()));
    }
    let parse = |bytes: serde_bytes::ByteBuf| {
        let address = Multiaddr::try_from(bytes.into_vec()).ok().filter(is_plain);
        address.ok_or_else(|| TicketError::Invalid("a bad address".into()))
    };
    all.into_iter().map(parse).collect()
}

/// Whether an address is written in visible ASCII alone, as all are that a ticket may hold. A name in it could
/// otherwise have anything in it that moves a cursor.
pub fn is_plain(address: &Multiaddr) -> bool {
    address.to_string().bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ticket() -> Ticket {
        Ticket {
            content: ContentId::from_root_hash(Hash::of(b"root")),
            peers: vec![
                "/ip4/192.0.2.1/tcp/4001".parse().unwrap(),
                "/ip6/::1/udp/9/quic-v1".parse().unwrap(),
            ],
            rendezvous: vec!["/dns4/example.org/tcp/6969".parse().unwrap()],
        }
    }

    #[test]
    fn round_trips_and_needs_no_quoting() {
        let text = ticket().to_string();
        assert!(text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()), "{text}");
        assert!(text.starts_with("shoal1u"));
        assert_eq!(text.parse(), Ok(ticket()));
        assert_eq!(format!("  {}\n", text).parse(), Ok(ticket()));
    }

    #[test]
    fn wrong_texts_get_the_error_that_fits() {
        let text = ticket().to_string();
        assert_eq!("hello".parse::<Ticket>(), Err(TicketError::NotATicket));
        assert_eq!(text.replacen('1', "2", 1).parse::<Ticket>(), Err(TicketError::FutureVersion(2)));
        assert_eq!(text.replacen('1', "01", 1).parse::<Ticket>(), Err(TicketError::NotATicket));
        assert_eq!(text.replacen('1', "17", 1).parse::<Ticket>(), Err(TicketError::FutureVersion(17)));
        assert_eq!("shoal1".parse::<Ticket>(), Err(TicketError::Damaged("cut short")));
        assert_eq!("shoal1!!".parse::<Ticket>(), Err(TicketError::Damaged("not base32")));
        assert_eq!("s".repeat(9000).parse::<Ticket>(), Err(TicketError::TooLong));
    }

    #[test]
    fn a_ticket_with_many_long_addresses_can_still_be_read() {
        let long = |n: usize| format!("/dns4/{}{n}.example/tcp/1", "x".repeat(200)).parse().unwrap();
        let all: Vec<Multiaddr> = (0..40).map(long).collect();
        let crowded = Ticket { peers: all.clone(), rendezvous: all.clone(), ..ticket() };
        let read: Ticket = crowded.to_string().parse().unwrap();
        assert!(!read.peers.is_empty() && read.peers == all[..read.peers.len()]);
    }

    #[test]
    fn an_address_that_is_not_plain_text_is_refused_and_never_written() {
        for name in ["a\u{1b}[2Jb", "a\nb", "a b", "\u{202e}x", "münchen"] {
            let bad: Multiaddr = format!("/dns4/{name}/tcp/1").parse().unwrap();
            let good = ticket();
            let mixed = Ticket { peers: [vec![bad.clone()], good.peers.clone()].concat(), ..good.clone() };
            assert_eq!(mixed.to_string().parse(), Ok(good.clone()));
            // As another program would write it.
            let raw =
                |all: &[Multiaddr]| all.iter().map(|a| serde_bytes::ByteBuf::from(a.to_vec())).collect();
            let fields = Fields { id: good.content, peers: raw(&good.peers), rendezvous: raw(&[bad]) };
            let mut raw = shoal_cbor::encode(&fields);
            let checksum = Hash::of(&raw);
            raw.extend_from_slice(&checksum.as_bytes()[..CHECKSUM]);
            let read = format!("shoal1{}", base32().encode(&raw)).parse::<Ticket>();
            assert!(matches!(read, Err(TicketError::Invalid(_))), "{name:?}");
        }
    }

    #[test]
    fn every_truncation_is_noticed() {
        let text = ticket().to_string();
        for end in 0..text.len() {
            assert!(text[..end].parse::<Ticket>().is_err(), "cut at {end}");
        }
    }

    proptest! {
        #[test]
        fn a_changed_character_is_noticed(at in 6usize..150, with in "[a-z2-7]") {
            let text = ticket().to_string();
            let mut changed = text.clone();
            if at < changed.len() {
                changed.replace_range(at..at + 1, &with);
                if changed != text {
                    prop_assert!(changed.parse::<Ticket>().is_err());
                }
            }
        }

        #[test]
        fn no_text_panics(text in "shoal1?[a-z2-7]{0,64}|\\PC{0,32}") {
            let _ = text.parse::<Ticket>();
        }
    }
}
