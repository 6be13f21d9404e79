//! A node of a command's own, for when none is running.

use std::time::Duration;

use libp2p::Multiaddr;
use libp2p::identity::Keypair;
use shoal_daemon::{DaemonConfig, StoreSettings};

use super::super::error::CliError;
use super::super::options::NetArgs;
use super::super::session::Session;

/// A node of the command's own that keeps nothing, and knows these peers.
pub(super) async fn own(peers: Vec<Multiaddr>, key: Option<Keypair>) -> Result<Session, CliError> {
    let key = key.unwrap_or_else(Keypair::generate_ed25519);
    let node = NetArgs::default().config(key, 0)?;
    let store = Some(StoreSettings { peers, ..StoreSettings::paced(0, Duration::from_secs(5)) });
    Session::own(DaemonConfig { node, store, ..DaemonConfig::default() }).await
}
