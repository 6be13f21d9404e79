//! Listens: on a Unix socket, and on TCP if asked.
//!
//! The kernel says which user is at the other end of a Unix connection; only the daemon's own and root are served. A TCP connection
//! proves itself by a token in every request, and says by `Host` and `Origin` that no page of somebody else's sent it.
//!
//! What always holds: at most 64 connections at once, 8 of them only for the Unix socket; a connection on which nothing moves ends;
//! some descriptors are kept back for when everything else has used up all.

mod accept;
mod config;
mod connection;
mod error;
mod guard;
mod idle;
mod places;
mod serve;
mod spares;
mod token;
mod unix;

pub use config::ApiConfig;
pub use error::ApiError;
pub use serve::{ApiServer, serve};
