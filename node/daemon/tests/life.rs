//! The life of a library: sharing, fetching, pausing, and going on after a restart.

mod common;

use std::os::unix::fs::FileExt;

use common::*;
use shoal_daemon::{Daemon, DaemonConfig, DaemonError, FetchRequest, Item, ItemState, Limits, ShareRequest};
use shoal_net::{ContentEvent, FetchOptions, Heard};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_shared_is_fetched_paused_resumed_and_removed() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "src/a", &bytes(300_000, 1));
    put(dir.path(), "src/deep/b", &bytes(50_000, 2));
    let (seed, getter) = (start(&dir.path().join("seed")).await, start(&dir.path().join("getter")).await);
    let content = share(&seed, &dir.path().join("src")).await;
    let shared = complete(&seed, content).await;
    assert_eq!((shared.name.as_deref(), shared.size, seed.count()), (Some("src"), 350_000, 1));
    let to = dir.path().join("to");
    let request = wanted(&seed, content, &to).await;
    getter.fetch(request.clone()).await.unwrap();
    let fetched = complete(&getter, content).await;
    assert_eq!((fetched.name.as_deref(), fetched.size), (Some("src"), 350_000));
    assert_eq!(std::fs::read(to.join("src/deep/b")).unwrap(), bytes(50_000, 2));
    assert!(matches!(getter.fetch(request).await, Err(DaemonError::Known(_))));

    getter.pause(content).await.unwrap();
    assert_eq!(getter.item(content).unwrap().state, ItemState::Paused);
    assert!(getter.node().content(content).is_none());
    getter.resume(content).await.unwrap();
    complete(&getter, content).await;
    // Who resumed it serves it.
    seed.remove(content).await.unwrap();
    assert_eq!((seed.count(), seed.items(None, 10).len()), (0, 0));
    assert!(matches!(seed.pause(content).await, Err(DaemonError::NoSuchContent(_))));
    seed.fetch(wanted(&getter, content, &dir.path().join("back")).await).await.unwrap();
    complete(&seed, content).await;
    getter.shutdown().await;
    seed.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_complete_is_served_after_a_restart_without_reading_it() {
    let dir = tempfile::tempdir().unwrap();
    let file = put(dir.path(), "src/file", &bytes(3_000_000, 1));
    let data = dir.path().join("data");
    let daemon = start(&data).await;
    let content = share(&daemon, &dir.path().join("src")).await;
    daemon.set_limits(Limits { up: Some(50_000_000), down: None }).await.unwrap();
    daemon.set_public(content, true).await.unwrap();
    daemon.shutdown().await;

    // A folder where the file was: who reads it at the start fails.
    let aside = dir.path().join("aside");
    std::fs::rename(&file, &aside).unwrap();
    std::fs::create_dir(&file).unwrap();
    let daemon = start(&data).await;
    let restored = complete(&daemon, content).await;
    assert!(restored.public && restored.size == 3_000_000);
    assert_eq!(daemon.limits(), (Limits { up: Some(50_000_000), down: None }, false));
    daemon.shutdown().await;

    std::fs::remove_dir(&file).unwrap();
    std::fs::rename(&aside, &file).unwrap();
    let daemon = start(&data).await;
    complete(&daemon, content).await;
    let getter = start(&dir.path().join("getter")).await;
    getter.fetch(wanted(&daemon, content, &dir.path().join("to")).await).await.unwrap();
    complete(&getter, content).await;
    assert_eq!(std::fs::read(dir.path().join("to/src/file")).unwrap(), bytes(3_000_000, 1));

    // What was fetched is served after a restart too.
    daemon.shutdown().await;
    getter.shutdown().await;
    let placed = dir.path().join("to/src/file");
    std::fs::rename(&placed, &aside).unwrap();
    std::fs::create_dir(&placed).unwrap();
    let getter = start(&dir.path().join("getter")).await;
    assert_eq!(complete(&getter, content).await.progress.scan.bytes_done, 0);
    std::fs::remove_dir(&placed).unwrap();
    std::fs::rename(&aside, &placed).unwrap();
    let last = start(&dir.path().join("last")).await;
    last.fetch(wanted(&getter, content, &dir.path().join("last-to")).await).await.unwrap();
    complete(&last, content).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changed_while_it_was_away_is_withdrawn_and_never_served() {
    let dir = tempfile::tempdir().unwrap();
    let file = put(dir.path(), "src/file", &bytes(1_000_000, 1));
    let data = dir.path().join("data");
    let daemon = start(&data).await;
    let content = share(&daemon, &dir.path().join("src")).await;
    daemon.shutdown().await;
    std::fs::File::options().write(true).open(&file).unwrap().write_all_at(b"edited", 500_000).unwrap();
    let daemon = start(&data).await;
    complete(&daemon, content).await;
    let (_, mut events) = daemon.node().subscribe();
    let getter = start(&dir.path().join("getter")).await;
    getter.fetch(wanted(&daemon, content, &dir.path().join("to")).await).await.unwrap();
    let withdrawn = async {
        loop {
            if let Some(Heard::Event(event)) = events.next().await
                && let ContentEvent::Withdrawn(words) = event.event
            {
                return words;
            }
        }
    };
    let words = tokio::time::timeout(std::time::Duration::from_secs(40), withdrawn).await.unwrap();
    assert!(words.contains("has changed"), "{words}");
    let item = item(&getter, content, "all but the changed chunk", |item| {
        item.progress.unavailable > 0 || item.progress.done + 300_000 > item.progress.total
    });
    assert!(!item.await.complete);
}

#[tokio::test(flavor = "multi_thread")]
async fn downloads_go_on_where_they_were_after_the_process_ended_anyhow() {
    let dir = tempfile::tempdir().unwrap();
    let seed = start(&dir.path().join("seed")).await;
    let mut all = vec![];
    for n in 0..3 {
        let path = put(dir.path(), &format!("src/{n}"), &bytes(6_000_000, n));
        all.push(share(&seed, &path).await);
    }
    let (data, to) = (dir.path().join("data"), dir.path().join("to"));
    let mut slow = config(&data);
    slow.node.limit_down = Some(3_000_000);
    let getter = start_with(slow).await;
    for content in &all {
        getter.fetch(wanted(&seed, *content, &to).await).await.unwrap();
    }
    let mut before = vec![];
    for content in &all {
        let some = item(&getter, *content, "some of it", |item| item.progress.done > 600_000).await;
        assert!(!some.complete);
        before.push(some.progress.done);
    }
    // Not shut down: as if the process had been killed, but for what is in memory.
    drop(getter);
    let getter = start(&data).await;
    assert_eq!(getter.count(), 3);
    for (content, before) in all.iter().zip(before) {
        let Item { progress, .. } = complete(&getter, *content).await;
        let received = progress.traffic.total.received;
        assert!(progress.found >= before, "{} was there and {} was found", before, progress.found);
        assert_eq!((progress.found + received, progress.traffic.total.duplicate), (6_000_000, 0));
    }
    for n in 0..3 {
        assert_eq!(std::fs::read(to.join(n.to_string())).unwrap(), bytes(6_000_000, n));
    }
}

/// What the next test runs as a process of its own: fetches, and says how far that is until it is killed.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "another test runs it"]
async fn a_daemon_that_will_be_killed() {
    let var = |name: &str| std::env::var(name).unwrap();
    let mut slow = config(var("DATA").as_ref());
    slow.node.limit_down = Some(3_000_000);
    let daemon = start_with(slow).await;
    let content = var("CONTENT").parse().unwrap();
    let ticket: shoal_content::Ticket = var("TICKET").parse().unwrap();
    let options = FetchOptions { peers: ticket.peers, ..FetchOptions::new(content, var("TO")) };
    daemon.fetch(FetchRequest { options, public: true }).await.unwrap();
    daemon.share(share_request(var("ALSO").as_ref())).unwrap();
    let some = item(&daemon, content, "some of it", |item| item.progress.done > 2_000_000).await;
    println!("\ndone {} {}", some.progress.done, some.complete);
    std::future::pending().await
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_kill_everything_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let seed = start(&dir.path().join("seed")).await;
    let content = share(&seed, &put(dir.path(), "src/file", &bytes(12_000_000, 1))).await;
    let (data, to) = (dir.path().join("data"), dir.path().join("to"));
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_daemon_that_will_be_killed", "--ignored", "--nocapture"])
        .env("DATA", &data)
        .env("TO", &to)
        .env("CONTENT", content.to_string())
        .env("TICKET", seed.ticket(content).await.unwrap().to_string())
        .env("ALSO", put(dir.path(), "also", &bytes(100_000, 2)))
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let out = std::io::BufReader::new(child.stdout.take().unwrap());
    let said = std::io::BufRead::lines(out).map_while(Result::ok).find(|line| line.starts_with("done "));
    // SIGKILL.
    child.kill().unwrap();
    child.wait().unwrap();
    let said = said.expect("it said how far it was");
    let done: u64 = said.split(' ').nth(1).unwrap().parse().unwrap();
    assert!(said.ends_with("false"), "{said}");

    let daemon = start(&data).await;
    let whole = complete(&daemon, content).await;
    assert!(whole.public && whole.progress.found >= done, "{} of {done}", whole.progress.found);
    let traffic = whole.progress.traffic.total;
    assert_eq!((whole.progress.found + traffic.received, traffic.duplicate), (12_000_000, 0));
    assert_eq!(std::fs::read(to.join("file")).unwrap(), bytes(12_000_000, 1));
    until("also shared", || daemon.items(None, 9).into_iter().find(|item| item.size == 100_000)).await;
    daemon.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schedule_goes_before_the_limits_that_were_set() {
    let dir = tempfile::tempdir().unwrap();
    let seed = start(&dir.path().join("seed")).await;
    let content = share(&seed, &put(dir.path(), "file", &bytes(4_000_000, 1))).await;
    let schedule = "daily 00:00-24:00 down=1MB".parse().unwrap();
    let daemon = start_with(DaemonConfig { schedule, ..config(&dir.path().join("data")) }).await;
    let slow = Limits { up: None, down: Some(1_000_000) };
    assert_eq!(daemon.limits(), (slow, true));
    let began = std::time::Instant::now();
    daemon.fetch(wanted(&seed, content, &dir.path().join("to")).await).await.unwrap();
    complete(&daemon, content).await;
    assert!(began.elapsed().as_secs_f64() > 2.0, "{:?}", began.elapsed());
    let own = Limits { up: Some(7000), down: None };
    daemon.set_limits(own).await.unwrap();
    assert_eq!(daemon.limits(), (slow, true));
    daemon.shutdown().await;
    assert_eq!(start(&dir.path().join("data")).await.limits(), (own, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_data_folder_has_one_daemon() {
    let dir = tempfile::tempdir().unwrap();
    let daemon = start(dir.path()).await;
    let refused = Daemon::start(config(dir.path())).await;
    assert!(matches!(refused, Err(DaemonError::InUse { path }) if path == dir.path()));
    daemon.shutdown().await;
    Daemon::start(config(dir.path())).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn pauses_and_what_waits_to_be_hashed_survive() {
    let dir = tempfile::tempdir().unwrap();
    let file = put(dir.path(), "file", &bytes(100_000, 1));
    let data = dir.path().join("data");
    let daemon = start(&data).await;
    let content = share(&daemon, &file).await;
    daemon.pause(content).await.unwrap();
    // Asked for, and ended before it can be hashed.
    let big = put(dir.path(), "big", &bytes(30_000_000, 2));
    daemon.share(share_request(&big)).unwrap();
    drop(daemon);
    let daemon = start(&data).await;
    assert_eq!(daemon.item(content).unwrap().state, ItemState::Paused);
    let hashed = until("hashed after the restart", || {
        daemon.items(None, 10).into_iter().find(|item| item.size == 30_000_000)
    });
    let hashed = hashed.await.content;
    complete(&daemon, hashed).await;
    assert_eq!(daemon.item(content).unwrap().state, ItemState::Paused);
    daemon.shutdown().await;
    // It was hashed once; nothing waits any more.
    let daemon = start(&data).await;
    assert!(daemon.imports().is_empty() && daemon.count() == 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let daemon = start(dir.path()).await;
    let none = ShareRequest::default();
    assert!(matches!(daemon.share(none), Err(DaemonError::Invalid(_))));
    assert!(matches!(daemon.share(share_request("here".as_ref())), Err(DaemonError::RelativePath(_))));
    let content = shoal_content::ContentId::from_root_hash(shoal_content::Hash::of(b"x"));
    let request = FetchRequest { options: FetchOptions::new(content, "here"), public: false };
    assert!(matches!(daemon.fetch(request).await, Err(DaemonError::RelativePath(_))));
    let missing = daemon.share(share_request(&dir.path().join("missing"))).unwrap();
    let failed = until("failed", || match daemon.import(missing).unwrap().state {
        shoal_daemon::ImportState::Failed(why) => Some(why),
        _ => None,
    });
    assert!(failed.await.contains("does not exist"));
    assert!(matches!(daemon.ticket(content).await, Err(DaemonError::NoSuchContent(_))));
    // Nobody to ask: it is in the library, and tried again later.
    let request = FetchRequest { options: FetchOptions::new(content, dir.path().join("to")), public: false };
    assert_eq!(daemon.fetch(request).await.unwrap().state, ItemState::Running);
    let gone = until("given up for now", || daemon.node().content(content).is_none().then_some(()));
    gone.await;
    assert_eq!(daemon.item(content).unwrap().state, ItemState::Running);
}
