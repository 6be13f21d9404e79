//! The library by way of the client, over a socket and without.

use shoal_api::model::{ContentStateInfo, Fetch, LimitsInfo, Share};
use shoal_api::{Client, ClientError, router};
use tokio_util::sync::CancellationToken;

use super::common::{Running, daemon, eventually, share};

fn kind<T>(result: Result<T, ClientError>) -> String {
    match result.err() {
        Some(ClientError::Refused(problem)) => problem.kind,
        Some(error) => panic!("{error}"),
        None => "none".into(),
    }
}

#[tokio::test]
async fn one_client_works_with_and_without_a_socket() {
    let running = Running::start().await;
    let inner = Client::in_process(router(running.daemon.clone(), None, CancellationToken::new()));
    for (client, name) in [(&running.client, "one.bin"), (&inner, "two.bin")] {
        let content = share(client, &running.file(name, 300_000)).await;
        assert_eq!((content.name.as_deref(), content.size, content.complete), (Some(name), 300_000, true));
        assert!(content.shared && content.paths == [running.dir.path().join(name)]);
        // By name, by the beginning of the id, by the id.
        for text in [name, &content.content[..30], &content.content] {
            assert_eq!(client.content(text).await.unwrap().content, content.content, "{text}");
        }
        assert_eq!(client.pause(name).await.unwrap().state, ContentStateInfo::Paused);
        let paused = client.contents(None, None, Some(ContentStateInfo::Paused)).await.unwrap();
        assert_eq!(paused.items.len(), 1);
        client.resume(name).await.unwrap();
        eventually("it is served again", || async {
            (client.content(name).await.unwrap().state == ContentStateInfo::Serving).then_some(())
        })
        .await;
        assert!(client.set_public(name, true).await.unwrap().public);
        let ticket = client.ticket(name).await.unwrap();
        assert!(ticket.ticket.starts_with("shoal1") && ticket.content == content.content);
        let map = client.chunks(name, None).await.unwrap();
        assert!(map.chunks > 0 && map.have == map.chunks && map.runs.len() == 1 && map.next.is_none());
        assert!(client.content_peers(name, None, None).await.unwrap().items.is_empty());
        assert_eq!(client.remove(name).await.unwrap().content, content.content);
        assert_eq!(kind(client.content(name).await), "not_found");
    }
    let limits = LimitsInfo { up: Some(1_000_000), down: None, scheduled: false };
    assert_eq!(running.client.set_limits(limits).await.unwrap(), limits);
    let node = inner.node().await.unwrap();
    assert_eq!((node.limits, node.contents, node.addresses.is_empty()), (limits, 0, false));
    assert_eq!(running.client.load().await.unwrap().uploads, 0);
    assert_eq!(running.client.counters().await.unwrap().sent, 0);
}

#[tokio::test]
async fn a_list_is_whole_in_pages() {
    let running = Running::start().await;
    for n in 0..7 {
        running.share(&running.file(&format!("{n}.bin"), 1000 + n)).await;
    }
    let mut ids = vec![];
    let mut after = None;
    loop {
        let page = running.client.contents(after.as_deref(), Some(3), None).await.unwrap();
        ids.extend(page.items.into_iter().map(|content| content.content));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let mut sorted = ids.clone();
    sorted.dedup();
    assert_eq!((ids.len(), sorted.len()), (7, 7));
    let first = running.client.contents(None, Some(7), None).await.unwrap();
    assert_eq!((first.items.len(), first.next), (7, None), "a full page may be the last");
    let none = running.client.contents(None, None, Some(ContentStateInfo::Failed)).await.unwrap();
    assert_eq!((none.items.len(), none.next), (0, None));
    let imports = running.client.imports(None, Some(5)).await.unwrap();
    let rest = running.client.imports(imports.next.unwrap().parse().ok(), None).await.unwrap();
    assert_eq!((imports.items.len(), rest.items.len(), rest.next), (5, 2, None));
}

#[tokio::test]
async fn a_name_that_several_have_means_none_of_them() {
    let running = Running::start().await;
    let [one, two] = ["a/same.bin", "bb/same.bin"].map(|name| running.file(name, 5000));
    let contents = [running.share(&one).await, running.share(&two).await];
    let Err(ClientError::Refused(problem)) = running.client.remove("same.bin").await else { panic!("done") };
    assert_eq!((problem.kind.as_str(), problem.candidates.len()), ("conflict", 2));
    assert!(contents.iter().all(|content| problem.candidates.contains(&content.content)));
    assert_eq!(running.client.node().await.unwrap().contents, 2);
}

#[tokio::test]
async fn a_download_comes_from_another_daemon() {
    let seed = Running::start().await;
    let shared = seed.share(&seed.file("film.bin", 700_000)).await;
    let ticket = seed.client.ticket("film.bin").await.unwrap().ticket;
    let dir = tempfile::tempdir().unwrap();
    let other = daemon(dir.path()).await;
    let client = Client::in_process(router(other, None, CancellationToken::new()));
    let fetch = Fetch { source: ticket, dir: dir.path().join("here"), ..Fetch::default() };
    std::fs::create_dir(&fetch.dir).unwrap();
    assert_eq!(client.fetch(&fetch).await.unwrap().content, shared.content);
    assert_eq!(kind(client.fetch(&fetch).await), "conflict");
    let done = eventually("it is complete", || async {
        Some(client.content(&shared.content).await.unwrap()).filter(|content| content.complete)
    })
    .await;
    assert_eq!((done.done, done.total, done.received), (700_000, 700_000, 700_000));
    let fetched = std::fs::read(dir.path().join("here/film.bin")).unwrap();
    assert_eq!(fetched, std::fs::read(seed.dir.path().join("film.bin")).unwrap());
    let peers = client.content_peers("film.bin", None, None).await.unwrap();
    assert_eq!((peers.items.len(), peers.items[0].received), (1, 700_000));
    let counters = eventually("it is counted", || async {
        Some(seed.client.counters().await.unwrap()).filter(|it| it.sent == 700_000)
    })
    .await;
    assert_eq!(counters.peers.len(), 1);
    assert_eq!(client.counters().await.unwrap().received, 700_000);
}

#[tokio::test]
async fn what_cannot_be_shared_says_so() {
    let running = Running::start().await;
    let share = Share { paths: vec![running.dir.path().join("absent")], ..Share::default() };
    let import = running.client.share(&share).await.unwrap();
    let why = eventually("it fails", || async {
        match running.client.import(import.id).await.unwrap().state {
            shoal_api::model::ImportStateInfo::Failed { why } => Some(why),
            _ => None,
        }
    })
    .await;
    assert!(why.contains("absent"), "{why}");
}
