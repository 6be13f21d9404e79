//! Whose a part is, and that nothing else is ever taken for one.

use super::*;

/// Stores the first chunk, and goes away as if killed.
fn begin(source: &Source, dir: &Path) {
    let target = open(source, to(dir));
    let first = missing(&target)[0];
    target.write(first, &chunk(source, first)).unwrap();
}

#[test]
fn two_versions_of_one_name_never_meet() {
    let (from, source) = shared_mixed();
    let (other, dir) = (tempdir().unwrap(), tempdir().unwrap());
    put(other.path(), "t/only", &random(100_000, 5));
    let second = share(&other.path().join("t"));
    begin(&source, dir.path());
    begin(&second, dir.path());
    let mut all: Vec<String> = [&source, &second].into_iter().flat_map(unfinished).collect();
    all.sort();
    assert_eq!(names(dir.path()), all);
    // Both go on where they were, and the one that is complete first has the name.
    let (first, later) = (open(&source, to(dir.path())), open(&second, to(dir.path())));
    assert_eq!((first.stored().count_ones(..), later.stored().count_ones(..)), (1, 1));
    fetch(&source, &first);
    first.finish().unwrap();
    fetch(&second, &later);
    let placed = later.finish().unwrap();
    assert_eq!(fs::read(placed.path.join("only")).unwrap(), random(100_000, 5));
    fs::remove_file(placed.path.join("only")).unwrap();
    assert_eq!(snapshot(&placed.path), snapshot(&from.path().join("t")), "they have no file in common");
    assert_eq!(names(dir.path()), ["t"]);
}

#[test]
fn what_no_journal_of_this_content_explains_is_kept_even_by_force() {
    let (_from, source) = shared_mixed();
    let [part_name, journal_name] = unfinished(&source);
    let other = tempdir().unwrap();
    put(other.path(), "t/only", &random(100_000, 5));
    let second = share(&other.path().join("t"));
    type Plant<'a> = &'a dyn Fn(&Path);
    let text = b"mine, and long enough not to be the start of a journal at all, surely";
    let plants: [(Plant<'_>, Option<ContentId>); 5] = [
        (&|dir| put(dir, &format!("{part_name}/mine"), text), None),
        (&|dir| put(dir, &part_name, text), None),
        (&|dir| put(dir, &journal_name, text), None),
        // A journal and a part, of another content.
        (
            &|dir| {
                begin(&second, dir);
                fs::rename(part(dir, &second), dir.join(&part_name)).unwrap();
                fs::rename(journal(dir, &second), dir.join(&journal_name)).unwrap();
            },
            Some(second.manifest().id()),
        ),
        // The right journal, and something that is no part.
        (
            &|dir| {
                begin(&source, dir);
                fs::remove_dir_all(dir.join(&part_name)).unwrap();
                put(dir, &part_name, text);
            },
            None,
        ),
    ];
    for (plant, whose) in plants {
        let dir = tempdir().unwrap();
        plant(dir.path());
        let before = snapshot(dir.path());
        for options in [to(dir.path()), by_force(dir.path())] {
            match try_open(&source, options) {
                Err(TargetError::NotOurs { content, .. }) => assert_eq!(content, whose),
                other => panic!("{other:?}"),
            }
            assert_eq!(snapshot(dir.path()), before);
        }
    }
}

/// A content of one folder or file whose name is that of another content's part or journal.
fn named_like(from: &Path, name: &str, is_file: bool) -> Source {
    put(from, &if is_file { name.to_owned() } else { format!("{name}/large.bin") }, &random(70_000, 9));
    share(&from.join(name))
}

#[test]
fn a_content_called_like_a_part_never_changes_that_part() {
    let (from, source) = shared_mixed();
    for (name, is_file) in unfinished(&source).into_iter().zip([false, true]) {
        let other = named_like(from.path(), &name, is_file);
        let dir = tempdir().unwrap();
        begin(&source, dir.path());
        let before = snapshot(dir.path());
        for options in [to(dir.path()), by_force(dir.path())] {
            let error = try_open(&other, options).unwrap_err();
            assert!(
                matches!(&error, TargetError::InTheWay { path, .. } if *path == dir.path().join(&name)),
                "{error}"
            );
        }
        assert_eq!(snapshot(dir.path()), before);
    }
}

#[test]
fn a_part_that_begins_meanwhile_is_noticed_before_the_end() {
    let (from, source) = shared_mixed();
    let other = named_like(from.path(), &unfinished(&source)[0], false);
    let dir = tempdir().unwrap();
    let target = open(&other, to(dir.path()));
    fetch(&other, &target);
    let part = open(&source, to(dir.path()));
    assert!(matches!(target.finish(), Err(TargetError::InTheWay { .. })));
    fetch(&source, &part);
    part.finish().unwrap();
    // Now the name is free.
    target.finish().unwrap();
    assert_eq!(snapshot(&dir.path().join("t")), snapshot(&from.path().join("t")));
}

#[test]
fn names_that_end_like_parts_arrive() {
    let (from, dir) = (tempdir().unwrap(), tempdir().unwrap());
    for name in ["a.part", "a.part.journal", "a"] {
        put(from.path(), name, &random(50_000, name.len() as u64));
    }
    let sources = ["a.part", "a.part.journal", "a"].map(|name| share(&from.path().join(name)));
    // All at once.
    let targets = sources.each_ref().map(|source| open(source, to(dir.path())));
    for (source, target) in sources.iter().zip(&targets) {
        fetch(source, target);
    }
    targets.iter().for_each(|target| drop(target.finish().unwrap()));
    assert_eq!(snapshot(dir.path()), snapshot(from.path()));
}

/// Of a chunk of two files one is wanted, and somebody has made that longer. What the hash of the piece says is not all.
#[test]
fn a_piece_of_a_file_of_another_length_is_fetched_again() {
    let from = tempdir().unwrap();
    put(from.path(), "t/a", &random(5000, 1));
    put(from.path(), "t/b", &random(5000, 2));
    let source = share(&from.path().join("t"));
    let dir = tempdir().unwrap();
    let options = || TargetOptions { selection: only(source.manifest(), "b"), ..to(dir.path()) };
    fetch(&source, &open(&source, options()));
    assert!(open(&source, options()).is_complete());
    let file = part(dir.path(), &source).join("b");
    File::options().write(true).open(file).unwrap().set_len(6000).unwrap();
    let target = open(&source, options());
    assert_eq!(fetch(&source, &target), 1);
    assert_eq!(fs::read(target.finish().unwrap().path.join("b")).unwrap(), random(5000, 2));
}
