//! What comes on a connection, and where it goes.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use futures::{AsyncRead, AsyncWrite};

use super::ends::Ends;
use super::state::{Incoming, State, gone, remember};
use shoal_yamux::FrameMeaning;
use shoal_yamux::{ACK, FIN, HEADER, Header, Kind, RST};

/// Streams that the other side has opened and that nobody has taken yet. One more is closed. That many can be
/// opened without an acknowledgement.
const MAX_WAITING: usize = 256;
/// Bytes that wait for the connection before no more frames are read, each of which may ask for an answer. More than writers
/// can have waiting: two sides that both wait for each other to read would wait for ever.
const MOST_WAITING: usize = (128 << 10) + (16 << 10);
/// Bytes read at once for a stream whose reader is elsewhere: a record of TLS.
const STEP: usize = 16 << 10;
/// Memory taken at once for such bytes.
const KEPT: usize = 64 << 10;

impl<C: AsyncRead + AsyncWrite + Unpin> State<C> {
    /// Reads what comes of a stream.
    pub(super) fn read(&mut self, cx: &mut Context<'_>, id: u32, into: &mut [u8]) -> Poll<io::Result<usize>> {
        let Some(ends) = self.ends.get_mut(&id).filter(|_| !into.is_empty()) else {
            return Poll::Ready(Ok(0));
        };
        let taken = ends.take(into);
        if taken > 0 {
            self.session.read(self.now(), id, taken as u32);
            self.speak();
            return Poll::Ready(Ok(taken));
        }
        if self.is_over() {
            return Poll::Ready(Ok(0));
        }
        // Before that, nobody could be woken.
        if self.mover.is_some() {
            match self.receive(Some((id, into))) {
                Poll::Ready(Ok(read)) => return Poll::Ready(Ok(read)),
                Poll::Ready(Err(error)) => {
                    self.end(Some(error));
                    return Poll::Ready(Ok(0));
                }
                Poll::Pending => {}
            }
        }
        if let Some(ends) = self.ends.get_mut(&id) {
            remember(&mut ends.reader, cx);
        }
        Poll::Pending
    }

    /// Reads frames. If `wanted` names a stream, whose unread bytes were all taken, what comes of it goes there, until there is
    /// something; bytes of others are left to the connection's own task, which calls without `wanted`.
    pub(super) fn receive(&mut self, mut wanted: Option<(u32, &mut [u8])>) -> Poll<io::Result<usize>> {
        let waker = self.arrival.clone().into();
        let cx = &mut Context::from_waker(&waker);
        loop {
            match (&self.incoming, &mut wanted) {
                (Incoming::Body { left: 0, .. }, _) => self.incoming = Incoming::NEXT,
                (Incoming::Body { stream, left, .. }, Some((id, into))) if stream == id => {
                    let (id, fits) = (*id, into.len().min(*left as usize));
                    return self.straight(cx, id, &mut into[..fits]);
                }
                (_, Some((id, _))) if self.session.has_ended(*id) => return Poll::Ready(Ok(0)),
                (Incoming::Body { .. }, Some(_)) => {
                    self.call();
                    return Poll::Pending;
                }
                (Incoming::Body { stream, left, .. }, None) => {
                    let (stream, left) = (*stream, *left);
                    ready!(self.body(cx, stream, left))?;
                }
                (Incoming::Header { .. }, _) => ready!(self.header(cx))?,
            }
        }
    }

    /// Reads of a header what there is, and does what it says.
    fn header(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let (Incoming::Header { bytes, came }, Some(output)) = (&mut self.incoming, &mut self.output) else {
            return Poll::Ready(Err(gone()));
        };
        if output.waiting() >= MOST_WAITING {
            ready!(output.room(cx))?;
        }
        let read = ready!(Pin::new(&mut output.connection).poll_read(cx, &mut bytes[*came..]))?;
        if read == 0 {
            return Poll::Ready(Err(gone()));
        }
        *came += read;
        if *came < HEADER {
            return Poll::Ready(Ok(()));
        }
        let header = Header::decode(bytes).ok_or_else(|| invalid("no frame of yamux"))?;
        Poll::Ready(self.frame(&header))
    }

    fn frame(&mut self, header: &Header) -> io::Result<()> {
        let id = header.stream;
        let received = self.session.receive(self.now(), header).map_err(invalid)?;
        self.incoming = match header.kind {
            Kind::Data => Incoming::Body { stream: id, left: header.length, offered: false },
            _ => Incoming::NEXT,
        };
        match received {
            FrameMeaning::GoAway => return Err(gone()),
            FrameMeaning::Nothing => {}
            FrameMeaning::Opened => self.came(id),
            FrameMeaning::OfStream => {
                let ends = self.ends.get_mut(&id);
                if header.has(FIN | RST) {
                    ends.into_iter().for_each(Ends::wake);
                } else if header.kind == Kind::WindowUpdate {
                    ends.and_then(|ends| ends.writer.take()).into_iter().for_each(Waker::wake);
                }
            }
        }
        if header.has(ACK | FIN | RST) {
            self.may_open();
        }
        self.speak();
        Ok(())
    }

    /// The other side opened a stream.
    fn came(&mut self, id: u32) {
        if self.waiting.len() >= MAX_WAITING {
            return self.session.forget(id);
        }
        self.ends.insert(id, Ends::default());
        self.waiting.push_back(id);
        self.swarm.take().into_iter().for_each(Waker::wake);
    }

    /// Takes a body's bytes straight to the stream's reader.
    fn straight(&mut self, cx: &mut Context<'_>, id: u32, into: &mut [u8]) -> Poll<io::Result<usize>> {
        let read = ready!(self.read_body(cx, into))?;
        self.session.read(self.now(), id, read as u32);
        // At once: the reader may go on for long, and the other side waits for what it may send.
        if self.collect()
            && let Poll::Ready(Err(error)) = self.send(cx)
        {
            return Poll::Ready(Err(error));
        }
        Poll::Ready(Ok(read))
    }

    fn read_body(&mut self, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        let Some(output) = &mut self.output else { return Poll::Ready(Err(gone())) };
        let read = ready!(Pin::new(&mut output.connection).poll_read(cx, into))?;
        if read == 0 && !into.is_empty() {
            return Poll::Ready(Err(gone()));
        }
        if let Incoming::Body { left, .. } = &mut self.incoming {
            *left -= read as u32;
        }
        Poll::Ready(Ok(read))
    }

    /// Takes some of a body. Its reader may do that itself, if it waits.
    fn body(&mut self, cx: &mut Context<'_>, id: u32, left: u32) -> Poll<io::Result<()>> {
        let left = left as usize;
        let Some(ends) = self.ends.get_mut(&id) else {
            let mut nowhere = [0; 4096];
            let fits = nowhere.len().min(left);
            return self.read_body(cx, &mut nowhere[..fits]).map_ok(|_| ());
        };
        if let Incoming::Body { offered, .. } = &mut self.incoming
            && let Some(reader) = ends.reader.take()
        {
            if std::mem::replace(offered, true) && !std::mem::take(&mut self.came) {
                // It has been there, and there was nothing more: it waits for the connection as this task does.
                ends.reader = Some(reader);
                return Poll::Pending;
            }
            // In this order: the task that is woken last runs first.
            self.call();
            reader.wake();
            return Poll::Pending;
        }
        let mut bytes = ends.last(left.min(KEPT));
        let before = bytes.len();
        let fits = STEP.min(left).min(bytes.capacity() - before);
        bytes.resize(before + fits, 0);
        let read = self.read_body(cx, &mut bytes[before..]);
        let came = if let Poll::Ready(Ok(came)) = &read { *came } else { 0 };
        bytes.truncate(before + came);
        if let Some(ends) = self.ends.get_mut(&id) {
            ends.put(bytes);
        }
        read.map_ok(|_| ())
    }
}

fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
