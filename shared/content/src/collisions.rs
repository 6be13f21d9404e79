//! Names that are different here and the same on other file systems.
//!
//! Some file systems do not tell `A` from `a`, `é` from `e` + accent, or `x` from `x.`. A manifest whose
//! paths differ only so would overwrite one file with another there, so it is refused everywhere.
//!
//! What always holds: only names in one folder are compared, and only where one of them is not its folded form; so
//! memory is needed for one such folder at a time, some bytes for each of its names.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::ControlFlow;

use super::fold::fold_case;

/// Two names in one folder that are one name elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collision {
    /// The place of the first path with the later one of the two names.
    pub at: usize,
    /// How much of that path it is, in bytes: all of it, or a folder above.
    pub len: usize,
    /// The path that has the earlier one, up to that name.
    pub earlier: String,
}

/// A folder that is being walked through.
struct Folder {
    /// The first path in it.
    start: usize,
    /// Length of what its paths begin with, including the `/`, in bytes.
    prefix: usize,
    /// Whether some name in it is not its folded form.
    folds: bool,
}

/// Calls `found` for every name that collides with an earlier one in its folder, until told to stop. `path` gives each
/// of `count` paths, which are in canonical order.
pub fn each_collision<'a>(
    count: usize,
    path: impl Fn(usize) -> &'a str,
    mut found: impl FnMut(Collision) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let mut open = vec![Folder { start: 0, prefix: 0, folds: false }];
    for at in 0..count {
        let text = path(at);
        while let Some(left) = open.pop_if(|f| !text.starts_with(&path(f.start)[..f.prefix])) {
            compare(&left, at, &path, &mut found)?;
        }
        let mut begin = open.last().map_or(0, |folder| folder.prefix);
        for name in text[begin..].split('/') {
            begin += name.len() + 1;
            if let Some(folder) = open.last_mut() {
                folder.folds |= is_folded_away(name);
            }
            if begin <= text.len() {
                open.push(Folder { start: at, prefix: begin, folds: false });
            }
        }
    }
    while let Some(left) = open.pop() {
        compare(&left, count, &path, &mut found)?;
    }
    ControlFlow::Continue(())
}

/// Compares the names in a folder, whose paths end before `end`.
fn compare<'a>(
    folder: &Folder,
    end: usize,
    path: &impl Fn(usize) -> &'a str,
    found: &mut impl FnMut(Collision) -> ControlFlow<()>,
) -> ControlFlow<()> {
    if !folder.folds {
        return ControlFlow::Continue(());
    }
    let name = |at: usize| {
        let rest = &path(at)[folder.prefix..];
        rest.split_once('/').map_or(rest, |(name, _)| name)
    };
    let mut names: Vec<(u64, usize)> = Vec::new();
    for at in folder.start..end {
        if at == folder.start || name(at) != name(at - 1) {
            names.push((digest(&fold(name(at))), at));
        }
    }
    names.sort_unstable();
    for alike in names.chunk_by(|a, b| a.0 == b.0).filter(|alike| alike.len() > 1) {
        // Of each folded form the first name. There is one but where only the digests are the same.
        let mut first: Vec<(String, usize)> = Vec::new();
        for (_, at) in alike {
            let folded = fold(name(*at));
            let Some((_, earlier)) = first.iter().find(|(other, _)| *other == folded) else {
                first.push((folded, *at));
                continue;
            };
            let earlier = path(*earlier)[..folder.prefix + name(*earlier).len()].to_owned();
            found(Collision { at: *at, len: folder.prefix + name(*at).len(), earlier })?;
        }
    }
    ControlFlow::Continue(())
}

fn digest(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// Maps a name to what the least exact file system would make of it: case, Unicode normalisation and
/// trailing dots and spaces do not count.
fn fold(name: &str) -> String {
    fold_case(name.trim_end_matches(['.', ' ']))
}

/// Whether a name differs from its folded form. Two different names that both do not are different everywhere.
fn is_folded_away(name: &str) -> bool {
    if name.is_ascii() {
        return name.ends_with(['.', ' ']) || name.bytes().any(|b| b.is_ascii_uppercase());
    }
    fold(name) != name
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::SafePath;
    use super::*;

    fn all(paths: &[&str]) -> Vec<(String, String)> {
        let mut paths: Vec<_> = paths.iter().map(|p| SafePath::new(*p).unwrap()).collect();
        paths.sort();
        let mut found = vec![];
        let _ = each_collision(
            paths.len(),
            |n| paths[n].as_str(),
            |c| {
                found.push((paths[c.at].as_str()[..c.len].to_owned(), c.earlier));
                ControlFlow::Continue(())
            },
        );
        found.sort();
        found
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
            assert_eq!(all(&[a, b]).len(), 1, "{a} {b}");
        }
    }

    #[test]
    fn collisions_are_found_beneath_the_same_folder_and_after_others() {
        let good = ["d/e/a", "d/e/b", "d/x", "f", "d/e/c", "d/e/z"];
        assert_eq!(all(&good), []);
        for bad in ["d/e/B", "D/e/z", "d/E/y", "F", "d/X"] {
            assert_eq!(all(&[&good[..], &[bad]].concat()).len(), 1, "{bad}");
        }
    }

    #[test]
    fn every_collision_is_found_once_and_named_whole() {
        let paths = ["a/B/c", "a/B/C", "a/b/d", "a/b/e", "a/b", "X", "x", "x.", "y"];
        let want = [("a/B/c", "a/B/C"), ("a/b", "a/B"), ("x", "X"), ("x.", "X")];
        assert_eq!(all(&paths), want.map(|(later, earlier)| (later.to_owned(), earlier.to_owned())));
    }

    #[test]
    fn it_stops_when_told() {
        let paths = ["A", "B", "a", "b"];
        let mut count = 0;
        let stopped = each_collision(
            paths.len(),
            |n| paths[n],
            |_| {
                count += 1;
                ControlFlow::Break(())
            },
        );
        assert_eq!((stopped, count), (ControlFlow::Break(()), 1));
    }

    #[test]
    fn different_names_do_not_collide() {
        for (a, b) in
            [("a/x", "a/y"), ("cafe", "café"), ("a.b", "a"), ("名", "前"), ("a/X", "b/x"), ("A", "b/a")]
        {
            assert_eq!(all(&[a, b]), [], "{a} {b}");
        }
        assert_eq!(all(&[]), []);
    }

    proptest! {
        /// The slow way: every folder and every pair.
        #[test]
        fn it_finds_whether_any_two_collide(
            paths in prop::collection::btree_set("([aAbß. é]{1,2}x/){0,2}[aAbSsß. é]{1,2}y[. ]?", 0..8)
        ) {
            let folded = |path: &str| path.split('/').map(fold).collect::<Vec<_>>().join("/");
            let mut above: Vec<&str> = paths.iter().flat_map(|p| {
                p.match_indices('/').map(|(at, _)| &p[..at]).chain([p.as_str()])
            }).collect();
            above.sort_unstable();
            above.dedup();
            let mut texts: Vec<_> = above.iter().map(|p| folded(p)).collect();
            texts.sort_unstable();
            let collide = texts.windows(2).any(|w| w[0] == w[1]);
            let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
            prop_assert_eq!(!all(&paths).is_empty(), collide);
        }
    }
}
