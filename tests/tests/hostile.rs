//! Peers that lie, stall and drip; manifests that should never be written to a disk.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde::Serialize;
use shoal_content::{Chunker, Hash};
use shoal_store::{ChunkStore, Source};
use shoal_tests::eventually;
use shoal_tests::files::{names, random, tree, write};
use shoal_tests::gate::{Gate, provide, provide_gated, source};
use shoal_tests::liar::{Liar, Script, lie, lie_about_blocks, lie_about_manifest};
use shoal_tests::process::get;

const CHUNKER: Chunker = Chunker::Fixed { size: 64 << 10 };

fn honest(scratch: &Path) -> Arc<Source> {
    let from = scratch.join("from/set");
    write(&from.join("file"), random(1 << 20, 3));
    Arc::new(source(&from, CHUNKER))
}

/// Fetches from a liar and an honest provider, whose chunks come only after the liar was asked.
async fn beside_an_honest_one(script: Script) -> (tempfile::TempDir, Liar, shoal_tests::process::Ended) {
    let scratch = tempfile::tempdir().unwrap();
    let source = honest(scratch.path());
    let liar = lie(source, script).await;
    let gate = Gate::new(&scratch.path().join("from/set"), CHUNKER);
    let provider = provide_gated(gate.clone()).await;
    let to = scratch.path().join("to");
    let address = provider.ticket.peers[0].to_string();
    let getter = get(&liar.ticket.to_string(), &to, &["--peer", &address]);
    eventually("the liar is asked", || (liar.asked.load(Ordering::SeqCst) > 0).then_some(()));
    gate.open_all();
    let ended = getter.end().expect(0);
    assert_eq!(tree(&scratch.path().join("from/set")), tree(&to.join("set")));
    (scratch, liar, ended)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_of_wrong_bytes_is_named_and_dropped() {
    for script in [Script::WrongBytes, Script::WrongLength] {
        let (_scratch, liar, ended) = beside_an_honest_one(script).await;
        assert!(ended.stderr.contains(&liar.peer.to_string()), "{script:?}: {}", ended.stderr);
        let asked = liar.asked.load(Ordering::SeqCst);
        assert!(asked <= 16, "{script:?}: asked {asked} times, so not dropped at the first wrong chunk");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_stalls_drips_or_breaks_off_does_not_hold_up_the_rest() {
    for script in [Script::Stalls, Script::Drips, Script::Vanishes, Script::Unasked, Script::Garbage] {
        beside_an_honest_one(script).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_liar_alone_gives_nothing_and_writes_nothing() {
    let scratch = tempfile::tempdir().unwrap();
    let liar = lie(honest(scratch.path()), Script::WrongBytes).await;
    let to = scratch.path().join("to");
    let ended = get(&liar.ticket.to_string(), &to, &["--wait", "2s"]).end().expect(5);
    assert!(ended.stderr.contains(&liar.peer.to_string()), "{}", ended.stderr);
    assert!(!to.join("set").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_liar_about_blocks_is_named_and_another_asked() {
    let scratch = tempfile::tempdir().unwrap();
    let source = honest(scratch.path());
    let manifest = source.manifest().clone();
    let liar = lie_about_blocks(manifest.id(), vec![*manifest.id().root_hash()]).await;
    let alone =
        get(&liar.ticket.to_string(), &scratch.path().join("alone"), &["--wait", "2s"]).end().expect(5);
    assert!(alone.stderr.contains(&liar.peer.to_string()), "{}", alone.stderr);
    let provider = provide(source).await;
    let to = scratch.path().join("to");
    let address = provider.ticket.peers[0].to_string();
    get(&liar.ticket.to_string(), &to, &["--peer", &address]).end().expect(0);
    assert_eq!(tree(&scratch.path().join("from/set")), tree(&to.join("set")));
}

#[derive(Clone, Serialize)]
struct Root {
    v: u32,
    name: String,
    size: u64,
    files: u32,
    shape: &'static str,
    chunks: u32,
    chunker: Chunker,
    file_pages: Vec<Hash>,
    chunk_pages: Vec<Hash>,
}

#[derive(Clone, Serialize)]
struct Entry {
    path: String,
    size: u64,
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
}

fn file(path: &str) -> Entry {
    Entry { path: path.into(), size: 0, r#type: "file", target: None }
}

fn link(path: &str, target: &str) -> Entry {
    Entry { path: path.into(), size: 0, r#type: "link", target: Some(target.into()) }
}

/// The blocks of a manifest with these entries; every hash fits, whatever the entries say.
fn manifest(name: &str, entries: &[Entry], change: impl FnOnce(&mut Root)) -> Vec<Vec<u8>> {
    let page = shoal_cbor::encode(entries);
    let mut root = Root {
        v: 1,
        name: name.into(),
        size: 0,
        files: entries.len() as u32,
        shape: "folder",
        chunks: 0,
        chunker: CHUNKER,
        file_pages: vec![Hash::of(&page)],
        chunk_pages: vec![],
    };
    change(&mut root);
    vec![shoal_cbor::encode(&root), page]
}

/// Fetches such a manifest; it must be refused before anything is written.
async fn refused(what: &str, blocks: Vec<Vec<u8>>) {
    let scratch = tempfile::tempdir().unwrap();
    let liar = lie_about_manifest(blocks).await;
    let to = scratch.path().join("in/to");
    let ended = get(&liar.ticket.to_string(), &to, &["--wait", "10s"]).end();
    assert_eq!(ended.code, Some(4), "{what}: {}", ended.stderr);
    assert!(ended.stderr.contains("not safe to fetch"), "{what}: {}", ended.stderr);
    assert!(!ended.stderr.contains(['\u{1b}', '\u{202e}']), "{what}: escapes reach the terminal");
    let written = if scratch.path().join("in").exists() { names(&scratch.path().join("in")) } else { vec![] };
    assert!(written.is_empty() || names(&to).is_empty(), "{what}: something was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_path_trick_is_refused() {
    let long = "x".repeat(300);
    let deep = ["d"; 200].join("/");
    for path in [
        "../evil",
        "a/../../evil",
        "/etc/evil",
        "a//b",
        "./a",
        "a\\..\\evil",
        "",
        "nul\0byte",
        "a\u{1b}[2J",
        "\u{202e}gpj.exe",
        "CON",
        "aux.txt",
        "com1",
        "C:evil",
        ".. ",
        long.as_str(),
        deep.as_str(),
    ] {
        refused(path, manifest("set", &[file(path)], |_| {})).await;
    }
    for (a, b) in [("a", "a"), ("a", "a/b"), ("B", "b"), ("e\u{301}", "é"), ("b", "a"), ("x", "x.")] {
        refused(&format!("{a} and {b}"), manifest("set", &[file(a), file(b)], |_| {})).await;
    }
    for target in ["../out", "/etc/passwd", "a/../../out", ""] {
        refused(&format!("link to {target}"), manifest("set", &[link("l", target)], |_| {})).await;
    }
    refused("a file through a link", manifest("set", &[link("l", "d"), file("l/f")], |_| {})).await;
    for name in ["..", "a/b", "/", "nul", "a\u{202e}b"] {
        refused(&format!("named {name}"), manifest(name, &[file("a")], |_| {})).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn manifests_that_lie_are_refused() {
    let one = [file("a")];
    refused("more files than pages", manifest("set", &one, |r| r.files = 7)).await;
    refused("a huge count", manifest("set", &one, |r| r.files = u32::MAX)).await;
    refused("chunks without pages", manifest("set", &one, |r| r.chunks = 5)).await;
    refused("a size without chunks", manifest("set", &one, |r| r.size = 1 << 40)).await;
    refused("a future version", manifest("set", &one, |r| r.v = 9)).await;
    refused("an impossible chunker", manifest("set", &one, |r| r.chunker = Chunker::Fixed { size: 3 })).await;
    refused("not CBOR at all", vec![b"hello".to_vec()]).await;
    let mut long_form = manifest("set", &one, |_| {});
    assert_eq!(long_form[1][0], 0x81);
    long_form[1].splice(0..1, [0x98, 0x01]);
    let page = Hash::of(&long_form[1]);
    let root = manifest("set", &one, |r| r.file_pages = vec![page]).swap_remove(0);
    refused("not canonical", vec![root, long_form.swap_remove(1)]).await;
}
