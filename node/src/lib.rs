//! The node: shares and fetches contents.
//!
//! - [`cli`]: the commands of the binary `shoal`.
//! - [`net`]: connections, streams, and the task that runs each content. Start with [`net::Node`].
//! - [`store`]: bytes on disk.
//!
//! The binary `shoal` is a thin shell around [`cli::main`].

pub mod cli;
pub mod net;
pub mod store;
