//! A journal is read up to the last record that is whole.

use cap_std::ambient_authority;

use super::*;

fn id(text: &str) -> ContentId {
    ContentId::from_root_hash(Hash::of(text.as_bytes()))
}

fn open(dir: &std::path::Path) -> Dir {
    Dir::open_ambient_dir(dir, ambient_authority()).unwrap()
}

fn written(dir: &Dir) -> Journal {
    let mut journal = Journal::lock(dir, "j", true).unwrap().unwrap();
    journal.start(&id("a")).unwrap();
    let mut chunks = ChunkSet::with_capacity(20);
    chunks.insert(3);
    chunks.insert(19);
    let pieces = Pieces::from([(3, Hash::of(b"piece"))]);
    journal.epoch(&Hash::of(b"layout"), &chunks, &pieces).unwrap();
    journal.chunk(5).unwrap();
    journal.chunk(6).unwrap();
    journal
}

fn ours(contents: Contents) -> Recorded {
    match contents {
        Contents::Ours(recorded) => recorded,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_was_written_is_read() {
    let temp = tempfile::tempdir().unwrap();
    let dir = open(temp.path());
    drop(written(&dir));
    let mut journal = Journal::lock(&dir, "j", false).unwrap().unwrap();
    let recorded = ours(journal.read(&id("a"), 20).unwrap());
    assert_eq!(recorded.layout, Hash::of(b"layout"));
    assert_eq!(recorded.pieces, Pieces::from([(3, Hash::of(b"piece"))]));
    assert_eq!(recorded.chunks.ones().collect::<Vec<_>>(), [3, 19]);
    assert_eq!(recorded.groups, [5, 6]);
    assert!(matches!(journal.read(&id("b"), 20).unwrap(), Contents::Other(other) if other == id("a")));
}

#[test]
fn a_torn_end_is_left_out_and_written_over() {
    let temp = tempfile::tempdir().unwrap();
    let dir = open(temp.path());
    drop(written(&dir));
    let path = temp.path().join("j");
    let whole = std::fs::read(&path).unwrap();
    let record = HEAD + 4 + SUM;
    for cut in 1..whole.len() {
        std::fs::write(&path, &whole[..whole.len() - cut]).unwrap();
        let mut journal = Journal::lock(&dir, "j", false).unwrap().unwrap();
        match journal.read(&id("a"), 20).unwrap() {
            Contents::Ours(recorded) => {
                assert_eq!(recorded.groups.len(), 2usize.saturating_sub(cut.div_ceil(record)));
            }
            Contents::Empty => assert!(whole.len() - cut < HEADER),
            other => panic!("{other:?}"),
        }
    }
    // A bit that flipped in the last but one record ends it there; what follows is written anew.
    let mut flipped = whole.clone();
    flipped[whole.len() - record - SUM - 1] ^= 1;
    std::fs::write(&path, &flipped).unwrap();
    let mut journal = Journal::lock(&dir, "j", false).unwrap().unwrap();
    assert!(ours(journal.read(&id("a"), 20).unwrap()).groups.is_empty());
    journal.chunk(9).unwrap();
    assert_eq!(ours(journal.read(&id("a"), 20).unwrap()).groups, [9]);
    std::fs::write(&path, b"something else, longer than any header of a journal would be, surely").unwrap();
    assert!(matches!(journal.read(&id("a"), 20).unwrap(), Contents::Unknown));
}

#[test]
fn only_one_at_a_time() {
    let temp = tempfile::tempdir().unwrap();
    let dir = open(temp.path());
    assert!(Journal::lock(&dir, "j", false).unwrap().is_none());
    let first = written(&dir);
    assert!(matches!(Journal::lock(&dir, "j", true), Err(LockError::Busy)));
    drop(first);
    assert!(Journal::lock(&dir, "j", true).unwrap().is_some());
}

#[test]
fn a_planted_link_is_not_followed() {
    let temp = tempfile::tempdir().unwrap();
    std::fs::write(temp.path().join("victim"), b"precious").unwrap();
    std::os::unix::fs::symlink("victim", temp.path().join("j")).unwrap();
    assert!(matches!(Journal::lock(&open(temp.path()), "j", true), Err(LockError::Io(_))));
    assert_eq!(std::fs::read(temp.path().join("victim")).unwrap(), b"precious");
}

#[test]
fn a_journal_is_known_by_how_it_starts() {
    let temp = tempfile::tempdir().unwrap();
    let dir = open(temp.path());
    assert!(!Journal::is_one(&dir, "j").unwrap(), "there is nothing");
    drop(written(&dir));
    assert!(Journal::is_one(&dir, "j").unwrap());
    std::os::unix::fs::symlink("j", temp.path().join("link")).unwrap();
    assert!(Journal::is_one(&dir, "link").is_ok_and(|is| !is), "a link is none, wherever it leads");
    std::fs::create_dir(temp.path().join("folder")).unwrap();
    assert!(!Journal::is_one(&dir, "folder").unwrap());
    for (text, is) in
        [(&b"shoaljn"[..], false), (b"shoaljnl", true), (b"shoaljnx and more", false), (b"", false)]
    {
        std::fs::write(temp.path().join("j"), text).unwrap();
        assert_eq!(Journal::is_one(&dir, "j").unwrap(), is, "{text:?}");
    }
}

#[test]
fn only_a_header_that_was_not_finished_is_taken_for_nothing() {
    let temp = tempfile::tempdir().unwrap();
    let dir = open(temp.path());
    drop(written(&dir));
    let header = std::fs::read(temp.path().join("j")).unwrap()[..HEADER].to_vec();
    let read = |text: &[u8]| {
        std::fs::write(temp.path().join("j"), text).unwrap();
        let contents = Journal::lock(&dir, "j", false).unwrap().unwrap().read(&id("a"), 20).unwrap();
        match contents {
            Contents::Empty => "empty",
            Contents::Ours(_) => "ours",
            Contents::Other(_) => "other",
            Contents::Unknown => "unknown",
        }
    };
    assert_eq!(read(&header), "ours");
    assert_eq!([read(b""), read(b"shoal"), read(&header[..HEADER - 1])], ["empty"; 3]);
    assert_eq!(read(b"short, and no journal"), "unknown");
    let later = [&header[..MAGIC.len()], &[VERSION as u8 + 1], &header[MAGIC.len() + 1..]].concat();
    assert_eq!(read(&later), "unknown", "of a later version");
}

/// The null device takes bytes, and cannot be synced.
#[test]
fn an_epoch_is_synced_and_a_chunk_is_not() {
    let null = File::options().read(true).write(true).open("/dev/null").unwrap();
    let mut journal = Journal::within(null);
    journal.chunk(5).unwrap();
    let none = ChunkSet::with_capacity(20);
    assert!(journal.epoch(&Hash::of(b"layout"), &none, &Pieces::new()).is_err());
}

/// A whole record may still speak of what the content does not have.
#[test]
fn records_of_chunks_that_there_are_not_count_for_nothing() {
    let temp = tempfile::tempdir().unwrap();
    let dir = open(temp.path());
    let mut journal = written(&dir);
    for chunk in [19, 20, 21, u32::MAX] {
        journal.piece(chunk, &Hash::of(b"piece")).unwrap();
        journal.chunk(chunk).unwrap();
    }
    let recorded = ours(journal.read(&id("a"), 20).unwrap());
    assert_eq!(recorded.groups, [5, 6, 19]);
    assert_eq!(recorded.pieces.into_keys().collect::<Vec<_>>(), [3, 19]);
}
