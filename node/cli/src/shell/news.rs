//! What a shell says by itself: that the node has registered at a tracker that was not there before.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use rustyline::ExternalPrinter;
use shoal_printable::escaped_line;

/// Says something on the way, also while a line is being edited.
#[derive(Clone)]
pub(super) struct Voice(Option<Arc<Mutex<Box<dyn ExternalPrinter + Send>>>>);

impl Voice {
    /// On standard error.
    pub(super) fn plain() -> Self {
        Self(None)
    }

    /// Beside the line that is being edited.
    pub(super) fn beside(printer: Box<dyn ExternalPrinter + Send>) -> Self {
        Self(Some(Arc::new(Mutex::new(printer))))
    }

    /// Says it, with everything escaped that could move a cursor.
    pub(super) fn say(&self, words: &str) {
        let line = escaped_line(words) + "\n";
        // Err: nobody reads it.
        match &self.0 {
            Some(printer) => drop(printer.lock().unwrap_or_else(PoisonError::into_inner).print(line)),
            None => drop(std::io::stderr().write_all(line.as_bytes())),
        }
    }
}
