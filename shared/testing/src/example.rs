//! The bytes of the example content: a folder and a single file, their manifests, an id and a ticket.

/// The folder that all examples are about: `bin/run` (executable), `empty` (a folder), `hello.txt`, and
/// `latest` (a link to it). Its two files make one chunk.
pub const ROOT: &str = r#"
a9                                              # map of 9
61 76                                           #   key "v"
01                                              #     1, version
64 6e 61 6d 65                                  #   key "name"
64 64 65 6d 6f                                  #     "demo"
64 73 69 7a 65                                  #   key "size"
18 1e                                           #     30, bytes of all files
65 66 69 6c 65 73                               #   key "files"
04                                              #     4, entries
65 73 68 61 70 65                               #   key "shape"
66 66 6f 6c 64 65 72                            #     "folder"
66 63 68 75 6e 6b 73                            #   key "chunks"
01                                              #     1, chunks
67 63 68 75 6e 6b 65 72                         #   key "chunker"
a1                                              #     map of 1
67 66 61 73 74 63 64 63                         #       key "fastcdc"
a3                                              #         map of 3
63 61 76 67                                     #           key "avg"
1a 00 10 00 00                                  #             1048576
63 6d 61 78                                     #           key "max"
1a 00 40 00 00                                  #             4194304
63 6d 69 6e                                     #           key "min"
1a 00 08 00 00                                  #             524288
6a 66 69 6c 65 5f 70 61 67 65 73                #   key "file_pages"
81                                              #     array of 1
58 20                                           #       byte string of 32
13 d6 ef c2 d2 67 97 33 80 8c 04 fc bd 4d fe bf #         SHA-256 of file page 0
35 04 8d 0e 9d 42 4d 9a d3 55 af 50 c3 61 75 dc #         …
6b 63 68 75 6e 6b 5f 70 61 67 65 73             #   key "chunk_pages"
81                                              #     array of 1
58 20                                           #       byte string of 32
f0 22 5a 0b 2a b3 dd b1 46 d9 f5 de 15 3e 18 0b #         SHA-256 of chunk page 0
a7 60 d9 06 61 f6 29 35 0b a0 75 e5 79 a6 4d c9 #         …
"#;

/// The folder's only page of entries.
pub const FILE_PAGE: &str = r#"
84                                              # array of 4
a3                                              #   map of 3
64 70 61 74 68                                  #     key "path"
67 62 69 6e 2f 72 75 6e                         #       "bin/run"
64 73 69 7a 65                                  #     key "size"
11                                              #       17
64 74 79 70 65                                  #     key "type"
64 65 78 65 63                                  #       "exec"
a3                                              #   map of 3
64 70 61 74 68                                  #     key "path"
65 65 6d 70 74 79                               #       "empty"
64 73 69 7a 65                                  #     key "size"
00                                              #       0
64 74 79 70 65                                  #     key "type"
63 64 69 72                                     #       "dir"
a3                                              #   map of 3
64 70 61 74 68                                  #     key "path"
69 68 65 6c 6c 6f 2e 74 78 74                   #       "hello.txt"
64 73 69 7a 65                                  #     key "size"
0d                                              #       13
64 74 79 70 65                                  #     key "type"
64 66 69 6c 65                                  #       "file"
a4                                              #   map of 4
64 70 61 74 68                                  #     key "path"
66 6c 61 74 65 73 74                            #       "latest"
64 73 69 7a 65                                  #     key "size"
00                                              #       0
64 74 79 70 65                                  #     key "type"
64 6c 69 6e 6b                                  #       "link"
66 74 61 72 67 65 74                            #     key "target"
69 68 65 6c 6c 6f 2e 74 78 74                   #       "hello.txt"
"#;

/// The folder's only page of chunks.
pub const CHUNK_PAGE: &str = r#"
a2                                              # map of 2
66 68 61 73 68 65 73                            #   key "hashes"
58 20                                           #     byte string of 32
c0 86 ed 2e c3 8f 92 1c f5 62 e5 23 e1 2a 2a af #       SHA-256 of chunk 0
15 c1 cf 3d 87 ef b9 6a ba 08 25 b5 c3 3f df 05 #       …
67 6c 65 6e 67 74 68 73                         #   key "lengths"
81                                              #     array of 1
18 1e                                           #       30, bytes of chunk 0
"#;

/// The folder's only chunk.
pub const CHUNK: &str = r#"
23 21 2f 62 69 6e 2f 73 68 0a 65 78 69 74 20 30 # bin/run, 17 bytes
0a                                              # …
68 65 6c 6c 6f 2c 20 73 68 6f 61 6c 0a          # hello.txt, 13 bytes
"#;

/// The folder's id in CBOR.
pub const CONTENT_ID: &str = r#"
58 24                                           # byte string of 36
01 71 12 20                                     #   CIDv1, dag-cbor, sha2-256, 32 bytes
eb af 48 84 37 e0 9c 0e 7e a0 02 99 a2 a0 29 8b #   SHA-256 of the root
01 41 06 fb f8 f7 0b cd 6a c3 ed af 6b 2e aa 1b #   …
"#;

/// The folder's id as text.
pub const CONTENT_ID_TEXT: &str = "bafyreihlv5eiin7atqhh5iactgrkakmlafaqn67y64f422wd5wxwwlvkdm";
/// The CID of the folder's chunk, as text.
pub const CHUNK_CID_TEXT: &str = "bafkreigaq3ws5q4psiopkyxfepqsukvpcxa46pmh564wvoqiew24gp67au";

/// A single file, the folder's `hello.txt`: it has a parent and chunks of fixed length.
pub const SINGLE_ROOT: &str = r#"
aa                                              # map of 10
61 76                                           #   key "v"
01                                              #     1, version
64 6e 61 6d 65                                  #   key "name"
69 68 65 6c 6c 6f 2e 74 78 74                   #     "hello.txt"
64 73 69 7a 65                                  #   key "size"
0d                                              #     13
65 66 69 6c 65 73                               #   key "files"
01                                              #     1
65 73 68 61 70 65                               #   key "shape"
64 66 69 6c 65                                  #     "file"
66 63 68 75 6e 6b 73                            #   key "chunks"
01                                              #     1
66 70 61 72 65 6e 74                            #   key "parent"
58 24                                           #     byte string of 36
01 71 12 20                                     #       CIDv1, dag-cbor, sha2-256, 32 bytes
eb af 48 84 37 e0 9c 0e 7e a0 02 99 a2 a0 29 8b #       SHA-256 of the root of the parent
01 41 06 fb f8 f7 0b cd 6a c3 ed af 6b 2e aa 1b #       …
67 63 68 75 6e 6b 65 72                         #   key "chunker"
a1                                              #     map of 1
65 66 69 78 65 64                               #       key "fixed"
a1                                              #         map of 1
64 73 69 7a 65                                  #           key "size"
1a 00 01 00 00                                  #             65536, bytes
6a 66 69 6c 65 5f 70 61 67 65 73                #   key "file_pages"
81                                              #     array of 1
58 20                                           #       byte string of 32
6c aa 93 cc 16 12 ac c0 96 7c 76 4d 06 eb 16 12 #         SHA-256 of file page 0
6b 68 2d 24 9a 56 59 79 dc b8 3a 7b b6 0a 04 36 #         …
6b 63 68 75 6e 6b 5f 70 61 67 65 73             #   key "chunk_pages"
81                                              #     array of 1
58 20                                           #       byte string of 32
4a 71 1f fc e4 84 42 2a 1f e8 7e 70 30 4f d1 7b #         SHA-256 of chunk page 0
9b 6f 6b 4a cf 71 b8 3a a9 78 d1 42 f0 41 cd db #         …
"#;

/// The single file's only page of entries.
pub const SINGLE_FILE_PAGE: &str = r#"
81                                              # array of 1
a3                                              #   map of 3
64 70 61 74 68                                  #     key "path"
69 68 65 6c 6c 6f 2e 74 78 74                   #       "hello.txt"
64 73 69 7a 65                                  #     key "size"
0d                                              #       13
64 74 79 70 65                                  #     key "type"
64 66 69 6c 65                                  #       "file"
"#;

/// The single file's only page of chunks.
pub const SINGLE_CHUNK_PAGE: &str = r#"
a2                                              # map of 2
66 68 61 73 68 65 73                            #   key "hashes"
58 20                                           #     byte string of 32
0d fd 40 16 7f 62 02 52 fb a1 be 44 93 2c e6 d2 #       SHA-256 of chunk 0
25 cf ad 6c e5 02 1c 43 ef db 74 d9 b4 9a 04 40 #       …
67 6c 65 6e 67 74 68 73                         #   key "lengths"
81                                              #     array of 1
0d                                              #       13
"#;

/// The single file's id as text.
pub const SINGLE_ID_TEXT: &str = "bafyreidfnxdjkbtiducyrx54et3wmvqaqtcy2ss7shhs7xmgi6x7tq5yvm";

/// A folder that only its owner may read: a folder and a file in it that are private too, and one that is not.
pub const PRIVATE_ROOT: &str = r#"
aa                                              # map of 10
61 76                                           #   key "v"
01                                              #     1, version
64 6e 61 6d 65                                  #   key "name"
65 76 61 75 6c 74                               #     "vault"
64 73 69 7a 65                                  #   key "size"
14                                              #     20
65 66 69 6c 65 73                               #   key "files"
03                                              #     3, entries
65 73 68 61 70 65                               #   key "shape"
66 66 6f 6c 64 65 72                            #     "folder"
66 63 68 75 6e 6b 73                            #   key "chunks"
01                                              #     1
67 63 68 75 6e 6b 65 72                         #   key "chunker"
a1                                              #     map of 1
65 66 69 78 65 64                               #       key "fixed"
a1                                              #         map of 1
64 73 69 7a 65                                  #           key "size"
1a 00 01 00 00                                  #             65536, bytes
67 70 72 69 76 61 74 65                         #   key "private"
f5                                              #     true
6a 66 69 6c 65 5f 70 61 67 65 73                #   key "file_pages"
81                                              #     array of 1
58 20                                           #       byte string of 32
27 7f 9f d3 8c 82 7b 4c 9c d4 98 42 54 92 e6 22 #         SHA-256 of file page 0
84 d7 17 2b 8a 7f 2e 61 a2 64 78 36 07 86 bd b0 #         …
6b 63 68 75 6e 6b 5f 70 61 67 65 73             #   key "chunk_pages"
81                                              #     array of 1
58 20                                           #       byte string of 32
ce 8a f6 be 46 ef 80 d8 61 9e 2b 6b 6b 42 81 8b #         SHA-256 of chunk page 0
59 a4 bd d9 35 e5 ec 37 30 68 78 2f a3 78 4f 5a #         …
"#;

/// Its only page of entries.
pub const PRIVATE_FILE_PAGE: &str = r#"
83                                              # array of 3
a4                                              #   map of 4
64 70 61 74 68                                  #     key "path"
64 68 6f 73 74                                  #       "host"
64 73 69 7a 65                                  #     key "size"
00                                              #       0
64 74 79 70 65                                  #     key "type"
63 64 69 72                                     #       "dir"
67 70 72 69 76 61 74 65                         #     key "private"
f5                                              #       true
a4                                              #   map of 4
64 70 61 74 68                                  #     key "path"
67 68 6f 73 74 2f 69 64                         #       "host/id"
64 73 69 7a 65                                  #     key "size"
07                                              #       7
64 74 79 70 65                                  #     key "type"
64 66 69 6c 65                                  #       "file"
67 70 72 69 76 61 74 65                         #     key "private"
f5                                              #       true
a3                                              #   map of 3
64 70 61 74 68                                  #     key "path"
66 72 65 61 64 6d 65                            #       "readme"
64 73 69 7a 65                                  #     key "size"
0d                                              #       13
64 74 79 70 65                                  #     key "type"
64 66 69 6c 65                                  #       "file"
"#;

/// Its only page of chunks.
pub const PRIVATE_CHUNK_PAGE: &str = r#"
a2                                              # map of 2
66 68 61 73 68 65 73                            #   key "hashes"
58 20                                           #     byte string of 32
c5 a8 bb 18 5e 05 8e f2 40 ff b5 4a e5 94 2d c2 #       SHA-256 of chunk 0
4f 7e fb 40 a4 79 cb 74 1f 46 68 96 73 51 33 3e #       …
67 6c 65 6e 67 74 68 73                         #   key "lengths"
81                                              #     array of 1
14                                              #       20
"#;
/// Its content id.
pub const PRIVATE_ID_TEXT: &str = "bafyreihppyrmtipj6xy3sekxhr7f7zjwerhchehtrdbv443lguatky4ggu";

/// A ticket for the folder, before it is text.
pub const TICKET: &str = r#"
a3                                              # map of 3
62 69 64                                        #   key "id"
58 24                                           #     byte string of 36
01 71 12 20                                     #       CIDv1, dag-cbor, sha2-256, 32 bytes
eb af 48 84 37 e0 9c 0e 7e a0 02 99 a2 a0 29 8b #       SHA-256 of the root
01 41 06 fb f8 f7 0b cd 6a c3 ed af 6b 2e aa 1b #       …
65 70 65 65 72 73                               #   key "peers"
82                                              #     array of 2
58 31                                           #       byte string of 49
04 c0 00 02 01                                  #         /ip4/192.0.2.1
06 0f a1                                        #         /tcp/4001
a5 03 26                                        #         /p2p, 38 bytes
00 24 08 01 12 20                               #         peer id: identity multihash, Ed25519 key
00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f #         the public key
10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f #         …
58 34                                           #       byte string of 52
04 c0 00 02 01                                  #         /ip4/192.0.2.1
91 02 0f a1                                     #         /udp/4001
cd 03                                           #         /quic-v1
a5 03 26                                        #         /p2p, 38 bytes
00 24 08 01 12 20                               #         peer id: identity multihash, Ed25519 key
00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f #         the public key
10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f #         …
6a 72 65 6e 64 65 7a 76 6f 75 73                #   key "rendezvous"
81                                              #     array of 1
58 39                                           #       byte string of 57
36 0b 65 78 61 6d 70 6c 65 2e 6f 72 67          #         /dns4/example.org
06 1b 39                                        #         /tcp/6969
a5 03 26                                        #         /p2p, 38 bytes
00 24 08 01 12 20                               #         peer id: identity multihash, Ed25519 key
40 41 42 43 44 45 46 47 48 49 4a 4b 4c 4d 4e 4f #         the public key
50 51 52 53 54 55 56 57 58 59 5a 5b 5c 5d 5e 5f #         …
3c 75 ff 21                                     # first 4 bytes of the SHA-256 of all before
"#;

/// The same ticket as text.
pub const TICKET_TEXT: &str = concat!(
    "shoal1unrgszcyeqaxcera5oxurbbx4coa47vaakm2fibjrmaucbx37d3qxtlkypw262zovinwk4dfmvzhhasygecmaaacae",
    "da7infamtaajaiaejcaaabaibqibiga4eascqlbqgq4dyqcejbgfavcylrqgi2dmob2hq7la2ajqaaaiazcaqpuhgqhjidey",
    "acicabciqaaaicamcakbqhbaequcymbuha6earcijrifiwc4mbsgq3dqor4h3kojsw4zdfpj3g65ltqfmdsnqlmv4gc3lqnr",
    "ss433sm4dbwonfamtaajaiaejcaqcbijbuirkgi5eesssljrgu4t2qkfjfgvcvkzlvqwk2lnof2xs7hr276ii",
);

/// Every CBOR listing of this file.
pub const CBOR_LISTINGS: [&str; 10] = [
    ROOT,
    FILE_PAGE,
    CHUNK_PAGE,
    CONTENT_ID,
    SINGLE_ROOT,
    SINGLE_FILE_PAGE,
    SINGLE_CHUNK_PAGE,
    PRIVATE_ROOT,
    PRIVATE_FILE_PAGE,
    PRIVATE_CHUNK_PAGE,
];

/// Every listing of this file.
pub fn listings() -> impl Iterator<Item = &'static str> {
    CBOR_LISTINGS.into_iter().chain([CHUNK, TICKET])
}
