//! The activity log: what a seed and a getter write down, and what `shoal log` shows of it.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use shoal_tests::files::{random, write};
use shoal_tests::process::{Process, get, share, shoal};

/// The lines of a log that `shoal log --json` passes on.
fn lines(log: &Path, more: &[&str]) -> Vec<serde_json::Value> {
    let mut args = vec!["log", log.to_str().unwrap(), "--json"];
    args.extend(more);
    let ended = shoal(args).expect(0);
    ended
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
        .collect()
}

fn events(lines: &[serde_json::Value]) -> Vec<&str> {
    lines.iter().map(|line| line["event"].as_str().unwrap()).collect()
}

#[test]
fn a_getters_log_tells_its_story_and_is_filtered() {
    let scratch = tempfile::tempdir().unwrap();
    let from = scratch.path().join("set");
    write(&from.join("file"), random(300_000, 1));
    let (_seed, ticket) = share(&from, &[]);
    let log = scratch.path().join("get.log");
    let option = ["--activity-log", log.to_str().unwrap()];
    get(&ticket, &scratch.path().join("to"), &option).end().expect(0);
    assert_eq!(std::fs::metadata(&log).unwrap().permissions().mode() & 0o777, 0o600);
    let all = lines(&log, &[]);
    let told = events(&all);
    assert_eq!((told.first(), told.last()), (Some(&"started"), Some(&"ended")), "{told:?}");
    for event in ["connected", "asked", "manifest", "content_added", "content_complete"] {
        assert!(told.contains(&event), "{event}: {told:?}");
    }
    let bytes: u64 =
        lines(&log, &["--event", "chunk_received"]).iter().map(|it| it["bytes"].as_u64().unwrap()).sum();
    assert_eq!(bytes, 300_000);
    let peer = lines(&log, &["--event", "connected"])[0]["peer"].as_str().unwrap().to_owned();
    assert!(lines(&log, &["--peer", &peer]).iter().all(|line| line["peer"] == peer.as_str()));
    let content = all.iter().find(|line| line["event"] == "manifest").unwrap()["content"].as_str().unwrap();
    let of_content = lines(&log, &["--content", &content[content.len() - 10..]]);
    assert!(!of_content.is_empty() && of_content.iter().all(|line| line["content"] == content));
    assert_eq!(events(&lines(&log, &["--event", "content_complete"])), ["content_complete"]);
    assert_eq!(lines(&log, &["--since", "1h"]).len(), all.len());
    assert!(lines(&log, &["--since", "2100-01-01T00:00:00Z"]).is_empty());
    // A second run goes on where the first one ended.
    get(&ticket, &scratch.path().join("to"), &option).end().expect(0);
    assert_eq!(lines(&log, &["--event", "started"]).len(), 2);
}

#[test]
fn a_log_that_is_followed_shows_what_comes_and_no_control_characters() {
    let scratch = tempfile::tempdir().unwrap();
    let log = scratch.path().join("node.log");
    let hostile = r#"{"time":"2026-01-01T00:00:00.000Z","event":"manifest","name":"a\u001b[2J\nforged"}"#;
    std::fs::write(&log, format!("{hostile}\n")).unwrap();
    let mut follower = Process::start("shoal", ["log", log.to_str().unwrap(), "-f"]);
    let line = follower.line("the first line", |line| line.contains("manifest"));
    assert!(line.contains("\\u{1b}[2J\\u{a}forged"), "{line}");
    // The file is rotated away, and another one begins.
    std::fs::rename(&log, scratch.path().join("node.log.1")).unwrap();
    std::fs::write(&log, "{\"time\":\"2026-01-01T00:00:01.000Z\",\"event\":\"ended\"}\nno line\n").unwrap();
    follower.line("a line of the next file", |line| line.starts_with("2026-01-01T00:00:01.000Z ended"));
    follower.interrupt();
    follower.end().expect(0);
}

#[test]
fn a_log_that_cannot_be_written_or_read_is_named() {
    let scratch = tempfile::tempdir().unwrap();
    let from = scratch.path().join("set");
    write(&from.join("file"), "x");
    let log = scratch.path().join("absent/log");
    let args = ["share", from.to_str().unwrap(), "--activity-log", log.to_str().unwrap()];
    let ended = shoal(args).expect(1);
    assert!(ended.stderr.contains("cannot write the activity log") && ended.stderr.contains("absent/log"));
    let ended = shoal(["log", log.to_str().unwrap()]).expect(1);
    assert!(ended.stderr.contains("cannot read the log"), "{}", ended.stderr);
}
