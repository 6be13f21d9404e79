//! What one side of a connection knows of its streams, and what follows from a frame. It reads and writes nothing.
//!
//! What always holds: a stream is sent no more than it granted, and unread bytes never exceed that; at most 512 streams
//! stand; a side that breaks the protocol gets a [`Violation`], and its connection ends. Frames that are not data lie in
//! [`Session::control`] until they are taken; of those the other side causes one for each frame of its own at most.

use std::collections::BTreeMap;
use std::time::Duration;

use super::frame::{ACK, FIN, HEADER, Header, Kind, RST, SYN};
use super::window::{ReceiveWindow, RoundTrip, WINDOW};

/// Streams of one connection, at most.
pub const STREAMS: usize = 512;
/// Streams that the other side has not acknowledged, at most.
const UNACKNOWLEDGED: usize = 256;
/// By what all windows of a connection together may grow, in bytes: twice a gigabit over 100 ms, since half of it
/// has to be read before more is granted. A peer decides how much of it is used, and what is sent and not read lies in memory.
pub const GROWTH: u32 = 32 << 20;

/// Which side opened the connection; its streams have odd numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// This side.
    Dialer,
    /// The other side.
    Listener,
}

/// How the other side broke the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// It opened a stream whose number it may not use, or that stands already.
    #[error("a stream that the other side cannot open")]
    StreamId,
    /// It opened more than [`STREAMS`].
    #[error("more streams than may stand")]
    TooManyStreams,
    /// It sent more than it was granted, or granted more than there are numbers for.
    #[error("more bytes than were granted")]
    Window,
    /// It answered what was not asked.
    #[error("an answer to a ping that was not sent")]
    Pong,
}

/// Why a stream cannot be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unopened {
    /// [`STREAMS`] stand.
    #[error("as many streams as may stand do stand")]
    TooMany,
    /// They rise and are used once.
    #[error("the connection has no numbers left for streams")]
    NoNumbers,
    /// The other side has to acknowledge one first.
    #[error("the other side acknowledges no streams")]
    Unacknowledged,
}

/// What a frame means for its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameMeaning {
    /// It concerns none that is known.
    Nothing,
    /// The other side ends the connection.
    GoAway,
    /// The other side opened it. A body may follow.
    Opened,
    /// It stands, or has stood until now.
    OfStream,
}

/// One stream.
#[derive(Debug)]
struct Stream {
    receive: ReceiveWindow,
    /// Bytes that were sent, or announced by a header, and not read.
    unread: u32,
    /// What the other side may still be sent.
    may_send: u32,
    /// What the next frame has to say besides.
    flag: u16,
    acknowledged: bool,
    /// The other side writes no more.
    ended: bool,
    /// This side writes no more.
    closed: bool,
}

impl Stream {
    fn new(now: Duration, flag: u16) -> Self {
        let receive = ReceiveWindow::new(now);
        Self { receive, unread: 0, may_send: WINDOW, flag, acknowledged: false, ended: false, closed: false }
    }
}

/// See the module.
#[derive(Debug)]
pub struct Session {
    side: Side,
    streams: BTreeMap<u32, Stream>,
    /// The number of the next stream that this side opens.
    next: Option<u32>,
    trip: RoundTrip,
    /// By how much windows may still grow.
    spare: u32,
    control: Vec<u8>,
}

impl Session {
    /// Of one side, at time zero, without streams.
    pub fn new(side: Side) -> Self {
        let next = Some(if side == Side::Dialer { 1 } else { 2 });
        Self {
            side,
            streams: BTreeMap::new(),
            next,
            trip: RoundTrip::default(),
            spare: GROWTH,
            control: Vec::new(),
        }
    }

    /// Opens a stream. The other side hears of it with its first frame.
    pub fn open(&mut self, now: Duration) -> Result<u32, Unopened> {
        if self.streams.len() >= STREAMS {
            return Err(Unopened::TooMany);
        }
        let ours = |(id, stream): &(&u32, &Stream)| !self.is_theirs(**id) && !stream.acknowledged;
        if self.streams.iter().filter(ours).count() >= UNACKNOWLEDGED {
            return Err(Unopened::Unacknowledged);
        }
        let id = self.next.ok_or(Unopened::NoNumbers)?;
        self.next = id.checked_add(2);
        self.streams.insert(id, Stream::new(now, SYN));
        Ok(id)
    }

    /// A frame came.
    pub fn receive(&mut self, now: Duration, header: &Header) -> Result<FrameMeaning, Violation> {
        match header.kind {
            Kind::GoAway => Ok(FrameMeaning::GoAway),
            Kind::Ping if header.has(ACK) => {
                self.trip.answered(now, header.length).then_some(FrameMeaning::Nothing).ok_or(Violation::Pong)
            }
            Kind::Ping => {
                self.say(Header::new(Kind::Ping, ACK, 0, header.length));
                Ok(FrameMeaning::Nothing)
            }
            Kind::Data | Kind::WindowUpdate => self.of_stream(now, header),
        }
    }

    fn of_stream(&mut self, now: Duration, header: &Header) -> Result<FrameMeaning, Violation> {
        if header.has(RST) {
            let Some(stream) = self.streams.get_mut(&header.stream) else { return Ok(FrameMeaning::Nothing) };
            (stream.ended, stream.closed, stream.acknowledged, stream.may_send) = (true, true, true, 0);
            return Ok(FrameMeaning::OfStream);
        }
        let new = header.has(SYN);
        if new {
            self.opened(now, header.stream)?;
        }
        // One that is gone here may have been sent something before the other side knew.
        let Some(stream) = self.streams.get_mut(&header.stream) else { return Ok(FrameMeaning::Nothing) };
        stream.acknowledged |= header.has(ACK);
        stream.ended |= header.has(FIN);
        if header.kind == Kind::Data {
            if !stream.receive.take(header.length) {
                return Err(Violation::Window);
            }
            stream.unread += header.length;
        } else {
            stream.may_send = stream.may_send.checked_add(header.length).ok_or(Violation::Window)?;
        }
        Ok(if new { FrameMeaning::Opened } else { FrameMeaning::OfStream })
    }

    fn opened(&mut self, now: Duration, id: u32) -> Result<(), Violation> {
        if !self.is_theirs(id) || self.streams.contains_key(&id) {
            return Err(Violation::StreamId);
        }
        if self.streams.len() >= STREAMS {
            return Err(Violation::TooManyStreams);
        }
        self.streams.insert(id, Stream { acknowledged: true, ..Stream::new(now, ACK) });
        Ok(())
    }

    fn is_theirs(&self, id: u32) -> bool {
        let odd = id % 2 == 1;
        id != 0 && odd == (self.side == Side::Listener)
    }

    /// How many streams stand.
    pub fn streams(&self) -> usize {
        self.streams.len()
    }

    /// Whether nothing more comes on a stream than what is unread.
    pub fn has_ended(&self, id: u32) -> bool {
        self.streams.get(&id).is_none_or(|stream| stream.ended)
    }

    /// Bytes of a stream were read. Grants more if that is due.
    pub fn read(&mut self, now: Duration, id: u32, bytes: u32) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        stream.unread = stream.unread.saturating_sub(bytes);
        if stream.ended {
            return;
        }
        let granted = stream.receive.grant(now, stream.unread, self.trip.get(), &mut self.spare);
        if let Some(more) = granted {
            let flag = std::mem::take(&mut stream.flag);
            self.say(Header::new(Kind::WindowUpdate, flag, id, more));
        }
    }

    /// How many bytes may be written to a stream. `None` if it takes none any more.
    pub fn may_send(&self, id: u32) -> Option<u32> {
        self.streams.get(&id).filter(|stream| !stream.closed).map(|stream| stream.may_send)
    }

    /// The header of a data frame of so many bytes, which [`may_send`](Self::may_send) allows.
    pub fn send(&mut self, id: u32, bytes: u32) -> [u8; HEADER] {
        let mut flag = 0;
        if let Some(stream) = self.streams.get_mut(&id) {
            stream.may_send = stream.may_send.saturating_sub(bytes);
            flag = std::mem::take(&mut stream.flag);
        }
        Header::new(Kind::Data, flag, id, bytes).encode()
    }

    /// Nothing more is written to a stream.
    pub fn close(&mut self, id: u32) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        if !std::mem::replace(&mut stream.closed, true) {
            let flag = std::mem::take(&mut stream.flag);
            self.say(Header::new(Kind::Data, FIN | flag, id, 0));
        }
    }

    /// A stream is not used any more.
    pub fn forget(&mut self, id: u32) {
        let Some(stream) = self.streams.remove(&id) else { return };
        self.spare += stream.receive.grown();
        if stream.flag == SYN || stream.closed {
            // The other side never heard of it, or it knows; what it still sends is thrown away.
            return;
        }
        let flag = if stream.ended { FIN } else { RST };
        self.say(Header::new(Kind::Data, flag | stream.flag, id, 0));
    }

    /// The connection is to end.
    pub fn go_away(&mut self) {
        self.say(Header::new(Kind::GoAway, 0, 0, 0));
    }

    /// Asks how long a round trip takes, if it is time.
    pub fn measure(&mut self, now: Duration) {
        if let Some(name) = self.trip.ping(now) {
            self.say(Header::new(Kind::Ping, SYN, 0, name));
        }
    }

    fn say(&mut self, header: Header) {
        self.control.extend_from_slice(&header.encode());
    }

    /// Frames to be sent, which are left to the caller.
    pub fn control(&mut self) -> &mut Vec<u8> {
        &mut self.control
    }
}
