//! Peers that come, join, take a content and go, again and again.

use libp2p::Multiaddr;
use shoal_content::Ticket;
use shoal_net::{FetchOptions, Node, NodeConfig};
use shoal_tests::proc::{open_files, peak_resident};
use shoal_tests::process::{LOOPBACK, share};
use shoal_tests::{eventually_or, within};
use tokio::runtime::Runtime;

use super::world::{CHUNKER, World};
use crate::{Card, Fault, Runs, Strike};

/// How often in one run.
const JOINS: usize = 100;
/// After so many, what a seed keeps for a while is there.
const WARM: usize = 40;
/// By so much its memory may have grown at the most since then.
const GROWTH: u64 = 16 << 20;

/// Nodes that join a swarm and leave it.
pub(crate) struct JoinsAndLeaves;

impl Fault for JoinsAndLeaves {
    fn name(&self) -> &'static str {
        "joins_and_leaves"
    }

    fn card(&self) -> Card {
        Card {
            promises: "4",
            fault: "100 peers, each with a name of its own, join a swarm, take all and leave",
            injected: "nodes in the test's process, one after the other",
            expected: "all complete; the seed's descriptors are as before, and its memory has not grown by more than 16 MiB \
                       since the first 40",
        }
    }

    fn runs(&self) -> Runs {
        Runs { few: 1, many: 100 }
    }

    fn run(&self, seed: u64) -> Result<Strike, String> {
        let world = World::new(1, seed)?;
        let (mut sharing, ticket) = share(&world.from, &["--chunker", CHUNKER]);
        let ticket: Ticket = ticket.parse().map_err(|e| format!("{e}"))?;
        let runtime = Runtime::new().map_err(|e| e.to_string())?;
        let before = open_files(sharing.id());
        let mut warm = 0;
        for n in 0..JOINS {
            let to = world.scratch().join(format!("to/{n}"));
            runtime.block_on(take(&ticket, ticket.peers.clone(), to))?;
            if n == WARM {
                warm = peak_resident(sharing.id());
            }
        }
        let grown = peak_resident(sharing.id()).saturating_sub(warm);
        if grown > GROWTH || !sharing.is_running() {
            return Err(format!("{grown} bytes more: {}", sharing.errors()));
        }
        eventually_or(
            "descriptors are as before",
            || (open_files(sharing.id()) <= before + 8).then_some(()),
            || format!("{} files, {before} before", open_files(sharing.id())),
        );
        Ok(Strike::Struck)
    }
}

async fn take(ticket: &Ticket, peers: Vec<Multiaddr>, to: std::path::PathBuf) -> Result<(), String> {
    let listen = vec![LOOPBACK.parse().map_err(|e| format!("{e}"))?];
    let node =
        Node::start(NodeConfig { listen, ..NodeConfig::default() }).await.map_err(|e| e.to_string())?;
    let options = FetchOptions { peers, ..FetchOptions::new(ticket.content, to) };
    let handle = node.fetch(options).map_err(|e| e.to_string())?;
    within("the content arrives", handle.finished()).await.map(drop).map_err(|e| e.to_string())
}
