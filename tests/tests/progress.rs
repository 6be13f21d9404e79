//! What a program says of its progress where nobody looks at a terminal.

use std::path::Path;

use shoal_tests::files::{random, write};
use shoal_tests::process::{LOOPBACK, command, share};

/// Runs `shoal get` with standard error in a pipe; returns what came through that.
fn get_into_a_pipe(ticket: &str, dir: &Path, more: &[&str]) -> String {
    let args = ["get", ticket, "-o", dir.to_str().unwrap(), "--listen", LOOPBACK, "--limit-down", "1MiB"];
    let output = command("shoal", args.iter().chain(more)).output().unwrap();
    let said = String::from_utf8(output.stderr).expect("words");
    assert!(output.status.success(), "{said}");
    assert!(said.bytes().all(|byte| byte >= 0x20 || byte == b'\n'), "{said:?}");
    said
}

#[test]
fn progress_in_a_pipe_is_a_plain_line_now_and_then() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("five.bin");
    write(&file, random(5 << 20, 1));
    let (mut sharing, ticket) = share(&file, &[]);
    let said = get_into_a_pipe(&ticket, &scratch.path().join("told"), &[]);
    let lines: Vec<_> =
        said.lines().filter(|line| line.starts_with("fetching ") && line.contains(" %, ")).collect();
    // 5 MiB at 1 MiB/s: the first line comes after two seconds, one more may come after seven.
    assert!((1..=3).contains(&lines.len()), "{said}");
    for piece in [" of 5.00 MiB, ", "/s, 1 peer, ", " left"] {
        assert!(lines[0].contains(piece), "{piece:?} in {said}");
    }
    sharing.word("a line about serving", |line| line.starts_with("serving ") && line.contains(" sent, "));

    let quiet = get_into_a_pipe(&ticket, &scratch.path().join("quiet"), &["--quiet"]);
    assert_eq!(quiet, "");
}
