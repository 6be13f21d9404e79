//! What a fault is.

/// One way in which the world goes wrong.
pub trait Fault: Sync {
    /// What it is called on the command line, and as a test.
    fn name(&self) -> &'static str;

    /// What RELIABILITY.md says about it.
    fn card(&self) -> Card;

    /// How many seeds are played.
    fn runs(&self) -> Runs;

    /// Why it cannot be injected here, if so.
    fn missing(&self) -> Option<String> {
        None
    }

    /// Plays one seed. An error says what did not hold; a panic counts as one.
    fn run(&self, seed: u64) -> Result<Strike, String>;
}

/// A fault in words.
#[derive(Debug, Clone, Copy)]
pub struct Card {
    /// The promises that it puts to the test, by their numbers.
    pub promises: &'static str,
    /// What goes wrong.
    pub fault: &'static str,
    /// How it is made to.
    pub injected: &'static str,
    /// What must hold in spite of it.
    pub expected: &'static str,
}

/// How many seeds are played, and where.
#[derive(Debug, Clone, Copy)]
pub struct Runs {
    /// As a test, with every change.
    pub few: u64,
    /// In the long bench.
    pub many: u64,
}

/// Whether a fault met something that it could harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strike {
    /// It did.
    Struck,
    /// What it was aimed at had ended before, or did not come to that point.
    Missed,
}

impl Strike {
    /// From whether it struck.
    pub fn of(struck: bool) -> Self {
        if struck { Self::Struck } else { Self::Missed }
    }
}
