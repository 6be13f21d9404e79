//! The manifest of a simulated content.

use shoal_content::{ChunkEntry, EntryKind, FileEntry, Hash, Manifest, ManifestBuilder, SafePath, Shape};

use super::scenario::Scenario;

/// The manifest of one file that is cut into chunks of these lengths.
pub(super) fn of(scenario: &Scenario, lengths: &[u32]) -> Manifest {
    let chunk = |(n, length): (u32, &u32)| ChunkEntry { hash: Hash::of(&n.to_be_bytes()), length: *length };
    let file = FileEntry {
        path: SafePath::new("simulated").expect("a plain name"),
        size: scenario.size,
        kind: EntryKind::File { executable: false },
        private: false,
    };
    let builder = ManifestBuilder {
        name: SafePath::name("simulated").expect("a plain name"),
        shape: Shape::Folder,
        chunker: scenario.chunker(),
        private: false,
        parent: None,
        entries: vec![file],
        chunks: (0..).zip(lengths).map(chunk).collect(),
    };
    builder.build().expect("chunks of one file make a manifest")
}
