//! The messages of [`shoal_wire`] on streams, for every program that speaks them.
//!
//! - [`read_frame`], [`read_request`], [`write_frame`]: one message on any stream.
//! - [`FrameCodec`]: one request and one response on a stream, for libp2p's request-response.
//!
//! What this is not: it knows no protocol, only frames. What always holds: a length is checked before
//! anything of the body is read, memory grows only with what arrives, and what was read is a message within
//! its limits.

mod codec;
mod frames;

pub use codec::FrameCodec;
pub use frames::{read_body, read_frame, read_request, write_frame};
