//! A transport that lets others begin first.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt};
use libp2p::Multiaddr;
use libp2p::core::transport::{DialOpts, ListenerId, Transport, TransportError, TransportEvent};

/// How much later a relay is asked than the peer itself, where both are dialled. A direct connection stands within a few
/// round trips; one that takes longer is found by DCUtR.
const HEAD_START: Duration = Duration::from_millis(500);

/// A transport whose dials begin a moment later, so that dials of other transports to the same peer have a head start. Made
/// for circuits: addresses of a peer are dialled at the same time, and the first connection wins.
pub(crate) struct Patient<T>(pub(crate) T);

impl<T> Transport for Patient<T>
where
    T: Transport + Unpin,
    T::Output: 'static,
    T::Error: 'static,
    T::Dial: Send + 'static,
{
    type Output = T::Output;
    type Error = T::Error;
    type ListenerUpgrade = T::ListenerUpgrade;
    type Dial = BoxFuture<'static, Result<T::Output, T::Error>>;

    fn listen_on(&mut self, id: ListenerId, address: Multiaddr) -> Result<(), TransportError<Self::Error>> {
        self.0.listen_on(id, address)
    }

    fn remove_listener(&mut self, id: ListenerId) -> bool {
        self.0.remove_listener(id)
    }

    fn dial(
        &mut self,
        address: Multiaddr,
        options: DialOpts,
    ) -> Result<Self::Dial, TransportError<Self::Error>> {
        let dial = self.0.dial(address, options)?;
        let later = async {
            tokio::time::sleep(HEAD_START).await;
            dial.await
        };
        Ok(later.boxed())
    }

    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<TransportEvent<Self::ListenerUpgrade, Self::Error>> {
        Pin::new(&mut self.0).poll(cx)
    }
}
