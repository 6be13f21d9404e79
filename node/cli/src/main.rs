//! `shoal`: see `shoal --help`.

use std::process::ExitCode;

/// A large share of a transfer's time goes into allocation with the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    shoal_cli::main()
}
