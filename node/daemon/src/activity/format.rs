//! Events as lines.

use std::time::SystemTime;

use jiff::Timestamp;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use shoal_printable::escaped_json;

/// A value in an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogValue {
    /// A number.
    Number(u64),
    /// A text, which may come from another peer.
    Text(String),
}

impl Serialize for LogValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(number) => serializer.serialize_u64(*number),
            Self::Text(text) => serializer.serialize_str(text),
        }
    }
}

impl From<u64> for LogValue {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<String> for LogValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEvent {
    /// When.
    pub time: SystemTime,
    /// What: a word of `docs/activity-log.md`.
    pub event: &'static str,
    /// The peer that it is about.
    pub peer: Option<String>,
    /// The content that it is about.
    pub content: Option<String>,
    /// What else is to be said. No two have the same name, and none is called like a field above.
    pub fields: Vec<(&'static str, LogValue)>,
}

impl LogEvent {
    /// Something that concerns no peer and no content.
    pub fn new(time: SystemTime, event: &'static str) -> Self {
        Self { time, event, peer: None, content: None, fields: Vec::new() }
    }

    /// The same with one more field.
    pub fn with(mut self, name: &'static str, value: impl Into<LogValue>) -> Self {
        self.fields.push((name, value.into()));
        self
    }

    /// The line, with a line feed at its end and no control character before that.
    pub fn line(&self) -> String {
        // A map of texts and numbers can always be written.
        let json = serde_json::to_string(self).unwrap_or_default();
        escaped_json(&json) + "\n"
    }
}

impl Serialize for LogEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("time", &rfc3339(self.time))?;
        map.serialize_entry("event", self.event)?;
        let ids = [("peer", &self.peer), ("content", &self.content)];
        for (name, id) in ids.into_iter().filter_map(|(name, id)| Some((name, id.as_ref()?))) {
            map.serialize_entry(name, id)?;
        }
        for (name, value) in &self.fields {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// In UTC, with milliseconds. A clock that is far off gives the nearest time that can be written.
fn rfc3339(time: SystemTime) -> String {
    let nearest = if time < SystemTime::UNIX_EPOCH { Timestamp::MIN } else { Timestamp::MAX };
    format!("{:.3}", Timestamp::try_from(time).unwrap_or(nearest))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use shoal_printable::is_unprintable;

    use super::*;

    #[test]
    fn a_line_is_as_documented() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123);
        let event = LogEvent {
            peer: Some("12D3".into()),
            content: Some("bafy".into()),
            ..LogEvent::new(time, "chunk_received").with("chunk", 7).with("bytes", 262_144)
        };
        assert_eq!(
            event.line(),
            "{\"time\":\"2023-11-14T22:13:20.123Z\",\"event\":\"chunk_received\",\"peer\":\"12D3\",\"content\":\"bafy\",\
             \"chunk\":7,\"bytes\":262144}\n"
        );
    }

    #[test]
    fn a_clock_that_is_far_off_is_written_as_well_as_can_be() {
        for time in [
            SystemTime::UNIX_EPOCH - Duration::from_secs(1 << 40),
            SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 50),
        ] {
            let line = LogEvent::new(time, "x").line();
            assert!(serde_json::from_str::<serde_json::Value>(&line).is_ok(), "{line}");
        }
    }

    proptest! {
        /// Whatever a peer says, its words stay inside of one line, and mean the same when it is read.
        #[test]
        fn each_line_is_one_json_object_without_control_characters(
            name in any::<String>(),
            peer in prop::option::of(any::<String>()),
            content in prop::option::of("\\PC{0,9}[\u{0}-\u{1f}\u{7f}-\u{9f}\u{202e}\u{2028}]{0,9}"),
            number in any::<u64>(),
            seconds in 0u64..1 << 40,
        ) {
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            let event = LogEvent {
                peer: peer.clone(),
                content: content.clone(),
                ..LogEvent::new(time, "connected").with("name", name.clone()).with("number", number)
            };
            let line = event.line();
            let body = line.strip_suffix('\n').unwrap();
            prop_assert!(!body.chars().any(is_unprintable), "{body:?}");
            let value: serde_json::Value = serde_json::from_str(body).unwrap();
            prop_assert_eq!(value["name"].as_str(), Some(&name[..]));
            prop_assert_eq!(value.get("peer").and_then(|it| it.as_str()), peer.as_deref());
            prop_assert_eq!(value.get("content").and_then(|it| it.as_str()), content.as_deref());
            prop_assert_eq!(value["number"].as_u64(), Some(number));
        }
    }
}
