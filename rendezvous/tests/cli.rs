//! What `shoal-rendezvous` says.

use std::process::Command;

fn run(args: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_shoal-rendezvous")).args(args).output().expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("it prints text");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn help_is_enough_to_run_it() {
    let (code, stdout, _) = run(&["--help"]);
    assert_eq!(code, Some(0));
    for word in ["--listen", "--data", "shoal share --rendezvous", "SIGTERM"] {
        assert!(stdout.replace('\n', " ").contains(word), "{word} is missing:\n{stdout}");
    }
}

#[test]
fn an_address_in_use_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("/ip4/127.0.0.1/tcp/{}", taken.local_addr().unwrap().port());
    let data = tempfile::tempdir().unwrap();
    let (code, stdout, stderr) = run(&["--listen", &address, "--data", data.path().to_str().unwrap()]);
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stdout.is_empty() && stderr.contains(&address) && stderr.contains("--listen"), "{stderr}");
}
