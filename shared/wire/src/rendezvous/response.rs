//! Responses: written by rendezvous points, read by nodes.

use std::sync::Arc;

use prost::Message;

use super::proto::{self, Envelope, Kind};
use super::record::MAX_RECORD;
use super::request::MAX_COOKIE;
use super::{MAX_NAMESPACE, Malformed, RendezvousRefusal, Status, framed, text};

/// The longest response, in bytes: 1 MiB, which is what libp2p's clients read.
pub const MAX_RESPONSE: usize = 1 << 20;
/// The most bytes of a response beside its registrations: frame, kind, status, text, cookie.
const MAX_AROUND: usize = 2 * MAX_COOKIE;
/// The most bytes of a registration beside its record: namespace, TTL, tags and lengths.
const MAX_BESIDE: usize = MAX_NAMESPACE + 32;
/// The longest explanation that is taken from a point, in bytes.
const MAX_TEXT: usize = 512;

/// An answer. Requests to unregister have none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RendezvousResponse {
    /// To a registration: the granted time in seconds.
    Register(Result<u64, Refused>),
    /// To a question.
    Discover(Result<Discovered, Refused>),
}

/// A refusal as a point sends it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{status}{}", if text.is_empty() { String::new() } else { format!(": {}", shoal_printable::Printable(text)) })]
pub struct Refused {
    /// The status; codes that the specification does not know count as an internal error.
    pub status: Status,
    /// The point's explanation; at most 512 bytes, may be empty.
    pub text: String,
}

impl From<RendezvousRefusal> for Refused {
    fn from(refusal: RendezvousRefusal) -> Self {
        Self { status: refusal.status(), text: refusal.to_string() }
    }
}

/// The peers that were found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovered {
    /// Registrations, in no particular order.
    pub registrations: Vec<Registered>,
    /// To ask later for what is new since.
    pub cookie: Vec<u8>,
}

/// One registration in an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// Where.
    pub namespace: Arc<str>,
    /// The signed peer record, not checked.
    pub record: Arc<[u8]>,
    /// What is left of its time, in seconds.
    pub ttl: u64,
}

/// Why bytes are not a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ResponseError {
    /// Too long.
    #[error("the answer is over the limit of 1 MiB")]
    TooLong,
    /// Not the specification's protobuf, or a request.
    #[error("the answer is malformed")]
    Malformed,
}

impl From<Malformed> for Option<RendezvousResponse> {
    fn from(malformed: Malformed) -> Self {
        match malformed {
            Malformed::Register(refusal) => Some(RendezvousResponse::Register(Err(refusal.into()))),
            Malformed::Discover(refusal) => Some(RendezvousResponse::Discover(Err(refusal.into()))),
            Malformed::Unregister => None,
        }
    }
}

impl RendezvousResponse {
    /// How many registrations with records of at most `record` bytes fit a response in any case.
    pub fn room_for(record: usize) -> usize {
        (MAX_RESPONSE - MAX_AROUND) / (record + MAX_BESIDE)
    }

    /// The refusal, if the response is one.
    pub fn refused(&self) -> Option<&Refused> {
        match self {
            Self::Register(answer) => answer.as_ref().err(),
            Self::Discover(answer) => answer.as_ref().err(),
        }
    }

    /// Encodes the response with its length before it. Registrations beyond what fits [`MAX_RESPONSE`] are
    /// left out; [`room_for`](Self::room_for) says how many to ask for so that none is.
    pub fn encode(&self) -> Vec<u8> {
        self.parts().collect::<Vec<_>>().concat()
    }

    /// What [`encode`](Self::encode) gives, piece by piece, none much longer than a record: an answer of which
    /// the reader takes its time is never in memory as a whole.
    pub fn parts(&self) -> impl Iterator<Item = Vec<u8>> + Send {
        let (head, registrations, tail): (_, &[Registered], _) = match self {
            Self::Register(answer) => (register_response(answer), &[], vec![]),
            Self::Discover(Ok(it)) => around(it),
            Self::Discover(Err(refused)) => (discover_refused(refused), &[], vec![]),
        };
        let between = registrations.iter().map(|it| alone(it).encode_to_vec());
        std::iter::once(head).chain(between).chain(std::iter::once(tail))
    }

    /// Decodes a response from what comes after its length. Registrations that lack something, or have
    /// something out of bounds, are left out.
    ///
    /// # Errors
    /// Too long, not protobuf, or not a response.
    pub fn decode(body: &[u8]) -> Result<Self, ResponseError> {
        if body.len() > MAX_RESPONSE {
            return Err(ResponseError::TooLong);
        }
        let envelope = Envelope::decode(body).map_err(|_| ResponseError::Malformed)?;
        let kind = envelope.kind.and_then(|kind| Kind::try_from(kind).ok());
        match (kind, envelope.register_response, envelope.discover_response) {
            (Some(Kind::RegisterResponse), Some(it), _) => {
                let ttl = it.ttl.unwrap_or_default();
                Ok(Self::Register(granted(it.status, it.text).map(|()| ttl)))
            }
            (Some(Kind::DiscoverResponse), _, Some(it)) => {
                let (registrations, cookie) = (it.registrations, it.cookie.unwrap_or_default());
                if cookie.len() > MAX_COOKIE {
                    return Err(ResponseError::Malformed);
                }
                Ok(Self::Discover(granted(it.status, it.text).map(|()| Discovered {
                    registrations: registrations.into_iter().filter_map(registered).collect(),
                    cookie,
                })))
            }
            _ => Err(ResponseError::Malformed),
        }
    }
}

fn register_response(answer: &Result<u64, Refused>) -> Vec<u8> {
    let answer = match answer {
        Ok(ttl) => proto::RegisterResponse { status: Some(0), text: None, ttl: Some(*ttl) },
        Err(refused) => {
            let (status, text) = no(refused);
            proto::RegisterResponse { status, text, ttl: None }
        }
    };
    framed(&Envelope {
        kind: Some(Kind::RegisterResponse.into()),
        register_response: Some(answer),
        ..Envelope::default()
    })
}

fn discover_refused(refused: &Refused) -> Vec<u8> {
    let (status, text) = no(refused);
    framed(&Envelope {
        kind: Some(Kind::DiscoverResponse.into()),
        discover_response: Some(proto::DiscoverResponse {
            status,
            text,
            ..proto::DiscoverResponse::default()
        }),
        ..Envelope::default()
    })
}

/// What comes before the registrations of an answer, those that fit, and what comes behind them.
fn around(answer: &Discovered) -> (Vec<u8>, &[Registered], Vec<u8>) {
    /// Number and wire type (length-delimited) of the envelope's field.
    const DISCOVER_RESPONSE: u8 = 6 << 3 | 2;
    let registrations = fitting(&answer.registrations);
    let tail = proto::DiscoverResponse {
        registrations: vec![],
        cookie: Some(answer.cookie.clone()),
        status: Some(0),
        text: None,
    };
    let tail = tail.encode_to_vec();
    let inner = registrations.iter().map(|it| alone(it).encoded_len()).sum::<usize>() + tail.len();
    let kind = Envelope { kind: Some(Kind::DiscoverResponse.into()), ..Envelope::default() };
    let mut envelope = kind.encode_to_vec();
    envelope.push(DISCOVER_RESPONSE);
    prost::encode_length_delimiter(inner, &mut envelope).expect("a vector grows");
    let mut head = Vec::with_capacity(envelope.len() + 4);
    prost::encode_length_delimiter(envelope.len() + inner, &mut head).expect("a vector grows");
    head.extend_from_slice(&envelope);
    (head, registrations, tail)
}

/// The registrations from the start that fit a response.
fn fitting(registrations: &[Registered]) -> &[Registered] {
    let mut left = MAX_RESPONSE - MAX_AROUND;
    let fits = |it: &&Registered| {
        let taken = it.record.len() + it.namespace.len() + MAX_BESIDE - MAX_NAMESPACE;
        left.checked_sub(taken).inspect(|less| left = *less).is_some()
    };
    &registrations[..registrations.iter().take_while(fits).count()]
}

/// One registration as a response of its own: put one behind the other, such are one with all of them.
fn alone(it: &Registered) -> proto::DiscoverResponse {
    let registration = proto::Register {
        namespace: Some(it.namespace.as_bytes().to_vec()),
        record: Some(it.record.to_vec()),
        ttl: Some(it.ttl),
    };
    proto::DiscoverResponse { registrations: vec![registration], ..proto::DiscoverResponse::default() }
}

fn no(refused: &Refused) -> (Option<i32>, Option<Vec<u8>>) {
    (Some(refused.status.code().into()), Some(refused.text.clone().into_bytes()))
}

/// Writers of protobuf's third version leave out what is zero, which "OK" is.
fn granted(status: Option<i32>, words: Option<Vec<u8>>) -> Result<(), Refused> {
    match status.unwrap_or(0) {
        0 => Ok(()),
        code => Err(Refused {
            status: Status::from_code(code).unwrap_or(Status::InternalError),
            text: words.filter(|words| words.len() <= MAX_TEXT).and_then(text).unwrap_or_default(),
        }),
    }
}

fn registered(it: proto::Register) -> Option<Registered> {
    let namespace = text(it.namespace?).filter(|name| name.len() <= MAX_NAMESPACE)?;
    let record = it.record.filter(|record| record.len() <= MAX_RECORD)?;
    Some(Registered { namespace: namespace.into(), record: record.into(), ttl: it.ttl.unwrap_or_default() })
}
