//! The manifest, then the chunks.

use std::sync::Arc;
use std::time::Duration;

use shoal_content::{ChunkIndex, ChunkSet, Hash};

use super::announcing::Announcing;
use super::neighbours::Link;
use super::{GiveUp, Member, MemberOutput, Offence, Phase, StoreEvent, StreamEvent};
use crate::PeerName;
use crate::download::{Download, DropReason, Input, Output};
use crate::manifest_fetch::{BlockFailure, ManifestFetchOutput};

/// How long to wait before a peer is sought again that stalled.
const STALLED_FOR: Duration = Duration::from_secs(10);

impl<P: PeerName> Member<P> {
    pub(super) fn on_block(
        &mut self,
        now: Duration,
        peer: P,
        hash: Hash,
        block: Result<Vec<u8>, BlockFailure>,
    ) {
        let Phase::Manifest(fetch) = &mut self.phase else { return };
        match block {
            Ok(bytes) => {
                self.patience.refresh(now);
                if let Some(neighbour) = self.neighbours.get_mut(&peer) {
                    neighbour.worth_at = now;
                }
                fetch.block(now, peer, hash, &bytes);
            }
            Err(why) => fetch.failed(now, peer, hash, why),
        }
    }

    /// Does what the fetch of the manifest, or the download, says.
    pub(super) fn drain_fetches(&mut self, now: Duration) {
        while let Phase::Manifest(fetch) = &mut self.phase {
            let Some(output) = fetch.poll_output() else { break };
            match output {
                ManifestFetchOutput::Request { peer, hash } => {
                    self.outputs.push_back(MemberOutput::FetchBlock { peer, hash })
                }
                ManifestFetchOutput::Ban { peer } => self.ban(now, peer, Offence::Block),
                ManifestFetchOutput::Done(manifest) => {
                    self.phase = Phase::Opening;
                    self.outputs.push_back(MemberOutput::Manifest(Arc::new(*manifest)));
                }
                ManifestFetchOutput::Bad(error) => self.give_up(GiveUp::Manifest(error)),
            }
        }
        while let Phase::Downloading(download, _) = &mut self.phase {
            let Some(output) = download.poll_output() else { break };
            self.on_download(now, output);
        }
    }

    fn on_download(&mut self, now: Duration, output: Output<P>) {
        match output {
            Output::Request { peer, id, chunk } => {
                self.outputs.push_back(MemberOutput::Request { peer, id, chunk: Some(chunk) });
            }
            Output::RequestAny { peer, id } => {
                self.outputs.push_back(MemberOutput::Request { peer, id, chunk: None });
            }
            Output::Cancel { peer, id } => self.outputs.push_back(MemberOutput::Cancel { peer, id }),
            // It has proven once that it is no mere liar, and may have nothing else that is wrong.
            Output::Drop { peer, reason: DropReason::Corrupt(chunk) }
                if self.offenders.was_suspended(&peer) =>
            {
                self.suspend(now, peer, chunk);
            }
            Output::Drop { peer, reason: DropReason::Corrupt(chunk) } => {
                self.ban(now, peer, Offence::Chunk(chunk));
            }
            Output::Drop { peer, reason: DropReason::Rotten(chunk) } => self.suspend(now, peer, chunk),
            Output::Drop { peer, reason: DropReason::Stalled } => self.disconnect(now, peer, STALLED_FOR),
            Output::Complete => self.complete(now),
        }
    }

    fn complete(&mut self, now: Duration) {
        self.announce_if_due(now);
        self.phase = Phase::Complete;
        self.fulfilment.found_complete(now);
        self.outputs.push_back(MemberOutput::Complete);
        let peers: Vec<P> = self.neighbours().collect();
        for peer in peers {
            if let Some(neighbour) = self.neighbours.get_mut(&peer)
                && neighbour.has_stream()
            {
                neighbour.link = Link::Joined;
                self.outputs.push_back(MemberOutput::CloseStream { peer });
                self.tell_what_is_owed(peer);
            }
        }
    }

    pub(super) fn on_store(&mut self, now: Duration, event: StoreEvent) {
        match (event, &mut self.phase) {
            (StoreEvent::Opened { lengths, wanted, stored, servable }, Phase::Opening) => {
                self.opened(now, lengths, wanted, stored, servable);
            }
            (StoreEvent::Blocked, Phase::Downloading(download, _)) => {
                download.handle(now, Input::Pause);
            }
            (StoreEvent::Unblocked, Phase::Downloading(download, _)) => {
                download.handle(now, Input::Resume);
            }
            _ => {}
        }
    }

    fn opened(
        &mut self,
        now: Duration,
        lengths: Arc<[u32]>,
        wanted: ChunkSet,
        stored: ChunkSet,
        servable: ChunkSet,
    ) {
        let to_come = wanted.difference(&stored).map(|chunk| u64::from(lengths[chunk])).sum();
        let config = self.config.download.with_topology(self.config.topology);
        let announcing = Announcing::new(lengths.len(), to_come, self.config.announce_after);
        self.neighbours.set_chunks(lengths.len());
        self.set_have(servable);
        let rng = self.fork();
        let download = Download::new(config, lengths, wanted, &stored, rng);
        self.phase = Phase::Downloading(Box::new(download), announcing);
        self.neighbours.look_again(now);
        self.patience.refresh(now);
    }

    fn fork(&mut self) -> crate::SeededRng {
        use rand::{RngExt, SeedableRng};
        crate::SeededRng::seed_from_u64(self.rng.random())
    }

    pub(super) fn on_stream(&mut self, now: Duration, peer: P, event: StreamEvent) {
        if !matches!(self.phase, Phase::Downloading(..)) {
            return;
        }
        let input = match event {
            StreamEvent::Opened => return self.stream_opened(now, peer),
            StreamEvent::Failed => return self.fails(now, peer),
            StreamEvent::Lost => return self.stream_lost(now, peer),
            StreamEvent::Progress { bytes } => Input::Progress { peer, bytes },
            StreamEvent::Begun { id, chunk, queued } => Input::Begun { peer, id, chunk, queued },
            StreamEvent::Corrupt { id, chunk } => Input::Corrupt { peer, id, chunk },
            StreamEvent::Refused { id, why } => Input::Refused { peer, id, why },
            StreamEvent::Stored { id, chunk, servable } => {
                self.stored(now, chunk, &servable);
                Input::Stored { peer, id, chunk }
            }
        };
        if let Phase::Downloading(download, _) = &mut self.phase {
            download.handle(now, input);
        }
    }

    fn stored(&mut self, now: Duration, chunk: ChunkIndex, servable: &[ChunkIndex]) {
        let Phase::Downloading(download, announcing) = &mut self.phase else { return };
        let exists = |chunk: &usize| *chunk < self.have.len();
        let news = servable.iter().map(|c| *c as usize).filter(exists).filter(|c| !self.have.contains(*c));
        let news: Vec<usize> = news.collect();
        announcing.stored(now, download.length(chunk), news.iter().copied());
        news.into_iter().for_each(|chunk| self.have.insert(chunk));
    }

    fn stream_opened(&mut self, now: Duration, peer: P) {
        let Phase::Downloading(download, _) = &mut self.phase else { return };
        let Some(neighbour) = self.neighbours.get_mut(&peer) else { return };
        neighbour.link = Link::Ready;
        let (rtt, load) = (neighbour.rtt, neighbour.load);
        let chunks = neighbour.have.clone().into();
        download.handle(now, Input::PeerUp { peer, rtt });
        download.handle(now, Input::Load { peer, load });
        download.handle(now, Input::Have { peer, chunks });
        self.tell_what_is_owed(peer);
    }

    /// Starts over with this peer, a little later.
    fn stream_lost(&mut self, now: Duration, peer: P) {
        let Phase::Downloading(download, _) = &mut self.phase else { return };
        download.handle(now, Input::PeerDown { peer });
        self.fails(now, peer);
    }
}
