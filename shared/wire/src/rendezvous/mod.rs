//! `/rendezvous/1.0.0`: register at a rendezvous point, and discover other peers that have.
//!
//! **Source.** github.com/libp2p/specs, rendezvous, r3. One request and at most one response for each stream, both
//! protobuf behind their length as an unsigned varint. Signed peer records: RFC 0002 and RFC 0003 there.
//!
//! - [`RendezvousRequest`], [`RendezvousResponse`]: the messages; [`request`] and [`response`] say how each side reads them.
//! - [`RendezvousRefusal`]: why a point says no, with the [`Status`] of the specification.
//! - [`PeerRecord`]: a peer's addresses, signed by it, in either of two [`RecordFormat`]s.
//!
//! **Not our own**, so unlike in Shoal's protocols unknown fields are ignored, and more than one encoding of
//! a message is accepted.
//!
//! What this is not: nothing here knows which peers are connected or registered. What always holds: no bytes make
//! decoding panic; what was decoded is within the bounds below; a decoded [`PeerRecord`] is signed by the peer
//! that it is about.

mod proto;
mod record;
mod refusal;
pub mod request;
pub mod response;
#[cfg(test)]
mod tests;

pub use record::{MAX_RECORD, MAX_RECORD_ADDRESSES, PeerRecord, RecordError, RecordFormat};
pub use refusal::{Quota, RendezvousRefusal, Status};
pub use request::{MAX_COOKIE, MAX_REQUEST, Malformed, RendezvousRequest};
pub use response::{Discovered, MAX_RESPONSE, Refused, Registered, RendezvousResponse, ResponseError};

/// The protocol's id.
pub const PROTOCOL: &str = "/rendezvous/1.0.0";
/// The longest namespace that the specification knows, in bytes.
pub const MAX_NAMESPACE: usize = 255;

/// Puts the length of a message before it, as an unsigned varint.
fn framed(message: &impl prost::Message) -> Vec<u8> {
    message.encode_length_delimited_to_vec()
}

fn text(bytes: Vec<u8>) -> Option<String> {
    String::from_utf8(bytes).ok()
}
