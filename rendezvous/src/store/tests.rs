//! The store over real files.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::*;

/// Long enough that nothing is written by itself while a test runs.
const NEVER: Duration = Duration::from_secs(3600);
const DEADLINE: Duration = Duration::from_secs(60);

fn later() -> u64 {
    unix_now().as_secs() + 3600
}

fn put(key: &[u8], value: &[u8]) -> StoreChange {
    StoreChange::Put { table: Table::Payloads, key: key.to_vec(), value: value.to_vec(), expires: later() }
}

fn row(key: &[u8]) -> StoreChange {
    put(key, b"value")
}

fn keys(saved: &Saved) -> Vec<&[u8]> {
    saved.payloads.iter().map(|row| row.key.as_slice()).collect()
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    (folder, path)
}

/// What the file at `from` would give to a start after a crash now.
fn after_crash(from: &Path) -> Saved {
    let (_folder, path) = folder();
    fs::copy(from, &path).unwrap();
    Store::open_with(&path, NEVER).unwrap().1
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_can_read_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let (_folder, path) = folder();
    let (_store, _) = Store::open_with(&path, NEVER).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn what_was_there_is_there_again() {
    let (_folder, path) = folder();
    let (store, saved) = Store::open_with(&path, NEVER).unwrap();
    assert_eq!(saved, Saved::default());
    let expires = later();
    for (n, table) in Table::ALL.into_iter().enumerate() {
        let row = StoreChange::Put { table, key: vec![n as u8], value: vec![9; n], expires };
        store.apply([row, StoreChange::Put { table, key: b"gone".into(), value: vec![], expires }]);
        store.apply([StoreChange::Remove { table, key: b"gone".into() }]);
    }
    assert!(store.close(DEADLINE).await);
    let (_store, saved) = Store::open_with(&path, NEVER).unwrap();
    let row = |n: u8| vec![Row { key: vec![n], value: vec![9; n.into()], expires }];
    let expected = Saved { registrations: row(0), payloads: row(1), index: row(2), moved_to: None };
    assert_eq!(saved, expected);
}

#[tokio::test]
async fn prefixes_are_removed_from_the_file_too() {
    let (_folder, path) = folder();
    let (store, _) = Store::open_with(&path, NEVER).unwrap();
    store.apply_durably([row(b"a1"), row(b"a2"), row(b"b1")]).await.unwrap().unwrap();
    let prefix = StoreChange::RemovePrefix { table: Table::Payloads, prefix: b"a".into() };
    store.apply_durably([prefix, row(b"a3")]).await.unwrap().unwrap();
    assert_eq!(keys(&after_crash(&path)), [b"a3", b"b1"]);
}

#[tokio::test]
async fn what_was_confirmed_survives_a_crash() {
    let (_folder, path) = folder();
    let (store, _) = Store::open_with(&path, NEVER).unwrap();
    store.apply_durably([row(b"confirmed")]).await.unwrap().unwrap();
    store.apply([row(b"waits")]);
    assert_eq!(keys(&after_crash(&path)), [b"confirmed"]);
    assert_eq!((store.stats().pending, store.stats().commits), (1, 1));
}

#[tokio::test]
async fn what_waits_is_written_by_itself() {
    let (_folder, path) = folder();
    let (store, _) = Store::open_with(&path, Duration::from_millis(20)).unwrap();
    store.apply([row(b"a")]);
    let written = async {
        while store.stats().written == 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(DEADLINE, written).await.unwrap();
    assert_eq!(keys(&after_crash(&path)), [b"a"]);
}

/// A copy of a file that is being written is what a crash of the system might leave: pages of several
/// commits. Whole batches must be found, or the damage noticed.
#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_whole_or_not_there() {
    let (_folder, path) = folder();
    let (store, _) = Store::open_with(&path, Duration::ZERO).unwrap();
    let mut whole = 0;
    for round in 0..30_u8 {
        store.apply((0..50).map(|n| put(&[n], &[round; 3000])));
        let (_copies, copy) = folder();
        fs::copy(&path, &copy).unwrap();
        let (_again, saved) = Store::open_with(&copy, NEVER).unwrap();
        let values: Vec<_> = saved.payloads.iter().map(|row| &row.value).collect();
        assert!(values.windows(2).all(|pair| pair[0] == pair[1]), "round {round}");
        whole += usize::from(values.len() == 50);
        assert!(values.is_empty() || values.len() == 50, "round {round}: {}", values.len());
    }
    assert!(whole > 0);
    assert!(store.close(DEADLINE).await);
}

#[tokio::test]
async fn what_has_run_out_is_not_given_back() {
    let (_folder, path) = folder();
    let (store, _) = Store::open_with(&path, NEVER).unwrap();
    let old = StoreChange::Put { table: Table::Payloads, key: b"old".into(), value: vec![], expires: 1 };
    store.apply_durably([old, row(b"new")]).await.unwrap().unwrap();
    assert!(store.close(DEADLINE).await);
    let (disk, saved) = disk::Disk::open(&path, unix_now().as_secs()).unwrap();
    assert_eq!(keys(&saved), [b"new"]);
    disk.sweep(later() + 1).unwrap();
    drop(disk);
    assert!(keys(&disk::Disk::open(&path, 0).unwrap().1).is_empty());
}

#[tokio::test]
async fn a_damaged_file_is_moved_aside_and_a_new_one_made() {
    let (folder, path) = folder();
    for n in 1..=2 {
        fs::write(&path, vec![b'x'; 10_000]).unwrap();
        let (store, saved) = Store::open_with(&path, NEVER).unwrap();
        let aside = folder.path().join(format!("{FILE}.corrupt-{n}"));
        assert_eq!(saved, Saved { moved_to: Some(aside.clone()), ..Saved::default() });
        assert_eq!(fs::read(aside).unwrap(), vec![b'x'; 10_000]);
        store.apply_durably([row(b"a")]).await.unwrap().unwrap();
        assert!(store.close(DEADLINE).await);
        assert_eq!(keys(&after_crash(&path)), [b"a"]);
    }
}

/// Wherever bytes are overwritten or the file is cut, what is read is right or nothing.
#[tokio::test]
async fn damage_anywhere_is_noticed_or_harmless() {
    let (_folder, path) = folder();
    let (store, _) = Store::open_with(&path, NEVER).unwrap();
    store.apply_durably((0..40).map(|n| put(&[n], &[n; 900]))).await.unwrap().unwrap();
    assert!(store.close(DEADLINE).await);
    let bytes = fs::read(&path).unwrap();
    let mut noticed = 0;
    for at in (0..bytes.len().min(300_000)).step_by(4099).chain(0..64) {
        let (_copies, copy) = folder();
        let mut damaged = bytes.clone();
        damaged[at..(at + 16).min(bytes.len())].fill(0xa5);
        fs::write(&copy, damaged).unwrap();
        let Ok((_again, saved)) = Store::open_with(&copy, NEVER) else { panic!("at {at}") };
        noticed += usize::from(saved.moved_to.is_some());
        assert!(saved.payloads.iter().all(|row| row.value == [row.key[0]; 900]), "at {at}");
    }
    assert!(noticed > 0);
    let (_copies, copy) = folder();
    fs::write(&copy, &bytes[..bytes.len() / 2]).unwrap();
    assert!(Store::open_with(&copy, NEVER).unwrap().1.moved_to.is_some());
}

#[tokio::test]
async fn a_newer_file_is_left_alone() {
    let (_folder, path) = folder();
    let (store, _) = Store::open_with(&path, NEVER).unwrap();
    store.apply([row(b"a")]);
    assert!(store.close(DEADLINE).await);
    disk::set_version(&path, VERSION + 1);
    let error = Store::open_with(&path, NEVER).unwrap_err();
    assert!(matches!(error, StoreError::Newer { found, .. } if found == VERSION + 1), "{error}");
    assert!(error.to_string().contains("newer"), "{error}");
    disk::set_version(&path, VERSION);
    assert_eq!(keys(&Store::open_with(&path, NEVER).unwrap().1), [b"a"]);
}

#[tokio::test]
async fn two_processes_do_not_share_a_file() {
    let (_folder, path) = folder();
    let (_store, _) = Store::open_with(&path, NEVER).unwrap();
    let error = Store::open_with(&path, NEVER).unwrap_err();
    assert!(matches!(error, StoreError::Locked { .. }), "{error}");
    assert!(error.to_string().contains("--data"), "{error}");
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_named() {
    let (folder, _) = folder();
    let error = Store::open(&folder.path().join("no/such/file")).unwrap_err().to_string();
    assert!(error.contains("no/such/file") && error.contains("--data"), "{error}");
}

#[tokio::test]
async fn after_closing_nothing_is_taken() {
    let (_folder, path) = folder();
    let (store, _) = Store::open_with(&path, NEVER).unwrap();
    assert!(store.close(DEADLINE).await);
    store.apply([row(b"a")]);
    assert_eq!(store.apply_durably([row(b"b")]).await.unwrap(), Err(NotWritten::NoRoom));
    assert_eq!((store.stats().pending, store.stats().dropped), (0, 2));
}

/// Tells a child which file to write until it is killed.
const VICTIM: &str = "SHOAL_TEST_STORE_VICTIM";
const BATCH: u8 = 50;

/// Plays the other process of [`a_killed_process_leaves_what_it_confirmed`]; by itself it does nothing.
#[tokio::test]
async fn victim() {
    let Some(path) = std::env::var_os(VICTIM) else { return };
    let (store, _) = Store::open_with(Path::new(&path), NEVER).unwrap();
    for round in 0..=u8::MAX {
        store.apply_durably((0..BATCH).map(|n| put(&[n], &[round; 3000]))).await.unwrap().unwrap();
        println!("\nconfirmed {round}");
    }
    std::future::pending::<()>().await;
}

#[test]
fn a_killed_process_leaves_what_it_confirmed() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    for rounds in [1, 7, 20] {
        let (_folder, path) = folder();
        let mut victim = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "store::tests::victim", "--nocapture"])
            .env(VICTIM, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(victim.stdout.take().unwrap()).lines().map_while(Result::ok);
        let confirmed = lines.filter_map(|line| line.strip_prefix("confirmed ")?.parse::<u8>().ok());
        let last = confirmed.take(rounds).last().expect("it writes");
        victim.kill().unwrap();
        victim.wait().unwrap();
        let saved = Store::open_with(&path, NEVER).unwrap().1;
        assert_eq!(saved.moved_to, None);
        assert_eq!(saved.payloads.len(), usize::from(BATCH));
        let round = saved.payloads[0].value[0];
        assert!(round >= last, "{round} after {last}");
        assert!(saved.payloads.iter().all(|row| row.value == [round; 3000]));
    }
}
