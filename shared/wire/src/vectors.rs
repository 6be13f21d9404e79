//! Every message byte by byte, in the bytes that any other implementation must make and read; and bytes
//! that it must refuse.
//!
//! Listings are explained in [`shoal_testing`]. Each begins with the length of the frame. `PROTOCOL.md` shows the same bytes; a test here compares them, both ways.

mod asked_on;
mod growth;
mod node;
mod store;

use std::fmt::Debug;

use serde_bytes::ByteBuf;

use super::chunks::{ChunkRefusal, ChunkReply, ChunkRequest};
use super::frame::{self, FrameError, LengthReader, Message};
use super::query::{Load, PeerAddresses, QueryErrorCode, QueryRequest, QueryResponse};
use super::{Capabilities, Have, Window};
use shoal_cbor::CborError;
use shoal_content::ContentId;
use shoal_content::Hash;
use shoal_testing::example::{self, CHUNK, CHUNK_PAGE, ROOT};
use shoal_testing::{assert_canonical, bytes, documented};

const JOIN: &str = r#"
57                                              # length of the body: 87
a1                                              # map of 1
64 6a 6f 69 6e                                  #   key "join"
a3                                              #     map of 3
64 68 61 76 65                                  #       key "have"
a2                                              #         map of 2
63 61 6c 6c                                     #           key "all"
f4                                              #             false
67 77 69 6e 64 6f 77 73                         #           key "windows"
80                                              #             empty array
67 63 6f 6e 74 65 6e 74                         #       key "content"
58 24                                           #         byte string of 36
01 71 12 20                                     #           CIDv1, dag-cbor, sha2-256, 32 bytes
eb af 48 84 37 e0 9c 0e 7e a0 02 99 a2 a0 29 8b #           SHA-256 of the root
01 41 06 fb f8 f7 0b cd 6a c3 ed af 6b 2e aa 1b #           …
6c 63 61 70 61 62 69 6c 69 74 69 65 73          #       key "capabilities"
a0                                              #         map of 0
"#;

const HAVE: &str = r#"
6a                                              # length of the body: 106
a1                                              # map of 1
64 68 61 76 65                                  #   key "have"
a2                                              #     map of 2
64 68 61 76 65                                  #       key "have"
a2                                              #         map of 2
63 61 6c 6c                                     #           key "all"
f4                                              #             false
67 77 69 6e 64 6f 77 73                         #           key "windows"
82                                              #             array of 2
a2                                              #               map of 2
64 62 69 74 73                                  #                 key "bits"
42                                              #                   byte string of 2
01                                              #                     chunk 0
02                                              #                     chunk 9
65 66 69 72 73 74                               #                 key "first"
00                                              #                   0
a2                                              #               map of 2
64 62 69 74 73                                  #                 key "bits"
41                                              #                   byte string of 1
01                                              #                     chunk 800
65 66 69 72 73 74                               #                 key "first"
19 03 20                                        #                   800
67 63 6f 6e 74 65 6e 74                         #       key "content"
58 24                                           #         byte string of 36
01 71 12 20                                     #           CIDv1, dag-cbor, sha2-256, 32 bytes
eb af 48 84 37 e0 9c 0e 7e a0 02 99 a2 a0 29 8b #           SHA-256 of the root
01 41 06 fb f8 f7 0b cd 6a c3 ed af 6b 2e aa 1b #           …
"#;

const LEAVE: &str = r#"
36                                              # length of the body: 54
a1                                              # map of 1
65 6c 65 61 76 65                               #   key "leave"
a1                                              #     map of 1
67 63 6f 6e 74 65 6e 74                         #       key "content"
58 24                                           #         byte string of 36
01 71 12 20                                     #           CIDv1, dag-cbor, sha2-256, 32 bytes
eb af 48 84 37 e0 9c 0e 7e a0 02 99 a2 a0 29 8b #           SHA-256 of the root
01 41 06 fb f8 f7 0b cd 6a c3 ed af 6b 2e aa 1b #           …
"#;

const BLOCK: &str = r#"
5d                                              # length of the body: 93
a1                                              # map of 1
65 62 6c 6f 63 6b                               #   key "block"
a2                                              #     map of 2
64 68 61 73 68                                  #       key "hash"
58 20                                           #         byte string of 32
f0 22 5a 0b 2a b3 dd b1 46 d9 f5 de 15 3e 18 0b #           SHA-256 of chunk page 0
a7 60 d9 06 61 f6 29 35 0b a0 75 e5 79 a6 4d c9 #           …
67 63 6f 6e 74 65 6e 74                         #       key "content"
58 24                                           #         byte string of 36
01 71 12 20                                     #           CIDv1, dag-cbor, sha2-256, 32 bytes
eb af 48 84 37 e0 9c 0e 7e a0 02 99 a2 a0 29 8b #           SHA-256 of the root
01 41 06 fb f8 f7 0b cd 6a c3 ed af 6b 2e aa 1b #           …
"#;

const PEERS: &str = r#"
36                                              # length of the body: 54
a1                                              # map of 1
65 70 65 65 72 73                               #   key "peers"
a1                                              #     map of 1
67 63 6f 6e 74 65 6e 74                         #       key "content"
58 24                                           #         byte string of 36
01 71 12 20                                     #           CIDv1, dag-cbor, sha2-256, 32 bytes
eb af 48 84 37 e0 9c 0e 7e a0 02 99 a2 a0 29 8b #           SHA-256 of the root
01 41 06 fb f8 f7 0b cd 6a c3 ed af 6b 2e aa 1b #           …
"#;

const OK: &str = r#"
21                                              # length of the body: 33
a1                                              # map of 1
62 6f 6b                                        #   key "ok"
a1                                              #     map of 1
64 6c 6f 61 64                                  #       key "load"
a3                                              #         map of 3
64 72 61 74 65                                  #           key "rate"
00                                              #             0
66 61 63 74 69 76 65                            #           key "active"
00                                              #             0
66 71 75 65 75 65 64                            #           key "queued"
00                                              #             0
"#;

const JOINED: &str = r#"
4f                                              # length of the body: 79
a1                                              # map of 1
66 6a 6f 69 6e 65 64                            #   key "joined"
a3                                              #     map of 3
64 68 61 76 65                                  #       key "have"
a2                                              #         map of 2
63 61 6c 6c                                     #           key "all"
f5                                              #             true
67 77 69 6e 64 6f 77 73                         #           key "windows"
80                                              #             empty array
64 6c 6f 61 64                                  #       key "load"
a3                                              #         map of 3
64 72 61 74 65                                  #           key "rate"
1a 00 be bc 20                                  #             12500000, bytes per second
66 61 63 74 69 76 65                            #           key "active"
03                                              #             3, chunks being sent
66 71 75 65 75 65 64                            #           key "queued"
1a 00 60 00 00                                  #             6291456, bytes waiting
6c 63 61 70 61 62 69 6c 69 74 69 65 73          #       key "capabilities"
a0                                              #         map of 0
"#;

const BLOCK_BYTES: &str = r#"
45                                              # length of the body: 69
a1                                              # map of 1
65 62 6c 6f 63 6b                               #   key "block"
a1                                              #     map of 1
65 62 79 74 65 73                               #       key "bytes"
58 35                                           #         byte string of 53
a2 66 68 61 73 68 65 73 58 20 c0 86 ed 2e c3 8f #           the block: chunk page 0
92 1c f5 62 e5 23 e1 2a 2a af 15 c1 cf 3d 87 ef #           …
b9 6a ba 08 25 b5 c3 3f df 05 67 6c 65 6e 67 74 #           …
68 73 81 18 1e                                  #           …
"#;

const PEERS_LIST: &str = r#"
5b                                              # length of the body: 91
a1                                              # map of 1
65 70 65 65 72 73                               #   key "peers"
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

const ERROR_NOT_FOUND: &str = r#"
17                                              # length of the body: 23
a1                                              # map of 1
65 65 72 72 6f 72                               #   key "error"
a1                                              #     map of 1
64 63 6f 64 65                                  #       key "code"
69 6e 6f 74 5f 66 6f 75 6e 64                   #         "not_found"
"#;

const ERROR_BUSY: &str = r#"
12                                              # length of the body: 18
a1                                              # map of 1
65 65 72 72 6f 72                               #   key "error"
a1                                              #     map of 1
64 63 6f 64 65                                  #       key "code"
64 62 75 73 79                                  #         "busy"
"#;

const ERROR_BAD_REQUEST: &str = r#"
19                                              # length of the body: 25
a1                                              # map of 1
65 65 72 72 6f 72                               #   key "error"
a1                                              #     map of 1
64 63 6f 64 65                                  #       key "code"
6b 62 61 64 5f 72 65 71 75 65 73 74             #         "bad_request"
"#;

const GET: &str = r#"
3f                                              # length of the body: 63
a1                                              # map of 1
63 67 65 74                                     #   key "get"
a3                                              #     map of 3
62 69 64                                        #       key "id"
07                                              #         7, chosen by the downloader
65 63 68 75 6e 6b                               #       key "chunk"
00                                              #         0, place in the chunk table
67 63 6f 6e 74 65 6e 74                         #       key "content"
58 24                                           #         byte string of 36
01 71 12 20                                     #           CIDv1, dag-cbor, sha2-256, 32 bytes
eb af 48 84 37 e0 9c 0e 7e a0 02 99 a2 a0 29 8b #           SHA-256 of the root
01 41 06 fb f8 f7 0b cd 6a c3 ed af 6b 2e aa 1b #           …
"#;

const ANY: &str = r#"
38                                              # length of the body: 56
a1                                              # map of 1
63 61 6e 79                                     #   key "any"
a2                                              #     map of 2
62 69 64                                        #       key "id"
07                                              #         7, chosen by the downloader
67 63 6f 6e 74 65 6e 74                         #       key "content"
58 24                                           #         byte string of 36
01 71 12 20                                     #           CIDv1, dag-cbor, sha2-256, 32 bytes
eb af 48 84 37 e0 9c 0e 7e a0 02 99 a2 a0 29 8b #           SHA-256 of the root
01 41 06 fb f8 f7 0b cd 6a c3 ed af 6b 2e aa 1b #           …
"#;

const CANCEL: &str = r#"
0d                                              # length of the body: 13
a1                                              # map of 1
66 63 61 6e 63 65 6c                            #   key "cancel"
a1                                              #     map of 1
62 69 64                                        #       key "id"
07                                              #         7
"#;

const DATA: &str = r#"
20                                              # length of the body: 32
a1                                              # map of 1
64 64 61 74 61                                  #   key "data"
a4                                              #     map of 4
62 69 64                                        #       key "id"
07                                              #         7
63 6c 65 6e                                     #       key "len"
18 1e                                           #         30, raw bytes follow the frame
65 63 68 75 6e 6b                               #       key "chunk"
00                                              #         0, which one
66 71 75 65 75 65 64                            #       key "queued"
00                                              #         0 bytes wait to be sent
"#;

const REFUSED_NOT_FOUND: &str = r#"
1c                                              # length of the body: 28
a1                                              # map of 1
67 72 65 66 75 73 65 64                         #   key "refused"
a2                                              #     map of 2
62 69 64                                        #       key "id"
07                                              #         7
63 77 68 79                                     #       key "why"
69 6e 6f 74 5f 66 6f 75 6e 64                   #         "not_found"
"#;

const REFUSED_BUSY: &str = r#"
17                                              # length of the body: 23
a1                                              # map of 1
67 72 65 66 75 73 65 64                         #   key "refused"
a2                                              #     map of 2
62 69 64                                        #       key "id"
07                                              #         7
63 77 68 79                                     #       key "why"
64 62 75 73 79                                  #         "busy"
"#;

const REFUSED_CHOKED: &str = r#"
19                                              # length of the body: 25
a1                                              # map of 1
67 72 65 66 75 73 65 64                         #   key "refused"
a2                                              #     map of 2
62 69 64                                        #       key "id"
07                                              #         7
63 77 68 79                                     #       key "why"
66 63 68 6f 6b 65 64                            #         "choked"
"#;

const REFUSED_NONE_FRESH: &str = r#"
1d                                              # length of the body: 29
a1                                              # map of 1
67 72 65 66 75 73 65 64                         #   key "refused"
a2                                              #     map of 2
62 69 64                                        #       key "id"
07                                              #         7
63 77 68 79                                     #       key "why"
6a 6e 6f 6e 65 5f 66 72 65 73 68                #         "none_fresh"
"#;

// What must be refused.

const REQUEST_TOO_LONG: &str = r#"
81 80 04                                        # length of the body: 65537
"#;

const RESPONSE_TOO_LONG: &str = r#"
81 80 40                                        # length of the body: 1048577
"#;

const REPLY_TOO_LONG: &str = r#"
81 01                                           # length of the body: 129
"#;

const LENGTH_NOT_MINIMAL: &str = r#"
8d 00                                           # 13, written in two bytes instead of one
"#;

const LENGTH_OF_FOUR_BYTES: &str = r#"
80 80 80 01                                     # 2097152: more than three bytes
"#;

const EMPTY_BODY: &str = r#"
00                                              # length of the body: 0
"#;

const TRUNCATED: &str = r#"
0c                                              # length of the body: 12
a1                                              # map of 1
66 63 61 6e 63 65 6c                            #   key "cancel"
a1                                              #     map of 1
62 69 64                                        #       key "id", and nothing after it
"#;

const TRAILING: &str = r#"
0e                                              # length of the body: 14
a1                                              # map of 1
66 63 61 6e 63 65 6c                            #   key "cancel"
a1                                              #     map of 1
62 69 64                                        #       key "id"
07                                              #         7
00                                              # a byte after the end
"#;

const MISSING_FIELD: &str = r#"
38                                              # length of the body: 56
a1                                              # map of 1
63 67 65 74                                     #   key "get"
a2                                              #     map of 2
62 69 64                                        #       key "id"
07                                              #         7
67 63 6f 6e 74 65 6e 74                         #       key "content"
58 24                                           #         byte string of 36
01 71 12 20                                     #           CIDv1, dag-cbor, sha2-256, 32 bytes
eb af 48 84 37 e0 9c 0e 7e a0 02 99 a2 a0 29 8b #           SHA-256 of the root
01 41 06 fb f8 f7 0b cd 6a c3 ed af 6b 2e aa 1b #           …
"#;

const WINDOW_NOT_ALIGNED: &str = r#"
58                                              # length of the body: 88
a1                                              # map of 1
64 68 61 76 65                                  #   key "have"
a2                                              #     map of 2
64 68 61 76 65                                  #       key "have"
a2                                              #         map of 2
63 61 6c 6c                                     #           key "all"
f4                                              #             false
67 77 69 6e 64 6f 77 73                         #           key "windows"
81                                              #             array of 1
a2                                              #               map of 2
64 62 69 74 73                                  #                 key "bits"
41                                              #                   byte string of 1
01                                              #                     chunk 4
65 66 69 72 73 74                               #                 key "first"
04                                              #                   4, not a multiple of 8
67 63 6f 6e 74 65 6e 74                         #       key "content"
58 24                                           #         byte string of 36
01 71 12 20                                     #           CIDv1, dag-cbor, sha2-256, 32 bytes
eb af 48 84 37 e0 9c 0e 7e a0 02 99 a2 a0 29 8b #           SHA-256 of the root
01 41 06 fb f8 f7 0b cd 6a c3 ed af 6b 2e aa 1b #           …
"#;

const WINDOW_BEYOND_THE_END: &str = r#"
5c                                              # length of the body: 92
a1                                              # map of 1
64 68 61 76 65                                  #   key "have"
a2                                              #     map of 2
64 68 61 76 65                                  #       key "have"
a2                                              #         map of 2
63 61 6c 6c                                     #           key "all"
f4                                              #             false
67 77 69 6e 64 6f 77 73                         #           key "windows"
81                                              #             array of 1
a2                                              #               map of 2
64 62 69 74 73                                  #                 key "bits"
41                                              #                   byte string of 1
01                                              #                     chunk 16777216
65 66 69 72 73 74                               #                 key "first"
1a 01 00 00 00                                  #                   16777216, no content has so many
67 63 6f 6e 74 65 6e 74                         #       key "content"
58 24                                           #         byte string of 36
01 71 12 20                                     #           CIDv1, dag-cbor, sha2-256, 32 bytes
eb af 48 84 37 e0 9c 0e 7e a0 02 99 a2 a0 29 8b #           SHA-256 of the root
01 41 06 fb f8 f7 0b cd 6a c3 ed af 6b 2e aa 1b #           …
"#;

const NO_BYTES: &str = r#"
1f                                              # length of the body: 31
a1                                              # map of 1
64 64 61 74 61                                  #   key "data"
a4                                              #     map of 4
62 69 64                                        #       key "id"
07                                              #         7
63 6c 65 6e                                     #       key "len"
00                                              #         0, a chunk has at least 1 byte
65 63 68 75 6e 6b                               #       key "chunk"
00                                              #         0, which one
66 71 75 65 75 65 64                            #       key "queued"
00                                              #         0 bytes wait to be sent
"#;

const TOO_MANY_BYTES: &str = r#"
23                                              # length of the body: 35
a1                                              # map of 1
64 64 61 74 61                                  #   key "data"
a4                                              #     map of 4
62 69 64                                        #       key "id"
07                                              #         7
63 6c 65 6e                                     #       key "len"
1a 01 00 00 01                                  #         16777217, over 16 MiB
65 63 68 75 6e 6b                               #       key "chunk"
00                                              #         0, which one
66 71 75 65 75 65 64                            #       key "queued"
00                                              #         0 bytes wait to be sent
"#;

const OTHER_CID: &str = r#"
36                                              # length of the body: 54
a1                                              # map of 1
65 6c 65 61 76 65                               #   key "leave"
a1                                              #     map of 1
67 63 6f 6e 74 65 6e 74                         #       key "content"
58 24                                           #         byte string of 36
01 55 12 20                                     #           CIDv1, raw: not a content
eb af 48 84 37 e0 9c 0e 7e a0 02 99 a2 a0 29 8b #           a SHA-256
01 41 06 fb f8 f7 0b cd 6a c3 ed af 6b 2e aa 1b #           …
"#;

/// Every listing of this file.
const LISTINGS: [&str; 34] = [
    JOIN,
    HAVE,
    LEAVE,
    BLOCK,
    PEERS,
    OK,
    JOINED,
    BLOCK_BYTES,
    PEERS_LIST,
    ERROR_NOT_FOUND,
    ERROR_BUSY,
    ERROR_BAD_REQUEST,
    GET,
    ANY,
    CANCEL,
    DATA,
    REFUSED_NOT_FOUND,
    REFUSED_BUSY,
    REFUSED_CHOKED,
    REFUSED_NONE_FRESH,
    REQUEST_TOO_LONG,
    RESPONSE_TOO_LONG,
    REPLY_TOO_LONG,
    LENGTH_NOT_MINIMAL,
    LENGTH_OF_FOUR_BYTES,
    EMPTY_BODY,
    TRUNCATED,
    TRAILING,
    MISSING_FIELD,
    WINDOW_NOT_ALIGNED,
    WINDOW_BEYOND_THE_END,
    NO_BYTES,
    TOO_MANY_BYTES,
    OTHER_CID,
];

/// All of them, also those of other modules.
fn listings() -> impl Iterator<Item = &'static str> {
    LISTINGS
        .into_iter()
        .chain(growth::LISTINGS)
        .chain(node::LISTINGS)
        .chain(asked_on::LISTINGS)
        .chain(store::LISTINGS)
        .chain(crate::tracker::vectors::listings())
}

/// The id of the content that all examples are about.
pub(super) fn example_id() -> ContentId {
    ContentId::from_root_hash(Hash::of(&bytes(ROOT)))
}

/// Reads a frame that is all of `bytes`, as a stream's reader does.
fn read<M: Message>(bytes: &[u8]) -> Result<M, FrameError> {
    let (len, body) = read_length(bytes, M::MAX)?;
    assert_eq!(body.len(), len, "the listing is not one frame");
    frame::decode(body)
}

/// Reads a length; returns it and what follows it.
fn read_length(bytes: &[u8], max: usize) -> Result<(usize, &[u8]), FrameError> {
    let mut reader = LengthReader::default();
    for (at, byte) in bytes.iter().enumerate() {
        if let Some(len) = reader.push(*byte, max)? {
            return Ok((len, &bytes[at + 1..]));
        }
    }
    panic!("the listing ends within a length");
}

/// Checks a message against its bytes, both ways, and that no beginning of them passes for it.
pub(super) fn both_ways<M: Message + PartialEq + Debug>(message: &M, listing: &str) {
    let want = bytes(listing);
    assert_eq!(frame::encode(message).as_ref(), Ok(&want), "{message:?}");
    assert_eq!(read::<M>(&want).as_ref(), Ok(message));
    let (_, body) = read_length(&want, M::MAX).unwrap();
    assert_canonical(body);
    for end in 0..body.len() {
        let cut = frame::decode::<M>(&body[..end]);
        assert!(matches!(cut, Err(FrameError::Cbor(CborError::Malformed(_)))), "cut at {end}: {cut:?}");
    }
}

pub(super) fn refused<M: Message + Debug>(listing: &str) -> FrameError {
    read::<M>(&bytes(listing)).unwrap_err()
}

/// What the CBOR reader says about bytes of the wrong shape.
pub(super) fn malformed<M: Message + Debug>(listing: &str) -> String {
    match refused::<M>(listing) {
        FrameError::Cbor(CborError::Malformed(why)) => why,
        other => panic!("{other:?}"),
    }
}

fn some_chunks() -> Have {
    let windows = vec![Window { bits: vec![1, 2], first: 0 }, Window { bits: vec![1], first: 800 }];
    Have { all: false, windows }
}

#[test]
fn query_requests() {
    let content = example_id();
    let all = [
        QueryRequest::Join { have: Have::default(), content, capabilities: Capabilities::own() },
        QueryRequest::Have { have: some_chunks(), content },
        QueryRequest::Leave { content },
        QueryRequest::Block { hash: Hash::of(&bytes(CHUNK_PAGE)), content },
        QueryRequest::Peers { content },
    ];
    for request in &all {
        let listing = match request {
            QueryRequest::Join { .. } => JOIN,
            QueryRequest::Have { .. } => HAVE,
            QueryRequest::Leave { .. } => LEAVE,
            QueryRequest::Block { .. } => BLOCK,
            QueryRequest::Peers { .. } => PEERS,
            other => unreachable!("among what nodes tell: {other:?}"),
        };
        both_ways(request, listing);
    }
}

/// A peer with two addresses.
fn example_peer() -> PeerAddresses {
    PeerAddresses {
        id: "12D3KooWE9BybvUhbeZCuEqPQrep3R2Dp2w8fPejiP1G8gwhTejQ"
            .parse::<libp2p_identity::PeerId>()
            .unwrap()
            .to_bytes(),
        addresses: ["/ip4/192.0.2.1/tcp/4001", "/ip4/192.0.2.1/udp/4001/quic-v1"]
            .map(|a| ByteBuf::from(a.parse::<multiaddr::Multiaddr>().unwrap().to_vec()))
            .into(),
    }
}

#[test]
fn query_responses() {
    let load = Load { rate: 12_500_000, active: 3, queued: 6 << 20 };
    let all = [
        QueryResponse::Ok { load: Load::default() },
        QueryResponse::Joined { have: Have::all(), load, capabilities: Capabilities::own() },
        QueryResponse::Block { bytes: bytes(CHUNK_PAGE) },
        QueryResponse::Peers { peers: vec![example_peer()] },
        QueryResponse::Error { code: QueryErrorCode::NotFound },
        QueryResponse::Error { code: QueryErrorCode::Busy },
        QueryResponse::Error { code: QueryErrorCode::BadRequest },
    ];
    for response in &all {
        let listing = match response {
            QueryResponse::Ok { .. } => OK,
            QueryResponse::Joined { .. } => JOINED,
            QueryResponse::Block { .. } => BLOCK_BYTES,
            QueryResponse::Peers { .. } => PEERS_LIST,
            QueryResponse::Error { code: QueryErrorCode::NotFound } => ERROR_NOT_FOUND,
            QueryResponse::Error { code: QueryErrorCode::Busy } => ERROR_BUSY,
            QueryResponse::Error { code: QueryErrorCode::BadRequest } => ERROR_BAD_REQUEST,
            QueryResponse::Error { code: QueryErrorCode::Unsupported } => unreachable!("among what grows"),
            other => unreachable!("among what nodes tell: {other:?}"),
        };
        both_ways(response, listing);
    }
}

#[test]
fn chunk_requests() {
    let content = example_id();
    let all = [
        ChunkRequest::Get { id: 7, chunk: 0, content },
        ChunkRequest::Any { id: 7, content },
        ChunkRequest::Cancel { id: 7 },
        ChunkRequest::Have { have: some_chunks(), content },
    ];
    for request in &all {
        let listing = match request {
            ChunkRequest::Get { .. } => GET,
            ChunkRequest::Any { .. } => ANY,
            ChunkRequest::Cancel { .. } => CANCEL,
            ChunkRequest::Have { .. } => HAVE,
        };
        both_ways(request, listing);
    }
}

#[test]
fn chunk_replies() {
    let all = [
        ChunkReply::Data { id: 7, len: bytes(CHUNK).len() as u32, chunk: 0, queued: 0 },
        ChunkReply::Refused { id: 7, why: ChunkRefusal::NotFound },
        ChunkReply::Refused { id: 7, why: ChunkRefusal::Busy },
        ChunkReply::Refused { id: 7, why: ChunkRefusal::Choked },
        ChunkReply::Refused { id: 7, why: ChunkRefusal::NoneFresh },
    ];
    for reply in &all {
        let listing = match reply {
            ChunkReply::Data { .. } => DATA,
            ChunkReply::Refused { why: ChunkRefusal::NotFound, .. } => REFUSED_NOT_FOUND,
            ChunkReply::Refused { why: ChunkRefusal::Busy, .. } => REFUSED_BUSY,
            ChunkReply::Refused { why: ChunkRefusal::Choked, .. } => REFUSED_CHOKED,
            ChunkReply::Refused { why: ChunkRefusal::NoneFresh, .. } => REFUSED_NONE_FRESH,
            ChunkReply::Refused { why: ChunkRefusal::Unsupported, .. } => unreachable!("among what grows"),
        };
        both_ways(reply, listing);
    }
}

/// The example of a have-map is the one that a set of these chunks becomes.
#[test]
fn have_maps_come_from_sets() {
    let mut set = shoal_content::ChunkSet::with_capacity(1000);
    [0, 9, 800].into_iter().for_each(|chunk| set.insert(chunk));
    assert_eq!(Have::of(&set), [some_chunks()]);
    assert_eq!(some_chunks().chunks(1000), Some(set));
}

#[test]
fn lengths_over_the_limit_of_their_kind_are_refused() {
    let too_long = |len, max| FrameError::TooLong { len, max };
    assert_eq!(refused::<QueryRequest>(REQUEST_TOO_LONG), too_long(65_537, 65_536));
    assert_eq!(refused::<QueryResponse>(RESPONSE_TOO_LONG), too_long(1_048_577, 1_048_576));
    assert_eq!(refused::<ChunkRequest>(REQUEST_TOO_LONG), too_long(65_537, 65_536));
    assert_eq!(refused::<ChunkReply>(REPLY_TOO_LONG), too_long(129, 128));
}

#[test]
fn malformed_lengths_are_refused() {
    assert_eq!(refused::<ChunkRequest>(LENGTH_NOT_MINIMAL), FrameError::Length);
    assert_eq!(refused::<QueryResponse>(LENGTH_OF_FOUR_BYTES), FrameError::Length);
}

#[test]
fn bodies_of_another_shape_are_refused() {
    assert!(malformed::<ChunkRequest>(MISSING_FIELD).contains("missing field `chunk`"));
    assert!(malformed::<QueryRequest>(OTHER_CID).contains("of something else"));
    for listing in [EMPTY_BODY, TRUNCATED] {
        malformed::<ChunkRequest>(listing);
    }
    assert_eq!(refused::<ChunkRequest>(TRAILING), FrameError::Cbor(CborError::Trailing));
    // A message of one protocol or direction is none of another.
    assert!(malformed::<QueryResponse>(JOIN).contains("unknown variant"));
    assert!(malformed::<ChunkReply>(CANCEL).contains("unknown variant"));
}

#[test]
fn values_out_of_bounds_are_refused() {
    let value = |error| matches!(error, FrameError::Value(_));
    assert!(value(refused::<QueryRequest>(WINDOW_NOT_ALIGNED)));
    assert!(value(refused::<QueryRequest>(WINDOW_BEYOND_THE_END)));
    assert!(value(refused::<ChunkReply>(NO_BYTES)));
    assert!(value(refused::<ChunkReply>(TOO_MANY_BYTES)));
}

pub(super) fn passes<M: Message>(message: &M) -> bool {
    match frame::encode(message).and_then(|frame| read::<M>(&frame)) {
        Ok(_) => true,
        Err(FrameError::Value(_)) => false,
        Err(other) => panic!("{other:?}"),
    }
}

/// Each limit: its last value passes, the next one does not.
#[test]
fn limits_are_where_the_document_says() {
    let window = |len| Window { bits: vec![0; len], first: 0 };
    let have = |windows| QueryRequest::Have { have: Have { all: false, windows }, content: example_id() };
    assert!(passes(&have(vec![window(32_768)])));
    assert!(!passes(&have(vec![window(32_768), window(1)])));
    assert!(passes(&have(vec![window(1); 1024])));
    assert!(!passes(&have(vec![window(1); 1025])));
    let last = |first| have(vec![Window { bits: vec![0x80], first }]);
    assert!(passes(&last(16_777_208)));
    assert!(!passes(&last(16_777_216)));

    let peers = |count, id, addresses, len| QueryResponse::Peers {
        peers: vec![
            PeerAddresses { id: vec![0; id], addresses: vec![ByteBuf::from(vec![0; len]); addresses] };
            count
        ],
    };
    assert!(passes(&peers(50, 64, 16, 256)));
    for over in [peers(51, 0, 0, 0), peers(1, 65, 0, 0), peers(1, 0, 17, 0), peers(1, 0, 1, 257)] {
        assert!(!passes(&over));
    }

    let data = |len| ChunkReply::Data { id: u64::MAX, len, chunk: u32::MAX, queued: u64::MAX };
    assert!(passes(&data(1)) && passes(&data(16_777_216)));
    assert!(!passes(&data(0)) && !passes(&data(16_777_217)));
}

/// A message has one form.
#[test]
fn unknown_keys_and_other_forms_are_refused() {
    let mut frame = bytes(LEAVE);
    assert!(read::<QueryRequest>(&frame).is_ok());
    frame[0] += 3;
    let map = frame.iter().rposition(|byte| *byte == 0xa1).unwrap();
    frame[map] += 1;
    frame.extend(*b"\x61x\x00");
    assert!(read::<QueryRequest>(&frame).is_err());
    // A bare text before the map of fields, which the library underneath would take for the kind.
    let mut frame = bytes(LEAVE);
    frame[0] -= 1;
    assert_eq!(frame.remove(1), 0xa1);
    assert!(read::<QueryRequest>(&frame).is_err());
}

#[test]
fn the_document_shows_these_bytes_and_no_others() {
    let documented = documented();
    for listing in listings() {
        assert!(documented.contains(&bytes(listing)), "PROTOCOL.md lacks {listing}");
    }
    let known = listings().chain(example::listings()).chain(shoal_testing::kad::listings());
    let known: Vec<_> = known.map(bytes).collect();
    for example in documented {
        assert!(known.contains(&example), "no vector has {example:02x?}");
    }
}
