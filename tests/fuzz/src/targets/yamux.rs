//! A session of yamux whose other side says anything, while this side opens, reads, writes and closes as the input says.

use std::collections::BTreeMap;
use std::time::Duration;

use shoal_yamux::{GROWTH, HEADER, Header, Kind, RST, STREAMS, SYN, Session, Side, Violation, WINDOW};

use super::input::Pieces;

/// What the other side may believe of a stream.
#[derive(Default)]
struct Known {
    /// What it may still send.
    granted: u64,
    /// Bytes that came and were not read.
    unread: u64,
}

/// The session, and what has to be so.
struct Watched {
    session: Session,
    side: Side,
    known: BTreeMap<u32, Known>,
    now: Duration,
}

/// Every step is an operation, a stream and a number.
pub(super) fn session(bytes: &[u8]) {
    let mut input = Pieces::new(bytes);
    let side = if input.byte().is_multiple_of(2) { Side::Dialer } else { Side::Listener };
    let (session, known) = (Session::new(side), BTreeMap::new());
    let mut watched = Watched { session, side, known, now: Duration::ZERO };
    while !input.is_empty() {
        let (step, stream, number) = (input.byte(), input.byte(), u32::from(input.short()));
        if watched.step(step, stream, number).is_err() {
            return;
        }
        watched.check();
    }
}

impl Watched {
    /// The lower half of `stream` is its number; what the rest is for is the step's.
    fn step(&mut self, step: u8, stream: u8, number: u32) -> Result<(), Violation> {
        let id = u32::from(stream % 16);
        match step % 8 {
            0..=2 => {
                let kinds = [Kind::Data, Kind::WindowUpdate, Kind::Ping, Kind::GoAway];
                // One in three tells more than there are short numbers for.
                let length = if step % 8 == 2 { number << 3 } else { number };
                let kind = kinds[usize::from(stream / 16 % 4)];
                return self.comes(Header::new(kind, u16::from(step >> 4), id, length));
            }
            3 => self.opens(),
            4 => self.reads(id, number),
            5 => self.writes(id, number),
            6 => self.session.close(id),
            _ if step < 128 => self.forgets(id),
            _ => {
                self.now += Duration::from_millis(number.into());
                self.session.measure(self.now);
            }
        }
        Ok(())
    }

    fn comes(&mut self, header: Header) -> Result<(), Violation> {
        let Header { kind, stream: id, length, .. } = header;
        let received = self.session.receive(self.now, &header)?;
        let of_stream = matches!(kind, Kind::Data | Kind::WindowUpdate) && !header.has(RST);
        if of_stream && header.has(SYN) {
            assert_ne!(received, shoal_yamux::FrameMeaning::Nothing, "it was opened");
            assert_eq!(id % 2 == 1, self.side == Side::Listener, "numbers of the other side are taken");
            let before = self.known.insert(id, Known { granted: WINDOW.into(), unread: 0 });
            assert!(before.is_none(), "it stood already");
        }
        if let Some(known) = self.known.get_mut(&id)
            && kind == Kind::Data
            && of_stream
        {
            known.granted =
                known.granted.checked_sub(length.into()).expect("no more than was granted is taken");
            known.unread += u64::from(length);
        }
        Ok(())
    }

    fn opens(&mut self) {
        if let Ok(id) = self.session.open(self.now) {
            assert_eq!(id % 2 == 1, self.side == Side::Dialer);
            self.known.insert(id, Known { granted: WINDOW.into(), unread: 0 });
        }
    }

    fn reads(&mut self, id: u32, number: u32) {
        let Some(known) = self.known.get_mut(&id) else { return };
        let read = known.unread.min(number.into());
        known.unread -= read;
        self.session.read(self.now, id, read as u32);
    }

    fn writes(&mut self, id: u32, number: u32) {
        if let Some(may_send) = self.session.may_send(id) {
            let bytes = may_send.min(number);
            self.session.send(id, bytes);
            assert_eq!(self.session.may_send(id), Some(may_send - bytes));
        }
    }

    fn forgets(&mut self, id: u32) {
        self.session.forget(id);
        self.known.remove(&id);
    }

    /// What was said, and what holds after each step.
    fn check(&mut self) {
        let said = std::mem::take(self.session.control());
        assert!(said.len() <= HEADER, "one step has one answer at most");
        for header in said.as_chunks::<HEADER>().0 {
            let header = Header::decode(header).expect("what is said can be read");
            if let Some(known) = self.known.get_mut(&header.stream)
                && header.kind == Kind::WindowUpdate
            {
                known.granted += u64::from(header.length);
            }
        }
        assert_eq!(self.session.streams(), self.known.len());
        assert!(self.known.len() <= STREAMS);
        let beyond = |known: &Known| (known.granted + known.unread).saturating_sub(WINDOW.into());
        assert!(self.known.values().map(beyond).sum::<u64>() <= GROWTH.into(), "windows grow no further");
    }
}
