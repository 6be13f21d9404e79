//! The plainest way to do the same: a TCP copy with SHA-256, hashing, reading.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use crate::far::line_to;
use crate::run::{Measured, Watched, prefault_memory};

const BLOCK: usize = 1 << 20;
const ROLE: &str = "SHOAL_BENCH_ROLE";

/// If this process was started as one side of a copy, plays it.
pub(crate) fn ran_as_child() -> bool {
    let Ok(role) = std::env::var(ROLE) else { return false };
    let args: Vec<String> = role.split('\n').map(str::to_owned).collect();
    match args[0].as_str() {
        "send" => send(Path::new(&args[1]), &args[2]),
        _ => receive(Path::new(&args[1]), args[2] == "sync"),
    }
    true
}

fn send(file: &Path, to: &str) {
    let mut file = File::open(file).expect("can be opened");
    let mut stream = TcpStream::connect(to).expect("can be reached");
    let mut block = vec![0; BLOCK];
    loop {
        match file.read(&mut block).expect("can be read") {
            0 => break,
            n => stream.write_all(&block[..n]).expect("can be sent"),
        }
    }
}

fn receive(file: &Path, sync: bool) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    println!("{}", listener.local_addr().expect("an address"));
    let (mut stream, _) = listener.accept().expect("a sender");
    let mut file = File::create(file).expect("can be made");
    let mut hasher = Sha256::new();
    let mut block = vec![0; BLOCK];
    loop {
        match stream.read(&mut block).expect("can be received") {
            0 => break,
            n => {
                hasher.update(&block[..n]);
                file.write_all(&block[..n]).expect("can be written");
            }
        }
    }
    assert_ne!(hasher.finalize()[..], [0; 32]);
    if sync {
        file.sync_data().expect("can be synced");
    }
}

/// Copies a file between two processes, over a long line where that is asked for.
pub(crate) fn copy(scratch: &Path, file: &Path, sync: bool, far: bool) -> Measured {
    let to = scratch.join("plain-copy");
    let me = std::env::current_exe().expect("a path");
    let role = |parts: &[&str]| {
        let mut command = Command::new(&me);
        command.env(ROLE, parts.join("\n")).stdout(Stdio::piped());
        command
    };
    let text = |path: &Path| path.to_str().expect("text").to_owned();
    let mut receiver = Watched::start(role(&["receive", &text(&to), if sync { "sync" } else { "fast" }]));
    let address = receiver.line();
    let line = || line_to(address.parse().expect("an address")).to_string();
    let address = if far { line() } else { address };
    prefault_memory();
    let start = Instant::now();
    let sender = Watched::start(role(&["send", &text(file), &address]));
    let received = receiver.end();
    let wall = start.elapsed();
    let sent = sender.end();
    fs::remove_file(to).expect("can be removed");
    Measured {
        wall,
        sender: sent.cpu,
        receiver: received.cpu,
        sender_rss: sent.rss,
        receiver_rss: received.rss,
    }
}

/// One pass of SHA-256 on one core.
pub(crate) fn hash(file: &Path) -> Duration {
    let start = Instant::now();
    let mut file = File::open(file).expect("can be opened");
    let mut hasher = Sha256::new();
    let mut block = vec![0; BLOCK];
    while let n @ 1.. = file.read(&mut block).expect("can be read") {
        hasher.update(&block[..n]);
    }
    assert_ne!(hasher.finalize()[..], [0; 32]);
    start.elapsed()
}

/// Reads every file of a folder.
pub(crate) fn read_all(folder: &Path) -> Duration {
    let start = Instant::now();
    let mut bytes = Vec::new();
    for entry in fs::read_dir(folder).expect("can be listed") {
        bytes.clear();
        File::open(entry.expect("an entry").path())
            .expect("can be opened")
            .read_to_end(&mut bytes)
            .expect("can be read");
    }
    start.elapsed()
}
