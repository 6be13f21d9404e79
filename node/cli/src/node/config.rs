//! What a node goes by: its options, completed with the defaults and checked against each other.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use libp2p::Multiaddr;
use shoal_daemon::{Schedule, ScheduleError, StoreSettings};
use shoal_rendezvous::config::{ConfigError, LogFormat, Text};

use super::super::finding::{FindingArgs, protocol};
use super::super::options::FairnessArg;
use super::super::places;
use super::options::{ControlOptions, LimitOptions, NodeOptions, PlainAddress, StoreOptions};

/// All that a node goes by.
#[derive(Debug, Clone)]
pub(super) struct NodeSettings {
    pub(super) data: PathBuf,
    pub(super) listen: Vec<Multiaddr>,
    pub(super) port: u16,
    pub(super) rendezvous: Vec<Multiaddr>,
    /// Peers to stay connected with.
    pub(super) peer: Vec<Multiaddr>,
    pub(super) no_ring: bool,
    pub(super) finding: FindingArgs,
    pub(super) relay: Vec<Multiaddr>,
    pub(super) no_upnp: bool,
    pub(super) share_dir: Vec<PathBuf>,
    pub(super) watch: bool,
    pub(super) activity_log: Option<PathBuf>,
    /// A level or filter; `None` leaves it to RUST_LOG.
    pub(super) log: Option<String>,
    pub(super) log_format: LogFormat,
    pub(super) limits: LimitSettings,
    pub(super) store: StoreSettings,
    pub(super) control: ControlSettings,
}

/// Limits of a node.
#[derive(Debug, Clone)]
pub(super) struct LimitSettings {
    pub(super) up: Option<u64>,
    pub(super) down: Option<u64>,
    pub(super) schedule: Schedule,
    pub(super) upload_slots: Option<u16>,
    pub(super) fairness: FairnessArg,
}

/// How a node is controlled.
#[derive(Debug, Clone)]
pub(super) struct ControlSettings {
    pub(super) socket: PathBuf,
    pub(super) api: Option<SocketAddr>,
    pub(super) api_base: Option<String>,
    pub(super) api_host: Vec<String>,
    pub(super) api_allow_remote: bool,
    pub(super) metrics: Option<SocketAddr>,
}

impl NodeOptions {
    /// With the defaults for what was not given. `runtime` is the folder for sockets, if the user has one.
    ///
    /// # Errors
    /// Options contradict each other, a rule of the schedule is none, or there is no home folder and none was given.
    pub(super) fn complete(self, runtime: Option<&Path>) -> Result<NodeSettings, ConfigError> {
        let contradiction = |words: &str| Err(ConfigError::Contradiction(words.into()));
        if self.listen.is_some() && self.port.is_some() {
            return contradiction("port is for when listen is not given; say the port there");
        }
        if self.listen.as_ref().is_some_and(Vec::is_empty) {
            return contradiction("listen names no address");
        }
        if let Some(Err(words)) = self.dht_protocol.as_deref().map(protocol) {
            return contradiction(&format!("dht-protocol: {words}"));
        }
        let peer = plain(self.peer);
        let data = self.data.or_else(places::data_dir).ok_or(ConfigError::NoHome)?;
        let socket = || {
            runtime.map_or_else(|| data.join(places::SOCKET), |dir| dir.join("shoal").join(places::SOCKET))
        };
        Ok(NodeSettings {
            listen: plain(self.listen),
            port: self.port.unwrap_or_default(),
            rendezvous: plain(self.rendezvous),
            peer: peer.clone(),
            no_ring: self.no_ring.unwrap_or_default(),
            finding: FindingArgs {
                no_mdns: self.no_mdns.unwrap_or_default(),
                dht: self.dht.unwrap_or_default(),
                bootstrap: plain(self.bootstrap),
                dht_protocol: self.dht_protocol,
            },
            relay: self.relay.into_iter().flatten().map(|text| text.0.0).collect(),
            no_upnp: self.no_upnp.unwrap_or_default(),
            share_dir: self.share_dir.unwrap_or_default(),
            watch: self.watch.unwrap_or_default(),
            activity_log: self.activity_log,
            log: self.log,
            log_format: self.log_format.unwrap_or_default(),
            limits: self.limits.complete()?,
            store: self.store.complete(peer),
            control: self.control.complete(socket)?,
            data,
        })
    }
}

fn plain(addresses: Option<Vec<Text<PlainAddress>>>) -> Vec<Multiaddr> {
    addresses.into_iter().flatten().map(|text| text.0.0).collect()
}

impl StoreOptions {
    /// `peers`: nodes to meet first.
    fn complete(self, peers: Vec<Multiaddr>) -> StoreSettings {
        /// How often nodes that keep the same content ping each other.
        const PING: Duration = Duration::from_secs(15);
        let ping = self.store_ping.map_or(PING, |text| text.0.0);
        let mut settings = StoreSettings::paced(self.donate.map_or(0, |text| text.0.0), ping);
        settings.peers = peers;
        settings.hollow = self.store_hollow.unwrap_or_default();
        let planner = &mut settings.planner;
        planner.check = self.store_check.map_or(planner.check, |text| text.0.0);
        planner.verify = self.store_verify.map_or(planner.verify, |text| text.0.0);
        settings.leave_within = self.leave_within.map_or(settings.leave_within, |text| text.0.0);
        settings
    }
}

impl LimitOptions {
    fn complete(self) -> Result<LimitSettings, ConfigError> {
        let rules = self.schedule.unwrap_or_default();
        let schedule: Schedule = rules
            .join("\n")
            .parse()
            .map_err(|error: ScheduleError| ConfigError::Contradiction(error.to_string()))?;
        if self.upload_slots.is_some_and(|slots| !(1..=256).contains(&slots)) {
            return Err(ConfigError::Contradiction("upload-slots is from 1 to 256".into()));
        }
        Ok(LimitSettings {
            up: self.limit_up.map(|text| text.0.0),
            down: self.limit_down.map(|text| text.0.0),
            schedule,
            upload_slots: self.upload_slots,
            fairness: self.fairness.unwrap_or_default(),
        })
    }
}

impl ControlOptions {
    fn complete(self, standard: impl FnOnce() -> PathBuf) -> Result<ControlSettings, ConfigError> {
        let api = self.api.map(|text| text.0.0);
        let remote = self.api_allow_remote.unwrap_or_default();
        if let Some(address) = api
            && !address.ip().is_loopback()
            && !remote
        {
            return Err(ConfigError::Contradiction(format!(
                "api: other machines can reach {address}, and whoever has the token can read and write your files; \
                 use 127.0.0.1, or say api-allow-remote too"
            )));
        }
        if api.is_none() && (self.api_base.is_some() || self.api_host.is_some()) {
            return Err(ConfigError::Contradiction("api-base and api-host mean nothing without api".into()));
        }
        Ok(ControlSettings {
            socket: self.socket.or_else(places::told_socket).unwrap_or_else(standard),
            api,
            api_base: self.api_base,
            api_host: self.api_host.unwrap_or_default(),
            api_allow_remote: remote,
            metrics: self.metrics.map(|text| text.0.0),
        })
    }
}
