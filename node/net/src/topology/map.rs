//! Draws the map of the swarm.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};
use libp2p::{Multiaddr, PeerId};
use shoal_content::ContentId;
use shoal_engine::{MapWalk, WalkLimits};
use shoal_wire::query::{LinksClaim, LoadClaim};

use super::map_parts::{Links, MapNode, MapOptions, NodeAnswer, SwarmMap};
use super::visit::{PER_PEER, reach, visit};
use crate::control::Control;
use crate::parts::NodeParts;
use crate::remote::{AskError, ClaimedPeer, RemotePeer, claimed};
use crate::target::PeerTarget;

/// What one peer answered.
struct Asked {
    peer: PeerId,
    answer: Result<Answer, AskError>,
}

/// Walks through the swarm. `own`: what this node would say of itself.
///
/// # Errors
/// None of the peers that were named can be reached.
pub(crate) async fn draw(
    parts: &NodeParts,
    own: NodeAnswer,
    options: &MapOptions,
) -> Result<SwarmMap, AskError> {
    let clock = parts.clock;
    let mut links = Links::default();
    // Connected ones that answer no peers, such as trackers: their connections are another part's, and left alone.
    let mut foreign = BTreeSet::new();
    let (mut starts, mut visits) = (BTreeMap::new(), Vec::new());
    if options.peers.is_empty() {
        // Before anybody is connected to be asked.
        starts = parts.connections.round_trips();
        let answering = parts.connections.answering();
        foreign.extend(starts.keys().copied().filter(|peer| !answering.contains(peer)));
        starts.iter().for_each(|(peer, rtt)| links.add(parts.local, *peer, *rtt, true));
    } else {
        visits = reach(&parts.control, &options.peers).await?;
        starts.extend(visits.iter().map(|visit| (visit.peer, None)));
    }
    let limits = WalkLimits { hops: options.hops, ..WalkLimits::default() };
    let mut walk = MapWalk::new(clock.now(), limits, parts.local, starts.into_keys());
    let mut answers: BTreeMap<PeerId, Result<NodeAnswer, AskError>> = BTreeMap::new();
    // Who told first of a peer, and where it is said to be.
    let mut told: BTreeMap<PeerId, (PeerId, Vec<Multiaddr>)> = BTreeMap::new();
    let mut under_way = FuturesUnordered::new();
    let deadline = walk.deadline();
    while !walk.is_done(clock.now()) {
        while let Some(peer) = walk.next(clock.now()) {
            if foreign.contains(&peer) {
                walk.failed();
                answers.insert(peer, Err(AskError::Unsupported));
                continue;
            }
            under_way.push(ask(parts.control.clone(), peer, told.remove(&peer), options.content));
        }
        if under_way.is_empty() {
            break;
        }
        let Asked { peer, answer } = tokio::select! {
            Some(asked) = under_way.next() => asked,
            () = clock.until(Some(deadline)) => break,
            else => break,
        };
        match answer {
            Ok((answer, neighbours)) => {
                walk.answered(&peer, neighbours.iter().map(|(it, _)| it.peer));
                for (other, rtt) in neighbours.into_iter().filter(|(it, _)| it.peer != parts.local) {
                    links.add(peer, other.peer, rtt, false);
                    told.entry(other.peer).or_insert((peer, other.addresses));
                }
                answers.insert(peer, Ok(answer));
            }
            Err(error) => {
                walk.failed();
                answers.insert(peer, Err(error));
            }
        }
    }
    drop(visits);
    if options.peers.is_empty() {
        answers.insert(parts.local, Ok(own));
    }
    let links = links.list();
    let ends = links.iter().flat_map(|link| [link.a, link.b]).chain(answers.keys().copied());
    let on_map: BTreeSet<PeerId> = ends.collect();
    // Of a peer that names more than is looked at, the rest has no distance and no place.
    let node =
        |peer: PeerId| Some(MapNode { peer, hops: walk.distance(&peer)?, answer: answers.remove(&peer) });
    let mut nodes: Vec<MapNode> = on_map.into_iter().filter_map(node).collect();
    nodes.sort_by_key(|node| (node.hops, node.peer));
    let known: BTreeSet<PeerId> = nodes.iter().map(|node| node.peer).collect();
    let links = links.into_iter().filter(|link| known.contains(&link.a) && known.contains(&link.b)).collect();
    Ok(SwarmMap { nodes, links, cut: walk.was_cut(clock.now()) })
}

async fn ask(
    control: Control,
    peer: PeerId,
    told: Option<(PeerId, Vec<Multiaddr>)>,
    content: Option<ContentId>,
) -> Asked {
    let asking = async {
        let _visit = visit(&control, peer, told).await?;
        let remote = RemotePeer::new(control.clone(), PeerTarget::Connected(peer));
        match remote.links(content).await {
            Ok(claim) => Ok(answer(remote.ping().await.ok(), claim)),
            Err(AskError::Unsupported) => older(&remote).await,
            Err(error) => Err(error),
        }
    };
    let answer = tokio::time::timeout(PER_PEER, asking).await.unwrap_or(Err(AskError::Timeout));
    Asked { peer, answer }
}

type Answer = (NodeAnswer, Vec<(ClaimedPeer, Option<Duration>)>);

fn answer(time: Option<Duration>, claim: LinksClaim) -> Answer {
    let LinksClaim { load, count, holds, links } = claim;
    let said = NodeAnswer { time, load, connections: count, holds: holds.map(|it| (it.have, it.chunks)) };
    let link = |link: shoal_wire::query::LinkClaim| {
        let peer = claimed(std::slice::from_ref(&link.peer)).pop()?;
        Some((peer, link.rtt.map(Duration::from_micros)))
    };
    (said, links.into_iter().filter_map(link).collect())
}

/// A peer that does not know the question is asked as earlier versions were.
async fn older(remote: &RemotePeer) -> Result<Answer, AskError> {
    let neighbours = remote.neighbours().await?;
    let load = remote.load().await.unwrap_or_else(|_| LoadClaim::default());
    let connections = u32::try_from(neighbours.len()).unwrap_or(u32::MAX);
    let said = NodeAnswer { time: remote.ping().await.ok(), load, connections, holds: None };
    Ok((said, neighbours.into_iter().map(|peer| (peer, None)).collect()))
}
