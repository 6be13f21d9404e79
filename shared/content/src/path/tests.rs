//! What is let through, and that all tricks are refused.

use super::*;
use proptest::prelude::*;

#[test]
fn every_trick_is_refused_by_its_name() {
    use PathError::*;
    let tricks = [
        ("", Empty),
        ("/etc/passwd", Empty),
        ("a//b", Empty),
        ("a/", Empty),
        ("..", Dots),
        ("a/../b", Dots),
        (".", Dots),
        ("a/./b", Dots),
        ("...", Dots),
        ("a/.. ", Dots),
        (" ", Dots),
        ("a\\b", Backslash),
        ("..\\x", Backslash),
        ("a\0b", Control),
        ("a\nb", Control),
        ("\u{7f}", Control),
        ("a\u{2028}b", Control),
        ("\u{85}", Control),
        ("a\u{202e}b", Bidi),
        ("\u{2066}x", Bidi),
        ("x\u{200f}", Bidi),
        ("CON", Device),
        ("dir/nul.txt", Device),
        ("com1", Device),
        ("LPT9.tar.gz", Device),
        ("Aux .c", Device),
        ("COM²", Device),
        ("conin$", Device),
        ("C:", Drive),
        ("c:evil", Drive),
        ("a/Z:x", Drive),
    ];
    for (text, want) in tricks {
        assert_eq!(SafePath::new(text), Err(want), "{text:?}");
    }
    for device in ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$"] {
        assert_eq!(SafePath::new(device), Err(Device), "{device}");
    }
    assert_eq!(SafePath::new("x".repeat(256)), Err(TooLong));
    assert_eq!(SafePath::new(vec!["a"; 129].join("/")), Err(TooLong));
    assert_eq!(SafePath::new(vec!["x".repeat(200); 21].join("/")), Err(TooLong));
}

#[test]
fn ordinary_names_of_all_scripts_pass() {
    for text in [
        "a",
        "a b/c",
        "...b",
        "..a",
        "名前/имя",
        "café",
        "COM10",
        "console",
        "nullable",
        "12:30",
        ".hidden",
        "e\u{301}",
    ] {
        assert!(SafePath::new(text).is_ok(), "{text:?}");
    }
}

#[test]
fn what_is_just_within_the_limits_passes() {
    assert!(SafePath::new("x".repeat(255)).is_ok());
    assert!(SafePath::new(vec!["a"; 128].join("/")).is_ok());
    let longest = [vec!["x".repeat(240); 16].join("/"), "x".repeat(240)].join("/");
    assert_eq!(longest.len(), 4096);
    let link = SafePath::new("l").unwrap();
    assert!(LinkTarget::new(&link, longest.clone()).is_ok());
    assert_eq!(LinkTarget::new(&link, longest.clone() + "x"), Err(PathError::TooLong));
    assert_eq!(LinkTarget::new(&link, vec!["a"; 129].join("/")), Err(PathError::TooLong));
    assert!(SafePath::new(longest).is_ok());
}

#[test]
fn a_path_is_its_folder_and_its_name() {
    let of = |text: &str| {
        let path = SafePath::new(text).unwrap();
        (path.parent().map(str::to_owned), path.file_name().to_owned())
    };
    assert_eq!(of("a/b c/d"), (Some("a/b c".into()), "d".into()));
    assert_eq!(of("d"), (None, "d".into()));
    let path = SafePath::new("a/é").unwrap();
    assert_eq!((format!("{path}"), format!("{path:?}")), ("a/é".into(), "\"a/é\"".into()));
}

#[test]
fn what_lies_beneath_a_folder_sorts_straight_after_it() {
    let mut paths: Vec<_> = ["a.txt", "a/z", "a", "a/b/c", "b"].map(|p| SafePath::new(p).unwrap()).into();
    paths.sort();
    let texts: Vec<_> = paths.iter().map(SafePath::as_str).collect();
    assert_eq!(texts, ["a", "a/b/c", "a/z", "a.txt", "b"]);
}

#[test]
fn links_stay_inside() {
    let link = |at: &str, to: &str| LinkTarget::new(&SafePath::new(at).unwrap(), to);
    assert!(link("l", "a/b").is_ok());
    assert!(link("d/l", "../a").is_ok());
    assert!(link("d/e/l", "../..").is_ok());
    for (at, to) in [
        ("l", ".."),
        ("l", "../a"),
        ("d/l", "../../a"),
        ("l", "/etc"),
        ("l", "a/../b"),
        ("l", ""),
        ("l", "."),
        ("l", "a\0"),
    ] {
        assert!(link(at, to).is_err(), "{at} -> {to}");
    }
}

proptest! {
    #[test]
    fn order_is_by_components(a in "[a.\\-!/é]{1,9}", b in "[a.\\-!/é]{1,9}") {
        if let (Ok(a), Ok(b)) = (SafePath::new(a), SafePath::new(b)) {
            prop_assert_eq!(a.cmp(&b), a.components().cmp(b.components()));
        }
    }

    /// Whatever text is let through, joining it to a folder stays beneath the folder.
    #[test]
    fn a_safe_path_joins_to_something_beneath(text in "[ -~\\\\/.:]{0,24}|\\PC{0,12}") {
        if let Ok(path) = SafePath::new(text) {
            let joined = std::path::Path::new("/base").join(path.as_str());
            let plain = joined.components().skip(2).all(|c| matches!(c, std::path::Component::Normal(_)));
            prop_assert!(plain && joined.starts_with("/base") && joined.components().count() == path.depth() + 2);
        }
    }
}
