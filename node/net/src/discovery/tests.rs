//! Nodes that find each other, in one process.
