//! Which entries of a manifest are wanted.

use fixedbitset::FixedBitSet;

/// Which entries of a manifest are wanted.
#[derive(Debug, Clone, Default)]
pub enum Selection {
    /// All of them.
    #[default]
    All,
    /// Those whose bit is set; bits stand for the places in `Manifest::entries`, missing bits are 0.
    Entries(FixedBitSet),
}
