//! Many files of two bytes: what they take, and whether time grows with their number alone.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::run::{ON_LOOPBACK, fetch, share};

/// The second is ten times the first.
const COUNTS: [u32; 2] = [100_000, 1_000_000];
const IN_A_FOLDER: u32 = 1000;

/// Shares and fetches them beside `cp -r` and a sync.
pub(crate) fn share_and_fetch(shoal: &Path, scratch: &Path) {
    println!("\nfiles of two bytes, a thousand to a folder");
    for count in COUNTS {
        let folder = scratch.join("many");
        make(&folder, count);
        let copied = copy(&folder, &scratch.join("copied"));
        let start = Instant::now();
        let (sender, ticket) = share(shoal, &folder, &ON_LOOPBACK);
        let shared = start.elapsed();
        let (fetched, receiver) = fetch(shoal, scratch, &ticket, &ON_LOOPBACK);
        let sender = sender.kill();
        println!(
            "  {count}: cp -r and sync {copied:.1?}; share {shared:.1?}, {} MiB resident; get {fetched:.1?}, {} MiB \
             resident (aim: at most 200)",
            sender.rss >> 20,
            receiver.rss >> 20
        );
        fs::remove_dir_all(folder).expect("can be removed");
    }
}

fn make(folder: &Path, count: u32) {
    for n in 0..count {
        let inner = folder.join(format!("{:04}", n / IN_A_FOLDER));
        if n % IN_A_FOLDER == 0 {
            fs::create_dir_all(&inner).expect("can be made");
        }
        fs::write(inner.join(format!("{n:07}.txt")), (n as u16).to_le_bytes()).expect("can be written");
    }
}

fn copy(from: &Path, to: &Path) -> Duration {
    let start = Instant::now();
    assert!(Command::new("cp").arg("-r").args([from, to]).status().expect("cp is there").success());
    assert!(Command::new("sync").arg("-f").arg(to).status().expect("sync is there").success());
    let took = start.elapsed();
    fs::remove_dir_all(to).expect("can be removed");
    took
}
