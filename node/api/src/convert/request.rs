//! What the library is asked for.

use std::path::Path;
use std::time::Duration;

use shoal_content::{ContentId, Ticket};
use shoal_daemon::{DaemonError, FetchRequest, ShareRequest};
use shoal_engine::{DownloadConfig, PeerChoice, SeedGoal, Topology};
use shoal_net::{FetchOptions, Include};

use crate::extract::{addresses, read};
use crate::model::{Fetch, Goal, Share};
use crate::refusal::Refusal;

/// Chunks that one peer may be asked for at once.
const IN_FLIGHT: std::ops::RangeInclusive<u16> = 1..=64;
/// The most times its size that a content may be sent before serving ends.
const MOST_RATIO: f64 = 1e6;

pub(crate) fn share_request(share: Share) -> Result<ShareRequest, Refusal> {
    if share.paths.is_empty() {
        return Err(Refusal::invalid("'paths' names nothing to share"));
    }
    share.paths.iter().try_for_each(|path| absolute(path))?;
    Ok(ShareRequest {
        chunker: share.chunker.as_deref().map(|text| read("chunker", text)).transpose()?,
        trackers: addresses(&share.trackers)?,
        goal: goal(share.goal)?,
        paths: share.paths,
        name: share.name,
        skip_unsafe: share.skip_unsafe,
        public: share.public,
        publish: share.publish,
    })
}

pub(crate) fn fetch_request(fetch: Fetch) -> Result<FetchRequest, Refusal> {
    std::iter::once(&fetch.dir).chain(&fetch.reuse).try_for_each(|path| absolute(path))?;
    let ticket = source(&fetch.source)?;
    let include = Include::try_from(fetch.include).map_err(|error| Refusal::invalid(error.to_string()))?;
    let options = FetchOptions {
        peers: [ticket.peers, addresses(&fetch.peers)?].concat(),
        trackers: [ticket.rendezvous, addresses(&fetch.trackers)?].concat(),
        force: fetch.force,
        include,
        topology: if fetch.star { Topology::Star } else { Topology::Mesh },
        download: download(fetch.score, fetch.in_flight)?,
        goal: goal(fetch.goal)?,
        reuse: fetch.reuse,
        ..FetchOptions::new(ticket.content, fetch.dir)
    };
    Ok(FetchRequest { options, public: fetch.public })
}

fn absolute(path: &Path) -> Result<(), Refusal> {
    if path.is_absolute() { Ok(()) } else { Err(DaemonError::RelativePath(path.to_owned()).into()) }
}

/// Reads a ticket or a bare id.
fn source(text: &str) -> Result<Ticket, Refusal> {
    if text.trim_start().starts_with("shoal") {
        return text.trim().parse().map_err(|error| Refusal::invalid(format!("{error}")));
    }
    let content: ContentId = text.trim().parse().map_err(|error| {
        let refusal = Refusal::invalid(format!("'source' is neither a ticket nor a content id ({error})"));
        refusal.hint("tickets start with 'shoal1', content ids with 'bafyrei'")
    })?;
    Ok(Ticket { content, peers: vec![], rendezvous: vec![] })
}

fn download(score: bool, in_flight: Option<u16>) -> Result<DownloadConfig, Refusal> {
    let standard = DownloadConfig::default();
    if in_flight.is_some_and(|chunks| !IN_FLIGHT.contains(&chunks)) {
        return Err(Refusal::invalid("'in_flight' must be 1 to 64"));
    }
    Ok(DownloadConfig {
        max_in_flight: in_flight.map_or(standard.max_in_flight, usize::from),
        fixed_in_flight: in_flight.is_some(),
        peer_choice: if score { PeerChoice::Score } else { PeerChoice::EstimatedFinish },
        ..standard
    })
}

fn goal(goal: Goal) -> Result<Option<SeedGoal>, Refusal> {
    if goal.ratio.is_some_and(|ratio| !(0.0..=MOST_RATIO).contains(&ratio)) {
        return Err(Refusal::invalid("'ratio' must be 0 to 1000000"));
    }
    let Goal { seconds, ratio, copies } = goal;
    let goal = SeedGoal { time: seconds.map(Duration::from_secs), ratio, copies };
    Ok((goal != SeedGoal::default()).then_some(goal))
}

#[cfg(test)]
mod tests {
    use super::*;
    use shoal_content::Hash;

    const TRACKER: &str = "/ip4/10.0.0.1/tcp/4001";

    fn id() -> ContentId {
        ContentId::from_root_hash(Hash::of(b"x"))
    }

    fn fetch() -> Fetch {
        Fetch { source: id().to_string(), dir: "/in/here".into(), ..Fetch::default() }
    }

    fn kind<T>(result: Result<T, Refusal>) -> String {
        result.err().map(|refusal| refusal.problem().kind.clone()).unwrap_or_default()
    }

    #[test]
    fn a_ticket_and_what_is_given_beside_it_are_put_together() {
        let ticket = Ticket {
            content: id(),
            peers: vec!["/ip4/10.0.0.2/tcp/1".parse().unwrap()],
            rendezvous: vec![TRACKER.parse().unwrap()],
        };
        let fetch = Fetch {
            source: ticket.to_string(),
            peers: vec!["/ip4/10.0.0.3/tcp/1".into()],
            goal: Goal { seconds: Some(60), ..Goal::default() },
            in_flight: Some(1),
            star: true,
            ..fetch()
        };
        let options = fetch_request(fetch).unwrap().options;
        assert_eq!((options.content, options.peers.len(), options.trackers.len()), (id(), 2, 1));
        assert_eq!(options.goal.unwrap().time, Some(Duration::from_secs(60)));
        assert!(options.download.fixed_in_flight && options.download.max_in_flight == 1);
        assert_eq!(options.topology, Topology::Star);
        assert!(fetch_request(self::fetch()).unwrap().options.goal.is_none(), "no goal is none");
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let wrong = [
            Fetch { source: "what".into(), ..fetch() },
            Fetch { source: "shoal1broken".into(), ..fetch() },
            Fetch { dir: "relative".into(), ..fetch() },
            Fetch { reuse: vec!["relative".into()], ..fetch() },
            Fetch { peers: vec!["10.0.0.1:4001".into()], ..fetch() },
            Fetch { include: vec!["[".into()], ..fetch() },
            Fetch { in_flight: Some(0), ..fetch() },
            Fetch { goal: Goal { ratio: Some(-1.0), ..Goal::default() }, ..fetch() },
        ];
        for wrong in wrong {
            assert_eq!(kind(fetch_request(wrong.clone())), "invalid", "{wrong:?}");
        }
        let share = || Share { paths: vec!["/a".into()], ..Share::default() };
        assert!(share_request(Share { chunker: Some("fixed:256000".into()), ..share() }).is_ok());
        for wrong in [
            Share::default(),
            Share { paths: vec!["a".into()], ..share() },
            Share { chunker: Some("cubes".into()), ..share() },
            Share { trackers: vec!["/dns4/\u{202e}x/tcp/1".into()], ..share() },
        ] {
            assert_eq!(kind(share_request(wrong.clone())), "invalid", "{wrong:?}");
        }
    }
}
