//! What trackers and peers know by name.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::State;
use libp2p::PeerId;
use serde::Deserialize;
use shoal_content::ContentId;
use shoal_net::{FindQuestion, FoundByPeers};
use shoal_wire::query::MAX_FIND_TEXT;
use shoal_wire::tracker::{Match, Mode};
use utoipa::IntoParams;

use crate::app::App;
use crate::convert;
use crate::extract::{JsonBody, Params, named};
use crate::model::{AskFindBody, FindInfo, FoundInfo, Problem};
use crate::page::limit;
use crate::refusal::{Answer, Refusal};
use crate::tracker_answers::{Answers, ask};

/// How many are found if nothing is said.
const USUAL: usize = 50;
/// How far peers are asked if nothing is said, and at most.
const HOPS: u8 = 4;
const MOST_HOPS: u8 = 8;

/// What to find.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct FindQuery {
    /// What the name contains; case does not count. Empty: every name.
    name: String,
    /// The name begins with it.
    #[serde(default)]
    prefix: bool,
    /// 1 to 1000; 50 if it is left out.
    limit: Option<usize>,
    /// Ask peers that are at most so many connections away: 0 (none) to 8; 4 if it is left out.
    hops: Option<u8>,
}

/// Find contents by name, at the node's trackers and from its neighbours, who ask on
#[utoipa::path(get, path = "/v1/find", params(FindQuery), responses(
    (status = 200, body = FindInfo),
    (status = 502, description = "No tracker and no peer answers", body = Problem)
))]
pub(super) async fn find(State(app): State<App>, Params(query): Params<FindQuery>) -> Answer<FindInfo> {
    let limit = limit(query.limit, USUAL)?;
    let hops = query.hops.unwrap_or(HOPS);
    if hops > MOST_HOPS {
        return Err(Refusal::invalid(format!("hops is {hops}, and must be 0 to {MOST_HOPS}")));
    }
    check_text(&query.name)?;
    let mode = if query.prefix { Mode::Prefix } else { Mode::Substring };
    let name = query.name.as_str();
    let question =
        |tracker: shoal_net::TrackerClient| async move { tracker.find_all(mode, name, limit).await };
    let trackers = async {
        if app.daemon.trackers().is_empty() {
            return Ok(None);
        }
        ask(&app.daemon, usize::MAX, question).await.map(Some)
    };
    let question = FindQuestion { name: query.name.clone(), prefix: query.prefix, hops, peers: vec![] };
    let peers = async {
        match hops {
            0 => Ok(FoundByPeers::default()),
            _ => app.daemon.node().find(question).await,
        }
    };
    let (trackers, peers) = tokio::join!(trackers, peers);
    // Nobody was named, so nobody can be out of reach.
    let peers = peers.unwrap_or_default();
    let trackers = match trackers? {
        Some(answers) if peers.answered == 0 => answers.some()?,
        Some(answers) => answers,
        None if peers.answered == 0 => {
            let refusal =
                Refusal::no_peers("this node has no tracker to ask, and no connected peer that answers");
            return Err(refusal
                .hint("name a peer (POST /v1/ask/find, `--peer ADDR`) or a tracker (`--rendezvous ADDR`)"));
        }
        None => Answers { said: vec![], failed: vec![], absent: false },
    };
    let by_trackers = together(trackers.said.into_iter().flat_map(|(_, matches)| matches));
    let mut items = convert::found_together(by_trackers, &peers.found);
    items.truncate(limit);
    let FoundByPeers { asked, answered, .. } = peers;
    Ok(Json(FindInfo { items, failed: trackers.failed, asked, answered }))
}

/// Ask certain peers for contents by name; they ask on
#[utoipa::path(post, operation_id = "ask_find", path = "/v1/ask/find", request_body = AskFindBody, responses(
    (status = 200, body = FindInfo),
    (status = 400, description = "That names no peer", body = Problem),
    (status = 502, description = "None of them answers", body = Problem)
))]
pub(super) async fn ask_find(
    State(app): State<App>,
    JsonBody(body): JsonBody<AskFindBody>,
) -> Answer<FindInfo> {
    let hops = body.hops.unwrap_or(HOPS);
    if !(1..=MOST_HOPS).contains(&hops) {
        return Err(Refusal::invalid(format!("hops is {hops}, and must be 1 to {MOST_HOPS}")));
    }
    check_text(&body.name)?;
    let peers = named(&body.peers)?;
    if peers.is_empty() {
        return Err(Refusal::invalid("no peer is named").hint("GET /v1/find asks all neighbours"));
    }
    let question = FindQuestion { name: body.name, prefix: body.prefix, hops, peers };
    let found = app.daemon.node().find(question).await;
    let found = found.map_err(|error| Refusal::no_peers(format!("{}: {error}", body.peers.join(", "))))?;
    if found.answered == 0 {
        return Err(Refusal::no_peers(format!("{}: no answer to the question", body.peers.join(", "))));
    }
    let items = convert::found_together(vec![], &found.found);
    Ok(Json(FindInfo { items, failed: vec![], asked: found.asked, answered: found.answered }))
}

fn check_text(text: &str) -> Result<(), Refusal> {
    if text.len() <= MAX_FIND_TEXT {
        return Ok(());
    }
    Err(Refusal::invalid(format!("no name is longer than {MAX_FIND_TEXT} bytes")))
}

/// Puts together what several trackers say, by name, then id.
fn together(matches: impl IntoIterator<Item = Match>) -> Vec<FoundInfo> {
    let mut all: BTreeMap<_, (u32, BTreeSet<String>)> = BTreeMap::new();
    for Match { entry, peers, publishers } in matches {
        let (most, known) = all.entry((entry.name, entry.content, entry.size, entry.files)).or_default();
        *most = publishers.max(*most);
        known.extend(peers.iter().filter_map(|id| PeerId::from_bytes(id).ok()).map(|id| id.to_string()));
    }
    let found = |((name, content, size, files), (publishers, peers))| FoundInfo {
        name,
        size,
        files,
        content: ContentId::to_string(&content),
        publishers,
        peers: BTreeSet::into_iter(peers).collect(),
        addresses: vec![],
        told_by: vec![convert::BY_TRACKERS.into()],
    };
    all.into_iter().map(found).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_bytes::ByteBuf;
    use shoal_content::Hash;
    use shoal_wire::tracker::IndexEntry;

    #[test]
    fn what_several_trackers_say_of_one_content_is_one() {
        let content = ContentId::from_root_hash(Hash::of(b"x"));
        let [one, two] = [PeerId::random(), PeerId::random()];
        let said = |size, peers: &[PeerId], publishers| Match {
            entry: IndexEntry { name: "films".into(), size, files: 3, content },
            peers: peers.iter().map(|peer| ByteBuf::from(peer.to_bytes())).collect(),
            publishers,
        };
        let mut odd = said(7, &[two], 9);
        odd.peers.push(ByteBuf::from(b"no peer".to_vec()));
        let found = together([said(7, &[one], 1), odd, said(8, &[one], 2)]);
        assert_eq!(found.len(), 2, "a tracker that lies about the size is told apart");
        assert_eq!((found[0].publishers, found[0].peers.len()), (9, 2));
        assert_eq!((found[1].size, found[1].publishers, found[1].peers.len()), (8, 2, 1));
    }
}
