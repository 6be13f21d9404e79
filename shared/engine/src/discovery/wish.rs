//! What a content wants of the search for peers.

/// What a content wants.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ContentWish {
    /// Something is missing, so others are looked for.
    pub hungry: bool,
    /// What is missing comes from several peers, so there is no hurry to find more.
    pub supplied: bool,
    /// Something is here that others may have, so they are told.
    pub holds: bool,
}
