//! The phase in which the manifest is fetched.

use std::sync::Arc;
use std::time::Duration;

use libp2p::PeerId;
use shoal_content::{Hash, Manifest};
use shoal_engine::{BlockFailure, ManifestFetchOutput};
use shoal_wire::query::{ErrorCode, Request, Response};

use super::super::control::QueryError;
use super::opening::Opening;
use super::run::{Job, JobEvent, Stage};
use super::{Event, Failure, Finished};
use shoal_store::TargetOptions;

/// A block that does not come in this time is asked of somebody else.
const BLOCK_TIMEOUT: Duration = Duration::from_secs(6);

impl Job {
    pub(super) fn drain_manifest_fetch(&mut self) {
        while let Stage::Manifest(fetch) = &mut self.stage {
            let Some(output) = fetch.poll_output() else { return };
            match output {
                ManifestFetchOutput::Request { peer, hash } => {
                    let control = self.shared.control.clone();
                    let request = Request::Block { hash, content: self.content };
                    self.tasks.spawn(async move {
                        let answer = tokio::time::timeout(BLOCK_TIMEOUT, control.query(peer, request)).await;
                        let result = match answer {
                            Ok(Ok(Response::Block { bytes })) => Ok(bytes),
                            Ok(Ok(_)) => Err(QueryError::WrongKind),
                            Ok(Err(error)) => Err(error),
                            Err(_) => Err(QueryError::Failed("no answer in time".into())),
                        };
                        JobEvent::Block { peer, hash, result }
                    });
                }
                ManifestFetchOutput::Ban { peer } => {
                    self.tell(Event::BadPeer { peer, chunk: None });
                    self.part_with(peer, true);
                }
                ManifestFetchOutput::Done(manifest) => self.manifest_done(Arc::new(*manifest)),
                ManifestFetchOutput::Bad(error) => self.fail(error.into()),
            }
        }
    }

    pub(super) fn on_block(
        &mut self,
        now: Duration,
        peer: PeerId,
        hash: Hash,
        result: Result<Vec<u8>, QueryError>,
    ) {
        let Stage::Manifest(fetch) = &mut self.stage else { return };
        match result {
            Ok(bytes) => {
                self.alone_since = now;
                fetch.block(now, peer, hash, &bytes);
            }
            Err(QueryError::Refused(ErrorCode::NotFound)) => {
                fetch.failed(now, peer, hash, BlockFailure::NotFound);
            }
            Err(error) => {
                tracing::debug!(%peer, %error, "manifest block not received");
                fetch.failed(now, peer, hash, BlockFailure::Other);
            }
        }
    }

    pub(super) fn learn_manifest(&mut self, manifest: Arc<Manifest>) {
        self.neighbours.set_chunks(manifest.geometry().chunks() as usize);
        let root = manifest.root();
        self.snapshot.name = Some(root.name.to_string());
        self.snapshot.size = root.size;
        self.tell(Event::Manifest { name: root.name.to_string(), size: root.size, files: root.files });
        self.manifest = Some(manifest);
    }

    pub(super) fn manifest_done(&mut self, manifest: Arc<Manifest>) {
        self.learn_manifest(manifest.clone());
        self.stage = Stage::Opening(Opening::default());
        let Some(get) = &self.get else {
            let finished = Finished { path: std::path::PathBuf::new(), already_there: false, manifest };
            return self.finished(Ok(finished));
        };
        let selection = match (get.select)(&manifest) {
            Ok(selection) => selection,
            Err(why) => return self.fail(Failure::Selection(why)),
        };
        let options = TargetOptions { dir: get.dir.clone(), force: get.force, selection };
        let (opening, open) = Opening::begin(manifest, options);
        self.stage = Stage::Opening(opening);
        self.tasks.spawn_blocking(move || JobEvent::Opened(open().map(Arc::new)));
    }
}
