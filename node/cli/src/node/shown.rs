//! The options that hold in the end, as a file that says all of them.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use libp2p::Multiaddr;
use serde::Serialize;
use shoal_rendezvous::config::LogFormat;

use super::super::finding::DhtArg;
use super::super::options::FairnessArg;
use super::config::NodeSettings;

/// What is shown: the names and values of a file.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Effective<'a> {
    data: &'a Path,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    listen: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    rendezvous: Vec<String>,
    peer: Vec<String>,
    no_ring: bool,
    no_mdns: bool,
    dht: DhtArg,
    bootstrap: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dht_protocol: Option<&'a str>,
    relay: Vec<String>,
    no_upnp: bool,
    share_dir: &'a [PathBuf],
    watch: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    activity_log: Option<&'a Path>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<&'a str>,
    log_format: LogFormat,
    limits: EffectiveLimits,
    store: EffectiveStore,
    control: EffectiveControl<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct EffectiveLimits {
    #[serde(skip_serializing_if = "Option::is_none")]
    limit_up: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit_down: Option<String>,
    schedule: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upload_slots: Option<u16>,
    fairness: FairnessArg,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct EffectiveStore {
    donate: String,
    leave_within: String,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct EffectiveControl<'a> {
    socket: &'a Path,
    #[serde(skip_serializing_if = "Option::is_none")]
    api: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_base: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    api_host: &'a [String],
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    api_allow_remote: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    metrics: Option<String>,
}

impl NodeSettings {
    /// As a file that says all of it.
    ///
    /// # Errors
    /// A path is not UTF-8, so no TOML can hold it.
    pub(super) fn to_toml(&self) -> anyhow::Result<String> {
        let texts = |addresses: &[Multiaddr]| addresses.iter().map(Multiaddr::to_string).collect();
        let text = |address: Option<SocketAddr>| address.map(|it| it.to_string());
        let rate = |rate: Option<u64>| rate.map(|bytes| format!("{bytes}B"));
        let (limits, control) = (&self.limits, &self.control);
        Ok(toml::to_string(&Effective {
            data: &self.data,
            listen: texts(&self.listen),
            port: self.listen.is_empty().then_some(self.port),
            rendezvous: texts(&self.rendezvous),
            peer: texts(&self.peer),
            no_ring: self.no_ring,
            no_mdns: self.finding.no_mdns,
            dht: self.finding.dht,
            bootstrap: texts(&self.finding.bootstrap),
            dht_protocol: self.finding.dht_protocol.as_deref(),
            relay: texts(&self.relay),
            no_upnp: self.no_upnp,
            share_dir: &self.share_dir,
            watch: self.watch,
            activity_log: self.activity_log.as_deref(),
            log: self.log.as_deref(),
            log_format: self.log_format,
            limits: EffectiveLimits {
                limit_up: rate(limits.up),
                limit_down: rate(limits.down),
                schedule: limits.schedule.rules.iter().map(ToString::to_string).collect(),
                upload_slots: limits.upload_slots,
                fairness: limits.fairness,
            },
            store: EffectiveStore {
                donate: format!("{}B", self.store.planner.donated),
                leave_within: humantime::format_duration(self.store.leave_within).to_string(),
            },
            control: EffectiveControl {
                socket: &control.socket,
                api: text(control.api),
                api_base: control.api_base.as_deref(),
                api_host: &control.api_host,
                api_allow_remote: control.api_allow_remote,
                metrics: text(control.metrics),
            },
        })?)
    }
}
