//! The peers of the demo while they fetch: what each is told, when each is killed, how each ends.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use libp2p::PeerId;
use shoal_net::{ContentEvent, ContentHandle, Failure, Progress};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::host::Host;
use super::spec::{Kill, NodeName};
use crate::human;
use crate::meter::Meter;
use crate::output::Output;
use crate::share::tell;

/// How often the bars change.
const REFRESH: Duration = Duration::from_millis(100);
/// How often it is looked whether somebody is to be killed.
const LOOK: Duration = Duration::from_millis(10);

/// A node that can be killed.
pub(super) struct Member {
    pub(super) name: NodeName,
    pub(super) host: Host,
    pub(super) killed: CancellationToken,
}

/// A peer that fetches.
pub(super) struct Fetcher {
    pub(super) name: NodeName,
    pub(super) handle: ContentHandle,
    pub(super) dir: PathBuf,
    pub(super) bar: Meter,
    pub(super) killed: CancellationToken,
    pub(super) end: Option<End>,
    /// How many wrong chunks each peer sent.
    pub(super) corrupt: BTreeMap<PeerId, usize>,
}

/// How a download ended.
#[derive(Debug)]
pub(super) enum End {
    /// Its copy was complete after this time.
    Complete(Duration),
    Killed,
    Failed(Arc<Failure>),
}

/// Follows all downloads until each has ended, and kills who is to be killed meanwhile.
pub(super) async fn run(fetchers: &mut [Fetcher], members: &mut [Member], kills: &[Kill], output: &Output) {
    let start = Instant::now();
    let watched = fetchers.iter().map(|f| (f.handle.progress(), f.killed.clone())).collect();
    let size = fetchers.first().map_or(0, |f| f.handle.progress().borrow().total);
    let sum = output.byte_bar(size, "fetching");
    let mut running: FuturesUnordered<_> = fetchers.iter_mut().map(|f| follow(f, start, output)).collect();
    let all = async { while running.next().await.is_some() {} };
    tokio::select! {
        () = all => {}
        () = look_after(watched, members, kills, &sum, output) => {}
    }
    sum.finish_and_clear();
}

async fn follow(fetcher: &mut Fetcher, start: Instant, output: &Output) {
    let progress = fetcher.handle.progress();
    let mut refresh = tokio::time::interval(REFRESH);
    let end = loop {
        tokio::select! {
            () = fetcher.killed.cancelled() => break End::Killed,
            _ = refresh.tick() => {
                let now = progress.borrow();
                fetcher.bar.set_length(now.total);
                fetcher.bar.set_position(now.done);
                fetcher.bar.set_message(human::count(now.peers as u64, "peer"));
            }
            event = fetcher.handle.next() => match event {
                Some(ContentEvent::Finished(Ok(_))) => break End::Complete(start.elapsed()),
                Some(ContentEvent::Finished(Err(failure))) => break End::Failed(failure),
                Some(ContentEvent::BadPeer { peer, .. }) => *fetcher.corrupt.entry(peer).or_default() += 1,
                Some(event) => tell(event, output),
                None => break End::Killed,
            },
        }
    };
    if let End::Failed(failure) = &end {
        output.warn(format!("{} gave up: {failure}", fetcher.name));
    }
    fetcher.bar.abandon();
    fetcher.end = Some(end);
}

/// Shows how far all are together, and kills each node when it is time. Never ends.
async fn look_after(
    watched: Vec<(watch::Receiver<Progress>, CancellationToken)>,
    members: &mut [Member],
    kills: &[Kill],
    sum: &Meter,
    output: &Output,
) {
    let mut left = kills.to_vec();
    let mut look = tokio::time::interval(LOOK);
    loop {
        look.tick().await;
        let (done, total) = living(&watched);
        sum.set_length(total);
        sum.set_position(done);
        let (now, later): (Vec<_>, _) =
            left.into_iter().partition(|kill| total > 0 && kill.is_due(done, total));
        left = later;
        for kill in now {
            if let Some(member) = members.iter_mut().find(|member| member.name == kill.node) {
                output.say(format!("killed {} at {} %", kill.node, done * 100 / total));
                member.killed.cancel();
                member.host.kill();
            }
        }
    }
}

/// Bytes that have arrived at the peers that were not killed, and bytes that they want; 0 until all know what they want.
fn living(watched: &[(watch::Receiver<Progress>, CancellationToken)]) -> (u64, u64) {
    let living = watched.iter().filter(|(_, killed)| !killed.is_cancelled());
    let all: Vec<_> =
        living.map(|(progress, _)| progress.borrow()).map(|now| (now.done, now.total)).collect();
    if all.iter().any(|(_, total)| *total == 0) {
        return (0, 0);
    }
    all.iter().fold((0, 0), |(done, total), (d, t)| (done + d, total + t))
}
