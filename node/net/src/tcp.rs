//! TCP, secured and multiplexed, with a short queue inside of the system.
//!
//! By itself a system takes megabytes into each socket before they can be sent. Then all peers that are
//! served at once share the line, and what an upload slot means is lost: chunks are to arrive one after
//! another, each soon, so that they can be passed on. `TCP_NOTSENT_LOWAT` bounds what lies unsent (Linux;
//! elsewhere it stays as it is).
//!
//! A path that is gone, because an address or a cable changed, says nothing. So the system asks the other side when it
//! was silent (RFC 9293, keep-alives), and gives up what is not acknowledged (RFC 5482, user timeout): 13 and 10
//! seconds, together less than half a minute, within which a transfer is to go on elsewhere. The other side's program need not
//! answer for that, only its system, so a slow line or a busy peer loses nothing.

use std::error::Error;
use std::io;
use std::time::Duration;

use futures::future::{BoxFuture, Either, FutureExt, TryFutureExt};
use libp2p::core::muxing::StreamMuxerBox;
use libp2p::core::transport::Boxed;
use libp2p::core::upgrade::{
    InboundConnectionUpgrade, OutboundConnectionUpgrade, SelectUpgrade, UpgradeInfo, Version,
};
use libp2p::identity::Keypair;
use libp2p::{PeerId, Transport, noise, tcp};

use super::muxer;
use super::tls::TlsConfig;

/// What may lie unsent in a socket, in bytes: enough to keep a fast line busy until the next piece comes.
#[cfg(target_os = "linux")]
const UNSENT: u32 = 256 << 10;

/// A connection over which nothing came for this time is asked whether it stands, again and again.
const SILENT: Duration = Duration::from_secs(4);
/// So long after each question.
const ASK_EVERY: Duration = Duration::from_secs(3);
/// How often it is asked without an answer.
const ASKED: u32 = 3;
#[cfg(target_os = "linux")]
/// And what was sent may stay without an acknowledgement for this long.
const UNACKNOWLEDGED: Duration = Duration::from_secs(10);

type Secured<A, B> = (PeerId, Either<A, B>);
type Offer = SelectUpgrade<TlsConfig, noise::Config>;

/// The transport. TLS is offered before Noise: with AES instructions it is the faster one.
pub(super) fn transport(
    identity: &Keypair,
) -> Result<Boxed<(PeerId, StreamMuxerBox)>, Box<dyn Error + Send + Sync>> {
    let tls = TlsConfig::new(identity)?;
    let noise = noise::Config::new(identity)?;
    let transport = tcp::tokio::Transport::new(tcp::Config::default().nodelay(true))
        .map(|stream, _| {
            keep_queue_short(&stream.0);
            notice_silence(&stream.0);
            stream
        })
        .upgrade(Version::V1Lazy)
        .authenticate(Security(SelectUpgrade::new(tls, noise)))
        .multiplex(muxer::Config);
    Ok(transport.map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer))).boxed())
}

#[cfg(target_os = "linux")]
fn keep_queue_short(stream: &tokio::net::TcpStream) {
    if let Err(error) = socket2::SockRef::from(stream).set_tcp_notsent_lowat(UNSENT) {
        tracing::debug!(%error, "cannot bound what lies unsent in a socket");
    }
}

#[cfg(not(target_os = "linux"))]
fn keep_queue_short(_: &tokio::net::TcpStream) {}

fn notice_silence(stream: &tokio::net::TcpStream) {
    let socket = socket2::SockRef::from(stream);
    let keepalive =
        socket2::TcpKeepalive::new().with_time(SILENT).with_interval(ASK_EVERY).with_retries(ASKED);
    if let Err(error) = socket.set_tcp_keepalive(&keepalive) {
        tracing::debug!(%error, "cannot have a socket notice that its path is gone");
    }
    #[cfg(target_os = "linux")]
    if let Err(error) = socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED)) {
        tracing::debug!(%error, "cannot bound how long a socket waits for an acknowledgement");
    }
}

/// TLS or Noise, whichever the other side prefers; either way the result names the peer.
#[derive(Clone)]
struct Security(Offer);

impl UpgradeInfo for Security {
    type Info = <Offer as UpgradeInfo>::Info;
    type InfoIter = <Offer as UpgradeInfo>::InfoIter;

    fn protocol_info(&self) -> Self::InfoIter {
        self.0.protocol_info()
    }
}

impl<C, A, B> InboundConnectionUpgrade<C> for Security
where
    A: 'static,
    B: 'static,
    Offer: InboundConnectionUpgrade<C, Output = Either<(PeerId, A), (PeerId, B)>>,
    <Offer as InboundConnectionUpgrade<C>>::Future: Send + 'static,
    <Offer as InboundConnectionUpgrade<C>>::Error: std::error::Error + Send + Sync + 'static,
{
    type Output = Secured<A, B>;
    type Error = io::Error;
    type Future = BoxFuture<'static, Result<Self::Output, io::Error>>;

    fn upgrade_inbound(self, socket: C, info: Self::Info) -> Self::Future {
        let upgrade = InboundConnectionUpgrade::upgrade_inbound(self.0, socket, info);
        upgrade.map_ok(Either::factor_first).map_err(io::Error::other).boxed()
    }
}

impl<C, A, B> OutboundConnectionUpgrade<C> for Security
where
    A: 'static,
    B: 'static,
    Offer: OutboundConnectionUpgrade<C, Output = Either<(PeerId, A), (PeerId, B)>>,
    <Offer as OutboundConnectionUpgrade<C>>::Future: Send + 'static,
    <Offer as OutboundConnectionUpgrade<C>>::Error: std::error::Error + Send + Sync + 'static,
{
    type Output = Secured<A, B>;
    type Error = io::Error;
    type Future = BoxFuture<'static, Result<Self::Output, io::Error>>;

    fn upgrade_outbound(self, socket: C, info: Self::Info) -> Self::Future {
        let upgrade = OutboundConnectionUpgrade::upgrade_outbound(self.0, socket, info);
        upgrade.map_ok(Either::factor_first).map_err(io::Error::other).boxed()
    }
}
