//! Going in good order: what the node keeps for others is handed over first.

use shoal_daemon::Daemon;
use shoal_wire::store::CopyState;

use super::super::human;
use super::super::output::Output;

/// Gives what is kept for others to other nodes, and says how that ended.
pub(crate) async fn hand_over(daemon: &Daemon, output: &Output) {
    let keeps = |state| matches!(state, CopyState::Held);
    let status = daemon.store_status().ok();
    let kept = status.map_or(0, |it| it.contents.iter().filter(|it| keeps(it.state)).count());
    if kept > 0 {
        output.say(format!("handing over {} that this node keeps …", human::count(kept as u64, "content")));
    }
    let Some(farewell) = daemon.leave_store().await.filter(|_| kept > 0) else { return };
    output.say(format!("handed over: {} of {kept} are kept by as many others as wanted", farewell.safe));
    if farewell.short > 0 {
        output.warn(format!(
            "{} kept by others, but by fewer than wanted",
            human::count(farewell.short as u64, "content")
        ));
    }
    if farewell.alone > 0 {
        output.warn(format!(
            "{} kept by nobody else, and here again when this node is",
            human::count(farewell.alone as u64, "content")
        ));
    }
}
