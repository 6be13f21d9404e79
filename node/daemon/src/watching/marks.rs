//! What the system said has changed, by what is shared.
//!
//! What always holds: this grows with what is shared, not with what happens; where events were lost, everything counts
//! as changed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use notify::EventKind;
use notify::event::{AccessKind, AccessMode};
use tokio::sync::Notify;

/// What is shared together: its paths, which stay the same when the content changes.
pub(crate) type Key = Vec<PathBuf>;

#[derive(Default)]
struct Inner {
    /// What is shared, by the watched path that it lies at or beneath.
    roots: BTreeMap<PathBuf, BTreeSet<Key>>,
    touched: BTreeSet<Key>,
}

/// Takes events and tells whose they are.
#[derive(Default)]
pub(crate) struct Marks {
    inner: Mutex<Inner>,
    /// Something was touched.
    pub(crate) news: Notify,
}

impl Marks {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What happens at or beneath a path concerns a key.
    pub(crate) fn add_root(&self, root: PathBuf, key: Key) {
        self.lock().roots.entry(root).or_default().insert(key);
    }

    /// Forgets all roots.
    pub(crate) fn clear_roots(&self) {
        self.lock().roots.clear();
    }

    /// A key has changed, or may have.
    pub(crate) fn touch(&self, key: Key) {
        self.lock().touched.insert(key);
        self.news.notify_one();
    }

    /// The keys that were touched since it was asked last.
    pub(crate) fn take(&self) -> BTreeSet<Key> {
        std::mem::take(&mut self.lock().touched)
    }

    /// Takes what the system says.
    pub(crate) fn hear(&self, heard: notify::Result<notify::Event>) {
        let mut inner = self.lock();
        match heard {
            Ok(event) if event.need_rescan() => inner.touch_all(),
            // Reading changes nothing, our own least of all.
            Ok(event) if is_mere_access(&event.kind) => return,
            Ok(event) => event.paths.iter().for_each(|path| inner.touch_at(path)),
            Err(error) => {
                tracing::warn!(%error, "events of shared folders may be lost; all of them are looked at");
                inner.touch_all();
            }
        }
        drop(inner);
        self.news.notify_one();
    }
}

impl Inner {
    fn touch_all(&mut self) {
        self.touched.extend(self.roots.values().flatten().cloned());
    }

    fn touch_at(&mut self, path: &std::path::Path) {
        for root in path.ancestors() {
            self.touched.extend(self.roots.get(root).into_iter().flatten().cloned());
        }
    }
}

fn is_mere_access(kind: &EventKind) -> bool {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => false,
        EventKind::Access(_) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use notify::Event;
    use notify::event::{CreateKind, Flag};

    use super::*;

    fn key(path: &str) -> Key {
        vec![path.into()]
    }

    fn marks() -> Marks {
        let marks = Marks::default();
        marks.add_root("/a".into(), key("/a"));
        marks.add_root("/a/b".into(), key("/a/b"));
        marks.add_root("/c/file".into(), key("/c/file"));
        marks
    }

    fn heard(event: Event) -> Vec<Key> {
        let marks = marks();
        marks.hear(Ok(event));
        marks.take().into_iter().collect()
    }

    fn created(path: &str) -> Event {
        Event::new(EventKind::Create(CreateKind::Any)).add_path(path.into())
    }

    #[test]
    fn an_event_concerns_what_it_lies_in() {
        assert_eq!(heard(created("/a/x/y")), [key("/a")]);
        assert_eq!(heard(created("/a/b/y")), [key("/a"), key("/a/b")]);
        assert_eq!(heard(created("/c/file")), [key("/c/file")]);
        assert!(heard(created("/c/other")).is_empty() && heard(created("/ab")).is_empty());
    }

    #[test]
    fn reading_is_no_change_and_lost_events_are_changes_of_all() {
        let access = |kind| Event::new(EventKind::Access(kind)).add_path("/a/x".into());
        assert!(heard(access(AccessKind::Open(AccessMode::Any))).is_empty());
        assert!(heard(access(AccessKind::Close(AccessMode::Read))).is_empty());
        assert_eq!(heard(access(AccessKind::Close(AccessMode::Write))), [key("/a")]);
        let lost = Event::new(EventKind::Other).set_flag(Flag::Rescan);
        assert_eq!(heard(lost), [key("/a"), key("/a/b"), key("/c/file")]);
        let marks = marks();
        marks.hear(Err(notify::Error::generic("as the test wants it")));
        assert_eq!(marks.take().len(), 3);
    }
}
