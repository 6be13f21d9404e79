//! Content byte by byte: a manifest, its pages, an id and a ticket, in the bytes that any other
//! implementation must make and read.
//!
//! A *listing* has a line for each piece: its bytes in hexadecimal, then what they are. `PROTOCOL.md`
//! shows the same bytes, and a test here makes sure that it does. The helpers serve the vectors of
//! [`wire`](crate::wire) too.

use super::*;
use crate::cbor;

/// The folder that all examples are about: `bin/run` (executable), `empty` (a folder), `hello.txt`, and
/// `latest` (a link to it). Its two files make one chunk.
const ROOT: &str = r#"
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

const FILE_PAGE: &str = r#"
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

pub(crate) const CHUNK_PAGE: &str = r#"
a2                                              # map of 2
66 68 61 73 68 65 73                            #   key "hashes"
58 20                                           #     byte string of 32
c0 86 ed 2e c3 8f 92 1c f5 62 e5 23 e1 2a 2a af #       SHA-256 of chunk 0
15 c1 cf 3d 87 ef b9 6a ba 08 25 b5 c3 3f df 05 #       …
67 6c 65 6e 67 74 68 73                         #   key "lengths"
81                                              #     array of 1
18 1e                                           #       30, bytes of chunk 0
"#;

pub(crate) const CHUNK: &str = r#"
23 21 2f 62 69 6e 2f 73 68 0a 65 78 69 74 20 30 # bin/run, 17 bytes
0a                                              # …
68 65 6c 6c 6f 2c 20 73 68 6f 61 6c 0a          # hello.txt, 13 bytes
"#;

const CONTENT_ID: &str = r#"
58 24                                           # byte string of 36
01 71 12 20                                     #   CIDv1, dag-cbor, sha2-256, 32 bytes
eb af 48 84 37 e0 9c 0e 7e a0 02 99 a2 a0 29 8b #   SHA-256 of the root
01 41 06 fb f8 f7 0b cd 6a c3 ed af 6b 2e aa 1b #   …
"#;
const CONTENT_ID_TEXT: &str = "bafyreihlv5eiin7atqhh5iactgrkakmlafaqn67y64f422wd5wxwwlvkdm";
const CHUNK_CID_TEXT: &str = "bafkreigaq3ws5q4psiopkyxfepqsukvpcxa46pmh564wvoqiew24gp67au";

/// A single file, the folder's `hello.txt`: it has a parent and chunks of fixed length.
const SINGLE_ROOT: &str = r#"
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

const SINGLE_FILE_PAGE: &str = r#"
81                                              # array of 1
a3                                              #   map of 3
64 70 61 74 68                                  #     key "path"
69 68 65 6c 6c 6f 2e 74 78 74                   #       "hello.txt"
64 73 69 7a 65                                  #     key "size"
0d                                              #       13
64 74 79 70 65                                  #     key "type"
64 66 69 6c 65                                  #       "file"
"#;

const SINGLE_CHUNK_PAGE: &str = r#"
a2                                              # map of 2
66 68 61 73 68 65 73                            #   key "hashes"
58 20                                           #     byte string of 32
0d fd 40 16 7f 62 02 52 fb a1 be 44 93 2c e6 d2 #       SHA-256 of chunk 0
25 cf ad 6c e5 02 1c 43 ef db 74 d9 b4 9a 04 40 #       …
67 6c 65 6e 67 74 68 73                         #   key "lengths"
81                                              #     array of 1
0d                                              #       13
"#;
const SINGLE_ID_TEXT: &str = "bafyreidfnxdjkbtiducyrx54et3wmvqaqtcy2ss7shhs7xmgi6x7tq5yvm";

const TICKET: &str = r#"
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
const TICKET_TEXT: &str = concat!(
    "shoal1unrgszcyeqaxcera5oxurbbx4coa47vaakm2fibjrmaucbx37d3qxtlkypw262zovinwk4dfmvzhhasygecmaaacae",
    "da7infamtaajaiaejcaaabaibqibiga4eascqlbqgq4dyqcejbgfavcylrqgi2dmob2hq7la2ajqaaaiazcaqpuhgqhjidey",
    "acicabciqaaaicamcakbqhbaequcymbuha6earcijrifiwc4mbsgq3dqor4h3kojsw4zdfpj3g65ltqfmdsnqlmv4gc3lqnr",
    "ss433sm4dbwonfamtaajaiaejcaqcbijbuirkgi5eesssljrgu4t2qkfjfgvcvkzlvqwk2lnof2xs7hr276ii",
);

/// Every CBOR listing of this file.
const CBOR_LISTINGS: [&str; 7] =
    [ROOT, FILE_PAGE, CHUNK_PAGE, CONTENT_ID, SINGLE_ROOT, SINGLE_FILE_PAGE, SINGLE_CHUNK_PAGE];

/// Every listing of this file.
pub(crate) fn listings() -> impl Iterator<Item = &'static str> {
    CBOR_LISTINGS.into_iter().chain([CHUNK, TICKET])
}

/// The id of the folder that all examples are about.
pub(crate) fn example_id() -> ContentId {
    ContentId::from_root_hash(Hash::of(&bytes(ROOT)))
}

/// The bytes of a listing.
pub(crate) fn bytes(listing: &str) -> Vec<u8> {
    let lines = listing.lines().map(|line| line.split('#').next().unwrap_or_default());
    let digits: String = lines.flat_map(|hex| hex.split_whitespace()).collect();
    data_encoding::HEXLOWER.decode(digits.as_bytes()).unwrap_or_else(|e| panic!("{e} in {listing}"))
}

/// The bytes of every annotated example in `PROTOCOL.md`: its code blocks marked as `hex`.
pub(crate) fn documented() -> Vec<Vec<u8>> {
    let blocks = PROTOCOL_MD.split("\n```hex\n").skip(1);
    blocks.map(|block| bytes(block.split("\n```").next().unwrap_or_default())).collect()
}
const PROTOCOL_MD: &str = include_str!("../../../PROTOCOL.md");

/// Checks that bytes are one value in the form that Shoal writes: shortest heads, definite lengths,
/// unique map keys that are texts, shorter ones first and then bytewise; no tags, floats or nulls.
pub(crate) fn assert_canonical(bytes: &[u8]) {
    assert_eq!(skip_value(bytes), Ok(&[][..]), "{}", data_encoding::HEXLOWER.encode(bytes));
}

/// Takes a value from the start of `bytes` and returns the rest.
fn skip_value(bytes: &[u8]) -> Result<&[u8], &'static str> {
    let (major, value, rest) = head(bytes)?;
    let value = usize::try_from(value).map_err(|_| "too long")?;
    match major {
        0 | 1 => Ok(rest),
        2 => rest.get(value..).ok_or("cut short"),
        3 => text(value, rest).map(|(_, rest)| rest),
        4 => (0..value).try_fold(rest, |rest, _| skip_value(rest)),
        5 => skip_entries(value, rest),
        6 => Err("a tag"),
        _ if matches!(bytes[0], 0xf4 | 0xf5) => Ok(rest),
        _ => Err("a float, null or another simple value"),
    }
}

fn skip_entries(count: usize, mut rest: &[u8]) -> Result<&[u8], &'static str> {
    let mut before: Option<&str> = None;
    for _ in 0..count {
        let (3, len, after) = head(rest)? else { return Err("a key that is no text") };
        let (key, after) = text(len as usize, after)?;
        let place = |key: &str| (key.len(), key.to_owned());
        if before.is_some_and(|before| place(before) >= place(key)) {
            return Err("keys out of order");
        }
        before = Some(key);
        rest = skip_value(after)?;
    }
    Ok(rest)
}

fn text(len: usize, rest: &[u8]) -> Result<(&str, &[u8]), &'static str> {
    let (text, rest) = rest.split_at_checked(len).ok_or("cut short")?;
    Ok((str::from_utf8(text).map_err(|_| "a text that is not UTF-8")?, rest))
}

/// Takes the head of a value: major type, value or length, and the rest.
fn head(bytes: &[u8]) -> Result<(u8, u64, &[u8]), &'static str> {
    let (&first, rest) = bytes.split_first().ok_or("cut short")?;
    let (major, info) = (first >> 5, first & 31);
    let (width, least) = match info {
        0..24 => return Ok((major, u64::from(info), rest)),
        24 => (1, 24),
        25 => (2, 1 << 8),
        26 => (4, 1 << 16),
        27 => (8, 1 << 32),
        _ => return Err("an indefinite length"),
    };
    let (digits, rest) = rest.split_at_checked(width).ok_or("cut short")?;
    let value = digits.iter().fold(0, |value, digit| value << 8 | u64::from(*digit));
    if value < least && major < 7 {
        return Err("a number that is not in its shortest form");
    }
    Ok((major, value, rest))
}

fn entry(path: &str, size: u64, kind: EntryKind) -> Entry {
    Entry { path: SafePath::new(path).unwrap(), size, kind }
}

fn link(path: &str, target: &str) -> Entry {
    let path = SafePath::new(path).unwrap();
    Entry { kind: EntryKind::Link(LinkTarget::new(&path, target).unwrap()), path, size: 0 }
}

fn folder() -> Manifest {
    let chunk = bytes(CHUNK);
    ManifestBuilder {
        name: SafePath::name("demo").unwrap(),
        shape: Shape::Folder,
        chunker: Chunker::for_size(4 << 30),
        parent: None,
        entries: vec![
            entry("bin/run", 17, EntryKind::File { executable: true }),
            entry("empty", 0, EntryKind::Folder),
            entry("hello.txt", 13, EntryKind::File { executable: false }),
            link("latest", "hello.txt"),
        ],
        chunks: vec![ChunkEntry { hash: Hash::of(&chunk), length: chunk.len() as u32 }],
    }
    .build()
    .unwrap()
}

fn single_file() -> Manifest {
    ManifestBuilder {
        name: SafePath::name("hello.txt").unwrap(),
        shape: Shape::File,
        chunker: Chunker::Fixed { size: 64 << 10 },
        parent: Some(example_id()),
        entries: vec![entry("hello.txt", 13, EntryKind::File { executable: false })],
        chunks: vec![ChunkEntry { hash: Hash::of(b"hello, shoal\n"), length: 13 }],
    }
    .build()
    .unwrap()
}

/// Checks that a manifest has exactly these blocks, and that the blocks make this manifest.
fn check_manifest(made: &Manifest, root: &str, file_page: &str, chunk_page: &str) {
    assert_eq!(made.block(made.id().root_hash()), Some(bytes(root)));
    assert_eq!(made.block(&made.root().file_pages[0]), Some(bytes(file_page)));
    assert_eq!(made.block(&made.root().chunk_pages[0]), Some(bytes(chunk_page)));
    let mut read = ManifestAssembler::new(made.id(), &bytes(root)).unwrap();
    for page in [file_page, chunk_page].map(bytes) {
        read.add(&Hash::of(&page), &page).unwrap();
    }
    let read = read.finish().unwrap();
    assert_eq!((read.root(), read.entries(), read.chunks()), (made.root(), made.entries(), made.chunks()));
}

#[test]
fn a_folder() {
    check_manifest(&folder(), ROOT, FILE_PAGE, CHUNK_PAGE);
    assert_eq!(folder().id(), example_id());
}

#[test]
fn a_single_file_with_a_parent() {
    check_manifest(&single_file(), SINGLE_ROOT, SINGLE_FILE_PAGE, SINGLE_CHUNK_PAGE);
    assert_eq!(single_file().id().to_string(), SINGLE_ID_TEXT);
}

#[test]
fn a_chunk_and_its_files() {
    let chunk = bytes(CHUNK);
    assert_eq!(Hash::of(&chunk), folder().chunks()[0].hash);
    assert_eq!(Hash::of(&chunk).to_raw_cid().to_string(), CHUNK_CID_TEXT);
    let manifest = folder();
    let spans: Vec<_> =
        manifest.geometry().spans(0).map(|s| (s.file, s.file_offset, &chunk[s.in_chunk()])).collect();
    assert_eq!(spans, [(0, 0, &b"#!/bin/sh\nexit 0\n"[..]), (2, 0, b"hello, shoal\n")]);
}

const CUTS: [usize; 4] = [637_477, 2_010_659, 1_255_910, 2_387_410];
const SMALL_CUTS: [usize; 7] = [57_162, 40_344, 34_076, 65_793, 33_861, 34_822, 33_943];

/// The stream is the SHA-256 of each number from 0, as four bytes, least significant first.
#[test]
fn cut_points() {
    let stream: Vec<u8> = (0..196_608u32).flat_map(|n| *Hash::of(&n.to_le_bytes()).as_bytes()).collect();
    let small = Chunker::FastCdc { min: 16 << 10, avg: 32 << 10, max: 128 << 10 };
    assert_eq!(cuts(Chunker::for_size(4 << 30), &stream), CUTS);
    assert_eq!(cuts(small, &stream[..300_001]), SMALL_CUTS);
}

fn cuts(chunker: Chunker, mut rest: &[u8]) -> Vec<usize> {
    let next = || {
        let len = chunker.cut(rest);
        rest = &rest[len..];
        (len > 0).then_some(len)
    };
    std::iter::from_fn(next).collect()
}

#[test]
fn a_content_id() {
    assert_eq!(cbor::encode(&example_id()), bytes(CONTENT_ID));
    assert_eq!(cbor::decode(&bytes(CONTENT_ID)), Ok(example_id()));
    assert_eq!(example_id().to_string(), CONTENT_ID_TEXT);
    assert_eq!(CONTENT_ID_TEXT.parse(), Ok(example_id()));
}

#[test]
fn a_ticket() {
    let ticket = Ticket {
        content: example_id(),
        peers: vec![
            "/ip4/192.0.2.1/tcp/4001/p2p/12D3KooW9pP4Seg3kZYhySpuVjn1RPdQBsUFZKiFxGMGQN5MeL6A"
                .parse()
                .unwrap(),
            "/ip4/192.0.2.1/udp/4001/quic-v1/p2p/12D3KooW9pP4Seg3kZYhySpuVjn1RPdQBsUFZKiFxGMGQN5MeL6A"
                .parse()
                .unwrap(),
        ],
        rendezvous: vec![
            "/dns4/example.org/tcp/6969/p2p/12D3KooWE9BybvUhbeZCuEqPQrep3R2Dp2w8fPejiP1G8gwhTejQ"
                .parse()
                .unwrap(),
        ],
    };
    assert_eq!(ticket.to_string(), TICKET_TEXT);
    assert_eq!(TICKET_TEXT.parse(), Ok(ticket));
    let base32 = TICKET_TEXT.strip_prefix("shoal1").unwrap().to_uppercase();
    assert_eq!(data_encoding::BASE32_NOPAD.decode(base32.as_bytes()), Ok(bytes(TICKET)));
    let ticket = bytes(TICKET);
    let (body, checksum) = ticket.split_last_chunk::<4>().map(|(b, c)| (b, &c[..])).unwrap();
    assert_eq!(&Hash::of(body).as_bytes()[..4], checksum);
    assert_canonical(body);
}

#[test]
fn every_listing_is_canonical() {
    CBOR_LISTINGS.iter().for_each(|listing| assert_canonical(&bytes(listing)));
}

#[test]
fn what_is_not_canonical_is_found() {
    let refused: [(&[u8], &str); 14] = [
        (&[], "cut short"),
        (&[0x18, 0x17], "a number that is not in its shortest form"),
        (&[0x19, 0x00, 0xff], "a number that is not in its shortest form"),
        (&[0x58, 0x01, 0x00], "a number that is not in its shortest form"),
        (&[0x1b, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff], "a number that is not in its shortest form"),
        (&[0x9f, 0xff], "an indefinite length"),
        (&[0xa2, 0x61, b'b', 0, 0x61, b'a', 0], "keys out of order"),
        (&[0xa2, 0x62, b'a', b'a', 0, 0x61, b'b', 0], "keys out of order"),
        (&[0xa2, 0x61, b'a', 0, 0x61, b'a', 0], "keys out of order"),
        (&[0xa1, 0x01, 0x01], "a key that is no text"),
        (&[0xd8, 0x2a, 0x41, 0x00], "a tag"),
        (&[0xfb, 0, 0, 0, 0, 0, 0, 0, 0], "a float, null or another simple value"),
        (&[0xf6], "a float, null or another simple value"),
        (&[0x62, 0xff, 0xff], "a text that is not UTF-8"),
    ];
    for (bytes, why) in refused {
        assert_eq!(skip_value(bytes), Err(why), "{bytes:x?}");
    }
    assert_eq!(skip_value(&[0xa2, 0x61, b'b', 0, 0x62, b'a', b'a', 0x18, 0x18]), Ok(&[][..]));
}

/// A block whose hash fits and whose form does not is refused.
#[test]
fn other_forms_of_a_manifest_are_refused() {
    let refused = |root: Vec<u8>| {
        ManifestAssembler::new(ContentId::from_root_hash(Hash::of(&root)), &root).err().map(|e| e.to_string())
    };
    let root = bytes(ROOT);
    assert_eq!(refused(root.clone()), None);
    // `parent: null` instead of no parent, in its place before `chunker`.
    let mut null_parent = root.clone();
    null_parent[0] += 1;
    let at = find(&root, b"\x67chunker");
    null_parent.splice(at..at, *b"\x66parent\xf6");
    assert!(refused(null_parent).unwrap().contains("canonical"));
    let mut unknown_key = root.clone();
    unknown_key[0] += 1;
    unknown_key.extend(b"\x6cchunk_pages2\x00");
    assert!(refused(unknown_key).unwrap().contains("unknown field"));
    // `size` before `name`.
    let mut disorder = root.clone();
    let (name, size, files) = (find(&root, b"\x64name"), find(&root, b"\x64size"), find(&root, b"\x65files"));
    disorder[name..files].rotate_left(size - name);
    assert!(refused(disorder).unwrap().contains("canonical"));
}

fn find(bytes: &[u8], part: &[u8]) -> usize {
    bytes.windows(part.len()).position(|w| w == part).unwrap()
}

#[test]
fn the_document_shows_these_bytes() {
    let documented = documented();
    for listing in listings() {
        assert!(documented.contains(&bytes(listing)), "PROTOCOL.md lacks {listing}");
    }
    let list = |cuts: &[usize]| cuts.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
    let texts = [CONTENT_ID_TEXT, CHUNK_CID_TEXT, SINGLE_ID_TEXT, TICKET_TEXT].map(str::to_owned);
    for text in texts.into_iter().chain([list(&CUTS), list(&SMALL_CUTS)]) {
        assert!(PROTOCOL_MD.contains(&text), "PROTOCOL.md lacks {text}");
    }
}
