//! A new version of a folder where an older one lies: what did not change does not cross the wire.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use shoal_content::{Chunker, Hash, Manifest, Ticket};
use shoal_net::{FetchOptions, Node, NodeConfig, ServeOptions};
use shoal_store::{ChunkStore, ImportOptions, Source, import};
use shoal_tests::files::{self, names, random, tree, write};
use shoal_tests::process::{LOOPBACK, get, share};

/// What a folder or file has.
fn import_as(path: &Path, chunker: Option<Chunker>) -> Source {
    let options = ImportOptions { paths: vec![path.to_owned()], chunker, ..ImportOptions::default() };
    import(&options, &|_| {}, &AtomicBool::new(false)).unwrap().source
}

/// Lengths of a content's distinct chunks.
fn chunks(manifest: &Manifest) -> HashMap<Hash, u64> {
    manifest.chunks().iter().map(|chunk| (chunk.hash, chunk.length.into())).collect()
}

/// Bytes of the chunks that are only in the second one, and of all that it has.
fn new_bytes(one: &Manifest, two: &Manifest) -> (u64, u64) {
    let (one, two) = (chunks(one), chunks(two));
    let new = two.iter().filter(|(hash, _)| !one.contains_key(hash)).map(|(_, length)| length).sum();
    (new, two.values().sum())
}

fn first_version(set: &Path) {
    files::mixed(set);
    write(&set.join("grows.bin"), random(2 << 20, 21));
    write(&set.join("edited.bin"), random(3 << 20, 22));
    write(&set.join("moves.bin"), random(1 << 20, 23));
}

/// Bytes are inserted at the front of a file, some are changed in the middle of another and in a tiny one, a file is
/// moved, one is new.
fn second_version(set: &Path) {
    first_version(set);
    write(&set.join("grows.bin"), [&b"inserted"[..], &random(2 << 20, 21)].concat());
    let mut edited = random(3 << 20, 22);
    edited[1 << 20] ^= 1;
    write(&set.join("edited.bin"), edited);
    write(&set.join("tiny/100"), "edited");
    fs::rename(set.join("moves.bin"), set.join("deep/er/moved.bin")).unwrap();
    write(&set.join("new.bin"), random(300_000, 24));
}

#[test]
fn only_changed_chunks_cross_the_wire() {
    for chunker in ["fastcdc:32768:65536:262144", "fixed:65536"] {
        let scratch = tempfile::tempdir().unwrap();
        let [from_one, from_two, one, two] =
            ["from-1", "from-2", "to-1", "to-2"].map(|name| scratch.path().join(name));
        first_version(&from_one.join("set"));
        second_version(&from_two.join("set"));
        let manifest = |path: &Path| import_as(path, Some(chunker.parse().unwrap())).manifest().clone();
        let (new, all) = new_bytes(&manifest(&from_one.join("set")), &manifest(&from_two.join("set")));
        // With chunks of a fixed size, all of the file that grew is new.
        assert!(new < if chunker.starts_with("fixed") { all / 2 } else { all / 10 }, "{new} of {all}");
        let (_seed, ticket) = share(&from_one.join("set"), &["--chunker", chunker]);
        get(&ticket, &one, &[]).end().expect(0);
        let before = tree(&one);
        let (_seed, ticket) = share(&from_two.join("set"), &["--chunker", chunker]);
        let got = get(&ticket, &two, &["--reuse", one.join("set").to_str().unwrap()]).end().expect(0);
        assert!(got.stderr.contains("taken from this machine"), "{}", got.stderr);
        let got = got.json();
        assert_eq!(
            (&got["fetched"], &got["reused"], &got["found"]),
            (&new.into(), &(all - new).into(), &0.into())
        );
        assert_eq!(tree(&two.join("set")), tree(&from_two.join("set")));
        assert_eq!(tree(&one), before, "the first version stays whole");
    }
}

#[test]
fn force_fetches_only_what_changed_and_replaces_it_at_the_end() {
    let scratch = tempfile::tempdir().unwrap();
    let [from, to] = ["from", "to"].map(|name| scratch.path().join(name));
    first_version(&from.join("set"));
    first_version(&to.join("set"));
    let one = import_as(&from.join("set"), None).manifest().clone();
    fs::remove_dir_all(from.join("set")).unwrap();
    second_version(&from.join("set"));
    let (new, _) = new_bytes(&one, import_as(&from.join("set"), None).manifest());
    let (_seed, ticket) = share(&from.join("set"), &[]);
    let before = tree(&to);
    let refused = get(&ticket, &to, &[]).end().expect(1);
    assert!(refused.stderr.contains("--reuse") && refused.stderr.contains("--force"), "{}", refused.stderr);
    assert_eq!(tree(&to), before);
    // The moved file has no namesake there, so it is to be had from where it was only by name.
    let old = to.join("set/moves.bin");
    let got = get(&ticket, &to, &["--force", "--reuse", old.to_str().unwrap()]).end().expect(0).json();
    assert_eq!(got["fetched"], new);
    assert!(old.exists(), "what is no part of it is never removed");
    fs::remove_file(old).unwrap();
    assert_eq!(tree(&to.join("set")), tree(&from.join("set")));
    assert_eq!(names(&to), ["set"]);
}

#[test]
fn what_cannot_be_reused_is_said_before_anything_is_made() {
    let scratch = tempfile::tempdir().unwrap();
    write(&scratch.path().join("set/file"), random(100_000, 1));
    let (_seed, ticket) = share(&scratch.path().join("set"), &[]);
    let to = scratch.path().join("to");
    let refused = get(&ticket, &to, &["--reuse", "/no/such/path"]).end().expect(1);
    assert!(refused.stderr.contains("'/no/such/path' does not exist"), "{}", refused.stderr);
    assert!(!to.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_takes_chunks_from_its_other_contents() {
    let scratch = tempfile::tempdir().unwrap();
    let [from_one, from_two, to] = ["from-1", "from-2", "to"].map(|name| scratch.path().join(name));
    first_version(&from_one.join("set"));
    second_version(&from_two.join("set"));
    let one = Arc::new(import_as(&from_one.join("set"), None));
    let (new, all) = new_bytes(one.manifest(), import_as(&from_two.join("set"), None).manifest());
    let (_seed, ticket) = share(&from_two.join("set"), &[]);
    let ticket: Ticket = ticket.parse().unwrap();
    let listen = vec![LOOPBACK.parse().unwrap()];
    let node = Node::start(NodeConfig { listen, ..NodeConfig::default() }).await.unwrap();
    let first = node.serve(one.clone(), ServeOptions::default()).unwrap();
    let options = FetchOptions { peers: ticket.peers, ..FetchOptions::new(ticket.content, &to) };
    let second = node.fetch(options).unwrap();
    let two = second.finished().await.unwrap().manifest;
    let received = second.progress().borrow().traffic.total.received;
    assert_eq!(received, new);
    let progress = second.progress().borrow().clone();
    assert_eq!((progress.reused, progress.found), (all - new, 0));
    assert_eq!(progress.scan.bytes_done, progress.scan.bytes_total);
    assert_eq!(tree(&to.join("set")), tree(&from_two.join("set")));
    // Any chunk of either is found now, and those of a content that was stopped no more.
    let mut buf = Vec::new();
    let mut finds =
        |manifest: &Manifest| manifest.chunks().iter().filter(|c| node.holdings().read(c, &mut buf)).count();
    assert_eq!((finds(one.manifest()), finds(&two)), (one.manifest().chunks().len(), two.chunks().len()));
    first.remove().await;
    assert!(finds(one.manifest()) < one.manifest().chunks().len());
    second.remove().await;
    assert_eq!((finds(one.manifest()), finds(&two)), (0, 0));
    assert!(node.holdings().is_empty());
    node.shutdown().await;
}
