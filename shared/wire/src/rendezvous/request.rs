//! Requests: written by nodes, read by rendezvous points.

use prost::Message;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

use super::proto::{self, Envelope, Kind};
use super::record::MAX_RECORD;
use super::{MAX_NAMESPACE, RendezvousRefusal, framed, text};

/// The longest request that is read whole, in bytes. Every request that can be granted is much shorter.
pub const MAX_REQUEST: usize = 16 << 10;
/// The longest cookie, in bytes.
pub const MAX_COOKIE: usize = 1024;

/// What a rendezvous point is asked for. Decoded ones have a namespace of at most 255 bytes, a record of at most
/// [`MAX_RECORD`] and a cookie of at most [`MAX_COOKIE`] bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RendezvousRequest {
    /// Registers the sender. Answered by [`RendezvousResponse::Register`](super::RendezvousResponse::Register).
    Register {
        /// Where.
        namespace: String,
        /// The signed peer record, as it is passed on.
        record: Vec<u8>,
        /// The time asked for, in seconds; none leaves it to the point.
        ttl: Option<u64>,
    },
    /// Ends the sender's registration. There is no answer: the stream ends once it is done.
    Unregister {
        /// Where.
        namespace: String,
    },
    /// Asks for registered peers. Answered by [`RendezvousResponse::Discover`](super::RendezvousResponse::Discover).
    Discover {
        /// Where; none means everywhere.
        namespace: Option<String>,
        /// The most registrations in the answer.
        limit: Option<u64>,
        /// The cookie of an earlier answer; with it, only what is new since is told.
        cookie: Option<Vec<u8>>,
    },
}

/// A request that cannot be understood or is out of bounds, with the answer that it must be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    /// Answer as to a registration.
    Register(RendezvousRefusal),
    /// Answer as to a question.
    Discover(RendezvousRefusal),
    /// There is no answer to a malformed request to unregister.
    Unregister,
}

impl RendezvousRequest {
    /// Encodes the request with its length before it.
    pub fn encode(&self) -> Vec<u8> {
        let bytes = |text: &String| Some(text.clone().into_bytes());
        let envelope = match self {
            Self::Register { namespace, record, ttl } => Envelope {
                kind: Some(Kind::Register.into()),
                register: Some(proto::Register {
                    namespace: bytes(namespace),
                    record: Some(record.clone()),
                    ttl: *ttl,
                }),
                ..Envelope::default()
            },
            Self::Unregister { namespace } => Envelope {
                kind: Some(Kind::Unregister.into()),
                unregister: Some(proto::Unregister { namespace: bytes(namespace) }),
                ..Envelope::default()
            },
            Self::Discover { namespace, limit, cookie } => Envelope {
                kind: Some(Kind::Discover.into()),
                discover: Some(proto::Discover {
                    namespace: namespace.as_ref().and_then(bytes),
                    limit: *limit,
                    cookie: cookie.clone(),
                }),
                ..Envelope::default()
            },
        };
        framed(&envelope)
    }

    /// Decodes a request from what comes after its length, `announced` in bytes; `body` is its beginning if
    /// that is more than [`MAX_REQUEST`].
    ///
    /// # Errors
    /// The answer that the request must be given. The request's kind is known if it comes before the unreadable part.
    pub fn decode(body: &[u8], announced: usize) -> Result<Self, Malformed> {
        let mut envelope = Envelope::default();
        // What came before an error has been taken in by then.
        let whole = envelope.merge(body).is_ok() && body.len() == announced;
        if announced > MAX_REQUEST {
            return Err(overlong(kind(&envelope), body));
        }
        match kind(&envelope) {
            Some(Kind::Register) => register(whole, envelope.register).map_err(Malformed::Register),
            Some(Kind::Unregister) => unregister(whole, envelope.unregister).ok_or(Malformed::Unregister),
            Some(Kind::Discover) => discover(whole, envelope.discover).map_err(Malformed::Discover),
            Some(Kind::RegisterResponse | Kind::DiscoverResponse) | None => {
                Err(Malformed::Register(RendezvousRefusal::Malformed))
            }
        }
    }
}

/// Writers of protobuf's third version leave out what is zero, which a registration's kind is.
fn kind(envelope: &Envelope) -> Option<Kind> {
    match envelope.kind {
        Some(kind) => Kind::try_from(kind).ok(),
        None => envelope.register.is_some().then_some(Kind::Register),
    }
}

/// The answer to a request that is too long. Its beginning tells which field makes it so.
fn overlong(kind: Option<Kind>, body: &[u8]) -> Malformed {
    const NAMESPACE: (u32, usize, RendezvousRefusal) = (1, MAX_NAMESPACE, RendezvousRefusal::Namespace);
    const RECORD: (u32, usize, RendezvousRefusal) = (2, MAX_RECORD, RendezvousRefusal::RecordSize);
    const COOKIE: (u32, usize, RendezvousRefusal) = (3, MAX_COOKIE, RendezvousRefusal::Cookie);
    let fault = |message, fields: &[(u32, usize, RendezvousRefusal)]| {
        let inside = beginnings(body).into_iter().find(|field| field.tag == message);
        let inside = inside.map(|field| beginnings(field.beginning)).unwrap_or_default();
        let long = |field: &Beginning| {
            fields.iter().find(|(tag, most, _)| field.tag == *tag && field.len > *most as u64).map(|it| it.2)
        };
        inside.iter().find_map(long).unwrap_or(RendezvousRefusal::Malformed)
    };
    match kind {
        Some(Kind::Unregister) => Malformed::Unregister,
        Some(Kind::Discover) => Malformed::Discover(fault(5, &[NAMESPACE, COOKIE])),
        _ => Malformed::Register(fault(2, &[NAMESPACE, RECORD])),
    }
}

/// A field with a length before it, of a message that may be cut off.
struct Beginning<'a> {
    tag: u32,
    /// How long it is, in bytes.
    len: u64,
    /// As much of it as there is.
    beginning: &'a [u8],
}

/// The fields with a length that a message begins with, up to what is cut off or cannot be read.
fn beginnings(mut message: &[u8]) -> Vec<Beginning<'_>> {
    let mut found = vec![];
    while let Ok((tag, wire_type)) = decode_key(&mut message) {
        let skipped = match wire_type {
            WireType::LengthDelimited => decode_varint(&mut message).map(|len| {
                let beginning = &message[..message.len().min(usize::try_from(len).unwrap_or(usize::MAX))];
                found.push(Beginning { tag, len, beginning });
                message = &message[beginning.len()..];
            }),
            other => skip_field(other, tag, &mut message, DecodeContext::default()),
        };
        if skipped.is_err() {
            break;
        }
    }
    found
}

fn register(whole: bool, it: Option<proto::Register>) -> Result<RendezvousRequest, RendezvousRefusal> {
    let it = it.filter(|_| whole).ok_or(RendezvousRefusal::Malformed)?;
    let namespace = namespace(it.namespace)?.ok_or(RendezvousRefusal::Namespace)?;
    let record = it.record.ok_or(RendezvousRefusal::Record)?;
    if record.len() > MAX_RECORD {
        return Err(RendezvousRefusal::RecordSize);
    }
    Ok(RendezvousRequest::Register { namespace, record, ttl: it.ttl })
}

fn unregister(whole: bool, it: Option<proto::Unregister>) -> Option<RendezvousRequest> {
    let namespace = namespace(it.filter(|_| whole)?.namespace).ok()??;
    Some(RendezvousRequest::Unregister { namespace })
}

fn discover(whole: bool, it: Option<proto::Discover>) -> Result<RendezvousRequest, RendezvousRefusal> {
    let it = it.filter(|_| whole).ok_or(RendezvousRefusal::Malformed)?;
    if it.cookie.as_ref().is_some_and(|cookie| cookie.len() > MAX_COOKIE) {
        return Err(RendezvousRefusal::Cookie);
    }
    Ok(RendezvousRequest::Discover {
        namespace: namespace(it.namespace)?,
        limit: it.limit,
        cookie: it.cookie,
    })
}

fn namespace(bytes: Option<Vec<u8>>) -> Result<Option<String>, RendezvousRefusal> {
    let Some(bytes) = bytes else { return Ok(None) };
    if bytes.len() > MAX_NAMESPACE {
        return Err(RendezvousRefusal::Namespace);
    }
    text(bytes).map(Some).ok_or(RendezvousRefusal::Namespace)
}
