//! Choosing lines of an activity log.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use serde_json::{Map, Value};

/// A line that was read. Whoever shows it escapes it: a file may hold anything.
#[derive(Debug, Clone, PartialEq)]
pub struct LogLine {
    fields: Map<String, Value>,
}

impl LogLine {
    /// Reads a line; `None` if it is not a JSON object.
    pub fn parse(line: &str) -> Option<Self> {
        match serde_json::from_str(line) {
            Ok(Value::Object(fields)) => Some(Self { fields }),
            _ => None,
        }
    }

    /// A field that is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(name)?.as_str()
    }

    /// When it happened.
    pub fn time(&self) -> Option<SystemTime> {
        system_time(self.text("time")?.parse().ok()?)
    }

    /// All but time and event, by name, as `name=value`.
    pub fn details(&self) -> String {
        let rest = self.fields.iter().filter(|(name, _)| !matches!(&name[..], "time" | "event"));
        let shown = rest.map(|(name, value)| match value {
            Value::String(text) => format!("{name}={text}"),
            other => format!("{name}={other}"),
        });
        shown.collect::<Vec<_>>().join(" ")
    }
}

/// To the millisecond; what was before 1970 counts as then.
fn system_time(time: Timestamp) -> Option<SystemTime> {
    let since = u64::try_from(time.as_millisecond()).unwrap_or(0);
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(since))
}

/// Which lines are wanted; a line has to meet all that is given.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LogFilter {
    /// The beginning or the end of a peer id.
    pub peer: Option<String>,
    /// The beginning or the end of a content id.
    pub content: Option<String>,
    /// The event.
    pub event: Option<String>,
    /// Not before this time. Lines without a time are left out then.
    pub since: Option<SystemTime>,
}

impl LogFilter {
    /// Whether a line is wanted.
    pub fn takes(&self, line: &LogLine) -> bool {
        let is_end = |wanted: &Option<String>, id: Option<&str>| match (wanted, id) {
            (None, _) => true,
            (Some(wanted), Some(id)) => id.starts_with(&wanted[..]) || id.ends_with(&wanted[..]),
            (Some(_), None) => false,
        };
        let is_event = self.event.as_deref().is_none_or(|event| line.text("event") == Some(event));
        let is_late = self.since.is_none_or(|since| line.time().is_some_and(|time| time >= since));
        is_end(&self.peer, line.text("peer"))
            && is_end(&self.content, line.text("content"))
            && is_event
            && is_late
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> LogLine {
        LogLine::parse(
            r#"{"time":"2026-01-02T03:04:05.006Z","event":"connected","peer":"12D3abcXYZ","address":"/ip4/1.2.3.4","n":5}"#,
        )
        .unwrap()
    }

    #[test]
    fn a_line_has_to_meet_all_that_is_given() {
        let peer = |peer: &str| LogFilter { peer: Some(peer.into()), ..LogFilter::default() };
        let event = |event: &str| LogFilter { event: Some(event.into()), ..LogFilter::default() };
        let since =
            |since: &str| LogFilter { since: system_time(since.parse().unwrap()), ..LogFilter::default() };
        let content = LogFilter { content: Some("bafy".into()), ..LogFilter::default() };
        for (filter, takes) in [
            (LogFilter::default(), true),
            (peer("12D3"), true),
            (peer("XYZ"), true),
            (peer("abc"), false),
            (event("connected"), true),
            (event("connect"), false),
            (since("2026-01-02T03:04:05Z"), true),
            (since("2026-01-02T03:04:06Z"), false),
            (content, false),
            (LogFilter { event: Some("banned".into()), ..peer("XYZ") }, false),
        ] {
            assert_eq!(filter.takes(&line()), takes, "{filter:?}");
        }
    }

    #[test]
    fn details_are_what_is_left() {
        assert_eq!(line().details(), "address=/ip4/1.2.3.4 n=5 peer=12D3abcXYZ");
    }

    #[test]
    fn what_is_no_object_is_no_line() {
        for text in ["", "[]", "5", "{", "\"x\""] {
            assert_eq!(LogLine::parse(text), None, "{text}");
        }
        let odd = LogLine::parse(r#"{"time":5,"event":null}"#).unwrap();
        assert_eq!((odd.time(), odd.text("event")), (None, None));
        assert!(LogFilter::default().takes(&odd));
    }
}
