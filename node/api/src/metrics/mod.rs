//! Figures of a node for Prometheus.
//!
//! - [`NodeFigures`]: what is shown, plain.
//! - [`registry`]: all that is shown of a node, with libp2p's own figures where the node records them;
//!   [`encode`] writes it as text.
//!
//! What this is not: a server. The API serves the text, and `shoal_rendezvous::metrics` has one for `--metrics`.
//!
//! What always holds: there is no label with the name of a peer or a content, and each label has a fixed set of values,
//! so the number of lines is bounded whatever peers do; asking waits for nobody.

mod encoding;
#[cfg(test)]
mod tests;

pub use self::encoding::{CONTENT_TYPE, FigureSource, NodeFigures, StateCounts, encode, registry};
