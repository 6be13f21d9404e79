//! How far something is: a bar on a terminal, elsewhere a plain line every few seconds, and nothing when quiet.
//!
//! What this is not: it does not know where lines go; that is the door's affair that made it. What always holds: whoever
//! tells a meter how far something is need not know which kind it is; a line comes only when it is due and says
//! something new.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar};

use super::human;

/// The first line comes after this time: what is done sooner needs none.
const FIRST: Duration = Duration::from_secs(2);
/// The others follow one another after this time.
const EVERY: Duration = Duration::from_secs(5);

/// See the module. Clones show the same.
#[derive(Clone)]
pub(super) struct Meter(Kind);

#[derive(Clone)]
enum Kind {
    Bar(ProgressBar),
    Lines(Arc<Mutex<Lines>>),
    Nothing,
}

impl Meter {
    /// Drawn on a terminal.
    pub(super) fn bar(bar: ProgressBar) -> Self {
        Self(Kind::Bar(bar))
    }

    /// Lines that go to `write`, each without a line feed.
    pub(super) fn lines(prefix: String, total: Option<u64>, write: fn(&str)) -> Self {
        let look = Look { prefix, total, ..Look::default() };
        Self(Kind::Lines(Arc::new(Mutex::new(Lines {
            start: Instant::now(),
            base: (Duration::ZERO, 0),
            look,
            cadence: Cadence::default(),
            write,
        }))))
    }

    /// Shows nothing.
    pub(super) fn nothing() -> Self {
        Self(Kind::Nothing)
    }

    /// Bytes that there are in all.
    pub(super) fn set_length(&self, total: u64) {
        self.set(|bar| bar.set_length(total), |lines| lines.look.total = Some(total));
    }

    /// What was told last; `None` if it shows nothing.
    pub(super) fn length(&self) -> Option<u64> {
        match &self.0 {
            Kind::Bar(bar) => bar.length(),
            Kind::Lines(lines) => lock(lines).look.total,
            Kind::Nothing => None,
        }
    }

    /// Bytes that are done.
    pub(super) fn set_position(&self, done: u64) {
        self.set(|bar| bar.set_position(done), |lines| lines.look.done = done);
    }

    /// What was told last; 0 if it shows nothing.
    pub(super) fn position(&self) -> u64 {
        match &self.0 {
            Kind::Bar(bar) => bar.position(),
            Kind::Lines(lines) => lock(lines).look.done,
            Kind::Nothing => 0,
        }
    }

    /// What is being done.
    pub(super) fn set_prefix(&self, prefix: &'static str) {
        self.set(|bar| bar.set_prefix(prefix), |lines| prefix.clone_into(&mut lines.look.prefix));
    }

    /// What else there is to say.
    pub(super) fn set_message(&self, message: impl Into<String>) {
        let message = message.into();
        match &self.0 {
            Kind::Bar(bar) => bar.set_message(message),
            _ => self.set(|_| {}, |lines| lines.look.message = message),
        }
    }

    /// What was done so far is no measure of how fast the rest goes.
    pub(super) fn reset_eta(&self) {
        self.set(ProgressBar::reset_eta, |lines| lines.base = (lines.start.elapsed(), lines.look.done));
    }

    /// Draws it again although nothing changed, so that a spinner turns.
    pub(super) fn tick(&self) {
        self.set(ProgressBar::tick, |_| {});
    }

    /// Takes it from the screen.
    pub(super) fn finish_and_clear(&self) {
        if let Kind::Bar(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }

    /// Leaves it on the screen as it is.
    pub(super) fn abandon(&self) {
        if let Kind::Bar(bar) = &self.0 {
            bar.abandon();
        }
    }

    fn set(&self, bar: impl FnOnce(&ProgressBar), lines: impl FnOnce(&mut Lines)) {
        match &self.0 {
            Kind::Bar(shown) => bar(shown),
            Kind::Lines(shown) => {
                let mut shown = lock(shown);
                lines(&mut shown);
                let now = shown.start.elapsed();
                shown.write_if_due(now);
            }
            Kind::Nothing => {}
        }
    }
}

fn lock(lines: &Mutex<Lines>) -> std::sync::MutexGuard<'_, Lines> {
    lines.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The state of a meter that writes lines. Times are counted from its start.
struct Lines {
    start: Instant,
    /// When the last line came or the counting began anew, and how many bytes were done then.
    base: (Duration, u64),
    look: Look,
    cadence: Cadence,
    write: fn(&str),
}

impl Lines {
    fn write_if_due(&mut self, now: Duration) {
        if self.cadence.is_due(now, &self.look) {
            let (since, before) = self.base;
            let seconds = now.saturating_sub(since).as_secs_f64().max(0.001);
            let rate = self.look.done.saturating_sub(before) as f64 / seconds;
            (self.write)(&self.look.text(rate as u64));
            self.base = (now, self.look.done);
        }
    }
}

/// What a meter was told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Look {
    prefix: String,
    message: String,
    /// Bytes.
    done: u64,
    /// Bytes; `None` for what is not counted in bytes, 0 while that is not known.
    total: Option<u64>,
}

impl Look {
    /// As a line, at a rate in bytes per second.
    fn text(&self, rate: u64) -> String {
        let mut parts = Vec::new();
        if let Some(total) = self.total.filter(|total| *total > 0) {
            let percent = u128::from(self.done.min(total)) * 100 / u128::from(total);
            parts.push(format!("{percent} %, {} of {}", human::bytes(self.done), human::bytes(total)));
            parts.push(human::rate(rate));
        }
        if !self.message.is_empty() {
            parts.push(self.message.clone());
        } else if let Some(seconds) = self.total.and_then(|t| t.saturating_sub(self.done).checked_div(rate))
            && seconds > 0
        {
            parts.push(format!("{} left", HumanDuration(Duration::from_secs(seconds))));
        }
        format!("{} {}", self.prefix, parts.join(", ")).trim_end().to_owned()
    }
}

/// When a line is due.
#[derive(Debug, Default)]
struct Cadence {
    /// When the last line came, and what it said.
    last: Option<(Duration, Look)>,
}

impl Cadence {
    /// Whether a line that says `look` is due; if so, it counts as written.
    fn is_due(&mut self, now: Duration, look: &Look) -> bool {
        let due = match &self.last {
            None => now >= FIRST,
            Some((at, said)) => now >= *at + EVERY && said != look,
        };
        if due {
            self.last = Some((now, look.clone()));
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn look(done: u64) -> Look {
        Look { prefix: "fetching".into(), message: "2 peers".into(), done, total: Some(10 << 20) }
    }

    #[test]
    fn the_first_line_is_due_after_two_seconds_and_the_others_every_five_if_there_is_news() {
        let mut cadence = Cadence::default();
        let mut due = |at: u32, done| cadence.is_due(at * SECOND / 10, &look(done));
        assert!(!due(0, 0) && !due(19, 1) && due(20, 2));
        assert!(!due(21, 3) && !due(69, 3) && due(70, 3));
        // Nothing new, for as long as that lasts.
        assert!(!due(120, 3) && !due(500, 3) && due(501, 4) && !due(502, 5));
    }

    #[test]
    fn a_line_says_how_much_how_fast_and_what_else() {
        assert_eq!(look(5 << 20).text(1 << 20), "fetching 50 %, 5.00 MiB of 10.00 MiB, 1.00 MiB/s, 2 peers");
        let hashing = Look { prefix: "hashing".into(), message: String::new(), ..look(5 << 20) };
        let text = hashing.text(1 << 20);
        assert_eq!(text, "hashing 50 %, 5.00 MiB of 10.00 MiB, 1.00 MiB/s, 5 seconds left");
        assert!(hashing.text(0).ends_with("0 B/s"), "no end is in sight");
        let unknown = Look { total: Some(0), ..look(0) };
        assert_eq!(unknown.text(0), "fetching 2 peers");
        let status = Look { total: None, message: String::new(), ..look(7) };
        assert_eq!(status.text(5), "fetching");
    }

    /// Also where more is done than there was to do, or the most that a number can say.
    #[test]
    fn a_line_never_says_more_than_all() {
        let text = Look { done: u64::MAX, total: Some(1), ..look(0) }.text(u64::MAX);
        assert!(text.starts_with("fetching 100 %"), "{text}");
        assert!(Look { total: Some(u64::MAX), ..look(u64::MAX) }.text(1).starts_with("fetching 100 %"));
    }

    #[test]
    fn the_rate_is_that_since_the_last_line_or_since_the_counting_began_anew() {
        let mut lines = Lines {
            start: Instant::now(),
            base: (SECOND, 4 << 20),
            look: look(8 << 20),
            cadence: Cadence::default(),
            write: |line| assert!(line.contains("2.00 MiB/s"), "{line}"),
        };
        lines.write_if_due(3 * SECOND);
        assert_eq!(lines.base, (3 * SECOND, 8 << 20));
        lines.write_if_due(4 * SECOND);
        assert_eq!(lines.base, (3 * SECOND, 8 << 20), "no line, no new base");
    }
}
