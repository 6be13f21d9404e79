//! A tracker under load: what its table costs, and how much a server takes over real connections, beside
//! libp2p's stock server in the same run.
//!
//! `cargo bench -p shoal-tests --bench tracker [-- [PART…] [--registrations N] [--connections N]
//! [--seconds S]]`; `-- --help` lists the parts. It needs no network but loopback; `connections` needs some
//! 10 000 file descriptors, which it takes up to the hard limit. `SHOAL_RENDEZVOUS` names a program that is there
//! already; without it, the bench builds one first.
//!
//! It is no test: nothing fails when a figure is bad. Client and server share the processors of one machine, so
//! besides what goes through per second it shows what each request costs the server itself.

mod args;
mod client;
mod load;
mod message;
mod server;
mod system;
mod table;

use std::process::ExitCode;

use self::args::{Args, Part};

fn main() -> ExitCode {
    // This program plays other processes too, told what to be.
    if server::ran_as_child() || table::ran_as_child() {
        return ExitCode::SUCCESS;
    }
    let args = match Args::parse(std::env::args().skip(1)) {
        Ok(Some(args)) => args,
        Ok(None) => {
            println!("{}", args::HELP);
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("{error}\n\n{}", args::HELP);
            return ExitCode::from(2);
        }
    };
    match bench(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn bench(args: &Args) -> anyhow::Result<()> {
    for part in &args.parts {
        match part {
            Part::Memory => table::memory(args.registrations)?,
            Part::Discover => table::discover(),
            Part::Renew => table::renew(),
            Part::Requests => load::requests(args)?,
            Part::Connections => load::connections(args)?,
        }
    }
    Ok(())
}
