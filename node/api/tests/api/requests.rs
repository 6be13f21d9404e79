//! What is wrong with a request is said as a problem.

use serde_json::Value;

use super::common::{Running, by_hand};

async fn problem(running: &Running, method: &str, path: &str, kind: &str, body: &str) -> (u16, Value) {
    let head = format!("Host: localhost\r\nAuthorization: Bearer {}\r\nConnection: close", running.token());
    let request = format!(
        "{method} {path} HTTP/1.1\r\n{head}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let (status, answer) = by_hand(running.tcp(), &request, true).await;
    let body = answer.split_once("\r\n\r\n").unwrap().1;
    (status, serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}")))
}

#[tokio::test]
async fn whatever_is_wrong_is_said_as_a_problem() {
    let running = Running::start().await;
    let json = "application/json";
    let large = format!("{{\"address\": \"{}\"}}", "x".repeat(64 << 10));
    let absent =
        format!("/v1/contents/{}", shoal_content::ContentId::from_root_hash(shoal_content::Hash::of(b"x")));
    let large = large.as_str();
    for (method, path, kind, body, status, expected) in [
        ("GET", "/", json, "", 404, "not_found"),
        ("GET", "/v1", json, "", 404, "not_found"),
        ("GET", "/v1/nodes", json, "", 404, "not_found"),
        ("POST", "/v1/node", json, "{}", 405, "invalid"),
        ("PUT", "/v1/limits", json, "{", 400, "invalid"),
        ("PUT", "/v1/limits", json, "[]", 400, "invalid"),
        ("PUT", "/v1/limits", json, r#"{"up": -1, "down": null}"#, 400, "invalid"),
        ("PUT", "/v1/limits", json, r#"{"up": 0, "down": null}"#, 400, "invalid"),
        ("PUT", "/v1/limits", "text/plain", r#"{"up": null, "down": null}"#, 415, "invalid"),
        ("POST", "/v1/trackers", json, large, 413, "invalid"),
        ("POST", "/v1/ask/load", json, r#"{"peer": "nobody"}"#, 400, "invalid"),
        ("POST", "/v1/ask/load", json, r#"{"peer": "/ip4/127.0.0.1/tcp/1"}"#, 502, "no_peers"),
        (
            "POST",
            "/v1/ask/where",
            json,
            r#"{"peer": "/ip4/127.0.0.1/tcp/1", "content": "x", "chunk": "y"}"#,
            400,
            "invalid",
        ),
        ("POST", "/v1/shares", json, r#"{"paths": ["relative"]}"#, 400, "invalid"),
        ("POST", "/v1/shares", json, r#"{"paths": ["/a"], "what": 1}"#, 400, "invalid"),
        ("POST", "/v1/downloads", json, r#"{"source": "x", "dir": "/"}"#, 400, "invalid"),
        ("GET", "/v1/contents?limit=0", json, "", 400, "invalid"),
        ("GET", "/v1/contents?limit=1001", json, "", 400, "invalid"),
        ("GET", "/v1/contents?after=x", json, "", 400, "invalid"),
        ("GET", "/v1/contents?state=odd", json, "", 400, "invalid"),
        ("GET", "/v1/contents?what=1", json, "", 400, "invalid"),
        ("GET", "/v1/contents/nothing", json, "", 404, "not_found"),
        ("GET", absent.as_str(), json, "", 404, "not_found"),
        ("GET", "/v1/contents/%ff", json, "", 400, "invalid"),
        ("DELETE", absent.as_str(), json, "", 404, "not_found"),
        ("GET", "/v1/shares/7", json, "", 404, "not_found"),
        ("GET", "/v1/shares/x", json, "", 400, "invalid"),
        ("GET", "/v1/find?name=x", json, "", 502, "no_peers"),
        ("GET", "/v1/find?name=x&hops=9", json, "", 400, "invalid"),
        ("POST", "/v1/ask/find", json, r#"{"peers": [], "name": "x"}"#, 400, "invalid"),
        ("POST", "/v1/topology", json, r#"{"hops": 17}"#, 400, "invalid"),
        ("POST", "/v1/topology", json, r#"{"peers": ["nobody"]}"#, 400, "invalid"),
        ("GET", "/v1/find", json, "", 400, "invalid"),
        ("POST", "/v1/tracker/payload", json, "", 400, "invalid"),
        ("GET", "/v1/tracker/payload/x", json, "", 400, "invalid"),
        ("POST", "/v1/trackers", json, r#"{"address": "10.0.0.1"}"#, 400, "invalid"),
    ] {
        let (is, problem) = problem(&running, method, path, kind, body).await;
        assert_eq!(
            (is, problem["kind"].as_str()),
            (status, Some(expected)),
            "{method} {path} {body:.80}: {problem}"
        );
        assert!(!problem["message"].as_str().unwrap().is_empty());
    }
}

#[tokio::test]
async fn odd_bytes_end_nothing_but_their_connection() {
    let running = Running::start().await;
    let headers: String = (0..100).map(|n| format!("X-{n}: y\r\n")).collect();
    for odd in [
        "\r\n\r\n\r\n",
        "GET\r\n\r\n",
        "\u{16}\u{3}\u{1}\r\n\r\n",
        &format!("GET / HTTP/1.1\r\n{headers}\r\n"),
    ] {
        let (status, _) = by_hand(running.tcp(), &format!("{odd}GET / HTTP/9\r\n\r\n"), true).await;
        assert!((400..500).contains(&status), "{odd:?}");
    }
    running.client.node().await.unwrap();
}
