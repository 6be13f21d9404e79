//! The list of defects.

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// One defect.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Defect {
    /// What it is called.
    pub(crate) name: String,
    /// What goes wrong with it.
    pub(crate) what: String,
    /// The file in which it is planted.
    pub(crate) file: String,
    /// Text that stands in the file exactly once.
    pub(crate) old: String,
    /// What stands there instead.
    pub(crate) new: String,
    /// What is behind `cargo test`: the tests that must notice.
    pub(crate) tests: Vec<String>,
    /// Whether these need libp2p.
    #[serde(default)]
    pub(crate) slow: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    defect: Vec<Defect>,
}

/// All of them, in the order in which they are written.
pub(crate) fn all() -> Result<Vec<Defect>> {
    let list: List = toml::from_str(include_str!("../defects.toml")).context("defects.toml")?;
    Ok(list.defect)
}

impl Defect {
    /// A source with the defect.
    pub(crate) fn planted_in(&self, source: &str) -> Result<String> {
        match source.matches(&self.old).count() {
            1 => Ok(source.replacen(&self.old, &self.new, 1)),
            found => bail!("{}: what it replaces stands {found} times in {}", self.name, self.file),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn what_each_defect_replaces_stands_once() {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        for defect in all().unwrap() {
            let source = fs::read_to_string(workspace.join(&defect.file)).unwrap();
            let planted = defect.planted_in(&source).unwrap();
            assert_ne!(planted, source, "{} changes nothing", defect.name);
        }
    }

    #[test]
    fn names_are_different_and_there_are_enough() {
        let all = all().unwrap();
        let names: BTreeSet<&str> = all.iter().map(|defect| defect.name.as_str()).collect();
        assert_eq!(names.len(), all.len());
        assert!(all.len() >= 15);
    }
}
