//! Responses, byte by byte.

pub(in crate::tracker) const OK: &str = r#"
05                                              # length of the body: 5
a1                                              # map of 1
62 6f 6b                                        #   key "ok"
a0                                              #     map of 0
"#;

pub(in crate::tracker) const SWARM_SIZE: &str = r#"
25                                              # length of the body: 37
a1                                              # map of 1
65 73 77 61 72 6d                               #   key "swarm"
a3                                              #     map of 3
65 73 65 65 64 73                               #       key "seeds"
02                                              #         2
67 75 6e 6b 6e 6f 77 6e                         #       key "unknown"
00                                              #         0
6b 64 6f 77 6e 6c 6f 61 64 65 72 73             #       key "downloaders"
07                                              #         7
"#;

pub(in crate::tracker) const REPORTED: &str = r#"
1b                                              # length of the body: 27
a1                                              # map of 1
68 72 65 70 6f 72 74 65 64                      #   key "reported"
a1                                              #     map of 1
67 76 65 72 64 69 63 74                         #       key "verdict"
67 70 72 6f 62 69 6e 67                         #         "probing"
"#;

pub(in crate::tracker) const REPORTED_LIMITED: &str = r#"
1b                                              # length of the body: 27
a1                                              # map of 1
68 72 65 70 6f 72 74 65 64                      #   key "reported"
a1                                              #     map of 1
67 76 65 72 64 69 63 74                         #       key "verdict"
67 6c 69 6d 69 74 65 64                         #         "limited"
"#;

pub(in crate::tracker) const REPORTED_UNKNOWN: &str = r#"
1b                                              # length of the body: 27
a1                                              # map of 1
68 72 65 70 6f 72 74 65 64                      #   key "reported"
a1                                              #     map of 1
67 76 65 72 64 69 63 74                         #       key "verdict"
67 75 6e 6b 6e 6f 77 6e                         #         "unknown"
"#;

pub(in crate::tracker) const PUBLISHED: &str = r#"
13                                              # length of the body: 19
a1                                              # map of 1
69 70 75 62 6c 69 73 68 65 64                   #   key "published"
a1                                              #     map of 1
63 74 74 6c                                     #       key "ttl"
19 01 2c                                        #         300, seconds
"#;

pub(in crate::tracker) const FOUND: &str = r#"
b5 01                                           # length of the body: 181
a1                                              # map of 1
65 66 6f 75 6e 64                               #   key "found"
a2                                              #     map of 2
64 6e 65 78 74                                  #       key "next"
54                                              #         byte string of 20
a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 aa ab ac ad ae af #           whatever the tracker wrote
64 65 6d 6f                                     #           …
68 63 6f 6e 74 65 6e 74 73                      #       key "contents"
81                                              #         array of 1
a3                                              #           map of 3
65 65 6e 74 72 79                               #             key "entry"
a4                                              #               map of 4
64 6e 61 6d 65                                  #                 key "name"
64 64 65 6d 6f                                  #                   "demo"
64 73 69 7a 65                                  #                 key "size"
18 1e                                           #                   30, bytes of all files
65 66 69 6c 65 73                               #                 key "files"
04                                              #                   4, entries
67 63 6f 6e 74 65 6e 74                         #                 key "content"
58 24                                           #                   byte string of 36
01 71 12 20                                     #                     CIDv1, dag-cbor, sha2-256, 32 bytes
eb af 48 84 37 e0 9c 0e 7e a0 02 99 a2 a0 29 8b #                     SHA-256 of the root
01 41 06 fb f8 f7 0b cd 6a c3 ed af 6b 2e aa 1b #                     …
65 70 65 65 72 73                               #             key "peers"
81                                              #               array of 1
58 26                                           #                 byte string of 38
00 24 08 01 12 20                               #                   identity multihash, Ed25519 key
40 41 42 43 44 45 46 47 48 49 4a 4b 4c 4d 4e 4f #                   the public key
50 51 52 53 54 55 56 57 58 59 5a 5b 5c 5d 5e 5f #                   …
6a 70 75 62 6c 69 73 68 65 72 73                #             key "publishers"
01                                              #               1
"#;

pub(in crate::tracker) const FOUND_NONE: &str = r#"
12                                              # length of the body: 18
a1                                              # map of 1
65 66 6f 75 6e 64                               #   key "found"
a1                                              #     map of 1
68 63 6f 6e 74 65 6e 74 73                      #       key "contents"
80                                              #         empty array
"#;

pub(in crate::tracker) const STORED: &str = r#"
37                                              # length of the body: 55
a1                                              # map of 1
66 73 74 6f 72 65 64                            #   key "stored"
a2                                              #     map of 2
62 69 64                                        #       key "id"
58 20                                           #         byte string of 32
1f 32 94 03 08 7a 6a 7d 22 dc df ab b4 80 28 79 #           SHA-256 of "hello, shoal"
7b 1b 8e f8 ce 8a aa 2f f3 74 f4 2c a5 47 f3 d2 #           …
63 74 74 6c                                     #       key "ttl"
1a 00 01 51 80                                  #         86400, seconds
"#;

pub(in crate::tracker) const PAYLOAD: &str = r#"
1d                                              # length of the body: 29
a1                                              # map of 1
67 70 61 79 6c 6f 61 64                         #   key "payload"
a1                                              #     map of 1
65 62 79 74 65 73                               #       key "bytes"
4c                                              #         byte string of 12
68 65 6c 6c 6f 2c 20 73 68 6f 61 6c             #           "hello, shoal"
"#;

pub(in crate::tracker) const PEERS_LIST: &str = r#"
56                                              # length of the body: 86
a1                                              # map of 1
65 70 65 65 72 73                               #   key "peers"
a2                                              #     map of 2
65 70 65 65 72 73                               #       key "peers"
81                                              #         array of 1
a2                                              #           map of 2
62 69 64                                        #             key "id"
58 26                                           #               byte string of 38
00 24 08 01 12 20                               #                 identity multihash, Ed25519 key
40 41 42 43 44 45 46 47 48 49 4a 4b 4c 4d 4e 4f #                 the public key
50 51 52 53 54 55 56 57 58 59 5a 5b 5c 5d 5e 5f #                 …
69 61 64 64 72 65 73 73 65 73                   #             key "addresses"
81                                              #               array of 1
48                                              #                 byte string of 8
04 c0 00 02 01                                  #                   /ip4/192.0.2.1
06 0f a1                                        #                   /tcp/4001
65 74 6f 74 61 6c                               #       key "total"
01                                              #         1
"#;

pub(in crate::tracker) const STATS_ALL: &str = r#"
a9 03                                           # length of the body: 425
a1                                              # map of 1
65 73 74 61 74 73                               #   key "stats"
a1                                              #     map of 1
65 73 74 61 74 73                               #       key "stats"
a6                                              #         map of 6
66 75 70 74 69 6d 65                            #           key "uptime"
19 0e 10                                        #             3600, seconds
67 63 75 72 72 65 6e 74                         #           key "current"
a6                                              #             map of 6
65 70 65 65 72 73                               #               key "peers"
02                                              #                 2
67 65 6e 74 72 69 65 73                         #               key "entries"
01                                              #                 1
68 70 61 79 6c 6f 61 64 73                      #               key "payloads"
01                                              #                 1
6a 6e 61 6d 65 73 70 61 63 65 73                #               key "namespaces"
01                                              #                 1
6d 70 61 79 6c 6f 61 64 5f 62 79 74 65 73       #               key "payload_bytes"
0c                                              #                 12
6d 72 65 67 69 73 74 72 61 74 69 6f 6e 73       #               key "registrations"
02                                              #                 2
67 76 65 72 73 69 6f 6e                         #           key "version"
65 30 2e 31 2e 30                               #             "0.1.0"
68 72 65 66 75 73 61 6c 73                      #           key "refusals"
a8                                              #             map of 8
64 62 75 73 79                                  #               key "busy"
00                                              #                 0
65 71 75 6f 74 61                               #               key "quota"
00                                              #                 0
67 6c 69 6d 69 74 65 64                         #               key "limited"
00                                              #                 0
69 6e 6f 74 5f 66 6f 75 6e 64                   #               key "not_found"
01                                              #                 1
69 74 6f 6f 5f 6c 61 72 67 65                   #               key "too_large"
00                                              #                 0
6b 62 61 64 5f 72 65 71 75 65 73 74             #               key "bad_request"
00                                              #                 0
6b 75 6e 73 75 70 70 6f 72 74 65 64             #               key "unsupported"
00                                              #                 0
6e 6e 6f 74 5f 72 65 67 69 73 74 65 72 65 64    #               key "not_registered"
01                                              #                 1
68 72 65 67 69 73 74 72 79                      #           key "registry"
ab                                              #             map of 11
64 64 65 61 64                                  #               key "dead"
01                                              #                 1
64 67 6f 6e 65                                  #               key "gone"
00                                              #                 0
66 70 72 6f 62 65 73                            #               key "probes"
01                                              #                 1
67 65 78 70 69 72 65 64                         #               key "expired"
00                                              #                 0
67 72 65 66 75 73 65 64                         #               key "refused"
00                                              #                 0
67 72 65 6e 65 77 65 64                         #               key "renewed"
18 f0                                           #                 240
6a 64 69 73 63 6f 76 65 72 65 64                #               key "discovered"
18 42                                           #                 66
6a 72 65 67 69 73 74 65 72 65 64                #               key "registered"
03                                              #                 3
6c 75 6e 72 65 67 69 73 74 65 72 65 64          #               key "unregistered"
00                                              #                 0
6f 72 65 70 6f 72 74 73 5f 6c 69 6d 69 74 65 64 #               key "reports_limited"
00                                              #                 0
70 64 69 73 63 6f 76 65 72 5f 72 65 66 75 73 65 #               key "discover_refused"
64                                              #               …
00                                              #                 0
68 72 65 71 75 65 73 74 73                      #           key "requests"
aa                                              #             map of 10
63 67 65 74                                     #               key "get"
01                                              #                 1
63 70 75 74                                     #               key "put"
01                                              #                 1
64 66 69 6e 64                                  #               key "find"
03                                              #                 3
64 72 6f 6c 65                                  #               key "role"
02                                              #                 2
65 70 65 65 72 73                               #               key "peers"
00                                              #                 0
65 73 74 61 74 73                               #               key "stats"
01                                              #                 1
65 73 77 61 72 6d                               #               key "swarm"
00                                              #                 0
66 72 65 70 6f 72 74                            #               key "report"
01                                              #                 1
67 70 75 62 6c 69 73 68                         #               key "publish"
18 78                                           #                 120
68 77 69 74 68 64 72 61 77                      #               key "withdraw"
00                                              #                 0
"#;

pub(in crate::tracker) const ERROR_BUSY: &str = r#"
12                                              # length of the body: 18
a1                                              # map of 1
65 65 72 72 6f 72                               #   key "error"
a1                                              #     map of 1
64 63 6f 64 65                                  #       key "code"
64 62 75 73 79                                  #         "busy"
"#;

pub(in crate::tracker) const ERROR_LIMITED: &str = r#"
15                                              # length of the body: 21
a1                                              # map of 1
65 65 72 72 6f 72                               #   key "error"
a1                                              #     map of 1
64 63 6f 64 65                                  #       key "code"
67 6c 69 6d 69 74 65 64                         #         "limited"
"#;

pub(in crate::tracker) const ERROR_QUOTA: &str = r#"
13                                              # length of the body: 19
a1                                              # map of 1
65 65 72 72 6f 72                               #   key "error"
a1                                              #     map of 1
64 63 6f 64 65                                  #       key "code"
65 71 75 6f 74 61                               #         "quota"
"#;

pub(in crate::tracker) const ERROR_TOO_LARGE: &str = r#"
17                                              # length of the body: 23
a1                                              # map of 1
65 65 72 72 6f 72                               #   key "error"
a1                                              #     map of 1
64 63 6f 64 65                                  #       key "code"
69 74 6f 6f 5f 6c 61 72 67 65                   #         "too_large"
"#;

pub(in crate::tracker) const ERROR_NOT_FOUND: &str = r#"
17                                              # length of the body: 23
a1                                              # map of 1
65 65 72 72 6f 72                               #   key "error"
a1                                              #     map of 1
64 63 6f 64 65                                  #       key "code"
69 6e 6f 74 5f 66 6f 75 6e 64                   #         "not_found"
"#;

pub(in crate::tracker) const ERROR_NOT_REGISTERED: &str = r#"
1c                                              # length of the body: 28
a1                                              # map of 1
65 65 72 72 6f 72                               #   key "error"
a1                                              #     map of 1
64 63 6f 64 65                                  #       key "code"
6e 6e 6f 74 5f 72 65 67 69 73 74 65 72 65 64    #         "not_registered"
"#;

pub(in crate::tracker) const ERROR_BAD_REQUEST: &str = r#"
19                                              # length of the body: 25
a1                                              # map of 1
65 65 72 72 6f 72                               #   key "error"
a1                                              #     map of 1
64 63 6f 64 65                                  #       key "code"
6b 62 61 64 5f 72 65 71 75 65 73 74             #         "bad_request"
"#;

/// Every listing of this file.
pub(in crate::tracker) const LISTINGS: [&str; 19] = [
    OK,
    SWARM_SIZE,
    REPORTED,
    REPORTED_LIMITED,
    REPORTED_UNKNOWN,
    PUBLISHED,
    FOUND,
    FOUND_NONE,
    STORED,
    PAYLOAD,
    PEERS_LIST,
    STATS_ALL,
    ERROR_BUSY,
    ERROR_LIMITED,
    ERROR_QUOTA,
    ERROR_TOO_LARGE,
    ERROR_NOT_FOUND,
    ERROR_NOT_REGISTERED,
    ERROR_BAD_REQUEST,
];
