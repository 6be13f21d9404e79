//! A process whose descriptors are used up still answers its user.
//!
//! The test starts itself once more: that process serves and uses up its descriptors, this one asks.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use shoal_api::{ApiConfig, Client, serve};
use tokio_util::sync::CancellationToken;

use super::common::{daemon, within};

const NAME: &str = "descriptors::used_up_descriptors_keep_nobody_from_asking";
/// Says that this is the process that serves, and in which folder.
const SERVE: &str = "SHOAL_TEST_SERVE_IN";

#[tokio::test]
async fn used_up_descriptors_keep_nobody_from_asking() {
    if let Some(dir) = std::env::var_os(SERVE) {
        return use_up(dir.into()).await;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([NAME, "--exact", "--nocapture"])
        .env(SERVE, dir.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.find(|line| line.as_ref().unwrap().contains("used up")).unwrap().unwrap();
    let client = Client::unix(dir.path().join("node.sock"));
    // One after the other, more than are kept back; and some at once.
    for _ in 0..20 {
        within("an answer", client.node()).await.unwrap();
    }
    let some = (0..3).map(|_| client.contents(None, None, None));
    for answer in within("answers", futures::future::join_all(some)).await {
        answer.unwrap();
    }
    child.stdin.take().unwrap().write_all(b"end\n").unwrap();
    assert!(child.wait().unwrap().success());
}

async fn use_up(dir: std::path::PathBuf) {
    let daemon = daemon(&dir).await;
    let stop = CancellationToken::new();
    let config = ApiConfig { socket: Some(dir.join("node.sock")), ..ApiConfig::default() };
    let server = serve(daemon, config, stop.clone()).await.unwrap();
    let open = std::fs::read_dir("/proc/self/fd").unwrap().count() as u64;
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(open + 20), ..limit }).unwrap();
    let all: Vec<File> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    assert!(!all.is_empty() && File::open("/dev/null").is_err());
    println!("used up");
    let end = tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()));
    end.await.unwrap().unwrap();
    drop(all);
    stop.cancel();
    server.ended().await;
}
