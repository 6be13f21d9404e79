//! What an import leaves out or refuses: the first ones by name, the rest counted.

use std::fmt;
use std::path::PathBuf;

use shoal_content::PathError;
use shoal_printable::Printable;

use crate::show;

/// The most that a list names.
const MOST_NAMED: usize = 1000;
/// How many of them stand in an error's words.
const IN_WORDS: usize = 5;

/// Something that is there and is not shared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Where.
    pub path: PathBuf,
    /// Why.
    pub why: SkipReason,
}

/// Why something cannot be shared. Its words name what "it" is not; nothing in them needs escaping.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SkipReason {
    /// A pipe, a socket, a device.
    #[error("it is {0}")]
    Special(&'static str),
    /// A link to a path that is not UTF-8.
    #[error("it is a link whose target is not UTF-8")]
    LinkNotUtf8,
    /// A link to something outside of what is shared, or by an unsafe path.
    #[error("it is a link that leads outside ('{}')", Printable(.0))]
    LinkOutside(String),
    /// The name cannot be written down.
    #[error("its name is not UTF-8")]
    NotUtf8,
    /// The name cannot be created safely everywhere.
    #[error("{0}")]
    Unsafe(#[from] PathError),
    /// On some systems two names are one.
    #[error("on some systems its name is the same as that of '{}'", Printable(.0))]
    Collides(String),
}

/// Things that are not shared, in no particular order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SkippedList {
    /// The first of them, at most 1000.
    pub named: Vec<Skipped>,
    /// How many there are in all.
    pub count: u64,
}

impl SkippedList {
    pub(super) fn add(&mut self, path: PathBuf, why: SkipReason) {
        self.count += 1;
        if self.named.len() < MOST_NAMED {
            self.named.push(Skipped { path, why });
        }
    }

    /// Adds another list.
    pub(super) fn append(&mut self, other: Self) {
        self.count += other.count;
        self.named.extend(other.named);
        self.named.truncate(MOST_NAMED);
    }

    /// How many are not named beyond the first `named`.
    pub fn more_than(&self, named: usize) -> u64 {
        self.count - self.named.len().min(named) as u64
    }
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}': {}", show(&self.path), self.why)
    }
}

impl fmt::Display for SkippedList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, skipped) in self.named.iter().take(IN_WORDS).enumerate() {
            let before = if n == 0 { "" } else { "; " };
            write!(f, "{before}{skipped}")?;
        }
        match self.more_than(IN_WORDS) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_are_named_and_the_rest_is_counted() {
        let mut list = SkippedList::default();
        for n in 0..MOST_NAMED + 5 {
            list.add(n.to_string().into(), SkipReason::NotUtf8);
        }
        assert_eq!((list.named.len(), list.count, list.more_than(10)), (MOST_NAMED, 1005, 995));
        let words = list.to_string();
        assert!(
            words.starts_with("'0': its name is not UTF-8; '1'") && words.ends_with("; and 1000 more"),
            "{words}"
        );
        let mut all = SkippedList::default();
        all.add("first".into(), SkipReason::Special("a socket"));
        all.append(list);
        assert_eq!((all.named.len(), all.count), (MOST_NAMED, 1006));
    }
}
