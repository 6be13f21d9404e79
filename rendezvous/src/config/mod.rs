//! What an operator may choose: on the command line, in a TOML file, or not at all.
//!
//! [`Options`] is both the command line and the file, so an option of one is an option of the other, with the same
//! name and the same way to write it. What the command line says goes before what the file says, and
//! that before the defaults in [`TrackerConfig`].

mod options;
mod relaying;
mod shown;
#[cfg(test)]
mod tests;
mod text;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::ValueEnum;
use libp2p::Multiaddr;
use serde::{Deserialize, Serialize};
use shoal_registry::RegistryLimits;

use crate::settings::RelaySettings;

pub use self::options::Options;
pub use self::text::{Text, read_file};

/// Why there is no valid configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration '{}': {why}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// The file is not TOML, or has something in it that is not an option.
    #[error("the configuration '{}' is not valid: {why}", path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// Line, key and what is wrong with it.
        why: String,
    },
    /// Options that do not go together.
    #[error("{0}")]
    Contradiction(String),
    /// Nowhere to keep anything.
    #[error("there is no home folder; say where to keep the tracker's key and state with --data")]
    NoHome,
}

/// How the log looks.
#[derive(ValueEnum, Deserialize, Serialize, Debug, Clone, Copy, PartialEq, Eq, Default)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// Lines to read
    #[default]
    Text,
    /// One JSON object on each line
    Json,
}

/// Where figures are served: `ADDRESS:PORT`, or a port of loopback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetricsAddress(pub SocketAddr);

impl std::str::FromStr for MetricsAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let port = || text.parse().map(|port: u16| SocketAddr::from(([127, 0, 0, 1], port)));
        let address = text.parse().or_else(|_| port());
        address.map(Self).map_err(|_| "write ADDRESS:PORT such as 127.0.0.1:9469, or a port alone".into())
    }
}

impl fmt::Display for MetricsAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// All that the tracker goes by.
#[derive(Debug, Clone)]
pub struct TrackerConfig {
    /// Where to listen.
    pub listen: Vec<Multiaddr>,
    /// Where peers reach it, beside the former.
    pub external: Vec<Multiaddr>,
    /// The folder for key and state.
    pub data: PathBuf,
    /// Where to serve figures.
    pub metrics: Option<SocketAddr>,
    /// A level or filter; `None` leaves it to RUST_LOG.
    pub log: Option<String>,
    /// How the log looks.
    pub log_format: LogFormat,
    /// Most connections at once.
    pub connections: u32,
    /// Whether it relays, and how much.
    pub relay: Option<RelaySettings>,
    /// Of the registry.
    pub limits: RegistryLimits,
}
