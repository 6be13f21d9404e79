//! Which entries of a content are wanted, by patterns.

use fixedbitset::FixedBitSet;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use serde::{Deserialize, Serialize};
use shoal_content::Manifest;
use shoal_store::Selection;

/// Patterns of paths inside a content; without any, everything is wanted.
///
/// `*` stays within a folder, `**` crosses; a pattern that names a folder means all that is in it. Every pattern is
/// valid: that is checked when this is made, also when it is read from text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Include(Vec<String>);

/// Why nothing can be chosen.
#[derive(Debug, thiserror::Error)]
pub enum IncludeError {
    /// A pattern makes no sense.
    #[error("not a pattern: {0}")]
    Pattern(#[from] globset::Error),
    /// The content has nothing of the kind.
    #[error("no file matches {0}")]
    NoMatch(String),
}

impl TryFrom<Vec<String>> for Include {
    type Error = IncludeError;

    fn try_from(patterns: Vec<String>) -> Result<Self, IncludeError> {
        compile(&patterns)?;
        Ok(Self(patterns))
    }
}

impl From<Include> for Vec<String> {
    fn from(include: Include) -> Self {
        include.0
    }
}

impl Include {
    /// The entries of a manifest that match.
    pub fn choose(&self, manifest: &Manifest) -> Result<Selection, IncludeError> {
        if self.0.is_empty() {
            return Ok(Selection::All);
        }
        let patterns = compile(&self.0)?;
        let mut wanted = FixedBitSet::with_capacity(manifest.entries().len());
        for (at, entry) in manifest.entries().iter().enumerate() {
            wanted.set(at, patterns.is_match(entry.path.as_str()));
        }
        if wanted.is_clear() {
            return Err(IncludeError::NoMatch(self.0.join(" ")));
        }
        Ok(Selection::Entries(wanted))
    }
}

fn compile(patterns: &[String]) -> Result<GlobSet, globset::Error> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let tidy = pattern.trim_end_matches('/');
        for pattern in [tidy.to_owned(), format!("{tidy}/**")] {
            set.add(GlobBuilder::new(&pattern).literal_separator(true).build()?);
        }
    }
    set.build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use shoal_content::{Chunker, EntryKind, FileEntry, ManifestBuilder, SafePath, Shape};

    fn chosen(patterns: &[&str]) -> Result<Vec<String>, IncludeError> {
        let entry = |path: &str| FileEntry {
            path: SafePath::new(path).unwrap(),
            size: 0,
            kind: EntryKind::File { executable: false },
            private: false,
        };
        let mut entries: Vec<_> = ["a.txt", "docs/b.txt", "docs/deep/c.txt", "img/x.png"].map(entry).into();
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        let manifest = ManifestBuilder {
            name: SafePath::name("x").unwrap(),
            shape: Shape::Folder,
            chunker: Chunker::for_size(1 << 40),
            private: false,
            parent: None,
            entries,
            chunks: vec![],
        };
        let manifest = manifest.build().unwrap();
        let patterns: Vec<String> = patterns.iter().map(|p| p.to_string()).collect();
        match Include::try_from(patterns)?.choose(&manifest)? {
            Selection::All => Ok(vec!["all".into()]),
            Selection::Entries(set) => {
                Ok(set.ones().map(|n| manifest.entries()[n].path.to_string()).collect())
            }
        }
    }

    #[test]
    fn patterns_choose_files_and_whole_folders() {
        assert_eq!(chosen(&[]).unwrap(), ["all"]);
        assert_eq!(chosen(&["*.txt"]).unwrap(), ["a.txt"]);
        assert_eq!(chosen(&["**/*.txt"]).unwrap(), ["a.txt", "docs/b.txt", "docs/deep/c.txt"]);
        assert_eq!(chosen(&["docs/"]).unwrap(), ["docs/b.txt", "docs/deep/c.txt"]);
        assert_eq!(chosen(&["a.txt", "img"]).unwrap(), ["a.txt", "img/x.png"]);
        assert!(chosen(&["nothing"]).unwrap_err().to_string().contains("nothing"));
        assert!(matches!(chosen(&["a[b"]), Err(IncludeError::Pattern(_))));
    }
}
