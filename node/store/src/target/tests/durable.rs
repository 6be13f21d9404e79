//! What a name or a journal vouches for is on the disk before.

use super::super::journal::Journal;
use super::*;

#[test]
fn nothing_is_left_to_be_synced_once_it_has_its_name() {
    let (_from, source) = shared_mixed();
    let dir = tempdir().unwrap();
    let target = open(&source, to(dir.path()));
    fetch(&source, &target);
    assert!(target.served.files().is_dirty());
    target.finish().unwrap();
    assert!(!target.served.files().is_dirty());
}

/// A pipe cannot be synced, so a sync that reaches it fails.
#[test]
fn a_sync_is_one_of_the_journal_too() {
    let (_from, source) = shared_mixed();
    let dir = tempdir().unwrap();
    let target = open(&source, to(dir.path()));
    target.sync().unwrap();
    let (pipe, _end) = io::pipe().unwrap();
    lock(&target.progress).journal = Some(Journal::within(std::os::fd::OwnedFd::from(pipe).into()));
    assert!(target.sync().is_err());
}
