//! What the crates' manifests cannot enforce: no circle of files within a crate, one meaning for each name of a public
//! type, and one name for each public type.
//!
//! **A circle** is a set of files each of which uses, in the end, all the others. File A uses file B if it names
//! something that B defines: in a `use`, in a path, within a macro. This is followed through re-exports, to where the
//! thing is defined. These do not count:
//!
//! - `mod` declarations and re-exports (`pub use`, `pub(crate) use`, …): they only say what there is.
//! - What a module uses of the modules that it lies in: a parent may define what its children share. What a parent
//!   merely re-exports from one child is that child's, for its siblings too.
//! - Tests: items under `#[cfg(test)]`.
//!
//! Methods are not followed: an `impl` in another file than its type's is found by the paths in it alone.

mod circles;
mod names;
mod tree;

use std::path::{Path, PathBuf};

use tree::Crate;

/// The workspace's folder.
fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a package lies in the workspace")
}

/// The folders of the workspace's packages, without the one of these tests.
fn packages() -> Vec<PathBuf> {
    let manifest = std::fs::read_to_string(workspace().join("Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let members = manifest["workspace"]["members"].as_array().unwrap();
    let members = members.iter().map(|member| workspace().join(member.as_str().unwrap()));
    members.filter(|folder| !folder.ends_with("tests")).collect()
}

/// The crates of a package: its library and its program.
fn crates(package: &Path) -> Vec<Crate> {
    let roots = ["src/lib.rs", "src/main.rs"].map(|root| package.join(root));
    roots.into_iter().filter(|root| root.is_file()).map(|root| Crate::read(&root)).collect()
}
