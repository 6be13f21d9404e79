//! What nodes of the store say, byte by byte.

use libp2p_identity::Keypair;

use super::*;
use crate::store::{
    CopyState, MAX_LISTED, Presence, SignedWords, StoreEnd, StoreHello, StoreRecord, StoreRefusal,
    StoreRequest, StoreResponse,
};

const HELLO: &str = r#"
99 02                                           # length of the body: 281
a1                                              # map of 1
65 68 65 6c 6c 6f                               #   key "hello"
a4                                              #     map of 4
64 66 72 65 65                                  #       key "free"
1a 40 00 00 00                                  #         1073741824
67 6d 65 6d 62 65 72 73                         #       key "members"
81                                              #         array of 1
a2                                              #           map of 2
62 69 64                                        #             key "id"
58 26                                           #               byte string of 38
00 24 08 01 12 20 40 41 42 43 44 45 46 47 48 49 #                 the peer id
4a 4b 4c 4d 4e 4f 50 51 52 53 54 55 56 57 58 59 #                 …
5a 5b 5c 5d 5e 5f                               #                 …
69 61 64 64 72 65 73 73 65 73                   #             key "addresses"
82                                              #               array of 2
48                                              #                 byte string of 8
04 c0 00 02 01 06 0f a1                         #                   an address
4b                                              #                 byte string of 11
04 c0 00 02 01 91 02 0f a1 cd 03                #                   an address
67 77 69 6c 6c 69 6e 67                         #       key "willing"
f5                                              #         true
68 70 72 65 73 65 6e 63 65                      #       key "presence"
a5                                              #         map of 5
62 61 74                                        #           key "at"
1b 00 00 01 a3 18 5c 55 dc                      #             1800000001500
63 6b 65 79                                     #           key "key"
58 24                                           #             byte string of 36
08 01 12 20 ea 4a 6c 63 e2 9c 52 0a be f5 50 7b #               the key
13 2e c5 f9 95 47 76 ae be be 7b 92 42 1e ea 69 #               …
14 46 d2 2c                                     #               …
67 73 74 61 72 74 65 64                         #           key "started"
1b 00 00 01 a3 18 5c 50 00                      #             1800000000000
68 69 6e 73 74 61 6e 63 65                      #           key "instance"
19 12 34                                        #             4660
69 73 69 67 6e 61 74 75 72 65                   #           key "signature"
58 40                                           #             byte string of 64
08 2f 30 06 c1 ad 5b f4 18 6e c4 5e 2a 5f d6 95 #               the signature
c4 42 6f a4 c3 70 dc 42 62 66 aa d2 d4 d6 22 7d #               …
92 5f 7e 82 1f 9c 02 a7 65 43 df af de d7 2c 1d #               …
5c a0 55 20 3d 81 a8 07 d3 cd 6e dd 62 a9 3d 02 #               …
"#;

const OFFER: &str = r#"
bd 02                                           # length of the body: 317
a1                                              # map of 1
65 6f 66 66 65 72                               #   key "offer"
a2                                              #     map of 2
66 72 65 63 6f 72 64                            #       key "record"
a8                                              #         map of 8
64 6e 61 6d 65                                  #           key "name"
64 64 65 6d 6f                                  #             "demo"
64 73 69 7a 65                                  #           key "size"
18 1e                                           #             30
65 6f 77 6e 65 72                               #           key "owner"
58 24                                           #             byte string of 36
08 01 12 20 ea 4a 6c 63 e2 9c 52 0a be f5 50 7b #               the key of the owner
13 2e c5 f9 95 47 76 ae be be 7b 92 42 1e ea 69 #               …
14 46 d2 2c                                     #               …
66 63 6f 70 69 65 73                            #           key "copies"
03                                              #             3
66 69 73 73 75 65 64                            #           key "issued"
1a 6b 49 d2 00                                  #             1800000000
67 63 6f 6e 74 65 6e 74                         #           key "content"
58 24                                           #             byte string of 36
01 71 12 20 eb af 48 84 37 e0 9c 0e 7e a0 02 99 #               the content id
a2 a0 29 8b 01 41 06 fb f8 f7 0b cd 6a c3 ed af #               …
6b 2e aa 1b                                     #               …
67 65 78 70 69 72 65 73                         #           key "expires"
1a 6b 71 5f 00                                  #             1802592000
69 73 69 67 6e 61 74 75 72 65                   #           key "signature"
58 40                                           #             byte string of 64
b3 4d 91 ba da 77 fa a2 6d f1 90 fc e2 78 66 a1 #               the signature
07 ba 86 1c 7c 30 c1 4d b8 7c c4 c3 1c 00 4d 79 #               …
fd c7 9a 08 0f fa 3d b2 c7 c0 fa dd fe 2b 9a 95 #               …
73 42 fd 52 e0 b5 b1 0c b6 55 c9 8a cf 66 ba 0a #               …
67 68 6f 6c 64 65 72 73                         #       key "holders"
81                                              #         array of 1
a2                                              #           map of 2
62 69 64                                        #             key "id"
58 26                                           #               byte string of 38
00 24 08 01 12 20 40 41 42 43 44 45 46 47 48 49 #                 the peer id
4a 4b 4c 4d 4e 4f 50 51 52 53 54 55 56 57 58 59 #                 …
5a 5b 5c 5d 5e 5f                               #                 …
69 61 64 64 72 65 73 73 65 73                   #             key "addresses"
82                                              #               array of 2
48                                              #                 byte string of 8
04 c0 00 02 01 06 0f a1                         #                   an address
4b                                              #                 byte string of 11
04 c0 00 02 01 91 02 0f a1 cd 03                #                   an address
"#;

const STATUS: &str = r#"
42                                              # length of the body: 66
a1                                              # map of 1
66 73 74 61 74 75 73                            #   key "status"
a2                                              #     map of 2
65 73 74 61 74 65                               #       key "state"
64 68 65 6c 64                                  #         "held"
67 63 6f 6e 74 65 6e 74                         #       key "content"
58 24                                           #         byte string of 36
01 71 12 20 eb af 48 84 37 e0 9c 0e 7e a0 02 99 #           the content id
a2 a0 29 8b 01 41 06 fb f8 f7 0b cd 6a c3 ed af #           …
6b 2e aa 1b                                     #           …
"#;

const CHECK: &str = r#"
65                                              # length of the body: 101
a1                                              # map of 1
65 63 68 65 63 6b                               #   key "check"
a3                                              #     map of 3
65 63 68 75 6e 6b                               #       key "chunk"
00                                              #         0
65 6e 6f 6e 63 65                               #       key "nonce"
58 20                                           #         byte string of 32
00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f #           the nonce
10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f #           …
67 63 6f 6e 74 65 6e 74                         #       key "content"
58 24                                           #         byte string of 36
01 71 12 20 eb af 48 84 37 e0 9c 0e 7e a0 02 99 #           the content id
a2 a0 29 8b 01 41 06 fb f8 f7 0b cd 6a c3 ed af #           …
6b 2e aa 1b                                     #           …
"#;

const END: &str = r#"
b8 01                                           # length of the body: 184
a1                                              # map of 1
63 65 6e 64                                     #   key "end"
a4                                              #     map of 4
65 6f 77 6e 65 72                               #       key "owner"
58 24                                           #         byte string of 36
08 01 12 20 ea 4a 6c 63 e2 9c 52 0a be f5 50 7b #           the key of the owner
13 2e c5 f9 95 47 76 ae be be 7b 92 42 1e ea 69 #           …
14 46 d2 2c                                     #           …
66 69 73 73 75 65 64                            #       key "issued"
1a 6b 49 d4 58                                  #         1800000600
67 63 6f 6e 74 65 6e 74                         #       key "content"
58 24                                           #         byte string of 36
01 71 12 20 eb af 48 84 37 e0 9c 0e 7e a0 02 99 #           the content id
a2 a0 29 8b 01 41 06 fb f8 f7 0b cd 6a c3 ed af #           …
6b 2e aa 1b                                     #           …
69 73 69 67 6e 61 74 75 72 65                   #       key "signature"
58 40                                           #         byte string of 64
88 06 0a 7b ab 37 49 8e e9 cc 0c 62 35 fa 69 1e #           the signature
49 32 74 f1 bf 0f 58 9b 38 03 16 4e 61 6a 5d 09 #           …
f5 f4 59 8d 89 ad a1 5b f6 fa 1f d3 52 e8 cb fb #           …
9d 02 36 85 79 88 79 f8 a6 05 23 99 28 d9 e6 0c #           …
"#;

const BYE: &str = r#"
06                                              # length of the body: 6
a1                                              # map of 1
63 62 79 65                                     #   key "bye"
a0                                              #     map of 0
"#;

const FIND: &str = r#"
11                                              # length of the body: 17
a1                                              # map of 1
64 66 69 6e 64                                  #   key "find"
a1                                              #     map of 1
64 6e 61 6d 65                                  #       key "name"
64 64 65 6d 6f                                  #         "demo"
"#;

const OK: &str = r#"
05                                              # length of the body: 5
a1                                              # map of 1
62 6f 6b                                        #   key "ok"
a0                                              #     map of 0
"#;

const HELLO_BACK: &str = r#"
ef 02                                           # length of the body: 367
a1                                              # map of 1
65 68 65 6c 6c 6f                               #   key "hello"
a5                                              #     map of 5
64 66 72 65 65                                  #       key "free"
00                                              #         0
65 72 69 76 61 6c                               #       key "rival"
a5                                              #         map of 5
62 61 74                                        #           key "at"
1b 00 00 01 a3 18 5c 55 dc                      #             1800000001500
63 6b 65 79                                     #           key "key"
58 24                                           #             byte string of 36
08 01 12 20 ea 4a 6c 63 e2 9c 52 0a be f5 50 7b #               the key
13 2e c5 f9 95 47 76 ae be be 7b 92 42 1e ea 69 #               …
14 46 d2 2c                                     #               …
67 73 74 61 72 74 65 64                         #           key "started"
1b 00 00 01 a3 18 5c 50 00                      #             1800000000000
68 69 6e 73 74 61 6e 63 65                      #           key "instance"
19 12 34                                        #             4660
69 73 69 67 6e 61 74 75 72 65                   #           key "signature"
58 40                                           #             byte string of 64
08 2f 30 06 c1 ad 5b f4 18 6e c4 5e 2a 5f d6 95 #               the signature
c4 42 6f a4 c3 70 dc 42 62 66 aa d2 d4 d6 22 7d #               …
92 5f 7e 82 1f 9c 02 a7 65 43 df af de d7 2c 1d #               …
5c a0 55 20 3d 81 a8 07 d3 cd 6e dd 62 a9 3d 02 #               …
67 6d 65 6d 62 65 72 73                         #       key "members"
80                                              #         empty array
67 77 69 6c 6c 69 6e 67                         #       key "willing"
f4                                              #         false
68 70 72 65 73 65 6e 63 65                      #       key "presence"
a5                                              #         map of 5
62 61 74                                        #           key "at"
1b 00 00 01 a3 18 5c 55 dc                      #             1800000001500
63 6b 65 79                                     #           key "key"
58 24                                           #             byte string of 36
08 01 12 20 ea 4a 6c 63 e2 9c 52 0a be f5 50 7b #               the key
13 2e c5 f9 95 47 76 ae be be 7b 92 42 1e ea 69 #               …
14 46 d2 2c                                     #               …
67 73 74 61 72 74 65 64                         #           key "started"
1b 00 00 01 a3 18 5c 50 00                      #             1800000000000
68 69 6e 73 74 61 6e 63 65                      #           key "instance"
19 12 34                                        #             4660
69 73 69 67 6e 61 74 75 72 65                   #           key "signature"
58 40                                           #             byte string of 64
08 2f 30 06 c1 ad 5b f4 18 6e c4 5e 2a 5f d6 95 #               the signature
c4 42 6f a4 c3 70 dc 42 62 66 aa d2 d4 d6 22 7d #               …
92 5f 7e 82 1f 9c 02 a7 65 43 df af de d7 2c 1d #               …
5c a0 55 20 3d 81 a8 07 d3 cd 6e dd 62 a9 3d 02 #               …
"#;

const OFFERED: &str = r#"
19                                              # length of the body: 25
a1                                              # map of 1
67 6f 66 66 65 72 65 64                         #   key "offered"
a1                                              #     map of 1
65 73 74 61 74 65                               #       key "state"
68 66 65 74 63 68 69 6e 67                      #         "fetching"
"#;

const OFFERED_ENDED: &str = r#"
d6 01                                           # length of the body: 214
a1                                              # map of 1
67 6f 66 66 65 72 65 64                         #   key "offered"
a3                                              #     map of 3
63 65 6e 64                                     #       key "end"
a4                                              #         map of 4
65 6f 77 6e 65 72                               #           key "owner"
58 24                                           #             byte string of 36
08 01 12 20 ea 4a 6c 63 e2 9c 52 0a be f5 50 7b #               the key of the owner
13 2e c5 f9 95 47 76 ae be be 7b 92 42 1e ea 69 #               …
14 46 d2 2c                                     #               …
66 69 73 73 75 65 64                            #           key "issued"
1a 6b 49 d4 58                                  #             1800000600
67 63 6f 6e 74 65 6e 74                         #           key "content"
58 24                                           #             byte string of 36
01 71 12 20 eb af 48 84 37 e0 9c 0e 7e a0 02 99 #               the content id
a2 a0 29 8b 01 41 06 fb f8 f7 0b cd 6a c3 ed af #               …
6b 2e aa 1b                                     #               …
69 73 69 67 6e 61 74 75 72 65                   #           key "signature"
58 40                                           #             byte string of 64
88 06 0a 7b ab 37 49 8e e9 cc 0c 62 35 fa 69 1e #               the signature
49 32 74 f1 bf 0f 58 9b 38 03 16 4e 61 6a 5d 09 #               …
f5 f4 59 8d 89 ad a1 5b f6 fa 1f d3 52 e8 cb fb #               …
9d 02 36 85 79 88 79 f8 a6 05 23 99 28 d9 e6 0c #               …
63 77 68 79                                     #       key "why"
65 65 6e 64 65 64                               #         "ended"
65 73 74 61 74 65                               #       key "state"
64 6e 6f 6e 65                                  #         "none"
"#;

const STATUS_BACK: &str = r#"
d4 02                                           # length of the body: 340
a1                                              # map of 1
66 73 74 61 74 75 73                            #   key "status"
a4                                              #     map of 4
65 73 74 61 74 65                               #       key "state"
64 68 65 6c 64                                  #         "held"
67 68 6f 6c 64 65 72 73                         #       key "holders"
81                                              #         array of 1
a2                                              #           map of 2
62 69 64                                        #             key "id"
58 26                                           #               byte string of 38
00 24 08 01 12 20 40 41 42 43 44 45 46 47 48 49 #                 the peer id
4a 4b 4c 4d 4e 4f 50 51 52 53 54 55 56 57 58 59 #                 …
5a 5b 5c 5d 5e 5f                               #                 …
69 61 64 64 72 65 73 73 65 73                   #             key "addresses"
82                                              #               array of 2
48                                              #                 byte string of 8
04 c0 00 02 01 06 0f a1                         #                   an address
4b                                              #                 byte string of 11
04 c0 00 02 01 91 02 0f a1 cd 03                #                   an address
67 6e 65 61 72 65 73 74                         #       key "nearest"
80                                              #         empty array
67 72 65 63 6f 72 64 73                         #       key "records"
81                                              #         array of 1
a8                                              #           map of 8
64 6e 61 6d 65                                  #             key "name"
64 64 65 6d 6f                                  #               "demo"
64 73 69 7a 65                                  #             key "size"
18 1e                                           #               30
65 6f 77 6e 65 72                               #             key "owner"
58 24                                           #               byte string of 36
08 01 12 20 ea 4a 6c 63 e2 9c 52 0a be f5 50 7b #                 the key of the owner
13 2e c5 f9 95 47 76 ae be be 7b 92 42 1e ea 69 #                 …
14 46 d2 2c                                     #                 …
66 63 6f 70 69 65 73                            #             key "copies"
03                                              #               3
66 69 73 73 75 65 64                            #             key "issued"
1a 6b 49 d2 00                                  #               1800000000
67 63 6f 6e 74 65 6e 74                         #             key "content"
58 24                                           #               byte string of 36
01 71 12 20 eb af 48 84 37 e0 9c 0e 7e a0 02 99 #                 the content id
a2 a0 29 8b 01 41 06 fb f8 f7 0b cd 6a c3 ed af #                 …
6b 2e aa 1b                                     #                 …
67 65 78 70 69 72 65 73                         #             key "expires"
1a 6b 71 5f 00                                  #               1802592000
69 73 69 67 6e 61 74 75 72 65                   #             key "signature"
58 40                                           #               byte string of 64
b3 4d 91 ba da 77 fa a2 6d f1 90 fc e2 78 66 a1 #                 the signature
07 ba 86 1c 7c 30 c1 4d b8 7c c4 c3 1c 00 4d 79 #                 …
fd c7 9a 08 0f fa 3d b2 c7 c0 fa dd fe 2b 9a 95 #                 …
73 42 fd 52 e0 b5 b1 0c b6 55 c9 8a cf 66 ba 0a #                 …
"#;

const PROOF: &str = r#"
2f                                              # length of the body: 47
a1                                              # map of 1
65 70 72 6f 6f 66                               #   key "proof"
a1                                              #     map of 1
64 68 61 73 68                                  #       key "hash"
58 20                                           #         byte string of 32
c0 86 ed 2e c3 8f 92 1c f5 62 e5 23 e1 2a 2a af #           a SHA-256
15 c1 cf 3d 87 ef b9 6a ba 08 25 b5 c3 3f df 05 #           …
"#;

const FOUND: &str = r#"
ea 01                                           # length of the body: 234
a1                                              # map of 1
65 66 6f 75 6e 64                               #   key "found"
a1                                              #     map of 1
67 72 65 63 6f 72 64 73                         #       key "records"
81                                              #         array of 1
a8                                              #           map of 8
64 6e 61 6d 65                                  #             key "name"
64 64 65 6d 6f                                  #               "demo"
64 73 69 7a 65                                  #             key "size"
18 1e                                           #               30
65 6f 77 6e 65 72                               #             key "owner"
58 24                                           #               byte string of 36
08 01 12 20 ea 4a 6c 63 e2 9c 52 0a be f5 50 7b #                 the key of the owner
13 2e c5 f9 95 47 76 ae be be 7b 92 42 1e ea 69 #                 …
14 46 d2 2c                                     #                 …
66 63 6f 70 69 65 73                            #             key "copies"
03                                              #               3
66 69 73 73 75 65 64                            #             key "issued"
1a 6b 49 d2 00                                  #               1800000000
67 63 6f 6e 74 65 6e 74                         #             key "content"
58 24                                           #               byte string of 36
01 71 12 20 eb af 48 84 37 e0 9c 0e 7e a0 02 99 #                 the content id
a2 a0 29 8b 01 41 06 fb f8 f7 0b cd 6a c3 ed af #                 …
6b 2e aa 1b                                     #                 …
67 65 78 70 69 72 65 73                         #             key "expires"
1a 6b 71 5f 00                                  #               1802592000
69 73 69 67 6e 61 74 75 72 65                   #             key "signature"
58 40                                           #               byte string of 64
b3 4d 91 ba da 77 fa a2 6d f1 90 fc e2 78 66 a1 #                 the signature
07 ba 86 1c 7c 30 c1 4d b8 7c c4 c3 1c 00 4d 79 #                 …
fd c7 9a 08 0f fa 3d b2 c7 c0 fa dd fe 2b 9a 95 #                 …
73 42 fd 52 e0 b5 b1 0c b6 55 c9 8a cf 66 ba 0a #                 …
"#;

const ERROR: &str = r#"
12                                              # length of the body: 18
a1                                              # map of 1
65 65 72 72 6f 72                               #   key "error"
a1                                              #     map of 1
64 63 6f 64 65                                  #       key "code"
64 62 75 73 79                                  #         "busy"
"#;

pub(super) const LISTINGS: [&str; 15] = [
    HELLO,
    OFFER,
    STATUS,
    CHECK,
    END,
    BYE,
    FIND,
    OK,
    HELLO_BACK,
    OFFERED,
    OFFERED_ENDED,
    STATUS_BACK,
    PROOF,
    FOUND,
    ERROR,
];

fn identity() -> Keypair {
    Keypair::ed25519_from_bytes([7; 32]).unwrap()
}

fn record() -> StoreRecord {
    let times = [1_800_000_000, 1_802_592_000].map(std::time::Duration::from_secs);
    StoreRecord::new(&identity(), example_id(), "demo", 30, 3, times).sign(&identity()).unwrap()
}

fn end() -> StoreEnd {
    let owner = identity().public().encode_protobuf();
    let end = StoreEnd { owner, issued: 1_800_000_600, content: example_id(), signature: vec![] };
    end.sign(&identity()).unwrap()
}

fn presence() -> Presence {
    let times = [1_800_000_000_000, 1_800_000_001_500].map(std::time::Duration::from_millis);
    Presence::new(&identity(), 4660, times[0], times[1]).sign(&identity()).unwrap()
}

#[test]
fn requests_of_the_store() {
    let (content, holders) = (example_id(), vec![example_peer()]);
    let hello = StoreHello {
        free: 1 << 30,
        rival: None,
        members: vec![example_peer()],
        willing: true,
        presence: presence(),
    };
    let nonce = Hash::from_bytes(std::array::from_fn(|at| at as u8));
    let all = [
        (StoreRequest::Hello(hello), HELLO),
        (StoreRequest::Offer { record: record(), holders }, OFFER),
        (StoreRequest::Status { state: CopyState::Held, content }, STATUS),
        (StoreRequest::Check { chunk: 0, nonce, content }, CHECK),
        (StoreRequest::End(end()), END),
        (StoreRequest::Bye {}, BYE),
        (StoreRequest::Find { name: "demo".to_owned() }, FIND),
    ];
    for (request, listing) in &all {
        both_ways(request, listing);
    }
}

#[test]
fn responses_of_the_store() {
    let rival = Some(presence());
    let hello = StoreHello { free: 0, rival, members: vec![], willing: false, presence: presence() };
    let ended = Some(StoreRefusal::Ended);
    let status = StoreResponse::Status {
        state: CopyState::Held,
        holders: vec![example_peer()],
        nearest: vec![],
        records: vec![record()],
    };
    let all = [
        (StoreResponse::Ok {}, OK),
        (StoreResponse::Hello(hello), HELLO_BACK),
        (StoreResponse::Offered { end: None, why: None, state: CopyState::Fetching }, OFFERED),
        (StoreResponse::Offered { end: Some(end()), why: ended, state: CopyState::None }, OFFERED_ENDED),
        (status, STATUS_BACK),
        (StoreResponse::Proof { hash: Hash::of(&bytes(CHUNK)) }, PROOF),
        (StoreResponse::Found { records: vec![record()] }, FOUND),
        (StoreResponse::Error { code: QueryErrorCode::Busy }, ERROR),
    ];
    for (response, listing) in &all {
        both_ways(response, listing);
    }
}

#[test]
fn only_words_that_their_author_signed_have_a_signer() {
    let author = identity().public().to_peer_id();
    assert_eq!([record().signer(), end().signer(), presence().signer()], [Some(author); 3]);
    // A changed value, and the signature of other words.
    assert_eq!(StoreRecord { copies: 4, ..record() }.signer(), None);
    assert_eq!(StoreEnd { signature: record().signature, ..end() }.signer(), None);
    let other = Keypair::ed25519_from_bytes([8; 32]).unwrap().public().encode_protobuf();
    assert_eq!(StoreRecord { owner: other, ..record() }.signer(), None);
    assert_eq!(StoreRecord { owner: vec![1, 2], ..record() }.signer(), None);
}

#[test]
fn limits_of_the_store_are_where_the_document_says() {
    let offer = |record| passes(&StoreRequest::Offer { record, holders: vec![] });
    let copies = |copies| offer(StoreRecord { copies, ..record() });
    assert!(copies(1) && copies(16) && !copies(0) && !copies(17));
    assert!(!offer(StoreRecord { expires: record().issued, ..record() }));
    assert!(!offer(StoreRecord { name: "../up".to_owned(), ..record() }));
    assert!(!offer(StoreRecord { owner: vec![0; 65], ..record() }));
    assert!(!offer(StoreRecord { signature: vec![0; 97], ..record() }));
    let listed = |count| {
        let nearest = vec![example_peer(); count];
        passes(&StoreResponse::Status { state: CopyState::None, holders: vec![], nearest, records: vec![] })
    };
    assert!(listed(MAX_LISTED) && !listed(MAX_LISTED + 1));
    let found = |count| passes(&StoreResponse::Found { records: vec![record(); count] });
    assert!(found(16) && !found(17));
    assert!(!passes(&StoreRequest::Find { name: String::new() }));
}
