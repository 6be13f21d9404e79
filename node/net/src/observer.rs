//! Looking on while the members of a node decide.

use std::fmt;
use std::sync::Arc;

use libp2p::PeerId;
use shoal_engine::MemberObserver;

/// Is told of every decision about peers; see [`NodeConfig::observer`](crate::NodeConfig::observer).
#[derive(Clone)]
pub struct Observer(pub Arc<dyn MemberObserver<PeerId>>);

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}
