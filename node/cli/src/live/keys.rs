//! Keys from the terminal.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ratatui::crossterm::event::{Event, KeyCode, KeyEventKind, KeyModifiers, poll, read};
use tokio::sync::mpsc;

/// How long a read may keep the thread from seeing that nobody wants keys any more.
const WAIT: Duration = Duration::from_millis(100);
/// Keys that may wait.
const MOST: usize = 32;

/// Keys as they are pressed; a thread reads them until this is dropped.
pub(super) struct Keys {
    keys: mpsc::Receiver<Option<(KeyCode, KeyModifiers)>>,
    ended: Arc<AtomicBool>,
}

impl Keys {
    pub(super) fn new() -> Self {
        let (sender, keys) = mpsc::channel(MOST);
        let ended = Arc::new(AtomicBool::new(false));
        let seen = ended.clone();
        std::thread::spawn(move || {
            while !seen.load(Ordering::Relaxed) {
                let event = match poll(WAIT) {
                    Ok(false) => continue,
                    Ok(true) => read(),
                    Err(error) => Err(error),
                };
                let key = match event {
                    Ok(Event::Key(key)) if key.kind == KeyEventKind::Press => Some((key.code, key.modifiers)),
                    Ok(Event::Resize(..)) => None,
                    Ok(_) => continue,
                    // The terminal is gone.
                    Err(_) => Some((KeyCode::Esc, KeyModifiers::NONE)),
                };
                if sender.blocking_send(key).is_err() {
                    return;
                }
            }
        });
        Self { keys, ended }
    }

    /// The next key; `None` when the terminal's size has changed. Cancel-safe.
    pub(super) async fn next(&mut self) -> Option<(KeyCode, KeyModifiers)> {
        match self.keys.recv().await {
            Some(key) => key,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}
