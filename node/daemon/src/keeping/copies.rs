//! The copies on this node's disk: fetching, reading, repairing and removing them, and asking others for proofs of theirs.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use libp2p::{Multiaddr, PeerId};
use shoal_content::{ChunkIndex, ContentId, Hash, Manifest};
use shoal_engine::{StoreInput, StoreProof};
use shoal_net::{AskError, FetchOptions, QueryErrorCode};
use shoal_store::ChunkStore;
use shoal_wire::store::{StoreRequest, StoreResponse};

use super::keeper::Keeper;
use crate::library::{Change, Want};
use crate::{DaemonError, FetchRequest, ItemState, Origin};

/// How long the manifest of an offered content may take, each time that it is tried; and how often.
const MANIFEST: Duration = Duration::from_secs(5);
const TRIES: u32 = 12;
/// How often it is looked whether a copy is complete.
const LOOK: Duration = Duration::from_millis(200);

impl Keeper {
    /// Where the copy of a content lies.
    fn place(&self, content: ContentId) -> Option<PathBuf> {
        Some(self.folder.as_ref()?.join(content.to_string()))
    }

    /// Whether the user has all of a content at another place.
    pub(super) fn is_in_place(&self, content: ContentId) -> bool {
        let item = self.core.contents.item(content);
        item.is_some_and(|item| item.complete && !self.is_ours(&item.origin, content))
    }

    fn is_ours(&self, origin: &Origin, content: ContentId) -> bool {
        matches!(origin, Origin::Fetched { dir } if Some(dir) == self.place(content).as_ref())
    }

    /// A content was taken out of the library.
    pub(super) fn taken_away(&self, content: ContentId) {
        self.tell(StoreInput::Lost(content));
    }

    /// Where peers are, as far as that is known: what they and others said, and where their connections lead.
    fn addresses_of(&self, peers: &[PeerId]) -> Vec<Multiaddr> {
        let said = self.core.node.addresses_of(peers.to_vec());
        let connected = self.core.node.neighbours().into_iter().filter(|it| peers.contains(&it.peer));
        let connected: Vec<_> = connected.map(|it| (it.peer, it.address)).collect();
        let mut state = self.lock();
        said.into_iter().for_each(|(peer, addresses)| state.book.learn(peer, addresses));
        let told = peers.iter().flat_map(|peer| state.book.of(peer).into_iter().map(|it| (*peer, it)));
        told.chain(connected).filter_map(|(peer, address)| address.with_p2p(peer).ok()).collect()
    }

    /// Fetches a content to be kept.
    pub(super) async fn fetch(&self, content: ContentId, size: u64, from: Vec<PeerId>) {
        let Ok(_one) = self.fetching.acquire().await else { return };
        if self.settings.hollow {
            return self.tell(StoreInput::Stored(content));
        }
        let told = match self.fetch_all(content, size, &from).await {
            Ok(()) => StoreInput::Stored(content),
            Err(error) => {
                tracing::info!(%content, %error, "a copy was not fetched");
                self.remove(content).await;
                StoreInput::Lost(content)
            }
        };
        self.tell(told);
    }

    async fn fetch_all(&self, content: ContentId, size: u64, from: &[PeerId]) -> Result<(), DaemonError> {
        let dir =
            self.place(content).ok_or_else(|| DaemonError::Invalid("there is no data folder".into()))?;
        if self.core.contents.item(content).is_none() {
            let (manifest, peers) = self.manifest(content, from).await?;
            // Its owner may have said that it is smaller than it is.
            if manifest.root().size != size {
                return Err(DaemonError::Invalid("it is not as large as its owner says".into()));
            }
            let options = FetchOptions { peers, ..FetchOptions::new(content, dir) };
            match self.core.add_fetch(FetchRequest { options, public: false }).await {
                Ok(()) | Err(DaemonError::Known(_)) => {}
                Err(error) => return Err(error),
            }
        }
        self.wait_for(content).await
    }

    /// Fetches the manifest; returns it with where the content may be. Who offered it may not have it, so others of whom is
    /// heard meanwhile are asked too.
    async fn manifest(
        &self,
        content: ContentId,
        from: &[PeerId],
    ) -> Result<(Arc<Manifest>, Vec<Multiaddr>), DaemonError> {
        let mut tries = 0;
        loop {
            let others = self.lock().planner.who_may_have(&content);
            let all: BTreeSet<PeerId> = from.iter().copied().chain(others).collect();
            let peers = self.addresses_of(&Vec::from_iter(all));
            let asked = self.core.node.manifest(content, peers.clone(), vec![], Some(MANIFEST)).await;
            tries += 1;
            match asked {
                Ok(manifest) => return Ok((manifest, peers)),
                Err(error) if tries >= TRIES => return Err(error.into()),
                Err(_) => tokio::time::sleep(LOOK).await,
            }
        }
    }

    /// Waits until a content of the library is complete, for as long as the planner wants it.
    async fn wait_for(&self, content: ContentId) -> Result<(), DaemonError> {
        loop {
            let item = self.core.contents.item(content).ok_or(DaemonError::NoSuchContent(content))?;
            if item.complete {
                return Ok(());
            }
            if let ItemState::Failed(why) = item.state {
                return Err(DaemonError::Invalid(why));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Removes a copy of the store. What the user has at another place stays.
    pub(super) async fn remove(&self, content: ContentId) {
        let Some(place) = self.place(content) else { return };
        let item = self.core.contents.item(content);
        if item.is_some_and(|item| self.is_ours(&item.origin, content))
            && let Err(error) = self.core.take_out(content).await
        {
            tracing::warn!(%content, %error, "a copy cannot be taken out of the library");
            return;
        }
        let removed = tokio::task::spawn_blocking(move || match std::fs::remove_dir_all(place) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        });
        if let Ok(Err(error)) = removed.await {
            tracing::warn!(%content, %error, "a copy cannot be removed from the disk");
        }
    }

    /// Reads all of an own copy.
    pub(super) async fn verify(&self, content: ContentId) {
        let Ok(permit) = self.reading.clone().acquire_owned().await else { return };
        if self.settings.hollow {
            return self.tell(StoreInput::Verified { content, whole: true });
        }
        let Some(store) = self.core.node.store_of(&content) else {
            return self.tell(StoreInput::Verified { content, whole: false });
        };
        let read = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            is_whole(&*store)
        });
        if let Ok(whole) = read.await {
            if !whole {
                tracing::warn!(%content, "a copy is damaged on the disk; it is fetched again");
            }
            self.tell(StoreInput::Verified { content, whole });
        }
    }

    /// Fetches again what is wrong of a copy.
    pub(super) async fn repair(&self, content: ContentId, from: Vec<PeerId>) {
        let peers = self.addresses_of(&from);
        let told = match self.begin_repair(content, peers).await {
            Ok(()) => match self.wait_for(content).await {
                Ok(()) => StoreInput::Stored(content),
                Err(_) => StoreInput::Lost(content),
            },
            Err(error) => {
                tracing::warn!(%content, %error, "a damaged copy cannot be repaired");
                self.remove(content).await;
                StoreInput::Lost(content)
            }
        };
        self.tell(told);
    }

    async fn begin_repair(&self, content: ContentId, peers: Vec<Multiaddr>) -> Result<(), DaemonError> {
        let gate = self.core.contents.gate(content).ok_or(DaemonError::NoSuchContent(content))?;
        let _one = gate.lock().await;
        let mut record = self.core.contents.record(content).ok_or(DaemonError::NoSuchContent(content))?;
        let Want::Fetch(request) = &mut record.want else {
            return Err(DaemonError::Invalid("it is shared from where it lies".into()));
        };
        (request.options.force, request.options.peers) = (true, peers);
        record.complete = false;
        let dir = request.options.dir.clone();
        self.core.halt_gated(content, ItemState::Running).await;
        self.core.library.commit(vec![Change::Record(content, Box::new(record.clone()))]).await?;
        self.core.contents.change(content, |entry| entry.record = record);
        drop(tokio::task::spawn_blocking(move || std::fs::create_dir_all(dir)).await);
        Ok(self.core.begin_gated(content).await?)
    }

    /// Says what only who has a chunk can know.
    pub(super) async fn prove(&self, content: ContentId, chunk: ChunkIndex, nonce: Hash) -> StoreResponse {
        match self.proof(content, chunk, nonce).await {
            _ if self.settings.hollow => StoreResponse::Proof { hash: nonce },
            Some(hash) => StoreResponse::Proof { hash },
            None => StoreResponse::Error { code: QueryErrorCode::NotFound },
        }
    }

    async fn proof(&self, content: ContentId, chunk: ChunkIndex, nonce: Hash) -> Option<Hash> {
        let permit = self.reading.clone().acquire_owned().await.ok()?;
        let store = self.core.node.store_of(&content)?;
        let read = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            hash_of(&store, chunk, &nonce)
        });
        read.await.ok().flatten()
    }

    /// Asks a holder for a proof of a chunk that nobody can foresee.
    pub(super) async fn check(&self, peer: PeerId, content: ContentId) {
        if self.settings.hollow {
            return self.tell(StoreInput::Checked { peer, content, answer: StoreProof::Given });
        }
        let nonce = Hash::from_bytes(rand::random());
        let chunks = self.core.node.store_of(&content).map(|store| store.manifest().root().chunks);
        let chunk = chunks.filter(|chunks| *chunks > 0).map(|chunks| rand::random_range(0..chunks));
        let known = match chunk {
            Some(chunk) => self.proof(content, chunk, nonce).await.map(|hash| (chunk, hash)),
            None => None,
        };
        // A content without chunks has nothing to prove.
        let answer = match (known, chunks) {
            (None, Some(0)) => StoreProof::Given,
            (None, _) => return self.tell(StoreInput::Unchecked { peer, content }),
            (Some((chunk, hash)), _) => {
                match self.ask(peer, StoreRequest::Check { chunk, nonce, content }).await {
                    Ok(StoreResponse::Proof { hash: told }) if told == hash => StoreProof::Given,
                    Ok(_) => StoreProof::Wrong,
                    Err(AskError::Refused(QueryErrorCode::NotFound)) => StoreProof::Denied,
                    Err(AskError::Refused(QueryErrorCode::Busy)) => StoreProof::Busy,
                    Err(_) => StoreProof::Missing,
                }
            }
        };
        if answer == StoreProof::Wrong {
            tracing::warn!(%peer, %content, "a peer says that it keeps a content, and its proof is wrong");
        }
        self.tell(StoreInput::Checked { peer, content, answer });
    }
}

fn is_whole(store: &dyn ChunkStore) -> bool {
    let mut bytes = vec![];
    (0..store.manifest().root().chunks).all(|chunk| {
        store.doubt(chunk);
        store.read(chunk, &mut bytes).is_ok()
    })
}

fn hash_of(store: &Arc<dyn ChunkStore>, chunk: ChunkIndex, nonce: &Hash) -> Option<Hash> {
    let mut bytes = vec![];
    store.read(chunk, &mut bytes).ok()?;
    bytes.splice(..0, *nonce.as_bytes());
    Some(Hash::of(&bytes))
}
