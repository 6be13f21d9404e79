//! A peer whose answers are whatever bytes it likes.

use futures::{AsyncReadExt, AsyncWriteExt, StreamExt};
use libp2p::identity::Keypair;
use libp2p::request_response::{self, Message, ProtocolSupport};
use libp2p::swarm::SwarmEvent;
use libp2p::{Multiaddr, PeerId, StreamProtocol, SwarmBuilder};
use serde_bytes::ByteBuf;
use shoal_content::Hash;
use shoal_wire::query::{Load, PROTOCOL, PeerAddresses, QueryResponse};

use super::*;
use crate::{AskError, ContentClaim, QueryErrorCode, RemotePeer};

/// Writes bytes as they are.
#[derive(Clone, Default)]
struct RawCodec;

impl request_response::Codec for RawCodec {
    type Protocol = StreamProtocol;
    type Request = ();
    type Response = Vec<u8>;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> std::io::Result<()>
    where
        T: futures::AsyncRead + Unpin + Send,
    {
        io.read_to_end(&mut Vec::new()).await.map(drop)
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, _: &mut T) -> std::io::Result<Vec<u8>>
    where
        T: futures::AsyncRead + Unpin + Send,
    {
        unreachable!("it asks nothing")
    }

    async fn write_request<T>(&mut self, _: &StreamProtocol, _: &mut T, (): ()) -> std::io::Result<()>
    where
        T: futures::AsyncWrite + Unpin + Send,
    {
        unreachable!("it asks nothing")
    }

    async fn write_response<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        bytes: Vec<u8>,
    ) -> std::io::Result<()>
    where
        T: futures::AsyncWrite + Unpin + Send,
    {
        io.write_all(&bytes).await
    }
}

/// A peer that gives the same answer to everything, whether that is allowed or not.
async fn answering(answer: &QueryResponse) -> Multiaddr {
    let body = shoal_cbor_of(answer);
    let key = Keypair::generate_ed25519();
    let peer = key.public().to_peer_id();
    let behaviour = request_response::Behaviour::with_codec(
        RawCodec,
        [(StreamProtocol::new(PROTOCOL), ProtocolSupport::Full)],
        request_response::Config::default(),
    );
    let mut swarm = SwarmBuilder::with_existing_identity(key)
        .with_tokio()
        .with_other_transport(|key| crate::tcp::transport(key).unwrap())
        .unwrap()
        .with_behaviour(|_| behaviour)
        .unwrap()
        .with_swarm_config(|config| config.with_idle_connection_timeout(DEADLINE))
        .build();
    swarm.listen_on("/ip4/127.0.0.1/tcp/0".parse().unwrap()).unwrap();
    let address = loop {
        if let SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await {
            break address.with_p2p(peer).unwrap();
        }
    };
    tokio::spawn(async move {
        loop {
            let event = swarm.select_next_some().await;
            if let SwarmEvent::Behaviour(request_response::Event::Message {
                message: Message::Request { channel, .. },
                ..
            }) = event
            {
                drop(swarm.behaviour_mut().send_response(channel, body.clone()));
            }
        }
    });
    address
}

/// A frame, without a look at the limits.
fn shoal_cbor_of(answer: &QueryResponse) -> Vec<u8> {
    let body = shoal_cbor::encode(answer);
    let len = body.len();
    assert!(len < 1 << 14);
    let mut frame = if len < 0x80 { vec![len as u8] } else { vec![len as u8 | 0x80, (len >> 7) as u8] };
    frame.extend(body);
    frame
}

async fn asked(answer: QueryResponse) -> RemotePeer {
    node().await.peer(answering(&answer).await)
}

fn peer_at(address: &str) -> PeerAddresses {
    PeerAddresses::new(PeerId::random(), &[address.parse().unwrap()])
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_beyond_the_limits_is_none() {
    for (count, is_one) in [(50, true), (51, false)] {
        let peers = vec![peer_at("/ip4/192.168.0.1/tcp/1"); count];
        let answer = asked(QueryResponse::Neighbours { peers }).await.neighbours().await;
        match answer {
            Ok(peers) if is_one => assert_eq!(peers.len(), 50),
            Err(AskError::Broken(_)) if !is_one => {}
            other => panic!("{count}: {other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_peer_and_what_leads_nowhere_is_left_out_of_a_list() {
    let good = peer_at("/ip4/192.168.0.1/tcp/1");
    let nobody = PeerAddresses { id: vec![1, 2, 3], ..good.clone() };
    let nowhere =
        PeerAddresses { addresses: vec![ByteBuf::from(vec![0xff; 9])], ..peer_at("/ip4/10.0.0.1/tcp/1") };
    let peers = vec![nobody, good.clone(), nowhere];
    let known = asked(QueryResponse::Neighbours { peers }).await.neighbours().await.unwrap();
    assert_eq!(known.iter().map(|known| Some(known.peer)).collect::<Vec<_>>(), [good.peer()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_are_to_no_such_question_are_told_as_that() {
    let content = |n: u8| ContentId::from_root_hash(Hash::of(&[n]));
    let unsupported = asked(QueryResponse::Error { code: QueryErrorCode::Unsupported }).await;
    assert_eq!(unsupported.load().await, Err(AskError::Unsupported));
    assert!(unsupported.ping().await.is_ok(), "an older version's answer takes as long");
    let other = asked(QueryResponse::Ok { load: Load::default() }).await;
    assert_eq!(other.neighbours().await, Err(AskError::WrongAnswer));
    let elsewhere = asked(QueryResponse::Where { has: true, chunk: 6, peers: vec![] }).await;
    assert_eq!(elsewhere.find_chunk(content(0), crate::ChunkRef::Index(5)).await, Err(AskError::WrongAnswer));
    // The same page for ever.
    let claim = ContentClaim { have: 0, name: "n".into(), size: 0, files: 1, chunks: 0, content: content(1) };
    let endless = asked(QueryResponse::Contents { more: true, contents: vec![claim] }).await;
    let page = endless.contents(None).await.unwrap();
    assert_eq!(endless.contents(page.next).await, Err(AskError::WrongAnswer));
}
