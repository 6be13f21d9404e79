//! A line of TCP in this process with a rate and a delay, both ways alike.
//!
//! Whatever is read waits until it would be through a line of that rate, and then for the delay. What is under way is
//! bounded by what such a line holds, with a little more, so a sender is slowed down as by a line that is full.
//!
//! What this is not: TCP over a long way. Each half is acknowledged at once, so nobody pays for the growth of a window of TCP; only
//! what programs ask and answer takes a round trip.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

/// From one end to the other.
const DELAY: Duration = Duration::from_millis(50);
/// Bytes a second: a gigabit.
const RATE: f64 = 125e6;
/// What is read at once, in bytes.
const PIECE: usize = 64 << 10;

/// Listens on loopback and carries whoever comes to `there`. Returns where it listens.
pub(crate) fn line_to(there: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let here = listener.local_addr().expect("an address");
    // It ends with the process: a listener that waits cannot be woken.
    std::thread::spawn(move || {
        for near in listener.incoming().map_while(Result::ok) {
            let far = TcpStream::connect(there).expect("can be reached");
            for (from, to) in [(&near, &far), (&far, &near)] {
                let [from, to] = [from, to].map(|end| end.try_clone().expect("can be shared"));
                let held = RATE * DELAY.as_secs_f64() / PIECE as f64;
                let (enters, leaves) = sync_channel(held as usize + 16);
                std::thread::spawn(move || take(from, &enters));
                std::thread::spawn(move || give(to, &leaves));
            }
        }
    });
    here
}

fn take(mut from: TcpStream, enters: &SyncSender<(Instant, Vec<u8>)>) {
    let mut free = Instant::now();
    let mut piece = vec![0; PIECE];
    while let Ok(len @ 1..) = from.read(&mut piece) {
        free = free.max(Instant::now()) + Duration::from_secs_f64(len as f64 / RATE);
        if enters.send((free + DELAY, piece[..len].to_vec())).is_err() {
            return;
        }
    }
}

fn give(mut to: TcpStream, leaves: &Receiver<(Instant, Vec<u8>)>) {
    for (at, piece) in leaves {
        std::thread::sleep(at.saturating_duration_since(Instant::now()));
        if to.write_all(&piece).is_err() {
            return;
        }
    }
    // Err only says that it has ended already.
    drop(to.shutdown(Shutdown::Write));
}
