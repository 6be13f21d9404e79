//! `shoal man`: manual pages, made from the definitions of the commands.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap_mangen::Man;
use shoal_printable::Printable;

use super::error::{CliError, Exit};
use super::output::Output;

/// Print the manual page of a command, or write the pages of all commands into a folder
///
/// `shoal man get | man -l -` shows that of get. `shoal man --dir DIR` writes shoal.1, shoal-get.1 and so on into DIR, such as
/// ~/.local/share/man/man1, where man finds them.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The command, such as get or tracker find [default: the program as a whole]
    command: Vec<String>,
    /// Write a file for each command into this folder, which is made if it is missing
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    dir: Option<PathBuf>,
}

/// Prints a page of `program`, or writes all.
pub(super) fn run(args: &Args, mut program: clap::Command, output: &Output) -> Result<Exit, CliError> {
    program.build();
    let version = program.get_version().unwrap_or_default().to_owned();
    match &args.dir {
        Some(dir) => {
            let pages = write_all(&program, &version, dir)?;
            let shown = dir.to_string_lossy();
            output.say(format!("{pages} pages are in '{}'", Printable(&shown)));
        }
        None => {
            let command = find(&program, &args.command)?;
            output.document(&page(command, &version)?).context("cannot print the page")?;
        }
    }
    Ok(Exit::Done)
}

/// The command of which the user named the path.
fn find<'a>(program: &'a clap::Command, path: &[String]) -> Result<&'a clap::Command, CliError> {
    path.iter().try_fold(program, |command, name| {
        command.find_subcommand(name).ok_or_else(|| {
            let known: Vec<_> = shown(command).map(clap::Command::get_name).collect();
            let of = command.get_display_name().unwrap_or(command.get_name());
            let error = CliError::usage(anyhow!("'{of}' has no command '{}'", Printable(name)));
            if known.is_empty() {
                error
            } else {
                error.hint(format!("its commands are {}", known.join(", ")))
            }
        })
    })
}

/// The commands that help lists too, but for `help` itself.
fn shown(command: &clap::Command) -> impl Iterator<Item = &clap::Command> {
    command.get_subcommands().filter(|sub| !sub.is_hide_set() && sub.get_name() != "help")
}

fn man(command: &clap::Command, version: &str) -> Man {
    Man::new(command.clone()).source(format!("shoal {version}")).manual("Shoal")
}

fn page(command: &clap::Command, version: &str) -> Result<Vec<u8>, CliError> {
    let mut page = Vec::new();
    man(command, version).render(&mut page).context("cannot make the page")?;
    Ok(page)
}

/// Writes the pages of a command and of all below it; returns how many.
fn write_all(command: &clap::Command, version: &str, dir: &Path) -> Result<usize, CliError> {
    std::fs::create_dir_all(dir).with_context(|| cannot_write(dir))?;
    let path = dir.join(man(command, version).get_filename());
    std::fs::write(&path, page(command, version)?).with_context(|| cannot_write(&path))?;
    shown(command).try_fold(1, |pages, sub| Ok(pages + write_all(sub, version, dir)?))
}

fn cannot_write(path: &Path) -> String {
    format!("cannot write '{}'", Printable(&path.to_string_lossy()))
}
