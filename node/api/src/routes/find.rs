//! What trackers know by name.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::State;
use libp2p::PeerId;
use serde::Deserialize;
use shoal_content::ContentId;
use shoal_wire::tracker::{Match, Mode};
use utoipa::IntoParams;

use super::answer::Answer;
use crate::app::App;
use crate::extract::Params;
use crate::model::{FindInfo, FoundInfo, Problem};
use crate::page::limit;
use crate::tracker_answers::ask;

/// How many are found if nothing is said.
const USUAL: usize = 50;

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
}

/// Find contents by name at the node's trackers
#[utoipa::path(get, path = "/v1/find", params(FindQuery), responses(
    (status = 200, body = FindInfo),
    (status = 409, description = "The node has no tracker", body = Problem),
    (status = 502, description = "No tracker answers", body = Problem)
))]
pub(super) async fn find(State(app): State<App>, Params(query): Params<FindQuery>) -> Answer<FindInfo> {
    let limit = limit(query.limit, USUAL)?;
    let mode = if query.prefix { Mode::Prefix } else { Mode::Substring };
    let name = query.name.as_str();
    let question =
        |tracker: shoal_net::TrackerClient| async move { tracker.find_all(mode, name, limit).await };
    let answers = ask(&app.daemon, usize::MAX, question).await?.some()?;
    let mut items = together(answers.said.into_iter().flat_map(|(_, matches)| matches));
    items.truncate(limit);
    Ok(Json(FindInfo { items, failed: answers.failed }))
}

/// Puts together what several trackers say, by name, then id.
fn together(matches: impl IntoIterator<Item = Match>) -> Vec<FoundInfo> {
    let mut all: BTreeMap<(String, ContentId, u64, u32), (u32, BTreeSet<String>)> = BTreeMap::new();
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
