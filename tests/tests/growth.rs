//! Requests of kinds that only a later version knows: they are answered, and nothing else suffers.

use futures::{AsyncReadExt, AsyncWriteExt};
use shoal_content::{Chunker, Hash};
use shoal_net::{read_frame, write_frame};
use shoal_rendezvous::{Settings, TrackerServer};
use shoal_store::ChunkStore;
use shoal_tests::files::{random, write};
use shoal_tests::gate::{provide, source};
use shoal_tests::process::LOOPBACK;
use shoal_tests::stranger::Stranger;
use shoal_tests::within;
use shoal_wire::chunks::{ChunkRefusal, ChunkReply, ChunkRequest};
use shoal_wire::frame;
use shoal_wire::query::{self, QueryErrorCode, QueryResponse};
use shoal_wire::tracker::{self, TrackerErrorCode, TrackerRequest, TrackerResponse};

/// `{"nope": {}}`, a frame.
const UNKNOWN: [u8; 7 + 1] = [7, 0xa1, 0x64, b'n', b'o', b'p', b'e', 0xa0];
/// `{"part": {"id": 9}}`, a frame.
const UNKNOWN_WITH_ID: [u8; 11 + 1] = [11, 0xa1, 0x64, b'p', b'a', b'r', b't', 0xa1, 0x62, b'i', b'd', 9];

fn body(frame: &[u8]) -> &[u8] {
    let length = frame.iter().take_while(|byte| **byte >= 0x80).count() + 1;
    &frame[length..]
}

async fn asked(address: &str) -> QueryResponse {
    let mut stranger = Stranger::connect(address, query::PROTOCOL).await;
    let answer = stranger.ask(UNKNOWN.to_vec()).await;
    frame::decode(body(&answer)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_answers_questions_that_it_does_not_know() {
    let scratch = tempfile::tempdir().unwrap();
    let from = scratch.path().join("set");
    write(&from.join("file"), random(200 << 10, 1));
    let provider = provide(std::sync::Arc::new(source(&from, Chunker::Fixed { size: 64 << 10 }))).await;
    let address = provider.ticket.peers[0].to_string();
    assert_eq!(asked(&address).await, QueryResponse::Error { code: QueryErrorCode::Unsupported });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunk_stream_goes_on_after_a_request_that_nobody_knows() {
    let scratch = tempfile::tempdir().unwrap();
    let from = scratch.path().join("set");
    write(&from.join("file"), random(200 << 10, 1));
    let source = std::sync::Arc::new(source(&from, Chunker::Fixed { size: 64 << 10 }));
    let manifest = source.manifest().clone();
    let provider = provide(source).await;
    let address = provider.ticket.peers[0].to_string();
    let mut stream = Stranger::connect(&address, query::PROTOCOL).await.open_stream().await;
    stream.write_all(&UNKNOWN).await.unwrap();
    stream.write_all(&UNKNOWN_WITH_ID).await.unwrap();
    stream.flush().await.unwrap();
    let refused = within("a refusal", read_frame(&mut stream)).await.unwrap();
    assert_eq!(
        refused,
        Some(ChunkReply::Refused { id: 9, why: ChunkRefusal::Unsupported }),
        "and nothing before it"
    );
    let get = ChunkRequest::Get { id: 1, chunk: 0, content: manifest.id() };
    write_frame(&mut stream, &get).await.unwrap();
    stream.flush().await.unwrap();
    match within("a chunk", read_frame(&mut stream)).await.unwrap() {
        Some(ChunkReply::Data { id: 1, len, chunk: 0, .. }) => {
            let mut bytes = vec![0; len as usize];
            stream.read_exact(&mut bytes).await.unwrap();
            assert_eq!(Hash::of(&bytes), manifest.chunks()[0].hash);
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tracker_answers_questions_that_it_does_not_know() {
    let settings = Settings { listen: vec![LOOPBACK.parse().unwrap()], ..Settings::default() };
    let key = libp2p::identity::Keypair::generate_ed25519();
    let running = TrackerServer::start(key, settings).await.unwrap();
    let address = running.addresses()[0].to_string();
    let mut stranger = Stranger::connect(&address, tracker::PROTOCOL).await;
    let answer = stranger.ask(UNKNOWN.to_vec()).await;
    let unsupported = TrackerResponse::Error { code: TrackerErrorCode::Unsupported };
    assert_eq!(frame::decode::<TrackerResponse>(body(&answer)), Ok(unsupported));
    let stats = stranger.ask(frame::encode(&TrackerRequest::Stats {}).unwrap()).await;
    match frame::decode(body(&stats)).unwrap() {
        TrackerResponse::Stats { stats } => assert_eq!(stats.refusals.unsupported, 1),
        other => panic!("{other:?}"),
    }
}
