//! Limits by the clock on the wall.

use std::sync::Arc;
use std::time::Duration;

use crate::core::Core;
use crate::schedule::Limits;

/// The clock is looked at this often at least: it may be set, and hours may be left out or come twice.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Sets the limits that hold, whenever they change.
pub(crate) async fn run(core: Arc<Core>) {
    let mut held = None;
    loop {
        let (limits, _) = core.limits();
        if held != Some(limits) {
            core.node.set_limits(limits.up, limits.down);
            held = Some(limits);
        }
        tokio::select! {
            () = core.stop.cancelled() => return,
            () = core.limits_set.notified() => {}
            () = tokio::time::sleep(core.until_next_limits()) => {}
        }
    }
}

impl Core {
    /// The limits that hold now, and whether the schedule says so.
    pub(crate) fn limits(&self) -> (Limits, bool) {
        let (weekday, minute, _) = wall_clock();
        let scheduled = self.options.schedule.at(weekday, minute);
        (scheduled.unwrap_or_else(|| self.own_limits()), scheduled.is_some())
    }

    fn until_next_limits(&self) -> Duration {
        let (weekday, minute, second) = wall_clock();
        let next = self.options.schedule.next_change(weekday, minute);
        let next = next.map(|minutes| Duration::from_secs(u64::from(minutes) * 60 - second));
        next.map_or(LOOK_EVERY, |next| next.min(LOOK_EVERY))
    }
}

/// The day of the week, of which Monday is 0, the minute of the day, and the second, where this machine stands.
fn wall_clock() -> (usize, u16, u64) {
    let now = jiff::ZonedDateTime::now();
    let weekday = now.weekday().to_monday_zero_offset();
    let minute = u16::from(now.hour().unsigned_abs()) * 60 + u16::from(now.minute().unsigned_abs());
    (usize::from(weekday.unsigned_abs()), minute, u64::from(now.second().unsigned_abs()))
}
