//! Paths, and what links point to.

use shoal_content::{LinkTarget, SafePath, fold_case};

use super::oracle::{assert_is_plain_path, assert_shows_plainly};

/// A path; behind a line feed, what a link at that path points to.
pub(super) fn path(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let (path, target) = text.split_once('\n').unwrap_or((text, ""));
    let path = match SafePath::new(path) {
        Ok(path) => path,
        Err(error) => return assert_shows_plainly(&error.to_string()),
    };
    assert_is_plain_path(path.as_str());
    assert_eq!(path.depth(), path.components().count());
    assert_eq!(SafePath::name(path.as_str()).is_ok(), path.depth() == 1);
    let folded = fold_case(path.as_str());
    assert_eq!(fold_case(&folded), folded, "folding is not done after it has been done once");
    if let Ok(target) = LinkTarget::new(&path, target) {
        assert_link_stays_inside(&path, target.as_str());
    }
}

/// Walks from the folder of a link to where it points, and never above the content.
pub(super) fn assert_link_stays_inside(link: &SafePath, target: &str) {
    assert_shows_plainly(target);
    assert!(!target.starts_with('/') && !target.is_empty());
    let mut depth = link.depth() as i64 - 1;
    let mut named = false;
    for component in target.split('/') {
        if component == ".." {
            assert!(!named, "{target:?} goes up after a name, which may be a link");
            depth -= 1;
        } else {
            named = true;
            depth += 1;
            assert_is_plain_path(component);
        }
        assert!(depth >= 0, "{target:?} at {link} leads out of the content");
    }
}
