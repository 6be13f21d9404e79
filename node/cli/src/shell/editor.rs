//! Lines from the user: from an editor on a terminal, or as they come from a pipe.
//!
//! Reading blocks, so a thread does it, one line at a time and only when one is asked for.

use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rustyline::completion::{Completer, FilenameCompleter, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::Validator;
use rustyline::{CompletionType, Config, Context, Editor, ExternalPrinter, Helper};
use tokio::sync::mpsc;

use super::line::{Kind, Known, matching, place};
use super::words;

/// What stands before a line.
const PROMPT: &str = "shoal> ";
/// Lines that are remembered.
const HISTORY: usize = 1000;

/// What came from the user.
pub(super) enum Heard {
    Line(String),
    /// Ctrl-C: this line is nothing.
    Nothing,
    /// There are no more lines.
    End,
}

/// What names can be completed, shared with the thread that edits.
pub(super) type Names = Arc<Mutex<Known>>;

/// Where lines come from.
pub(super) struct Lines {
    wanted: mpsc::Sender<()>,
    heard: mpsc::Receiver<Heard>,
}

impl Lines {
    /// From an editor on the terminal, with its history in this file. Also gives what prints while a line is edited.
    pub(super) fn edited(
        history: Option<PathBuf>,
        names: Names,
    ) -> rustyline::Result<(Self, Box<dyn ExternalPrinter + Send>)> {
        let config = Config::builder()
            .max_history_size(HISTORY)?
            .completion_type(CompletionType::List)
            .auto_add_history(true)
            .build();
        let mut editor: Editor<Completion, FileHistory> = Editor::with_config(config)?;
        editor.set_helper(Some(Completion { names, paths: FilenameCompleter::new() }));
        if let Some(path) = &history {
            // There is none yet, or it is of no use.
            drop(editor.load_history(path));
        }
        let printer = Box::new(editor.create_external_printer()?);
        let lines = Self::start(move || {
            let heard = match editor.readline(PROMPT) {
                Ok(line) => Heard::Line(line),
                Err(ReadlineError::Interrupted) => Heard::Nothing,
                Err(_) => Heard::End,
            };
            if let Some(path) = &history {
                save(&mut editor, path);
            }
            heard
        });
        Ok((lines, printer))
    }

    /// From standard input, as they come.
    pub(super) fn piped() -> Self {
        Self::start(|| {
            let mut line = String::new();
            match std::io::stdin().lock().read_line(&mut line) {
                Ok(0) | Err(_) => Heard::End,
                Ok(_) => Heard::Line(line),
            }
        })
    }

    fn start(mut read: impl FnMut() -> Heard + Send + 'static) -> Self {
        let (wanted, mut asked) = mpsc::channel(1);
        let (tell, heard) = mpsc::channel(1);
        std::thread::spawn(move || {
            while let Some(()) = asked.blocking_recv() {
                if tell.blocking_send(read()).is_err() {
                    return;
                }
            }
        });
        Self { wanted, heard }
    }

    /// Asks for a line; [`heard`](Self::heard) gives it.
    pub(super) async fn ask(&self) {
        // Err: the thread has ended, which is heard.
        let _ = self.wanted.send(()).await;
    }

    /// The line that was asked for. Cancel-safe.
    pub(super) async fn heard(&mut self) -> Heard {
        self.heard.recv().await.unwrap_or(Heard::End)
    }
}

/// Err: the shell is of use without a history too.
fn save(editor: &mut Editor<Completion, FileHistory>, path: &Path) {
    if let Some(folder) = path.parent() {
        drop(std::fs::create_dir_all(folder));
    }
    drop(editor.save_history(path));
}

/// Completes words of the shell, names of contents, peers and files.
struct Completion {
    names: Names,
    paths: FilenameCompleter,
}

impl Completer for Completion {
    type Candidate = Pair;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let line = &line[..pos];
        let (begin, kind) = place(line, words::arguments);
        let begun = &line[begin..];
        let known = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let found = match kind {
            Kind::Path => return self.paths.complete_path(line, pos),
            Kind::Word => matching(begun, words::names()),
            Kind::Content => matching(begun, known.contents.iter().map(String::as_str)),
            Kind::Peer => matching(begun, known.peers.iter().map(String::as_str)),
            Kind::Tracker => matching(begun, known.trackers.iter().map(String::as_str)),
            Kind::OneOf(names) => matching(begun, names.iter().copied()),
            Kind::Free => vec![],
        };
        let pair = |text: String| Pair { display: text.clone(), replacement: text };
        Ok((begin, found.into_iter().map(pair).collect()))
    }
}

impl Hinter for Completion {
    type Hint = String;
}
impl Highlighter for Completion {}
impl Validator for Completion {}
impl Helper for Completion {}
