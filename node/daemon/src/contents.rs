//! All contents of the library, in memory: what the database says of them, and whether anything is done for them now.
//!
//! What this is not: it writes nothing down and starts nothing. What always holds: a list is answered from here alone.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use shoal_content::ContentId;
use shoal_engine::Backoff;
use shoal_net::Progress;
use shoal_store::Source;
use tokio::sync::watch;

use crate::library::{Record, Standing, Want};
use crate::{Item, ItemState, Origin};

/// How long to wait before a download that found nobody to ask is begun again: at first, and at most.
const RETRY: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(5 * 60));

/// One content.
pub(crate) struct Entry {
    pub(crate) record: Record,
    pub(crate) state: ItemState,
    /// While the node has it.
    progress: Option<watch::Receiver<Progress>>,
    /// What it is served from, if not from where it was downloaded to just now.
    source: Option<Arc<Source>>,
    /// How far it was when the node had it last.
    last: Progress,
    /// Held by whoever changes what is done for it.
    gate: Arc<tokio::sync::Mutex<()>>,
    backoff: Backoff,
    retry_at: Option<Instant>,
}

impl Entry {
    /// A content for which nothing is done yet.
    pub(crate) fn new(record: Record) -> Self {
        let state = match record.standing {
            Standing::Active => ItemState::Running,
            Standing::Paused => ItemState::Paused,
            Standing::Ended => ItemState::Ended,
        };
        Self {
            record,
            state,
            progress: None,
            source: None,
            last: Progress::default(),
            gate: Arc::default(),
            backoff: Backoff::new(RETRY.0, RETRY.1),
            retry_at: None,
        }
    }

    fn item(&self, content: ContentId) -> Item {
        let origin = match &self.record.want {
            Want::Share(request) => Origin::Shared { paths: request.paths.clone() },
            Want::Fetch(request) => Origin::Fetched { dir: request.options.dir.clone() },
        };
        let progress = self.progress.as_ref().map_or_else(|| self.last.clone(), |it| it.borrow().clone());
        Item {
            content,
            origin,
            name: self.record.name.clone(),
            size: self.record.size,
            complete: self.record.complete,
            public: self.record.is_public(),
            added: self.record.added(),
            state: self.state.clone(),
            progress,
        }
    }

    /// The node has it from now on.
    pub(crate) fn started(&mut self, progress: watch::Receiver<Progress>, source: Option<Arc<Source>>) {
        (self.progress, self.source) = (Some(progress), source);
        (self.state, self.retry_at) = (ItemState::Running, None);
    }

    /// The node has it no more, for this reason.
    pub(crate) fn stopped(&mut self, state: ItemState) {
        if let Some(progress) = self.progress.take() {
            self.last = progress.borrow().clone();
        }
        (self.state, self.retry_at, self.source) = (state, None, None);
    }

    /// The node found nobody to ask; it is begun again later.
    pub(crate) fn retry_later(&mut self, now: Instant) {
        self.stopped(ItemState::Running);
        self.retry_at = Some(now + self.backoff.fail());
    }

    /// Its files are not there. If that is found again and again by looking closely, that is done ever less often.
    pub(crate) fn waits_for(&mut self, path: PathBuf, now: Instant) {
        let state = ItemState::Waiting { path };
        let again = self.state == state;
        self.stopped(state);
        self.retry_at = again.then(|| now + self.backoff.fail());
    }

    /// Something has changed, so that the next try may come at once.
    pub(crate) fn hope(&mut self, now: Instant) {
        self.backoff.succeed();
        self.retry_at = self.retry_at.map(|_| now);
    }

    /// The user wants it to go on.
    pub(crate) fn resumed(&mut self) {
        self.backoff.succeed();
        if !matches!(self.state, ItemState::Waiting { .. }) {
            self.state = ItemState::Running;
        }
    }

    /// The paths of which it is made, if it is shared from here.
    pub(crate) fn shared_paths(&self) -> Option<&[PathBuf]> {
        match &self.record.want {
            Want::Share(request) => Some(&request.paths),
            Want::Fetch(_) => None,
        }
    }
}

/// All contents, by id.
#[derive(Default)]
pub(crate) struct Contents(Mutex<BTreeMap<ContentId, Entry>>);

impl Contents {
    /// Those of a library.
    pub(crate) fn new(records: Vec<(ContentId, Record)>) -> Self {
        Self(Mutex::new(records.into_iter().map(|(content, record)| (content, Entry::new(record))).collect()))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<ContentId, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// At most `limit` contents after `after`.
    pub(crate) fn page(&self, after: Option<ContentId>, limit: usize) -> Vec<Item> {
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        let all = self.lock();
        all.range((after, Bound::Unbounded))
            .take(limit)
            .map(|(content, entry)| entry.item(*content))
            .collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    pub(crate) fn item(&self, content: ContentId) -> Option<Item> {
        self.lock().get(&content).map(|entry| entry.item(content))
    }

    pub(crate) fn record(&self, content: ContentId) -> Option<Record> {
        self.lock().get(&content).map(|entry| entry.record.clone())
    }

    /// What whoever changes what is done for a content has to hold meanwhile.
    pub(crate) fn gate(&self, content: ContentId) -> Option<Arc<tokio::sync::Mutex<()>>> {
        self.lock().get(&content).map(|entry| entry.gate.clone())
    }

    /// Changes an entry, if it is there.
    pub(crate) fn change<T>(&self, content: ContentId, change: impl FnOnce(&mut Entry) -> T) -> Option<T> {
        self.lock().get_mut(&content).map(change)
    }

    /// Adds a content. `false` if it is there.
    pub(crate) fn insert(&self, content: ContentId, record: Record) -> bool {
        let mut all = self.lock();
        let is_new = !all.contains_key(&content);
        if is_new {
            all.insert(content, Entry::new(record));
        }
        is_new
    }

    pub(crate) fn remove(&self, content: ContentId) -> bool {
        self.lock().remove(&content).is_some()
    }

    /// The contents that are chosen.
    pub(crate) fn ids(&self, choose: impl Fn(&Entry) -> bool) -> Vec<ContentId> {
        self.lock().iter().filter(|(_, entry)| choose(entry)).map(|(content, _)| *content).collect()
    }

    /// The contents that are to be begun again now: the next try is due, or files may be there again.
    pub(crate) fn due(&self, now: Instant) -> Vec<ContentId> {
        self.ids(|entry| {
            let waits = matches!(entry.state, ItemState::Waiting { .. });
            entry.retry_at.map_or(waits, |at| at <= now)
        })
    }

    /// The sources that are worth saving again.
    pub(crate) fn learned(&self) -> Vec<(ContentId, Arc<Source>)> {
        let all = self.lock();
        let sources = all.iter().filter_map(|(content, entry)| Some((*content, entry.source.clone()?)));
        sources.filter(|(_, source)| source.has_learned()).collect()
    }

    /// All paths that are shared and for which something is done, or will be once they are there; with whether they are.
    pub(crate) fn shared(&self) -> BTreeMap<Vec<PathBuf>, bool> {
        let wanted = |entry: &&Entry| matches!(entry.state, ItemState::Running | ItemState::Waiting { .. });
        let all = self.lock();
        let shared = all
            .values()
            .filter(wanted)
            .filter_map(|entry| Some((entry.shared_paths()?.to_vec(), entry.state == ItemState::Running)));
        shared.collect()
    }
}

#[cfg(test)]
mod tests {
    use shoal_content::Hash;
    use shoal_net::FetchOptions;

    use super::*;
    use crate::FetchRequest;

    fn content(n: u32) -> ContentId {
        ContentId::from_root_hash(Hash::of(&n.to_be_bytes()))
    }

    fn contents(count: u32) -> Contents {
        let record = |n| {
            let options = FetchOptions::new(content(n), "/dir");
            (content(n), Record::new(Want::Fetch(FetchRequest { options, public: false })))
        };
        Contents::new((0..count).map(record).collect())
    }

    #[test]
    fn pages_are_complete_and_quick() {
        let contents = contents(10_000);
        let began = Instant::now();
        let (mut after, mut seen, mut pages) = (None, vec![], 0);
        loop {
            let page = contents.page(after, 1000);
            let Some(last) = page.last() else { break };
            after = Some(last.content);
            seen.extend(page.iter().map(|item| item.content));
            pages += 1;
        }
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
        assert_eq!((seen.len(), pages, contents.len()), (10_000, 10, 10_000));
        assert!(seen.is_sorted());
    }

    #[test]
    fn pauses_between_tries_grow_up_to_five_minutes() {
        let contents = contents(1);
        let mut now = Instant::now();
        let mut pauses = vec![];
        for _ in 0..8 {
            contents.change(content(0), |entry| entry.retry_later(now));
            let due =
                (0..).find(|after| !contents.due(now + Duration::from_secs(*after)).is_empty()).unwrap();
            pauses.push(due);
            now += Duration::from_secs(due);
        }
        assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 300, 300]);
        contents.change(content(0), |entry| entry.retry_later(now));
        contents.change(content(0), |entry| entry.hope(now));
        assert_eq!(contents.due(now), [content(0)]);
        let path = PathBuf::from("/gone");
        contents.change(content(0), |entry| entry.waits_for(path.clone(), now));
        assert_eq!(contents.due(now), [content(0)], "a quick look costs nothing");
        contents.change(content(0), |entry| entry.waits_for(path, now));
        assert!(contents.due(now).is_empty() && contents.due(now + RETRY.0) == [content(0)]);
        contents.change(content(0), |entry| entry.stopped(ItemState::Paused));
        assert!(
            contents.due(now + Duration::from_secs(3600)).is_empty(),
            "what is paused is not begun again"
        );
    }
}
