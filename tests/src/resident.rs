//! A `shoal node` of a test's own, and its API.

use std::path::{Path, PathBuf};
use std::process::Command;

use shoal_api::Client;
use shoal_api::model::{Content, Fetch, ImportStateInfo, Share};

use crate::process::{LOOPBACK, Process, command};
use crate::{DEADLINE, within};

/// A `shoal node` with a data folder and a socket in one place, which outlive it.
pub struct Resident {
    /// The process.
    pub process: Process,
    /// Asks it.
    pub client: Client,
}

/// The command that starts a node with everything it keeps below `home`.
pub fn node_command(home: &Path, more: &[&str]) -> Command {
    command("shoal", node_arguments(home, more))
}

/// What to tell `shoal`, so that it is a node with everything it keeps below `home`.
pub fn node_arguments(home: &Path, more: &[&str]) -> Vec<PathBuf> {
    let mut args: Vec<PathBuf> = vec!["node".into(), "--listen".into(), LOOPBACK.into()];
    args.extend(["--data".into(), home.join("data"), "--socket".into(), home.join("node.sock")]);
    args.extend(more.iter().map(PathBuf::from));
    args
}

impl Resident {
    /// Starts a node, and waits until its API answers.
    pub async fn start(home: &Path, more: &[&str]) -> Self {
        Self::spawn(node_command(home, more), home).await
    }

    /// Runs a command that starts a node below `home`, and waits until its API answers.
    pub async fn spawn(command: Command, home: &Path) -> Self {
        let process = Process::spawn(command);
        let client = Client::unix(home.join("node.sock"));
        let mut resident = Self { process, client };
        resident.answers().await;
        resident
    }

    async fn answers(&mut self) {
        let start = std::time::Instant::now();
        while let Err(error) = self.client.node().await {
            assert!(start.elapsed() < DEADLINE, "{error}: {}", self.process.errors());
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }

    /// Shares a path; returns the ticket once it is hashed.
    pub async fn share(&self, path: &Path) -> String {
        let share = Share { paths: vec![path.to_owned()], ..Share::default() };
        let import = self.client.share(&share).await.expect("it is accepted");
        within("the import is done", async {
            loop {
                match self.client.import(import.id).await.expect("the import is known").state {
                    ImportStateInfo::Done { ticket, .. } => break ticket.expect("it is in the library"),
                    ImportStateInfo::Failed { why } => panic!("cannot be shared: {why}"),
                    _ => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
                }
            }
        })
        .await
    }

    /// Begins to fetch.
    pub async fn fetch(&self, ticket: &str, dir: &Path) -> Content {
        let fetch = Fetch { source: ticket.to_owned(), dir: dir.to_owned(), ..Fetch::default() };
        self.client.fetch(&fetch).await.expect("it is accepted")
    }

    /// Waits until a content is as the test wants it.
    pub async fn until(&self, content: &str, what: &str, is: impl Fn(&Content) -> bool) -> Content {
        within(what, async {
            loop {
                let now = self.client.content(content).await.expect("it is in the library");
                if is(&now) {
                    return now;
                }
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        })
        .await
    }
}
