//! The keeper: its state, and the task that carries out what the planner says.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use libp2p::identity::Keypair;
use libp2p::{Multiaddr, PeerId};
use shoal_content::ContentId;
use shoal_engine::{StoreFarewell, StoreInput, StoreOutput, StorePlanner, StorePlannerConfig, StoreSaved};
use shoal_net::StoreQuestion;
use shoal_wire::query::PeerAddresses;
use shoal_wire::store::StoreEnd;
use tokio::sync::{Notify, Semaphore, broadcast, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::book::AddressBook;
use super::presences::Presences;
use super::settings::StoreSettings;
use super::state::State;
use crate::DaemonEvent;
use crate::core::Core;
use crate::library::{Change, SavedStore};

/// Questions to others under way at once.
const ASKING: usize = 32;
/// Copies that are read at once, for proofs and to be compared.
const READING: usize = 2;
/// Copies that are fetched at once.
const FETCHING: usize = 4;
/// The names of what is written down beside contents.
pub(super) const MEMBERS: &str = "members";
pub(super) const ENDS: &str = "ends";
/// The most ends that are written down.
const MAX_ENDS: usize = 1024;

/// Keeps contents for others, and has others keep those of this node.
pub(crate) struct Keeper {
    pub(super) core: Arc<Core>,
    pub(super) identity: Keypair,
    pub(super) local: PeerId,
    pub(super) settings: StoreSettings,
    /// Where copies lie; none: there is no data folder, and nothing is kept.
    pub(super) folder: Option<PathBuf>,
    /// Names this process.
    pub(super) instance: u64,
    /// When it started, since 1970.
    pub(super) started: Duration,
    start: Instant,
    pub(super) state: Mutex<State>,
    changed: Notify,
    pub(super) asking: Semaphore,
    pub(super) reading: Arc<Semaphore>,
    pub(super) fetching: Semaphore,
    /// Whoever asks the DHT holds it: one at a time.
    pub(super) searching: tokio::sync::Mutex<()>,
    /// Cancelled when another process has this node's key, and was first.
    pub(super) rival: CancellationToken,
    left: watch::Sender<Option<StoreFarewell>>,
}

impl Keeper {
    /// Takes in what was written down, and begins nothing yet.
    pub(crate) fn new(
        core: Arc<Core>,
        identity: Keypair,
        settings: StoreSettings,
        folder: Option<PathBuf>,
        saved: SavedStore,
    ) -> Self {
        let local = identity.public().to_peer_id();
        let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let donated = if folder.is_some() { settings.planner.donated } else { 0 };
        let config = StorePlannerConfig { donated, start: started, ..settings.planner };
        let mut state = State {
            planner: StorePlanner::new(local, config),
            book: AddressBook::default(),
            presences: Presences::default(),
            presence: None,
            ends: vec![],
        };
        restore(&mut state, &core, saved);
        Self {
            core,
            identity,
            local,
            settings,
            folder,
            instance: rand::random(),
            started,
            start: Instant::now(),
            state: Mutex::new(state),
            changed: Notify::new(),
            asking: Semaphore::new(ASKING),
            reading: Arc::new(Semaphore::new(READING)),
            fetching: Semaphore::new(FETCHING),
            searching: tokio::sync::Mutex::default(),
            rival: CancellationToken::new(),
            left: watch::Sender::new(None),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// What the time is, since 1970, by the clock as it was at the start. The planner goes by the same time. If the clock is set
    /// while the process runs, what it signs must not seem to come from before its start or from long after its end.
    pub(super) fn time(&self) -> Duration {
        self.started.saturating_add(self.now())
    }

    /// Tells the planner what happened.
    pub(super) fn tell(&self, input: StoreInput) {
        let now = self.now();
        self.lock().planner.handle(now, input);
        self.changed.notify_one();
    }

    /// Waits until another process with this node's key shows that it was first.
    pub(crate) async fn rival(&self) {
        self.rival.cancelled().await;
    }

    /// Hands over what is here, within the time that is set for that.
    pub(crate) async fn leave(&self) -> StoreFarewell {
        let mut left = self.left.subscribe();
        self.tell(StoreInput::Leave(self.settings.leave_within));
        // A little longer, so that the planner's deadline comes first.
        let longest = self.settings.leave_within + Duration::from_secs(5);
        let waited = tokio::time::timeout(longest, left.wait_for(Option::is_some)).await;
        let farewell = waited.ok().and_then(Result::ok).and_then(|it| *it).unwrap_or_default();
        self.say_goodbye().await;
        farewell
    }

    /// Works until the daemon ends.
    pub(crate) async fn run(
        self: Arc<Self>,
        mut questions: mpsc::Receiver<StoreQuestion>,
        mut events: broadcast::Receiver<DaemonEvent>,
    ) {
        let mut tasks = JoinSet::new();
        let mut meet_at = Instant::now();
        loop {
            self.carry_out(&mut tasks).await;
            let now = self.now();
            let due = self.lock().planner.next_timeout().unwrap_or(now + self.settings.planner.members);
            let due = (self.start + due).min(meet_at);
            tokio::select! {
                () = self.core.stop.cancelled() => return,
                () = self.changed.notified() => {}
                () = tokio::time::sleep_until(due) => {}
                Some(_) = tasks.join_next(), if !tasks.is_empty() => {}
                Some(question) = questions.recv() => {
                    let reply = self.answer(question, &mut tasks);
                    // On the disk first.
                    self.carry_out(&mut tasks).await;
                    reply.into_iter().for_each(|(way, answer)| drop(way.send(answer)));
                }
                event = events.recv() => self.on_event(event),
            }
            let now = self.now();
            self.lock().planner.tick(now);
            if Instant::now() >= meet_at {
                meet_at = Instant::now() + self.meet(&mut tasks);
            }
        }
    }

    /// Looks for members where there may be some. Returns when to look again.
    fn meet(self: &Arc<Self>, tasks: &mut JoinSet<()>) -> Duration {
        /// Connected peers that are asked each time.
        const AT_ONCE: usize = 16;
        let connected = self.core.node.neighbours().into_iter().map(|it| it.peer);
        let mut state = self.lock();
        let known: std::collections::BTreeSet<PeerId> =
            state.planner.members().map(|(peer, _)| peer).collect();
        let strangers: Vec<PeerId> = connected.filter(|peer| !known.contains(peer)).take(AT_ONCE).collect();
        let now = self.now();
        state.planner.handle(now, StoreInput::Named(strangers));
        let is_alone = !state.planner.members().any(|(peer, _)| known.contains(&peer));
        let State { planner, book, .. } = &mut *state;
        book.retain(|peer| planner.knows(peer));
        drop(state);
        let keeper = self.clone();
        tasks.spawn(async move { keeper.search_the_dht().await });
        let planner = &self.settings.planner;
        if !is_alone {
            return planner.members;
        }
        for address in self.settings.peers.clone() {
            let keeper = self.clone();
            tasks.spawn(async move { keeper.meet_at(address).await });
        }
        planner.ping
    }

    fn on_event(&self, event: Result<DaemonEvent, broadcast::error::RecvError>) {
        match event {
            Ok(DaemonEvent::Removed { content }) => self.taken_away(content),
            Ok(DaemonEvent::Replaced { old, .. }) => self.taken_away(old),
            Ok(DaemonEvent::Added { .. }) | Err(broadcast::error::RecvError::Closed) => {}
            Err(broadcast::error::RecvError::Lagged(_)) => {
                let views = self.lock().planner.views(self.now());
                let gone = views.iter().filter(|view| self.core.contents.item(view.content).is_none());
                gone.for_each(|view| self.taken_away(view.content));
            }
        }
    }

    /// Carries out all that the planner says. What is to be written down is on the disk when this returns.
    async fn carry_out(self: &Arc<Self>, tasks: &mut JoinSet<()>) {
        let mut changes: BTreeMap<ContentId, Change> = BTreeMap::new();
        let mut ends = false;
        loop {
            let mut state = self.lock();
            let Some(output) = state.planner.poll_output() else { break };
            match output {
                StoreOutput::Save(content) => {
                    let row = state.planner.saved(&content).map(|saved| shoal_cbor::encode(&saved));
                    changes.insert(content, Change::Kept(content, row));
                }
                StoreOutput::SaveEnd(end) => {
                    state.ends.push(end);
                    let over = state.ends.len().saturating_sub(MAX_ENDS);
                    state.ends.drain(..over);
                    ends = true;
                }
                StoreOutput::Left(farewell) => drop(self.left.send_replace(Some(farewell))),
                other => {
                    drop(state);
                    self.act(other, tasks);
                }
            }
        }
        if changes.is_empty() && !ends {
            return;
        }
        let mut changes: Vec<Change> = changes.into_values().collect();
        {
            let state = self.lock();
            changes.push(Change::OfStore(MEMBERS, shoal_cbor::encode(&all_members(&state))));
            if ends {
                changes.push(Change::OfStore(ENDS, shoal_cbor::encode(&state.ends)));
            }
        }
        if let Err(error) = self.core.library.commit(changes).await
            && !self.core.stop.is_cancelled()
        {
            tracing::error!(%error, "what the store keeps is not written down");
        }
    }
}

fn all_members(state: &State) -> Vec<PeerAddresses> {
    let of = |(peer, _): (PeerId, bool)| {
        let known: Vec<Multiaddr> = state.book.of(&peer);
        (!known.is_empty()).then(|| PeerAddresses::new(peer, &known))
    };
    state.planner.members().filter_map(of).collect()
}

/// Takes in what was written down before.
fn restore(state: &mut State, core: &Core, saved: SavedStore) {
    fn read<T: serde::de::DeserializeOwned + Default>(rows: &BTreeMap<String, Vec<u8>>, name: &str) -> T {
        rows.get(name).and_then(|row| shoal_cbor::decode(row).ok()).unwrap_or_default()
    }
    let members: Vec<PeerAddresses> = read(&saved.others, MEMBERS);
    let members = state.book.learn_all(&members);
    let ends: Vec<StoreEnd> = read(&saved.others, ENDS);
    ends.iter().for_each(|end| state.planner.restore_end(end.clone()));
    state.ends = ends;
    for (content, row) in saved.kept {
        match shoal_cbor::decode::<StoreSaved>(&row) {
            Ok(saved) => {
                let complete = core.contents.record(content).is_some_and(|record| record.complete);
                state.planner.restore(Duration::ZERO, content, saved, complete);
            }
            Err(error) => tracing::error!(%content, %error, "what the store wrote down makes no sense"),
        }
    }
    state.planner.handle(Duration::ZERO, StoreInput::Named(members));
}
