//! Names that are different here and the same elsewhere.
//!
//! Some file systems do not tell `A` from `a`, `é` from `e` + accent, or `x` from `x.`. A manifest whose
//! paths differ only so would overwrite one file with another there, so it is refused everywhere.

use std::collections::HashMap;

use super::fold::fold_case;
use super::path::SafePath;

/// Remembers names and how they fold. Memory is linear in the names, however deep the paths.
#[derive(Default)]
pub(super) struct Collisions {
    /// Number of the folder above, 0 at the top, and folded name → own number, and the spelling first seen.
    seen: HashMap<(u32, String), (u32, String)>,
    /// The folder of the last path, which most often is that of the next one too, and its number.
    last: Option<(String, u32)>,
}

impl Collisions {
    /// Adds a path with the folders above it. `Err` names an earlier path that would be the same one on
    /// a system that folds names. Adding the same spelling of a folder again is fine.
    pub(super) fn insert(&mut self, path: &SafePath) -> Result<(), String> {
        let parent = path.parent();
        let (mut above, mut end) = match (&self.last, parent) {
            (Some((last, number)), Some(parent)) if last == parent => (*number, parent.len() + 1),
            _ => (0, 0),
        };
        for name in path.as_str()[end..].split('/') {
            if parent.is_some_and(|parent| end == parent.len() + 1) {
                self.last = parent.map(|parent| (parent.to_owned(), above));
            }
            let next = self.seen.len() as u32 + 1;
            let (number, spelling) =
                self.seen.entry((above, fold(name))).or_insert_with(|| (next, name.to_owned()));
            if spelling != name {
                return Err(format!("{}{spelling}", &path.as_str()[..end]));
            }
            above = *number;
            end += name.len() + 1;
        }
        Ok(())
    }
}

/// Maps a name to what the most forgetful file system would make of it: case, Unicode normalisation and
/// trailing dots and spaces do not count.
fn fold(name: &str) -> String {
    fold_case(name.trim_end_matches(['.', ' ']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collide(a: &str, b: &str) -> bool {
        let mut all = Collisions::default();
        all.insert(&SafePath::new(a).unwrap()).unwrap();
        all.insert(&SafePath::new(b).unwrap()).is_err()
    }

    #[test]
    fn case_normalisation_and_trailing_dots_collide() {
        for (a, b) in [
            ("README", "readme"),
            ("café", "cafe\u{301}"),
            ("Straße", "STRASSE"),
            ("x", "x."),
            ("x", "x "),
            ("A/x", "a/y"),
            ("ΑΣ", "ας"),
            ("d/É", "d/e\u{301}"),
        ] {
            assert!(collide(a, b), "{a} {b}");
        }
    }

    #[test]
    fn collisions_are_found_beneath_the_same_folder_and_after_others() {
        let mut all = Collisions::default();
        for path in ["d/e/a", "d/e/b", "d/x", "f", "d/e/c"] {
            all.insert(&SafePath::new(path).unwrap()).unwrap();
        }
        for path in ["d/e/B", "D/e/z", "d/E/z", "F", "d/X"] {
            assert!(all.insert(&SafePath::new(path).unwrap()).is_err(), "{path}");
        }
        all.insert(&SafePath::new("d/e/z").unwrap()).unwrap();
    }

    #[test]
    fn the_earlier_path_is_named_whole() {
        let mut all = Collisions::default();
        all.insert(&SafePath::new("a/B/c").unwrap()).unwrap();
        assert_eq!(all.insert(&SafePath::new("a/b/d").unwrap()), Err("a/B".into()));
        assert_eq!(all.insert(&SafePath::new("a/B/C").unwrap()), Err("a/B/c".into()));
    }

    #[test]
    fn deep_paths_cost_no_more_than_their_names() {
        let mut all = Collisions::default();
        for n in 0..50 {
            let deep = vec!["d"; 126].join("/");
            all.insert(&SafePath::new(format!("{n}/{deep}")).unwrap()).unwrap();
        }
        let bytes: usize = all.seen.iter().map(|((_, f), (_, s))| f.len() + s.len()).sum();
        assert!(bytes < 50 * 127 * 2 * 3, "{bytes}");
    }

    #[test]
    fn different_names_do_not() {
        for (a, b) in [("a/x", "a/y"), ("cafe", "café"), ("a.b", "a"), ("名", "前")] {
            assert!(!collide(a, b), "{a} {b}");
        }
    }
}
