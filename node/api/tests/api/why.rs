//! Why contents do not come, and the figures.

use shoal_api::model::Fetch;
use shoal_content::{ContentId, Hash};

use super::common::{Running, by_hand, eventually};

#[tokio::test]
async fn why_names_what_holds_a_content_back() {
    let running = Running::start().await;
    running.share(&running.file("well.bin", 1000)).await;
    let content = ContentId::from_root_hash(Hash::of(b"nobody has it")).to_string();
    // Nothing listens there any more.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let fetch = Fetch {
        source: content.clone(),
        dir: running.dir.path().join("to"),
        peers: vec![format!("/ip4/127.0.0.1/tcp/{port}")],
        ..Fetch::default()
    };
    running.client.fetch(&fetch).await.unwrap();
    let first = async |content: &str| running.client.why(content).await.unwrap().findings.remove(0);
    let finding = eventually("it is known that nobody is there", || async {
        Some(first(&content).await).filter(|finding| finding.cause == "peers_unreachable")
    })
    .await;
    assert!(!finding.normal && finding.what.ends_with('.') && finding.advice.ends_with('.'));
    assert!(finding.evidence["dials_refused"].as_u64() >= Some(1), "{finding:?}");
    assert!(finding.because.contains("connections refused"), "{finding:?}");
    let well = first("well.bin").await;
    assert_eq!((&well.cause[..], well.normal), ("nothing", true));
    // Only what does not come is listed.
    let listed = running.client.library_why(None, None).await.unwrap();
    let names: Vec<_> = listed.items.iter().map(|why| &why.content).collect();
    assert_eq!((names, listed.next), (vec![&content], None));
    running.client.pause(&content).await.unwrap();
    assert_eq!(first(&content).await.cause, "paused");
}

#[tokio::test]
async fn figures_are_for_whoever_has_the_token() {
    let running = Running::start().await;
    running.share(&running.file("one.bin", 1000)).await;
    let get =
        |more: &str| format!("GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{more}\r\n");
    let (status, _) = by_hand(running.tcp(), &get(""), true).await;
    assert_eq!(status, 401);
    let token = format!("Authorization: Bearer {}\r\n", running.token().trim());
    let (status, text) = by_hand(running.tcp(), &get(&token), true).await;
    assert_eq!(status, 200, "{text}");
    assert!(text.contains("shoal_contents{state=\"serving\"} 1.0"), "{text}");
}
