//! Shows how a download goes, and says why where it does not.

use std::sync::Arc;
use std::time::{Duration, Instant};

use indicatif::HumanDuration;
use shoal_api::model::FindingInfo;
use shoal_net::{ContentEvent, ContentHandle, Failure, Finished, Node, Phase, Progress};
use tokio_util::sync::CancellationToken;

use super::super::human::{self, Growth};
use super::super::meter::Meter;
use super::super::output::Output;
use super::super::share::tell;
use super::super::stillness::Stillness;
use super::super::why::sentence;

/// How often the bar changes.
const REFRESH: Duration = Duration::from_millis(200);

/// Shows progress until the download ends one way or the other.
pub(super) async fn follow(
    node: &Node,
    handle: &mut ContentHandle,
    output: &Output,
    stop: &CancellationToken,
) -> Result<Finished, Arc<Failure>> {
    let progress = handle.progress();
    let bar = output.byte_bar(0, "looking");
    let mut rate = Growth::default();
    let mut refresh = tokio::time::interval(REFRESH);
    let mut stopping = false;
    let (start, mut still) = (Instant::now(), Stillness::new());
    let result = loop {
        tokio::select! {
            () = stop.cancelled(), if !stopping => {
                stopping = true;
                handle.cancel();
            }
            _ = refresh.tick() => {
                show(&bar, &progress.borrow(), &mut rate);
                let mark = mark(&progress.borrow());
                if still.is_due(start.elapsed(), mark) {
                    say_why(node, handle, &mut still, output).await;
                }
            }
            event = handle.next() => match event {
                Some(ContentEvent::Finished(result)) => break result,
                Some(event) => begin(event, output),
                None => break handle.finished().await,
            },
        }
    };
    bar.finish_and_clear();
    if result.as_ref().is_err_and(|failure| !matches!(**failure, Failure::Stopped { .. })) {
        say_why(node, handle, &mut still, output).await;
    }
    result
}

/// Says what has not been said yet of why nothing comes.
async fn say_why(node: &Node, handle: &ContentHandle, still: &mut Stillness<Mark>, output: &Output) {
    let findings = node.explain(handle.content()).await.unwrap_or_default();
    let findings = findings.iter().map(FindingInfo::from).collect();
    still.news(findings).iter().for_each(|why| output.say(format!("nothing comes: {}", sentence(why))));
}

/// What changes while something happens.
type Mark = (Phase, u64, u64, u64);

fn mark(progress: &Progress) -> Mark {
    let moved = progress.traffic.total.received.saturating_add(progress.traffic.total.duplicate);
    (progress.phase, progress.done, progress.scan.bytes_done, moved)
}

fn begin(event: ContentEvent, output: &Output) {
    if let ContentEvent::Manifest { name, size, files } = &event {
        let files = human::count(u64::from(*files), "file");
        output.say(format!("fetching '{name}': {} in {files}", human::bytes(*size)));
    }
    tell(event, output);
}

fn show(bar: &Meter, progress: &Progress, rate: &mut Growth) {
    bar.set_prefix(match progress.phase {
        _ if progress.blocked.is_some() => "paused",
        Phase::Manifest => "looking",
        Phase::Opening => "checking",
        Phase::Downloading => "fetching",
        Phase::Finishing => "placing",
        Phase::Serving => "serving",
    });
    let (done, total) = match progress.phase {
        Phase::Opening => (progress.scan.bytes_done, progress.scan.bytes_total),
        _ => (progress.done, progress.total),
    };
    if bar.length() != Some(total) {
        bar.set_length(total);
        // What was there already is no measure of how fast the rest comes.
        bar.set_position(done);
        bar.reset_eta();
    }
    bar.set_position(done);
    let rate = rate.look(progress.done);
    let left = progress.total.saturating_sub(progress.done);
    let mut text = human::count(progress.peers as u64, "peer");
    if progress.phase == Phase::Downloading && left > 0 {
        if progress.unavailable > 0 && progress.peers > 0 {
            let missing = human::count(progress.unavailable as u64, "chunk");
            text += &format!(", {missing} held by nobody who is connected");
        } else if let Some(seconds) = left.checked_div(rate) {
            text += &format!(", {} left", HumanDuration(Duration::from_secs(seconds)));
        }
    }
    bar.set_message(text);
}
