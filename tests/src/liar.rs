//! A provider that breaks the protocol in one chosen way.
//!
//! It answers manifest blocks from a list of raw bytes, so that it can offer manifests that the real code
//! would never build, and serves chunk streams by a [`Script`].

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::{AsyncReadExt, AsyncWriteExt, StreamExt};
use libp2p::identity::Keypair;
use libp2p::request_response;
use libp2p::swarm::SwarmEvent;
use libp2p::{Multiaddr, PeerId, Stream, Swarm};
use shoal_content::{ContentId, Hash, Ticket};
use shoal_net::{read_frame, streams, write_frame};
use shoal_store::{ChunkStore, Source};
use shoal_wire::chunks::{ChunkReply, ChunkRequest};
use shoal_wire::query::{self, MAX_PEERS, PeerAddresses, QueryErrorCode, QueryRequest, QueryResponse};
use shoal_wire::{Capabilities, Have};

use crate::process::LOOPBACK;
use crate::rogue::{RogueBehaviour, RogueBehaviourEvent, swarm};

/// What a liar does with requests for chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Script {
    /// Sends other bytes of the right length.
    WrongBytes,
    /// Sends a chunk that is one byte short.
    WrongLength,
    /// Announces the right length, sends a little, and then nothing.
    Stalls,
    /// Sends a byte now and then.
    Drips,
    /// Closes the stream in the middle of a chunk.
    Vanishes,
    /// Sends data under an id that was not asked for.
    Unasked,
    /// Sends bytes that are no frame.
    Garbage,
    /// Reads requests and answers none.
    Silent,
}

/// What a liar says.
struct Part {
    /// The blocks of the manifest, right or not.
    blocks: HashMap<Hash, Vec<u8>>,
    /// What it does with requests for chunks; without that it takes no streams.
    chunks: Option<(Arc<Source>, Script)>,
    /// Where it says that others are, one after the other.
    elsewhere: Vec<Vec<Multiaddr>>,
}

/// A running liar.
pub struct Liar {
    /// Its peer id.
    pub peer: PeerId,
    /// Its key pair.
    pub key: Keypair,
    /// Where it is, and what it claims to have.
    pub ticket: Ticket,
    /// How many chunks it was asked for.
    pub asked: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Liar {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Starts a liar that claims to have all of an honest content.
pub async fn lie(source: Arc<Source>, script: Script) -> Liar {
    lie_and_tell(source, script, vec![]).await
}

/// As [`lie`]; asked for peers, it makes up as many as it may tell, each time others, each with one of these lists of
/// addresses.
pub async fn lie_and_tell(source: Arc<Source>, script: Script, elsewhere: Vec<Vec<Multiaddr>>) -> Liar {
    let manifest = source.manifest().clone();
    let root = manifest.root();
    let id = manifest.id();
    let hashes = std::iter::once(id.root_hash()).chain(&root.file_pages).chain(&root.chunk_pages);
    let blocks = hashes.map(|hash| (*hash, manifest.block(hash).unwrap())).collect();
    start(id, Part { blocks, chunks: Some((source, script)), elsewhere }).await
}

/// Starts a liar whose manifest consists of these blocks, the root first.
pub async fn lie_about_manifest(blocks: Vec<Vec<u8>>) -> Liar {
    let content = ContentId::from_root_hash(Hash::of(&blocks[0]));
    let blocks = blocks.into_iter().map(|b| (Hash::of(&b), b)).collect();
    start(content, Part { blocks, chunks: None, elsewhere: vec![] }).await
}

/// Starts a liar that answers every question about `content` with the same wrong block.
pub async fn lie_about_blocks(content: ContentId, hashes: Vec<Hash>) -> Liar {
    let blocks = hashes.into_iter().map(|hash| (hash, b"not that block".to_vec())).collect();
    start(content, Part { blocks, chunks: None, elsewhere: vec![] }).await
}

async fn start(content: ContentId, part: Part) -> Liar {
    let key = Keypair::generate_ed25519();
    let mut swarm = swarm(key.clone());
    let peer = *swarm.local_peer_id();
    swarm.listen_on(LOOPBACK.parse().unwrap()).unwrap();
    let address: Multiaddr = loop {
        if let SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await {
            break address.with_p2p(peer).unwrap();
        }
    };
    let asked = Arc::new(AtomicUsize::new(0));
    let task = tokio::spawn(run(swarm, part, asked.clone()));
    Liar { peer, key, ticket: Ticket { content, peers: vec![address], rendezvous: vec![] }, asked, task }
}

async fn run(mut swarm: Swarm<RogueBehaviour>, part: Part, asked: Arc<AtomicUsize>) {
    loop {
        match swarm.select_next_some().await {
            SwarmEvent::Behaviour(RogueBehaviourEvent::Query(request_response::Event::Message {
                message: request_response::Message::Request { request, channel, .. },
                ..
            })) => {
                let unknown = QueryResponse::Error { code: QueryErrorCode::Unsupported };
                let answer = request.map_or(unknown, |request| answer(&part, &request));
                drop(swarm.behaviour_mut().query.send_response(channel, answer));
            }
            SwarmEvent::Behaviour(RogueBehaviourEvent::Streams(streams::Event::Inbound {
                stream, ..
            })) => {
                if let Some((source, script)) = part.chunks.clone() {
                    tokio::spawn(serve(stream, source, script, asked.clone()));
                }
            }
            _ => {}
        }
    }
}

fn answer(part: &Part, request: &QueryRequest) -> QueryResponse {
    let load = query::Load::default();
    match request {
        QueryRequest::Join { .. } => {
            QueryResponse::Joined { have: Have::all(), load, capabilities: Capabilities::own() }
        }
        QueryRequest::Block { hash, .. } => match part.blocks.get(hash) {
            Some(bytes) => QueryResponse::Block { bytes: bytes.clone() },
            None => QueryResponse::Error { code: QueryErrorCode::NotFound },
        },
        QueryRequest::Peers { .. } => QueryResponse::Peers { peers: made_up(&part.elsewhere) },
        QueryRequest::Have { .. } | QueryRequest::Leave { .. } => QueryResponse::Ok { load },
        _ => QueryResponse::Error { code: QueryErrorCode::Unsupported },
    }
}

/// As many peers as an answer may have, which nobody has heard of before, each with one of these lists of addresses.
fn made_up(elsewhere: &[Vec<Multiaddr>]) -> Vec<PeerAddresses> {
    let homes = elsewhere.iter().cycle().take(MAX_PEERS);
    homes.map(|addresses| PeerAddresses::new(PeerId::random(), addresses)).collect()
}

/// Answers one stream by the script; ends when the other side does.
async fn serve(
    mut stream: Stream,
    source: Arc<Source>,
    script: Script,
    asked: Arc<AtomicUsize>,
) -> Option<()> {
    while let Some(request) = read_frame(&mut stream).await.ok()? {
        let asked = asked.fetch_add(usize::from(is_get(&request)), Ordering::SeqCst);
        let (id, chunk) = match request {
            ChunkRequest::Get { id, chunk, .. } => (id, chunk),
            // Whichever comes next.
            ChunkRequest::Any { id, .. } => (id, (asked % source.manifest().chunks().len()) as u32),
            ChunkRequest::Cancel { .. } | ChunkRequest::Have { .. } => continue,
        };
        let queued = 0;
        let mut bytes = Vec::new();
        source.read(chunk, &mut bytes).ok()?;
        let len = bytes.len() as u32;
        match script {
            Script::WrongBytes => {
                bytes[0] ^= 1;
                write_frame(&mut stream, &ChunkReply::Data { id, len, chunk, queued }).await.ok()?;
                stream.write_all(&bytes).await.ok()?;
            }
            Script::WrongLength => {
                write_frame(&mut stream, &ChunkReply::Data { id, len: len - 1, chunk, queued }).await.ok()?;
                stream.write_all(&bytes[1..]).await.ok()?;
            }
            Script::Stalls => {
                write_frame(&mut stream, &ChunkReply::Data { id, len, chunk, queued }).await.ok()?;
                stream.write_all(&bytes[..1000]).await.ok()?;
                stream.flush().await.ok()?;
                return wait_for_the_end(&mut stream).await;
            }
            Script::Drips => {
                write_frame(&mut stream, &ChunkReply::Data { id, len, chunk, queued }).await.ok()?;
                for byte in bytes {
                    stream.write_all(&[byte]).await.ok()?;
                    stream.flush().await.ok()?;
                    // The pace of the drip, not a wait for something.
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            }
            Script::Vanishes => {
                write_frame(&mut stream, &ChunkReply::Data { id, len, chunk, queued }).await.ok()?;
                stream.write_all(&bytes[..bytes.len() / 2]).await.ok()?;
                stream.close().await.ok()?;
                return None;
            }
            Script::Unasked => {
                write_frame(&mut stream, &ChunkReply::Data { id: id + 1000, len, chunk, queued })
                    .await
                    .ok()?;
                stream.write_all(&bytes).await.ok()?;
            }
            Script::Silent => continue,
            Script::Garbage => stream.write_all(&[0xff; 64]).await.ok()?,
        }
        stream.flush().await.ok()?;
    }
    Some(())
}

fn is_get(request: &ChunkRequest) -> bool {
    matches!(request, ChunkRequest::Get { .. } | ChunkRequest::Any { .. })
}

async fn wait_for_the_end(stream: &mut Stream) -> Option<()> {
    let mut byte = [0; 64];
    while stream.read(&mut byte).await.ok()? > 0 {}
    Some(())
}
