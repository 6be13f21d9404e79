//! Options that several commands have, and what they become.

use std::time::Duration;

use anyhow::anyhow;
use bytesize::ByteSize;
use clap::Args;
use libp2p::Multiaddr;
use libp2p::identity::Keypair;
use serde::{Deserialize, Serialize};
use shoal_addresses::{is_dialable, peer_of};
use shoal_content::{Chunker, ContentId, Ticket};
use shoal_daemon::parse_rate;
use shoal_engine::{Fairness, Topology, UploadConfig};

pub(super) use super::address::address;
use super::error::CliError;
use super::finding::FindingArgs;
use super::open_files;
use shoal_net::{DiscoveryConfig, Node, NodeConfig};

/// How the node finds others.
#[derive(Args, Debug, Clone, Default)]
pub(super) struct NetArgs {
    /// Address to listen on, such as /ip4/0.0.0.0/tcp/4001; may be given several times
    #[arg(long, value_name = "ADDR", value_parser = address)]
    pub(super) listen: Vec<Multiaddr>,
    /// Rendezvous point to use; may be given several times
    #[arg(long, value_name = "ADDR", value_parser = address)]
    pub(super) rendezvous: Vec<Multiaddr>,
    /// Relay that leads to this node where routers let nobody through, such as a tracker with --relay; may be given
    /// several times
    #[arg(long, value_name = "ADDR", value_parser = relay_address)]
    pub(super) relay: Vec<Multiaddr>,
    /// Do not ask the router to forward a port (UPnP)
    #[arg(long)]
    pub(super) no_upnp: bool,
    #[command(flatten)]
    pub(super) pace: PaceArgs,
    #[command(flatten)]
    pub(super) finding: FindingArgs,
}

/// How much of the line and of the node others get.
#[derive(Args, Debug, Clone, Default)]
pub(super) struct PaceArgs {
    /// Send at most this many bytes per second, such as 12.5MB or 100mbit
    #[arg(long, value_name = "RATE", value_parser = parse_rate)]
    pub(super) limit_up: Option<u64>,
    /// Fetch at most this many bytes per second
    #[arg(long, value_name = "RATE", value_parser = parse_rate)]
    pub(super) limit_down: Option<u64>,
    /// Send this many chunks at once [default: as many as it takes to fill the line]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(super) upload_slots: Option<u16>,
    /// Which peers are served first
    #[arg(long, value_enum, default_value_t, hide_default_value = true)]
    pub(super) fairness: FairnessArg,
}

/// Which peers are served first.
#[derive(clap::ValueEnum, Deserialize, Serialize, Debug, Clone, Copy, PartialEq, Eq, Default)]
#[serde(rename_all = "kebab-case")]
pub(super) enum FairnessArg {
    /// Whatever lets all finish soonest (default)
    #[default]
    Cooperative,
    /// The peers that send us most
    TitForTat,
}

/// Which peers may be fetched from.
#[derive(clap::ValueEnum, Debug, Clone, Copy, Default)]
pub(super) enum TopologyArg {
    /// Everybody from everybody (default)
    #[default]
    Mesh,
    /// From seeds alone, without serving others
    Star,
}

impl From<TopologyArg> for Topology {
    fn from(topology: TopologyArg) -> Self {
        match topology {
            TopologyArg::Mesh => Self::Mesh,
            TopologyArg::Star => Self::Star,
        }
    }
}

impl NetArgs {
    /// What is given that only a node of the command's own can do.
    pub(super) fn only_alone(&self) -> Option<&'static str> {
        let own = [
            (!self.listen.is_empty(), "--listen"),
            (!self.relay.is_empty(), "--relay"),
            (self.no_upnp, "--no-upnp"),
            (self.pace.limit_up.is_some(), "--limit-up"),
            (self.pace.limit_down.is_some(), "--limit-down"),
            (self.pace.upload_slots.is_some(), "--upload-slots"),
            (self.pace.fairness != FairnessArg::default(), "--fairness"),
        ];
        own.into_iter().find(|(given, _)| *given).map(|(_, name)| name).or(self.finding.given())
    }

    /// Starts a node like that, which knows the peers that worked the last time.
    pub(super) async fn start(&self, identity: Keypair, port: u16) -> Result<Node, CliError> {
        let discovery = self.finding.config_with_known_peers();
        Ok(Node::start(NodeConfig { discovery, ..self.config(identity, port)? }).await?)
    }

    /// Starts a node that finds others by trackers, and by what is named, alone.
    pub(super) async fn start_for_star(&self, identity: Keypair) -> Result<Node, CliError> {
        let discovery = DiscoveryConfig::default();
        Ok(Node::start(NodeConfig { discovery, ..self.config(identity, 0)? }).await?)
    }

    /// A node like that. Makes room for its open files.
    pub(super) fn config(&self, identity: Keypair, port: u16) -> Result<NodeConfig, CliError> {
        let slots = self.pace.upload_slots.map(usize::from);
        let standard = UploadConfig::default();
        let upload = UploadConfig {
            slots,
            most_slots: slots.unwrap_or(0).max(standard.most_slots),
            fairness: match self.pace.fairness {
                FairnessArg::Cooperative => Fairness::Cooperative,
                FairnessArg::TitForTat => Fairness::TitForTat,
            },
            ..standard
        };
        Ok(NodeConfig {
            identity,
            listen: self.listen.clone(),
            port,
            relays: self.relay.clone(),
            upnp: !self.no_upnp,
            upload,
            limit_up: self.pace.limit_up,
            limit_down: self.pace.limit_down,
            peers: open_files::bounds()?,
            discovery: self.finding.config(),
            ..NodeConfig::default()
        })
    }
}

/// Where to fetch from.
#[derive(Args, Debug, Clone)]
pub(super) struct SourceArgs {
    #[command(flatten)]
    pub(super) net: NetArgs,
    /// Address of a peer that may have the content; may be given several times
    #[arg(long, value_name = "ADDR", value_parser = address)]
    pub(super) peer: Vec<Multiaddr>,
    /// How long to look for somebody to fetch from before giving up [default: 30s without any peer; without
    /// end while peers are connected that lack chunks too]
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(super) wait: Option<Duration>,
}

/// A content and all known ways to it.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) content: ContentId,
    pub(super) peers: Vec<Multiaddr>,
    pub(super) rendezvous: Vec<Multiaddr>,
}

impl SourceArgs {
    /// What is given that only a node of the command's own can do.
    pub(super) fn only_alone(&self) -> Option<&'static str> {
        self.net.only_alone().or_else(|| self.wait.is_some().then_some("--wait"))
    }

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

/// Reads the address of a relay.
pub(super) fn relay_address(text: &str) -> Result<Multiaddr, String> {
    let relay = address(text)?;
    match is_dialable(&relay) && peer_of(&relay).is_some() {
        true => Ok(relay),
        false => Err("a relay's address ends in /p2p/PEER, as it prints it itself".into()),
    }
}

/// Reads `fastcdc:MIN:AVG:MAX` or `fixed:SIZE`, with sizes in bytes or with a unit.
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
