//! Names that are different here and the same elsewhere.
//!
//! Some file systems do not tell `A` from `a`, `é` from `e` + accent, or `x` from `x.`. A manifest whose
//! paths differ only so would overwrite one file with another there, so it is refused everywhere.

use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization;

use super::path::SafePath;

/// Remembers folded paths and their spelling.
#[derive(Default)]
pub(super) struct Collisions {
    /// Folded path of every file and of every folder above it → the spelling first seen.
    seen: HashMap<String, String>,
    /// The folder of the last path, which most often is that of the next one too, and its folded form.
    last: Option<(String, String)>,
}

impl Collisions {
    /// Adds a path with the folders above it. `Err` names an earlier path that would be the same one on
    /// a system that folds names. Adding the same spelling of a folder again is fine.
    pub(super) fn insert(&mut self, path: &SafePath) -> Result<(), String> {
        let (mut folded, mut end) = match (&self.last, path.parent()) {
            (Some((last, folded)), Some(parent)) if last == parent => (folded.clone(), parent.len()),
            _ => (String::new(), 0),
        };
        let rest = path.as_str()[end..].trim_start_matches('/');
        for name in rest.split('/') {
            if end > 0 {
                folded.push('/');
                end += 1;
            }
            let above = folded.len();
            end += name.len();
            folded.push_str(&fold(name));
            let spelling = &path.as_str()[..end];
            match self.seen.get(&folded) {
                Some(earlier) if earlier != spelling => return Err(earlier.clone()),
                Some(_) => {}
                None => drop(self.seen.insert(folded.clone(), spelling.to_owned())),
            }
            if end == path.as_str().len() {
                folded.truncate(above.saturating_sub(1));
            }
        }
        self.last = path.parent().map(|parent| (parent.to_owned(), folded));
        Ok(())
    }
}

/// Maps a name to what the most forgetful file system would make of it: case, Unicode normalisation and
/// trailing dots and spaces do not count. Upper case first, so that `ß` and `ss`, `ſ` and `s` meet.
fn fold(name: &str) -> String {
    let trimmed = name.trim_end_matches(['.', ' ']);
    if trimmed.is_ascii() {
        return trimmed.to_ascii_lowercase();
    }
    let composed: String = trimmed.nfkc().collect();
    let cased: String = composed.to_uppercase().to_lowercase();
    cased.nfkc().collect()
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
    fn different_names_do_not() {
        for (a, b) in [("a/x", "a/y"), ("cafe", "café"), ("a.b", "a"), ("名", "前")] {
            assert!(!collide(a, b), "{a} {b}");
        }
    }
}
