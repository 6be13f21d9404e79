//! The sockets.

use std::os::unix::fs::MetadataExt;

use shoal_api::{ApiConfig, ApiError, Client, ClientError, serve};
use tokio_util::sync::CancellationToken;

use super::common::{Running, daemon, within};

#[tokio::test]
async fn told_to_end_it_answers_and_leaves_nothing_behind() {
    let running = Running::start().await;
    let socket = running.dir.path().join("node.sock");
    assert_eq!(std::fs::metadata(&socket).unwrap().mode() & 0o777, 0o600);
    running.client.shutdown().await.unwrap();
    assert!(running.stop.is_cancelled());
    within("the server ends", running.server.ended()).await;
    assert!(!socket.exists());
    assert!(matches!(running.client.node().await, Err(ClientError::NotRunning)));
}

#[tokio::test]
async fn a_socket_that_is_answered_is_not_taken() {
    let running = Running::start().await;
    let dir = tempfile::tempdir().unwrap();
    let other = daemon(dir.path()).await;
    let socket = running.dir.path().join("node.sock");
    let config = ApiConfig { socket: Some(socket), ..ApiConfig::default() };
    let refused = serve(other, config, CancellationToken::new()).await.err();
    assert!(matches!(refused, Some(ApiError::SocketInUse(_))));
    running.client.node().await.unwrap();
}

#[tokio::test]
async fn nobody_there_is_told_from_a_refusal() {
    let dir = tempfile::tempdir().unwrap();
    let client = Client::unix(dir.path().join("node.sock"));
    assert!(matches!(client.node().await, Err(ClientError::NotRunning)));
    // Something answers that is no daemon.
    let path = dir.path().join("odd.sock");
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    let odd = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, b"SSH-2.0-odd\r\n").await.unwrap();
    });
    assert!(matches!(within("an error", Client::unix(&path).node()).await, Err(ClientError::Broken(_))));
    odd.await.unwrap();
}
