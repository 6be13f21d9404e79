//! What happens is told as it happens.

use std::time::Duration;

use futures::StreamExt;
use shoal_api::model::{ApiChange, ApiEvent, Content, ContentStateInfo, SnapshotInfo};
use shoal_api::{ApiEvents, Client, ClientError};

use super::common::{Running, within};

async fn next(events: &mut ApiEvents) -> ApiEvent {
    within("an event", events.next()).await.expect("the stream goes on").unwrap()
}

async fn until<T>(events: &mut ApiEvents, mut is: impl FnMut(&ApiChange) -> Option<T>) -> (T, String) {
    loop {
        let event = next(events).await;
        if let Some(found) = is(&event.change) {
            return (found, event.id);
        }
    }
}

fn content(change: &ApiChange) -> Option<Content> {
    if let ApiChange::Content(content) = change { Some((**content).clone()) } else { None }
}

async fn snapshot(client: &Client, after: Option<&str>) -> (ApiEvents, SnapshotInfo, String) {
    let mut events = client.events(after).await.unwrap();
    let ApiEvent { id, change } = next(&mut events).await;
    let ApiChange::Snapshot(snapshot) = change else { panic!("{change:?}") };
    (events, snapshot, id)
}

#[tokio::test]
async fn first_comes_how_everything_is_then_what_changes() {
    let running = Running::start().await;
    let one = running.share(&running.file("one.bin", 10_000)).await;
    let (mut events, first, _) = snapshot(&running.client, None).await;
    assert_eq!((first.count, first.contents.items.len(), first.imports.len()), (1, 1, 0));
    assert_eq!(first.contents.items[0].content, one.content);
    let two = running.share(&running.file("two.bin", 10_000)).await;
    let is_two = |change: &ApiChange| content(change).filter(|it| it.name.as_deref() == Some("two.bin"));
    let (told, place) = until(&mut events, is_two).await;
    assert_eq!(told.content, two.content);
    running.client.remove("one.bin").await.unwrap();
    let removed = |change: &ApiChange| {
        if let ApiChange::Removed(it) = change { Some(it.content.clone()) } else { None }
    };
    assert_eq!(until(&mut events, removed).await.0, one.content);
    // One that comes back gets what it missed, and nothing else.
    let mut again = running.client.events(Some(&place)).await.unwrap();
    let (gone, _) = until(&mut again, |change| {
        assert!(!matches!(change, ApiChange::Snapshot(_) | ApiChange::Gap(_)), "{change:?}");
        removed(change)
    })
    .await;
    assert_eq!(gone, one.content);
    // One that comes back from another process gets how everything is.
    let (_, now, _) = snapshot(&running.client, Some("abcdef-1")).await;
    assert_eq!(now.count, 1);
}

#[tokio::test]
async fn what_changed_while_nobody_followed_is_told_to_one_that_comes_back() {
    let running = Running::start().await;
    let (events, _, place) = snapshot(&running.client, None).await;
    drop(events);
    let shared = running.share(&running.file("one.bin", 10_000)).await;
    let mut events = running.client.events(Some(&place)).await.unwrap();
    let (told, _) = until(&mut events, content).await;
    assert_eq!(told.content, shared.content);
}

#[tokio::test]
async fn one_content_is_told_of_at_most_four_times_a_second() {
    let running = Running::start().await;
    running.share(&running.file("one.bin", 10_000)).await;
    let (mut events, ..) = snapshot(&running.client, None).await;
    let client = running.client.clone();
    let start = std::time::Instant::now();
    let changing = tokio::spawn(async move {
        for public in [true, false].into_iter().cycle().take(400) {
            client.set_public("one.bin", public).await.unwrap();
        }
        client.pause("one.bin").await.unwrap();
    });
    // Told again and again, and in the end as it is.
    let mut told = 0_u32;
    until(&mut events, |change| {
        told += u32::from(content(change).is_some());
        content(change).filter(|it| it.state == ContentStateInfo::Paused)
    })
    .await;
    within("the changes", changing).await.unwrap();
    let most = start.elapsed().as_millis() as u32 / 250 + 2;
    assert!(told <= most, "{told} times, and {most} at most");
}

#[tokio::test]
async fn too_many_that_follow_are_refused_until_one_leaves() {
    let running = Running::start().await;
    let mut all = vec![];
    for _ in 0..16 {
        all.push(snapshot(&running.client, None).await.0);
    }
    let Err(ClientError::Refused(problem)) = running.client.events(None).await else { panic!("let in") };
    assert_eq!(problem.kind, "busy");
    all.pop();
    within("a place is free", async {
        while running.client.events(None).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn following_ends_with_the_server() {
    let running = Running::start().await;
    let (mut events, ..) = snapshot(&running.client, None).await;
    running.client.shutdown().await.unwrap();
    within("the end", async { while let Some(Ok(_)) = events.next().await {} }).await;
    within("the server ends", running.server.ended()).await;
}
