//! Local control of a daemon over HTTP and JSON: server, client, and the messages between them.
//!
//! The server listens on a Unix socket that only its user may use, and, if asked, on loopback TCP with a token. Whoever may
//! use it can read and write what the daemon's user can.
//!
//! What this is not: a protocol between peers, or anything to be reached from other machines.
//!
//! What always holds: every list is paged and every body bounded; what comes from other peers is data in JSON, never
//! markup or a command; a request without the right to it learns nothing but that.

mod app;
mod client;
mod convert;
mod events;
mod extract;
mod in_process;
mod library;
pub mod metrics;
pub mod model;
mod page;
mod refusal;
mod resolve;
mod routes;
mod server;
mod tracker_answers;

pub use client::{ApiEvents, Client, ClientError};
pub use in_process::router;
pub use server::{ApiConfig, ApiError, ApiServer, serve};
