//! The API of a daemon in this process, over its sockets and without any.

mod asking;
mod common;
mod crowd;
mod descriptors;
mod events;
mod guard;
mod library;
mod requests;
mod server;
mod why;
