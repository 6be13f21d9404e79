//! Jobs: one task per content that is fetched or served.
//!
//! A job carries what happens (connections, answers, chunks that were stored, time) to the engine's
//! [`Member`](shoal_engine::Member), and carries out what that says. It decides nothing about peers. It owns the content's
//! store; other tasks read chunks from it.
//!
//! A fetched content goes through [`Phase`]s: manifest, opening the target, downloading, finishing, and then serving. A
//! shared one starts at serving. From the moment the manifest is known, the job answers others, and serves each
//! chunk once it is verified and stored.
//!
//! What always holds: when a job ends, in whatever way, its place in the library, its uploads, its streams and its use
//! of connections are given back by their guards.

mod account;
mod answers;
mod bytes;
mod carry;
mod disk_trouble;
mod done;
mod ending;
mod fetching;
mod finding;
mod goal;
mod include;
mod inquiries;
mod intent;
mod opening;
mod questions;
mod report;
mod reporting;
mod roles;
mod run;
mod shelf;
mod situation;
mod state;
mod trackers;
mod types;

pub use self::include::{Include, IncludeError};
pub(crate) use self::intent::Intent;
pub use self::intent::{FetchOptions, ServeOptions};
pub(crate) use self::report::{Outcome, Parting, Report};
pub(crate) use self::state::Job;
pub use self::types::{ContentEvent, Failure, Finished, Phase, Progress};
