//! Why something was not done, and how the specification calls that.

/// The specification's status codes of refusals, as they go over the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u16)]
pub enum Status {
    /// `E_INVALID_NAMESPACE`
    InvalidNamespace = 100,
    /// `E_INVALID_SIGNED_PEER_RECORD`
    InvalidSignedPeerRecord = 101,
    /// `E_INVALID_TTL`
    InvalidTtl = 102,
    /// `E_INVALID_COOKIE`
    InvalidCookie = 103,
    /// `E_NOT_AUTHORIZED`
    NotAuthorized = 200,
    /// `E_INTERNAL_ERROR`
    InternalError = 300,
    /// `E_UNAVAILABLE`
    Unavailable = 400,
}

impl Status {
    /// The number on the wire.
    pub fn code(self) -> u16 {
        self as u16
    }
}

/// Which quota is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Quota {
    /// All registrations.
    #[error("the tracker is full")]
    Total,
    /// Those of the peer.
    #[error("too many registrations of this peer")]
    Peer,
    /// Those in the namespace.
    #[error("the namespace is full")]
    Namespace,
    /// Those from the addresses' neighbourhood.
    #[error("too many registrations from this network")]
    Prefix,
}

/// Why a request was refused. The text is fit for the `statusText` of an answer: it has nothing in it
/// that came from the peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The namespace is empty or longer than 255 bytes.
    #[error("a namespace has 1 to 255 bytes")]
    Namespace,
    /// The record could not be read, or its signature does not match. For callers that decode records.
    #[error("the signed peer record is not valid")]
    Record,
    /// The record is empty or larger than [`Limits::record`](super::Limits::record).
    #[error("the signed peer record is empty or too large")]
    RecordSize,
    /// The record is older than one that the same peer registered in this namespace.
    #[error("a newer record is registered")]
    StaleRecord,
    /// The time asked for is out of bounds.
    #[error("the TTL is out of bounds")]
    Ttl,
    /// The cookie was not given out by this tracker since its start, or for another namespace.
    #[error("the cookie is not known here")]
    Cookie,
    /// The record is somebody else's. For callers that know who is connected.
    #[error("a peer can register itself only")]
    NotAuthorized,
    /// Something went wrong that is not the peer's fault. For callers.
    #[error("internal error")]
    Internal,
    /// A quota is used up.
    #[error(transparent)]
    Full(#[from] Quota),
}

impl Refusal {
    /// The specification's status for it.
    pub fn status(self) -> Status {
        match self {
            Self::Namespace => Status::InvalidNamespace,
            Self::Record | Self::RecordSize | Self::StaleRecord => Status::InvalidSignedPeerRecord,
            Self::Ttl => Status::InvalidTtl,
            Self::Cookie => Status::InvalidCookie,
            Self::NotAuthorized => Status::NotAuthorized,
            Self::Internal => Status::InternalError,
            Self::Full(_) => Status::Unavailable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_have_the_numbers_of_the_specification() {
        let codes = [
            (Refusal::Namespace, 100),
            (Refusal::Record, 101),
            (Refusal::RecordSize, 101),
            (Refusal::StaleRecord, 101),
            (Refusal::Ttl, 102),
            (Refusal::Cookie, 103),
            (Refusal::NotAuthorized, 200),
            (Refusal::Internal, 300),
            (Refusal::Full(Quota::Total), 400),
            (Refusal::Full(Quota::Prefix), 400),
        ];
        for (refusal, code) in codes {
            assert_eq!(refusal.status().code(), code, "{refusal}");
        }
    }
}
