//! The inputs that are kept in the repository: seeds, and what once broke a promise.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Where the corpora lie, one folder for each target.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

/// The inputs of a target, in the order of their names.
///
/// # Errors
/// The target has no folder, or a file in it cannot be read.
pub fn of(target: &str) -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut inputs = Vec::new();
    for item in fs::read_dir(folder().join(target))? {
        let path = item?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        inputs.push((name, fs::read(&path)?));
    }
    inputs.sort();
    Ok(inputs)
}
