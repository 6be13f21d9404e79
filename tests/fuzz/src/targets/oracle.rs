//! What must hold of texts and paths, written a second time and in another way than in the crates under fire.

use std::path::{Component, Path};

/// Panics if a text could move a cursor, hide something or turn a line round.
pub(super) fn assert_shows_plainly(text: &str) {
    for c in text.chars() {
        let code = u32::from(c);
        let control = code < 0x20 || (0x7f..0xa0).contains(&code);
        let bidi = matches!(code, 0x61c | 0x200e | 0x200f | 0x202a..=0x202e | 0x2066..=0x2069);
        let separator = matches!(code, 0x2028 | 0x2029 | 0xfeff);
        assert!(!control && !bidi && !separator, "U+{code:04X} in {text:?}");
    }
}

/// Panics if a path that was accepted could leave the folder that it is joined to, or be another one elsewhere.
pub(super) fn assert_is_plain_path(path: &str) {
    assert_shows_plainly(path);
    assert!(path.len() <= 4096 && !path.contains('\\'), "{path:?}");
    let components: Vec<Component<'_>> = Path::new(path).components().collect();
    assert!(components.iter().all(|it| matches!(it, Component::Normal(_))), "{path:?}");
    let names: Vec<&str> = path.split('/').collect();
    assert_eq!(names.len(), components.len(), "{path:?} has a component that the system drops");
    assert!(names.len() <= 128, "{path:?}");
    names.into_iter().for_each(assert_is_plain_name);
}

fn assert_is_plain_name(name: &str) {
    assert!((1..=255).contains(&name.len()), "{name:?}");
    assert!(name.bytes().any(|byte| !matches!(byte, b'.' | b' ')), "{name:?} is nothing on Windows");
    let drive = name.as_bytes().get(1) == Some(&b':') && name.as_bytes()[0].is_ascii_alphabetic();
    assert!(!drive, "{name:?} begins like a drive");
    let stem = name.split(['.', ':']).next().unwrap_or_default().trim_end().to_ascii_lowercase();
    let devices = ["con", "prn", "aux", "nul", "conin$", "conout$", "clock$"];
    assert!(!devices.contains(&stem.as_str()), "{name:?} is a device");
    let numbered = stem.strip_prefix("com").or_else(|| stem.strip_prefix("lpt"));
    let digit = numbered
        .is_some_and(|rest| matches!(rest.chars().collect::<Vec<_>>()[..], ['0'..='9' | '¹' | '²' | '³']));
    assert!(!digit, "{name:?} is a device");
}
