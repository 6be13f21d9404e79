//! The database file itself. Everything here blocks.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use redb::backends::InMemoryBackend;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use serde::de::DeserializeOwned;
use shoal_content::{ContentId, Hash};
use shoal_store::SavedSource;

use super::record::{Change, KnownPeer, Record, Settings};
use crate::ShareRequest;

/// The format that is written; a file with another one is left alone.
const VERSION: u64 = 1;
/// The database keeps this much in memory.
const CACHE: usize = 16 << 20;
/// How many damaged files are kept beside each other.
const MAX_MOVED: u32 = 1000;

const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
const VERSION_KEY: &str = "version";
const CONTENTS: TableDefinition<'_, [u8; 32], &[u8]> = TableDefinition::new("contents");
/// Apart from the contents, so that lists do not read them.
const SOURCES: TableDefinition<'_, [u8; 32], &[u8]> = TableDefinition::new("sources");
const SHARES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("shares");
const SETTINGS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("settings");
const SETTINGS_KEY: &str = "all";
/// Beside the settings, in their table: libraries that were made before there was such a row have none.
const PEERS_KEY: &str = "peers";

/// Contents that the store keeps or owns. Made when something is first written to it.
const KEPT: TableDefinition<'_, [u8; 32], &[u8]> = TableDefinition::new("kept");
/// Other things that the store knows.
const OF_STORE: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("of store");

/// All that is held in memory of a library.
#[derive(Debug, Default)]
pub(crate) struct Saved {
    pub(crate) contents: Vec<(ContentId, Record)>,
    pub(crate) shares: Vec<(u64, ShareRequest)>,
    pub(crate) settings: Settings,
    /// Peers that worked, the best first.
    pub(crate) peers: Vec<KnownPeer>,
    pub(crate) store: SavedStore,
    /// The file was damaged and lies here now; nothing was read from it.
    pub(crate) moved_to: Option<PathBuf>,
}

/// What the store wrote down.
#[derive(Debug, Default)]
pub(crate) struct SavedStore {
    /// Of contents.
    pub(crate) kept: Vec<(ContentId, Vec<u8>)>,
    /// Of other things, by their names.
    pub(crate) others: BTreeMap<String, Vec<u8>>,
}

/// Why the database did not do something.
#[derive(Debug)]
pub(super) enum DiskError {
    /// What it holds makes no sense.
    Damaged(String),
    /// It is of another version of the program.
    Version(u64),
    Io(io::Error),
    Other(redb::Error),
}

impl From<redb::Error> for DiskError {
    fn from(error: redb::Error) -> Self {
        /// What the database says of a file that is no database or was cut off.
        const NO_DATABASE: [io::ErrorKind; 2] = [io::ErrorKind::InvalidData, io::ErrorKind::UnexpectedEof];
        match error {
            redb::Error::Io(error) if NO_DATABASE.contains(&error.kind()) => Self::Damaged(error.to_string()),
            redb::Error::Io(error) => Self::Io(error),
            redb::Error::DatabaseAlreadyOpen | redb::Error::PreviousIo => Self::Other(error),
            other => Self::Damaged(other.to_string()),
        }
    }
}

/// Opens or makes the file and reads it; without a path, a database in memory.
pub(super) fn open(path: Option<&Path>) -> Result<(Database, Saved), DiskError> {
    let Some(path) = path else { return guarded(open_in_memory) };
    match guarded(|| open_at(path)) {
        Err(DiskError::Damaged(why)) => {
            let aside = move_aside(path).map_err(DiskError::Io)?;
            tracing::warn!(
                path = %path.display(), moved_to = %aside.display(), %why,
                "the library was damaged; it was moved aside, and the node starts without what it held"
            );
            let (database, saved) = guarded(|| open_at(path))?;
            Ok((database, Saved { moved_to: Some(aside), ..saved }))
        }
        opened => opened,
    }
}

/// A damaged file must not end the node, even if the database stumbles over it.
fn guarded<T>(work: impl FnOnce() -> Result<T, DiskError>) -> Result<T, DiskError> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(DiskError::Damaged("the database library failed".into())))
}

fn open_in_memory() -> Result<(Database, Saved), DiskError> {
    let made = Database::builder().create_with_backend(InMemoryBackend::new()).map_err(redb::Error::from)?;
    version(&made)?;
    Ok((made, Saved::default()))
}

fn open_at(path: &Path) -> Result<(Database, Saved), DiskError> {
    // Made by ourselves, so that nobody else can read it.
    match std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(DiskError::Io(error)),
        _ => {}
    }
    let mut database = Database::builder().set_cache_size(CACHE).create(path).map_err(redb::Error::from)?;
    // Pages have checksums, but reading does not compare them.
    if !database.check_integrity().map_err(redb::Error::from)? {
        tracing::info!(path = %path.display(), "the library was repaired");
    }
    match version(&database)? {
        VERSION => {}
        0 => return Err(DiskError::Damaged("it has no valid version".into())),
        other => return Err(DiskError::Version(other)),
    }
    let saved = load(&database)?;
    Ok((database, saved))
}

fn move_aside(path: &Path) -> io::Result<PathBuf> {
    for n in 1..=MAX_MOVED {
        let mut aside = path.as_os_str().to_owned();
        aside.push(format!(".damaged-{n}"));
        if !std::fs::exists(&aside)? {
            std::fs::rename(path, &aside)?;
            return Ok(aside.into());
        }
    }
    Err(io::Error::other("too many damaged files lie beside it; remove some"))
}

/// The format of the file; a new one gets the present format, and its tables.
fn version(database: &Database) -> Result<u64, DiskError> {
    let make = || -> Result<u64, redb::Error> {
        let write = database.begin_write()?;
        let found = write.open_table(META)?.get(VERSION_KEY)?.map(|found| found.value());
        if let Some(found) = found {
            write.abort()?;
            return Ok(found);
        }
        write.open_table(META)?.insert(VERSION_KEY, VERSION)?;
        write.open_table(CONTENTS)?;
        write.open_table(SOURCES)?;
        write.open_table(SHARES)?;
        write.open_table(SETTINGS)?;
        write.commit()?;
        Ok(VERSION)
    };
    Ok(make()?)
}

fn load(database: &Database) -> Result<Saved, DiskError> {
    let mut rows = (vec![], vec![], None, None);
    let mut read = || -> Result<(), redb::Error> {
        let read = database.begin_read()?;
        for row in read.open_table(CONTENTS)?.iter()? {
            let (key, value) = row?;
            rows.0.push((content(key.value()), value.value().to_vec()));
        }
        for row in read.open_table(SHARES)?.iter()? {
            let (key, value) = row?;
            rows.1.push((key.value(), value.value().to_vec()));
        }
        let settings = read.open_table(SETTINGS)?;
        rows.2 = settings.get(SETTINGS_KEY)?.map(|value| value.value().to_vec());
        rows.3 = settings.get(PEERS_KEY)?.map(|value| value.value().to_vec());
        Ok(())
    };
    read()?;
    Ok(Saved {
        store: load_store(database)?,
        contents: decode_all(rows.0)?,
        shares: decode_all(rows.1)?,
        settings: rows.2.map(|row| decode(&row)).transpose()?.unwrap_or_default(),
        // They are of use and not needed, so a damaged row is none.
        peers: rows.3.and_then(|row| decode(&row).ok()).unwrap_or_default(),
        moved_to: None,
    })
}

/// What the store wrote down, if it ever did.
fn load_store(database: &Database) -> Result<SavedStore, redb::Error> {
    let mut saved = SavedStore::default();
    let read = database.begin_read()?;
    match read.open_table(KEPT) {
        Err(redb::TableError::TableDoesNotExist(_)) => {}
        table => {
            for row in table?.iter()? {
                let (key, value) = row?;
                saved.kept.push((content(key.value()), value.value().to_vec()));
            }
        }
    }
    match read.open_table(OF_STORE) {
        Err(redb::TableError::TableDoesNotExist(_)) => {}
        table => {
            for row in table?.iter()? {
                let (key, value) = row?;
                saved.others.insert(key.value().to_owned(), value.value().to_vec());
            }
        }
    }
    Ok(saved)
}

fn decode_all<K, T: DeserializeOwned>(rows: Vec<(K, Vec<u8>)>) -> Result<Vec<(K, T)>, DiskError> {
    rows.into_iter().map(|(key, row)| Ok((key, decode(&row)?))).collect()
}

fn content(key: [u8; 32]) -> ContentId {
    ContentId::from_root_hash(Hash::from_bytes(key))
}

fn decode<T: DeserializeOwned>(row: &[u8]) -> Result<T, DiskError> {
    shoal_cbor::decode(row).map_err(|error| DiskError::Damaged(error.to_string()))
}

/// What it takes to serve a content again.
pub(super) fn source(database: &Database, content: ContentId) -> Result<Option<SavedSource>, redb::Error> {
    let read = database.begin_read()?;
    let found = read.open_table(SOURCES)?.get(content.root_hash().as_bytes())?;
    Ok(found.map(|bytes| SavedSource::from_bytes(bytes.value().to_vec())))
}

/// Writes and syncs: all or nothing.
pub(super) fn write<'a>(
    database: &Database,
    changes: impl Iterator<Item = &'a Change>,
) -> Result<(), redb::Error> {
    let write = database.begin_write()?;
    for change in changes {
        match change {
            Change::Record(content, record) => {
                let row = shoal_cbor::encode(&**record);
                write.open_table(CONTENTS)?.insert(content.root_hash().as_bytes(), row.as_slice())?;
            }
            Change::Source(content, source) => {
                write.open_table(SOURCES)?.insert(content.root_hash().as_bytes(), source.as_bytes())?;
            }
            Change::Forget(content) => {
                write.open_table(CONTENTS)?.remove(content.root_hash().as_bytes())?;
                write.open_table(SOURCES)?.remove(content.root_hash().as_bytes())?;
            }
            Change::Share(key, request) => {
                write.open_table(SHARES)?.insert(key, shoal_cbor::encode(request).as_slice())?;
            }
            Change::ShareDone(key) => drop(write.open_table(SHARES)?.remove(key)?),
            Change::Kept(content, Some(row)) => {
                write.open_table(KEPT)?.insert(content.root_hash().as_bytes(), row.as_slice())?;
            }
            Change::Kept(content, None) => {
                write.open_table(KEPT)?.remove(content.root_hash().as_bytes())?;
            }
            Change::OfStore(name, row) => {
                write.open_table(OF_STORE)?.insert(name, row.as_slice())?;
            }
            Change::Settings(settings) => {
                let row = shoal_cbor::encode(settings);
                write.open_table(SETTINGS)?.insert(SETTINGS_KEY, row.as_slice())?;
            }
            Change::Peers(peers) => {
                let row = shoal_cbor::encode(peers);
                write.open_table(SETTINGS)?.insert(PEERS_KEY, row.as_slice())?;
            }
        }
    }
    write.commit()?;
    Ok(())
}

#[cfg(test)]
pub(super) fn set_version(path: &Path, version: u64) {
    let database = Database::create(path).unwrap();
    let write = database.begin_write().unwrap();
    write.open_table(META).unwrap().insert(VERSION_KEY, version).unwrap();
    write.commit().unwrap();
}
