//! What nodes tell of themselves, byte by byte.

use super::*;
use crate::query::{ChunkRef, ContentClaim, CountersClaim, LoadClaim};

const PING: &str = r#"
07                                              # length of the body: 7
a1                                              # map of 1
64 70 69 6e 67                                  #   key "ping"
a0                                              #     map of 0
"#;

const LOAD: &str = r#"
07                                              # length of the body: 7
a1                                              # map of 1
64 6c 6f 61 64                                  #   key "load"
a0                                              #     map of 0
"#;

const COUNTERS: &str = r#"
0b                                              # length of the body: 11
a1                                              # map of 1
68 63 6f 75 6e 74 65 72 73                      #   key "counters"
a0                                              #     map of 0
"#;

const COUNTERS_OF_CONTENT: &str = r#"
39                                              # length of the body: 57
a1                                              # map of 1
68 63 6f 75 6e 74 65 72 73                      #   key "counters"
a1                                              #     map of 1
67 63 6f 6e 74 65 6e 74                         #       key "content"
58 24                                           #         byte string of 36
01 71 12 20                                     #           CIDv1, dag-cbor, sha2-256, 32 bytes
eb af 48 84 37 e0 9c 0e 7e a0 02 99 a2 a0 29 8b #           SHA-256 of the root
01 41 06 fb f8 f7 0b cd 6a c3 ed af 6b 2e aa 1b #           …
"#;

const WHERE_BY_INDEX: &str = r#"
44                                              # length of the body: 68
a1                                              # map of 1
65 77 68 65 72 65                               #   key "where"
a2                                              #     map of 2
65 63 68 75 6e 6b                               #       key "chunk"
a1                                              #         map of 1
65 69 6e 64 65 78                               #           key "index"
00                                              #             0
67 63 6f 6e 74 65 6e 74                         #       key "content"
58 24                                           #         byte string of 36
01 71 12 20                                     #           CIDv1, dag-cbor, sha2-256, 32 bytes
eb af 48 84 37 e0 9c 0e 7e a0 02 99 a2 a0 29 8b #           SHA-256 of the root
01 41 06 fb f8 f7 0b cd 6a c3 ed af 6b 2e aa 1b #           …
"#;

const WHERE_BY_HASH: &str = r#"
64                                              # length of the body: 100
a1                                              # map of 1
65 77 68 65 72 65                               #   key "where"
a2                                              #     map of 2
65 63 68 75 6e 6b                               #       key "chunk"
a1                                              #         map of 1
64 68 61 73 68                                  #           key "hash"
58 20                                           #             byte string of 32
c0 86 ed 2e c3 8f 92 1c f5 62 e5 23 e1 2a 2a af #               SHA-256 of the chunk
15 c1 cf 3d 87 ef b9 6a ba 08 25 b5 c3 3f df 05 #               …
67 63 6f 6e 74 65 6e 74                         #       key "content"
58 24                                           #         byte string of 36
01 71 12 20                                     #           CIDv1, dag-cbor, sha2-256, 32 bytes
eb af 48 84 37 e0 9c 0e 7e a0 02 99 a2 a0 29 8b #           SHA-256 of the root
01 41 06 fb f8 f7 0b cd 6a c3 ed af 6b 2e aa 1b #           …
"#;

const NEIGHBOURS: &str = r#"
0d                                              # length of the body: 13
a1                                              # map of 1
6a 6e 65 69 67 68 62 6f 75 72 73                #   key "neighbours"
a0                                              #     map of 0
"#;

const CONTENTS: &str = r#"
0b                                              # length of the body: 11
a1                                              # map of 1
68 63 6f 6e 74 65 6e 74 73                      #   key "contents"
a0                                              #     map of 0
"#;

const CONTENTS_AFTER: &str = r#"
37                                              # length of the body: 55
a1                                              # map of 1
68 63 6f 6e 74 65 6e 74 73                      #   key "contents"
a1                                              #     map of 1
65 61 66 74 65 72                               #       key "after"
58 24                                           #         byte string of 36
01 71 12 20                                     #           CIDv1, dag-cbor, sha2-256, 32 bytes
eb af 48 84 37 e0 9c 0e 7e a0 02 99 a2 a0 29 8b #           SHA-256 of the root
01 41 06 fb f8 f7 0b cd 6a c3 ed af 6b 2e aa 1b #           …
"#;

const LOAD_CLAIM: &str = r#"
5b                                              # length of the body: 91
a1                                              # map of 1
64 6c 6f 61 64                                  #   key "load"
a8                                              #     map of 8
65 73 6c 6f 74 73                               #       key "slots"
04                                              #         4
66 61 63 74 69 76 65                            #       key "active"
03                                              #         3
66 71 75 65 75 65 64                            #       key "queued"
1a 00 60 00 00                                  #         6 291 456
67 72 61 74 65 5f 75 70                         #       key "rate_up"
1a 00 be bc 20                                  #         12 500 000
67 77 61 69 74 69 6e 67                         #       key "waiting"
09                                              #         9
68 66 65 74 63 68 69 6e 67                      #       key "fetching"
01                                              #         1
68 6c 69 6d 69 74 5f 75 70                      #       key "limit_up"
1a 01 31 2d 00                                  #         20 000 000; the key is left out without a limit
69 72 61 74 65 5f 64 6f 77 6e                   #       key "rate_down"
00                                              #         0
"#;

const COUNTERS_CLAIM: &str = r#"
8c 01                                           # length of the body: 140
a1                                              # map of 1
68 63 6f 75 6e 74 65 72 73                      #   key "counters"
ab                                              #     map of 11
64 73 65 6e 74                                  #       key "sent"
1a 00 4c 4b 40                                  #         5 000 000
66 74 6f 5f 79 6f 75                            #       key "to_you"
19 4e 20                                        #         20 000
66 75 70 74 69 6d 65                            #       key "uptime"
19 0e 10                                        #         3 600
67 63 6f 72 72 75 70 74                         #       key "corrupt"
01                                              #         1
67 72 65 66 75 73 65 64                         #       key "refused"
02                                              #         2
68 66 72 6f 6d 5f 79 6f 75                      #       key "from_you"
00                                              #         0
68 72 65 63 65 69 76 65 64                      #       key "received"
1a 00 0f 42 40                                  #         1 000 000
69 64 75 70 6c 69 63 61 74 65                   #       key "duplicate"
19 10 00                                        #         4 096
6b 63 68 75 6e 6b 73 5f 73 65 6e 74             #       key "chunks_sent"
18 50                                           #         80
6b 63 6f 6e 6e 65 63 74 69 6f 6e 73             #       key "connections"
07                                              #         7
6f 63 68 75 6e 6b 73 5f 72 65 63 65 69 76 65 64 #       key "chunks_received"
10                                              #         16
"#;

const COUNTERS_CLAIM_OF_CONTENT: &str = r#"
61                                              # length of the body: 97
a1                                              # map of 1
68 63 6f 75 6e 74 65 72 73                      #   key "counters"
a8                                              #     map of 8
64 73 65 6e 74                                  #       key "sent"
18 5f                                           #         95
66 74 6f 5f 79 6f 75                            #       key "to_you"
18 5f                                           #         95
67 63 6f 72 72 75 70 74                         #       key "corrupt"
00                                              #         0
68 66 72 6f 6d 5f 79 6f 75                      #       key "from_you"
00                                              #         0
68 72 65 63 65 69 76 65 64                      #       key "received"
00                                              #         0
69 64 75 70 6c 69 63 61 74 65                   #       key "duplicate"
00                                              #         0
6b 63 68 75 6e 6b 73 5f 73 65 6e 74             #       key "chunks_sent"
01                                              #         1
6f 63 68 75 6e 6b 73 5f 72 65 63 65 69 76 65 64 #       key "chunks_received"
00                                              #         0
"#;

const WHERE_ANSWER: &str = r#"
67                                              # length of the body: 103
a1                                              # map of 1
65 77 68 65 72 65                               #   key "where"
a3                                              #     map of 3
63 68 61 73                                     #       key "has"
f5                                              #         true
65 63 68 75 6e 6b                               #       key "chunk"
00                                              #         0
65 70 65 65 72 73                               #       key "peers"
81                                              #         array of 1
a2                                              #           map of 2
62 69 64                                        #             key "id"
58 26                                           #               byte string of 38
00 24 08 01 12 20                               #                 identity multihash, Ed25519 key
40 41 42 43 44 45 46 47 48 49 4a 4b 4c 4d 4e 4f #                 the public key
50 51 52 53 54 55 56 57 58 59 5a 5b 5c 5d 5e 5f #                 …
69 61 64 64 72 65 73 73 65 73                   #             key "addresses"
82                                              #               array of 2
48                                              #                 byte string of 8
04 c0 00 02 01                                  #                   /ip4/192.0.2.1
06 0f a1                                        #                   /tcp/4001
4b                                              #                 byte string of 11
04 c0 00 02 01                                  #                   /ip4/192.0.2.1
91 02 0f a1                                     #                   /udp/4001
cd 03                                           #                   /quic-v1
"#;

const NEIGHBOURS_LIST: &str = r#"
60                                              # length of the body: 96
a1                                              # map of 1
6a 6e 65 69 67 68 62 6f 75 72 73                #   key "neighbours"
a1                                              #     map of 1
65 70 65 65 72 73                               #       key "peers"
81                                              #         array of 1
a2                                              #           map of 2
62 69 64                                        #             key "id"
58 26                                           #               byte string of 38
00 24 08 01 12 20                               #                 identity multihash, Ed25519 key
40 41 42 43 44 45 46 47 48 49 4a 4b 4c 4d 4e 4f #                 the public key
50 51 52 53 54 55 56 57 58 59 5a 5b 5c 5d 5e 5f #                 …
69 61 64 64 72 65 73 73 65 73                   #             key "addresses"
82                                              #               array of 2
48                                              #                 byte string of 8
04 c0 00 02 01                                  #                   /ip4/192.0.2.1
06 0f a1                                        #                   /tcp/4001
4b                                              #                 byte string of 11
04 c0 00 02 01                                  #                   /ip4/192.0.2.1
91 02 0f a1                                     #                   /udp/4001
cd 03                                           #                   /quic-v1
"#;

const CONTENTS_LIST: &str = r#"
70                                              # length of the body: 112
a1                                              # map of 1
68 63 6f 6e 74 65 6e 74 73                      #   key "contents"
a2                                              #     map of 2
64 6d 6f 72 65                                  #       key "more"
f4                                              #         false
68 63 6f 6e 74 65 6e 74 73                      #       key "contents"
81                                              #         array of 1
a6                                              #           map of 6
64 68 61 76 65                                  #             key "have"
01                                              #               1
64 6e 61 6d 65                                  #             key "name"
64 64 65 6d 6f                                  #               "demo"
64 73 69 7a 65                                  #             key "size"
18 1e                                           #               30
65 66 69 6c 65 73                               #             key "files"
04                                              #               4
66 63 68 75 6e 6b 73                            #             key "chunks"
01                                              #               1
67 63 6f 6e 74 65 6e 74                         #             key "content"
58 24                                           #               byte string of 36
01 71 12 20                                     #                 CIDv1, dag-cbor, sha2-256, 32 bytes
eb af 48 84 37 e0 9c 0e 7e a0 02 99 a2 a0 29 8b #                 SHA-256 of the root
01 41 06 fb f8 f7 0b cd 6a c3 ed af 6b 2e aa 1b #                 …
"#;

pub(super) const LISTINGS: [&str; 15] = [
    PING,
    LOAD,
    COUNTERS,
    COUNTERS_OF_CONTENT,
    WHERE_BY_INDEX,
    WHERE_BY_HASH,
    NEIGHBOURS,
    CONTENTS,
    CONTENTS_AFTER,
    LOAD_CLAIM,
    COUNTERS_CLAIM,
    COUNTERS_CLAIM_OF_CONTENT,
    WHERE_ANSWER,
    NEIGHBOURS_LIST,
    CONTENTS_LIST,
];

#[test]
fn questions_to_a_node() {
    let (content, hash) = (example_id(), Hash::of(&bytes(CHUNK)));
    let all = [
        (QueryRequest::Ping {}, PING),
        (QueryRequest::Load {}, LOAD),
        (QueryRequest::Counters { content: None }, COUNTERS),
        (QueryRequest::Counters { content: Some(content) }, COUNTERS_OF_CONTENT),
        (QueryRequest::Where { chunk: ChunkRef::Index(0), content }, WHERE_BY_INDEX),
        (QueryRequest::Where { chunk: ChunkRef::Hash(hash), content }, WHERE_BY_HASH),
        (QueryRequest::Neighbours {}, NEIGHBOURS),
        (QueryRequest::Contents { after: None }, CONTENTS),
        (QueryRequest::Contents { after: Some(content) }, CONTENTS_AFTER),
    ];
    for (request, listing) in &all {
        both_ways(request, listing);
    }
}

pub(super) fn load_claim() -> LoadClaim {
    LoadClaim {
        slots: 4,
        active: 3,
        queued: 6 << 20,
        rate_up: 12_500_000,
        waiting: 9,
        fetching: 1,
        limit_up: Some(20_000_000),
        rate_down: 0,
        limit_down: None,
    }
}

fn counters_claim() -> CountersClaim {
    CountersClaim {
        sent: 5_000_000,
        to_you: 20_000,
        uptime: Some(3600),
        corrupt: 1,
        refused: Some(2),
        from_you: 0,
        received: 1_000_000,
        duplicate: 4096,
        chunks_sent: 80,
        connections: Some(7),
        chunks_received: 16,
    }
}

fn content_claim() -> ContentClaim {
    ContentClaim { have: 1, name: "demo".to_owned(), size: 30, files: 4, chunks: 1, content: example_id() }
}

#[test]
fn answers_of_a_node() {
    let of_content = CountersClaim { sent: 95, to_you: 95, chunks_sent: 1, ..CountersClaim::default() };
    let all = [
        (QueryResponse::Load(load_claim()), LOAD_CLAIM),
        (QueryResponse::Counters(counters_claim()), COUNTERS_CLAIM),
        (QueryResponse::Counters(of_content), COUNTERS_CLAIM_OF_CONTENT),
        (QueryResponse::Where { has: true, chunk: 0, peers: vec![example_peer()] }, WHERE_ANSWER),
        (QueryResponse::Neighbours { peers: vec![example_peer()] }, NEIGHBOURS_LIST),
        (QueryResponse::Contents { more: false, contents: vec![content_claim()] }, CONTENTS_LIST),
    ];
    for (response, listing) in &all {
        both_ways(response, listing);
    }
}

/// Whether an answer is within its limits, for who writes it and who reads it.
pub(super) fn fits(answer: &QueryResponse) -> bool {
    let written = frame::encode(answer);
    let read = frame::decode::<QueryResponse>(&shoal_cbor::encode(answer));
    assert_eq!(written.is_ok(), read.is_ok(), "{written:?}");
    read.is_ok()
}

#[test]
fn lists_of_peers_are_bounded() {
    for count in [50, 51] {
        let peers = vec![example_peer(); count];
        assert_eq!(fits(&QueryResponse::Neighbours { peers: peers.clone() }), count == 50);
        assert_eq!(fits(&QueryResponse::Where { has: false, chunk: 7, peers }), count == 50);
    }
}

#[test]
fn pages_of_contents_are_bounded_and_come_to_an_end() {
    let claims = |count: u8| -> Vec<ContentClaim> {
        let mut claims: Vec<_> = (0..count)
            .map(|n| ContentClaim { content: ContentId::from_root_hash(Hash::of(&[n])), ..content_claim() })
            .collect();
        claims.sort_by_key(|claim| claim.content);
        claims
    };
    let page = |more, contents| fits(&QueryResponse::Contents { more, contents });
    assert!(page(false, vec![]) && page(true, claims(1)) && page(true, claims(100)));
    assert!(!page(false, claims(101)), "too many");
    assert!(!page(true, vec![]), "nothing to go on behind");
    assert!(!page(false, vec![content_claim(), content_claim()]), "the same again");
    assert!(!page(false, claims(2).into_iter().rev().collect()), "out of order");
    let longest = ContentClaim { name: "n".repeat(255), ..content_claim() };
    assert!(page(false, vec![longest]));
    for bad in [
        ContentClaim { name: "n".repeat(256), ..content_claim() },
        ContentClaim { name: "../up".to_owned(), ..content_claim() },
        ContentClaim { name: "\u{1b}[2J".to_owned(), ..content_claim() },
        ContentClaim { have: 2, ..content_claim() },
    ] {
        assert!(!page(false, vec![bad.clone()]), "{bad:?}");
    }
}

/// What a reader of any version makes of a frame must not depend on its being written twice in other words.
#[test]
fn what_is_left_out_is_left_out() {
    let null = |listing: &str, key: &str| {
        let mut bytes = bytes(listing);
        let at = bytes.windows(key.len()).position(|it| it == key.as_bytes()).unwrap() + key.len();
        // In place of the value: null.
        bytes.splice(at.., [0xf6]);
        bytes
    };
    let body = null(CONTENTS_AFTER, "after");
    assert!(frame::decode::<QueryRequest>(&body[1..]).is_err());
}
