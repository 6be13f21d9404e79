//! Finding by name, and the map of a swarm, byte by byte.

use super::node::{fits, load_claim};
use super::*;
use crate::query::{FindId, FoundClaim, HoldingClaim, LinkClaim, LinksClaim};

const FIND: &str = r#"
32                                              # length of the body: 50
a1                                              # map of 1
64 66 69 6e 64                                  #   key "find"
a4                                              #     map of 4
62 69 64                                        #       key "id"
50                                              #         byte string of 16
00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f #           drawn at random
64 68 6f 70 73                                  #       key "hops"
03                                              #         3
64 6e 61 6d 65                                  #       key "name"
63 64 65 6d                                     #         "dem"
66 70 72 65 66 69 78                            #       key "prefix"
f5                                              #         true
"#;

const LINKS: &str = r#"
08                                              # length of the body: 8
a1                                              # map of 1
65 6c 69 6e 6b 73                               #   key "links"
a0                                              #     map of 0
"#;

const LINKS_OF_CONTENT: &str = r#"
36                                              # length of the body: 54
a1                                              # map of 1
65 6c 69 6e 6b 73                               #   key "links"
a1                                              #     map of 1
67 63 6f 6e 74 65 6e 74                         #       key "content"
58 24                                           #         byte string of 36
01 71 12 20                                     #           CIDv1, dag-cbor, sha2-256, 32 bytes
eb af 48 84 37 e0 9c 0e 7e a0 02 99 a2 a0 29 8b #           SHA-256 of the root
01 41 06 fb f8 f7 0b cd 6a c3 ed af 6b 2e aa 1b #           …
"#;

const FOUND: &str = r#"
a9 01                                           # length of the body: 169
a1                                              # map of 1
65 66 6f 75 6e 64                               #   key "found"
a1                                              #     map of 1
65 66 6f 75 6e 64                               #       key "found"
81                                              #         array of 1
a5                                              #           map of 5
64 6e 61 6d 65                                  #             key "name"
64 64 65 6d 6f                                  #               "demo"
64 73 69 7a 65                                  #             key "size"
18 1e                                           #               30
65 66 69 6c 65 73                               #             key "files"
04                                              #               4
65 70 65 65 72 73                               #             key "peers"
81                                              #               array of 1
a2                                              #                 map of 2
62 69 64                                        #                   key "id"
58 26                                           #                     byte string of 38
00 24 08 01 12 20                               #                       identity multihash, Ed25519 key
40 41 42 43 44 45 46 47 48 49 4a 4b 4c 4d 4e 4f #                       the public key
50 51 52 53 54 55 56 57 58 59 5a 5b 5c 5d 5e 5f #                       …
69 61 64 64 72 65 73 73 65 73                   #                   key "addresses"
82                                              #                     array of 2
48                                              #                       byte string of 8
04 c0 00 02 01                                  #                         /ip4/192.0.2.1
06 0f a1                                        #                         /tcp/4001
4b                                              #                       byte string of 11
04 c0 00 02 01                                  #                         /ip4/192.0.2.1
91 02 0f a1                                     #                         /udp/4001
cd 03                                           #                         /quic-v1
67 63 6f 6e 74 65 6e 74                         #             key "content"
58 24                                           #               byte string of 36
01 71 12 20                                     #                 CIDv1, dag-cbor, sha2-256, 32 bytes
eb af 48 84 37 e0 9c 0e 7e a0 02 99 a2 a0 29 8b #                 SHA-256 of the root
01 41 06 fb f8 f7 0b cd 6a c3 ed af 6b 2e aa 1b #                 …
"#;

const LINKED: &str = r#"
df 01                                           # length of the body: 223
a1                                              # map of 1
65 6c 69 6e 6b 73                               #   key "links"
a4                                              #     map of 4
64 6c 6f 61 64                                  #       key "load"
a8                                              #         map of 8
65 73 6c 6f 74 73                               #           key "slots"
04                                              #             4
66 61 63 74 69 76 65                            #           key "active"
03                                              #             3
66 71 75 65 75 65 64                            #           key "queued"
1a 00 60 00 00                                  #             6 291 456
67 72 61 74 65 5f 75 70                         #           key "rate_up"
1a 00 be bc 20                                  #             12 500 000
67 77 61 69 74 69 6e 67                         #           key "waiting"
09                                              #             9
68 66 65 74 63 68 69 6e 67                      #           key "fetching"
01                                              #             1
68 6c 69 6d 69 74 5f 75 70                      #           key "limit_up"
1a 01 31 2d 00                                  #             20 000 000
69 72 61 74 65 5f 64 6f 77 6e                   #           key "rate_down"
00                                              #             0
65 63 6f 75 6e 74                               #       key "count"
18 3c                                           #         60
65 68 6f 6c 64 73                               #       key "holds"
a2                                              #         map of 2
64 68 61 76 65                                  #           key "have"
01                                              #             1
66 63 68 75 6e 6b 73                            #           key "chunks"
01                                              #             1
65 6c 69 6e 6b 73                               #       key "links"
81                                              #         array of 1
a2                                              #           map of 2
63 72 74 74                                     #             key "rtt"
19 05 dc                                        #               1 500 µs; the key is left out where none was measured
64 70 65 65 72                                  #             key "peer"
a2                                              #               map of 2
62 69 64                                        #                 key "id"
58 26                                           #                   byte string of 38
00 24 08 01 12 20                               #                     identity multihash, Ed25519 key
40 41 42 43 44 45 46 47 48 49 4a 4b 4c 4d 4e 4f #                     the public key
50 51 52 53 54 55 56 57 58 59 5a 5b 5c 5d 5e 5f #                     …
69 61 64 64 72 65 73 73 65 73                   #                 key "addresses"
82                                              #                   array of 2
48                                              #                     byte string of 8
04 c0 00 02 01                                  #                       /ip4/192.0.2.1
06 0f a1                                        #                       /tcp/4001
4b                                              #                     byte string of 11
04 c0 00 02 01                                  #                       /ip4/192.0.2.1
91 02 0f a1                                     #                       /udp/4001
cd 03                                           #                       /quic-v1
"#;

pub(super) const LISTINGS: [&str; 5] = [FIND, LINKS, LINKS_OF_CONTENT, FOUND, LINKED];

fn find() -> QueryRequest {
    let id = FindId(std::array::from_fn(|n| n as u8));
    QueryRequest::Find { id, hops: 3, name: "dem".to_owned(), prefix: true }
}

fn found_claim() -> FoundClaim {
    FoundClaim {
        name: "demo".to_owned(),
        size: 30,
        files: 4,
        peers: vec![example_peer()],
        content: example_id(),
    }
}

fn linked() -> LinksClaim {
    LinksClaim {
        load: load_claim(),
        count: 60,
        holds: Some(HoldingClaim { have: 1, chunks: 1 }),
        links: vec![LinkClaim { rtt: Some(1500), peer: example_peer() }],
    }
}

#[test]
fn questions_that_go_on() {
    both_ways(&find(), FIND);
    both_ways(&QueryRequest::Links { content: None }, LINKS);
    both_ways(&QueryRequest::Links { content: Some(example_id()) }, LINKS_OF_CONTENT);
}

#[test]
fn answers_to_them() {
    both_ways(&QueryResponse::Found { found: vec![found_claim()] }, FOUND);
    both_ways(&QueryResponse::Links(linked()), LINKED);
}

#[test]
fn a_question_for_a_name_is_bounded() {
    let fits = |hops, len: usize| {
        let id = FindId([0; 16]);
        let request = QueryRequest::Find { id, hops, name: "n".repeat(len), prefix: false };
        let read = frame::decode::<QueryRequest>(&shoal_cbor::encode(&request));
        assert_eq!(frame::encode(&request).is_ok(), read.is_ok());
        read.is_ok()
    };
    assert!(fits(0, 0) && fits(7, 255));
    assert!(!fits(8, 1) && !fits(0, 256));
    // An id of another length.
    let body = bytes(FIND);
    let short = body.iter().position(|byte| *byte == 0x50).unwrap();
    let mut bad = body.clone();
    bad[short] = 0x4f;
    bad.remove(short + 1);
    assert!(frame::decode::<QueryRequest>(&bad[1..]).is_err());
}

#[test]
fn what_is_found_is_bounded() {
    let found = |claims: Vec<FoundClaim>| fits(&QueryResponse::Found { found: claims });
    assert!(found(vec![]) && found(vec![found_claim(); 50]), "the same again costs nobody anything");
    assert!(!found(vec![found_claim(); 51]), "too much");
    assert!(!found(vec![found_claim(); 10_000]), "much too much");
    assert!(found(vec![FoundClaim { peers: vec![example_peer(); 4], ..found_claim() }]));
    for bad in [
        FoundClaim { peers: vec![example_peer(); 5], ..found_claim() },
        FoundClaim { name: "\u{1b}[2J".to_owned(), ..found_claim() },
        FoundClaim { name: "../up".to_owned(), ..found_claim() },
        FoundClaim { name: String::new(), ..found_claim() },
        FoundClaim { name: "n".repeat(256), ..found_claim() },
    ] {
        assert!(!found(vec![bad.clone()]), "{bad:?}");
    }
    // The longest answer that may be is one that can be sent.
    let address = ByteBuf::from(vec![4; 256]);
    let far = PeerAddresses { id: vec![0; 64], addresses: vec![address; 16] };
    let longest = FoundClaim { name: "n".repeat(255), peers: vec![far; 4], size: u64::MAX, ..found_claim() };
    assert!(found(vec![longest; 50]));
}

#[test]
fn links_are_bounded() {
    let links = |claim: LinksClaim| fits(&QueryResponse::Links(claim));
    let link = || linked().links.remove(0);
    assert!(links(LinksClaim { holds: None, count: 0, links: vec![], ..linked() }));
    assert!(links(LinksClaim { links: vec![link(); 50], ..linked() }));
    assert!(!links(LinksClaim { links: vec![link(); 51], ..linked() }), "too many");
    assert!(!links(LinksClaim { count: 0, ..linked() }), "more than it says");
    assert!(!links(LinksClaim { holds: Some(HoldingClaim { have: 2, chunks: 1 }), ..linked() }));
}
