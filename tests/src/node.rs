//! `shoal node`, and commands that use it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::process::{Ended, LOOPBACK, Process, command};

/// A running node, and where the commands find it. Killed when dropped.
pub struct RunningNode {
    /// Its process.
    pub process: Process,
    /// What it printed when it was ready.
    pub said: Value,
    socket: PathBuf,
}

impl RunningNode {
    /// Starts a node on loopback with its data in this folder, and waits until it is ready.
    pub fn start(data: &Path, more: &[&str]) -> Self {
        Self::of(data, Self::prepared(data, more))
    }

    /// As [`start`](Self::start), by such a command.
    pub fn of(data: &Path, command: Command) -> Self {
        let socket = data.join("node.sock");
        let mut process = Process::spawn(command);
        let line = process.line("it is ready", |line| line.contains("addresses"));
        Self { process, said: serde_json::from_str(&line).expect("JSON"), socket }
    }

    /// The command that starts such a node.
    pub fn prepared(data: &Path, more: &[&str]) -> Command {
        let socket = data.join("node.sock");
        let mut args: Vec<&OsStr> = ["node", "--json", "--listen", LOOPBACK, "--data"].map(OsStr::new).into();
        args.extend([data.as_os_str(), "--socket".as_ref(), socket.as_os_str()]);
        args.extend(more.iter().map(OsStr::new));
        command("shoal", args)
    }

    /// An address at which peers reach it.
    pub fn address(&self) -> String {
        self.said["addresses"][0].as_str().expect("an address").to_owned()
    }

    /// Its peer id.
    pub fn id(&self) -> String {
        self.said["peer"].as_str().expect("an id").to_owned()
    }

    /// A command of `shoal` that finds this node.
    pub fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = command("shoal", args);
        command.env("SHOAL_SOCKET", &self.socket);
        command
    }

    /// Runs such a command to its end.
    pub fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Ended {
        Process::spawn(self.command(args)).end()
    }

    /// The other side of its API.
    pub fn client(&self) -> shoal_api::Client {
        shoal_api::Client::unix(&self.socket)
    }

    /// What its status is.
    pub fn status(&self) -> Value {
        self.run(["status", "--json"]).expect(0).json()
    }

    /// Ends it in good order.
    pub fn end(self) -> Ended {
        self.process.interrupt();
        self.process.end()
    }
}
