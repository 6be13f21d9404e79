//! The node: shares and fetches contents.
//!
//! - [`store`]: bytes on disk.

pub mod store;
