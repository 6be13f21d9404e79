//! What `shoal-rendezvous` says, and how it ends.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};

use insta::assert_snapshot;

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shoal-rendezvous"));
    command.args(args).env("COLUMNS", "100").env("NO_COLOR", "1").env_remove("RUST_LOG");
    command
}

fn run(args: &[&str]) -> (Option<i32>, String, String) {
    let output = command(args).output().expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("it prints text");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

const LOOPBACK: &str = "/ip4/127.0.0.1/tcp/0";

/// A tracker that has printed its first address. Killed when dropped.
struct Running {
    child: Child,
    address: String,
}

impl Running {
    fn start(data: &Path, more: &[&str]) -> Self {
        // So few that no machine allows too few open files for them.
        let mut args = vec!["--listen", LOOPBACK, "--data", data.to_str().unwrap(), "--connections", "100"];
        args.extend(more);
        Self::spawn(command(&args))
    }

    fn spawn(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut address = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut address).unwrap();
        Self { child, address: address.trim().to_owned() }
    }

    fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    fn stderr(&mut self) -> BufReader<ChildStderr> {
        BufReader::new(self.child.stderr.take().unwrap())
    }

    fn end(mut self) -> (Option<i32>, String) {
        let mut said = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            stderr.read_to_string(&mut said).unwrap();
        }
        (self.child.wait().unwrap().code(), said)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Err only says that it has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn help_is_enough_to_run_it() {
    let (code, stdout, _) = run(&["--help"]);
    assert_eq!(code, Some(0));
    assert_snapshot!(stdout);
}

#[test]
fn an_address_in_use_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let data = tempfile::tempdir().unwrap();
    let data = data.path().to_str().unwrap();
    let address = format!("/ip4/127.0.0.1/tcp/{port}");
    let (code, stdout, stderr) = run(&["--listen", &address, "--data", data]);
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stdout.is_empty() && stderr.contains(&address) && stderr.contains("--listen"), "{stderr}");
    let (code, stdout, stderr) = run(&["--listen", LOOPBACK, "--data", data, "--metrics", &port.to_string()]);
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stdout.is_empty() && stderr.contains(&format!("127.0.0.1:{port}")), "{stderr}");
    assert!(stderr.contains("--metrics"), "{stderr}");
}

#[test]
fn faults_of_the_configuration_are_usage_errors() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("c.toml");
    std::fs::write(&file, "connections = 1\nport = 5\n").unwrap();
    let (code, stdout, stderr) = run(&["--config", file.to_str().unwrap()]);
    assert_eq!((code, stdout.as_str()), (Some(2), ""), "{stderr}");
    let said = stderr.replace(folder.path().to_str().unwrap(), "");
    assert_snapshot!(said, @r"
    error: the configuration '/c.toml' is not valid: TOML parse error at line 2, column 1
      |
    2 | port = 5
      | ^^^^
    unknown field `port`, expected one of `listen`, `external`, `data`, `metrics`, `log`, `log-format`, `connections`, `relaying`, `limits`
    ");
    let (code, _, stderr) = run(&["--log", "a=b=c", "--data", "/data"]);
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("a=b=c"), "{stderr}");
    assert_eq!(run(&["--connections", "0"]).0, Some(2));
}

#[test]
fn the_effective_configuration_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("c.toml");
    std::fs::write(&file, "data = '/srv/tracker'\n[limits]\nper-peer = 5\n").unwrap();
    let (code, stdout, _) = run(&["--config", file.to_str().unwrap(), "--check-config", "--metrics", "9469"]);
    assert_eq!(code, Some(0));
    assert_snapshot!(stdout, @r#"
    listen = ["/ip4/0.0.0.0/tcp/6969", "/ip4/0.0.0.0/udp/6969/quic-v1"]
    external = []
    data = "/srv/tracker"
    metrics = "127.0.0.1:9469"
    log-format = "text"
    connections = 10000

    [relaying]
    relay = false

    [limits]
    total = 200000
    per-namespace = 100000
    per-peer = 5
    per-prefix = 5000
    page = 100
    default-ttl = "1m"
    min-ttl = "20s"
    max-ttl = "2h"
    "#);
}

#[test]
fn a_signal_ends_it_in_good_order_and_the_folder_is_free() {
    let data = tempfile::tempdir().unwrap();
    let mut addresses = vec![];
    for signal in ["-TERM", "-INT"] {
        let running = Running::start(data.path(), &["--external", "/dns4/a.example/tcp/1"]);
        addresses.push(running.address.clone());
        running.signal(signal);
        assert_eq!(running.end(), (Some(0), String::new()));
    }
    assert!(addresses[0].starts_with("/dns4/a.example/tcp/1/p2p/12D3"), "{addresses:?}");
    assert_eq!(addresses[0], addresses[1]);
}

#[test]
fn two_trackers_do_not_share_a_folder() {
    let data = tempfile::tempdir().unwrap();
    let _first = Running::start(data.path(), &[]);
    let (code, _, stderr) = run(&["--listen", LOOPBACK, "--data", data.path().to_str().unwrap()]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("tracker.redb") && stderr.contains("another process"), "{stderr}");
}

#[test]
fn a_hang_up_is_ignored_and_logs_can_be_json() {
    let data = tempfile::tempdir().unwrap();
    let mut running = Running::start(data.path(), &["--log-format", "json"]);
    running.signal("-HUP");
    let mut line = String::new();
    let mut stderr = running.stderr();
    stderr.read_line(&mut line).unwrap();
    assert!(
        line.starts_with('{') && line.contains("\"level\":\"WARN\"") && line.contains("SIGHUP"),
        "{line}"
    );
    running.signal("-TERM");
    assert_eq!(running.end().0, Some(0));
}

#[test]
fn figures_are_served() {
    let data = tempfile::tempdir().unwrap();
    let mut running = Running::start(data.path(), &["--metrics", "0", "--log", "shoal_rendezvous=info"]);
    let lines = running.stderr().lines().map_while(Result::ok);
    let port: u16 = lines
        .filter(|line| line.contains("serving figures"))
        .find_map(|line| line.rsplit(':').next()?.parse().ok())
        .expect("it says where");
    let get = |path: &str| {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let answer = get("/metrics");
    assert!(answer.contains("200 OK") && answer.contains("\nshoal_tracker_connections 0"), "{answer}");
    assert!(get("/health").ends_with("\r\nok\n"));
    drop(running);
}

/// Starts a tracker under other limits of open files, set by a shell's `ulimit`.
#[cfg(target_os = "linux")]
fn start_with_open_files(ulimit: &str, data: &Path) -> Running {
    let mut command = Command::new("sh");
    let script = format!("ulimit {ulimit} && exec \"$@\"");
    command.args(["-c", &script, "sh", env!("CARGO_BIN_EXE_shoal-rendezvous"), "--connections", "300"]);
    command.args(["--listen", LOOPBACK, "--data"]).arg(data).env("NO_COLOR", "1").env_remove("RUST_LOG");
    Running::spawn(command)
}

#[test]
#[cfg(target_os = "linux")]
fn as_many_files_may_be_open_as_there_may_be_connections() {
    let soft = |running: &Running| {
        let limits = std::fs::read_to_string(format!("/proc/{}/limits", running.child.id())).unwrap();
        let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap().to_owned();
        line.split_whitespace().nth(3).unwrap().parse::<u32>().unwrap()
    };
    let data = tempfile::tempdir().unwrap();
    let running = start_with_open_files("-Sn 128", data.path());
    assert!((1300..2000).contains(&soft(&running)), "{}", soft(&running));
    running.signal("-TERM");
    assert_eq!(running.end(), (Some(0), String::new()));

    let running = start_with_open_files("-n 128", data.path());
    assert_eq!(soft(&running), 128);
    running.signal("-TERM");
    let (code, said) = running.end();
    assert_eq!(code, Some(0));
    assert!(said.contains("too few open files") && said.contains("hard_limit=128"), "{said}");
}

/// As systemd would hear it.
#[test]
fn readiness_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let socket = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(std::time::Duration::from_secs(60))).unwrap();
    let args = ["--listen", LOOPBACK, "--data", folder.path().to_str().unwrap()];
    let mut child = command(&args).env("NOTIFY_SOCKET", &path).stdout(Stdio::null()).spawn().unwrap();
    let hear = || {
        let mut buffer = [0; 256];
        let length = socket.recv(&mut buffer).expect("a word in time");
        String::from_utf8_lossy(&buffer[..length]).trim().to_owned()
    };
    assert_eq!(hear(), "READY=1");
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(hear(), "STOPPING=1");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
