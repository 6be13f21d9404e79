//! A node and its folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use libp2p::Multiaddr;
use shoal_content::{Chunker, ContentId};
use shoal_net::{ContentHandle, FetchOptions, Node, NodeConfig, ServeOptions};
use shoal_store::ChunkStore;
use shoal_tests::files::{random, write};
use shoal_tests::gate::source;
use shoal_tests::process::LOOPBACK;

const CHUNKER: Chunker = Chunker::Fixed { size: 64 << 10 };

pub(crate) struct Home {
    pub(crate) node: Node,
    dir: PathBuf,
}

impl Home {
    pub(crate) async fn new(scratch: &Path, name: &str) -> anyhow::Result<Self> {
        let listen = vec![LOOPBACK.parse()?];
        let node = Node::start(NodeConfig { listen, ..NodeConfig::default() }).await?;
        Ok(Self { node, dir: scratch.join(name) })
    }

    /// Shares a made-up file; `seed` says which.
    pub(crate) fn share(
        &self,
        name: &str,
        size: usize,
        seed: u64,
        trackers: &[Multiaddr],
    ) -> anyhow::Result<ContentId> {
        let path = self.dir.join("shared").join(name);
        write(&path, random(size, seed));
        let store = Arc::new(source(&path, CHUNKER));
        let content = store.manifest().id();
        self.node.serve(store, ServeOptions { trackers: trackers.to_vec(), ..ServeOptions::default() })?;
        Ok(content)
    }

    pub(crate) fn fetch(&self, content: ContentId, peers: &[Multiaddr]) -> anyhow::Result<ContentHandle> {
        let options =
            FetchOptions { peers: peers.to_vec(), ..FetchOptions::new(content, self.dir.join("got")) };
        Ok(self.node.fetch(options)?)
    }
}
