//! Descriptors kept back for when the process has used up all others.
//!
//! Peers and files can take every descriptor that a process may have; then `accept` fails, and its user could not even ask what is
//! going on. So some are held open on nothing, and one of them is let go for a connection that waits. When that connection ends, they are
//! held again.

use std::fs::File;
use std::sync::{Arc, Mutex, PoisonError};

/// How many are kept back.
const SPARES: usize = 4;

/// The descriptors that are kept back; cheap to clone.
#[derive(Clone)]
pub(super) struct Spares(Arc<Mutex<Vec<File>>>);

impl Spares {
    pub(super) fn new() -> Self {
        let spares = Self(Arc::default());
        spares.fill();
        spares
    }

    /// Lets one go, for somebody to take; `false` if none is left.
    pub(super) fn release(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().is_some()
    }

    /// Takes back as many as are to be had.
    pub(super) fn fill(&self) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while held.len() < SPARES
            && let Ok(file) = File::open("/dev/null")
        {
            held.push(file);
        }
    }
}
