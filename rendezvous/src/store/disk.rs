//! The database file itself. Everything here blocks.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};

use super::error::DiskError;
use super::pending::Pending;
use super::{MAX_KEY, MAX_VALUE, Row, StoreError, Table};

/// The format that is written; a file with a higher one is left alone.
pub const VERSION: u64 = 1;
/// The most bytes of one table that are read at the start. What goes beyond is passed over.
pub const MAX_LOADED: usize = 256 << 20;
/// The database keeps this much in memory.
const CACHE: usize = 16 << 20;
/// How many damaged files are kept beside each other.
const MAX_MOVED: u32 = 1000;

const META: TableDefinition<&str, u64> = TableDefinition::new("meta");
const VERSION_KEY: &str = "version";

type Rows = TableDefinition<'static, &'static [u8], &'static [u8]>;

fn definition(table: Table) -> Rows {
    TableDefinition::new(table.name())
}

/// What the file held when it was opened, without what had run out.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// Of [`Table::Registrations`], by key.
    pub registrations: Vec<Row>,
    /// Of [`Table::Payloads`], by key.
    pub payloads: Vec<Row>,
    /// Of [`Table::Index`], by key.
    pub index: Vec<Row>,
    /// The file was damaged and lies here now; nothing was read from it.
    pub moved_to: Option<PathBuf>,
}

/// An open database.
#[derive(Debug)]
pub(super) struct Disk {
    database: Database,
    path: PathBuf,
}

impl Disk {
    /// Opens or makes the file and reads it; `now` is in seconds since the Unix epoch.
    pub(super) fn open(path: &Path, now: u64) -> Result<(Self, Saved), StoreError> {
        match guarded(|| open(path, now)) {
            Ok((database, saved)) => Ok((Self { database, path: path.to_owned() }, saved)),
            Err(DiskError::Corrupt(why)) => {
                let aside = move_aside(path).map_err(|source| StoreError::io(path, source))?;
                tracing::warn!(
                    path = %path.display(), moved_to = %aside.display(), %why,
                    "the tracker's file was damaged; it was moved aside, and the tracker starts without what it held"
                );
                let (database, saved) = guarded(|| open(path, now)).map_err(|e| describe(path, e))?;
                let saved = Saved { moved_to: Some(aside), ..saved };
                Ok((Self { database, path: path.to_owned() }, saved))
            }
            Err(error) => Err(describe(path, error)),
        }
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a batch and syncs it: all or nothing.
    pub(super) fn write(&self, batch: &Pending) -> Result<(), DiskError> {
        guarded(|| write(&self.database, batch).map_err(DiskError::from))
    }

    /// Removes what has run out.
    pub(super) fn sweep(&self, now: u64) -> Result<(), DiskError> {
        guarded(|| sweep(&self.database, now).map_err(DiskError::from))
    }
}

/// A damaged file must not end the tracker, even if the library stumbles over it.
fn guarded<T>(work: impl FnOnce() -> Result<T, DiskError>) -> Result<T, DiskError> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(DiskError::Corrupt("the database library failed".into())))
}

fn describe(path: &Path, error: DiskError) -> StoreError {
    match error {
        DiskError::Locked => StoreError::Locked { path: path.to_owned() },
        DiskError::Newer(found) => StoreError::Newer { path: path.to_owned(), found, known: VERSION },
        DiskError::Corrupt(why) => StoreError::io(path, io::Error::new(io::ErrorKind::InvalidData, why)),
        DiskError::Io(source) => StoreError::io(path, source),
    }
}

fn move_aside(path: &Path) -> io::Result<PathBuf> {
    for n in 1..=MAX_MOVED {
        let mut aside = path.as_os_str().to_owned();
        aside.push(format!(".corrupt-{n}"));
        if !std::fs::exists(&aside)? {
            std::fs::rename(path, &aside)?;
            return Ok(aside.into());
        }
    }
    Err(io::Error::other("too many damaged files lie beside it; remove some"))
}

fn open(path: &Path, now: u64) -> Result<(Database, Saved), DiskError> {
    make_private(path).map_err(DiskError::Io)?;
    let mut database = Database::builder().set_cache_size(CACHE).create(path).map_err(redb::Error::from)?;
    // Pages have checksums, but reading does not compare them.
    if !database.check_integrity().map_err(redb::Error::from)? {
        tracing::info!(path = %path.display(), "the tracker's file was repaired");
    }
    check_version(&database)?;
    let saved = load(&database, now)?;
    Ok((database, saved))
}

/// Makes an empty file, if there is none, that only its owner can read: it will hold where peers are, and what
/// they left.
#[cfg(unix)]
fn make_private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let made = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    match made {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
fn make_private(_: &Path) -> io::Result<()> {
    Ok(())
}

fn check_version(database: &Database) -> Result<(), DiskError> {
    match version(database)? {
        found if found > VERSION => Err(DiskError::Newer(found)),
        0 => Err(DiskError::Corrupt("it has no valid version".into())),
        _ => Ok(()),
    }
}

/// The format of the file; a new one gets the present format, and its tables.
fn version(database: &Database) -> Result<u64, redb::Error> {
    let write = database.begin_write()?;
    let found = {
        let mut meta = write.open_table(META)?;
        let found = meta.get(VERSION_KEY)?.map(|found| found.value());
        match found {
            Some(found) => found,
            None => {
                meta.insert(VERSION_KEY, VERSION)?;
                VERSION
            }
        }
    };
    if found != VERSION {
        write.abort()?;
        return Ok(found);
    }
    for table in Table::ALL {
        write.open_table(definition(table))?;
    }
    write.commit()?;
    Ok(found)
}

fn load(database: &Database, now: u64) -> Result<Saved, redb::Error> {
    let read = database.begin_read()?;
    let rows = |table: Table| -> Result<Vec<Row>, redb::Error> {
        let (mut rows, mut bytes) = (vec![], 0);
        for row in read.open_table(definition(table))?.iter()? {
            let (key, value) = row?;
            let Some(row) = unpack(key.value(), value.value()).filter(|row| row.expires > now) else {
                continue;
            };
            bytes += row.key.len() + row.value.len();
            if bytes > MAX_LOADED {
                tracing::warn!(
                    table = table.name(),
                    rows = rows.len(),
                    "the table is too large; the rest is left out"
                );
                break;
            }
            rows.push(row);
        }
        Ok(rows)
    };
    Ok(Saved {
        registrations: rows(Table::Registrations)?,
        payloads: rows(Table::Payloads)?,
        index: rows(Table::Index)?,
        moved_to: None,
    })
}

/// Eight bytes, big endian, say when the row ends; then comes the value.
fn pack(expires: u64, value: &[u8]) -> Vec<u8> {
    [&expires.to_be_bytes(), value].concat()
}

fn unpack(key: &[u8], stored: &[u8]) -> Option<Row> {
    let (expires, value) = stored.split_first_chunk()?;
    let fits = key.len() <= MAX_KEY && value.len() <= MAX_VALUE;
    fits.then(|| Row { key: key.to_vec(), value: value.to_vec(), expires: u64::from_be_bytes(*expires) })
}

fn write(database: &Database, batch: &Pending) -> Result<(), redb::Error> {
    let write = database.begin_write()?;
    for (table, prefix) in batch.prefixes() {
        let mut rows = write.open_table(definition(table))?;
        let mut doomed = vec![];
        for row in rows.range(prefix..)? {
            let (key, _) = row?;
            if !key.value().starts_with(prefix) {
                break;
            }
            doomed.push(key.value().to_vec());
        }
        for key in doomed {
            rows.remove(key.as_slice())?;
        }
    }
    for table in Table::ALL {
        let mut rows = write.open_table(definition(table))?;
        for (_, key, value) in batch.rows().filter(|(of, ..)| *of == table) {
            match value {
                Some((expires, value)) => drop(rows.insert(key, pack(expires, value).as_slice())?),
                None => drop(rows.remove(key)?),
            }
        }
    }
    write.commit()?;
    Ok(())
}

fn sweep(database: &Database, now: u64) -> Result<(), redb::Error> {
    let write = database.begin_write()?;
    for table in Table::ALL {
        let mut rows = write.open_table(definition(table))?;
        rows.retain(|key, value| unpack(key, value).is_some_and(|row| row.expires > now))?;
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
