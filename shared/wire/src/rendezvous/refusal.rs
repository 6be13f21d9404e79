//! Refusals, and the specification's status of each.

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

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl Status {
    /// Every one, in the order of their numbers.
    pub const ALL: [Self; 7] = [
        Self::InvalidNamespace,
        Self::InvalidSignedPeerRecord,
        Self::InvalidTtl,
        Self::InvalidCookie,
        Self::NotAuthorized,
        Self::InternalError,
        Self::Unavailable,
    ];

    /// The number on the wire.
    pub fn code(self) -> u16 {
        self as u16
    }

    /// The status with a number, if the specification knows it.
    pub fn from_code(code: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|status| i32::from(status.code()) == code)
    }

    /// The specification's name for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::InvalidNamespace => "E_INVALID_NAMESPACE",
            Self::InvalidSignedPeerRecord => "E_INVALID_SIGNED_PEER_RECORD",
            Self::InvalidTtl => "E_INVALID_TTL",
            Self::InvalidCookie => "E_INVALID_COOKIE",
            Self::NotAuthorized => "E_NOT_AUTHORIZED",
            Self::InternalError => "E_INTERNAL_ERROR",
            Self::Unavailable => "E_UNAVAILABLE",
        }
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
pub enum RendezvousRefusal {
    /// The namespace is empty or longer than 255 bytes.
    #[error("a namespace has 1 to 255 bytes")]
    Namespace,
    /// The request could not be read. The specification has no status of its own for that.
    #[error("the request is malformed")]
    Malformed,
    /// The peer asks too often.
    #[error("too many requests; ask less often")]
    TooOften,
    /// No address in the record can be told to others.
    #[error("the signed peer record has no address that others could use")]
    NoAddress,
    /// The record has an address that is told to nobody, and cannot be told without it.
    #[error("the signed peer record has an address that must not be told to others")]
    HarmfulAddress,
    /// The record could not be read, or its signature does not match. For callers that decode records.
    #[error("the signed peer record is not valid")]
    Record,
    /// The record is empty or larger than the tracker takes.
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
    /// The record is somebody else's. For callers that know the connected peer.
    #[error("a peer can register itself only")]
    NotAuthorized,
    /// Something went wrong that is not the peer's fault. For callers.
    #[error("internal error")]
    Internal,
    /// A quota is used up.
    #[error(transparent)]
    Full(#[from] Quota),
}

impl RendezvousRefusal {
    /// The specification's status for it.
    pub fn status(self) -> Status {
        match self {
            Self::Namespace => Status::InvalidNamespace,
            Self::Record | Self::RecordSize | Self::StaleRecord | Self::NoAddress | Self::HarmfulAddress => {
                Status::InvalidSignedPeerRecord
            }
            Self::Ttl => Status::InvalidTtl,
            Self::Cookie => Status::InvalidCookie,
            Self::NotAuthorized => Status::NotAuthorized,
            Self::Malformed | Self::Internal => Status::InternalError,
            Self::TooOften | Self::Full(_) => Status::Unavailable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_have_the_numbers_of_the_specification() {
        let codes = [
            (RendezvousRefusal::Namespace, 100),
            (RendezvousRefusal::Record, 101),
            (RendezvousRefusal::RecordSize, 101),
            (RendezvousRefusal::StaleRecord, 101),
            (RendezvousRefusal::NoAddress, 101),
            (RendezvousRefusal::HarmfulAddress, 101),
            (RendezvousRefusal::Ttl, 102),
            (RendezvousRefusal::Cookie, 103),
            (RendezvousRefusal::NotAuthorized, 200),
            (RendezvousRefusal::Internal, 300),
            (RendezvousRefusal::Malformed, 300),
            (RendezvousRefusal::TooOften, 400),
            (RendezvousRefusal::Full(Quota::Total), 400),
            (RendezvousRefusal::Full(Quota::Prefix), 400),
        ];
        for (refusal, code) in codes {
            assert_eq!(refusal.status().code(), code, "{refusal}");
            assert_eq!(Status::from_code(code.into()), Some(refusal.status()));
        }
        assert_eq!(Status::from_code(0), None);
    }
}
