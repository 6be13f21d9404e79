//! What is to be hashed, one after another, and what became of it.
//!
//! What always holds: no more than [`MAX_WAITING`] wait; the last [`MAX_ENDED`] that ended are remembered.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::{Import, ImportId, ImportState, ShareRequest};

/// Imports that may wait.
pub(crate) const MAX_WAITING: usize = 1024;
/// Imports that ended and are remembered.
const MAX_ENDED: usize = 256;

/// Why something is hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The user asked for it just now.
    Asked,
    /// The user asked for it before a restart.
    Restored,
    /// It is in the library, and may have changed.
    Rescan,
}

/// Something to hash.
#[derive(Debug, Clone)]
pub(crate) struct Task {
    pub(crate) id: ImportId,
    pub(crate) request: ShareRequest,
    pub(crate) cause: Cause,
}

#[derive(Default)]
struct Inner {
    last: u64,
    all: BTreeMap<ImportId, Import>,
    waiting: VecDeque<Task>,
    /// Promised places of imports that are being written down.
    promised: usize,
    /// What waits until its files are there.
    parked: Vec<Task>,
    ended: VecDeque<ImportId>,
}

/// All imports.
#[derive(Default)]
pub(crate) struct Queue {
    inner: Mutex<Inner>,
    news: Notify,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place for what will be [pushed](Self::push), or [given up](Self::give_up); `None` if there is none.
    pub(crate) fn promise(&self) -> Option<ImportId> {
        let mut inner = self.lock();
        if inner.waiting.len() + inner.parked.len() + inner.promised >= MAX_WAITING {
            return None;
        }
        inner.promised += 1;
        inner.last += 1;
        Some(ImportId(inner.last))
    }

    /// A promised place is not needed.
    pub(crate) fn give_up(&self) {
        self.lock().promised -= 1;
    }

    /// Adds what has a promised place.
    pub(crate) fn push(&self, task: Task) {
        let mut inner = self.lock();
        inner.promised -= 1;
        inner.add(task);
        drop(inner);
        self.news.notify_one();
    }

    /// Adds what was asked for before a restart, under its old number.
    pub(crate) fn restore(&self, number: u64, request: ShareRequest) {
        let mut inner = self.lock();
        inner.last = inner.last.max(number);
        inner.add(Task { id: ImportId(number), request, cause: Cause::Restored });
        drop(inner);
        self.news.notify_one();
    }

    /// Adds what may have changed, unless it waits already or there is no place.
    pub(crate) fn rescan(&self, request: ShareRequest) {
        let waits = self.lock().waiting.iter().any(|task| task.request.paths == request.paths);
        if waits {
            return;
        }
        if let Some(id) = self.promise() {
            self.push(Task { id, request, cause: Cause::Rescan });
        }
    }

    /// The next one; waits for it. Cancel-safe.
    pub(crate) async fn next(&self) -> Task {
        loop {
            if let Some(task) = self.lock().waiting.pop_front() {
                return task;
            }
            self.news.notified().await;
        }
    }

    /// Puts one aside until its files are there.
    pub(crate) fn park(&self, task: Task) {
        let mut inner = self.lock();
        inner.set(task.id, ImportState::Queued);
        inner.parked.push(task);
    }

    /// What was put aside, to be looked at.
    pub(crate) fn parked(&self) -> Vec<Task> {
        self.lock().parked.clone()
    }

    /// The files of one that was put aside are there.
    pub(crate) fn unpark(&self, id: ImportId) {
        let mut inner = self.lock();
        if let Some(at) = inner.parked.iter().position(|task| task.id == id) {
            let task = inner.parked.swap_remove(at);
            inner.waiting.push_back(task);
        }
        drop(inner);
        self.news.notify_one();
    }

    /// How far one is.
    pub(crate) fn set(&self, id: ImportId, state: ImportState) {
        self.lock().set(id, state);
    }

    pub(crate) fn get(&self, id: ImportId) -> Option<Import> {
        self.lock().all.get(&id).cloned()
    }

    pub(crate) fn list(&self) -> Vec<Import> {
        self.lock().all.values().cloned().collect()
    }
}

impl Inner {
    fn add(&mut self, task: Task) {
        let import = Import { id: task.id, paths: task.request.paths.clone(), state: ImportState::Queued };
        self.all.insert(task.id, import);
        self.waiting.push_back(task);
    }

    fn set(&mut self, id: ImportId, state: ImportState) {
        let Some(import) = self.all.get_mut(&id) else { return };
        let over = matches!(state, ImportState::Done { .. } | ImportState::Failed(_));
        import.state = state;
        if over {
            self.ended.push_back(id);
        }
        if self.ended.len() > MAX_ENDED
            && let Some(oldest) = self.ended.pop_front()
        {
            self.all.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(queue: &Queue, path: &str) -> Option<ImportId> {
        let id = queue.promise()?;
        let request = ShareRequest { paths: vec![path.into()], ..ShareRequest::default() };
        queue.push(Task { id, request, cause: Cause::Asked });
        Some(id)
    }

    #[tokio::test]
    async fn they_come_in_order_and_are_bounded() {
        let queue = Queue::default();
        queue.restore(41, ShareRequest::default());
        assert_eq!(ask(&queue, "/a"), Some(ImportId(42)), "numbers of before a restart are not used again");
        assert_eq!((queue.next().await.id.0, queue.next().await.id.0), (41, 42));
        for _ in 0..MAX_WAITING {
            assert!(ask(&queue, "/a").is_some());
        }
        assert_eq!(ask(&queue, "/a"), None);
        queue.next().await;
        let place = queue.promise();
        assert!(place.is_some() && queue.promise().is_none());
        queue.give_up();
        assert!(queue.promise().is_some());
    }

    #[tokio::test]
    async fn the_last_that_ended_are_remembered() {
        let queue = Queue::default();
        for _ in 0..MAX_ENDED + 3 {
            ask(&queue, "/a");
            let task = queue.next().await;
            queue.set(task.id, ImportState::Failed("as the test wants it".into()));
        }
        assert_eq!(queue.list().len(), MAX_ENDED);
        assert!(queue.get(ImportId(3)).is_none() && queue.get(ImportId(4)).is_some());
    }

    #[tokio::test]
    async fn what_waits_already_is_not_added_again() {
        let queue = Queue::default();
        let request = ShareRequest { paths: vec!["/a".into()], ..ShareRequest::default() };
        queue.rescan(request.clone());
        queue.rescan(request.clone());
        assert_eq!(queue.list().len(), 1);
        let task = queue.next().await;
        // It is being hashed: what changed since is seen by another one alone.
        queue.rescan(request);
        assert_eq!(queue.list().len(), 2);
        queue.park(task.clone());
        assert_eq!(queue.parked().len(), 1);
        queue.unpark(task.id);
        assert!(queue.parked().is_empty() && queue.next().await.id != queue.next().await.id);
    }
}
