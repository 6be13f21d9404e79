//! Why the API cannot be served.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use shoal_printable::printable_bytes;

fn shown(path: &std::path::Path) -> String {
    printable_bytes(path.as_os_str().as_encoded_bytes()).to_string()
}

/// Why the API cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// Something answers at the socket.
    #[error("another shoal node answers at '{}'; end it, or choose another --socket", shown(.0))]
    SocketInUse(PathBuf),
    /// Something else is where the socket should be.
    #[error("'{}' is in the way of the socket, and is none; move it away, or choose another --socket", shown(.0))]
    InTheWay(PathBuf),
    /// The socket cannot be made.
    #[error("cannot listen at '{}': {source}", shown(path))]
    Socket {
        /// Its path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// TCP cannot be listened on.
    #[error("cannot listen at {address}: {source}")]
    Tcp {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// Other machines could reach it.
    #[error(
        "the API at {0} could be reached from other machines, and would hand over all that this user can read; use a \
         loopback address and a proxy with TLS in front of it, or allow it with --api-remote"
    )]
    Remote(SocketAddr),
    /// There is no place for the token.
    #[error("the API on TCP needs a data folder for its token; give --data")]
    NoData,
    /// The token cannot be kept.
    #[error("cannot use the token '{}': {source}", shown(path))]
    Token {
        /// Its file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The base is no path.
    #[error("'{0}' cannot stand before the API's paths; write for example /shoal")]
    Base(String),
}
