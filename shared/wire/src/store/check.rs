//! What the types of the messages cannot express.

use shoal_content::SafePath;

use super::signing::is_within_limits;
use super::{
    MAX_COPIES, MAX_LISTED, MAX_RECORDS, MAX_REQUEST, MAX_RESPONSE, StoreEnd, StoreHello, StoreRecord,
    StoreRequest, StoreResponse,
};
use crate::frame::{FrameError, Message, RequestMessage};
use crate::query::PeerAddresses;

impl Message for StoreRequest {
    const MAX: usize = MAX_REQUEST;

    fn check(&self) -> Result<(), FrameError> {
        match self {
            Self::Hello(hello) => check_hello(hello),
            Self::Offer { record, holders } => check_record(record).and_then(|()| check_peers(holders)),
            Self::End(end) => check_end(end),
            Self::Find { name } if SafePath::name(name).is_err() => {
                Err(FrameError::Value("a name that no content can have"))
            }
            Self::Status { .. } | Self::Check { .. } | Self::Bye {} | Self::Find { .. } => Ok(()),
        }
    }
}

impl RequestMessage for StoreRequest {
    const KINDS: &'static [&'static str] = &["hello", "offer", "status", "check", "end", "bye", "find"];
}

impl Message for StoreResponse {
    const MAX: usize = MAX_RESPONSE;

    fn check(&self) -> Result<(), FrameError> {
        match self {
            Self::Hello(hello) => check_hello(hello),
            Self::Offered { end, .. } => end.as_ref().map_or(Ok(()), check_end),
            Self::Status { holders, nearest, records, .. } => {
                check_peers(holders).and_then(|()| check_peers(nearest)).and_then(|()| check_records(records))
            }
            Self::Found { records } => check_records(records),
            Self::Ok {} | Self::Proof { .. } | Self::Error { .. } => Ok(()),
        }
    }
}

fn check_hello(hello: &StoreHello) -> Result<(), FrameError> {
    if !is_within_limits(&hello.presence) || !hello.rival.as_ref().is_none_or(is_within_limits) {
        return Err(FrameError::Value("a key or a signature is too long"));
    }
    check_peers(&hello.members)
}

fn check_peers(peers: &[PeerAddresses]) -> Result<(), FrameError> {
    if peers.len() <= MAX_LISTED && peers.iter().all(PeerAddresses::is_within_limits) {
        Ok(())
    } else {
        Err(FrameError::Value("too many peers or addresses"))
    }
}

fn check_records(records: &[StoreRecord]) -> Result<(), FrameError> {
    if records.len() > MAX_RECORDS {
        return Err(FrameError::Value("too many records"));
    }
    records.iter().try_for_each(check_record)
}

fn check_record(record: &StoreRecord) -> Result<(), FrameError> {
    if !is_within_limits(record) {
        return Err(FrameError::Value("a key or a signature is too long"));
    }
    if !(1..=MAX_COPIES).contains(&record.copies) || record.expires <= record.issued {
        return Err(FrameError::Value("a record of no copies, too many copies, or no time"));
    }
    if SafePath::name(&record.name).is_err() {
        return Err(FrameError::Value("a record with a name that no content can have"));
    }
    Ok(())
}

fn check_end(end: &StoreEnd) -> Result<(), FrameError> {
    if is_within_limits(end) { Ok(()) } else { Err(FrameError::Value("a key or a signature is too long")) }
}
