//! What an address is: a place to dial, or a relay and the peer behind it.

use libp2p_identity::PeerId;
use multiaddr::{Multiaddr, Protocol};

use crate::host::Host;
use crate::scope::Scope;

/// An address in one of the forms that nodes use.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Address {
    /// A place to dial.
    Direct(Direct),
    /// By way of a relay, which is dialled instead and asked for a circuit.
    Circuit(Circuit),
}

/// `/HOST/tcp/PORT` or `/HOST/udp/PORT/quic-v1`, and `/p2p/PEER` or nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Direct {
    /// Where. Its IP address or name is one that a host can have.
    pub host: Host,
    /// How, and at which port.
    pub transport: Transport,
    /// The peer that has to answer there; none: any peer may.
    pub peer: Option<PeerId>,
}

/// `/HOST/…/p2p/RELAY/p2p-circuit` or `/p2p/RELAY/p2p-circuit`, and `/p2p/PEER` or nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Circuit {
    /// The relay's peer id.
    pub relay: PeerId,
    /// Where the relay is; none: the reader has to know.
    pub place: Option<(Host, Transport)>,
    /// The peer behind the relay.
    pub peer: Option<PeerId>,
}

/// How bytes get to a host. Ports are 1 to 65 535.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// `/tcp/PORT`
    Tcp(u16),
    /// `/udp/PORT/quic-v1`
    Quic(u16),
}

/// An address is of a form that nodes make no use of, such as `/unix/…` or `/ip4/0.0.0.0/tcp/1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unusable;

impl TryFrom<&Multiaddr> for Address {
    type Error = Unusable;

    fn try_from(address: &Multiaddr) -> Result<Self, Unusable> {
        let mut parts = address.iter().peekable();
        let place = match parts.peek() {
            Some(Protocol::P2p(_)) => None,
            Some(_) => Some(place(&mut parts)?),
            None => return Err(Unusable),
        };
        let first = peer(&mut parts)?;
        let address = match (parts.next(), first, place) {
            (None, peer, Some((host, transport))) => Self::Direct(Direct { host, transport, peer }),
            (Some(Protocol::P2pCircuit), Some(relay), place) => {
                Self::Circuit(Circuit { relay, place, peer: peer(&mut parts)? })
            }
            _ => return Err(Unusable),
        };
        if parts.next().is_none() { Ok(address) } else { Err(Unusable) }
    }
}

fn place<'a>(parts: &mut impl Iterator<Item = Protocol<'a>>) -> Result<(Host, Transport), Unusable> {
    let host = parts.next().and_then(|part| Host::read(&part)).ok_or(Unusable)?;
    if Scope::of_host(&host).is_none() {
        return Err(Unusable);
    }
    let transport = match parts.next() {
        Some(Protocol::Tcp(port)) if port > 0 => Transport::Tcp(port),
        Some(Protocol::Udp(port)) if port > 0 && parts.next() == Some(Protocol::QuicV1) => {
            Transport::Quic(port)
        }
        _ => return Err(Unusable),
    };
    Ok((host, transport))
}

/// Takes the `/p2p/PEER` that comes next, if one does.
fn peer<'a, I: Iterator<Item = Protocol<'a>>>(
    parts: &mut std::iter::Peekable<I>,
) -> Result<Option<PeerId>, Unusable> {
    match parts.next_if(|part| matches!(part, Protocol::P2p(_))) {
        Some(Protocol::P2p(peer)) => Ok(Some(peer)),
        _ => Ok(None),
    }
}

impl From<&Address> for Multiaddr {
    fn from(address: &Address) -> Self {
        let mut written = Self::empty();
        let peer = match address {
            Address::Direct(direct) => {
                write_place(&mut written, &direct.host, direct.transport);
                direct.peer
            }
            Address::Circuit(circuit) => {
                if let Some((host, transport)) = &circuit.place {
                    write_place(&mut written, host, *transport);
                }
                written.push(Protocol::P2p(circuit.relay));
                written.push(Protocol::P2pCircuit);
                circuit.peer
            }
        };
        peer.into_iter().for_each(|peer| written.push(Protocol::P2p(peer)));
        written
    }
}

fn write_place(address: &mut Multiaddr, host: &Host, transport: Transport) {
    address.push(host.write());
    match transport {
        Transport::Tcp(port) => address.push(Protocol::Tcp(port)),
        Transport::Quic(port) => {
            address.push(Protocol::Udp(port));
            address.push(Protocol::QuicV1);
        }
    }
}

/// Whether an address is one that a node may dial: an IP address or name of one host, then TCP or QUIC.
pub fn is_dialable(address: &Multiaddr) -> bool {
    matches!(address.try_into(), Ok(Address::Direct(_)))
}

/// Whether an address is one by way of a relay whose place it names, so that it leads to its peer without further knowledge.
pub fn is_circuit(address: &Multiaddr) -> bool {
    matches!(address.try_into(), Ok(Address::Circuit(Circuit { place: Some(_), .. })))
}

/// Whether an address leads anywhere: one that [may be dialled](is_dialable), or a [circuit](is_circuit).
pub fn leads_somewhere(address: &Multiaddr) -> bool {
    is_dialable(address) || is_circuit(address)
}

/// Whose address it is, if it ends in `/p2p/PEER`.
pub fn peer_of(address: &Multiaddr) -> Option<PeerId> {
    match address.iter().last() {
        Some(Protocol::P2p(peer)) => Some(peer),
        _ => None,
    }
}

/// The address without the `/p2p/PEER` at its end, if it has one.
pub fn without_peer(mut address: Multiaddr) -> Multiaddr {
    if peer_of(&address).is_some() {
        address.pop();
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{PEER, RELAY, any_address, any_multiaddr};
    use proptest::prelude::*;

    fn read(address: &str) -> Result<Address, Unusable> {
        Address::try_from(&address.parse().unwrap())
    }

    #[test]
    fn only_hosts_with_tcp_or_quic_are_dialable() {
        for good in [
            "/ip4/10.0.0.1/tcp/1",
            "/ip6/::1/udp/9/quic-v1",
            "/ip6/fe80::1/tcp/1",
            "/dns/a/tcp/443",
            "/dns4/example.org/tcp/443",
            "/dns6/example.org/udp/443/quic-v1",
            "/dns/xn--mnchen-3ya.my_net.example./tcp/1",
        ] {
            let named = format!("{good}/p2p/{PEER}");
            assert!(is_dialable(&good.parse().unwrap()) && is_dialable(&named.parse().unwrap()), "{good}");
        }
        for bad in [
            "/ip4/0.0.0.0/tcp/1",
            "/ip4/0.1.2.3/tcp/1",
            "/ip4/224.0.0.1/tcp/1",
            "/ip4/255.255.255.255/tcp/1",
            "/ip6/::ffff:0.0.0.0/tcp/1",
            "/ip4/1.2.3.4/tcp/0",
            "/ip4/1.2.3.4/udp/1",
            "/ip4/1.2.3.4/udp/0/quic-v1",
            "/ip4/1.2.3.4/udp/1/quic",
            "/ip4/1.2.3.4",
            "/ip4/1.2.3.4/tcp/1/ws",
            "/ip4/1.2.3.4/tcp/1/ip4/1.2.3.4/tcp/1",
            "/ip6zone/eth0/ip6/fe80::1/tcp/1",
            "/dnsaddr/example.org/tcp/1",
            "/unix/a",
            "/memory/5",
            "/tcp/1",
            "/dns4/a\u{1b}[2Jb/tcp/1",
            "/dns/a b/tcp/1",
            "/dns6/a\nb/tcp/1",
            "/dns/münchen.example/tcp/1",
        ] {
            assert_eq!(read(bad), Err(Unusable), "{bad}");
        }
        assert_eq!(Address::try_from(&Multiaddr::empty()), Err(Unusable));
    }

    #[test]
    fn circuits_are_read_and_not_dialled() {
        let (relay, peer): (PeerId, PeerId) = (RELAY.parse().unwrap(), PEER.parse().unwrap());
        let at = (Host::Ip([8, 8, 8, 8].into()), Transport::Tcp(1));
        for (text, place, behind) in [
            (format!("/ip4/8.8.8.8/tcp/1/p2p/{RELAY}/p2p-circuit/p2p/{PEER}"), Some(at.clone()), Some(peer)),
            (format!("/ip4/8.8.8.8/tcp/1/p2p/{RELAY}/p2p-circuit"), Some(at), None),
            (format!("/p2p/{RELAY}/p2p-circuit/p2p/{PEER}"), None, Some(peer)),
        ] {
            let named = place.is_some();
            assert_eq!(read(&text), Ok(Address::Circuit(Circuit { relay, place, peer: behind })), "{text}");
            let address = text.parse().unwrap();
            assert!(!is_dialable(&address) && is_circuit(&address) == named);
            assert_eq!(leads_somewhere(&address), named, "{text}");
        }
        for bad in [
            "/p2p-circuit".to_owned(),
            "/ip4/8.8.8.8/tcp/1/p2p-circuit".to_owned(),
            format!("/ip4/8.8.8.8/tcp/1/p2p-circuit/p2p/{PEER}"),
            format!("/ip4/0.0.0.0/tcp/1/p2p/{RELAY}/p2p-circuit"),
            format!("/ip4/8.8.8.8/tcp/1/p2p/{RELAY}/p2p-circuit/ip4/10.0.0.1/tcp/1"),
            format!("/ip4/8.8.8.8/tcp/1/p2p/{RELAY}/p2p-circuit/p2p/{PEER}/p2p-circuit"),
            format!("/ip4/8.8.8.8/tcp/1/p2p/{RELAY}/p2p/{PEER}"),
            format!("/p2p/{PEER}"),
        ] {
            assert_eq!(read(&bad), Err(Unusable), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn an_address_is_read_as_it_was_written(address in any_address()) {
            prop_assert_eq!(Address::try_from(&Multiaddr::from(&address)), Ok(address));
        }

        #[test]
        fn what_is_read_is_written_as_it_was(address in any_multiaddr()) {
            if let Ok(read) = Address::try_from(&address) {
                prop_assert_eq!(Multiaddr::from(&read), address);
            }
        }

        #[test]
        fn the_peer_at_the_end_comes_off_and_nothing_else(address in any_multiaddr()) {
            let peer = peer_of(&address);
            let mut bare = without_peer(address.clone());
            peer.into_iter().for_each(|peer| bare.push(Protocol::P2p(peer)));
            prop_assert_eq!(bare, address);
        }
    }
}
