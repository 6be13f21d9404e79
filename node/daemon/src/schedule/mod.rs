//! Bandwidth limits, and when they hold.
//!
//! What this is not: a clock. Who asks says which day and minute it is, by the clock on the wall.

mod text;

/// Minutes of a day.
const DAY: u16 = 24 * 60;
/// Minutes of a week.
const WEEK: u16 = 7 * DAY;
/// The most rules of a schedule.
const MAX_RULES: usize = 64;

/// Limits of the whole node.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of chunks sent per second.
    pub up: Option<u64>,
    /// Most bytes of chunks fetched per second.
    pub down: Option<u64>,
}

/// Limits by the time of day: the first rule that holds counts.
///
/// As text: its rules, each on a line or with a semicolon between them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schedule {
    /// At most 64.
    pub rules: Vec<ScheduleRule>,
}

/// Limits for some hours of some days.
///
/// As text: days, hours, limits, such as `mon-fri 08:00-18:00 up=1MB down=50mbit` or `daily 22:00-06:00 unlimited`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleRule {
    /// Which days of the week, Monday first.
    pub days: [bool; 7],
    /// From this minute of the day on.
    pub from: u16,
    /// Until this minute of the day; if not after `from`, that of the next day.
    pub until: u16,
    /// What holds then.
    pub limits: Limits,
}

/// Why a text is no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a rule of a schedule: {0}; write for example 'mon-fri 08:00-18:00 up=1MB down=50mbit'")]
pub struct ScheduleError(pub String);

impl Schedule {
    /// What it says for a minute of the day, on a day of the week of which Monday is 0; `None`: nothing.
    pub fn at(&self, weekday: usize, minute: u16) -> Option<Limits> {
        self.rules.iter().find(|rule| rule.holds(weekday % 7, minute)).map(|rule| rule.limits)
    }

    /// How many minutes later it says something else; `None`: never.
    pub fn next_change(&self, weekday: usize, minute: u16) -> Option<u16> {
        let now = (weekday % 7) as u16 * DAY + minute;
        let said = self.at(weekday, minute);
        let ends = self.rules.iter().flat_map(|rule| [rule.from, rule.until]);
        let mut later: Vec<u16> = ends
            .flat_map(|end| (0..7).map(move |day| (day * DAY + end) % WEEK))
            .map(|at| (at + WEEK - now) % WEEK)
            .filter(|after| *after > 0)
            .collect();
        later.sort_unstable();
        later.into_iter().find(|after| {
            let at = (now + after) % WEEK;
            self.at(usize::from(at / DAY), at % DAY) != said
        })
    }
}

impl ScheduleRule {
    fn holds(&self, weekday: usize, minute: u16) -> bool {
        if self.from < self.until {
            return self.days[weekday] && (self.from..self.until).contains(&minute);
        }
        let yesterday = (weekday + 6) % 7;
        (self.days[weekday] && minute >= self.from) || (self.days[yesterday] && minute < self.until)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn schedule(text: &str) -> Schedule {
        text.parse().unwrap()
    }

    fn up(up: u64) -> Option<Limits> {
        Some(Limits { up: Some(up), down: None })
    }

    #[test]
    fn the_first_rule_that_holds_counts() {
        let schedule = schedule("mon-fri 08:00-18:00 up=1MB; daily 12:00-13:00 up=2MB");
        assert_eq!(schedule.at(0, 8 * 60), up(1_000_000));
        assert_eq!(schedule.at(0, 12 * 60), up(1_000_000));
        assert_eq!(schedule.at(5, 12 * 60), up(2_000_000));
        assert_eq!(schedule.at(4, 18 * 60), None);
        assert_eq!(schedule.at(0, 8 * 60 - 1), None);
    }

    #[test]
    fn hours_may_go_over_midnight_and_over_the_week() {
        let schedule = schedule("sun 22:00-06:00 up=1MB");
        assert_eq!(schedule.at(6, 22 * 60), up(1_000_000));
        assert_eq!(schedule.at(0, 5 * 60 + 59), up(1_000_000));
        assert_eq!(schedule.at(0, 6 * 60), None);
        assert_eq!(schedule.at(0, 22 * 60), None);
        assert_eq!(schedule.next_change(6, 21 * 60), Some(60));
        assert_eq!(schedule.next_change(6, 23 * 60), Some(7 * 60));
        assert_eq!(schedule.next_change(0, 6 * 60), Some(6 * DAY + 16 * 60));
    }

    #[test]
    fn a_schedule_that_always_says_the_same_never_changes() {
        assert_eq!(schedule("daily 07:00-07:00 up=1MB").next_change(3, 5), None);
        assert_eq!(Schedule::default().next_change(3, 5), None);
        assert_eq!(Schedule::default().at(3, 5), None);
        // Two rules that say the same are no change where they meet.
        let twice = schedule("daily 00:00-12:00 up=1MB; daily 12:00-18:00 up=1MB");
        assert_eq!(twice.next_change(0, 0), Some(18 * 60));
    }

    fn rules() -> impl Strategy<Value = ScheduleRule> {
        let days = prop::array::uniform7(any::<bool>()).prop_filter("some day", |days| days.contains(&true));
        let rate = || prop::option::of(1024_u64..1 << 40);
        (days, 0..DAY, 0..=DAY, rate(), rate()).prop_map(|(days, from, until, up, down)| ScheduleRule {
            days,
            from,
            until,
            limits: Limits { up, down },
        })
    }

    proptest! {
        #[test]
        fn text_reads_back(rules in prop::collection::vec(rules(), 0..8)) {
            let schedule = Schedule { rules };
            prop_assert_eq!(schedule.to_string().parse(), Ok(schedule));
        }

        #[test]
        fn the_next_change_is_the_first(rules in prop::collection::vec(rules(), 0..4), now in 0..WEEK) {
            let schedule = Schedule { rules };
            let at = |minute: u16| schedule.at(usize::from(minute % WEEK / DAY), minute % DAY);
            let first = (1..WEEK).find(|after| at(now + after) != at(now));
            prop_assert_eq!(schedule.next_change(usize::from(now / DAY), now % DAY), first);
        }

        #[test]
        fn no_text_makes_it_panic(text in "[a-z0-9:;=, -]{0,40}") {
            let _ = text.parse::<Schedule>();
        }
    }
}
