//! Transfers that are cut off: getters and providers that die, and what is left to do afterwards.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use shoal_content::{Chunker, Ticket};
use shoal_tests::files::{part, random, tree, write};
use shoal_tests::gate::{Gate, Provider, provide_gated};
use shoal_tests::process::{get, share};

const CHUNK: usize = 64 << 10;
const CHUNKS: usize = 24;

/// A content of equal chunks behind a gate.
async fn gated(scratch: &Path) -> (Arc<Gate>, Provider) {
    let from = scratch.join("from/set");
    write(&from.join("file"), random(CHUNK * CHUNKS, 7));
    let gate = Gate::new(&from, Chunker::Fixed { size: CHUNK as u32 });
    let provider = provide_gated(gate.clone()).await;
    (gate, provider)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_getter_fetches_no_verified_chunk_again() {
    for killed_after in [0, 1, 5, 12, CHUNKS - 1] {
        let scratch = tempfile::tempdir().unwrap();
        let (gate, provider) = gated(scratch.path()).await;
        let ticket = provider.ticket.to_string();
        let to = scratch.path().join("to");
        gate.open(killed_after);
        let mut getter = get(&ticket, &to, &[]);
        getter.stored(killed_after);
        getter.kill();
        assert!(!to.join("set").exists(), "nothing is under the final name");
        gate.open_all();
        let got = get(&ticket, &to, &[]).end().expect(0).json();
        assert_eq!(tree(&scratch.path().join("from/set")), tree(&to.join("set")));
        assert_eq!(got["found"], killed_after * CHUNK);
        assert_eq!(got["fetched"], (CHUNKS - killed_after) * CHUNK);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_on_the_disk_any_more_is_fetched_again_and_never_placed() {
    let scratch = tempfile::tempdir().unwrap();
    let (gate, provider) = gated(scratch.path()).await;
    let ticket = provider.ticket.to_string();
    let to = scratch.path().join("to");
    gate.open(CHUNKS / 2);
    let mut getter = get(&ticket, &to, &[]);
    getter.stored(CHUNKS / 2);
    getter.kill();
    // As after a disk that was unplugged, or a volume that was rolled back: the file has its length and its times, and
    // zeros where a chunk was. Neither the process nor the system knows.
    let file = part(&to).expect("a part").join("file");
    let mut bytes = fs::read(&file).unwrap();
    let is_stored = |chunk: &&mut [u8]| chunk.iter().any(|byte| *byte != 0);
    bytes.chunks_mut(CHUNK).find(is_stored).expect("a stored chunk").fill(0);
    fs::write(&file, bytes).unwrap();
    gate.open_all();
    let got = get(&ticket, &to, &[]).end().expect(0).json();
    assert_eq!(tree(&scratch.path().join("from/set")), tree(&to.join("set")));
    assert_eq!(got["found"], (CHUNKS / 2 - 1) * CHUNK, "all but the one");
    assert_eq!(got["fetched"], (CHUNKS / 2 + 1) * CHUNK);
}

#[tokio::test(flavor = "multi_thread")]
async fn force_removes_no_folder_that_merely_has_a_parts_name() {
    let scratch = tempfile::tempdir().unwrap();
    let (gate, provider) = gated(scratch.path()).await;
    let ticket = provider.ticket.to_string();
    let to = scratch.path().join("to");
    gate.open(1);
    let mut getter = get(&ticket, &to, &[]);
    getter.stored(1);
    let part = part(&to).expect("a part");
    getter.kill();
    gate.open_all();
    // What people may have called so; and what has the very name of this content's part, without its journal.
    fs::remove_dir_all(&to).unwrap();
    write(&to.join("set.part/file"), "mine");
    get(&ticket, &to, &["--force"]).end().expect(0);
    assert_eq!(tree(&scratch.path().join("from/set")), tree(&to.join("set")));
    fs::remove_dir_all(to.join("set")).unwrap();
    write(&part.join("file"), "mine too");
    let refused = get(&ticket, &to, &["--force"]).end().expect(1);
    assert!(refused.stderr.contains("in the way"), "{}", refused.stderr);
    let kept = [to.join("set.part/file"), part.join("file")].map(|path| fs::read(path).unwrap());
    assert_eq!(kept, [b"mine".to_vec(), b"mine too".to_vec()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_keeps_what_is_there_and_says_so() {
    let scratch = tempfile::tempdir().unwrap();
    let (gate, provider) = gated(scratch.path()).await;
    let ticket = provider.ticket.to_string();
    let to = scratch.path().join("to");
    gate.open(3);
    let mut getter = get(&ticket, &to, &[]);
    getter.stored(3);
    getter.interrupt();
    let ended = getter.end().expect(3);
    assert!(ended.stderr.contains("run the same command again"), "{}", ended.stderr);
    gate.open_all();
    let got = get(&ticket, &to, &[]).end().expect(0).json();
    assert_eq!(got["found"], 3 * CHUNK);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_getter_serves_another_while_it_downloads() {
    let scratch = tempfile::tempdir().unwrap();
    let (gate, provider) = gated(scratch.path()).await;
    let ticket = provider.ticket.to_string();
    let (one, two) = (scratch.path().join("one"), scratch.path().join("two"));
    gate.open(CHUNKS / 2);
    let mut first = get(&ticket, &one, &["--seed"]);
    first.stored(CHUNKS / 2);
    // The provider gives nothing any more, so what the second one gets comes from the first.
    let mut second = get(&ticket, &two, &[]);
    second.stored(CHUNKS / 2);
    assert_eq!(gate.count(), CHUNKS / 2);
    gate.open_all();
    let got = second.end().expect(0).json();
    assert_eq!(tree(&scratch.path().join("from/set")), tree(&two.join("set")));
    assert!(got["peers"].as_array().unwrap().len() == 2, "{got}");
    // The second one may be complete before the first.
    first.word("completion", |line| line.contains("done:"));
    first.interrupt();
    first.end().expect(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_death_of_one_of_two_providers_does_not_matter() {
    let scratch = tempfile::tempdir().unwrap();
    let (gate, provider) = gated(scratch.path()).await;
    let from = scratch.path().join("from/set");
    let (seed, ticket) = share(&from, &["--chunker", &format!("fixed:{CHUNK}")]);
    let seed_ticket: Ticket = ticket.parse().unwrap();
    assert_eq!(seed_ticket.content, provider.ticket.content);
    let to = scratch.path().join("to");
    let address = provider.ticket.peers[0].to_string();
    let mut getter = get(&ticket, &to, &["--peer", &address]);
    // The gate is shut, so some chunks were asked of it in vain and hold up the end; the rest comes from
    // the process, which then dies.
    getter.stored(4);
    seed.kill();
    gate.open_all();
    getter.end().expect(0);
    assert_eq!(tree(&from), tree(&to.join("set")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_dies_and_comes_back_is_found_again() {
    let scratch = tempfile::tempdir().unwrap();
    let from = scratch.path().join("set");
    write(&from.join("file"), random(CHUNK * CHUNKS, 9));
    let key = scratch.path().join("key");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let listen = format!("/ip4/127.0.0.1/tcp/{port}");
    let share = || {
        let args =
            ["share", from.to_str().unwrap(), "--listen", &listen, "--identity", key.to_str().unwrap()];
        let mut process = shoal_tests::process::Process::start("shoal", args);
        let ticket = process.line("a ticket", |line| line.starts_with("shoal1"));
        (process, ticket)
    };
    let (first, ticket) = share();
    first.kill();
    let to = scratch.path().join("to");
    let getter = get(&ticket, &to, &[]);
    let (_second, again) = share();
    assert_eq!(ticket, again, "the same key, port and files make the same ticket");
    getter.end().expect(0);
    assert_eq!(tree(&from), tree(&to.join("set")));
}
