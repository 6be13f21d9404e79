//! Looks at what changed while anybody follows, and tells it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use shoal_content::ContentId;
use shoal_daemon::{Daemon, DaemonEvent, Import, ImportId};
use shoal_net::{Heard, Subscription};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::hub::EventsHub;
use super::ration::{INTERVAL, Ration};
use super::told::Told;
use crate::convert;
use crate::library;
use crate::model::{ApiChange, Content, ContentStateInfo, PeerCountInfo, RemovedInfo};

/// How often everything is looked at, for what no event tells of.
const EVERYTHING: Duration = Duration::from_secs(2);
/// Contents that are looked at before other tasks have their turn.
const PAGE: usize = 256;
/// Contents that are looked at each time because they move; the others wait until everything is looked at.
const MOVING: usize = 256;

/// Tells what changes until it is stopped.
pub(crate) async fn pump(daemon: Daemon, hub: Arc<EventsHub>, stop: CancellationToken) {
    // An event that is not heard is in what is looked at.
    let (_, events) = daemon.node().subscribe();
    let changes = daemon.subscribe();
    let mut pump = Pump {
        daemon,
        hub,
        ration: Ration::default(),
        contents: Told::default(),
        imports: Told::default(),
        connections: Told::default(),
        moving: BTreeSet::new(),
        start: Instant::now(),
        looked: None,
        first: true,
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = pump.run(events, changes) => {}
    }
}

struct Pump {
    daemon: Daemon,
    hub: Arc<EventsHub>,
    ration: Ration<ContentId>,
    contents: Told<ContentId>,
    imports: Told<ImportId>,
    connections: Told<()>,
    /// Contents that were told of last as moving.
    moving: BTreeSet<ContentId>,
    start: Instant,
    /// When everything was looked at.
    looked: Option<Instant>,
    /// Nothing was looked at yet; what is found then is in the snapshots of those that follow.
    first: bool,
}

impl Pump {
    async fn run(&mut self, mut events: Subscription, mut changes: broadcast::Receiver<DaemonEvent>) {
        let mut tick = tokio::time::interval(INTERVAL);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            if !self.hub.followed() {
                self.hub.wake.notified().await;
                // What changed while nobody followed.
                self.looked = None;
                continue;
            }
            tokio::select! {
                heard = events.next() => match heard {
                    Some(Heard::Event(event)) => self.ration.changed(event.content),
                    Some(Heard::Missed(_)) => self.looked = None,
                    None => return,
                },
                change = changes.recv() => match change {
                    Ok(change) => self.note(&change),
                    Err(RecvError::Lagged(_)) => self.looked = None,
                    Err(RecvError::Closed) => return,
                },
                _ = tick.tick() => self.look().await,
            }
        }
    }

    fn note(&mut self, change: &DaemonEvent) {
        match change {
            DaemonEvent::Added { content } | DaemonEvent::Removed { content } => {
                self.ration.changed(*content)
            }
            DaemonEvent::Replaced { old, new } => {
                [old, new].into_iter().for_each(|it| self.ration.changed(*it))
            }
        }
    }

    async fn look(&mut self) {
        let touched = self.hub.take_touched();
        let moving = self.moving.iter().take(MOVING).copied();
        touched.contents.into_iter().chain(moving).for_each(|content| self.ration.changed(content));
        if touched.more || self.looked.is_none_or(|looked| looked.elapsed() >= EVERYTHING) {
            self.look_at_everything().await;
        }
        for (n, content) in self.ration.take(self.start.elapsed()).into_iter().enumerate() {
            if n % PAGE == PAGE - 1 {
                tokio::task::yield_now().await;
            }
            match self.daemon.item(content) {
                Some(item) => self.tell_content(content, convert::content(&item)),
                None => self.tell_removed(content),
            }
        }
        self.look_at_imports().await;
        self.look_at_peers();
        self.first = false;
        self.hub.ready.send_replace(true);
    }

    async fn look_at_everything(&mut self) {
        self.looked = Some(Instant::now());
        let mut there = BTreeSet::new();
        let mut after = None;
        loop {
            let items = self.daemon.items(after, PAGE);
            for item in &items {
                there.insert(item.content);
                // The first look only learns what is there.
                if self.first {
                    self.tell_content(item.content, convert::content(item));
                } else {
                    self.ration.changed(item.content);
                }
            }
            after = items.last().map(|item| item.content);
            if items.len() < PAGE {
                break;
            }
            tokio::task::yield_now().await;
        }
        self.moving.retain(|content| there.contains(content));
        for gone in self.contents.forget_others(&there) {
            self.tell(&ApiChange::Removed(RemovedInfo { content: gone.to_string() }));
        }
    }

    fn tell_content(&mut self, id: ContentId, content: Content) {
        let moves = matches!(
            content.state,
            ContentStateInfo::Checking | ContentStateInfo::Fetching | ContentStateInfo::Placing
        );
        if moves || content.rate_up > 0 || content.rate_down > 0 {
            self.moving.insert(id);
        } else {
            self.moving.remove(&id);
        }
        self.tell_if(|it, written| it.contents.differs(id, written), &ApiChange::Content(Box::new(content)));
    }

    fn tell_removed(&mut self, content: ContentId) {
        self.moving.remove(&content);
        if self.contents.forget(content) {
            self.tell(&ApiChange::Removed(RemovedInfo { content: content.to_string() }));
        }
    }

    async fn look_at_imports(&mut self) {
        let imports = self.daemon.imports();
        let there = imports.iter().map(|import| import.id).collect();
        // Those that ended long ago are forgotten without a word.
        self.imports.forget_others(&there);
        for import in imports {
            if self.imports.differs(import.id, &format!("{:?}", import.state)) && !self.first {
                self.tell_import(&import).await;
            }
        }
    }

    async fn tell_import(&self, import: &Import) {
        let info = library::import_info(&self.daemon, import).await;
        self.tell(&ApiChange::Import(info));
    }

    fn look_at_peers(&mut self) {
        let connections = library::connections(&self.daemon);
        let change = ApiChange::Peers(PeerCountInfo { connections });
        self.tell_if(|it, written| it.connections.differs((), written), &change);
    }

    fn tell_if(&mut self, differs: impl FnOnce(&mut Self, &String) -> bool, change: &ApiChange) {
        let Some(written) = write(change) else { return };
        if differs(self, &written) && !self.first {
            self.hub.tell(change.kind(), written);
        }
    }

    fn tell(&self, change: &ApiChange) {
        if let Some(written) = write(change) {
            self.hub.tell(change.kind(), written);
        }
    }
}

/// What stands in the data of an event.
pub(super) fn write(change: &ApiChange) -> Option<String> {
    let written = match change {
        ApiChange::Snapshot(it) => json(it),
        ApiChange::Content(it) => json(it),
        ApiChange::Removed(it) => json(it),
        ApiChange::Import(it) => json(it),
        ApiChange::Peers(it) => json(it),
        ApiChange::Gap(it) => json(it),
    };
    written.inspect_err(|error| tracing::error!("an event cannot be written: {error}")).ok()
}

fn json(it: &impl Serialize) -> serde_json::Result<String> {
    serde_json::to_string(it)
}
