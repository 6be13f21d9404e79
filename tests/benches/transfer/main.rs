//! Transfers, hashing and sharing beside the plainest way to do the same, side by side in one run.
//!
//! `cargo bench -p shoal-tests --bench transfer` prints ratios: medians of pairs that ran one after the other. `SHOAL`
//! names a program that is there already; without it, the bench builds one first. `TMPDIR` says which disk is meant; 18
//! GiB must be free there, and 3 million inodes. `-- --quick` leaves out the 8 GiB file and the million files; names of parts,
//! such as `-- far several`, leave out all others.

mod far;
mod million;
mod plain;
mod run;

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Duration;

use rand::{Rng, SeedableRng};
use shoal_engine::SeededRng;
use shoal_tests::programs::Programs;

use self::run::{
    BY_ITSELF, Measured, ON_LOOPBACK, from_several, median, over_far_line, shoal_once, time_to_share,
};

const GIB: u64 = 1 << 30;
const PAIRS: usize = 5;

/// Measures something, given the program, a scratch folder and the large file.
type Part = fn(&Path, &Path, &Path);

fn main() {
    // The plain copy runs as two processes too: this program, told what to be.
    if plain::ran_as_child() {
        return;
    }
    let quick = std::env::args().any(|a| a == "--quick");
    let named: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let wanted = |part: &str| named.is_empty() || named.iter().any(|name| name == part);
    let shoal = Programs::find().expect("there is a program").shoal;
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let file = scratch.path().join("random.bin");
    make(&file, GIB);

    let parts: [(&str, Part); 4] =
        [("transfer", transfer), ("several", several), ("far", far), ("share", share_large)];
    parts.iter().filter(|(name, _)| wanted(name)).for_each(|(_, part)| part(&shoal, scratch.path(), &file));
    fs::remove_file(&file).expect("can be removed");
    if wanted("tiny") {
        share_tiny(&shoal, scratch.path());
    }
    if wanted("huge") && !quick {
        resident(&shoal, scratch.path());
    }
    if wanted("million") && !quick {
        million::share_and_fetch(&shoal, scratch.path());
    }
}

/// Random bytes, so that nothing on the way can compress or skip them.
fn make(path: &Path, size: u64) {
    let mut rng = SeededRng::seed_from_u64(size);
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path).expect("can be made"));
    let mut block = vec![0; 1 << 20];
    for _ in 0..size >> 20 {
        rng.fill_bytes(&mut block);
        file.write_all(&block).expect("can be written");
    }
    file.into_inner().expect("can be written").sync_all().expect("can be synced");
}

fn transfer(shoal: &Path, scratch: &Path, file: &Path) {
    println!("\n1 GiB of random bytes, file to file over loopback, both sides on this machine");
    println!(
        "(shoal encrypts, verifies, journals and syncs; the plain copy hashes, and syncs where it says so)"
    );
    let (mut hashed, mut synced, mut ours, mut default) = (vec![], vec![], vec![], vec![]);
    for round in 0..PAIRS {
        // In turn, each one first now and then: the first one pays for what the last one left behind.
        for turn in 0..4 {
            match (round + turn) % 4 {
                0 => hashed.push(plain::copy(scratch, file, false, false)),
                1 => ours.push(shoal_once(shoal, scratch, file, &ON_LOOPBACK)),
                2 => default.push(shoal_once(shoal, scratch, file, &BY_ITSELF)),
                _ => synced.push(plain::copy(scratch, file, true, false)),
            }
        }
    }
    let rate = |wall: Duration| (GIB >> 20) as f64 / wall.as_secs_f64();
    let show = |what: &str, all: &[Measured]| {
        println!(
            "  {what:<28} {:>7.0} MiB/s   processor seconds per GiB: {:.2} sending, {:.2} receiving",
            rate(Duration::from_secs_f64(median(all.iter().map(|m| m.wall.as_secs_f64())))),
            median(all.iter().map(|m| m.sender)),
            median(all.iter().map(|m| m.receiver)),
        );
    };
    show("plain TCP + SHA-256", &hashed);
    show("plain TCP + SHA-256 + sync", &synced);
    show("shoal", &ours);
    show("shoal without options", &default);
    let ratio = |base: &[Measured]| {
        median(base.iter().zip(&ours).map(|(b, o)| b.wall.as_secs_f64() / o.wall.as_secs_f64()))
    };
    println!("  shoal's rate ÷ plain copy's: {:.2} (aim: at least 0.55)", ratio(&hashed));
    println!("  … ÷ plain copy's with sync:  {:.2}", ratio(&synced));
    let peak = |of: fn(&Measured) -> u64| ours.iter().map(of).max().unwrap_or(0) >> 20;
    println!(
        "  peak resident: {} MiB sending, {} MiB receiving",
        peak(|m| m.sender_rss),
        peak(|m| m.receiver_rss)
    );
}

fn far(shoal: &Path, scratch: &Path, file: &Path) {
    println!("\nthe same file over a gigabit line with a round trip of 100 ms");
    let pairs: Vec<_> = (0..PAIRS)
        .map(|_| (plain::copy(scratch, file, true, true).wall, over_far_line(shoal, scratch, file).0))
        .collect();
    let rates = pairs.iter().map(|(plain, ours)| plain.as_secs_f64() / ours.as_secs_f64());
    println!("  shoal's rate ÷ plain TCP's, with SHA-256 and sync: {:.2} (aim: at least 0.8)", median(rates));
    let small = scratch.join("small.bin");
    fs::write(&small, [7; 1024]).expect("can be written");
    let all: Vec<_> = (0..PAIRS).map(|_| over_far_line(shoal, scratch, &small)).collect();
    println!(
        "  1 KiB over it: {:.1} round trips from start to end of the process, {:.0} ms of processor time (aim: at most 10 and 60)",
        median(all.iter().map(|(wall, _)| wall.as_secs_f64() / 0.1)),
        median(all.iter().map(|(_, cpu)| cpu * 1e3)),
    );
}

fn several(shoal: &Path, scratch: &Path, file: &Path) {
    println!("\nthe same file from four seeds at once, beside one");
    let pairs: Vec<_> = (0..PAIRS)
        .map(|_| (from_several(shoal, scratch, file, 1), from_several(shoal, scratch, file, 4)))
        .collect();
    let ratio = median(pairs.iter().map(|(one, four)| four.as_secs_f64() / one.as_secs_f64()));
    println!("  time with four ÷ time with one: {ratio:.2} (aim: at most 1)");
}

fn share_large(shoal: &Path, _scratch: &Path, file: &Path) {
    println!("\nsharing 1 GiB, until the ticket is there");
    let pairs: Vec<_> = (0..PAIRS).map(|_| (plain::hash(file), time_to_share(shoal, file))).collect();
    let ratio = median(pairs.iter().map(|(plain, ours)| ours.as_secs_f64() / plain.as_secs_f64()));
    let seconds =
        |of: fn(&(Duration, Duration)) -> Duration| median(pairs.iter().map(|p| of(p).as_secs_f64()));
    println!(
        "  one pass of SHA-256 on one core: {:.2} s; share: {:.2} s",
        seconds(|p| p.0),
        seconds(|p| p.1)
    );
    println!("  share ÷ one pass: {ratio:.2} (aim: at most 0.8)");
}

fn share_tiny(shoal: &Path, scratch: &Path) {
    println!("\nsharing 10 000 files of 4 KiB, until the ticket is there");
    let folder = scratch.join("tiny");
    fs::create_dir(&folder).expect("can be made");
    let mut rng = SeededRng::seed_from_u64(1);
    let mut bytes = [0; 4096];
    for n in 0..10_000 {
        rng.fill_bytes(&mut bytes);
        fs::write(folder.join(format!("{n:05}")), bytes).expect("can be written");
    }
    let pairs: Vec<_> =
        (0..PAIRS).map(|_| (plain::read_all(&folder), time_to_share(shoal, &folder))).collect();
    let ratio = median(pairs.iter().map(|(plain, ours)| ours.as_secs_f64() / plain.as_secs_f64()));
    let ms =
        |of: fn(&(Duration, Duration)) -> Duration| median(pairs.iter().map(|p| of(p).as_secs_f64() * 1e3));
    println!("  reading them: {:.0} ms; share: {:.0} ms", ms(|p| p.0), ms(|p| p.1));
    println!("  share ÷ reading: {ratio:.2} (aim: at most 2)");
    fs::remove_dir_all(folder).expect("can be removed");
}

fn resident(shoal: &Path, scratch: &Path) {
    println!("\n8 GiB of random bytes");
    let file = scratch.join("huge.bin");
    make(&file, 8 * GIB);
    let measured = shoal_once(shoal, scratch, &file, &ON_LOOPBACK);
    println!(
        "  peak resident: {} MiB sending, {} MiB receiving (aim: under 100)",
        measured.sender_rss >> 20,
        measured.receiver_rss >> 20
    );
    println!(
        "  {:.0} MiB/s; processor seconds per GiB: {:.2} sending, {:.2} receiving",
        8192.0 / measured.wall.as_secs_f64(),
        measured.sender / 8.0,
        measured.receiver / 8.0
    );
}
