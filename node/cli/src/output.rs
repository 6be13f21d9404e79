//! Where words and data go: progress and words to stderr, data to stdout.

use std::io::{IsTerminal, Write};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use shoal_printable::{escaped, escaped_json, escaped_line};

use super::error::CliError;
use super::meter::Meter;

/// The outlets of a command.
pub(super) struct Output {
    json: bool,
    quiet: bool,
    /// Whether a list is one line of JSON, rather than a line for each object.
    one_line: bool,
    /// Progress bars, and the lines that go between them.
    bars: MultiProgress,
}

impl Output {
    pub(super) fn new(json: bool, quiet: bool) -> Self {
        let bars = MultiProgress::new();
        if quiet || !std::io::stderr().is_terminal() {
            bars.set_draw_target(ProgressDrawTarget::hidden());
        }
        Self { json, quiet, one_line: false, bars }
    }

    /// Outlets of a shell: as JSON, each result is one line, also a list.
    pub(super) fn of_shell(&self) -> Self {
        Self { one_line: true, ..Self::new(self.json, self.quiet) }
    }

    /// Whether data is printed as JSON.
    pub(super) fn is_json(&self) -> bool {
        self.json
    }

    /// Whether progress bars are drawn.
    pub(super) fn is_live(&self) -> bool {
        !self.bars.is_hidden()
    }

    /// A word on the way; left out when quiet.
    pub(super) fn say(&self, text: impl AsRef<str>) {
        if !self.quiet {
            self.line(text.as_ref());
        }
    }

    /// Something that went wrong or needs doing, quiet or not.
    pub(super) fn warn(&self, text: impl AsRef<str>) {
        self.line(&format!("warning: {}", text.as_ref()));
    }

    pub(super) fn error(&self, error: &CliError) {
        self.line(&format!("error: {:#}", error.error));
        if let Some(hint) = &error.hint {
            self.line(&format!("hint: {hint}"));
        }
    }

    /// Text that came from elsewhere is always escaped before it reaches the terminal.
    fn line(&self, text: &str) {
        let text = escaped(text);
        // A whole line, also when no bar is drawn: a shell's prompt comes after it.
        self.bars.suspend(|| write_line(&text));
    }

    /// Data: the object with `--json`, else the text. Either is escaped, whoever wrote what is in it.
    pub(super) fn data(&self, object: &impl Serialize, text: impl FnOnce() -> String) -> anyhow::Result<()> {
        self.print(&self.shown(object, text)?)
    }

    /// A text that is one whatever form is asked for, escaped.
    pub(super) fn text(&self, text: &str) -> anyhow::Result<()> {
        self.print(&escaped(text))
    }

    fn print(&self, line: &str) -> anyhow::Result<()> {
        self.bars.suspend(|| {
            let mut stdout = std::io::stdout().lock();
            writeln!(stdout, "{line}").and_then(|()| stdout.flush())
        })?;
        Ok(())
    }

    /// Data that is a list: with `--json` a line for each object, else the text.
    pub(super) fn list<T: Serialize>(
        &self,
        objects: &[T],
        text: impl FnOnce() -> String,
    ) -> anyhow::Result<()> {
        match self.json && !self.one_line {
            true => objects.iter().try_for_each(|object| self.data(object, String::new)),
            false => self.data(&objects, text),
        }
    }

    /// A line of JSON that stands elsewhere, or what is told of it: as [`data`](Self::data), and always one line.
    pub(super) fn passed_on(&self, json: &str, text: impl FnOnce() -> String) -> anyhow::Result<()> {
        let line = if self.json { escaped_json(json) } else { escaped_line(&text()) };
        self.print(&line)
    }

    /// A document of this program's own making, as it is: it must hold nothing that came from elsewhere.
    pub(super) fn document(&self, bytes: &[u8]) -> std::io::Result<()> {
        let mut stdout = std::io::stdout().lock();
        stdout.write_all(bytes).and_then(|()| stdout.flush())
    }

    fn shown(&self, object: &impl Serialize, text: impl FnOnce() -> String) -> anyhow::Result<String> {
        Ok(if self.json { escaped_json(&serde_json::to_string(object)?) } else { escaped(&text()) })
    }

    /// Counts bytes.
    pub(super) fn byte_bar(&self, total: u64, prefix: impl Into<String>) -> Meter {
        self.meter(Some(total), prefix.into())
    }

    /// Says what is going on.
    pub(super) fn status(&self, prefix: impl Into<String>) -> Meter {
        self.meter(None, prefix.into())
    }

    /// A part of what another meter shows as a whole: as a bar alone, since lines would be too many.
    pub(super) fn part(&self, total: Option<u64>, prefix: impl Into<String>) -> Meter {
        if self.is_live() { self.meter(total, prefix.into()) } else { Meter::nothing() }
    }

    fn meter(&self, total: Option<u64>, prefix: String) -> Meter {
        const BYTES: &str = "{prefix:>10} [{bar:30}] {binary_bytes:>11}/{binary_total_bytes} {binary_bytes_per_sec:>13} {msg}";
        match total {
            _ if self.quiet => Meter::nothing(),
            _ if !self.is_live() => Meter::lines(prefix, total, |line| write_line(&escaped_line(line))),
            Some(total) => self.bar(ProgressBar::new(total), BYTES, prefix),
            None => self.bar(ProgressBar::new_spinner(), "{prefix:>10} {msg}", prefix),
        }
    }

    fn bar(&self, bar: ProgressBar, template: &str, prefix: String) -> Meter {
        let style = ProgressStyle::with_template(template).expect("a well-formed template");
        Meter::bar(self.bars.add(bar.with_style(style.progress_chars("=> ")).with_prefix(prefix)))
    }
}

/// Writes a line that is escaped already. An error only says that nobody reads any more.
fn write_line(line: &str) {
    drop(writeln!(std::io::stderr(), "{line}"));
}

#[cfg(test)]
mod tests {
    use shoal_printable::is_unprintable;

    use super::*;

    #[test]
    fn what_is_printed_moves_no_cursor_and_json_stays_the_same() {
        let text = "a\u{1b}[2J\u{9b}1m \u{202e}x\u{feff} é 名";
        for json in [false, true] {
            let shown = Output::new(json, true).shown(&text, || text.to_owned()).unwrap();
            assert!(!shown.chars().any(is_unprintable), "{shown:?}");
            assert!(shown.contains("é 名"));
            if json {
                assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), text);
            }
        }
    }
}
