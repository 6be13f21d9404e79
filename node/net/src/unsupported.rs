//! Peers that do not know a protocol.
//!
//! A stream is opened without waiting for the other side's word that it knows the protocol (multistream-select, `V1Lazy`). So a question
//! over a protocol that it does not know seems to be sent, and fails when the answer is read.

use libp2p::core::upgrade::NegotiationError;
use libp2p::request_response::OutboundFailure;

/// Whether a question failed because the other side does not know its protocol.
pub(crate) fn is_unsupported(failure: &OutboundFailure) -> bool {
    match failure {
        OutboundFailure::UnsupportedProtocols => true,
        OutboundFailure::Io(error) => {
            let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<NegotiationError>());
            matches!(inner, Some(NegotiationError::Failed))
        }
        OutboundFailure::DialFailure | OutboundFailure::Timeout | OutboundFailure::ConnectionClosed => false,
    }
}
