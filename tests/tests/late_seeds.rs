//! Swarms that wait at a tracker for a seed: one that comes late, and one that is killed midway and comes back.

use std::path::PathBuf;

use shoal_tests::eventually;
use shoal_tests::files::{random, write};
use shoal_tests::process::{Process, get, tracker};
use shoal_tests::tracking::{ask_until, share_at};

/// How many wait. Without optimization a handshake takes so much of the processor that with more the machine decides
/// what happens.
const MANY: usize = if cfg!(debug_assertions) { 8 } else { 40 };
const FEWER: usize = MANY / 2;

const CHUNKER: [&str; 2] = ["--chunker", "fixed:65536"];

/// A content of 4 MiB, and what it takes to share it under the same name again and again.
struct Content {
    _scratch: tempfile::TempDir,
    root: PathBuf,
    file: PathBuf,
    key: String,
    id: String,
    point: String,
    _tracker: Process,
}

impl Content {
    fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let root = scratch.path().to_owned();
        let file = root.join("file");
        write(&file, random(4 << 20, 1));
        let key = root.join("key").to_str().unwrap().to_owned();
        let (tracker, point) = tracker(&root.join("tracker"));
        // Shared once elsewhere, so that its id is known before its seed is there.
        let (_elsewhere, another) = self::tracker(&root.join("elsewhere"));
        let (once, shared) = share_at(&file, &another, &CHUNKER);
        let id = shared["content"].as_str().unwrap().to_owned();
        once.kill();
        Self { _scratch: scratch, root, file, key, id, point, _tracker: tracker }
    }

    /// Starts so many that fetch it, and waits until the tracker knows all of them.
    fn getters(&self, count: usize) -> Vec<Process> {
        let start = |n: usize| {
            let to = self.root.join(n.to_string());
            get(&self.id, &to, &["--rendezvous", &self.point, "--wait", "10m", "--seed"])
        };
        let getters = (0..count).map(start).collect();
        ask_until("all wait", &["swarm", &self.id, "--json"], &self.point, |ended| {
            ended.code == Some(0) && ended.json()["downloaders"] == count
        });
        getters
    }

    fn seed(&self, more: &[&str]) -> Process {
        let options = [&CHUNKER[..], &["--identity", &self.key], more].concat();
        share_at(&self.file, &self.point, &options).0
    }

    /// All have it, byte by byte.
    fn is_with(&self, getters: &mut [Process]) {
        for getter in &mut *getters {
            getter.word("completion", |line| line.contains("done:"));
        }
        let whole = std::fs::read(&self.file).unwrap();
        for n in 0..getters.len() {
            assert!(
                std::fs::read(self.root.join(n.to_string()).join("file")).unwrap() == whole,
                "getter {n}"
            );
        }
    }
}

#[test]
fn all_that_wait_for_a_seed_complete_when_it_comes() {
    let content = Content::new();
    let mut getters = content.getters(MANY);
    let _seed = content.seed(&[]);
    content.is_with(&mut getters);
}

#[test]
fn all_whose_seed_is_killed_midway_complete_when_it_is_back() {
    let content = Content::new();
    let mut getters = content.getters(FEWER);
    let seed = content.seed(&["--limit-up", "1MiB"]);
    eventually("somebody has a chunk", || {
        getters.iter().any(|getter| getter.errors().contains("chunk stored")).then_some(())
    });
    seed.kill();
    let done = |getter: &Process| getter.errors().contains("done:");
    assert!(!getters.iter().any(done), "it was killed before it had sent everything");
    let _seed = content.seed(&[]);
    content.is_with(&mut getters);
}
