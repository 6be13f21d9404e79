//! `shoal completions`: scripts that let a shell complete commands and options.
//!
//! Made from the definitions of the commands, so they know every option that this program has.

use anyhow::Context;
use clap_complete::{Shell, generate};

use super::error::{CliError, Exit};
use super::output::Output;

/// Print a script that lets your shell complete commands and options
///
/// bash: `source <(shoal completions bash)` in ~/.bashrc. zsh: `shoal completions zsh` into a file `_shoal` in a folder of
/// $fpath. fish: `shoal completions fish` into ~/.config/fish/completions/shoal.fish.
#[derive(clap::Args)]
pub(super) struct Args {
    /// For which shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the script of `command`, the whole program.
pub(super) fn run(args: &Args, mut command: clap::Command, output: &Output) -> Result<Exit, CliError> {
    let name = command.get_name().to_owned();
    // Into memory first: the generator panics where a write fails.
    let mut script = Vec::new();
    generate(args.shell, &mut command, name, &mut script);
    output.document(&script).context("cannot print the script")?;
    Ok(Exit::Done)
}
