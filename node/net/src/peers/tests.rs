//! Nodes in one process, over loopback.

use std::error::Error;
use std::time::Duration;

use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};
use shoal_content::{ContentId, Hash};
use shoal_engine::{PeerBookConfig, Teller};
use tokio::sync::mpsc;

use super::layer::Counts;
use super::shared::MAILBOX;
use super::{PeerEvent, PeersHandle};
use crate::peers::DialError;
use crate::{Node, NodeConfig};

const DEADLINE: Duration = Duration::from_secs(30);

/// A node that closes unused connections soon.
async fn node() -> Node {
    let peers = PeerBookConfig { grace: Duration::from_millis(100), ..Default::default() };
    let listen = vec!["/ip4/127.0.0.1/tcp/0".parse().unwrap()];
    Node::start(NodeConfig { listen, peers, ..Default::default() }).await.unwrap()
}

/// A content that is attached to a node.
struct Content {
    peers: PeersHandle,
    mailbox: mpsc::Receiver<PeerEvent>,
}

impl Content {
    fn attach(node: &Node, n: u8) -> Self {
        let content = ContentId::from_root_hash(Hash::of(&[n]));
        let (peers, mailbox) = node.control().attach(content);
        Self { peers, mailbox }
    }

    async fn next(&mut self) -> PeerEvent {
        let event = tokio::time::timeout(DEADLINE, self.mailbox.recv()).await;
        event.expect("an event in time").expect("the driver runs")
    }

    async fn connected(&mut self, node: &Node) {
        match self.next().await {
            PeerEvent::Connected { peer, .. } => assert_eq!(peer, node.peer_id()),
            other => panic!("{other:?}"),
        }
    }

    async fn disconnected(&mut self, node: &Node) {
        match self.next().await {
            PeerEvent::Disconnected { peer } => assert_eq!(peer, node.peer_id()),
            other => panic!("{other:?}"),
        }
    }

    /// Lets its node know where another one is.
    async fn learn(&self, other: &Node) {
        self.peers.learn(other.peer_id(), other.addresses().await, Teller::User);
    }
}

/// Waits until a node's counts are as they should be.
async fn settles(node: &Node, is_right: impl Fn(&Counts) -> bool) {
    let settled = async {
        while !is_right(&node.control().inspect().await) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let settled = tokio::time::timeout(DEADLINE, settled).await;
    assert!(settled.is_ok(), "{:?}", node.control().inspect().await);
}

/// An address of a node without its peer id.
async fn bare_address(node: &Node) -> Multiaddr {
    let mut address = node.addresses().await.remove(0);
    assert!(matches!(address.pop(), Some(Protocol::P2p(_))));
    address
}

#[tokio::test]
async fn one_connection_serves_all_contents_and_ends_after_the_last_use() {
    let (a, b, c) = (node().await, node().await, node().await);
    let mut one = Content::attach(&a, 1);
    let mut two = Content::attach(&a, 2);
    let mut idle = Content::attach(&a, 3);
    one.learn(&b).await;
    one.learn(&c).await;
    one.peers.seek(b.peer_id());
    two.peers.seek(b.peer_id());
    one.connected(&b).await;
    two.connected(&b).await;
    let counts = a.control().inspect().await;
    assert_eq!((counts.connections, counts.dials, counts.uses), (1, 0, 2));

    // Another content's release is no affair of this one, even after the grace.
    one.peers.release(b.peer_id());
    one.peers.seek(c.peer_id());
    one.connected(&c).await;
    one.peers.release(c.peer_id());
    settles(&a, |counts| counts.connections == 1).await;
    assert!(two.mailbox.try_recv().is_err());

    two.peers.release(b.peer_id());
    settles(&a, |counts| counts.connections == 0).await;
    settles(&b, |counts| counts.connections == 0).await;
    assert!(
        two.mailbox.try_recv().is_err() && idle.mailbox.try_recv().is_err(),
        "nobody hears of others' peers"
    );
}

#[tokio::test]
async fn a_ban_by_one_content_ends_it_for_all() {
    let (a, b) = (node().await, node().await);
    let mut one = Content::attach(&a, 1);
    let mut two = Content::attach(&a, 2);
    one.learn(&b).await;
    one.peers.seek(b.peer_id());
    one.connected(&b).await;
    two.peers.hold(b.peer_id());
    one.peers.ban(b.peer_id());
    one.disconnected(&b).await;
    two.disconnected(&b).await;
    settles(&a, |counts| counts.connections == 0 && counts.uses == 0).await;
    two.peers.seek(b.peer_id());
    assert!(matches!(two.next().await, PeerEvent::Unreachable { retry_at: None, .. }));

    let mut other = Content::attach(&b, 1);
    other.learn(&a).await;
    other.peers.seek(a.peer_id());
    loop {
        match other.next().await {
            // The refusal comes after the handshake.
            PeerEvent::Connected { .. } => other.disconnected(&a).await,
            PeerEvent::Unreachable { .. } => {}
            event => panic!("{event:?}"),
        }
        if a.control().inspect().await.connections == 0 {
            break;
        }
    }
}

#[tokio::test]
async fn a_dropped_mailbox_gives_everything_back() {
    let (a, b) = (node().await, node().await);
    // The node has mailboxes of its own.
    let own = a.control().inspect().await.mailboxes;
    let mut one = Content::attach(&a, 1);
    one.learn(&b).await;
    one.peers.seek(b.peer_id());
    one.connected(&b).await;
    let nowhere = "/ip4/127.0.0.1/tcp/1".parse().unwrap();
    one.peers.seek_address(nowhere);
    let panics = tokio::spawn(async move {
        let _one = one;
        panic!("on purpose");
    });
    assert!(panics.await.unwrap_err().is_panic());
    let nothing = Counts { connections: 0, dials: 0, mailboxes: own, uses: 0 };
    settles(&a, |counts| *counts == nothing).await;
}

#[tokio::test]
async fn whichever_peer_answers_at_an_address_is_told() {
    let (a, b) = (node().await, node().await);
    let mut one = Content::attach(&a, 1);
    let address = bare_address(&b).await;
    one.peers.seek_address(address.clone());
    match one.next().await {
        PeerEvent::AddressAnswered { address: at, peer } => assert_eq!((at, peer), (address, b.peer_id())),
        other => panic!("{other:?}"),
    }
    one.peers.seek(b.peer_id());
    one.connected(&b).await;
    assert_eq!(a.control().inspect().await.connections, 1);
}

#[tokio::test]
async fn why_nobody_answers_is_told_with_its_source() {
    let a = node().await;
    let mut one = Content::attach(&a, 1);
    let gone = node().await;
    let address = bare_address(&gone).await;
    gone.shutdown().await;
    one.peers.seek_address(address.clone());
    let PeerEvent::AddressUnreachable { address: at, error: DialError::Failed(error) } = one.next().await
    else {
        panic!("another event")
    };
    assert_eq!(at, address);
    assert!(matches!(*error, libp2p::swarm::DialError::Transport(_)), "{error:?}");
    let error: &dyn Error = &DialError::Failed(error);
    assert!(error.to_string().contains("127.0.0.1"), "{error}");

    one.peers.seek_address("/ip4/0.0.0.0/tcp/1".parse().unwrap());
    assert!(matches!(one.next().await, PeerEvent::AddressUnreachable { error: DialError::NotDialled, .. }));
}

#[tokio::test]
async fn a_content_that_lags_is_told_which_peers_are_connected() {
    let (a, b) = (node().await, node().await);
    let mut one = Content::attach(&a, 1);
    one.learn(&b).await;
    one.peers.seek(b.peer_id());
    one.connected(&b).await;
    for _ in 0..MAILBOX + 50 {
        one.peers.seek(b.peer_id());
    }
    let lagged = loop {
        match one.next().await {
            PeerEvent::Lagged { connected } => break connected,
            PeerEvent::Connected { .. } => {}
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(lagged, [b.peer_id()]);
    one.peers.release(b.peer_id());
    one.peers.hold(PeerId::random());
    assert!(matches!(one.next().await, PeerEvent::Disconnected { .. }), "then it hears of everything again");
}

#[tokio::test]
async fn what_may_be_told_of_a_peer_is_where_it_was_reached_or_says_that_it_listens() {
    let (a, b) = (node().await, node().await);
    let mut one = Content::attach(&a, 1);
    one.learn(&b).await;
    let asked = vec![b.peer_id(), PeerId::random()];
    assert_eq!(a.control().addresses_of(asked.clone()), [], "the user's word is not passed on");
    one.peers.seek(b.peer_id());
    one.connected(&b).await;
    let address = bare_address(&b).await;
    assert_eq!(a.control().addresses_of(asked), [(b.peer_id(), vec![address])]);
    // The other side did not dial: it knows what identify says.
    let told = async {
        loop {
            match &b.control().addresses_of(vec![a.peer_id()])[..] {
                [] => tokio::time::sleep(Duration::from_millis(5)).await,
                [(peer, addresses)] => break (*peer, addresses.clone()),
                more => panic!("{more:?}"),
            }
        }
    };
    let told = tokio::time::timeout(DEADLINE, told).await.expect("identify tells it");
    assert_eq!(told, (a.peer_id(), vec![bare_address(&a).await]));
}
