//! The log of both programs, on standard error.
//!
//! What always holds: an event is one line, and whatever peers, files or the system wrote into it moves no cursor and
//! begins no other line. So there are no colours either.

use std::io::{self, Write};

use shoal_printable::{escaped_json, escaped_line};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::config::LogFormat;

/// Begins to log what passes the filter. To be called once, by a program.
pub fn init(filter: EnvFilter, format: LogFormat) {
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false);
    let log = log.with_writer(Door { format, out: io::stderr });
    match format {
        LogFormat::Json => log.json().init(),
        LogFormat::Text => log.init(),
    }
}

/// Makes writers through which events go to those that `out` makes.
struct Door<F> {
    format: LogFormat,
    out: F,
}

impl<'a, W: Write, F: Fn() -> W> MakeWriter<'a> for Door<F> {
    type Writer = Escaping<W>;

    fn make_writer(&'a self) -> Self::Writer {
        Escaping { format: self.format, out: (self.out)() }
    }
}

/// Writes each event as one line.
struct Escaping<W> {
    format: LogFormat,
    out: W,
}

impl<W: Write> Write for Escaping<W> {
    /// Takes a whole event, as the subscriber gives it.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let text = text.strip_suffix('\n').unwrap_or(&text);
        let line = match self.format {
            LogFormat::Json => escaped_json(text),
            LogFormat::Text => escaped_line(text),
        };
        self.out.write_all(format!("{line}\n").as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use shoal_printable::is_unprintable;

    use super::*;

    /// What was written.
    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn no_event_moves_a_cursor_or_begins_another_line() {
        for format in [LogFormat::Text, LogFormat::Json] {
            let paper = Paper::default();
            let out = paper.clone();
            let log = tracing_subscriber::fmt().with_ansi(false);
            let log = log.with_writer(Door { format, out: move || out.clone() });
            let evil = "a\u{1b}[2J\u{9b}1m\nERROR all is lost\r\u{202e}é";
            let address: libp2p::Multiaddr = format!("/dns4/{evil}/tcp/1").parse().unwrap();
            let tell = || tracing::info!(%address, text = evil, "{evil}");
            match format {
                LogFormat::Text => tracing::subscriber::with_default(log.finish(), tell),
                LogFormat::Json => tracing::subscriber::with_default(log.json().finish(), tell),
            }
            let written = String::from_utf8(paper.0.lock().unwrap().clone()).unwrap();
            let line = written.strip_suffix('\n').expect("a line");
            assert!(!line.is_empty() && !line.chars().any(is_unprintable), "{line:?}");
            assert!(line.contains('é'));
        }
    }
}
