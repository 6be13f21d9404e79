//! Listening, and waiting until the listeners have said where.
//!
//! A listener on all interfaces says its addresses one by one, some time after it was opened, and that on loopback is
//! often the first. So the interfaces are asked what there is, and it is waited for that long; whatever is told to others
//! afterwards, such as a ticket, has all of them.

use std::collections::{HashMap, HashSet};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures::StreamExt;
use libp2p::core::transport::ListenerId;
use libp2p::multiaddr::Protocol;
use libp2p::swarm::SwarmEvent;
use libp2p::{Multiaddr, Swarm, TransportError};
use shoal_addresses::ip_of;
use socket2::{Domain, Socket, Type};

use super::behaviour::{Behaviour, BehaviourEvent};

/// How long listeners may take to say the rest once one address stands.
const REST: Duration = Duration::from_secs(1);

/// Why a node does not listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// An address that was given cannot be listened on.
    #[error("cannot listen on {address}")]
    Refused {
        /// Where.
        address: Multiaddr,
        /// Why not.
        source: TransportError<io::Error>,
    },
    /// There is nothing that can be listened on, or not all that was given.
    #[error("cannot listen{}", list(.0))]
    Nowhere(Vec<(Vec<Multiaddr>, io::Error)>),
    /// No listener said where within some seconds.
    #[error("cannot listen: no address became ready in time")]
    Late,
}

fn list(failed: &[(Vec<Multiaddr>, io::Error)]) -> String {
    failed.iter().map(|(addresses, error)| format!("; {addresses:?}: {error}")).collect()
}

/// Listens, and waits for the listeners' addresses: up to `patience` until there is one (of each, if they were given),
/// and a second for the rest. Given addresses must all work; of the defaults, one is enough: a machine may lack IPv6 or
/// UDP. Returns what happened meanwhile beside that, in order: others may connect to the first address at once, and multicast DNS
/// says everything but once.
pub(super) async fn listen(
    swarm: &mut Swarm<Behaviour>,
    given: &[Multiaddr],
    port: u16,
    patience: Duration,
) -> Result<Vec<SwarmEvent<BehaviourEvent>>, ListenError> {
    let addresses = if given.is_empty() { everywhere(port) } else { given.to_vec() };
    let interfaces = interfaces();
    let mut listeners = Listeners { all_needed: !given.is_empty(), ..Listeners::default() };
    for address in addresses {
        match swarm.listen_on(address.clone()) {
            Ok(id) => listeners.opened(id, &address, &interfaces),
            Err(TransportError::Other(error)) if given.is_empty() => {
                listeners.failed.push((vec![address], error));
            }
            Err(source) => return Err(ListenError::Refused { address, source }),
        }
    }
    let mut early = Vec::new();
    let standing = async {
        while !listeners.stand() && !listeners.are_gone() {
            early.extend(listeners.hear(swarm.select_next_some().await));
        }
    };
    if tokio::time::timeout(patience, standing).await.is_err() {
        return Err(ListenError::Late);
    }
    if listeners.are_gone() {
        return Err(ListenError::Nowhere(listeners.failed));
    }
    let rest = async {
        while !listeners.have_said_all() {
            early.extend(listeners.hear(swarm.select_next_some().await));
        }
    };
    if tokio::time::timeout(REST, rest).await.is_err() {
        tracing::debug!(?listeners, "some interfaces are not listened on");
    }
    Ok(early)
}

/// Whether all of these addresses, and there are some, are on loopback.
pub(super) fn is_loopback(given: &[Multiaddr]) -> bool {
    let loopback = |address: &Multiaddr| ip_of(address).is_some_and(|ip| ip.is_loopback());
    !given.is_empty() && given.iter().all(loopback)
}

/// Finds out without a node whether one will be able to listen on addresses of the user's choice.
pub fn try_listening(addresses: &[Multiaddr]) -> Result<(), ListenError> {
    addresses.iter().try_for_each(|address| {
        let tried = match socket_of(address) {
            Some((place, kind)) => bind(place, kind).map_err(TransportError::Other),
            None => Err(TransportError::MultiaddrNotSupported(address.clone())),
        };
        tried.map_err(|source| ListenError::Refused { address: address.clone(), source })
    })
}

fn socket_of(address: &Multiaddr) -> Option<(SocketAddr, Type)> {
    let (port, kind) = match address.iter().nth(1)? {
        Protocol::Tcp(port) => (port, Type::STREAM),
        Protocol::Udp(port) if address.iter().nth(2) == Some(Protocol::QuicV1) => (port, Type::DGRAM),
        _ => return None,
    };
    Some((SocketAddr::new(ip_of(address)?, port), kind))
}

/// Binds a socket as libp2p does, and closes it.
fn bind(place: SocketAddr, kind: Type) -> io::Result<()> {
    let socket = Socket::new(Domain::for_address(place), kind, None)?;
    if place.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    if kind == Type::STREAM {
        socket.set_reuse_address(true)?;
        #[cfg(unix)]
        socket.set_reuse_port(true)?;
    }
    socket.bind(&place.into())
}

/// What listeners have said, and what they have yet to say.
#[derive(Debug, Default)]
struct Listeners {
    /// Whether each has to stand.
    all_needed: bool,
    open: HashMap<ListenerId, Listener>,
    /// Where it did not work, and why.
    failed: Vec<(Vec<Multiaddr>, io::Error)>,
}

#[derive(Debug)]
struct Listener {
    stands: bool,
    unsaid: HashSet<IpAddr>,
}

impl Listeners {
    fn opened(&mut self, id: ListenerId, address: &Multiaddr, interfaces: &[IpAddr]) {
        let unsaid = match ip_of(address) {
            Some(any) if any.is_unspecified() => {
                interfaces.iter().filter(|ip| ip.is_ipv4() == any.is_ipv4()).copied().collect()
            }
            other => other.into_iter().collect(),
        };
        self.open.insert(id, Listener { stands: false, unsaid });
    }

    /// Takes in what a listener says; gives back all else.
    fn hear<E>(&mut self, event: SwarmEvent<E>) -> Option<SwarmEvent<E>> {
        match event {
            SwarmEvent::NewListenAddr { listener_id, address } => {
                if let Some(listener) = self.open.get_mut(&listener_id) {
                    listener.stands = true;
                    ip_of(&address).map(|ip| listener.unsaid.remove(&ip));
                }
            }
            SwarmEvent::ListenerClosed { listener_id, addresses, reason } => {
                self.open.remove(&listener_id);
                self.failed.extend(reason.err().map(|error| (addresses, error)));
            }
            other => return Some(other),
        }
        None
    }

    /// Whether enough of them have an address.
    fn stand(&self) -> bool {
        let mut stand = self.open.values().map(|listener| listener.stands);
        if self.all_needed { stand.all(|stands| stands) } else { stand.any(|stands| stands) }
    }

    fn are_gone(&self) -> bool {
        self.open.is_empty() || (self.all_needed && !self.failed.is_empty())
    }

    fn have_said_all(&self) -> bool {
        self.open.values().all(|listener| listener.unsaid.is_empty())
    }
}

/// The addresses of this machine that listeners on all interfaces are sure to say. Of a point-to-point link they may
/// say another one.
fn interfaces() -> Vec<IpAddr> {
    let all = if_addrs::get_if_addrs().unwrap_or_else(|error| {
        tracing::debug!(%error, "cannot list the interfaces");
        Vec::new()
    });
    all.iter().filter(|interface| interface.is_oper_up() && !interface.is_p2p()).map(|i| i.ip()).collect()
}

fn everywhere(port: u16) -> Vec<Multiaddr> {
    let texts = [
        format!("/ip4/0.0.0.0/tcp/{port}"),
        format!("/ip4/0.0.0.0/udp/{port}/quic-v1"),
        format!("/ip6/::/tcp/{port}"),
        format!("/ip6/::/udp/{port}/quic-v1"),
    ];
    texts.iter().map(|text| text.parse().expect("well-formed")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MACHINE: [&str; 4] = ["127.0.0.1", "::1", "2001:db8::7", "fd00::7"];

    fn said(id: ListenerId, address: &str) -> SwarmEvent<()> {
        SwarmEvent::NewListenAddr { listener_id: id, address: address.parse().unwrap() }
    }

    fn listeners(all_needed: bool, addresses: &[&str]) -> (Listeners, Vec<ListenerId>) {
        let interfaces = MACHINE.map(|ip| ip.parse().unwrap());
        let mut listeners = Listeners { all_needed, ..Listeners::default() };
        let open = |address: &&str| {
            let id = ListenerId::next();
            listeners.opened(id, &address.parse().unwrap(), &interfaces);
            id
        };
        let ids = addresses.iter().map(open).collect();
        (listeners, ids)
    }

    /// On a machine with IPv6 addresses alone, the first that is said is one of IPv4's loopback.
    #[test]
    fn one_address_is_not_all() {
        let (mut listeners, ids) = listeners(false, &["/ip4/0.0.0.0/tcp/0", "/ip6/::/tcp/0"]);
        assert!(!listeners.stand());
        for (id, address) in
            [(ids[0], "/ip4/127.0.0.1/tcp/1"), (ids[1], "/ip6/::1/tcp/2"), (ids[1], "/ip6/fd00::7/tcp/2")]
        {
            assert!(listeners.hear(said(id, address)).is_none());
            assert!(listeners.stand() && !listeners.have_said_all(), "{address}");
        }
        assert!(listeners.hear(said(ids[1], "/ip6/2001:db8::7/tcp/2")).is_none());
        assert!(listeners.have_said_all());
    }

    #[test]
    fn a_listener_that_ends_is_not_waited_for() {
        let (mut listeners, ids) = listeners(false, &["/ip4/0.0.0.0/tcp/0", "/ip6/::/tcp/0"]);
        let closed = |id| SwarmEvent::<()>::ListenerClosed {
            listener_id: id,
            addresses: vec![],
            reason: Err(std::io::ErrorKind::AddrNotAvailable.into()),
        };
        assert!(listeners.hear(closed(ids[1])).is_none());
        assert!(listeners.hear(said(ids[0], "/ip4/127.0.0.1/tcp/1")).is_none());
        assert!(listeners.stand() && listeners.have_said_all() && !listeners.are_gone());
        assert!(listeners.hear(closed(ids[0])).is_none());
        assert!(listeners.are_gone());
    }

    #[test]
    fn what_cannot_be_listened_on_is_told_early() {
        let try_one = |address: &str| try_listening(&[address.parse().unwrap()]).map_err(|e| e.to_string());
        assert_eq!(try_one("/ip4/127.0.0.1/tcp/0"), Ok(()));
        assert_eq!(try_one("/ip4/127.0.0.1/udp/0/quic-v1"), Ok(()));
        // Not an address of this machine (RFC 5737), a port that others have, and what is no transport.
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let taken = format!("/ip4/127.0.0.1/udp/{}/quic-v1", socket.local_addr().unwrap().port());
        for bad in ["/ip4/192.0.2.1/tcp/0", "/ip4/127.0.0.1/udp/0", "/dns4/localhost/tcp/0", &taken] {
            assert_eq!(try_one(bad), Err(format!("cannot listen on {bad}")));
        }
        drop(socket);
        assert_eq!(try_one(&taken), Ok(()));
    }

    #[test]
    fn all_that_were_given_have_to_stand() {
        let (mut listeners, ids) = listeners(true, &["/ip4/127.0.0.1/tcp/0", "/ip6/fd00::7/tcp/0"]);
        assert!(listeners.hear(said(ids[0], "/ip4/127.0.0.1/tcp/1")).is_none());
        assert!(!listeners.stand());
        assert!(listeners.hear(said(ids[1], "/ip6/fd00::7/tcp/1")).is_none());
        assert!(listeners.stand() && listeners.have_said_all());
    }
}
