//! Disks of their own: full, read-only, and such that share blocks between files.
//!
//! Only root may mount file systems. For everybody else these tests are ignored, and that is said; as root they run,
//! and fail where nothing can be mounted.

use libtest_mimic::{Arguments, Trial};
use shoal_content::Chunker;
use shoal_tests::disk::{Disk, block_sharing_tool};
use shoal_tests::files::{random, tree, write};
use shoal_tests::gate::{Gate, provide_gated};
use shoal_tests::process::{get, share};

/// What is run, under which name.
type Test = (&'static str, fn());

const TESTS: [Test; 5] = [
    ("a_full_disk_pauses_the_download_until_there_is_room", full_disk_pauses),
    ("a_getter_that_is_ended_on_a_full_disk_keeps_what_it_has", ended_on_a_full_disk),
    ("a_disk_that_fills_up_with_reused_chunks_pauses_the_download", full_of_reused_chunks),
    ("a_disk_that_is_full_at_the_start_pauses_the_download", full_at_the_start),
    ("a_read_only_disk_pauses_the_download_and_loses_nothing", read_only_disk),
];
const SHARING: Test = ("reused_chunks_take_no_room_where_blocks_can_be_shared", blocks_are_shared);

fn main() {
    let args = Arguments::from_args();
    let is_root = rustix::process::geteuid().is_root();
    let missing = |name: &str| {
        if !is_root {
            return Some("only root may mount file systems".to_owned());
        }
        let lacks_tools = name == SHARING.0 && block_sharing_tool().is_none();
        lacks_tools.then(|| "neither mkfs.xfs nor mkfs.btrfs is installed".to_owned())
    };
    let trials = TESTS.into_iter().chain([SHARING]).map(|(name, test)| {
        let reason = missing(name);
        if let Some(reason) = reason.as_ref().filter(|_| !args.list) {
            eprintln!("skipped: {name}: {reason}");
        }
        let run = move || {
            test();
            Ok(())
        };
        Trial::test(name, run).with_ignored_flag(reason.is_some())
    });
    libtest_mimic::run(&args, trials.collect()).exit();
}

fn full_disk_pauses() {
    let scratch = tempfile::tempdir().unwrap();
    let from = scratch.path().join("set");
    write(&from.join("file"), random(4 << 20, 1));
    let disk = Disk::in_memory("2m");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let gate = Gate::new(&from, Chunker::Fixed { size: 64 << 10 });
    let provider = runtime.block_on(provide_gated(gate.clone()));
    gate.open_all();
    let mut getter = get(&provider.ticket.to_string(), disk.path(), &[]);
    getter.word("a pause", |line| line.contains("paused") && line.contains("No space left"));
    disk.remount("size=64m");
    getter.word("going on", |line| line.contains("going on") && !line.contains("paused"));
    getter.end().expect(0);
    assert_eq!(tree(&from), tree(&disk.path().join("set")));
    let reads = gate.count();
    assert!(
        (64..=64 + 16).contains(&reads),
        "only what was under way when it filled up comes twice: {reads}"
    );
}

fn ended_on_a_full_disk() {
    let scratch = tempfile::tempdir().unwrap();
    let from = scratch.path().join("set");
    write(&from.join("file"), random(4 << 20, 1));
    let disk = Disk::in_memory("2m");
    let (_seed, ticket) = share(&from, &["--chunker", "fixed:64KiB"]);
    let mut getter = get(&ticket, disk.path(), &[]);
    getter.word("a pause", |line| line.contains("paused"));
    getter.interrupt();
    getter.end().expect(3);
    assert!(!disk.path().join("set").exists());
    disk.remount("size=64m");
    let got = get(&ticket, disk.path(), &[]).end().expect(0).json();
    assert!(got["found"].as_u64().unwrap() >= 1 << 20, "{got}");
    assert_eq!(tree(&from), tree(&disk.path().join("set")));
}

fn full_of_reused_chunks() {
    let scratch = tempfile::tempdir().unwrap();
    let from = scratch.path().join("set");
    write(&from.join("file"), random(4 << 20, 1));
    let disk = Disk::in_memory("2m");
    let (_seed, ticket) = share(&from, &["--chunker", "fixed:64KiB"]);
    let mut getter = get(&ticket, disk.path(), &["--reuse", from.to_str().unwrap()]);
    getter.word("a pause", |line| line.contains("paused") && line.contains("No space left"));
    disk.remount("size=64m");
    let got = getter.end().expect(0).json();
    let (reused, fetched) = (got["reused"].as_u64().unwrap(), got["fetched"].as_u64().unwrap());
    assert!(reused >= 1 << 20 && reused + fetched == 4 << 20, "{got}");
    assert_eq!(tree(&from), tree(&disk.path().join("set")));
}

fn full_at_the_start() {
    let scratch = tempfile::tempdir().unwrap();
    let from = scratch.path().join("set");
    write(&from.join("file"), random(1 << 20, 1));
    let disk = Disk::in_memory("2m");
    let filler = disk.path().join("filler");
    // As much as there is room for, and it says so.
    assert!(std::fs::write(&filler, vec![1; 4 << 20]).is_err());
    let (_seed, ticket) = share(&from, &[]);
    let mut getter = get(&ticket, disk.path(), &[]);
    getter.word("a pause", |line| line.contains("paused") && line.contains("No space left"));
    std::fs::remove_file(&filler).unwrap();
    getter.word("going on", |line| line.contains("going on") && !line.contains("paused"));
    getter.end().expect(0);
    assert_eq!(tree(&from), tree(&disk.path().join("set")));
}

fn read_only_disk() {
    let scratch = tempfile::tempdir().unwrap();
    let from = scratch.path().join("set");
    write(&from.join("file"), random(4 << 20, 1));
    let disk = Disk::in_memory("64m");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let gate = Gate::new(&from, Chunker::Fixed { size: 64 << 10 });
    let provider = runtime.block_on(provide_gated(gate.clone()));
    let ticket = provider.ticket.to_string();
    gate.open(20);
    let mut getter = get(&ticket, disk.path(), &[]);
    getter.stored(20);
    getter.interrupt();
    getter.end().expect(3);
    let before = tree(disk.path());
    disk.remount("ro");
    let mut getter = get(&ticket, disk.path(), &[]);
    getter.word("a pause", |line| line.contains("paused") && line.contains("Read-only file system"));
    getter.word("a cause", |line| line.starts_with("nothing comes: The folder cannot be written to"));
    assert_eq!(tree(disk.path()), before);
    disk.remount("rw");
    gate.open_all();
    let got = getter.end().expect(0).json();
    assert_eq!(got["found"], 20 * (64 << 10));
    assert_eq!(tree(&from), tree(&disk.path().join("set")));
}

fn blocks_are_shared() {
    const LARGE: usize = 32 << 20;
    let scratch = tempfile::tempdir().unwrap();
    let from = scratch.path().join("set");
    write(&from.join("large"), random(LARGE, 1));
    let disk = Disk::that_shares_blocks();
    let old = disk.path().join("old");
    write(&old.join("named otherwise"), random(LARGE, 1));
    write(&from.join("new"), random(1 << 20, 2));
    let (before, used) = (tree(&old), disk.used());
    let (_seed, ticket) = share(&from, &[]);
    let to = disk.path().join("to");
    let got = get(&ticket, &to, &["--reuse", old.to_str().unwrap()]).end().expect(0).json();
    assert_eq!((&got["fetched"], &got["reused"]), (&(1 << 20).into(), &LARGE.into()));
    assert_eq!(tree(&to.join("set")), tree(&from));
    let more = disk.used() - used;
    assert!(more < 4 << 20, "{more} bytes more are taken");
    // The copy is changed and the old file stays as it was.
    write(&to.join("set/large"), random(LARGE, 3));
    assert_eq!(tree(&old), before);
}
