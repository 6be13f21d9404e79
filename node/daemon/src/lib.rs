//! The node that stays: a library of shared and fetched contents that outlives the process.
//!
//! A [`Daemon`] keeps a [`Node`](shoal_net::Node) and a database in its data folder. Each content in the database is
//! shared or fetched again after a restart, in whatever way the process before it ended. It imports what is to be
//! shared, watches shared folders if told, and keeps bandwidth limits by the time of day.
//!
//! What this is not: it speaks to no user and no program. `shoal-api` does that, on top of this.
//!
//! What always holds: whatever was accepted is in the database before the caller hears of it; one data folder belongs
//! to one process at a time; a content that is complete and did not change is not hashed again at a start.

mod activity;
mod adding;
mod checks;
mod config;
mod contents;
mod core;
mod daemon;
mod error;
mod event;
mod explaining;
mod folder;
mod follow;
mod importing;
mod item;
mod keeping;
mod library;
mod limiting;
mod queue;
mod rate;
mod remembering;
mod request;
mod restoring;
mod running;
mod schedule;
#[cfg(test)]
mod tests;
mod trackers;
mod watching;

pub use activity::{
    ActivityLog, ActivityRecorder, ActivitySender, LogEvent, LogFilter, LogLine, LogReader, LogValue,
};
pub use config::DaemonConfig;
pub use daemon::Daemon;
pub use error::DaemonError;
pub use event::DaemonEvent;
pub use item::{Import, ImportId, ImportState, Item, ItemState, Origin};
pub use keeping::{StoreFound, StoreSettings, StoreStatus};
pub use rate::parse_rate;
pub use request::{FetchRequest, ShareRequest};
pub use schedule::{Limits, Schedule, ScheduleError, ScheduleRule};
