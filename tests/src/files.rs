//! Trees of files: made up, and compared.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rand::{Rng, SeedableRng};
use shoal_engine::SeededRng;

/// What lies at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A file: its bytes (by their hash) and whether it may be executed.
    File(shoal_content::Hash, bool),
    /// A folder.
    Folder,
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
    fs::set_permissions(folder.join("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    std::os::unix::fs::symlink("../large.bin", folder.join("deep/link")).unwrap();
}

/// All that lies beneath a folder, by relative path; or a single file, by the empty path.
pub fn tree(base: &Path) -> BTreeMap<String, Item> {
    let mut all = BTreeMap::new();
    gather(base, "", &mut all);
    all
}

fn gather(path: &Path, name: &str, all: &mut BTreeMap<String, Item>) {
    let meta = fs::symlink_metadata(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let item = if meta.is_symlink() {
        Item::Link(fs::read_link(path).unwrap().to_string_lossy().into_owned())
    } else if meta.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            let entry = entry.unwrap();
            gather(&entry.path(), &format!("{name}/{}", entry.file_name().to_string_lossy()), all);
        }
        Item::Folder
    } else {
        let executable = meta.permissions().mode() & 0o100 != 0;
        Item::File(shoal_content::Hash::of(&fs::read(path).unwrap()), executable)
    };
    all.insert(name.to_owned(), item);
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
