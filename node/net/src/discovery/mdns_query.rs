//! Asks the LAN for neighbours out of turn.
//!
//! libp2p's mDNS asks every five minutes once somebody has answered, and its pace cannot be changed. Answers go to the whole
//! group, so a question of our own brings them to libp2p's sockets as well. The packet is a question for `PTR` records of
//! `_p2p._udp.local` (RFC 6762; libp2p's mDNS specification).

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// A question with the id 0 for `_p2p._udp.local`, type PTR, class IN.
const QUERY: [u8; 33] = [
    0, 0, // id
    0, 0, // flags: a standard query
    0, 1, 0, 0, 0, 0, 0, 0, // one question
    4, b'_', b'p', b'2', b'p', 4, b'_', b'u', b'd', b'p', 5, b'l', b'o', b'c', b'a', b'l',
    0, // the name
    0, 12, // PTR
    0, 1, // IN
];
const PORT: u16 = 5353;
const GROUP_V4: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);
const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb);

/// Asks on the interface with this address; sends one packet and waits for nothing.
pub(super) fn ask(interface: IpAddr) -> io::Result<()> {
    let (group, from) = match interface {
        IpAddr::V4(_) => (IpAddr::V4(GROUP_V4), interface),
        // As libp2p does it: which interface has this address is not known here.
        IpAddr::V6(_) => (IpAddr::V6(GROUP_V6), IpAddr::V6(Ipv6Addr::UNSPECIFIED)),
    };
    let socket = UdpSocket::bind(SocketAddr::new(from, 0))?;
    socket.set_nonblocking(true)?;
    socket.send_to(&QUERY, SocketAddr::new(group, PORT)).map(drop)
}
