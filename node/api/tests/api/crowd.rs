//! However many connect over TCP, the user's own socket answers.

use tokio::net::TcpStream;

use super::common::{Running, by_hand, within};

#[tokio::test]
async fn a_crowd_that_says_nothing_shuts_nobody_out() {
    let running = Running::start().await;
    let mut crowd = vec![];
    for _ in 0..200 {
        crowd.push(TcpStream::connect(running.tcp()).await.unwrap());
    }
    within("an answer", running.client.node()).await.unwrap();
    // They are left after a while, so that the next one is let in.
    let request = "GET /v1/node HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    drop(crowd);
    let (status, _) = by_hand(running.tcp(), request, true).await;
    assert_eq!(status, 401);
}
