//! Going on after a restart, and with what waits for its files or for somebody to ask.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use shoal_content::ContentId;

use crate::ItemState;
use crate::core::Core;
use crate::library::Standing;
use crate::queue::Task;
use crate::running::is_filled;

/// Contents that are begun at the same time.
const AT_ONCE: usize = 8;
/// How often what is waited for is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Begins with everything that is in the library; then, now and then, with what waits.
pub(crate) async fn run(core: Arc<Core>) {
    let all = core.contents.ids(|entry| entry.record.standing == Standing::Active);
    tokio::select! {
        () = core.stop.cancelled() => return,
        () = begin_all(&core, all) => {}
    }
    loop {
        tokio::select! {
            () = core.stop.cancelled() => return,
            () = core.look.notified() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        tokio::select! {
            () = core.stop.cancelled() => return,
            () = look(&core) => {}
        }
    }
}

async fn begin_all(core: &Core, contents: Vec<ContentId>) {
    let begin = |content| async move {
        // A failure is the content's state.
        let _ = core.begin(content).await;
    };
    futures::stream::iter(contents).for_each_concurrent(AT_ONCE, begin).await;
}

/// Lets new options take effect for everything that the node has, or tries to begin.
pub(crate) async fn begin_all_anew(core: Arc<Core>) {
    let all = core.contents.ids(|entry| entry.state == ItemState::Running);
    let begin = |content| core.begin_anew(content);
    tokio::select! {
        () = core.stop.cancelled() => {}
        () = futures::stream::iter(all).for_each_concurrent(AT_ONCE, begin) => core.look.notify_one(),
    }
}

async fn look(core: &Core) {
    let look = |content| look_at(core, content);
    futures::stream::iter(core.contents.due(Instant::now())).for_each_concurrent(AT_ONCE, look).await;
    futures::stream::iter(core.queue.parked())
        .for_each_concurrent(AT_ONCE, |task| look_for(core, task))
        .await;
}

async fn look_at(core: &Core, content: ContentId) {
    let waits_for = core.contents.change(content, |entry| match &entry.state {
        ItemState::Waiting { path } => Some(path.clone()),
        _ => None,
    });
    if let Some(Some(path)) = waits_for {
        let is_complete = core.contents.record(content).is_some_and(|record| record.complete);
        // A download goes to an empty folder too.
        let look = move || if is_complete { is_filled(&path) } else { path.is_dir() };
        if !tokio::task::spawn_blocking(look).await.unwrap_or(false) {
            // Once something is there, a close look comes at once.
            core.contents.change(content, |entry| entry.hope(Instant::now()));
            return;
        }
    }
    // A failure is the content's state.
    let _ = core.begin(content).await;
}

async fn look_for(core: &Core, task: Task) {
    let paths = task.request.paths.clone();
    let look = move || paths.iter().all(|path| path.exists());
    if tokio::task::spawn_blocking(look).await.unwrap_or(false) {
        core.queue.unpark(task.id);
    }
}
