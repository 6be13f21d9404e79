//! Schedules as text.

use std::fmt;
use std::str::FromStr;

use super::{DAY, Limits, MAX_RULES, Schedule, ScheduleError, ScheduleRule};
use crate::rate::{parse_rate, show_rate};

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

fn wrong<T>(why: impl Into<String>) -> Result<T, ScheduleError> {
    Err(ScheduleError(why.into()))
}

impl FromStr for Schedule {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        let lines = text.split([';', '\n']).map(str::trim).filter(|line| !line.is_empty());
        let rules: Vec<ScheduleRule> = lines.take(MAX_RULES + 1).map(str::parse).collect::<Result<_, _>>()?;
        if rules.len() > MAX_RULES {
            return wrong(format!("there are more than {MAX_RULES}"));
        }
        Ok(Self { rules })
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, rule) in self.rules.iter().enumerate() {
            let before = if n == 0 { "" } else { "; " };
            write!(f, "{before}{rule}")?;
        }
        Ok(())
    }
}

impl FromStr for ScheduleRule {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        let lower = text.to_ascii_lowercase();
        let mut words = lower.split_whitespace();
        let days = days(words.next().unwrap_or_default())?;
        let hours = words.next().unwrap_or_default();
        let Some((from, until)) = hours.split_once('-') else {
            return wrong("the hours are missing after the days");
        };
        let (from, until) = (minute(from)?, minute(until)?);
        if from == DAY {
            return wrong("a day's hours begin before 24:00");
        }
        let mut limits = Limits::default();
        let mut said = false;
        for word in words {
            let rate = |text| parse_rate(text).map_err(ScheduleError).map(Some);
            match word.split_once('=') {
                Some(("up", text)) if limits.up.is_none() => limits.up = rate(text)?,
                Some(("down", text)) if limits.down.is_none() => limits.down = rate(text)?,
                None if word == "unlimited" && !said => {}
                _ => return wrong("after the hours come up=RATE, down=RATE or both, or 'unlimited'"),
            }
            if said && limits == Limits::default() {
                return wrong("'unlimited' stands alone");
            }
            said = true;
        }
        if !said {
            return wrong("it says no limit");
        }
        Ok(Self { days, from, until, limits })
    }
}

impl fmt::Display for ScheduleRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.days == [true; 7] {
            f.write_str("daily")?;
        } else {
            let chosen = DAYS.iter().zip(self.days).filter(|(_, chosen)| *chosen).map(|(day, _)| *day);
            f.write_str(&chosen.collect::<Vec<_>>().join(","))?;
        }
        let time = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
        write!(f, " {}-{}", time(self.from), time(self.until))?;
        let Limits { up, down } = self.limits;
        if up.is_none() && down.is_none() {
            return f.write_str(" unlimited");
        }
        up.map_or(Ok(()), |rate| write!(f, " up={}", show_rate(rate)))?;
        down.map_or(Ok(()), |rate| write!(f, " down={}", show_rate(rate)))
    }
}

fn days(text: &str) -> Result<[bool; 7], ScheduleError> {
    if text == "daily" {
        return Ok([true; 7]);
    }
    let mut days = [false; 7];
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (day(first)?, day(last)?);
        // From Friday to Monday goes over the end of the week.
        let count = (last + 7 - first) % 7 + 1;
        (0..count).for_each(|n| days[(first + n) % 7] = true);
    }
    Ok(days)
}

fn day(text: &str) -> Result<usize, ScheduleError> {
    let found = DAYS.iter().position(|day| *day == text);
    found.ok_or_else(|| ScheduleError("days are mon, tue, wed, thu, fri, sat, sun, or daily".into()))
}

/// The minute of a day, up to 24:00.
fn minute(text: &str) -> Result<u16, ScheduleError> {
    let parsed = text.split_once(':').and_then(|(hour, minute)| {
        let two_digits = |text: &str| text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
        let fits = two_digits(hour) && two_digits(minute);
        let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
        (fits && minute < 60 && hour * 60 + minute <= DAY).then_some(hour * 60 + minute)
    });
    parsed.ok_or_else(|| ScheduleError("times are written as 08:00, up to 24:00".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_lists_and_ranges() {
        let chosen = |text: &str| days(text).unwrap().map(u8::from);
        assert_eq!(chosen("mon-fri"), [1, 1, 1, 1, 1, 0, 0]);
        assert_eq!(chosen("fri-mon"), [1, 0, 0, 0, 1, 1, 1]);
        assert_eq!(chosen("tue,sat-sun"), [0, 1, 0, 0, 0, 1, 1]);
        assert_eq!(chosen("daily"), [1; 7]);
    }

    #[test]
    fn a_rule_is_read() {
        let rule: ScheduleRule = "Mon-Fri 08:00-18:00 up=1MB down=50mbit".parse().unwrap();
        let limits = Limits { up: Some(1_000_000), down: Some(6_250_000) };
        assert_eq!((rule.from, rule.until, rule.limits), (480, 1080, limits));
        let rule: ScheduleRule = "daily 00:00-24:00 unlimited".parse().unwrap();
        assert_eq!((rule.from, rule.until, rule.limits), (0, 1440, Limits::default()));
    }

    #[test]
    fn what_is_no_rule_says_why() {
        for (text, why) in [
            ("", "days are"),
            ("mon", "hours"),
            ("someday 08:00-09:00 up=1MB", "days are"),
            ("mon 8:00-9:00 up=1MB", "times"),
            ("mon 08:60-09:00 up=1MB", "times"),
            ("mon 08:00-24:01 up=1MB", "times"),
            ("mon 24:00-06:00 up=1MB", "before 24:00"),
            ("mon 08:00-09:00", "no limit"),
            ("mon 08:00-09:00 up=fast", "rate"),
            ("mon 08:00-09:00 up=1MB up=2MB", "after the hours"),
            ("mon 08:00-09:00 unlimited unlimited", "after the hours"),
            ("mon 08:00-09:00 up=1MB unlimited", "after the hours"),
        ] {
            let error = text.parse::<ScheduleRule>().unwrap_err();
            assert!(error.0.contains(why), "{text}: {error}");
        }
        let many = vec!["daily 00:00-01:00 up=1MB"; MAX_RULES + 1].join(";");
        assert!(many.parse::<Schedule>().unwrap_err().0.contains("more than 64"));
    }
}
