//! Shared folders that change, go away and come back.

mod common;

use std::path::Path;

use common::*;
use shoal_content::ContentId;
use shoal_daemon::{Daemon, DaemonConfig, DaemonEvent, ItemState};

fn watching(dir: &Path) -> DaemonConfig {
    DaemonConfig { watch: true, cache: Some(dir.join("cache")), ..config(&dir.join("data")) }
}

/// Waits until another content takes the place of one.
async fn replaced(daemon: &Daemon, old: ContentId, path: &Path) -> ContentId {
    let new = until("replaced", || {
        let shared = daemon.items(None, 10).into_iter();
        let origin = shoal_daemon::Origin::Shared { paths: vec![path.to_owned()] };
        let mut shared = shared.filter(|item| item.origin == origin);
        shared.find(|item| item.content != old && daemon.item(old).is_none()).map(|item| item.content)
    });
    let new = new.await;
    complete(daemon, new).await;
    new
}

#[tokio::test(flavor = "multi_thread")]
async fn new_folders_within_new_folders_are_shared() {
    let dir = tempfile::tempdir().unwrap();
    let src = dir.path().join("src");
    put(&src, "a", &bytes(100_000, 1));
    let daemon = start_with(watching(dir.path())).await;
    let mut events = daemon.subscribe();
    let first = share(&daemon, &src).await;
    complete(&daemon, first).await;
    for n in 0..20 {
        put(&src, &format!("new/{n}/deep/er/file"), &bytes(1000, n));
    }
    let mut last = replaced(&daemon, first, &src).await;
    // What came while it was hashed comes with another one.
    let getter = start(&dir.path().join("getter")).await;
    let is_whole = |to: &Path| (0..20).all(|n| to.join(format!("src/new/{n}/deep/er/file")).is_file());
    for n in 0.. {
        let to = dir.path().join(format!("to{n}"));
        getter.fetch(wanted(&daemon, last, &to).await).await.unwrap();
        complete(&getter, last).await;
        if is_whole(&to) {
            break;
        }
        last = replaced(&daemon, last, &src).await;
    }
    // Deep in what was made since it is watched.
    put(&src, "new/7/deep/er/file", &bytes(2000, 99));
    last = replaced(&daemon, last, &src).await;
    assert_eq!(daemon.item(last).unwrap().size, 100_000 + 19 * 1000 + 2000);
    assert_eq!(events.recv().await.unwrap(), DaemonEvent::Added { content: first });
    assert!(matches!(events.recv().await.unwrap(), DaemonEvent::Replaced { old, .. } if old == first));
    assert!(daemon.node().content(first).is_none());
    daemon.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_written_anew_is_shared_as_it_is_now_and_so_is_what_changed_while_away() {
    let dir = tempfile::tempdir().unwrap();
    let file = put(dir.path(), "files/one", &bytes(100_000, 1));
    let daemon = start_with(watching(dir.path())).await;
    let first = share(&daemon, &file).await;
    complete(&daemon, first).await;
    let new = put(dir.path(), "files/.one.new", &bytes(100_000, 2));
    std::fs::rename(new, &file).unwrap();
    let second = replaced(&daemon, first, &file).await;
    daemon.shutdown().await;
    std::fs::write(&file, bytes(100_000, 3)).unwrap();
    let daemon = start_with(watching(dir.path())).await;
    assert!(daemon.count() == 1 && daemon.item(first).is_none());
    replaced(&daemon, second, &file).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_not_there_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let (src, away) = (dir.path().join("src"), dir.path().join("away"));
    put(&src, "a", &bytes(100_000, 1));
    let daemon = start(&dir.path().join("data")).await;
    let content = share(&daemon, &src).await;
    daemon.shutdown().await;
    // As an unmounted disk leaves it.
    std::fs::rename(&src, &away).unwrap();
    std::fs::create_dir(&src).unwrap();
    let daemon = start(&dir.path().join("data")).await;
    let waiting = ItemState::Waiting { path: src.clone() };
    item(&daemon, content, "waiting", |item| item.state == waiting).await;
    assert!(daemon.node().content(content).is_none());
    std::fs::remove_dir(&src).unwrap();
    std::fs::rename(&away, &src).unwrap();
    complete(&daemon, content).await;
    let getter = start(&dir.path().join("getter")).await;
    let to = dir.path().join("to");
    getter.fetch(wanted(&daemon, content, &to).await).await.unwrap();
    complete(&getter, content).await;

    // A download that has no place to go to waits too, and makes none beneath a missing mount.
    getter.shutdown().await;
    daemon.shutdown().await;
    let daemon = start(&dir.path().join("data2")).await;
    let there = dir.path().join("there");
    let unknown = ContentId::from_root_hash(shoal_content::Hash::of(b"x"));
    let options = shoal_net::FetchOptions::new(unknown, &there);
    daemon.fetch(shoal_daemon::FetchRequest { options, public: false }).await.unwrap();
    daemon.shutdown().await;
    std::fs::remove_dir(&there).unwrap();
    let daemon = start(&dir.path().join("data2")).await;
    item(&daemon, unknown, "waiting", |item| item.state == ItemState::Waiting { path: there.clone() }).await;
    assert!(!there.exists());
    std::fs::create_dir(&there).unwrap();
    item(&daemon, unknown, "going on", |item| item.state == ItemState::Running).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_goes_away_while_it_is_shared_is_waited_for_and_watched_again() {
    let dir = tempfile::tempdir().unwrap();
    let (src, away) = (dir.path().join("src"), dir.path().join("away"));
    put(&src, "a", &bytes(100_000, 1));
    let daemon = start_with(watching(dir.path())).await;
    let content = share(&daemon, &src).await;
    complete(&daemon, content).await;
    std::fs::rename(&src, &away).unwrap();
    item(&daemon, content, "waiting", |item| item.state == ItemState::Waiting { path: src.clone() }).await;
    std::fs::rename(&away, &src).unwrap();
    complete(&daemon, content).await;
    put(&src, "b", &bytes(100_000, 2));
    replaced(&daemon, content, &src).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_vanishes_without_being_watched_is_waited_for_once_somebody_asks() {
    let dir = tempfile::tempdir().unwrap();
    let (src, away) = (dir.path().join("src"), dir.path().join("away"));
    put(&src, "a", &bytes(400_000, 1));
    let daemon = start(&dir.path().join("data")).await;
    let content = share(&daemon, &src).await;
    complete(&daemon, content).await;
    std::fs::rename(&src, &away).unwrap();
    let getter = start(&dir.path().join("getter")).await;
    getter.fetch(wanted(&daemon, content, &dir.path().join("to")).await).await.unwrap();
    item(&daemon, content, "waiting", |item| matches!(item.state, ItemState::Waiting { .. })).await;
    std::fs::rename(&away, &src).unwrap();
    complete(&daemon, content).await;
    // All of it is served again, also what was withdrawn. Who asked in vain would ask again in a minute.
    getter.pause(content).await.unwrap();
    getter.resume(content).await.unwrap();
    complete(&getter, content).await;
}
