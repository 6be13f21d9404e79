//! Trees of files: made up, and compared.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rand::{Rng, SeedableRng};
use shoal_engine::SeededRng;

/// What lies at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lying {
    /// A file.
    File {
        /// The hash of its bytes.
        hash: shoal_content::Hash,
        /// Whether its owner may execute it.
        executable: bool,
        /// Whether only its owner may read it.
        private: bool,
    },
    /// A folder.
    Folder {
        /// Whether only its owner may read it.
        private: bool,
    },
    /// A link and its target.
    Link(String),
}

/// Bytes that do not compress and do not repeat; the same for the same seed.
pub fn random(len: usize, seed: u64) -> Vec<u8> {
    let mut bytes = vec![0; len];
    SeededRng::seed_from_u64(seed).fill_bytes(&mut bytes);
    bytes
}

/// Writes a file with the folders above it.
pub fn write(path: &Path, bytes: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().expect("a file lies in a folder")).unwrap();
    fs::write(path, bytes).unwrap();
}

/// A tree with everything that a content can have, about 6 MiB.
pub fn mixed(folder: &Path) {
    write(&folder.join("large.bin"), random(4 << 20, 1));
    write(&folder.join("deep/er/medium.bin"), random(700_000, 2));
    for n in 0..200 {
        write(&folder.join(format!("tiny/{n:03}")), random(n * 37, n as u64));
    }
    write(&folder.join("empty file"), "");
    fs::create_dir_all(folder.join("empty folder")).unwrap();
    write(&folder.join("名前/имя/ὄνομα.txt"), "names in any script");
    write(&folder.join("run.sh"), "#!/bin/sh\n");
    write(&folder.join("secret/key"), "a key");
    for (path, mode) in [("run.sh", 0o755), ("secret/key", 0o600), ("secret", 0o700)] {
        fs::set_permissions(folder.join(path), fs::Permissions::from_mode(mode)).unwrap();
    }
    std::os::unix::fs::symlink("../large.bin", folder.join("deep/link")).unwrap();
}

/// All that lies beneath a folder, by relative path; or a single file, by the empty path.
pub fn tree(base: &Path) -> BTreeMap<String, Lying> {
    let mut all = BTreeMap::new();
    gather(base, "", &mut all);
    all
}

fn gather(path: &Path, name: &str, all: &mut BTreeMap<String, Lying>) {
    let meta = fs::symlink_metadata(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mode = meta.permissions().mode();
    let private = mode & 0o044 == 0;
    let item = if meta.is_symlink() {
        Lying::Link(fs::read_link(path).unwrap().to_string_lossy().into_owned())
    } else if meta.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            let entry = entry.unwrap();
            gather(&entry.path(), &format!("{name}/{}", entry.file_name().to_string_lossy()), all);
        }
        Lying::Folder { private }
    } else {
        let hash = shoal_content::Hash::of(&fs::read(path).unwrap());
        Lying::File { hash, executable: mode & 0o100 != 0, private }
    };
    all.insert(name.to_owned(), item);
}

/// A part beneath a folder, if there is one.
pub fn part(folder: &Path) -> Option<PathBuf> {
    let name = names(folder).into_iter().find(|name| name.ends_with(".part"))?;
    Some(folder.join(name))
}

/// Names in a folder, sorted.
pub fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}
