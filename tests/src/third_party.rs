//! Somebody who has nothing to do with a swarm, and whose addresses hostile peers tell: it counts what it is sent.
//!
//! By TCP it hangs up at once, so that another attempt could follow at once; by UDP it says nothing.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use libp2p::Multiaddr;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::JoinSet;

/// The longest datagram that is looked at, in bytes.
const DATAGRAM: usize = 2048;
/// Ports of TCP.
const PORTS: usize = 8;
/// How long a connection may say nothing before the next one has its turn.
const PATIENCE: Duration = Duration::from_secs(1);

/// What has come so far.
#[derive(Debug, Clone, Default)]
pub struct Bothered {
    /// Connections by TCP.
    pub connections: usize,
    /// Connections that somebody tried to open by QUIC, told apart by their ids.
    pub quic: HashSet<Vec<u8>>,
    /// Bytes, by both.
    pub bytes: usize,
}

impl Bothered {
    /// How often somebody tried to connect.
    pub fn attempts(&self) -> usize {
        self.connections + self.quic.len()
    }
}

/// A listening one. It is gone when this is dropped.
pub struct ThirdParty {
    /// Where it is, by TCP: as many addresses as one dial tries.
    pub tcp: Vec<Multiaddr>,
    /// Where it is, by UDP.
    pub quic: Multiaddr,
    bothered: Arc<Mutex<Bothered>>,
    _tasks: JoinSet<()>,
}

impl ThirdParty {
    /// Listens on loopback.
    pub async fn listen() -> Self {
        let bothered = Arc::new(Mutex::new(Bothered::default()));
        let (mut tasks, mut tcp) = (JoinSet::new(), Vec::new());
        for _ in 0..PORTS {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            let port = listener.local_addr().expect("a port").port();
            tcp.push(format!("/ip4/127.0.0.1/tcp/{port}").parse().expect("an address"));
            tasks.spawn(hang_up(listener, bothered.clone()));
        }
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
        let port = socket.local_addr().expect("a port").port();
        let quic = format!("/ip4/127.0.0.1/udp/{port}/quic-v1").parse().expect("an address");
        tasks.spawn(listen_only(socket, bothered.clone()));
        Self { tcp, quic, bothered, _tasks: tasks }
    }

    /// What liars may tell strangers' addresses to be: all of those by TCP, where it hangs up at once, for most of them,
    /// and for one in fifty that by UDP, since an attempt that nobody answers lasts long and keeps others back.
    pub fn homes(&self) -> Vec<Vec<Multiaddr>> {
        std::iter::repeat_n(self.tcp.clone(), 49).chain([vec![self.quic.clone()]]).collect()
    }

    /// What has come so far.
    pub fn bothered(&self) -> Bothered {
        self.bothered.lock().unwrap().clone()
    }
}

async fn hang_up(listener: TcpListener, bothered: Arc<Mutex<Bothered>>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        bothered.lock().unwrap().connections += 1;
        let mut piece = [0; DATAGRAM];
        // What comes at first; nothing comes after that, since nothing is answered.
        let came = tokio::time::timeout(PATIENCE, stream.read(&mut piece)).await;
        bothered.lock().unwrap().bytes += came.map_or(0, |read| read.unwrap_or(0));
    }
}

async fn listen_only(socket: UdpSocket, bothered: Arc<Mutex<Bothered>>) {
    let mut datagram = [0; DATAGRAM];
    while let Ok(len) = socket.recv(&mut datagram).await {
        let mut bothered = bothered.lock().unwrap();
        bothered.bytes += len;
        bothered.quic.extend(connection_id(&datagram[..len]).map(<[u8]>::to_vec));
    }
}

/// The id that the sender of a QUIC packet with a long header (RFC 9000, 17.2) chose for the other side.
fn connection_id(packet: &[u8]) -> Option<&[u8]> {
    let is_long = packet.first()? & 0x80 != 0;
    let len = usize::from(*packet.get(5)?);
    packet.get(6..6 + len).filter(|_| is_long)
}
