//! A store of real nodes on loopback, with short times.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::eventually_or;
use crate::node::RunningNode;
use crate::process::{Ended, Process, place};

/// Options of a node that keeps contents, and is patient for moments only.
pub const KEEPER: &[&str] =
    &["--donate", "64MiB", "--store-ping", "250ms", "--store-check", "1s", "--leave-within", "30s"];

/// Nodes that keep contents, by their numbers.
pub struct RunningStore {
    place: PathBuf,
    first: String,
    nodes: Vec<Option<RunningNode>>,
    /// Where each listened first: it is found there again.
    addresses: Vec<String>,
}

impl RunningStore {
    /// So many nodes; all but the first know the first one.
    pub fn start(place: &Path, count: usize) -> Self {
        let mut it = Self { place: place.to_owned(), first: String::new(), nodes: vec![], addresses: vec![] };
        (0..count).for_each(|_| it.join());
        it
    }

    /// Where a node has its data.
    pub fn home(&self, node: usize) -> PathBuf {
        self.place.join(format!("node {node}"))
    }

    /// One more node.
    pub fn join(&mut self) {
        self.join_with(&[]);
    }

    /// One more node, with these options.
    pub fn join_with(&mut self, more: &[&str]) {
        let number = self.nodes.len();
        self.nodes.push(None);
        self.start_again(number, more);
    }

    /// The id of a node.
    pub fn peer(&self, number: usize) -> String {
        self.node(number).said["peer"].as_str().expect("an id").to_owned()
    }

    /// Starts a node that is not running.
    pub fn start_again(&mut self, number: usize, more: &[&str]) {
        let mut args = KEEPER.to_vec();
        if !self.first.is_empty() {
            args.extend(["--peer", &self.first]);
        }
        let before = self.addresses.get(number).map(|address| place(address).to_owned());
        if let Some(before) = &before {
            args.extend(["--listen", before]);
        }
        args.extend(more);
        let node = RunningNode::start(&self.home(number), &args);
        if self.first.is_empty() {
            self.first = node.address();
        }
        if before.is_none() {
            self.addresses.push(node.address());
        }
        self.nodes[number] = Some(node);
    }

    /// A node that keeps nothing itself, and knows the first one.
    pub fn guest(&self, name: &str) -> RunningNode {
        let args = ["--store-ping", "250ms", "--peer", &self.first];
        RunningNode::start(&self.place.join(name), &args)
    }

    /// A node that is running.
    pub fn node(&self, number: usize) -> &RunningNode {
        self.nodes[number].as_ref().expect("it is running")
    }

    /// Numbers of the nodes that are running.
    pub fn running(&self) -> Vec<usize> {
        (0..self.nodes.len()).filter(|number| self.nodes[*number].is_some()).collect()
    }

    /// What a node says of a content.
    pub fn says(&self, number: usize, content: &str) -> Option<Value> {
        stored(self.node(number), content)
    }

    /// Nodes that are running and say that they keep all of a content.
    pub fn holders(&self, content: &str) -> Vec<usize> {
        let holds = |number: &usize| self.says(*number, content).is_some_and(|it| it["state"] == "held");
        self.running().into_iter().filter(holds).collect()
    }

    /// Waits until so many nodes keep a content, and each of them knows all of the others.
    pub fn until_kept(&self, content: &str, copies: usize, what: &str) -> Vec<usize> {
        let look = || {
            let holders = self.holders(content);
            let knows = |number: &usize| {
                self.says(*number, content)
                    .is_some_and(|it| it["holders"].as_array().is_some_and(|all| all.len() == copies - 1))
            };
            (holders.len() == copies && holders.iter().all(knows)).then_some(holders)
        };
        let say = |number: usize| {
            let said = self.says(number, content).map_or("nothing".into(), |it| it.to_string());
            format!("node {number}, {}: {said}\n", self.peer(number))
        };
        eventually_or(what, look, || self.running().into_iter().map(say).collect())
    }

    /// Ends a node like `kill -9`.
    pub fn kill(&mut self, number: usize) {
        self.nodes[number].take().expect("it is running").process.kill();
    }

    /// Ends a node in good order.
    pub fn end(&mut self, number: usize) -> Ended {
        self.nodes[number].take().expect("it is running").end()
    }

    /// Ends a node by SIGTERM, and does not wait.
    pub fn take(&mut self, number: usize) -> Process {
        self.nodes[number].take().expect("it is running").process
    }
}

/// What a node says of a content of the store.
pub fn stored(node: &RunningNode, content: &str) -> Option<Value> {
    let store = store(node).expect("the node answers");
    let it = store.contents.into_iter().find(|it| it.content == content);
    it.map(|it| serde_json::to_value(it).expect("JSON"))
}

/// How many others have told a node that they keep contents; `None`: it does not answer.
pub fn keepers(node: &RunningNode) -> Option<usize> {
    store(node).map(|store| store.willing)
}

fn store(node: &RunningNode) -> Option<shoal_api::model::StoreInfo> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async { node.client().store().await }).ok()
}
