//! Hosts: IP addresses and names.

// From `core`, which has the addresses but no sockets.
use core::net::{IpAddr, Ipv4Addr};
use std::borrow::Cow;

use multiaddr::{Multiaddr, Protocol};

/// Where an address begins.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Host {
    /// An IP address.
    Ip(IpAddr),
    /// A name that the system's resolver looks up.
    Name(NameKind, String),
}

/// Which addresses of a name are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NameKind {
    /// `/dns`: of either family.
    Any,
    /// `/dns4`: of IPv4.
    V4,
    /// `/dns6`: of IPv6.
    V6,
}

impl Host {
    pub(crate) fn read(part: &Protocol<'_>) -> Option<Self> {
        let name = |kind, name: &Cow<'_, str>| Some(Self::Name(kind, name.to_string()));
        match part {
            Protocol::Ip4(ip) => Some(Self::Ip((*ip).into())),
            Protocol::Ip6(ip) => Some(Self::Ip((*ip).into())),
            Protocol::Dns(it) => name(NameKind::Any, it),
            Protocol::Dns4(it) => name(NameKind::V4, it),
            Protocol::Dns6(it) => name(NameKind::V6, it),
            _ => None,
        }
    }

    pub(crate) fn write(&self) -> Protocol<'_> {
        match self {
            Self::Ip(IpAddr::V4(ip)) => Protocol::Ip4(*ip),
            Self::Ip(IpAddr::V6(ip)) => Protocol::Ip6(*ip),
            Self::Name(NameKind::Any, name) => Protocol::Dns(name.into()),
            Self::Name(NameKind::V4, name) => Protocol::Dns4(name.into()),
            Self::Name(NameKind::V6, name) => Protocol::Dns6(name.into()),
        }
    }
}

/// Whether a name may be that of a host (RFC 1123, section 2.1): letters and digits of ASCII, `-` and `.`, and `_`, which
/// some networks of containers use; 1 to 253 bytes. Names of other scripts are written in their ASCII form (`xn--…`).
pub fn is_host_name(name: &str) -> bool {
    const MAX: usize = 253;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    (1..=MAX).contains(&name.len()) && name.bytes().all(fits)
}

/// The IP address that an address begins with, if it does.
pub fn ip_of(address: &Multiaddr) -> Option<IpAddr> {
    match address.iter().next()? {
        Protocol::Ip4(ip) => Some(ip.into()),
        Protocol::Ip6(ip) => Some(ip.into()),
        _ => None,
    }
}

/// The IPv4 address that packets to an IPv6 address end up at: compatible (::/96), mapped (::ffff:0:0/96), translated
/// (::ffff:0:0:0/96, 64:ff9b::/96) or 6to4 (2002::/16); else the address itself.
pub(crate) fn canonical(ip: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = ip else { return ip };
    let v4 = match v6.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => return ip,
        [0, 0, 0, 0, 0, 0 | 0xffff, a, b]
        | [0, 0, 0, 0, 0xffff, 0, a, b]
        | [0x64, 0xff9b, 0, 0, 0, 0, a, b]
        | [0x2002, a, b, ..] => u32::from(a) << 16 | u32::from(b),
        _ => return ip,
    };
    Ipv4Addr::from_bits(v4).into()
}
