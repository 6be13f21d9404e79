//! Real processes.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};

pub use rustix::process::Signal;

use crate::eventually;

/// Listens on a free port of this machine alone.
pub const LOOPBACK: &str = "/ip4/127.0.0.1/tcp/0";

/// The path of a program of this workspace, built by `cargo test --workspace`.
pub fn program(name: &str) -> PathBuf {
    // …/target/PROFILE/deps/TEST → …/target/PROFILE/NAME
    let test = std::env::current_exe().expect("a test has a path");
    let folder = test.parent().and_then(Path::parent).expect("tests lie in target/PROFILE/deps");
    let program = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(program.exists(), "{} is missing; build it with: cargo build --workspace", program.display());
    program
}

/// A program of this workspace with its arguments, that finds and leaves nothing in the user's folders.
pub fn command<S: AsRef<OsStr>>(name: &str, args: impl IntoIterator<Item = S>) -> Command {
    prepared(&program(name), args)
}

/// The same command under other limits of open files, set by a shell's `ulimit`.
pub fn with_open_files(ulimit: &str, command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("ulimit {ulimit} && exec \"$@\""), "sh"]);
    shell.arg(command.get_program()).args(command.get_args());
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell
}

/// As [`command`], for a program that lies elsewhere.
pub fn prepared<S: AsRef<OsStr>>(program: &Path, args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(program);
    command
        .args(args)
        .env("NO_COLOR", "1")
        .env("SHOAL_CACHE", "")
        .env("SHOAL_STATE", "")
        .env("SHOAL_SOCKET", "");
    command
}

/// A running program whose output is collected. Killed when dropped.
pub struct Process {
    child: Child,
    stdout: Arc<Mutex<Vec<String>>>,
    stderr: Arc<Mutex<Vec<String>>>,
    readers: Vec<std::thread::JoinHandle<()>>,
}

/// How a program ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code; `None` after a signal.
    pub code: Option<i32>,
    /// What it printed on standard output.
    pub stdout: String,
    /// What it printed on standard error.
    pub stderr: String,
}

impl Process {
    /// Starts a program of this workspace.
    pub fn start<S: AsRef<OsStr>>(name: &str, args: impl IntoIterator<Item = S>) -> Self {
        Self::spawn(command(name, args))
    }

    /// Starts a prepared command.
    pub fn spawn(mut command: Command) -> Self {
        command.stdin(Stdio::null());
        Self::collected(command)
    }

    /// Starts a prepared command whose standard input is written by the test.
    pub fn piped(mut command: Command) -> (Self, ChildStdin) {
        command.stdin(Stdio::piped());
        let mut process = Self::collected(command);
        let input = process.child.stdin.take().expect("piped");
        (process, input)
    }

    fn collected(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let (stdout, first) = collect(child.stdout.take().expect("piped"));
        let (stderr, second) = collect(child.stderr.take().expect("piped"));
        Self { child, stdout, stderr, readers: vec![first, second] }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has not ended.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("can be waited for").is_none()
    }

    /// Whether it has ended, and all that it printed is read.
    fn has_said_all(&mut self) -> bool {
        !self.is_running() && self.readers.iter().all(std::thread::JoinHandle::is_finished)
    }

    /// Waits for a line of standard output for which `is` holds.
    pub fn line(&mut self, what: &str, is: impl Fn(&str) -> bool) -> String {
        self.find(what, is, |p| p.stdout.clone())
    }

    /// Waits for a line of standard error for which `is` holds.
    pub fn word(&mut self, what: &str, is: impl Fn(&str) -> bool) -> String {
        self.find(what, is, |p| p.stderr.clone())
    }

    fn find(
        &mut self,
        what: &str,
        is: impl Fn(&str) -> bool,
        lines: impl Fn(&Self) -> Arc<Mutex<Vec<String>>>,
    ) -> String {
        eventually(what, || {
            let ended = self.has_said_all();
            let lines = lines(self);
            let found = lines.lock().unwrap().iter().find(|line| is(line)).cloned();
            assert!(found.is_some() || !ended, "ended before {what}: {}", self.errors());
            found
        })
    }

    /// Waits until a getter has stored, and noted in its journal, that many chunks.
    pub fn stored(&mut self, chunks: usize) {
        eventually("chunks are stored", || {
            let ended = self.has_said_all();
            let stored = self.count("chunk stored");
            assert!(stored >= chunks || !ended, "ended with {stored} of {chunks} chunks: {}", self.errors());
            (stored >= chunks).then_some(())
        });
    }

    /// How many lines of standard error have these words so far.
    pub fn count(&self, words: &str) -> usize {
        self.stderr.lock().unwrap().iter().filter(|line| line.contains(words)).count()
    }

    /// The lines that it printed on standard output so far.
    pub fn lines(&self) -> Vec<String> {
        self.stdout.lock().unwrap().clone()
    }

    /// What it printed on standard error so far.
    pub fn errors(&self) -> String {
        self.stderr.lock().unwrap().join("\n")
    }

    /// Ends it like `kill -9`, and waits until it is gone.
    pub fn kill(mut self) {
        self.child.kill().expect("can be killed");
        self.child.wait().expect("can be waited for");
    }

    /// Ends it like `kill -9` unless it has ended. Returns its standard error, and its exit code if it ended by itself.
    pub fn end_now(mut self) -> (String, Option<i32>) {
        let code = self.child.try_wait().expect("can be waited for").and_then(|status| status.code());
        // Err only says that it has ended already.
        drop(self.child.kill());
        self.child.wait().expect("can be waited for");
        self.readers.drain(..).for_each(|reader| reader.join().expect("a reader does not panic"));
        (self.errors(), code)
    }

    /// Sends the signal of Ctrl-C.
    pub fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let id = rustix::process::Pid::from_raw(self.id() as i32).expect("a process id");
        rustix::process::kill_process(id, signal).expect("can be signalled");
    }

    /// Waits for its end.
    pub fn end(mut self) -> Ended {
        let status: ExitStatus =
            eventually("the program ends", || self.child.try_wait().expect("can be waited for"));
        for reader in self.readers.drain(..) {
            reader.join().expect("a reader does not panic");
        }
        let text = |lines: &Arc<Mutex<Vec<String>>>| lines.lock().unwrap().join("\n");
        Ended { code: status.code(), stdout: text(&self.stdout), stderr: text(&self.stderr) }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Err only says that it has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn collect(stream: impl Read + Send + 'static) -> (Arc<Mutex<Vec<String>>>, std::thread::JoinHandle<()>) {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let into = lines.clone();
    let reader = std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            into.lock().unwrap().push(line);
        }
    });
    (lines, reader)
}

impl Ended {
    /// Panics with what was printed unless it ended with this code.
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// The one JSON object that was printed.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}: {}", self.stdout))
    }
}

/// Runs `shoal` to its end.
pub fn shoal<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Ended {
    Process::start("shoal", args).end()
}

/// Starts `shoal share` on loopback; returns it with its ticket.
pub fn share(path: &Path, more: &[&str]) -> (Process, String) {
    let mut args = vec!["share", path.to_str().expect("test paths are text"), "--listen", LOOPBACK];
    args.extend(more);
    let mut process = Process::start("shoal", args);
    let ticket = process.line("a ticket", |line| line.starts_with("shoal1"));
    (process, ticket)
}

/// Starts `shoal get` on loopback; its log tells of every stored chunk, see [`Process::stored`].
pub fn get(source: &str, dir: &Path, more: &[&str]) -> Process {
    Process::spawn(get_command(source, dir, more))
}

/// The command that [`get`] starts.
pub fn get_command(source: &str, dir: &Path, more: &[&str]) -> Command {
    let mut args =
        vec!["get", source, "--json", "-o", dir.to_str().expect("test paths are text"), "--listen", LOOPBACK];
    args.extend(more);
    let mut command = command("shoal", args);
    command.env("RUST_LOG", "shoal=debug");
    command
}

/// Starts a tracker on loopback; returns it with its address.
pub fn tracker(data: &Path) -> (Process, String) {
    tracker_on(LOOPBACK, data, &[])
}

/// As [`tracker`], listening at an address of choice, with more options.
pub fn tracker_on(listen: &str, data: &Path, more: &[&str]) -> (Process, String) {
    let mut args = vec!["--listen", listen, "--data", data.to_str().expect("test paths are text")];
    args.extend(more);
    let mut process = Process::start("shoal-rendezvous", args);
    let address = process.line("an address", |line| line.contains("/p2p/"));
    (process, address)
}

/// An address without the id at its end: where to listen to be found there again.
pub fn place(address: &str) -> &str {
    address.split_once("/p2p/").expect("an address with an id").0
}
