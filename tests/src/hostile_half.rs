//! As many hostile peers as a small swarm has honest ones, and more, of every kind that there is here.
//!
//! Liars are members of the swarm: a tracker lists them, and they claim to have everything. Around each honest node there
//! are nuisances besides.

use std::sync::Arc;

use libp2p::{Multiaddr, PeerId};
use shoal_store::{ChunkStore, Source};
use shoal_wire::swarm_namespace;

use crate::liar::{Liar, Script, lie_and_tell};
use crate::nuisance::{Bait, Nuisances};
use crate::visitor::Visitor;

/// What each of the liars does when it is asked for a chunk.
const SCRIPTS: [Script; 6] =
    [Script::WrongBytes, Script::Stalls, Script::Drips, Script::Silent, Script::Silent, Script::WrongBytes];

/// Running ones. They end when this is dropped.
pub struct HostileHalf {
    liars: Vec<(Script, Liar)>,
    nuisances: Nuisances,
    bait: Bait,
}

impl HostileHalf {
    /// Six liars about a content, which register at a rendezvous point. Asked for peers, each tells of many strangers
    /// that are `elsewhere`, each at one of these lists of addresses.
    pub async fn gather(source: Arc<Source>, point: &str, elsewhere: &[Vec<Multiaddr>]) -> Self {
        let manifest = source.manifest();
        let bait = Bait { content: manifest.id(), chunks: manifest.chunks().len() as u32 };
        let namespace = swarm_namespace(&bait.content);
        let mut liars = Vec::new();
        for script in SCRIPTS {
            let liar = lie_and_tell(source.clone(), script, elsewhere.to_vec()).await;
            let mut visitor = Visitor::connect_as(liar.key.clone(), point).await;
            visitor.register(&namespace, &liar.ticket.peers[0]).await.expect("a liar may register");
            liars.push((script, liar));
        }
        Self { liars, nuisances: Nuisances::default(), bait }
    }

    /// Sets nuisances on an honest node.
    pub fn surround(&mut self, honest: &Multiaddr) {
        self.nuisances.bother(honest, self.bait);
    }

    /// The liars.
    pub fn liars(&self) -> impl Iterator<Item = &Liar> {
        self.liars.iter().map(|(_, liar)| liar)
    }

    /// Those that send wrong bytes.
    pub fn wrong(&self) -> impl Iterator<Item = PeerId> {
        self.liars.iter().filter(|(script, _)| *script == Script::WrongBytes).map(|(_, liar)| liar.peer)
    }
}
