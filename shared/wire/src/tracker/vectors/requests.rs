//! Requests, byte by byte.

pub(in crate::tracker) const SWARM: &str = r#"
36                                              # length of the body: 54
a1                                              # map of 1
65 73 77 61 72 6d                               #   key "swarm"
a1                                              #     map of 1
67 63 6f 6e 74 65 6e 74                         #       key "content"
58 24                                           #         byte string of 36
01 71 12 20                                     #           CIDv1, dag-cbor, sha2-256, 32 bytes
eb af 48 84 37 e0 9c 0e 7e a0 02 99 a2 a0 29 8b #           SHA-256 of the root
01 41 06 fb f8 f7 0b cd 6a c3 ed af 6b 2e aa 1b #           …
"#;

pub(in crate::tracker) const ROLE: &str = r#"
3f                                              # length of the body: 63
a1                                              # map of 1
64 72 6f 6c 65                                  #   key "role"
a2                                              #     map of 2
64 72 6f 6c 65                                  #       key "role"
64 73 65 65 64                                  #         "seed"
67 63 6f 6e 74 65 6e 74                         #       key "content"
58 24                                           #         byte string of 36
01 71 12 20                                     #           CIDv1, dag-cbor, sha2-256, 32 bytes
eb af 48 84 37 e0 9c 0e 7e a0 02 99 a2 a0 29 8b #           SHA-256 of the root
01 41 06 fb f8 f7 0b cd 6a c3 ed af 6b 2e aa 1b #           …
"#;

pub(in crate::tracker) const REPORT: &str = r#"
36                                              # length of the body: 54
a1                                              # map of 1
66 72 65 70 6f 72 74                            #   key "report"
a1                                              #     map of 1
64 70 65 65 72                                  #       key "peer"
58 26                                           #         byte string of 38
00 24 08 01 12 20                               #           identity multihash, Ed25519 key
40 41 42 43 44 45 46 47 48 49 4a 4b 4c 4d 4e 4f #           the public key
50 51 52 53 54 55 56 57 58 59 5a 5b 5c 5d 5e 5f #           …
"#;

pub(in crate::tracker) const PUBLISH: &str = r#"
5a                                              # length of the body: 90
a1                                              # map of 1
67 70 75 62 6c 69 73 68                         #   key "publish"
a1                                              #     map of 1
67 65 6e 74 72 69 65 73                         #       key "entries"
81                                              #         array of 1
a4                                              #           map of 4
64 6e 61 6d 65                                  #             key "name"
64 64 65 6d 6f                                  #               "demo"
64 73 69 7a 65                                  #             key "size"
18 1e                                           #               30, bytes of all files
65 66 69 6c 65 73                               #             key "files"
04                                              #               4, entries
67 63 6f 6e 74 65 6e 74                         #             key "content"
58 24                                           #               byte string of 36
01 71 12 20                                     #                 CIDv1, dag-cbor, sha2-256, 32 bytes
eb af 48 84 37 e0 9c 0e 7e a0 02 99 a2 a0 29 8b #                 SHA-256 of the root
01 41 06 fb f8 f7 0b cd 6a c3 ed af 6b 2e aa 1b #                 …
"#;

pub(in crate::tracker) const WITHDRAW: &str = r#"
3b                                              # length of the body: 59
a1                                              # map of 1
68 77 69 74 68 64 72 61 77                      #   key "withdraw"
a1                                              #     map of 1
68 63 6f 6e 74 65 6e 74 73                      #       key "contents"
81                                              #         array of 1
58 24                                           #           byte string of 36
01 71 12 20                                     #             CIDv1, dag-cbor, sha2-256, 32 bytes
eb af 48 84 37 e0 9c 0e 7e a0 02 99 a2 a0 29 8b #             SHA-256 of the root
01 41 06 fb f8 f7 0b cd 6a c3 ed af 6b 2e aa 1b #             …
"#;

pub(in crate::tracker) const FIND: &str = r#"
22                                              # length of the body: 34
a1                                              # map of 1
64 66 69 6e 64                                  #   key "find"
a3                                              #     map of 3
64 6d 6f 64 65                                  #       key "mode"
66 70 72 65 66 69 78                            #         "prefix"
64 74 65 78 74                                  #       key "text"
62 44 65                                        #         "De"
65 6c 69 6d 69 74                               #       key "limit"
14                                              #         20
"#;

pub(in crate::tracker) const FIND_ON: &str = r#"
40                                              # length of the body: 64
a1                                              # map of 1
64 66 69 6e 64                                  #   key "find"
a4                                              #     map of 4
64 6d 6f 64 65                                  #       key "mode"
69 73 75 62 73 74 72 69 6e 67                   #         "substring"
64 74 65 78 74                                  #       key "text"
62 65 6d                                        #         "em"
65 61 66 74 65 72                               #       key "after"
54                                              #         byte string of 20
a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 aa ab ac ad ae af #           whatever the tracker wrote
64 65 6d 6f                                     #           …
65 6c 69 6d 69 74                               #       key "limit"
00                                              #         0, as many as fit
"#;

pub(in crate::tracker) const PUT: &str = r#"
19                                              # length of the body: 25
a1                                              # map of 1
63 70 75 74                                     #   key "put"
a1                                              #     map of 1
65 62 79 74 65 73                               #       key "bytes"
4c                                              #         byte string of 12
68 65 6c 6c 6f 2c 20 73 68 6f 61 6c             #           "hello, shoal"
"#;

pub(in crate::tracker) const GET: &str = r#"
2b                                              # length of the body: 43
a1                                              # map of 1
63 67 65 74                                     #   key "get"
a1                                              #     map of 1
62 69 64                                        #       key "id"
58 20                                           #         byte string of 32
1f 32 94 03 08 7a 6a 7d 22 dc df ab b4 80 28 79 #           SHA-256 of "hello, shoal"
7b 1b 8e f8 ce 8a aa 2f f3 74 f4 2c a5 47 f3 d2 #           …
"#;

pub(in crate::tracker) const PEERS: &str = r#"
10                                              # length of the body: 16
a1                                              # map of 1
65 70 65 65 72 73                               #   key "peers"
a1                                              #     map of 1
65 6c 69 6d 69 74                               #       key "limit"
18 32                                           #         50
"#;

pub(in crate::tracker) const PEERS_ON: &str = r#"
16                                              # length of the body: 22
a1                                              # map of 1
65 70 65 65 72 73                               #   key "peers"
a2                                              #     map of 2
65 61 66 74 65 72                               #       key "after"
40                                              #         byte string of 0
65 6c 69 6d 69 74                               #       key "limit"
00                                              #         0, as many as fit
"#;

pub(in crate::tracker) const STATS: &str = r#"
08                                              # length of the body: 8
a1                                              # map of 1
65 73 74 61 74 73                               #   key "stats"
a0                                              #     map of 0
"#;

/// Every listing of this file.
pub(in crate::tracker) const LISTINGS: [&str; 12] =
    [SWARM, ROLE, REPORT, PUBLISH, WITHDRAW, FIND, FIND_ON, PUT, GET, PEERS, PEERS_ON, STATS];
