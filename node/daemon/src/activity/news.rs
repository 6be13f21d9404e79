//! What a person should hear of a content, as events of the log.

use std::time::SystemTime;

use shoal_net::{ContentEvent, NodeEvent};

use super::format::LogEvent;

/// An event as it is logged; none for one that is told as something that the node did.
pub(super) fn line_of(event: NodeEvent) -> Option<LogEvent> {
    let now = |word| LogEvent::new(SystemTime::now(), word);
    let logged = match event.event {
        ContentEvent::Manifest { name, size, files } => {
            now("manifest").with("name", name).with("bytes", size).with("files", u64::from(files))
        }
        ContentEvent::Blocked(why) => now("disk_blocked").with("why", why),
        ContentEvent::Unblocked => now("disk_unblocked"),
        ContentEvent::Withdrawn(words) => now("file_withdrawn").with("why", words),
        ContentEvent::Unavailable { chunks } => now("chunks_unavailable").with("chunks", chunks as u64),
        ContentEvent::TrackersUseless(why) => {
            let each: Vec<String> =
                why.iter().map(|(tracker, error)| format!("{tracker}: {error}")).collect();
            now("trackers_useless").with("why", each.join("; "))
        }
        ContentEvent::Safe { copies } => now("content_safe").with("copies", copies as u64),
        ContentEvent::GoalReached(goal) => {
            now("goal_reached").with("goal", format!("{goal:?}").to_lowercase())
        }
        ContentEvent::BadPeer { .. } | ContentEvent::Finished(_) | ContentEvent::Ended => return None,
    };
    Some(LogEvent { content: Some(event.content.to_string()), ..logged })
}
