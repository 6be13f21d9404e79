//! Names that cannot be shared: refused all together, or left out.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::PathBuf;

use shoal_content::PathError;

use super::*;

/// What is refused by default: each path beneath `base`, and why.
fn refused(base: &Path) -> BTreeMap<PathBuf, SkipReason> {
    match run(&options(base)) {
        Err(ImportError::UnsafeNames(list)) => by_path(base, list),
        other => panic!("{other:?}"),
    }
}

fn by_path(base: &Path, list: SkippedList) -> BTreeMap<PathBuf, SkipReason> {
    assert_eq!(list.count, list.named.len() as u64);
    list.named.into_iter().map(|s| (s.path.strip_prefix(base).unwrap().to_owned(), s.why)).collect()
}

fn skipping(base: &Path) -> Imported {
    run(&ImportOptions { skip_unsafe: true, ..options(base) }).unwrap()
}

fn bytes(name: &[u8]) -> PathBuf {
    OsStr::from_bytes(name).into()
}

#[test]
fn all_of_them_are_named_at_once_and_can_be_left_out() {
    let dir = tempdir().unwrap();
    for name in ["good", "sub/good", "sub/con.txt", "a\\b", "a\nb", "nul/inside", "nul/also inside"] {
        put(dir.path(), name, b"x");
    }
    File::create(dir.path().join(bytes(b"sub/\xff"))).unwrap();
    fs::create_dir(dir.path().join(bytes(b"d\xfe"))).unwrap();
    File::create(dir.path().join(bytes(b"d\xfe/good inside"))).unwrap();
    let want = BTreeMap::from([
        ("sub/con.txt".into(), SkipReason::Unsafe(PathError::Device)),
        ("a\\b".into(), SkipReason::Unsafe(PathError::Backslash)),
        ("a\nb".into(), SkipReason::Unsafe(PathError::Control)),
        ("nul".into(), SkipReason::Unsafe(PathError::Device)),
        (bytes(b"sub/\xff"), SkipReason::NotUtf8),
        (bytes(b"d\xfe"), SkipReason::NotUtf8),
    ]);
    assert_eq!(refused(dir.path()), want);
    let import = skipping(dir.path());
    assert_eq!(paths(import.source.manifest()), ["good", "sub/good"]);
    assert_eq!(by_path(dir.path(), import.skipped), want);
    let words = run(&options(dir.path())).unwrap_err().to_string();
    assert!(words.starts_with("6 cannot be shared for their names: '"), "{words}");
    assert!(!words.contains('\n'), "{words}");
}

#[test]
fn names_that_collide_elsewhere_are_refused_or_the_later_ones_left_out() {
    let dir = tempdir().unwrap();
    for name in ["A/x", "a/y", "a/z", "README", "readme", "Readme", "b/É", "b/e\u{301}", "b/e"] {
        put(dir.path(), name, b"x");
    }
    let collides = |with: &str| SkipReason::Collides(with.into());
    let want = BTreeMap::from([
        ("a".into(), collides("A")),
        ("readme".into(), collides("README")),
        ("Readme".into(), collides("README")),
        ("b/É".into(), collides("b/e\u{301}")),
    ]);
    assert_eq!(refused(dir.path()), want);
    let import = skipping(dir.path());
    assert_eq!(paths(import.source.manifest()), ["A/x", "README", "b/e", "b/e\u{301}"]);
    assert_eq!(by_path(dir.path(), import.skipped), want);
}

#[test]
fn of_very_many_the_first_are_named() {
    let dir = tempdir().unwrap();
    for n in 0..1200 {
        put(dir.path(), &format!("{n}\\"), b"");
    }
    match run(&options(dir.path())) {
        Err(ImportError::UnsafeNames(list)) => assert_eq!((list.count, list.named.len()), (1200, 1000)),
        other => panic!("{other:?}"),
    }
    assert_eq!(skipping(dir.path()).skipped.count, 1200);
}

#[test]
fn one_of_several_paths_may_be_left_out() {
    let dir = tempdir().unwrap();
    let base = dir.path().join("parent");
    put(&base, "good", b"");
    put(&base, "aux/inside", b"");
    let several = ImportOptions { paths: vec![base.join("good"), base.join("aux")], ..options(&base) };
    assert!(matches!(run(&several), Err(ImportError::UnsafeNames(list)) if list.count == 1));
    let import = run(&ImportOptions { skip_unsafe: true, ..several }).unwrap();
    assert_eq!(paths(import.source.manifest()), ["good"]);
}
