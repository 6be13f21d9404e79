//! A source that is written down, to be served again by another process without reading its files.
//!
//! A version, the SHA-256 of the rest, then CBOR: the manifest's blocks, where the files lie, and the stamp of
//! each file whose bytes were seen to match under it.
//!
//! What this is not: proof that the files are still what they were. The stamps are compared when chunks are read.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize, Serializer};
use serde_bytes::ByteBuf;
use shoal_content::{ContentId, EntryKind, FileIndex, Hash, Manifest, ManifestAssembler, ManifestError};

use super::roots::Roots;
use crate::serve::Standing;
use crate::show;
use crate::stamp::{Stamp, StampFields};

/// Changes when the meaning of the bytes does.
const VERSION: u8 = 1;
/// Length of a SHA-256.
const SUM: usize = 32;
/// No more bytes are read; enough for the largest manifest.
const MAX_SAVED: usize = 2 << 30;
/// So many files are looked for. If none of them is there, the folder is taken for one whose disk is not mounted.
const LOOKED_FOR: usize = 16;

/// A [`Source`](super::Source) as bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedSource(Vec<u8>);

/// Why a saved source cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ReopenError {
    /// It is not what was written.
    #[error("what was saved of a shared content is damaged: {0}")]
    Damaged(String),
    /// Another version of the program wrote it.
    #[error("what was saved of a shared content is of version {0}, and this Shoal reads version {VERSION}")]
    Version(u8),
    /// Its manifest is not a valid one.
    #[error("what was saved of a shared content has no valid manifest: {0}")]
    Manifest(#[from] ManifestError),
    /// Its files are not there; they may come back, with a disk that is not mounted.
    #[error("'{}' is not there", show(path))]
    Missing {
        /// The file or folder that is shared.
        path: PathBuf,
    },
    /// Its files cannot be looked at.
    #[error("cannot read '{}': {source}", show(path))]
    Io {
        /// The file or folder that is shared.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// What the bytes say.
pub(super) struct Restored {
    pub(super) manifest: Manifest,
    pub(super) roots: Roots,
    /// One for each entry.
    pub(super) standings: Vec<Standing>,
}

#[derive(Serialize, Deserialize)]
struct Written<P, S> {
    root: ByteBuf,
    pages: P,
    roots: WrittenRoots,
    /// Entries that are not served.
    absent: Vec<FileIndex>,
    /// One for each entry, if it is known.
    stamps: S,
    content: ContentId,
}

/// The blocks of a manifest with some hashes, as they are written.
struct Pages<'a>(&'a Manifest, BTreeSet<&'a Hash>);

impl Serialize for Pages<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer
            .collect_seq(self.1.iter().map(|hash| ByteBuf::from(self.0.block(hash).unwrap_or_default())))
    }
}

/// The stamps of many files, as they are written.
struct Stamps<'a>(&'a [Standing]);

impl Serialize for Stamps<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let stamp = |it: &Standing| match it {
            Standing::Sure(stamp) => Some(stamp.fields()),
            Standing::Absent | Standing::Unsure => None,
        };
        serializer.collect_seq(self.0.iter().map(stamp))
    }
}

#[derive(Serialize, Deserialize)]
enum WrittenRoots {
    File(ByteBuf),
    Folder(ByteBuf),
    Several(BTreeMap<String, ByteBuf>),
}

impl SavedSource {
    /// Takes bytes that [`as_bytes`](Self::as_bytes) gave. They are checked when they are opened.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes: some 40 for each chunk, and some 100 for each file.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Writes a source down. `standings` has one for each entry.
    pub(super) fn write(manifest: &Manifest, roots: &Roots, standings: &[Standing]) -> Self {
        let root = manifest.root();
        // Equal pages are kept once.
        let pages = root.file_pages.iter().chain(&root.chunk_pages).collect();
        let absent = (0..).zip(standings).filter(|(_, it)| matches!(it, Standing::Absent));
        let written = Written {
            root: manifest.block(manifest.id().root_hash()).unwrap_or_default().into(),
            pages: Pages(manifest, pages),
            roots: WrittenRoots::of(roots),
            absent: absent.map(|(file, _)| file).collect(),
            stamps: Stamps(standings),
            content: manifest.id(),
        };
        let mut bytes = vec![0; 1 + SUM];
        bytes[0] = VERSION;
        let mut bytes = shoal_cbor::encode_after(bytes, &written);
        let sum = Hash::of(&bytes[1 + SUM..]);
        bytes[1..=SUM].copy_from_slice(sum.as_bytes());
        Self(bytes)
    }

    /// Reads it, and checks the manifest against its id. No file is looked at.
    pub(super) fn read(&self) -> Result<Restored, ReopenError> {
        let damaged = |why: &str| ReopenError::Damaged(why.to_owned());
        if self.0.len() > MAX_SAVED {
            return Err(damaged("it is too long"));
        }
        let (version, rest) = self.0.split_first().ok_or_else(|| damaged("it is empty"))?;
        if *version != VERSION {
            return Err(ReopenError::Version(*version));
        }
        let (sum, body) = rest.split_at_checked(SUM).ok_or_else(|| damaged("it is cut short"))?;
        if Hash::of(body).as_bytes() != sum {
            return Err(damaged("its checksum does not match"));
        }
        let written: Written<Vec<ByteBuf>, Vec<Option<StampFields>>> =
            shoal_cbor::decode(body).map_err(|error| ReopenError::Damaged(error.to_string()))?;
        let mut manifest = ManifestAssembler::new(written.content, &written.root)?;
        for page in written.pages {
            manifest.add(&Hash::of(&page), &page)?;
        }
        if manifest.missing().next().is_some() {
            return Err(damaged("a page of the manifest is missing"));
        }
        let manifest = manifest.finish()?;
        if written.stamps.len() != manifest.entries().len() {
            return Err(damaged("it has not one stamp for each file"));
        }
        let standing =
            |fields: Option<_>| fields.map_or(Standing::Unsure, |f| Standing::Sure(Stamp::from(f)));
        let mut standings: Vec<Standing> = written.stamps.into_iter().map(standing).collect();
        for file in written.absent {
            let standing = standings.get_mut(file as usize).ok_or_else(|| damaged("it names no file"))?;
            *standing = Standing::Absent;
        }
        Ok(Restored { manifest, roots: written.roots.into(), standings })
    }
}

impl Restored {
    /// Looks whether the roots are there, and some of the files. Reads none of them.
    pub(super) fn look(&self) -> Result<(), ReopenError> {
        for root in self.roots.paths() {
            let is_there =
                exists(root).map_err(|source| ReopenError::Io { path: root.to_owned(), source })?;
            if !is_there {
                return Err(ReopenError::Missing { path: root.to_owned() });
            }
        }
        let mut looked_for = self.some_files().peekable();
        if looked_for.peek().is_none() || looked_for.any(|path| exists(&path).unwrap_or(true)) {
            return Ok(());
        }
        // An empty folder is what a disk leaves that is not mounted.
        let path = self.roots.paths().first().map(|path| path.to_path_buf()).unwrap_or_default();
        Err(ReopenError::Missing { path })
    }

    fn some_files(&self) -> impl Iterator<Item = PathBuf> {
        let all = self.manifest.entries().iter().zip(&self.standings);
        let files = all.filter(|(entry, standing)| {
            matches!(entry.kind, EntryKind::File { .. }) && !matches!(standing, Standing::Absent)
        });
        files.take(LOOKED_FOR).map(|(entry, _)| self.roots.locate(entry.path.as_str()))
    }
}

fn exists(path: &Path) -> io::Result<bool> {
    use io::ErrorKind::{NotADirectory, NotFound};
    match path.symlink_metadata() {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.kind(), NotFound | NotADirectory) => Ok(false),
        Err(error) => Err(error),
    }
}

impl WrittenRoots {
    fn of(roots: &Roots) -> Self {
        let bytes = |path: &PathBuf| ByteBuf::from(path.as_os_str().as_bytes());
        match roots {
            Roots::File(path) => Self::File(bytes(path)),
            Roots::Folder(path) => Self::Folder(bytes(path)),
            Roots::Several(all) => {
                Self::Several(all.iter().map(|(name, path)| (name.clone(), bytes(path))).collect())
            }
        }
    }
}

impl From<WrittenRoots> for Roots {
    fn from(written: WrittenRoots) -> Self {
        let path = |bytes: ByteBuf| PathBuf::from(OsString::from_vec(bytes.into_vec()));
        match written {
            WrittenRoots::File(bytes) => Self::File(path(bytes)),
            WrittenRoots::Folder(bytes) => Self::Folder(path(bytes)),
            WrittenRoots::Several(all) => {
                Self::Several(all.into_iter().map(|(name, bytes)| (name, path(bytes))).collect())
            }
        }
    }
}
