//! Running programs and reading what they cost, from /proc.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;
use shoal_content::Ticket;
use shoal_tests::proc::peak_resident;
use shoal_tests::process::LOOPBACK;

use crate::far;

/// What a copy took.
pub(crate) struct Measured {
    pub(crate) wall: Duration,
    /// Processor seconds, user and system.
    pub(crate) sender: f64,
    pub(crate) receiver: f64,
    /// Most bytes resident.
    pub(crate) sender_rss: u64,
    pub(crate) receiver_rss: u64,
}

/// What a process took.
pub(crate) struct Cost {
    pub(crate) cpu: f64,
    pub(crate) rss: u64,
}

/// A process whose memory is looked at while it runs.
pub(crate) struct Watched {
    child: Child,
    peak: Arc<AtomicU64>,
    done: Arc<AtomicBool>,
    watcher: JoinHandle<()>,
}

impl Watched {
    pub(crate) fn start(mut command: Command) -> Self {
        let child = command.stdin(Stdio::null()).spawn().expect("the program starts");
        let (peak, done) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (id, into, stop) = (child.id(), peak.clone(), done.clone());
        let watcher = std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                into.fetch_max(peak_resident(id), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        Self { child, peak, done, watcher }
    }

    /// The first line that it prints.
    pub(crate) fn line(&mut self) -> String {
        let stdout = self.child.stdout.take().expect("piped");
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        line.trim().to_owned()
    }

    /// Processor seconds so far.
    pub(crate) fn cpu(&self) -> f64 {
        cpu(self.child.id())
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Cost {
        // A process that has ended and was not waited for still has its figures in /proc.
        let id = self.child.id();
        while !is_zombie(id) {
            std::thread::sleep(Duration::from_millis(4));
        }
        let cpu = cpu(id);
        assert!(self.child.wait().expect("can be waited for").success(), "the program failed");
        Cost { cpu, rss: self.peak() }
    }

    /// Ends it.
    pub(crate) fn kill(mut self) -> Cost {
        let cpu = self.cpu();
        self.child.kill().expect("can be killed");
        self.child.wait().expect("can be waited for");
        Cost { cpu, rss: self.peak() }
    }

    fn peak(self) -> u64 {
        self.done.store(true, Ordering::Relaxed);
        self.watcher.join().expect("no panic");
        self.peak.load(Ordering::Relaxed)
    }
}

/// The fields of /proc/PID/stat after the name, which may contain anything.
fn stat(id: u32) -> Vec<String> {
    let text = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    text.rsplit_once(')')
        .map(|(_, rest)| rest.split_whitespace().map(str::to_owned).collect())
        .unwrap_or_default()
}

fn is_zombie(id: u32) -> bool {
    stat(id).first().is_none_or(|state| state == "Z")
}

fn cpu(id: u32) -> f64 {
    /// Linux counts in hundredths of a second for user space, whatever its own tick is.
    const TICKS: f64 = 100.0;
    let stat = stat(id);
    let ticks = |at: usize| stat.get(at).and_then(|t| t.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / TICKS
}

/// Fills and frees some memory, straight before each copy. A virtual machine pays for pages that its host has
/// not backed yet (or has taken back), and the process that needs the next ones for its page cache
/// would pay for that.
pub(crate) fn prefault_memory() {
    std::hint::black_box(vec![1u8; 3 << 30]);
}

/// The median of some figures.
pub(crate) fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut all: Vec<f64> = figures.collect();
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

/// Options that say where a node listens: as it does by itself, over both transports and at every address.
pub(crate) const BY_ITSELF: [&str; 0] = [];
/// Over TCP at the loopback address alone, so that each run goes the same way.
pub(crate) const ON_LOOPBACK: [&str; 2] = ["--listen", LOOPBACK];

pub(crate) fn share(shoal: &Path, path: &Path, listen: &[&str]) -> (Watched, String) {
    let mut command = Command::new(shoal);
    command
        .arg("share")
        .arg(path)
        .args(listen)
        .env("SHOAL_CACHE", "")
        .env("SHOAL_STATE", "")
        .env("SHOAL_SOCKET", "");
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut process = Watched::start(command);
    let ticket = process.line();
    assert!(ticket.starts_with("shoal1"), "no ticket: {ticket}");
    (process, ticket)
}

/// Shares a file and fetches it, from the start of the fetching process to its end.
pub(crate) fn shoal_once(shoal: &Path, scratch: &Path, file: &Path, listen: &[&str]) -> Measured {
    let (sender, ticket) = share(shoal, file, listen);
    let before = sender.cpu();
    let (wall, received) = fetch(shoal, scratch, &ticket, listen);
    let sent = sender.kill();
    Measured {
        wall,
        sender: sent.cpu - before,
        receiver: received.cpu,
        sender_rss: sent.rss,
        receiver_rss: received.rss,
    }
}

/// Fetches into a new folder, which is removed afterwards.
pub(crate) fn fetch(shoal: &Path, scratch: &Path, ticket: &str, listen: &[&str]) -> (Duration, Cost) {
    let to = scratch.join("fetched");
    prefault_memory();
    let mut command = Command::new(shoal);
    command.args(["get", ticket]).args(listen).arg("-o").arg(&to).env("SHOAL_STATE", "");
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let received = Watched::start(command).end();
    let wall = start.elapsed();
    fs::remove_dir_all(to).expect("can be removed");
    (wall, received)
}

/// Shares a file and fetches it over a long line: the time, and processor seconds of the fetching side.
pub(crate) fn over_far_line(shoal: &Path, scratch: &Path, file: &Path) -> (Duration, f64) {
    let (sender, ticket) = share(shoal, file, &ON_LOOPBACK);
    let mut ticket: Ticket = ticket.parse().expect("a ticket");
    let direct = ticket.peers.iter().find_map(tcp).expect("it listens on TCP");
    let line = far::line_to(([127, 0, 0, 1], direct).into());
    ticket.peers =
        ticket.peers.iter().filter(|address| tcp(address).is_some()).map(|a| at(a, line.port())).collect();
    let (wall, received) = fetch(shoal, scratch, &ticket.to_string(), &ON_LOOPBACK);
    sender.kill();
    (wall, received.cpu)
}

fn tcp(address: &Multiaddr) -> Option<u16> {
    address.iter().find_map(|part| if let Protocol::Tcp(port) = part { Some(port) } else { None })
}

/// The same with another port of TCP.
fn at(address: &Multiaddr, port: u16) -> Multiaddr {
    address.iter().map(|part| if let Protocol::Tcp(_) = part { Protocol::Tcp(port) } else { part }).collect()
}

/// Shares a file from several processes and fetches it from all of them at once.
pub(crate) fn from_several(shoal: &Path, scratch: &Path, file: &Path, seeds: usize) -> Duration {
    let seeds: Vec<(Watched, String)> = (0..seeds).map(|_| share(shoal, file, &ON_LOOPBACK)).collect();
    let tickets = seeds.iter().map(|(_, ticket)| ticket.parse::<Ticket>().expect("a ticket"));
    let all = tickets.reduce(|mut all, one| {
        all.peers.extend(one.peers);
        all
    });
    let (wall, _) = fetch(shoal, scratch, &all.expect("there is a seed").to_string(), &ON_LOOPBACK);
    seeds.into_iter().for_each(|(seed, _)| {
        seed.kill();
    });
    wall
}

/// How long until `share` prints the ticket, without a cache.
pub(crate) fn time_to_share(shoal: &Path, path: &Path) -> Duration {
    let start = Instant::now();
    let (process, _) = share(shoal, path, &ON_LOOPBACK);
    let time = start.elapsed();
    process.kill();
    time
}
