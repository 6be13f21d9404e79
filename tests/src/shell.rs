//! `shoal shell`, driven line by line through pipes.

use std::io::Write;
use std::path::Path;
use std::process::{ChildStdin, Command};

use serde_json::Value;

use crate::eventually;
use crate::process::{Ended, LOOPBACK, Process, command};

/// A shell with a node of its own, whose results are JSON. Killed when dropped.
pub struct PipedShell {
    /// Its process.
    pub process: Process,
    input: ChildStdin,
    results: usize,
    errors: usize,
}

impl PipedShell {
    /// Starts one on loopback at this tracker, that shares what is in a folder.
    pub fn sharing(folder: &Path, tracker: &str, more: &[&str]) -> Self {
        let folder = folder.to_str().expect("test paths are text");
        Self::at(tracker, &[&["--share-dir", folder], more].concat())
    }

    /// Starts one on loopback at this tracker.
    pub fn at(tracker: &str, more: &[&str]) -> Self {
        let args = ["shell", "--own", "--json", "--listen", LOOPBACK, "--rendezvous", tracker];
        Self::of(command("shoal", args.iter().chain(more)))
    }

    /// Starts a prepared command, which is one of a shell.
    pub fn of(command: Command) -> Self {
        let (process, input) = Process::piped(command);
        Self { process, input, results: 0, errors: 0 }
    }

    /// Says a line whose result is not waited for.
    pub fn say(&mut self, line: &str) {
        writeln!(self.input, "{line}").expect("the shell listens");
    }

    /// Says a line, and waits for its result, or for what is wrong.
    pub fn try_ask(&mut self, line: &str) -> Result<Value, String> {
        self.say(line);
        let answer = eventually(line, || {
            let results = self.process.lines();
            if let Some(result) = results.get(self.results) {
                return Some(Ok(serde_json::from_str(result).expect("a line of JSON")));
            }
            let all = self.process.errors();
            let error = all.lines().filter(|line| line.starts_with("error: ")).nth(self.errors);
            error.map(|error| Err(error.to_owned()))
        });
        match &answer {
            Ok(_) => self.results += 1,
            Err(_) => self.errors += 1,
        }
        answer
    }

    /// Says a line that has a result.
    pub fn ask(&mut self, line: &str) -> Value {
        self.try_ask(line).unwrap_or_else(|error| panic!("{line}: {error}\n{}", self.process.errors()))
    }

    /// Says a line that goes wrong; returns the words.
    pub fn fails(&mut self, line: &str) -> String {
        match self.try_ask(line) {
            Ok(result) => panic!("{line}: {result}"),
            Err(error) => error,
        }
    }

    /// Says a line again and again until its result is such.
    pub fn until(&mut self, what: &str, line: &str, is: impl Fn(&Value) -> bool) -> Value {
        eventually(what, || self.try_ask(line).ok().filter(&is))
    }

    /// An address at which peers reach its node.
    pub fn address(&mut self) -> String {
        self.ask("status")["node"]["addresses"][0].as_str().expect("an address").to_owned()
    }

    /// The id of its node.
    pub fn peer(&mut self) -> String {
        self.ask("status")["node"]["peer"].as_str().expect("an id").to_owned()
    }

    /// Leaves in good order.
    pub fn quit(mut self) -> Ended {
        writeln!(self.input, "quit").expect("the shell listens");
        self.process.end()
    }
}
