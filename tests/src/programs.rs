//! Which programs a benchmark measures.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

/// Where the programs lie.
pub struct Programs {
    /// `shoal`.
    pub shoal: PathBuf,
    /// `shoal-rendezvous`.
    pub rendezvous: PathBuf,
}

impl Programs {
    /// Those that the environment names: `SHOAL`, and `SHOAL_RENDEZVOUS`, or else `shoal-rendezvous` beside it. Without
    /// `SHOAL`, those of this workspace, built now: `cargo bench` alone would not. Fails if there is no such program.
    pub fn find() -> anyhow::Result<Self> {
        let named = |key: &str| std::env::var_os(key).map(PathBuf::from);
        let Some(shoal) = named("SHOAL") else { return Self::build() };
        let rendezvous =
            named("SHOAL_RENDEZVOUS").unwrap_or_else(|| shoal.with_file_name("shoal-rendezvous"));
        for program in [&shoal, &rendezvous] {
            ensure!(program.is_file(), "{} is no program", program.display());
        }
        // They run in folders of their own.
        Ok(Self { shoal: shoal.canonicalize()?, rendezvous: rendezvous.canonicalize()? })
    }

    fn build() -> anyhow::Result<Self> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = Command::new(cargo).args(["build", "--release", "--workspace", "--bins"]).status();
        ensure!(built.context("cargo does not run")?.success(), "cannot build shoal");
        let program = crate::process::program;
        Ok(Self { shoal: program("shoal"), rendezvous: program("shoal-rendezvous") })
    }

    /// What `shoal --version` says. Fails if it does not run.
    pub fn version(&self) -> anyhow::Result<String> {
        said(&self.shoal, &["--version"]).map(|text| text.trim().to_owned())
    }

    /// Whether `shoal get` has options for its own rates. Fails if it does not run.
    pub fn has_limits(&self) -> anyhow::Result<bool> {
        let help = said(&self.shoal, &["get", "--help"])?;
        Ok(help.contains("--limit-up") && help.contains("--limit-down"))
    }
}

fn said(program: &Path, args: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(program).args(args).output();
    let output = output.with_context(|| format!("{} does not run", program.display()))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
