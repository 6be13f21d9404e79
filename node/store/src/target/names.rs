//! What the part and the journal of a download are called.
//!
//! Both hold the content's name, for people, and a key made of its id, so that two contents of one name, or two versions
//! of one content, never share a file in a folder. The journal decides whose a part is; names only keep parts apart.

use std::io;

use cap_std::fs::Dir;
use shoal_content::{ContentId, Manifest};

use super::journal::Journal;

/// The longest file name, in bytes.
const MAX_NAME: usize = 255;
/// What the text of every content id begins with: base, version, codec and kind of hash.
const SAME_IN_ALL_IDS: usize = 7;
/// How many characters of the id follow the name: 78 bits of its hash.
const KEY: usize = 16;
const PART: &str = ".part";
/// What a part's journal has behind the part's name.
const JOURNAL: &str = ".journal";

/// The names of a download's part and journal, both beneath the target folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PartNames {
    pub(super) part: String,
    pub(super) journal: String,
}

impl PartNames {
    /// `NAME.KEY.part` and `NAME.KEY.part.journal`; a name that is too long for that is cut short.
    pub(super) fn new(manifest: &Manifest) -> Self {
        let rest = format!(".{}{PART}", key(&manifest.id()));
        let name = manifest.name().as_str();
        let part = format!("{}{rest}", cut_short(name, MAX_NAME - rest.len() - JOURNAL.len()));
        Self { journal: journal_of(&part), part }
    }
}

/// What the journal of a part with this name would be called.
fn journal_of(part: &str) -> String {
    format!("{part}{JOURNAL}")
}

fn key(id: &ContentId) -> String {
    id.to_string().chars().skip(SAME_IN_ALL_IDS).take(KEY).collect()
}

/// The first `most` bytes of a name, or fewer so that no character is cut.
fn cut_short(name: &str, most: usize) -> &str {
    let mut end = name.len().min(most);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    &name[..end]
}

/// What [`is_unfinished`] is about, for people.
pub(super) const UNFINISHED: &str = "a download that is not finished";

/// Whether a name is that of the part or the journal of some download: a content may be called like that. What
/// its journal vouches for must not change behind its back.
pub(super) fn is_unfinished(dir: &Dir, name: &str) -> io::Result<bool> {
    if Journal::is_one(dir, name)? {
        return Ok(true);
    }
    match Journal::is_one(dir, &journal_of(name)) {
        // No download can have it for a part.
        Err(error) if error.kind() == io::ErrorKind::InvalidFilename => Ok(false),
        is_journal => is_journal,
    }
}

#[cfg(test)]
mod tests {
    use shoal_content::{Chunker, ManifestBuilder, SafePath, Shape};

    use super::*;

    fn names(name: &str, parent: Option<ContentId>) -> PartNames {
        let manifest = ManifestBuilder {
            name: SafePath::name(name.to_owned()).unwrap(),
            shape: Shape::Folder,
            chunker: Chunker::Fixed { size: 16 << 10 },
            private: false,
            parent,
            entries: vec![],
            chunks: vec![],
        };
        PartNames::new(&manifest.build().unwrap())
    }

    #[test]
    fn contents_of_one_name_have_parts_of_their_own() {
        let other = ContentId::from_root_hash(shoal_content::Hash::of(b"x"));
        for name in ["set".to_owned(), "x".repeat(255), "名".repeat(85)] {
            let (one, two) = (names(&name, None), names(&name, Some(other)));
            assert_eq!(one, names(&name, None));
            assert_ne!(one.part, two.part);
            for it in [&one.part, &one.journal, &two.part, &two.journal] {
                assert!(it.len() <= MAX_NAME && SafePath::name(it.clone()).is_ok(), "{it}");
                assert!(it.starts_with(cut_short(&name, 200)));
            }
        }
    }

    #[test]
    fn a_key_tells_ids_apart() {
        let ids = (0u32..50).map(|n| ContentId::from_root_hash(shoal_content::Hash::of(&n.to_le_bytes())));
        let keys: std::collections::BTreeSet<String> = ids.map(|id| key(&id)).collect();
        assert_eq!(keys.len(), 50);
        assert!(keys.iter().all(|key| key.len() == KEY && !key.starts_with("bafy")));
    }
}
