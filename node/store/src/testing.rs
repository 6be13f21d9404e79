//! What the tests of the store share: trees to make, to import and to compare.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use rand::{RngExt, SeedableRng, rngs::SmallRng};
use shoal_content::Chunker;

use super::{ImportError, ImportOptions, Imported, import};

/// Small chunks, so that small trees have several.
pub(super) const SMALL: Chunker = Chunker::FastCdc { min: 16 << 10, avg: 32 << 10, max: 64 << 10 };

/// Bytes that look random and are the same for the same seed.
pub(super) fn random(len: usize, seed: u64) -> Vec<u8> {
    let mut bytes = vec![0; len];
    SmallRng::seed_from_u64(seed).fill(&mut bytes[..]);
    bytes
}

/// Writes a file and the folders above it.
pub(super) fn put(base: &Path, path: &str, bytes: &[u8]) {
    let path = base.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// A tree with all that can be shared: large, small and empty files, empty folders, an executable, links, and
/// what only its owner may read.
pub(super) fn mixed(base: &Path) {
    put(base, "large.bin", &random(300_000, 1));
    put(base, "deep/er/large.bin", &random(150_001, 2));
    for n in 0..40 {
        put(base, &format!("small/{n}.txt"), &random(n * 97, 3 + n as u64));
    }
    put(base, "empty", b"");
    put(base, "bin/run", b"#!/bin/sh\n");
    chmod(&base.join("bin/run"), 0o755);
    put(base, "secret/key", b"a key");
    fs::create_dir(base.join("secret/hollow")).unwrap();
    for (path, mode) in [("secret/key", 0o600), ("secret/hollow", 0o700), ("secret", 0o700)] {
        chmod(&base.join(path), mode);
    }
    put(base, "名前/имя", "نام".as_bytes());
    fs::create_dir_all(base.join("nothing/inside")).unwrap();
    symlink("large.bin", base.join("link")).unwrap();
    symlink("../large.bin", base.join("bin/up")).unwrap();
}

/// Sets the permissions of a file or folder.
pub(super) fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// The permissions of a file or folder.
pub(super) fn mode(path: &Path) -> u32 {
    path.symlink_metadata().unwrap().mode() & 0o7777
}

/// Options for one path, without a cache.
pub(super) fn options(path: &Path) -> ImportOptions {
    ImportOptions {
        paths: vec![path.to_owned()],
        name: None,
        chunker: Some(SMALL),
        cache: None,
        skip_unsafe: false,
    }
}

/// Imports without telling or stopping.
pub(super) fn run(options: &ImportOptions) -> Result<Imported, ImportError> {
    import(options, &|_| {}, &AtomicBool::new(false))
}

/// All that is at a path, as text: kind, whether others may read it, executable bit, and contents or target.
pub(super) fn snapshot(base: &Path) -> BTreeMap<PathBuf, String> {
    let describe = |path: &Path| {
        let meta = path.symlink_metadata().unwrap();
        if meta.is_symlink() {
            return format!("link {}", fs::read_link(path).unwrap().display());
        }
        let private = meta.mode() & 0o044 == 0;
        if meta.is_dir() {
            return format!("folder {private}");
        }
        let hash = shoal_content::Hash::of(&fs::read(path).unwrap());
        format!("file {} {private} {} {hash}", meta.len(), meta.mode() & 0o100 != 0)
    };
    let all = walkdir::WalkDir::new(base).into_iter().map(|item| item.unwrap().into_path());
    all.map(|path| (path.strip_prefix(base).unwrap().to_owned(), describe(&path))).collect()
}
