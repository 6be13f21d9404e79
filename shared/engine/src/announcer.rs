//! When to register at rendezvous points, and when to ask them.

use std::time::Duration;

use super::Backoff;

/// How long a registration is asked to last. Renewed at half of what the point grants.
/// Short, so that a node that crashed is soon forgotten.
pub const TTL: Duration = Duration::from_secs(60);
/// No point is renewed at more often than this, whatever time it grants.
const SHORTEST: Duration = Duration::from_secs(2);
/// Pauses between the first questions, while a swarm forms; the last one repeats.
const DISCOVER_AFTER: [Duration; 5] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(10),
    Duration::from_secs(30),
];

/// What to do at a rendezvous point, which is named by its place in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnnouncerOutput {
    /// Register, asking for [`TTL`].
    Register(usize),
    /// Ask for the other members.
    Discover(usize),
}

#[derive(Debug)]
struct Task {
    /// When it is due; `None` while it is under way.
    due: Option<Duration>,
    backoff: Backoff,
}

impl Task {
    fn new(now: Duration) -> Self {
        Self { due: Some(now), backoff: Backoff::new(Duration::from_secs(2), TTL / 2) }
    }

    fn start_if_due(&mut self, now: Duration) -> bool {
        let due = self.due.is_some_and(|at| at <= now);
        if due {
            self.due = None;
        }
        due
    }

    fn fail(&mut self, now: Duration) {
        self.due = Some(now + self.backoff.fail());
    }

    fn succeed(&mut self, again: Duration) {
        self.backoff.succeed();
        self.due = Some(again);
    }
}

#[derive(Debug)]
struct Point {
    register: Task,
    /// This node's addresses have changed while it was registered.
    outdated: bool,
    discover: Task,
    discovered: usize,
}

/// Keeps one content registered at every rendezvous point, each on its own: one that does not answer
/// holds up none of the others.
#[derive(Debug)]
pub struct Announcer {
    points: Vec<Point>,
    registers: bool,
}

impl Announcer {
    /// Starts with `points` rendezvous points, all due at once. A node that does not serve asks without registering.
    pub fn new(now: Duration, points: usize, registers: bool) -> Self {
        let point =
            || Point { register: Task::new(now), outdated: false, discover: Task::new(now), discovered: 0 };
        let mut points: Vec<_> = (0..points).map(|_| point()).collect();
        if !registers {
            points.iter_mut().for_each(|point| point.register.due = None);
        }
        Self { points, registers }
    }

    /// The next thing that is due.
    pub fn poll(&mut self, now: Duration) -> Option<AnnouncerOutput> {
        self.points.iter_mut().enumerate().find_map(|(at, point)| {
            if point.register.start_if_due(now) {
                Some(AnnouncerOutput::Register(at))
            } else {
                point.discover.start_if_due(now).then_some(AnnouncerOutput::Discover(at))
            }
        })
    }

    /// When [`poll`](Self::poll) next has something.
    pub fn next_timeout(&self) -> Option<Duration> {
        self.points.iter().flat_map(|p| [p.register.due, p.discover.due]).flatten().min()
    }

    /// A point granted a registration for `ttl`, or did not.
    pub fn registered(&mut self, now: Duration, point: usize, ttl: Option<Duration>) {
        let Some(point) = self.points.get_mut(point) else { return };
        let outdated = std::mem::take(&mut point.outdated);
        match ttl {
            Some(_) if outdated => point.register.succeed(now + SHORTEST),
            Some(ttl) => point.register.succeed(now + (ttl.min(TTL) / 2).max(SHORTEST)),
            None => point.register.fail(now),
        }
    }

    /// This node's addresses have changed: it is registered anew, and what failed is tried again soon, because there
    /// may be another way now.
    pub fn addresses_changed(&mut self, now: Duration) {
        let soon = |task: &mut Task| task.due = task.due.map(|at| at.min(now + SHORTEST));
        for point in &mut self.points {
            match point.register.due {
                None => point.outdated = self.registers,
                Some(_) if point.register.backoff.failures() == 0 => point.register.due = Some(now),
                Some(_) => soon(&mut point.register),
            }
            if point.discover.backoff.failures() > 0 {
                soon(&mut point.discover);
            }
        }
    }

    /// A point answered a question, or did not.
    pub fn discovered(&mut self, now: Duration, point: usize, answered: bool) {
        let Some(point) = self.points.get_mut(point) else { return };
        if answered {
            let pause = DISCOVER_AFTER[point.discovered.min(DISCOVER_AFTER.len() - 1)];
            point.discovered += 1;
            point.discover.succeed(now + pause);
        } else {
            point.discover.fail(now);
        }
    }

    /// Whether every point has failed at the last try (and there is one).
    pub fn all_failing(&self) -> bool {
        let fails = |p: &Point| {
            let task = if self.registers { &p.register } else { &p.discover };
            task.backoff.failures() > 0
        };
        !self.points.is_empty() && self.points.iter().all(fails)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn renews_at_half_the_granted_time() {
        let mut announcer = Announcer::new(secs(0), 1, true);
        assert_eq!(announcer.poll(secs(0)), Some(AnnouncerOutput::Register(0)));
        assert_eq!(announcer.poll(secs(0)), Some(AnnouncerOutput::Discover(0)));
        assert_eq!(announcer.poll(secs(0)), None);
        announcer.registered(secs(0), 0, Some(secs(60)));
        assert_eq!(announcer.next_timeout(), Some(secs(30)));
        assert_eq!(announcer.poll(secs(29)), None);
        assert_eq!(announcer.poll(secs(30)), Some(AnnouncerOutput::Register(0)));
    }

    #[test]
    fn a_short_ttl_does_not_run_out_before_it_is_renewed() {
        for ttl in [4, 6, 10, 20] {
            let mut announcer = Announcer::new(secs(0), 1, true);
            announcer.poll(secs(0));
            announcer.registered(secs(0), 0, Some(secs(ttl)));
            assert_eq!(announcer.points[0].register.due, Some(secs(ttl) / 2));
        }
    }

    #[test]
    fn a_tiny_ttl_does_not_make_a_storm() {
        let mut announcer = Announcer::new(secs(0), 1, true);
        announcer.poll(secs(0));
        announcer.registered(secs(0), 0, Some(secs(0)));
        assert_eq!(announcer.points[0].register.due, Some(SHORTEST));
        announcer.registered(secs(0), 0, Some(secs(u64::MAX)));
        assert_eq!(announcer.points[0].register.due, Some(TTL / 2), "nor does a huge one end renewal");
    }

    #[test]
    fn new_addresses_are_registered_at_once_or_right_after_what_is_under_way() {
        let mut announcer = Announcer::new(secs(0), 2, true);
        while announcer.poll(secs(0)).is_some() {}
        announcer.registered(secs(0), 0, Some(secs(60)));
        announcer.addresses_changed(secs(1));
        assert_eq!(announcer.poll(secs(1)), Some(AnnouncerOutput::Register(0)));
        assert_eq!(announcer.poll(secs(1)), None);
        announcer.registered(secs(2), 0, Some(secs(60)));
        announcer.registered(secs(2), 1, Some(secs(60)));
        assert_eq!(announcer.poll(secs(2) + SHORTEST), Some(AnnouncerOutput::Register(1)));
        let mut fails = Announcer::new(secs(0), 1, true);
        while fails.poll(secs(0)).is_some() {}
        for now in (4..).step_by(5).take(9) {
            fails.registered(secs(now), 0, None);
            fails.addresses_changed(secs(now));
            assert_eq!(fails.poll(secs(now)), None, "one that fails is not asked at once");
            assert_eq!(fails.poll(secs(now) + SHORTEST), Some(AnnouncerOutput::Register(0)));
        }
        let mut asks = Announcer::new(secs(0), 1, false);
        asks.addresses_changed(secs(0));
        assert_eq!(asks.poll(secs(0)), Some(AnnouncerOutput::Discover(0)));
        assert_eq!(asks.poll(secs(0)), None, "who does not register does not begin to");
    }

    #[test]
    fn a_point_that_fails_is_asked_ever_less_and_the_others_go_on() {
        let mut announcer = Announcer::new(secs(0), 2, true);
        while announcer.poll(secs(0)).is_some() {}
        announcer.registered(secs(0), 0, None);
        announcer.registered(secs(0), 1, Some(secs(120)));
        assert!(!announcer.all_failing());
        assert_eq!(announcer.poll(secs(2)), Some(AnnouncerOutput::Register(0)));
        announcer.registered(secs(2), 0, None);
        assert_eq!(announcer.poll(secs(5)), None);
        assert_eq!(announcer.poll(secs(6)), Some(AnnouncerOutput::Register(0)));
        assert_eq!(announcer.poll(secs(30)), Some(AnnouncerOutput::Register(1)));
    }

    #[test]
    fn questions_are_frequent_at_first() {
        let mut announcer = Announcer::new(secs(0), 1, true);
        let mut times = vec![];
        for now in 0..100 {
            while let Some(output) = announcer.poll(secs(now)) {
                match output {
                    AnnouncerOutput::Register(at) => announcer.registered(secs(now), at, Some(TTL)),
                    AnnouncerOutput::Discover(at) => {
                        times.push(now);
                        announcer.discovered(secs(now), at, true)
                    }
                }
            }
        }
        assert_eq!(times, [0, 1, 3, 8, 18, 48, 78]);
    }
}
