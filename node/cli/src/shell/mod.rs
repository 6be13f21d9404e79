//! `shoal shell`: lines, each of which asks the node for something.
//!
//! What this is not: it does nothing that a command could not; the words of its table do what the commands do. What always
//! holds: a word that fails says so and ends nothing; each result is on standard output, everything else on standard error.

mod acts;
mod editor;
mod line;
mod news;
mod state;
mod store_acts;
mod tracker_acts;
mod words;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use anyhow::anyhow;
use bytesize::ByteSize;
use libp2p::Multiaddr;
use libp2p::identity::Keypair;
use shoal_daemon::{DaemonConfig, Schedule, StoreSettings};
use shoal_printable::Printable;
use shoal_rendezvous::identity::HeldKey;
use shoal_store::default_cache_dir;
use tokio_util::sync::CancellationToken;

use self::editor::{Heard, Lines, Names};
use self::line::{Known, split};
use self::news::Voice;
use self::state::Shell;
use self::words::Deed;
use super::error::{CliError, Exit};
use super::options::{NetArgs, address};
use super::output::Output;
use super::session::{Session, running};
use super::share_dirs::{self, ShareDirs};
use super::{identity, places, stop, store};

/// How long a look at names for completion may keep the prompt.
const PATIENCE: Duration = Duration::from_millis(300);
/// Names of each kind that can be completed.
const NAMES: usize = 1000;

/// Ask and order a node line by line: the running one, or one of the shell's own
///
/// `help` lists the words. When standard input is no terminal, each line is carried out, its result goes to standard output
/// (with --json as one line), errors to standard error, and the exit code is that of the last failure.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Use a node of the shell's own, which ends with it, also if one is running
    #[arg(long)]
    own: bool,
    /// Folder of the own node's key and library [default: none, nothing is kept]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Port of the own node to listen on [default: any free one]
    #[arg(long, default_value_t = 0, hide_default_value = true, conflicts_with = "listen")]
    port: u16,
    #[command(flatten)]
    net: NetArgs,
    /// Folder of which each file and folder is shared under its own name, also what comes into it later; may be given
    /// several times
    #[arg(long, value_name = "DIR")]
    share_dir: Vec<PathBuf>,
    /// The own node keeps contents of others, up to so many bytes, such as 20GiB
    #[arg(long, value_name = "SIZE", requires = "data")]
    donate: Option<ByteSize>,
    /// Address of a node that the own node meets first; may be given several times
    #[arg(long, value_name = "ADDR", value_parser = address)]
    peer: Vec<Multiaddr>,
    /// Folder to place downloads in
    #[arg(long, short, value_name = "DIR", default_value = ".")]
    output: PathBuf,
}

impl Args {
    /// What is given that only a node of the shell's own can do.
    fn only_own(&self) -> Option<&'static str> {
        let own = [
            (self.data.is_some(), "--data"),
            (self.port != 0, "--port"),
            (!self.net.rendezvous.is_empty(), "--rendezvous"),
            (!self.share_dir.is_empty(), "--share-dir"),
            (self.donate.is_some(), "--donate"),
            (!self.peer.is_empty(), "--peer"),
        ];
        let own = own.into_iter().find(|(given, _)| *given).map(|(_, name)| name);
        own.or_else(|| self.net.only_alone())
    }

    fn store(&self) -> StoreSettings {
        let mut settings = StoreSettings { peers: self.peer.clone(), ..StoreSettings::default() };
        settings.planner.donated = self.donate.map_or(0, |size| size.as_u64());
        settings
    }

    /// The running node, or an own one. The key file of the own one is held as long as the second thing lives.
    async fn open(&self, output: &Output) -> Result<(Session, Option<HeldKey>), CliError> {
        if !self.own
            && let Some(client) = running().await?
        {
            match self.only_own() {
                None => return Ok((Session::attached(client), None)),
                Some(option) => {
                    output.say(format!(
                        "{option} means nothing to the running node: this is a node of the shell's own"
                    ));
                }
            }
        }
        let held = self.data.as_deref().map(identity::of_node).transpose()?;
        let key = held.as_ref().map_or_else(Keypair::generate_ed25519, |held| held.key.clone());
        let config = DaemonConfig {
            data: self.data.clone(),
            node: self.net.config(key, self.port)?,
            trackers: self.net.rendezvous.clone(),
            schedule: Schedule::default(),
            watch: !self.share_dir.is_empty(),
            activity_log: None,
            cache: default_cache_dir(),
            store: Some(self.store()),
        };
        Ok((Session::own(config).await?, held))
    }
}

/// Runs the shell. It takes Ctrl-C for itself: one ends a word, not the shell.
pub(super) async fn run(args: Args, output: &Output) -> Result<Exit, CliError> {
    let dirs = ShareDirs::new(&args.share_dir)?;
    let (session, held) = args.open(output).await?;
    let trackers = session.client.trackers().await?.items;
    let shell = Arc::new(Shell {
        session,
        output: output.of_shell(),
        dir: args.output,
        dirs: tokio::sync::Mutex::new(dirs),
        trackers: tokio::sync::Mutex::new(trackers.into_iter().collect()),
    });
    let names = Names::default();
    let (mut lines, voice) = lines(&names).map_err(anyhow::Error::from)?;
    shell.dirs.lock().await.look(shell.client(), true).await?.iter().for_each(|words| voice.say(words));
    let background = CancellationToken::new();
    let looking = tokio::spawn(look_again(shell.clone(), voice.clone(), background.clone()));
    let telling = tokio::spawn(news::tell(shell.clone(), voice, background.clone()));
    let last = converse(&shell, &mut lines, &names).await;
    background.cancel();
    // Err: it has panicked, which it has said.
    drop((looking.await, telling.await));
    if let Ok(shell) = Arc::try_unwrap(shell).map_err(drop) {
        if let Some(daemon) = shell.session.daemon() {
            store::hand_over(daemon, &shell.output).await;
        }
        shell.session.end().await;
    }
    drop(held);
    Ok(last)
}

/// Where lines come from, and where news go meanwhile.
fn lines(names: &Names) -> rustyline::Result<(Lines, Voice)> {
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return Ok((Lines::piped(), Voice::plain()));
    }
    let history = places::state_dir().map(|dir| dir.join("shell-history"));
    let (lines, printer) = Lines::edited(history, names.clone())?;
    Ok((lines, Voice::beside(printer)))
}

/// Carries out line after line until the user leaves. Returns how the last word that failed ended.
async fn converse(shell: &Shell, lines: &mut Lines, names: &Names) -> Exit {
    let mut signals = stop::Signals::new();
    let mut last = Exit::Done;
    loop {
        // Err: it took too long; what was known before is good enough.
        drop(tokio::time::timeout(PATIENCE, learn(shell, names)).await);
        lines.ask().await;
        let line = tokio::select! {
            heard = lines.heard() => match heard {
                Heard::Line(line) => line,
                Heard::Nothing => continue,
                Heard::End => return last,
            },
            _ = signals.next() => return last,
        };
        let stop = CancellationToken::new();
        let doing = carry_out(shell, &line, &stop);
        tokio::pin!(doing);
        let mut leaving = false;
        let ended = loop {
            tokio::select! {
                ended = &mut doing => break ended,
                which = signals.next() => match which {
                    stop::Which::Interrupt if !stop.is_cancelled() => stop.cancel(),
                    stop::Which::Interrupt => break Ok(After::Next(Exit::Failed)),
                    stop::Which::Terminate => {
                        leaving = true;
                        break Ok(After::Leave);
                    }
                },
            }
        };
        match ended {
            Ok(After::Leave) => return last,
            Ok(After::Next(Exit::Done)) => {}
            Ok(After::Next(exit)) => last = exit,
            Err(error) => {
                shell.output.error(&error);
                last = error.exit;
            }
        }
        if leaving {
            return last;
        }
    }
}

/// What comes after a line.
enum After {
    Next(Exit),
    Leave,
}

async fn carry_out(shell: &Shell, line: &str, stop: &CancellationToken) -> Result<After, CliError> {
    let said = split(line).map_err(|why| CliError::usage(anyhow!(why)))?;
    let Some((name, args)) = said.split_first() else { return Ok(After::Next(Exit::Done)) };
    let Some(word) = words::find(name) else {
        let error = CliError::usage(anyhow!("there is no word '{}'", Printable(name)));
        return Err(error.hint("`help` lists all"));
    };
    if !word.takes(args.len()) {
        return Err(CliError::usage(anyhow!("usage: {}", word.written())));
    }
    match word.act {
        Deed::Act(act) => act(shell, args, stop).await.map(After::Next),
        Deed::Help => {
            let of = args.first().map(|name| words::find(name).ok_or(name)).transpose();
            let of = of.map_err(|name| CliError::usage(anyhow!("there is no word '{}'", Printable(name))))?;
            let text = words::help(of);
            shell.output.data(&text, || text.clone())?;
            Ok(After::Next(Exit::Done))
        }
        Deed::Leave => {
            if shell.session.daemon().is_none() {
                shell.output.say("the node goes on running");
            }
            Ok(After::Leave)
        }
    }
}

/// Looks for names that can be completed.
async fn learn(shell: &Shell, names: &Names) -> Result<(), CliError> {
    let client = shell.client();
    let contents = client.contents(None, Some(NAMES), None).await?.items;
    let peers = client.peers(None, Some(NAMES)).await?.items;
    let trackers = client.trackers().await?.items;
    let ids = contents.iter().map(|it| it.content.clone());
    let known = Known {
        contents: ids.chain(contents.iter().filter_map(|it| it.name.clone())).collect(),
        peers: peers.into_iter().map(|it| it.peer).collect(),
        trackers,
    };
    *names.lock().unwrap_or_else(PoisonError::into_inner) = known;
    Ok(())
}

/// Looks into the shared folders again and again.
async fn look_again(shell: Arc<Shell>, voice: Voice, ended: CancellationToken) {
    if shell.dirs.lock().await.is_empty() {
        return;
    }
    loop {
        tokio::select! {
            () = ended.cancelled() => return,
            () = tokio::time::sleep(share_dirs::PAUSE) => {}
        }
        let looked = async { shell.dirs.lock().await.look(shell.client(), false).await };
        tokio::select! {
            () = ended.cancelled() => return,
            looked = looked => match looked {
                Ok(words) => words.iter().for_each(|words| voice.say(words)),
                Err(error) => voice.say(&format!("{:#}", error.error)),
            },
        }
    }
}
