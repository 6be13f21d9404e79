//! Programs of this crate that are run to be killed: the executable that runs starts itself again, with a word that
//! asks for one of them.
//!
//! What is run is found in `answer`, which an executable that plays faults asks before it does anything else.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};

/// The argument that asks for a child.
pub(crate) const WORD: &str = "--fault-child";

/// The command that starts a child.
pub(crate) fn command<S: AsRef<OsStr>>(name: &str, args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("a program has a path"));
    command.args([WORD, name]).args(args);
    command
}

/// A child whose lines are read one after the other. Killed when dropped.
pub(crate) struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Running {
    /// Starts a command.
    pub(crate) fn start(mut command: Command) -> Result<Self, String> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(|e| format!("{command:?}: {e}"))?;
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        Ok(Self { child, lines })
    }

    /// The next line that it says; `None` when it has said its last.
    pub(crate) fn line(&mut self) -> Option<String> {
        self.lines.next()?.ok()
    }

    /// Waits for its end; its exit code, unless a signal ended it.
    pub(crate) fn end(mut self) -> Option<i32> {
        self.child.wait().expect("can be waited for").code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Err only says that it has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
