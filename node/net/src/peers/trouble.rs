//! What kind of failure a failed dial was.

use std::error::Error;
use std::io;

use libp2p::core::transport::TransportError;
use libp2p::core::upgrade::NegotiationError;
use libp2p::dns::ResolveError;
use libp2p::swarm::DialError as SwarmDialError;
use shoal_engine::DialTrouble;

use crate::reachability::OnlyRelayed;

/// How deep errors are looked into.
const DEPTH: usize = 16;

/// The kind of a failed dial. Of several addresses the one counts that came nearest to an answer.
pub(crate) fn trouble(error: &SwarmDialError) -> DialTrouble {
    match error {
        SwarmDialError::WrongPeerId { .. } | SwarmDialError::LocalPeerId { .. } => DialTrouble::WrongPeer,
        SwarmDialError::NoAddresses => DialTrouble::NoAddress,
        SwarmDialError::Transport(each) => {
            let kinds = each.iter().map(|(_, error)| match error {
                TransportError::MultiaddrNotSupported(_) => DialTrouble::NoAddress,
                TransportError::Other(error) => of_io(error),
            });
            kinds.min_by_key(|kind| distance(*kind)).unwrap_or(DialTrouble::NoAddress)
        }
        SwarmDialError::Denied { .. }
        | SwarmDialError::Aborted
        | SwarmDialError::DialPeerConditionFalse(_) => DialTrouble::Other,
    }
}

/// How far from an answer it was; the nearest first.
fn distance(kind: DialTrouble) -> u8 {
    match kind {
        DialTrouble::OnlyRelayed => 0,
        DialTrouble::WrongPeer => 1,
        DialTrouble::Handshake => 2,
        DialTrouble::Refused => 3,
        DialTrouble::TimedOut => 4,
        DialTrouble::NoRoute => 5,
        DialTrouble::NoSuchName => 6,
        DialTrouble::Other => 7,
        DialTrouble::NoAddress => 8,
    }
}

fn of_io(error: &io::Error) -> DialTrouble {
    let mut found = None;
    look(error, DEPTH, &mut found);
    found.or_else(|| of_words(error)).unwrap_or(DialTrouble::Other)
}

/// What the words of an error say. Some of libp2p's errors hide what they have inside from [`Error::source`], each behind
/// a type of its own, but never from their words.
fn of_words(error: &io::Error) -> Option<DialTrouble> {
    let mut words = String::new();
    let sources = std::iter::successors(error.source(), |error| (**error).source());
    std::iter::once(error as &dyn Error)
        .chain(sources)
        .take(DEPTH)
        .for_each(|error| words += &error.to_string());
    let codes = words.split("(os error ").skip(1).filter_map(|rest| rest.split(')').next()?.parse().ok());
    let kinds = codes.filter_map(|code| of_kind(io::Error::from_raw_os_error(code).kind()));
    let nearest = kinds.min_by_key(|kind| distance(*kind));
    nearest.or_else(|| words.to_ascii_lowercase().contains("timeout").then_some(DialTrouble::TimedOut))
}

/// Looks at an error and all that it has inside, until one says of what kind it is.
fn look(error: &(dyn Error + 'static), depth: usize, found: &mut Option<DialTrouble>) {
    if depth == 0 || found.is_some() {
        return;
    }
    if let Some(io) = error.downcast_ref::<io::Error>() {
        *found = of_kind(io.kind());
        // An error of input and output names as its source only what its inner error has as one.
        if let Some(inner) = io.get_ref() {
            look(inner, depth - 1, found);
        }
    }
    if error.is::<OnlyRelayed>() {
        *found = Some(DialTrouble::OnlyRelayed);
    }
    if error.is::<ResolveError>() {
        *found = found.or(Some(DialTrouble::NoSuchName));
    }
    if error.is::<NegotiationError>() {
        *found = found.or(Some(DialTrouble::Handshake));
    }
    if let Some(source) = error.source() {
        look(source, depth - 1, found);
    }
}

fn of_kind(kind: io::ErrorKind) -> Option<DialTrouble> {
    match kind {
        io::ErrorKind::ConnectionRefused => Some(DialTrouble::Refused),
        io::ErrorKind::TimedOut => Some(DialTrouble::TimedOut),
        io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::HostUnreachable
        | io::ErrorKind::AddrNotAvailable
        | io::ErrorKind::NetworkDown => Some(DialTrouble::NoRoute),
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::InvalidData
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::ConnectionAborted => Some(DialTrouble::Handshake),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use libp2p::Multiaddr;

    use super::*;

    fn transport(errors: impl IntoIterator<Item = io::Error>) -> DialTrouble {
        let each = errors.into_iter().map(|error| (Multiaddr::empty(), TransportError::Other(error)));
        trouble(&SwarmDialError::Transport(each.collect()))
    }

    #[test]
    fn the_kind_is_found_however_deep_it_lies() {
        let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
        assert_eq!(transport([refused()]), DialTrouble::Refused);
        assert_eq!(transport([io::Error::other(io::Error::other(refused()))]), DialTrouble::Refused);
        assert_eq!(transport([io::Error::other("Timeout has been reached")]), DialTrouble::TimedOut);
        assert_eq!(transport([io::Error::other(NegotiationError::Failed)]), DialTrouble::Handshake);
        assert_eq!(transport([io::Error::other("several: - it (os error 111)")]), DialTrouble::Refused);
        let name = io::Error::other(ResolveError::from("No Matching Records Found"));
        assert_eq!(transport([name]), DialTrouble::NoSuchName);
        assert_eq!(transport([refused(), io::Error::other(OnlyRelayed)]), DialTrouble::OnlyRelayed);
        assert_eq!(transport([io::Error::other("something")]), DialTrouble::Other);
        assert_eq!(transport([]), DialTrouble::NoAddress);
    }

    #[test]
    fn of_several_addresses_the_nearest_to_an_answer_counts() {
        let kinds = [io::ErrorKind::NetworkUnreachable, io::ErrorKind::ConnectionRefused];
        assert_eq!(transport(kinds.map(io::Error::from)), DialTrouble::Refused);
    }
}
