mod bounds;

use super::page::{decode_chunk_page, decode_file_page};
use super::*;
use crate::LinkTarget;
use proptest::prelude::*;

fn file(path: &str, size: u64) -> FileEntry {
    let path = SafePath::new(path).unwrap();
    FileEntry { path, size, kind: EntryKind::File { executable: false }, private: false }
}

fn folder(path: &str) -> FileEntry {
    FileEntry { kind: EntryKind::Folder, ..file(path, 0) }
}

/// The same, readable by its owner alone.
fn private(entry: FileEntry) -> FileEntry {
    FileEntry { private: true, ..entry }
}

fn chunk(n: u64, length: u32) -> ChunkEntry {
    ChunkEntry { hash: Hash::of(&n.to_be_bytes()), length }
}

fn builder(entries: Vec<FileEntry>, chunks: Vec<ChunkEntry>) -> ManifestBuilder {
    let name = SafePath::name("photos").unwrap();
    ManifestBuilder {
        name,
        shape: Shape::Folder,
        chunker: Chunker::for_size(1 << 40),
        private: false,
        parent: None,
        entries,
        chunks,
    }
}

/// Sends a manifest block by block, as a download gets it.
fn resend(manifest: &Manifest) -> Result<Manifest, ManifestError> {
    let root = manifest.block(manifest.id().root_hash()).unwrap();
    let mut assembler = ManifestAssembler::new(manifest.id(), &root)?;
    let missing: Vec<_> = assembler.missing().copied().collect();
    for hash in missing {
        assembler.add(&hash, &manifest.block(&hash).unwrap())?;
    }
    assembler.finish()
}

/// Builds a manifest around raw pages, as a hostile maker would, and reads it.
fn forge(
    mut change: impl FnMut(&mut Root),
    file_pages: &[Vec<u8>],
    chunk_pages: &[Vec<u8>],
) -> Result<Manifest, ManifestError> {
    let mut root = builder(vec![], vec![]).build().unwrap().root;
    root.file_pages = file_pages.iter().map(|p| Hash::of(p)).collect();
    root.chunk_pages = chunk_pages.iter().map(|p| Hash::of(p)).collect();
    root.files = file_pages.len() as u32;
    change(&mut root);
    let bytes = shoal_cbor::encode(&root);
    let mut assembler = ManifestAssembler::new(ContentId::from_root_hash(Hash::of(&bytes)), &bytes)?;
    for page in file_pages.iter().chain(chunk_pages) {
        assembler.add(&Hash::of(page), page)?;
    }
    assembler.finish()
}

#[derive(Clone, Copy, serde::Serialize)]
struct Forged<'a> {
    path: &'a str,
    size: u64,
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    private: Option<bool>,
}

fn forged_entry<'a>(path: &'a str, kind: &'a str, target: Option<&'a str>) -> Forged<'a> {
    Forged { path, size: 0, kind, target, private: None }
}

fn forge_entries(entries: &[Forged<'_>]) -> Result<Manifest, ManifestError> {
    forge(|root| root.files = entries.len() as u32, &[shoal_cbor::encode(entries)], &[])
}

fn forged(paths: &[(&str, &str, Option<&str>)]) -> Result<Manifest, ManifestError> {
    let entries: Vec<_> =
        paths.iter().map(|(path, kind, target)| forged_entry(path, kind, *target)).collect();
    forge_entries(&entries)
}

#[test]
fn a_manifest_survives_the_way_block_by_block() {
    let mut entries = vec![
        file("a/large", 5000),
        file("a/small", 0),
        file("z", 1),
        folder("empty"),
        FileEntry { kind: EntryKind::File { executable: true }, ..file("run", 3) },
    ];
    let link = SafePath::new("link").unwrap();
    entries.push(FileEntry {
        kind: EntryKind::Link(LinkTarget::new(&link, "a/large").unwrap()),
        path: link,
        size: 0,
        private: false,
    });
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    let made = builder(entries, vec![chunk(1, 5000), chunk(2, 4)]).build().unwrap();
    let got = resend(&made).unwrap();
    assert_eq!((got.id(), got.entries(), got.chunks()), (made.id(), made.entries(), made.chunks()));
    assert_eq!(got.geometry(), made.geometry());
}

#[test]
fn what_only_its_owner_may_read_survives_the_way() {
    let entries = vec![
        private(folder("keys")),
        private(folder("keys/empty")),
        private(file("keys/host", 3)),
        file("keys/host.pub", 3),
        file("readme", 1),
    ];
    let mut made = builder(entries, vec![chunk(1, 7)]);
    made.private = true;
    let made = made.build().unwrap();
    let got = resend(&made).unwrap();
    assert_eq!((got.entries(), got.root()), (made.entries(), made.root()));
    for folder in ["", "keys", "keys/empty"] {
        assert!(got.is_private_folder(folder), "{folder:?}");
    }
    for other in ["keys/host", "keys/host.pub", "readme", "key", "keys/emp"] {
        assert!(!got.is_private_folder(other), "{other:?}");
    }
    assert!(!builder(vec![], vec![]).build().unwrap().is_private_folder(""));
}

#[test]
fn privacy_where_there_can_be_none_is_refused() {
    let refused = |shape, private, entries| {
        let chunks = vec![];
        let made = ManifestBuilder { shape, private, ..builder(entries, chunks) };
        matches!(made.build(), Err(ManifestError::Counts(_)))
    };
    assert!(refused(Shape::File, true, vec![file("photos", 0)]));
    assert!(!refused(Shape::File, false, vec![private(file("photos", 0))]));
    let mut link = forged_entry("l", "link", Some("x"));
    assert!(forge_entries(&[link]).is_ok());
    link.private = Some(true);
    assert!(matches!(forge_entries(&[link]), Err(ManifestError::Counts(_))));
    // One value, one encoding.
    let mut file = forged_entry("f", "file", None);
    file.private = Some(false);
    assert!(matches!(
        forge_entries(&[file]),
        Err(ManifestError::Encoding(shoal_cbor::CborError::NotCanonical))
    ));
}

/// Folders with something in them are listed only to say that they are private.
#[test]
fn only_a_private_folder_may_have_entries_beneath() {
    let beneath = |above: FileEntry| builder(vec![above, file("d/f", 0)], vec![]).build();
    assert!(beneath(private(folder("d"))).is_ok());
    assert!(matches!(beneath(folder("d")), Err(ManifestError::Conflict(..))));
    assert!(matches!(beneath(private(file("d", 0))), Err(ManifestError::Conflict(..))));
    let twice = vec![private(folder("d")), private(folder("d"))];
    assert!(matches!(builder(twice, vec![]).build(), Err(ManifestError::Conflict(..))));
    let collide = vec![private(folder("D")), private(folder("d"))];
    assert!(matches!(builder(collide, vec![]).build(), Err(ManifestError::Conflict(..))));
}

#[test]
fn many_files_and_chunks_fill_many_pages() {
    let entries: Vec<_> = (0..30_000).map(|n| file(&format!("dir/{n:06}"), 1000)).collect();
    let chunks: Vec<_> = (0..10_000).map(|n| chunk(n % 2, 3000)).collect();
    let made = builder(entries, chunks).build().unwrap();
    assert!(made.root().file_pages.len() > 3);
    assert_eq!(made.root().chunk_pages.len(), 3);
    assert_eq!(made.root().chunk_pages[0], made.root().chunk_pages[1], "equal pages share a hash");
    for hash in made.root().file_pages.iter().chain(&made.root().chunk_pages) {
        assert!(made.block(hash).unwrap().len() <= MAX_BLOCK);
    }
    let got = resend(&made).unwrap();
    assert_eq!(got.id(), made.id());
    let blocks = [*made.id().root_hash()];
    for hash in made.root().file_pages.iter().chain(&made.root().chunk_pages).chain(&blocks) {
        assert_eq!(got.block(hash), made.block(hash), "it is passed on as it came");
    }
}

/// Some bytes must not become gigabytes.
#[test]
fn pages_that_only_repeat_are_bounded() {
    let of = |pages: usize, different: usize| {
        let page = |n: usize| encode_chunk_page(&vec![chunk(n as u64, 1); CHUNKS_PER_PAGE]);
        let encoded: Vec<_> = (0..different).map(page).collect();
        let all: Vec<Hash> = (0..pages).map(|n| Hash::of(&encoded[n % different])).collect();
        let size = (pages * CHUNKS_PER_PAGE) as u64;
        let change = |root: &mut Root| {
            root.chunk_pages = all.clone();
            (root.size, root.files, root.chunks) = (size, 1, size as u32);
        };
        forge(change, &[encode_file_page(&[file("a", size)])], &encoded)
    };
    assert_eq!(of(513, 1).unwrap().chunks().len(), 513 * CHUNKS_PER_PAGE);
    assert_eq!(of(514, 1).unwrap_err(), ManifestError::Repetitive);
    assert_eq!(of(4096, 1).unwrap_err(), ManifestError::Repetitive);
    assert!(of(515, 3).is_ok());
    // Who would share it hears that too.
    let chunks = vec![chunk(1, 1); 514 * CHUNKS_PER_PAGE];
    let made = builder(vec![file("a", chunks.len() as u64)], chunks).build();
    assert_eq!(made.unwrap_err(), ManifestError::Repetitive);
}

#[test]
fn an_empty_folder_is_a_content() {
    let made = builder(vec![], vec![]).build().unwrap();
    assert_eq!(resend(&made).unwrap().root().size, 0);
}

/// Ids depend on this. If it fails, the format has changed.
#[test]
fn the_id_of_a_known_manifest_is_frozen() {
    let made =
        builder(vec![file("a", 3)], vec![ChunkEntry { hash: Hash::of(b"abc"), length: 3 }]).build().unwrap();
    assert_eq!(made.id().to_string(), "bafyreiezm75kpio3ghj3azmmk3wbrynpmgjhqfgppqn5kqg73zjzc57gke");
}

#[test]
fn paths_of_strangers_are_checked() {
    for bad in ["../x", "/x", "a//b", "a\\b", "nul", "a\u{202e}", "x\n", "c:x", "", "."] {
        assert!(matches!(forged(&[(bad, "file", None)]), Err(ManifestError::Path { .. })), "{bad:?}");
    }
    assert!(matches!(forged(&[("l", "link", Some("../x"))]), Err(ManifestError::Path { .. })));
    assert!(matches!(forged(&[("l", "link", None)]), Err(ManifestError::Counts(_))));
    assert!(matches!(forged(&[("l", "file", Some("x"))]), Err(ManifestError::Counts(_))));
    assert!(forged(&[("a", "file", None), ("b", "dir", None), ("c", "link", Some("a"))]).is_ok());
}

#[test]
fn conflicts_collisions_and_disorder_are_refused() {
    let two = |a, b| forged(&[(a, "file", None), (b, "file", None)]);
    assert!(matches!(two("b", "a"), Err(ManifestError::Order(_))));
    assert!(matches!(two("a", "a"), Err(ManifestError::Conflict(..))));
    assert!(matches!(two("a", "a/b"), Err(ManifestError::Conflict(..))));
    assert!(matches!(two("A", "a"), Err(ManifestError::Conflict(..))));
    assert!(matches!(two("A/x", "a/y"), Err(ManifestError::Conflict(..))));
    assert!(matches!(two("e\u{301}", "é"), Err(ManifestError::Conflict(..))));
    assert!(matches!(
        forged(&[("l", "link", Some("x")), ("l/f", "file", None)]),
        Err(ManifestError::Conflict(..))
    ));
}

#[test]
fn lies_about_counts_and_sizes_are_refused() {
    let page = encode_file_page(&[file("a", 10)]);
    let chunks = encode_chunk_page(&[chunk(1, 10)]);
    let lie = |change: fn(&mut Root)| {
        let base = |r: &mut Root| {
            (r.size, r.files, r.chunks) = (10, 1, 1);
            change(r);
        };
        forge(base, std::slice::from_ref(&page), std::slice::from_ref(&chunks))
    };
    assert!(lie(|_| {}).is_ok());
    let lies: [fn(&mut Root); 10] = [
        |r| r.size = 11,
        |r| r.size = u64::MAX,
        |r| r.size = 0,
        |r| r.files = 2,
        |r| r.files = 0,
        |r| r.files = u32::MAX,
        |r| r.chunks = 2,
        |r| r.chunks = 0,
        |r| r.chunks = u32::MAX,
        |r| r.chunks = 4097,
    ];
    for (n, change) in lies.into_iter().enumerate() {
        assert!(matches!(lie(change), Err(ManifestError::Counts(_))), "lie {n}");
    }
    let twice = forge(|_| {}, &[page.clone(), page.clone()], &[]);
    assert!(matches!(twice, Err(ManifestError::Counts(_))), "equal file pages");
    assert_eq!(lie(|r| r.version = 2).unwrap_err(), ManifestError::FutureVersion(2));
    assert!(matches!(lie(|r| r.chunker = Chunker::Fixed { size: 1 }), Err(ManifestError::Chunker(_))));
    let too_long = encode_chunk_page(&[chunk(1, u32::MAX)]);
    let got = forge(|r| (r.size, r.chunks) = (10, 1), &[encode_file_page(&[file("a", 10)])], &[too_long]);
    assert!(matches!(got, Err(ManifestError::Counts(_))));
}

#[test]
fn blocks_must_match_their_hash_and_be_canonical() {
    let made = builder(vec![file("a", 3)], vec![chunk(1, 3)]).build().unwrap();
    let root = made.block(made.id().root_hash()).unwrap();
    let mut changed = root.clone();
    *changed.last_mut().unwrap() ^= 1;
    assert_eq!(ManifestAssembler::new(made.id(), &changed).unwrap_err(), ManifestError::WrongHash);
    let mut assembler = ManifestAssembler::new(made.id(), &root).unwrap();
    let hash = *assembler.missing().next().unwrap();
    assert_eq!(assembler.add(&hash, b"other"), Err(ManifestError::WrongHash));
    assert_eq!(assembler.missing().count(), 2, "a wrong page changes nothing");

    let mut long_form = encode_file_page(&[file("a", 0)]);
    long_form.splice(0..1, [0x98, 0x01]); // an array of one, written with an extra byte
    assert!(matches!(
        forge(|_| {}, &[long_form], &[]),
        Err(ManifestError::Encoding(shoal_cbor::CborError::NotCanonical))
    ));
    assert!(matches!(
        ManifestAssembler::new(made.id(), &vec![0; MAX_BLOCK + 1]),
        Err(ManifestError::BlockTooLong(_))
    ));
}

#[test]
fn large_files_stand_alone_and_small_ones_run_together() {
    let large = PACKED_BELOW;
    let sizes = [1, large - 1, large, 3, 0, large + 2, large + 1];
    assert_eq!(segments(&sizes), [0..2, 2..3, 3..5, 5..6, 6..7]);
    assert_eq!(segments(&[]), []);
}

proptest! {
    #[test]
    fn no_block_panics_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let id = ContentId::from_root_hash(Hash::of(&bytes));
        let _ = ManifestAssembler::new(id, &bytes);
        let _ = decode_file_page(&bytes);
        let _ = decode_chunk_page(&bytes, 3);
    }

    #[test]
    fn a_damaged_root_never_passes(at in 0usize..200, with: u8) {
        let made = builder(vec![file("a", 3)], vec![chunk(1, 3)]).build().unwrap();
        let mut root = made.block(made.id().root_hash()).unwrap();
        let at = at % root.len();
        prop_assume!(root[at] != with);
        root[at] = with;
        // Even with the id that fits the damaged bytes: it is another content or none, never a panic.
        let id = ContentId::from_root_hash(Hash::of(&root));
        prop_assert!(id != made.id());
        let _ = ManifestAssembler::new(id, &root);
    }
}
