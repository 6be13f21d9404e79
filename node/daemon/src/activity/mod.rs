//! The activity log: what a node does, a line of JSON for each event, in a file.
//!
//! - [`LogEvent`] and [`line`](LogEvent::line): the format, pure. `docs/activity-log.md` describes it.
//! - [`ActivityRecorder`]: what a node tells, as events.
//! - [`ActivityLog`]: writes events to a file, by a thread of its own.
//! - [`LogReader`] and [`LogFilter`]: read the file and those that it was rotated to, and choose lines.
//!
//! What this is not: the log of the program's own messages, which goes to standard error.
//!
//! What always holds: whoever logs never waits for the disk; what finds no room, or no place on the disk, is counted, and
//! the number is written as soon as that is possible; each line is one JSON object without control characters, whatever
//! peers put into their names; the file is readable by its owner alone, and all files together are bounded.

mod deeds;
mod filter;
mod format;
mod news;
mod reader;
mod recording;
mod rotating;
mod writer;

pub use self::filter::{LogFilter, LogLine};
pub use self::format::{LogEvent, LogValue};
pub use self::reader::LogReader;
pub use self::recording::ActivityRecorder;
pub use self::writer::{ActivityLog, ActivitySender};
