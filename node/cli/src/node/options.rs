//! The options of a node, on the command line or in a file, and how they add up.
//!
//! [`NodeOptions`] is both the command line and the file, so an option of one is an option of the other, with the same name and
//! the same way to write it. What the command line says goes before what the file says.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use bytesize::ByteSize;
use clap::Args;
use libp2p::Multiaddr;
use serde::Deserialize;
use shoal_daemon::parse_rate;
use shoal_rendezvous::config::{LogFormat, MetricsAddress, Text};

use super::super::finding::DhtArg;
use super::super::options::{FairnessArg, address, relay_address};

/// Options as they were given; what was not given is `None`.
#[derive(Args, Deserialize, Debug, Clone, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct NodeOptions {
    /// Folder of the node's key and library, made if missing; one node at a time uses it [default: shoal in your data
    /// folder]
    #[arg(long, value_name = "DIR")]
    pub(super) data: Option<PathBuf>,
    /// Address to listen on, such as /ip4/0.0.0.0/tcp/4001; may be given several times [default: all interfaces, TCP and
    /// QUIC]
    #[arg(long, value_name = "ADDR")]
    pub(super) listen: Option<Vec<Text<PlainAddress>>>,
    /// Port to listen on, for TCP and QUIC, on all interfaces [default: any free one]
    #[arg(long)]
    pub(super) port: Option<u16>,
    /// Rendezvous point that every content is registered at; may be given several times
    #[arg(long, value_name = "ADDR")]
    pub(super) rendezvous: Option<Vec<Text<PlainAddress>>>,
    /// Peer to stay connected with, whatever is shared or fetched, and to ask for others that keep contents; may be given
    /// several times, at most 16 count
    #[arg(long, value_name = "ADDR")]
    pub(super) peer: Option<Vec<Text<PlainAddress>>>,
    /// Hold no connections to the peers on either side of this node on the ring of all peers
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub(super) no_ring: Option<bool>,
    /// Relay that leads to this node where routers let nobody through, such as a tracker with --relay; may be given
    /// several times
    #[arg(long, value_name = "ADDR")]
    pub(super) relay: Option<Vec<Text<RelayAddress>>>,
    /// Do not ask the router to forward a port (UPnP)
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub(super) no_upnp: Option<bool>,
    /// Folder of which each file and folder is shared under its own name, which trackers and peers are told, also what
    /// comes into it later; may be given several times
    #[arg(long, value_name = "DIR")]
    pub(super) share_dir: Option<Vec<PathBuf>>,
    /// Watch what is shared for changes, and share it as it is then
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub(super) watch: Option<bool>,
    /// Write what happens to this file, a JSON object on each line; `shoal log FILE` reads it
    #[arg(long, value_name = "FILE")]
    pub(super) activity_log: Option<PathBuf>,
    /// What is logged: error, warn, info, debug, trace, or a filter as in RUST_LOG [default: RUST_LOG, or warn]
    #[arg(long, value_name = "LEVEL")]
    pub(super) log: Option<String>,
    /// How it is logged, on standard error [default: text]
    #[arg(long, value_name = "FORMAT")]
    pub(super) log_format: Option<LogFormat>,
    /// Neither look for neighbours on the local network nor tell them of this node
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub(super) no_mdns: Option<bool>,
    /// Part that the node takes in the distributed hash table [default: auto]
    #[arg(long, value_enum, value_name = "MODE")]
    pub(super) dht: Option<DhtArg>,
    /// Address of any running node, to begin with in the DHT; may be given several times
    #[arg(long, value_name = "ADDR")]
    pub(super) bootstrap: Option<Vec<Text<PlainAddress>>>,
    /// Name under which the DHT is spoken; nodes with different names do not see each other there [default: /shoal/kad/1]
    #[arg(long, value_name = "NAME")]
    pub(super) dht_protocol: Option<String>,
    #[command(flatten)]
    pub(super) limits: LimitOptions,
    #[command(flatten)]
    pub(super) store: StoreOptions,
    #[command(flatten)]
    pub(super) control: ControlOptions,
}

/// The options of the file's table `store`.
#[derive(Args, Deserialize, Debug, Clone, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[command(next_help_heading = "Store")]
pub(super) struct StoreOptions {
    /// Keep contents of others, up to so many bytes, such as 20GiB [default: none]
    #[arg(long, value_name = "SIZE")]
    pub(super) donate: Option<Text<Space>>,
    /// How long handing over to others may take when the node ends, such as 5m [default: 1m]
    #[arg(long, value_name = "TIME")]
    pub(super) leave_within: Option<Text<Span>>,
    /// How often nodes that keep the same content ping each other; other times follow from it
    #[arg(long, value_name = "TIME", hide = true)]
    pub(super) store_ping: Option<Text<Span>>,
    /// Say that contents are kept, and keep nothing, to see what others do then
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub(super) store_hollow: Option<bool>,
    /// How often copies of others are checked
    #[arg(long, value_name = "TIME", hide = true)]
    pub(super) store_check: Option<Text<Span>>,
    /// How often own copies are read and compared
    #[arg(long, value_name = "TIME", hide = true)]
    pub(super) store_verify: Option<Text<Span>>,
}

/// Bytes on a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Space(pub(super) u64);

impl FromStr for Space {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse::<ByteSize>().map(|size| Self(size.as_u64()))
    }
}

/// A time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span(pub(super) Duration);

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let time = humantime::parse_duration(text).map_err(|error| error.to_string())?;
        if time.is_zero() { Err("no time at all".into()) } else { Ok(Self(time)) }
    }
}

/// The options of the file's table `limits`.
#[derive(Args, Deserialize, Debug, Clone, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[command(next_help_heading = "Limits")]
pub(super) struct LimitOptions {
    /// Send at most this many bytes per second, such as 12.5MB or 100mbit
    #[arg(long, value_name = "RATE")]
    pub(super) limit_up: Option<Text<ByteRate>>,
    /// Fetch at most this many bytes per second
    #[arg(long, value_name = "RATE")]
    pub(super) limit_down: Option<Text<ByteRate>>,
    /// Other limits at some times of the day, such as 'mon-fri 08:00-18:00 up=1MB down=50mbit'; may be given several times,
    /// the first one that holds counts
    #[arg(long, value_name = "RULE")]
    pub(super) schedule: Option<Vec<String>>,
    /// Send this many chunks at once [default: as many as it takes to fill the line]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(super) upload_slots: Option<u16>,
    /// Who is served first
    #[arg(long, value_enum)]
    pub(super) fairness: Option<FairnessArg>,
}

/// The options of the file's table `control`.
#[derive(Args, Deserialize, Debug, Clone, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[command(next_help_heading = "Control")]
pub(super) struct ControlOptions {
    /// Unix socket on which the other commands find the node [default: $SHOAL_SOCKET, or shoal/node.sock in
    /// $XDG_RUNTIME_DIR, or node.sock in the data folder]
    #[arg(long, value_name = "PATH")]
    pub(super) socket: Option<PathBuf>,
    /// Serve the API over HTTP too, for programs that have the token in api.token in the data folder; a port alone means
    /// 127.0.0.1
    #[arg(long, value_name = "ADDR|PORT")]
    pub(super) api: Option<Text<MetricsAddress>>,
    /// Path under which a proxy shows the API, such as /shoal
    #[arg(long, value_name = "PATH")]
    pub(super) api_base: Option<String>,
    /// Name under which a proxy shows the API; may be given several times
    #[arg(long, value_name = "NAME")]
    pub(super) api_host: Option<Vec<String>>,
    /// Let the API listen on an address that other machines can reach; the token then travels in clear
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub(super) api_allow_remote: Option<bool>,
    /// Serve figures for Prometheus at http://ADDR/metrics; a port alone means 127.0.0.1
    #[arg(long, value_name = "ADDR|PORT")]
    pub(super) metrics: Option<Text<MetricsAddress>>,
}

/// An address that a ticket can hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PlainAddress(pub(super) Multiaddr);

impl FromStr for PlainAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        address(text).map(Self)
    }
}

/// The address of a relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RelayAddress(pub(super) Multiaddr);

impl FromStr for RelayAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        relay_address(text).map(Self)
    }
}

/// Bytes per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ByteRate(pub(super) u64);

impl FromStr for ByteRate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse_rate(text).map(Self)
    }
}

impl NodeOptions {
    /// These options, and where they say nothing, those.
    pub(super) fn or(self, other: Self) -> Self {
        // Where one says on which addresses to listen, the port of the other means nothing, and the other way round.
        let place = if self.listen.is_some() || self.port.is_some() {
            (self.listen, self.port)
        } else {
            (other.listen, other.port)
        };
        Self {
            data: self.data.or(other.data),
            listen: place.0,
            port: place.1,
            rendezvous: self.rendezvous.or(other.rendezvous),
            peer: self.peer.or(other.peer),
            no_ring: self.no_ring.or(other.no_ring),
            no_mdns: self.no_mdns.or(other.no_mdns),
            dht: self.dht.or(other.dht),
            bootstrap: self.bootstrap.or(other.bootstrap),
            dht_protocol: self.dht_protocol.or(other.dht_protocol),
            relay: self.relay.or(other.relay),
            no_upnp: self.no_upnp.or(other.no_upnp),
            share_dir: self.share_dir.or(other.share_dir),
            watch: self.watch.or(other.watch),
            activity_log: self.activity_log.or(other.activity_log),
            log: self.log.or(other.log),
            log_format: self.log_format.or(other.log_format),
            limits: self.limits.or(other.limits),
            store: self.store.or(other.store),
            control: self.control.or(other.control),
        }
    }
}

impl StoreOptions {
    fn or(self, other: Self) -> Self {
        Self {
            donate: self.donate.or(other.donate),
            leave_within: self.leave_within.or(other.leave_within),
            store_ping: self.store_ping.or(other.store_ping),
            store_hollow: self.store_hollow.or(other.store_hollow),
            store_check: self.store_check.or(other.store_check),
            store_verify: self.store_verify.or(other.store_verify),
        }
    }
}

impl LimitOptions {
    fn or(self, other: Self) -> Self {
        Self {
            limit_up: self.limit_up.or(other.limit_up),
            limit_down: self.limit_down.or(other.limit_down),
            schedule: self.schedule.or(other.schedule),
            upload_slots: self.upload_slots.or(other.upload_slots),
            fairness: self.fairness.or(other.fairness),
        }
    }
}

impl ControlOptions {
    fn or(self, other: Self) -> Self {
        Self {
            socket: self.socket.or(other.socket),
            api: self.api.or(other.api),
            api_base: self.api_base.or(other.api_base),
            api_host: self.api_host.or(other.api_host),
            api_allow_remote: self.api_allow_remote.or(other.api_allow_remote),
            metrics: self.metrics.or(other.metrics),
        }
    }
}
