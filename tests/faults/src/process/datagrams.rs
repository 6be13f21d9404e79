//! A line of UDP in this process, which loses datagrams, carries them twice, or holds them back so that later ones overtake
//! them, when it is told to.
//!
//! What this is not: a line with a rate or a queue. What always holds: no datagram is changed; the same seed draws the same
//! fates, in the order in which datagrams come.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use shoal_engine::SeededRng;

/// The longest time for which a datagram is held back.
const LATEST: Duration = Duration::from_millis(40);
/// A change is noticed after so long also where nothing comes.
const LOOK: Duration = Duration::from_millis(20);

/// What befalls datagrams, by the hundred. A datagram may meet several fates.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Harm {
    /// Never arrive.
    pub(crate) lost: u32,
    /// Arrive twice.
    pub(crate) twice: u32,
    /// Arrive after some that were sent later.
    pub(crate) late: u32,
}

/// A line between a getter and a seed.
pub(crate) struct DatagramLine {
    /// Where it listens, on loopback.
    pub(crate) port: u16,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    harm: Mutex<Harm>,
    rng: Mutex<SeededRng>,
    /// Datagrams that were lost, doubled or held back so far.
    harmed: AtomicU64,
    ended: AtomicBool,
}

impl DatagramLine {
    /// Listens, and carries what comes to a port of this machine and back.
    pub(crate) fn to(port: u16, seed: u64) -> std::io::Result<Self> {
        let front = bound()?;
        let shared = Arc::new(Shared {
            harm: Mutex::default(),
            rng: Mutex::new(SeededRng::seed_from_u64(seed)),
            harmed: AtomicU64::new(0),
            ended: AtomicBool::new(false),
        });
        let line = Self { port: front.local_addr()?.port(), shared: shared.clone() };
        std::thread::spawn(move || shared.carry(&front, port));
        Ok(line)
    }

    /// What befalls datagrams from now on.
    pub(crate) fn set(&self, harm: Harm) {
        *self.shared.harm.lock().expect("nobody panics with it") = harm;
    }

    /// How many datagrams were lost, doubled or held back so far.
    pub(crate) fn harmed(&self) -> u64 {
        self.shared.harmed.load(Ordering::Relaxed)
    }
}

impl Drop for DatagramLine {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
    }
}

impl Shared {
    /// Carries what getters send, each by a socket of its own, so that the seed tells them apart.
    fn carry(self: Arc<Self>, front: &UdpSocket, seed: u16) {
        let mut getters: BTreeMap<SocketAddr, (UdpSocket, Held)> = BTreeMap::new();
        let mut buf = [0; 1 << 16];
        while !self.ended.load(Ordering::Relaxed) {
            if let Ok((len, getter)) = front.recv_from(&mut buf)
                && let Some((back, held)) = self.line_of(&mut getters, front, getter, seed)
            {
                self.take(held, &buf[..len]);
                // Err: the seed is gone, which the getter finds out by itself.
                held.due(|datagram| drop(back.send(datagram)));
            }
            for (back, held) in getters.values_mut() {
                held.due(|datagram| drop(back.send(datagram)));
            }
        }
    }

    fn line_of<'a>(
        self: &Arc<Self>,
        getters: &'a mut BTreeMap<SocketAddr, (UdpSocket, Held)>,
        front: &UdpSocket,
        getter: SocketAddr,
        seed: u16,
    ) -> Option<&'a mut (UdpSocket, Held)> {
        let new = match getters.entry(getter) {
            Entry::Occupied(known) => return Some(known.into_mut()),
            Entry::Vacant(new) => new,
        };
        let back = bound().ok()?;
        back.connect((Ipv4Addr::LOCALHOST, seed)).ok()?;
        let (shared, front, from) = (self.clone(), front.try_clone().ok()?, back.try_clone().ok()?);
        std::thread::spawn(move || shared.carry_back(&from, &front, getter));
        Some(new.insert((back, Held::default())))
    }

    fn carry_back(&self, from: &UdpSocket, front: &UdpSocket, getter: SocketAddr) {
        let (mut held, mut buf) = (Held::default(), [0; 1 << 16]);
        while !self.ended.load(Ordering::Relaxed) {
            if let Ok(len) = from.recv(&mut buf) {
                self.take(&mut held, &buf[..len]);
            }
            held.due(|datagram| drop(front.send_to(datagram, getter)));
        }
    }

    /// Draws what befalls a datagram.
    fn take(&self, held: &mut Held, datagram: &[u8]) {
        let harm = *self.harm.lock().expect("nobody panics with it");
        let mut rng = self.rng.lock().expect("nobody panics with it");
        let mut befalls = |of_hundred: u32| of_hundred > 0 && rng.random_range(0..100) < of_hundred;
        let (lost, twice, late) = (befalls(harm.lost), befalls(harm.twice), befalls(harm.late));
        self.harmed.fetch_add(u64::from(lost || twice || late), Ordering::Relaxed);
        if lost {
            return;
        }
        let delay = if late { rng.random_range(Duration::ZERO..LATEST) } else { Duration::ZERO };
        (0..=usize::from(twice)).for_each(|_| held.add(Instant::now() + delay, datagram));
    }
}

/// Datagrams on their way, by when they arrive.
#[derive(Debug, Default)]
struct Held {
    datagrams: BTreeMap<(Instant, u64), Vec<u8>>,
    count: u64,
}

impl Held {
    fn add(&mut self, due: Instant, datagram: &[u8]) {
        self.count += 1;
        self.datagrams.insert((due, self.count), datagram.to_vec());
    }

    fn due(&mut self, mut send: impl FnMut(&[u8])) {
        let now = Instant::now();
        while let Some(first) = self.datagrams.first_entry().filter(|first| first.key().0 <= now) {
            send(&first.remove());
        }
    }
}

/// A socket on a free port of loopback, whose reads end soon.
fn bound() -> std::io::Result<UdpSocket> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.set_read_timeout(Some(LOOK))?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends the numbers from 0 over a line, one after the other, and says which arrive.
    fn arrivals(harm: Harm, count: u8) -> (Vec<u8>, u64) {
        let there = bound().unwrap();
        let line = DatagramLine::to(there.local_addr().unwrap().port(), 1).unwrap();
        line.set(harm);
        let here = bound().unwrap();
        here.connect((Ipv4Addr::LOCALHOST, line.port)).unwrap();
        (0..count).for_each(|n| assert_eq!(here.send(&[n]).unwrap(), 1));
        let (mut arrived, mut buf) = (vec![], [0; 8]);
        let mut quiet = Instant::now();
        // The line has nothing left when it has said nothing for much longer than it holds anything back.
        while quiet.elapsed() < 25 * LATEST {
            if there.recv(&mut buf).is_ok() {
                arrived.push(buf[0]);
                quiet = Instant::now();
            }
        }
        (arrived, line.harmed())
    }

    #[test]
    fn a_line_that_is_well_changes_nothing() {
        assert_eq!(arrivals(Harm::default(), 50), ((0..50).collect(), 0));
    }

    #[test]
    fn datagrams_are_lost_doubled_and_overtaken() {
        assert_eq!(arrivals(Harm { lost: 100, ..Harm::default() }, 20), (vec![], 20));
        let (twice, harmed) = arrivals(Harm { twice: 100, ..Harm::default() }, 20);
        assert_eq!((twice, harmed), ((0..20).flat_map(|n| [n, n]).collect(), 20));
        let (late, harmed) = arrivals(Harm { late: 100, ..Harm::default() }, 50);
        let mut sorted = late.clone();
        sorted.sort_unstable();
        assert_eq!((&sorted, harmed), (&(0..50).collect(), 50));
        assert_ne!(late, sorted);
    }
}
