//! Options that several commands have, and what they become.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::anyhow;
use bytesize::ByteSize;
use clap::Args;
use libp2p::Multiaddr;
use libp2p::identity::Keypair;
use shoal_shared::content::{Chunker, ContentId, Ticket};

use super::error::CliError;
use crate::net::{Node, NodeConfig};

/// How the node meets others.
#[derive(Args, Debug, Clone)]
pub(super) struct NetArgs {
    /// Address to listen on, such as /ip4/0.0.0.0/tcp/4001; may be given several times
    #[arg(long, value_name = "ADDR")]
    pub(super) listen: Vec<Multiaddr>,
    /// Rendezvous point to meet at; may be given several times
    #[arg(long, value_name = "ADDR")]
    pub(super) rendezvous: Vec<Multiaddr>,
}

impl NetArgs {
    pub(super) async fn start(&self, identity: Option<PathBuf>, port: u16) -> Result<Node, CliError> {
        let identity = match identity {
            Some(path) => shoal_rendezvous::identity::load_or_create(&path).map_err(anyhow::Error::from)?,
            None => Keypair::generate_ed25519(),
        };
        Ok(Node::start(NodeConfig { identity, listen: self.listen.clone(), port }).await?)
    }
}

/// Where to fetch from.
#[derive(Args, Debug, Clone)]
pub(super) struct SourceArgs {
    #[command(flatten)]
    pub(super) net: NetArgs,
    /// Address of a peer that may have the content; may be given several times
    #[arg(long, value_name = "ADDR")]
    pub(super) peer: Vec<Multiaddr>,
    /// How long to look for somebody to fetch from before giving up
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = humantime::parse_duration)]
    pub(super) wait: Duration,
}

/// A content and all known ways to it.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) content: ContentId,
    pub(super) peers: Vec<Multiaddr>,
    pub(super) rendezvous: Vec<Multiaddr>,
}

impl SourceArgs {
    /// Reads a ticket or a bare id, and adds what the options say.
    pub(super) fn wanted(&self, text: &str) -> Result<Wanted, CliError> {
        let mut wanted = if text.trim_start().starts_with("shoal") {
            let ticket: Ticket = text.parse().map_err(CliError::usage)?;
            Wanted { content: ticket.content, peers: ticket.peers, rendezvous: ticket.rendezvous }
        } else {
            let content = text.trim().parse().map_err(|error| {
                CliError::usage(anyhow!("neither a ticket nor a content id ({error})"))
                    .hint("tickets start with 'shoal1', content ids with 'bafyrei'")
            })?;
            Wanted { content, peers: vec![], rendezvous: vec![] }
        };
        wanted.peers.extend(self.peer.iter().cloned());
        wanted.rendezvous.extend(self.net.rendezvous.iter().cloned());
        wanted.rendezvous.dedup();
        Ok(wanted)
    }
}

/// Reads `fastcdc`, `fastcdc:MIN:AVG:MAX` or `fixed:SIZE`, with sizes in bytes or with a unit.
pub(super) fn chunker(text: &str) -> Result<Chunker, String> {
    let plain = |part: &str| match part.parse::<ByteSize>() {
        Ok(size) => size.as_u64().to_string(),
        Err(_) => part.to_owned(),
    };
    let mut parts = text.split(':');
    let kind = parts.next().unwrap_or_default().to_owned();
    let sizes = parts.map(plain);
    let plain: Vec<String> = std::iter::once(kind).chain(sizes).collect();
    plain.join(":").parse().map_err(|error| format!("{error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunk_sizes_may_have_units() {
        assert_eq!(chunker("fixed:1MiB"), Ok(Chunker::Fixed { size: 1 << 20 }));
        assert_eq!(chunker("fixed:256000"), Ok(Chunker::Fixed { size: 256_000 }));
        assert!(chunker("fixed:1").unwrap_err().contains("16 KiB"));
        assert!(chunker("other").unwrap_err().contains("fastcdc"));
    }
}
