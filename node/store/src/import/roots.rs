//! What the given paths mean: what is shared, and under which name.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use shoal_content::{SafePath, Shape};

use super::{ImportError, ImportOptions};
use crate::mode::is_private;

/// Where the entries of a content lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Roots {
    /// A single file.
    File(PathBuf),
    /// What is inside of one folder.
    Folder(PathBuf),
    /// Several files and folders, by the name each has in the content.
    Several(BTreeMap<String, PathBuf>),
}

impl Roots {
    /// Where an entry lies.
    pub(super) fn locate(&self, path: &str) -> PathBuf {
        match self {
            Self::File(file) => file.clone(),
            Self::Folder(folder) => folder.join(path),
            Self::Several(all) => {
                let (first, rest) = path.split_once('/').unwrap_or((path, ""));
                match (all.get(first), rest) {
                    (Some(root), "") => root.clone(),
                    (Some(root), rest) => root.join(rest),
                    // Not one of ours; a relative path of one name that leads nowhere else.
                    (None, _) => PathBuf::from(first),
                }
            }
        }
    }

    /// All root paths, in a fixed order.
    pub(super) fn paths(&self) -> Vec<&Path> {
        match self {
            Self::File(path) | Self::Folder(path) => vec![path],
            Self::Several(all) => all.values().map(PathBuf::as_path).collect(),
        }
    }
}

/// Paths that have been looked at.
#[derive(Debug)]
pub(super) struct Resolved {
    pub(super) roots: Roots,
    pub(super) name: SafePath,
    pub(super) shape: Shape,
    /// Whether only its owner may read the folder that becomes the content's own.
    pub(super) private: bool,
}

/// A path that exists: the folder that holds it, its name there, and where it leads.
struct Given {
    path: PathBuf,
    parent: Option<PathBuf>,
    name: Option<String>,
    real: PathBuf,
    is_dir: bool,
    /// Whether only its owner may read it.
    private: bool,
}

/// Finds out what the paths are. All of them are followed if they are links.
pub(super) fn resolve(options: &ImportOptions) -> Result<Resolved, ImportError> {
    let given: Vec<Given> = options.paths.iter().map(|p| look(p)).collect::<Result<_, _>>()?;
    match given.as_slice() {
        [] => Err(ImportError::Nothing),
        [only] => resolve_one(options, only),
        several => resolve_several(options, several),
    }
}

fn look(path: &Path) -> Result<Given, ImportError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ImportError::NotFound(path.to_owned()),
        _ => ImportError::Io { path: path.to_owned(), source },
    };
    let real = path.canonicalize().map_err(failed)?;
    let meta = real.metadata().map_err(failed)?;
    if !meta.is_file() && !meta.is_dir() {
        return Err(ImportError::NotShareable(path.to_owned()));
    }
    // `x/.` has a last component by the rules of `Path`, `x/..` has none.
    let named = match path.file_name() {
        Some(name) => {
            path.parent().map(|p| if p.as_os_str().is_empty() { Path::new(".") } else { p }).zip(Some(name))
        }
        None => real.parent().zip(real.file_name()),
    };
    let (parent, name) = match named {
        Some((parent, name)) => {
            let name = name.to_str().ok_or_else(|| ImportError::NotUtf8(path.to_owned()))?;
            (Some(parent.canonicalize().map_err(failed)?), Some(name.to_owned()))
        }
        None => (None, None),
    };
    let private = is_private(meta.mode());
    Ok(Given { path: path.to_owned(), parent, name, real, is_dir: meta.is_dir(), private })
}

fn resolve_one(options: &ImportOptions, only: &Given) -> Result<Resolved, ImportError> {
    let own = || match only.real.file_name() {
        Some(name) => name.to_str().map(str::to_owned).ok_or_else(|| ImportError::NotUtf8(only.real.clone())),
        None => Err(ImportError::NameNeeded),
    };
    let name = content_name(options, own)?;
    let real = only.real.clone();
    Ok(match only.is_dir {
        true => Resolved { roots: Roots::Folder(real), name, shape: Shape::Folder, private: only.private },
        false => Resolved { roots: Roots::File(real), name, shape: Shape::File, private: false },
    })
}

fn resolve_several(options: &ImportOptions, several: &[Given]) -> Result<Resolved, ImportError> {
    let mut all: BTreeMap<String, PathBuf> = BTreeMap::new();
    for given in several {
        let name = given.name.clone().ok_or_else(|| ImportError::NotShareable(given.path.clone()))?;
        if let Some(earlier) = all.insert(name, given.real.clone()) {
            return Err(ImportError::SameName(earlier, given.path.clone()));
        }
    }
    let parent = several[0].parent.as_deref();
    let common = parent.filter(|_| several.iter().all(|g| g.parent.as_deref() == parent));
    let own = || {
        let name = common.and_then(Path::file_name).ok_or(ImportError::NameNeeded)?;
        name.to_str().map(str::to_owned).ok_or_else(|| ImportError::NotUtf8(several[0].path.clone()))
    };
    let name = content_name(options, own)?;
    let private = match common {
        Some(common) => {
            let meta = common.metadata();
            let failed = |source| ImportError::Io { path: common.to_owned(), source };
            is_private(meta.map_err(failed)?.mode())
        }
        None => false,
    };
    Ok(Resolved { roots: Roots::Several(all), name, shape: Shape::Folder, private })
}

/// The name asked for, or else the one that `default` finds.
fn content_name(
    options: &ImportOptions,
    default: impl FnOnce() -> Result<String, ImportError>,
) -> Result<SafePath, ImportError> {
    let name = match &options.name {
        Some(name) => name.clone(),
        None => default()?,
    };
    SafePath::name(name.clone()).map_err(|why| ImportError::Name { name, why })
}
