//! What the child that writes says, and what follows from it.

use std::collections::BTreeSet;

use shoal_content::ChunkIndex;

/// One line of the child.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Word {
    /// The download is open.
    Opened,
    /// A chunk is verified, written and in the journal.
    Stored(ChunkIndex),
    /// All before this survives a loss of power.
    Synced,
    /// All is at the final name, and survives a loss of power.
    Placed,
    /// Something did not work, and is tried again.
    Blocked(String),
}

impl Word {
    /// Says it, in one `write`.
    pub(crate) fn say(&self) {
        match self {
            Self::Opened => println!("opened"),
            Self::Stored(chunk) => println!("stored {chunk}"),
            Self::Synced => println!("synced"),
            Self::Placed => println!("placed"),
            Self::Blocked(why) => println!("blocked {}", why.replace('\n', " ")),
        }
    }

    fn parse(line: &str) -> Result<Self, String> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match (word, rest.parse()) {
            ("opened", _) => Ok(Self::Opened),
            ("stored", Ok(chunk)) => Ok(Self::Stored(chunk)),
            ("synced", _) => Ok(Self::Synced),
            ("placed", _) => Ok(Self::Placed),
            ("blocked", _) => Ok(Self::Blocked(rest.to_owned())),
            _ => Err(format!("the child said {line:?}")),
        }
    }
}

/// All that a child has said.
#[derive(Debug, Default)]
pub(crate) struct Said {
    /// Chunks that it stored.
    pub(crate) stored: BTreeSet<ChunkIndex>,
    /// Those of them that were synced.
    pub(crate) synced: BTreeSet<ChunkIndex>,
    /// Whether all is at its final name.
    pub(crate) placed: bool,
    /// What did not work.
    pub(crate) blocked: Vec<String>,
}

impl Said {
    /// Takes in a line.
    pub(crate) fn hear(&mut self, line: &str) -> Result<(), String> {
        match Word::parse(line)? {
            Word::Opened => {}
            Word::Stored(chunk) => drop(self.stored.insert(chunk)),
            Word::Synced => self.synced = self.stored.clone(),
            Word::Placed => (self.placed, self.synced) = (true, self.stored.clone()),
            Word::Blocked(why) => self.blocked.push(why),
        }
        Ok(())
    }
}
