//! Which of this crate's children an executable is asked to be.

use std::process::ExitCode;

use crate::child::WORD;
use crate::store::writer;

/// Runs what the command line asks for, if it is one of the children. To be called before anything else.
pub fn answer() -> Option<ExitCode> {
    let mut args = std::env::args().skip(1);
    if args.next()? != WORD {
        return None;
    }
    let args: Vec<String> = args.collect();
    Some(match args.first().map(String::as_str) {
        Some(writer::NAME) => writer::run(&args[1..]),
        _ => ExitCode::from(2),
    })
}
