//! A copy of the last commit, in which defects are planted.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::defects::Defect;

/// A copy and its own builds, both beneath the target folder. Cargo would take builds of a copy for those of the tree itself,
/// defects and all, if both used one folder.
#[derive(Debug)]
pub(crate) struct Copied {
    pub(crate) folder: PathBuf,
    pub(crate) target: PathBuf,
}

impl Copied {
    /// Makes it anew.
    pub(crate) fn make() -> Result<Self> {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
        let changed = Command::new("git").args(["status", "--porcelain"]).current_dir(&workspace).output()?;
        ensure!(
            changed.stdout.is_empty(),
            "there are changes that are not committed, and defects go into the last commit"
        );
        let target =
            std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace.join("target"), PathBuf::from);
        let (folder, target) = (target.join("planted/tree"), target.join("planted/target"));
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        let mut archive = Command::new("git");
        let mut archive =
            archive.args(["archive", "HEAD"]).current_dir(&workspace).stdout(Stdio::piped()).spawn()?;
        let bytes = archive.stdout.take().context("git has no output")?;
        // With the time of now, so that cargo does not take an older build for a newer one.
        let unpacked = Command::new("tar").args(["-xmf", "-"]).current_dir(&folder).stdin(bytes).status()?;
        ensure!(archive.wait()?.success() && unpacked.success(), "the last commit cannot be copied");
        Ok(Self { folder, target })
    }

    /// Plants a defect. Returns what stood in the file before.
    pub(crate) fn plant(&self, defect: &Defect) -> Result<String> {
        let path = self.folder.join(&defect.file);
        let before = fs::read_to_string(&path).with_context(|| defect.file.clone())?;
        fs::write(&path, defect.planted_in(&before)?)?;
        Ok(before)
    }

    /// Takes it out again.
    pub(crate) fn restore(&self, defect: &Defect, before: &str) -> Result<()> {
        Ok(fs::write(self.folder.join(&defect.file), before)?)
    }
}
