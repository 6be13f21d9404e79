//! A transport that lets others begin first.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::{BoxFuture, Either, FutureExt};
use libp2p::Multiaddr;
use libp2p::core::Endpoint;
use libp2p::core::transport::{DialOpts, ListenerId, Transport, TransportError, TransportEvent};

/// A transport whose dials begin a moment later, so that dials of other transports to the same peer have a head start. All
/// addresses of a peer are dialled at the same time, and the first connection wins.
///
/// A dial that plays the listener's part punches a hole (DCUtR), at a moment on which both sides agreed, and does not wait.
pub(crate) struct Patient<T> {
    transport: T,
    head_start: Duration,
}

impl<T> Patient<T> {
    /// A transport whose dials begin by `head_start` later.
    pub(crate) fn new(transport: T, head_start: Duration) -> Self {
        Self { transport, head_start }
    }
}

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
    type Dial = Either<T::Dial, BoxFuture<'static, Result<T::Output, T::Error>>>;

    fn listen_on(&mut self, id: ListenerId, address: Multiaddr) -> Result<(), TransportError<Self::Error>> {
        self.transport.listen_on(id, address)
    }

    fn remove_listener(&mut self, id: ListenerId) -> bool {
        self.transport.remove_listener(id)
    }

    fn dial(
        &mut self,
        address: Multiaddr,
        options: DialOpts,
    ) -> Result<Self::Dial, TransportError<Self::Error>> {
        let dial = self.transport.dial(address, options)?;
        if options.role == Endpoint::Listener {
            return Ok(Either::Left(dial));
        }
        let head_start = tokio::time::sleep(self.head_start);
        let later = async {
            head_start.await;
            dial.await
        };
        Ok(Either::Right(later.boxed()))
    }

    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<TransportEvent<Self::ListenerUpgrade, Self::Error>> {
        Pin::new(&mut self.transport).poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use libp2p::core::transport::{MemoryTransport, PortUse};

    use super::*;

    const HEAD_START: Duration = Duration::from_millis(250);

    /// How long a dial takes, where everything but the head start takes no time.
    async fn dial(role: Endpoint) -> Duration {
        let mut transport = Patient::new(MemoryTransport::default(), HEAD_START);
        transport.listen_on(ListenerId::next(), "/memory/0".parse().unwrap()).unwrap();
        let event = std::future::poll_fn(|cx| Pin::new(&mut transport).poll(cx)).await;
        let address = event.into_new_address().unwrap();
        let start = tokio::time::Instant::now();
        let dial = transport.dial(address, DialOpts { role, port_use: PortUse::New }).unwrap();
        dial.await.expect("a connection");
        start.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_dial_waits_for_the_head_start_unless_it_punches_a_hole() {
        assert_eq!(dial(Endpoint::Dialer).await, HEAD_START);
        assert_eq!(dial(Endpoint::Listener).await, Duration::ZERO);
    }
}
