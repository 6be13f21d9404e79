//! The command line: one file per command.
//!
//! What this is not: it moves no bytes and decides nothing about peers; it starts a node, shows what the node tells, and
//! says how it ended.
//!
//! What always holds: data goes to stdout, progress and words to stderr. Exit codes: 0 done, 1 failed, 2 usage, 3 partly
//! done, 4 verification failed, 5 no peers. The first Ctrl-C or SIGTERM ends a command in good order, a
//! second one at once.

mod activity;
mod address;
mod ask;
mod choice;
mod completions;
mod demo;
mod error;
mod finding;
mod get;
mod human;
mod identity;
mod import;
mod inspect;
mod known_peers;
mod library;
mod live;
mod log;
mod log_filter;
mod man;
mod meter;
mod node;
mod open_files;
mod options;
mod output;
mod places;
mod session;
mod share;
mod share_dirs;
mod shell;
mod show;
mod sim;
mod status;
mod stillness;
mod stop;
mod store;
#[cfg(test)]
mod testing;
mod tracker;
mod verify;
mod why;

use std::num::NonZero;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use shoal_rendezvous::config::LogFormat;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

use self::error::CliError;
use self::log_filter::log_filter;
use self::output::Output;

/// Share files and folders of any size with many machines at once, every byte verified.
///
/// `shoal share PATH` prints a ticket. `shoal get TICKET` anywhere else fetches the content from everyone
/// who has any of it. `shoal demo` shows it on this machine.
#[derive(Parser)]
#[command(name = "shoal", version, after_help = EXIT_CODES)]
struct Args {
    #[command(subcommand)]
    command: Command,
    /// Print results on standard output as JSON, one object on each line
    #[arg(long, global = true)]
    json: bool,
    /// Show no progress
    #[arg(long, short, global = true)]
    quiet: bool,
    /// Tell what happens inside, such as which peers are reached how; RUST_LOG says it finer
    #[arg(long, short, global = true)]
    verbose: bool,
}

const EXIT_CODES: &str =
    "Exit codes: 0 done, 1 failed, 2 usage, 3 partly done, 4 verification failed, 5 no peers.";

#[derive(Subcommand)]
enum Command {
    Share(share::Args),
    Get(get::Args),
    Node(Box<node::Args>),
    Status(status::StatusArgs),
    Peers(status::PeersArgs),
    Find(library::FindArgs),
    Ls(ask::LsArgs),
    Pause(library::PauseArgs),
    Resume(library::ResumeArgs),
    Rm(library::RmArgs),
    Limit(library::LimitArgs),
    Load(ask::LoadArgs),
    Counters(ask::CountersArgs),
    Where(ask::WhereArgs),
    Ping(ask::PingArgs),
    Topo(ask::TopoArgs),
    Why(why::Args),
    Store(store::StoreArgs),
    Request(store::RequestArgs),
    Drop(store::DropArgs),
    Stored(store::StoredArgs),
    Shell(shell::Args),
    Inspect(inspect::Args),
    Verify(verify::Args),
    Tracker(tracker::Args),
    Log(log::Args),
    Demo(demo::Args),
    Sim(sim::Args),
    Completions(completions::Args),
    Man(man::Args),
}

/// Runs the program with the arguments of the process.
pub fn main() -> ExitCode {
    // Usage errors end here, with exit code 2.
    let args = Args::parse();
    // A node has options of its own for that.
    if !matches!(args.command, Command::Node(_)) {
        shoal_rendezvous::log::init(log_filter(args.verbose, "error"), LogFormat::Text);
    }
    let output = Output::new(args.json, args.quiet);
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => {
            output.error(&anyhow::anyhow!("cannot start: {error}").into());
            return ExitCode::FAILURE;
        }
    };
    let result = runtime.block_on(run(args.command, args.verbose, &output));
    // A blocking read or hash that is still under way must not hold up the end.
    runtime.shutdown_background();
    match result {
        Ok(code) => code.into(),
        Err(error) => {
            output.error(&error);
            error.exit.into()
        }
    }
}

async fn run(command: Command, verbose: bool, output: &Output) -> Result<error::Exit, CliError> {
    // The shell takes signals for itself.
    let command = match command {
        Command::Shell(args) => return shell::run(args, output).await,
        command => command,
    };
    let stop = stop::on_signal();
    match command {
        Command::Share(args) => share::run(args, output, stop).await,
        Command::Get(args) => get::run(args, output, stop).await,
        Command::Node(args) => node::run(*args, verbose, output, stop).await,
        Command::Status(args) => args.run(output, stop).await,
        Command::Peers(args) => args.run(output, stop).await,
        Command::Store(args) => args.run(output, stop).await,
        Command::Request(args) => args.run(output, stop).await,
        Command::Inspect(args) => inspect::run(args, output, stop).await,
        Command::Verify(args) => verify::run(args, output, stop).await,
        Command::Tracker(args) => tracker::run(args, output, stop).await,
        Command::Log(args) => log::run(args, output, stop).await,
        Command::Demo(args) => demo::run(args, output, stop).await,
        Command::Sim(args) => sim::run(args, output, stop).await,
        Command::Shell(args) => shell::run(args, output).await,
        Command::Completions(args) => completions::run(&args, Args::command(), output),
        Command::Man(args) => man::run(&args, Args::command(), output),
        Command::Find(args) => until_stopped(args.run(output), stop).await,
        Command::Ls(args) => until_stopped(args.run(output), stop).await,
        Command::Pause(args) => until_stopped(args.run(output), stop).await,
        Command::Resume(args) => until_stopped(args.run(output), stop).await,
        Command::Rm(args) => until_stopped(args.run(output), stop).await,
        Command::Limit(args) => until_stopped(args.run(output), stop).await,
        Command::Load(args) => until_stopped(args.run(output), stop).await,
        Command::Counters(args) => until_stopped(args.run(output), stop).await,
        Command::Where(args) => until_stopped(args.run(output), stop).await,
        Command::Ping(args) => until_stopped(args.run(output), stop).await,
        Command::Topo(args) => until_stopped(args.run(output), stop).await,
        Command::Why(args) => until_stopped(args.run(output), stop).await,
        Command::Drop(args) => until_stopped(args.run(output), stop).await,
        Command::Stored(args) => until_stopped(args.run(output), stop).await,
    }
}

/// A command that asks a node something and shows what it answers; the first signal ends it.
async fn until_stopped(
    asking: impl Future<Output = Result<error::Exit, CliError>>,
    stop: CancellationToken,
) -> Result<error::Exit, CliError> {
    tokio::select! {
        done = asking => done,
        () = stop.cancelled() => Err(anyhow::anyhow!("stopped").into()),
    }
}

/// Half of the cores move bytes between connections and buffers; the others are for threads that hash and write. With as many
/// workers as cores, tasks mostly wake each other on another core, which costs more than it brings.
fn runtime() -> std::io::Result<Runtime> {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    Builder::new_multi_thread().worker_threads(cores.div_ceil(2)).enable_all().build()
}
