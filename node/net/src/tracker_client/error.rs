//! Why a tracker was of no use.

use std::io;

use libp2p::identity::SigningError;
use libp2p::request_response::OutboundFailure;
use shoal_engine::TrackerStanding;
use shoal_wire::frame::FrameError;
use shoal_wire::rendezvous::{Refused, ResponseError, Status};
use shoal_wire::tracker::TrackerErrorCode;

use crate::peers::DialError;
use crate::shared_error::SharedError;
use crate::unsupported::is_unsupported;

/// Why a tracker's answer cannot be had. The words go on after its address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrackerError {
    /// Nobody answers at its address.
    #[error("it cannot be reached: {0}")]
    Unreachable(#[from] DialError),
    /// It does not speak the protocol.
    #[error("it does not speak {0}")]
    Unsupported(&'static str),
    /// It refuses to register this node, or to name peers.
    #[error("it refuses: {0}")]
    Refused(Refused),
    /// It refuses another service.
    #[error("it refuses: {}", words(*.0))]
    Declined(TrackerErrorCode),
    /// There is nothing to register.
    #[error("this node has no address that others could use")]
    NoAddress,
    /// The node's key cannot sign the record to register.
    #[error("the record of this node cannot be signed")]
    Unsigned(#[source] SharedError<SigningError>),
    /// The request breaks the protocol's limits and was not sent.
    #[error("it takes no such request")]
    Request(#[from] FrameError),
    /// The answer breaks them.
    #[error("its answer is none")]
    Malformed(#[source] MalformedAnswer),
    /// The answer was not one to this question.
    #[error("its answer is of the wrong kind")]
    WrongKind,
    /// The bytes are not those of the id.
    #[error("it gave bytes that do not match the id")]
    WrongBytes,
    /// A list did not end.
    #[error("its list does not end")]
    Endless,
    /// No answer in time.
    #[error("it does not answer")]
    Timeout,
    /// The connection ended.
    #[error("the connection ended")]
    Ended,
    /// Too many questions to this tracker wait already.
    #[error("too many questions wait for it")]
    Busy,
    /// A broken stream.
    #[error("the stream to it broke")]
    Broken(#[source] SharedError<io::Error>),
}

/// What is wrong with the bytes of an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MalformedAnswer {
    /// An answer of `/shoal/tracker/1`.
    #[error(transparent)]
    Frame(FrameError),
    /// An answer of `/rendezvous/1.0.0`.
    #[error(transparent)]
    Rendezvous(ResponseError),
}

fn words(code: TrackerErrorCode) -> &'static str {
    match code {
        TrackerErrorCode::Busy => "it has too much to do; try again later",
        TrackerErrorCode::Limited => "this node or its network asks too often; try again later",
        TrackerErrorCode::Quota => "it keeps as much for this node, its network or all together as it takes",
        TrackerErrorCode::TooLarge => "the payload is longer than it takes",
        TrackerErrorCode::NotFound => "it has no payload with this id",
        TrackerErrorCode::NotRegistered => "this node is not registered in the swarm of that content",
        TrackerErrorCode::BadRequest => "it makes nothing of the request",
        TrackerErrorCode::Unsupported => "it does not know this kind of request",
    }
}

impl TrackerError {
    /// What it says of the tracker.
    pub(crate) fn standing(&self) -> TrackerStanding {
        match self {
            Self::Unreachable(_) | Self::Timeout | Self::Ended | Self::Broken(_) => {
                TrackerStanding::Unreachable
            }
            // What this node itself is not ready for is no fault of the tracker's.
            Self::NoAddress | Self::Unsigned(_) | Self::Busy => TrackerStanding::Answered,
            Self::Unsupported(_)
            | Self::Refused(_)
            | Self::Declined(_)
            | Self::Request(_)
            | Self::Malformed(_)
            | Self::WrongKind
            | Self::WrongBytes
            | Self::Endless => TrackerStanding::Refuses,
        }
    }

    /// Whether it says that nobody could make use of this node's addresses.
    pub(crate) fn wants_an_address(&self) -> bool {
        matches!(self, Self::NoAddress)
            || matches!(self, Self::Refused(refused) if refused.status == Status::InvalidSignedPeerRecord)
    }

    /// Why a question over a protocol got no answer.
    pub(super) fn of(protocol: &'static str, failure: OutboundFailure) -> Self {
        match failure {
            failure if is_unsupported(&failure) => Self::Unsupported(protocol),
            OutboundFailure::UnsupportedProtocols => Self::Unsupported(protocol),
            OutboundFailure::Timeout => Self::Timeout,
            OutboundFailure::DialFailure | OutboundFailure::ConnectionClosed => Self::Ended,
            OutboundFailure::Io(error) => {
                MalformedAnswer::of(&error).map_or_else(|| Self::Broken(error.into()), Self::Malformed)
            }
        }
    }
}

impl MalformedAnswer {
    /// What the codecs said of an answer, if it was that.
    fn of(error: &io::Error) -> Option<Self> {
        let inner = error.get_ref()?;
        let frame = inner.downcast_ref().cloned().map(Self::Frame);
        frame.or_else(|| inner.downcast_ref().cloned().map(Self::Rendezvous))
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn an_answer_that_is_none_is_told_from_a_broken_stream() {
        let io = |error: io::Error| TrackerError::of("/protocol", OutboundFailure::Io(error));
        let frame = FrameError::Length;
        let malformed = io(io::Error::new(io::ErrorKind::InvalidData, frame.clone()));
        assert_eq!(malformed, TrackerError::Malformed(MalformedAnswer::Frame(frame.clone())));
        assert_eq!(malformed.source().unwrap().to_string(), frame.to_string());
        let broken = io(io::ErrorKind::ConnectionReset.into());
        assert!(matches!(&broken, TrackerError::Broken(_)) && broken.source().is_some());
        assert_eq!(broken, broken.clone());
    }
}
