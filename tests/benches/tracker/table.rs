//! The registry alone, without a server.

use std::hint::black_box;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Context;
use libp2p::PeerId;
use rand::SeedableRng;
use shoal_engine::SeededRng;
use shoal_registry::{Registration, Registry, RegistryLimits};
use shoal_wire::tracker::Role;

use crate::system;

/// Tells a child what to be, and how many it is to hold.
const ROLE: &str = "SHOAL_BENCH_HOLD";
const NAMESPACES: usize = 1_000;
/// A signed record with a few addresses.
const RECORD: usize = 300;
const NOW: Duration = Duration::from_secs(1);

fn registry() -> Registry {
    let limits = RegistryLimits { total: 1 << 20, per_namespace: 1 << 20, ..RegistryLimits::default() };
    Registry::new(limits, SeededRng::seed_from_u64(1))
}

/// A valid id for each number.
fn peer(n: usize) -> PeerId {
    let digest = [&n.to_be_bytes(), [7; 24].as_slice()].concat();
    PeerId::from_bytes(&[&[0x12, 32], digest.as_slice()].concat()).expect("a SHA-256 multihash")
}

fn registration(n: usize, namespace: String, sequence: u64) -> Registration {
    Registration {
        peer: peer(n),
        namespace,
        record: vec![n as u8; RECORD].into(),
        sequence,
        addresses: n as u64,
        observed: None,
        prefixes: vec![],
        ttl: Some(7_200),
        role: [Some(Role::Seed), Some(Role::Downloader), None][n % 3],
    }
}

/// As long as those that Shoal uses: a content id.
fn namespace(n: usize) -> String {
    format!("shoal/bafyrei{n:052}")
}

/// Holds what it is told to hold, says so, and waits for its end.
pub(crate) fn ran_as_child() -> bool {
    let Ok(count) = std::env::var(ROLE) else { return false };
    let count: usize = count.parse().expect("a number");
    let before = system::resident(std::process::id());
    let mut registry = registry();
    for n in 0..count {
        registry.register(NOW, registration(n, namespace(n % NAMESPACES), 1)).expect("there is room");
    }
    println!("{} {before}", registry.len());
    // Until the other end is closed.
    let _ = std::io::stdin().read_line(&mut String::new());
    black_box(&registry);
    true
}

/// Each registration is of another peer and has a record of its own: the dearest case.
pub(crate) fn memory(count: usize) -> anyhow::Result<()> {
    println!(
        "\n{count} registrations in {NAMESPACES} namespaces, each of another peer, records of {RECORD} bytes"
    );
    let mut command = Command::new(std::env::current_exe()?);
    let mut child =
        command.env(ROLE, count.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().context("piped")?).read_line(&mut line)?;
    let (resident, peak) = (system::resident(child.id()), system::peak(child.id()));
    let (held, before) = line.trim().split_once(' ').context("it holds")?;
    println!(
        "  held: {held}; resident: {:.0} MiB, at most {:.0} MiB (aim: 200)",
        system::mib(resident),
        system::mib(peak)
    );
    let each = (resident - before.parse::<u64>()?) / count as u64;
    println!("  each takes {each} bytes, {RECORD} of them its record");
    drop(child.stdin.take());
    child.wait()?;
    Ok(())
}

pub(crate) fn discover() {
    const LIMIT: u64 = 50;
    const QUESTIONS: u32 = 20_000;
    println!("\nprocessor time of discover(limit {LIMIT}), mean of {QUESTIONS}");
    let mut registry = registry();
    let mut next = 0;
    for size in [50, 50_000] {
        for _ in 0..size {
            registry.register(NOW, registration(next, namespace(size), 1)).expect("there is room");
            next += 1;
        }
    }
    let mut ask = |size: usize| {
        let name = namespace(size);
        let start = system::own_processor();
        for _ in 0..QUESTIONS {
            let page = registry.discover(NOW, Some(&name), Some(LIMIT), None, None);
            assert_eq!(black_box(page).expect("answered").listings.len(), LIMIT as usize);
        }
        (system::own_processor() - start).as_secs_f64() / f64::from(QUESTIONS) * 1e6
    };
    // Once for the caches.
    ask(50);
    let (small, large) = (ask(50), ask(50_000));
    println!("  namespace of 50: {small:.1} µs; of 50 000: {large:.1} µs (aim: under 1000)");
    println!("  ratio: {:.2} (aim: at most 3)", large / small);
}

pub(crate) fn renew() {
    const TIMES: u64 = 100_000;
    println!("\none peer that renews {TIMES} times, with another record each time");
    let own = std::process::id();
    let mut registry = registry();
    let mut renew = |sequence| {
        let now = NOW + Duration::from_millis(sequence);
        registry.register(now, registration(1, namespace(1), sequence)).expect("renewed");
    };
    (1..1_000).for_each(&mut renew);
    let before = system::resident(own);
    (1_000..1_000 + TIMES).for_each(&mut renew);
    let after = system::resident(own);
    println!("  registrations held: {}", registry.len());
    println!("  memory taken: {:.2} MiB (aim: none)", system::mib(after.saturating_sub(before)));
}
