//! Random trees, random orders, random ends of the process, damage to what it left: the end is always the same.

use proptest::prelude::*;

use super::*;

/// What happens between two openings.
#[derive(Debug, Clone)]
enum Crash {
    /// The process is killed.
    Kill,
    /// The journal loses some bytes at its end.
    Torn(u64),
    /// A chunk's bytes are zeros, while the files have their lengths and the journal its record. That is one of the things that
    /// a loss of power may leave behind; none is staged here (`power_loss` of `shoal-faults` does).
    Zeroed(usize),
}

fn crash() -> impl Strategy<Value = Crash> {
    prop_oneof![Just(Crash::Kill), (1u64..40).prop_map(Crash::Torn), (0usize..50).prop_map(Crash::Zeroed),]
}

/// Sizes of files, and whether each is all zeros.
fn tree() -> impl Strategy<Value = Vec<(usize, bool)>> {
    let size = prop_oneof![Just(0usize), 1usize..3000, 3000usize..40_000, 40_000usize..200_000];
    prop::collection::vec((size, prop::bool::weighted(0.2)), 1..12)
}

fn make(base: &Path, files: &[(usize, bool)]) {
    for (n, (size, zero)) in files.iter().enumerate() {
        // Some contents occur twice.
        let bytes = if *zero { vec![0; *size] } else { random(*size, n as u64 / 2) };
        put(base, &format!("{}/{n}", n % 3), &bytes);
    }
}

/// Overwrites the bytes of a chunk in the part with zeros, as far as they are there.
fn zero(source: &Source, dir: &Path, chunk: usize) {
    let chunks = source.manifest().geometry().chunks();
    if chunks == 0 {
        return;
    }
    for span in source.manifest().geometry().spans(chunk as u32 % chunks) {
        let path = part(dir, source).join(source.manifest().entries()[span.file as usize].path.as_str());
        if let Ok(file) = File::options().write(true).open(path) {
            file.write_all_at(&vec![0; span.len as usize], span.file_offset).unwrap();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_way_ends_in_the_same_tree(
        files in tree(),
        crashes in prop::collection::vec((crash(), 0usize..12), 0..5),
        order in any::<u64>(),
        select in prop::option::of(0usize..3),
    ) {
        let (from, dir) = (tempdir().unwrap(), tempdir().unwrap());
        make(&from.path().join("t"), &files);
        let source = share(&from.path().join("t"));
        let start = |selection: Selection| open(&source, TargetOptions { selection, ..to(dir.path()) });
        for (n, (crash, writes)) in crashes.iter().enumerate() {
            let selection = match select {
                Some(folder) if n % 2 == 1 => only(source.manifest(), &format!("{folder}/")),
                _ => Selection::All,
            };
            let target = start(selection);
            check_have(&target);
            let mut missing = missing(&target);
            if !missing.is_empty() {
                let by = order as usize % missing.len();
                missing.rotate_left(by);
            }
            for c in missing.iter().take(*writes) {
                let before = target.have();
                let new: ChunkSet = target.write(*c, &chunk(&source, *c)).unwrap().iter().map(|c| *c as usize).collect();
                prop_assert_eq!(target.have().difference(&before).count(), new.count_ones(..));
                prop_assert!(target.stored().contains(*c as usize));
            }
            if order % 3 == 0 {
                target.sync().unwrap();
            }
            drop(target);
            match crash {
                Crash::Kill => {}
                Crash::Torn(bytes) => {
                    let journal = File::options().write(true).open(journal(dir.path(), &source)).unwrap();
                    // Not so much that the header is gone: it was synced before anything else.
                    let len = journal.metadata().unwrap().len();
                    journal.set_len(len.saturating_sub(*bytes).max(52)).unwrap();
                }
                Crash::Zeroed(chunk) => zero(&source, dir.path(), *chunk),
            }
        }
        let target = start(Selection::All);
        check_have(&target);
        fetch(&source, &target);
        check_have(&target);
        prop_assert_eq!(target.have().count_ones(..), source.manifest().chunks().len());
        target.finish().unwrap();
        check_have(&target);
        prop_assert_eq!(snapshot(&dir.path().join("t")), snapshot(&from.path().join("t")));
        prop_assert_eq!(names(dir.path()), ["t"]);
    }
}
