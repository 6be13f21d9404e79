//! Figures of a node for Prometheus.
//!
//! [`NodeMetrics`] has all that is shown of a daemon and its node, with libp2p's own figures where the node counts them, and
//! writes it as text.
//!
//! What this is not: a server. The API serves the text, and `shoal_rendezvous::metrics` has one for `--metrics`.
//!
//! What always holds: there is no label with the name of a peer or a content, and each label has a fixed set of values,
//! so the number of lines is bounded whatever peers do; asking waits for nobody.

mod encoding;
mod node;
#[cfg(test)]
mod tests;

pub use self::encoding::CONTENT_TYPE;
pub use self::node::NodeMetrics;
