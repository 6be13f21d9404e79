//! A node with threads of its own, so that it can be killed in the middle of anything, as a process can.

use std::future::Future;
use std::sync::Arc;

use anyhow::Context;
use libp2p::{Multiaddr, PeerId};
use shoal_net::{ContentHandle, FetchOptions, Node, NodeConfig, ServeOptions};
use shoal_store::ChunkStore;
use tokio::runtime::{Builder, Runtime};

use crate::error::CliError;
use crate::open_files;

/// Nodes of the demo listen on loopback alone.
pub(super) const LOOPBACK: &str = "/ip4/127.0.0.1/tcp/0";

/// See the module. Killed when dropped.
pub(super) struct Host {
    /// `None` once it was killed.
    runtime: Option<Runtime>,
    node: Option<Node>,
}

impl Host {
    /// Starts a node on loopback; `limit` is how many bytes per second it sends and fetches at most.
    pub(super) async fn start(limit: Option<u64>) -> Result<Self, CliError> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let mut host = Self { runtime: Some(runtime.context("cannot start threads")?), node: None };
        let config = NodeConfig {
            listen: vec![LOOPBACK.parse().expect("well-formed")],
            limit_up: limit,
            limit_down: limit,
            peers: open_files::bounds()?,
            ..NodeConfig::default()
        };
        host.node = Some(host.run(Node::start(config)).await?);
        Ok(host)
    }

    async fn run<T: Send + 'static, E>(
        &self,
        work: impl Future<Output = Result<T, E>> + Send + 'static,
    ) -> Result<T, CliError>
    where
        E: Send + 'static,
        CliError: From<E>,
    {
        let runtime = self.runtime.as_ref().context("the node was killed")?;
        Ok(runtime.spawn(work).await.context("the node fell over")??)
    }

    fn node(&self) -> &Node {
        self.node.as_ref().expect("started hosts have a node")
    }

    pub(super) fn peer_id(&self) -> PeerId {
        self.node().peer_id()
    }

    pub(super) async fn addresses(&self) -> Vec<Multiaddr> {
        self.node().addresses().await
    }

    pub(super) fn serve(
        &self,
        store: Arc<dyn ChunkStore>,
        options: ServeOptions,
    ) -> Result<ContentHandle, CliError> {
        let _inside = self.runtime.as_ref().map(Runtime::enter);
        Ok(self.node().serve(store, options)?)
    }

    pub(super) fn fetch(&self, options: FetchOptions) -> Result<ContentHandle, CliError> {
        let _inside = self.runtime.as_ref().map(Runtime::enter);
        Ok(self.node().fetch(options)?)
    }

    /// Ends it in the middle of whatever it does; the system closes its connections.
    pub(super) fn kill(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.kill();
    }
}
