//! A line of TCP in this process, which delays, stops, half-closes or cuts what goes over it, when it is told to.
//!
//! What always holds: bytes are never changed, dropped or reordered, as TCP does none of these; what is stopped is held.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// What happens to connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Nothing.
    Well,
    /// Each piece of at most 16 KiB waits so long.
    Delayed(Duration),
    /// Nothing goes towards the getter.
    StoppedDown,
    /// Nothing goes towards the seed.
    StoppedUp,
    /// Nothing goes either way.
    Stopped,
    /// Connections end, and new ones end at once.
    Cut,
    /// What goes towards the getter ends; what goes towards the seed goes on.
    HalfClosed,
}

impl Mode {
    fn stops(self, down: bool) -> bool {
        matches!((self, down), (Self::Stopped, _) | (Self::StoppedDown, true) | (Self::StoppedUp, false))
    }

    fn ends(self, down: bool) -> bool {
        self == Self::Cut || (self == Self::HalfClosed && down)
    }
}

/// A relay between a getter and a seed.
pub(crate) struct Relay {
    /// Where it listens, on loopback.
    pub(crate) port: u16,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    mode: Mutex<Mode>,
    changed: Condvar,
}

impl Relay {
    /// Listens, and connects whoever comes with a port of this machine.
    pub(crate) fn to(seed: u16) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared { mode: Mutex::new(Mode::Well), changed: Condvar::new() });
        let relay = Self { port, shared: shared.clone() };
        // It ends with the process: a listener that waits cannot be woken.
        std::thread::spawn(move || {
            for getter in listener.incoming().map_while(Result::ok) {
                if shared.mode() != Mode::Cut {
                    // Err: the seed is gone, and the getter sees its connection end.
                    drop(shared.carry(getter, seed));
                }
            }
        });
        Ok(relay)
    }

    /// What happens from now on.
    pub(crate) fn set(&self, mode: Mode) {
        *self.shared.mode.lock().expect("nobody panics with it") = mode;
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn mode(&self) -> Mode {
        *self.mode.lock().expect("nobody panics with it")
    }

    fn carry(self: &Arc<Self>, getter: TcpStream, seed: u16) -> std::io::Result<()> {
        let seed = TcpStream::connect(("127.0.0.1", seed))?;
        for (down, from, to) in [(true, &seed, &getter), (false, &getter, &seed)] {
            let (shared, from, to) = (self.clone(), from.try_clone()?, to.try_clone()?);
            // So that a change is noticed also where nothing comes.
            from.set_read_timeout(Some(Duration::from_millis(20)))?;
            std::thread::spawn(move || shared.pump(down, from, to));
        }
        Ok(())
    }

    fn pump(&self, down: bool, mut from: TcpStream, mut to: TcpStream) {
        let mut buf = [0; 16 << 10];
        loop {
            let mode = self.mode.lock().expect("nobody panics with it");
            let mode =
                *self.changed.wait_while(mode, |mode| mode.stops(down)).expect("nobody panics with it");
            if mode.ends(down) {
                break;
            }
            let len = match from.read(&mut buf) {
                Ok(0) => break,
                Ok(len) => len,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => continue,
                Err(_) => break,
            };
            if let Mode::Delayed(time) = mode {
                std::thread::sleep(time);
            }
            if to.write_all(&buf[..len]).is_err() {
                break;
            }
        }
        // Err only says that it has ended already.
        drop(to.shutdown(Shutdown::Write));
        if self.mode() == Mode::Cut {
            drop(from.shutdown(Shutdown::Both));
        }
    }
}

impl Drop for Relay {
    /// What waits goes on, and ends with its connections.
    fn drop(&mut self) {
        self.set(Mode::Cut);
    }
}
