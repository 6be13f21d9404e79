//! Content byte by byte: a manifest, its pages, an id and a ticket, in the bytes that any other
//! implementation must make and read.
//!
//! The listings are those of [`shoal_testing::example`]. `PROTOCOL.md` shows the same bytes, and a test here makes
//! sure that it does.

use shoal_testing::example::*;
use shoal_testing::{PROTOCOL_MD, assert_canonical, bytes, documented};

use super::hash::{RAW, to_cid};
use super::*;

/// The id of the folder that all examples are about.
fn example_id() -> ContentId {
    ContentId::from_root_hash(Hash::of(&bytes(ROOT)))
}

fn entry(path: &str, size: u64, kind: EntryKind) -> FileEntry {
    FileEntry { path: SafePath::new(path).unwrap(), size, kind, private: false }
}

fn link(path: &str, target: &str) -> FileEntry {
    let path = SafePath::new(path).unwrap();
    FileEntry {
        kind: EntryKind::Link(LinkTarget::new(&path, target).unwrap()),
        path,
        size: 0,
        private: false,
    }
}

fn folder() -> Manifest {
    let chunk = bytes(CHUNK);
    ManifestBuilder {
        name: SafePath::name("demo").unwrap(),
        shape: Shape::Folder,
        chunker: Chunker::for_size(1 << 40),
        private: false,
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
        private: false,
        parent: Some(example_id()),
        entries: vec![entry("hello.txt", 13, EntryKind::File { executable: false })],
        chunks: vec![ChunkEntry { hash: Hash::of(b"hello, shoal\n"), length: 13 }],
    }
    .build()
    .unwrap()
}

fn private_folder() -> Manifest {
    let private = |entry: FileEntry| FileEntry { private: true, ..entry };
    let file = EntryKind::File { executable: false };
    ManifestBuilder {
        name: SafePath::name("vault").unwrap(),
        shape: Shape::Folder,
        chunker: Chunker::Fixed { size: 64 << 10 },
        private: true,
        parent: None,
        entries: vec![
            private(entry("host", 0, EntryKind::Folder)),
            private(entry("host/id", 7, file.clone())),
            entry("readme", 13, file),
        ],
        chunks: vec![ChunkEntry { hash: Hash::of(b"secret\nhello, shoal\n"), length: 20 }],
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
fn a_private_folder() {
    check_manifest(&private_folder(), PRIVATE_ROOT, PRIVATE_FILE_PAGE, PRIVATE_CHUNK_PAGE);
    assert_eq!(private_folder().id().to_string(), PRIVATE_ID_TEXT);
}

#[test]
fn a_chunk_and_its_files() {
    let chunk = bytes(CHUNK);
    assert_eq!(Hash::of(&chunk), folder().chunks()[0].hash);
    assert_eq!(to_cid(&Hash::of(&chunk), RAW).to_string(), CHUNK_CID_TEXT);
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
    assert_eq!(cuts(Chunker::for_size(1 << 40), &stream), CUTS);
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
    assert_eq!(shoal_cbor::encode(&example_id()), bytes(CONTENT_ID));
    assert_eq!(shoal_cbor::decode(&bytes(CONTENT_ID)), Ok(example_id()));
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
    // `private: false` instead of nothing, in its place behind `chunker`.
    let mut not_private = root.clone();
    not_private[0] += 1;
    let at = find(&root, b"\x6afile_pages");
    not_private.splice(at..at, *b"\x67private\xf4");
    assert!(refused(not_private).unwrap().contains("canonical"));
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
    let texts =
        [CONTENT_ID_TEXT, CHUNK_CID_TEXT, SINGLE_ID_TEXT, PRIVATE_ID_TEXT, TICKET_TEXT].map(str::to_owned);
    for text in texts.into_iter().chain([list(&CUTS), list(&SMALL_CUTS)]) {
        assert!(PROTOCOL_MD.contains(&text), "PROTOCOL.md lacks {text}");
    }
}
