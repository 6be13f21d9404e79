//! Which programs are measured.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

/// Where the programs lie.
pub(crate) struct Programs {
    pub(crate) shoal: PathBuf,
    pub(crate) rendezvous: PathBuf,
}

impl Programs {
    /// Those that the environment names, or else those of this workspace, built now: `cargo bench` alone would
    /// not.
    pub(crate) fn find() -> anyhow::Result<Self> {
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
        let program = shoal_tests::process::program;
        Ok(Self { shoal: program("shoal"), rendezvous: program("shoal-rendezvous") })
    }

    /// What `shoal --version` says.
    pub(crate) fn version(&self) -> anyhow::Result<String> {
        said(&self.shoal, &["--version"]).map(|text| text.trim().to_owned())
    }

    /// Without shaped links, only the program itself can hold back.
    pub(crate) fn must_have_limits(&self) -> anyhow::Result<()> {
        let help = said(&self.shoal, &["get", "--help"])?;
        let has = help.contains("--limit-up") && help.contains("--limit-down");
        ensure!(has, "links cannot be shaped here, and this shoal has no --limit-up and --limit-down");
        Ok(())
    }
}

fn said(program: &Path, args: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(program).args(args).output();
    let output = output.with_context(|| format!("{} does not run", program.display()))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
