//! Just within each bound, and just beyond it.

use super::super::root::MIN_ENTRY;
use super::*;

/// The root of so many files on so many pages and so many chunks of a byte each, all pages different.
fn root(files: u32, file_pages: usize, chunks: u32) -> Root {
    let hashes = |count: usize, from: u64| (from..).take(count).map(|n| Hash::of(&n.to_be_bytes())).collect();
    Root {
        files,
        chunks,
        size: chunks.into(),
        file_pages: hashes(file_pages, 0),
        chunk_pages: hashes((chunks as usize).div_ceil(CHUNKS_PER_PAGE), 1 << 40),
        ..builder(vec![], vec![]).build().unwrap().root
    }
}

fn fewest_pages(files: u32) -> usize {
    (files as usize * MIN_ENTRY).div_ceil(MAX_BLOCK)
}

fn is_refused(root: &Root) -> bool {
    matches!(root.check(), Err(ManifestError::Counts(_)))
}

#[test]
fn a_root_may_have_as_many_files_and_chunks_as_the_limits_say_and_no_more() {
    let (pages, more) = (fewest_pages(MAX_ENTRIES), fewest_pages(MAX_ENTRIES + 1));
    assert_eq!(root(MAX_ENTRIES, pages, MAX_CHUNKS).check(), Ok(()));
    assert!(is_refused(&root(MAX_ENTRIES + 1, more, MAX_CHUNKS)));
    assert!(is_refused(&root(MAX_ENTRIES, pages, MAX_CHUNKS + 1)));
}

#[test]
fn pages_have_as_many_entries_as_fit_and_at_least_one() {
    let fewest = fewest_pages(1_000_000);
    assert!(fewest > 2);
    assert!(is_refused(&root(1_000_000, fewest - 1, 1)));
    assert_eq!(root(1_000_000, fewest, 1).check(), Ok(()));
    assert_eq!(encode_file_page(&[folder("a")]).len(), 1 + MIN_ENTRY, "the shortest entry");
    assert_eq!(root(9, 9, 1).check(), Ok(()));
    assert!(is_refused(&root(9, 10, 1)));
}

#[test]
fn chunks_have_from_one_byte_to_what_the_chunker_allows() {
    let of = |size: u64| Root { size, ..root(1, 1, 5) };
    let most = 5 * u64::from(of(5).chunker.max_size());
    assert_eq!([of(5).check(), of(most).check()], [Ok(()), Ok(())]);
    assert!(is_refused(&of(4)) && is_refused(&of(most + 1)));
    let made = |length: u32| {
        let mut builder =
            builder(vec![file("a", u64::from(length) + 3)], vec![chunk(1, length), chunk(2, 3)]);
        builder.chunker = Chunker::Fixed { size: 16 << 10 };
        builder.build()
    };
    assert!(made(16 << 10).is_ok());
    assert!(matches!(made((16 << 10) + 1), Err(ManifestError::Counts(_))));
}

#[test]
fn a_single_file_is_one_file_of_the_contents_name() {
    let made = |entries| ManifestBuilder { shape: Shape::File, ..builder(entries, vec![]) }.build();
    assert!(made(vec![file("photos", 0)]).is_ok());
    let others =
        [vec![], vec![folder("photos")], vec![file("other", 0)], vec![file("photos", 0), file("x", 0)]];
    for entries in others {
        assert!(matches!(made(entries.clone()), Err(ManifestError::Counts(_))), "{entries:?}");
    }
}

#[test]
fn only_files_have_a_size() {
    for (kind, target, is_right) in [("file", None, true), ("dir", None, false), ("link", Some("x"), false)] {
        let entry = Forged { size: 3, ..forged_entry("a", kind, target) };
        let page = shoal_cbor::encode(&[entry]);
        let got = forge(|r| (r.size, r.chunks) = (3, 1), &[page], &[encode_chunk_page(&[chunk(1, 3)])]);
        assert_eq!(got.is_ok(), is_right, "{kind}");
        assert!(is_right || matches!(got, Err(ManifestError::Counts(_))));
    }
}

#[test]
fn a_manifest_is_what_its_id_says() {
    let made = |size: u32| builder(vec![file("a", size.into())], vec![chunk(1, size)]).build().unwrap();
    assert_eq!(made(3), made(3));
    assert_ne!(made(3), made(4));
    assert_eq!(made(3).entries(), [file("a", 3)]);
    assert_eq!(made(3).chunks(), [chunk(1, 3)]);
    assert_eq!(made(3).name().as_str(), "photos");
}

/// Length comes before the hash, so nobody makes a reader hash more than a block.
#[test]
fn a_block_has_256_kib_and_no_more() {
    let made = builder(vec![file("a", 3)], vec![chunk(1, 3)]).build().unwrap();
    let root = made.block(made.id().root_hash()).unwrap();
    let mut assembler = ManifestAssembler::new(made.id(), &root).unwrap();
    let hash = *assembler.missing().next().unwrap();
    for (len, want) in [
        (MAX_BLOCK, ManifestError::WrongHash),
        (MAX_BLOCK + 1, ManifestError::BlockTooLong(MAX_BLOCK + 1)),
        (MAX_BLOCK + 2, ManifestError::BlockTooLong(MAX_BLOCK + 2)),
    ] {
        assert_eq!(assembler.add(&hash, &vec![0; len]), Err(want.clone()));
        assert_eq!(ManifestAssembler::new(made.id(), &vec![0; len]).unwrap_err(), want);
    }
}

/// The last page may be shorter; one page cannot be it and an earlier one.
#[test]
fn a_page_that_stands_in_two_places_has_to_fit_both() {
    let page = encode_chunk_page(&vec![chunk(1, 1); CHUNKS_PER_PAGE]);
    let of = |chunks: u32| {
        let size = 2 * CHUNKS_PER_PAGE as u64;
        let twice = vec![Hash::of(&page); 2];
        let change = |r: &mut Root| {
            (r.size, r.files, r.chunks, r.chunk_pages) = (size, 1, chunks, twice.clone());
        };
        forge(change, &[encode_file_page(&[file("a", size)])], std::slice::from_ref(&page))
    };
    assert!(of(2 * CHUNKS_PER_PAGE as u32).is_ok());
    assert!(matches!(of(CHUNKS_PER_PAGE as u32 + 1), Err(ManifestError::Counts(_))));
}
