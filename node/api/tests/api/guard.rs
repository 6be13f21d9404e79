//! Nobody but the user is let in over TCP, by any route.

use serde_json::Value;
use shoal_api::ApiConfig;

use super::common::{Running, by_hand};

/// A request for each operation of the description that does something if it is let in.
struct Request {
    method: String,
    path: String,
    body: String,
}

async fn requests(running: &Running) -> Vec<Request> {
    let api: Value = running.client.openapi().await.unwrap();
    let file = running.file("shared.bin", 1000);
    let mut requests = vec![];
    for (path, item) in api["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys().map(|method| method.to_uppercase()) {
            let body = match (method.as_str(), path.as_str()) {
                ("PUT", "/v1/limits") => r#"{"up": 12345, "down": null}"#.to_owned(),
                ("POST", "/v1/trackers") => r#"{"address": "/ip4/127.0.0.1/tcp/1"}"#.to_owned(),
                ("POST", "/v1/shares") => format!(r#"{{"paths": [{file:?}]}}"#),
                _ => r#"{"peer": "/ip4/127.0.0.1/tcp/1"}"#.to_owned(),
            };
            let query = match path.as_str() {
                "/v1/find" => "?name=x",
                "/v1/trackers" if method == "DELETE" => "?address=/ip4/127.0.0.1/tcp/2",
                _ => "",
            };
            requests.push(Request { method, path: path.replace("{id}", "nothing") + query, body });
        }
    }
    // What ends the server comes last.
    requests.sort_by_key(|request| request.path == "/v1/shutdown");
    requests
}

async fn ask(running: &Running, request: &Request, headers: &[String], whole: bool) -> (u16, String) {
    let Request { method, path, body } = request;
    let mut text =
        format!("{method} {path} HTTP/1.1\r\nContent-Type: application/json\r\nConnection: close\r\n");
    text += &format!("Content-Length: {}\r\n", body.len());
    headers.iter().for_each(|header| text += &format!("{header}\r\n"));
    by_hand(running.tcp(), &(text + "\r\n" + body), whole).await
}

#[tokio::test]
async fn every_route_refuses_those_that_may_not_ask_and_runs_nothing() {
    let running =
        Running::with(ApiConfig { names: vec!["shoal.example".into()], ..ApiConfig::default() }).await;
    let requests = requests(&running).await;
    assert!(requests.len() > 30);
    let right = format!("Authorization: Bearer {}", running.token());
    let wrong = format!("Authorization: Bearer {}", "0".repeat(64));
    let host = "Host: localhost".to_owned();
    let of = |headers: &[&String]| headers.iter().map(|it| (*it).clone()).collect::<Vec<_>>();
    let (evil, origin) = ("Host: evil.example".to_owned(), "Origin: http://evil.example".to_owned());
    for (headers, status, kind) in [
        (of(&[&host]), 401, "unauthorized"),
        (of(&[&host, &wrong]), 401, "unauthorized"),
        (of(&[&evil, &right]), 403, "forbidden"),
        (of(&[&host, &right, &origin]), 403, "forbidden"),
    ] {
        for request in &requests {
            let (is, answer) = ask(&running, request, &headers, true).await;
            assert_eq!(is, status, "{} {} {headers:?}", request.method, request.path);
            let problem: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
            assert_eq!(problem["kind"], kind);
            assert!(!answer.to_lowercase().contains("access-control"), "{answer}");
        }
    }
    assert_eq!(running.client.limits().await.unwrap().up, None);
    assert!(running.daemon.trackers().is_empty() && running.daemon.imports().is_empty());
    assert!(!running.stop.is_cancelled());
    // The same requests do something once they are let in.
    for request in &requests {
        let (status, _) = ask(&running, request, &of(&[&host, &right]), false).await;
        assert!(![401, 403, 405].contains(&status), "{status} {} {}", request.method, request.path);
    }
    assert_eq!(running.daemon.limits().0.up, Some(12345));
    assert_eq!((running.daemon.trackers().len(), running.daemon.imports().len()), (1, 1));
    assert!(running.stop.is_cancelled());
}

#[tokio::test]
async fn a_proxy_has_a_base_and_a_name() {
    let names = vec!["shoal.example".to_owned()];
    let running = Running::with(ApiConfig { base: "/shoal/".into(), names, ..ApiConfig::default() }).await;
    let head =
        format!("Host: shoal.example\r\nAuthorization: Bearer {}\r\nConnection: close", running.token());
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\n{head}\r\n\r\n");
    let (status, answer) = by_hand(running.tcp(), &get("/shoal/v1/openapi.json"), true).await;
    assert_eq!(status, 200);
    let api: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(api["servers"][0]["url"], "/shoal");
    for (path, expected) in
        [("/shoal/v1/node", 200), ("/v1/node", 404), ("/shoal/v1/what", 404), ("/shoal", 404)]
    {
        let (status, answer) = by_hand(running.tcp(), &get(path), true).await;
        assert_eq!(status, expected, "{path}");
        assert!(!answer.to_lowercase().contains("\r\nlocation:"));
    }
    // On the socket there is no base.
    running.client.node().await.unwrap();
}
