//! What must hold after a fault, whatever it was: on the disk as it lies there, when the download is opened again, and
//! at its end.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use shoal_content::{ChunkIndex, EntryKind, Hash};
use shoal_store::{ChunkStore, Target};
use shoal_tests::files::{names, tree};

use super::stage::{NAME, Stage, order};

/// What was found when the download was opened again.
#[derive(Debug)]
pub(crate) struct Found {
    /// Chunks that need not be fetched again.
    pub(crate) stored: BTreeSet<ChunkIndex>,
    /// Chunks that the journal promised, and that were not there.
    pub(crate) damaged: u32,
}

/// No byte is under the final name but what was there before, or what belongs there. Without anything before, the final
/// name has all or nothing.
pub(crate) fn final_names(stage: &Stage) -> Result<(), String> {
    let last = stage.to.join(NAME);
    if !last.exists() {
        return if stage.before.is_empty() { Ok(()) } else { Err("what was there is gone".into()) };
    }
    let kept = fs::read(last.join("mine")).ok();
    if stage.before.contains_key("mine") && kept.as_deref() != Some(b"mine") {
        return Err("a stranger's file was touched".into());
    }
    if stage.before.is_empty() {
        return if same(stage) { Ok(()) } else { Err("the final name has something unfinished".into()) };
    }
    for entry in stage.source.manifest().entries() {
        let path = entry.path.as_str();
        let (there, right) = (hash(&last.join(path)), hash(&stage.from.join(path)));
        if entry.kind == EntryKind::Folder || matches!(entry.kind, EntryKind::Link(_)) {
            continue;
        }
        let old = stage.before.get(path);
        if there.is_none() && old.is_some() {
            return Err(format!("'{path}' was there and is gone"));
        }
        if there.is_some() && there != right && there.as_ref() != old {
            return Err(format!("'{path}' has bytes that nobody verified"));
        }
    }
    Ok(())
}

/// Opens the download again, compares all that it says it has, and brings it to its end.
pub(crate) fn goes_on(stage: &Stage) -> Result<Found, String> {
    let target = stage.open().map_err(|e| format!("it cannot be opened again: {e}"))?;
    let stored = target.stored().ones().map(|c| c as ChunkIndex).collect();
    let found = Found { stored, damaged: target.report().damaged_chunks };
    served_right(&target)?;
    for chunk in order(&target, 0) {
        target.write(chunk, &stage.bytes(chunk)).map_err(|e| format!("it does not go on: {e}"))?;
    }
    target.finish().map_err(|e| format!("it cannot be finished: {e}"))?;
    served_right(&target)?;
    drop(target);
    if stage.beginning.force() {
        fs::remove_file(stage.to.join(NAME).join("mine")).map_err(|e| format!("a stranger's file: {e}"))?;
    }
    if !same(stage) {
        return Err("what is at the final name in the end is not the content".into());
    }
    let left = names(&stage.to);
    if left != [NAME] { Err(format!("left behind: {left:?}")) } else { Ok(found) }
}

/// All that it says it has, it has.
fn served_right(target: &Target) -> Result<(), String> {
    let mut bytes = Vec::new();
    for chunk in target.have().ones() {
        target.read(chunk as ChunkIndex, &mut bytes).map_err(|e| format!("chunk {chunk}: {e}"))?;
        if Hash::of(&bytes) != target.manifest().chunks()[chunk].hash {
            return Err(format!("chunk {chunk} is served wrong"));
        }
    }
    Ok(())
}

fn same(stage: &Stage) -> bool {
    tree(&stage.from) == tree(&stage.to.join(NAME))
}

fn hash(path: &Path) -> Option<Hash> {
    fs::read(path).ok().map(|bytes| Hash::of(&bytes))
}
