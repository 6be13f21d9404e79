//! QUIC over a line that loses, doubles and reorders datagrams, and heals.

use std::time::Duration;

use rand::{RngExt, SeedableRng};
use shoal_engine::SeededRng;
use shoal_tests::process::{Process, get};

use super::datagrams::{DatagramLine, Harm};
use super::healing::{by_way_of, comes_again};
use super::world::{CHUNKER, World, port_of, well};
use crate::{Card, Fault, Runs, Strike};

const CHUNKS: usize = 112;
const QUIC: &str = "/ip4/127.0.0.1/udp/0/quic-v1";

/// The datagrams between a getter and a seed go astray for some seconds.
pub(crate) struct BrokenDatagrams;

impl Fault for BrokenDatagrams {
    fn name(&self) -> &'static str {
        "broken_datagrams"
    }

    fn card(&self) -> Card {
        Card {
            promises: "5",
            fault: "datagrams of QUIC arrive twice, in another order, or not at all, for 1 to 15 s",
            injected: "a UDP relay of the test's, told by the seed",
            expected: "chunks come also meanwhile, unless none arrives; they come again within 30 s of healing; the content is \
                       complete, and nobody is blamed",
        }
    }

    fn runs(&self) -> Runs {
        Runs { few: 3, many: 120 }
    }

    fn run(&self, seed: u64) -> Result<Strike, String> {
        let mut rng = SeededRng::seed_from_u64(seed);
        let world = World::new(CHUNKS, seed)?;
        let from = world.from.to_str().ok_or("test paths are text")?;
        let more = ["--chunker", CHUNKER, "--limit-up", "1MB"];
        let mut sharing = Process::start("shoal", ["share", from, "--listen", QUIC].iter().chain(&more));
        let ticket = sharing.line("a ticket", |line| line.starts_with("shoal1"));
        let port = port_of(&ticket, "udp")?;
        let line = DatagramLine::to(port, seed).map_err(|e| e.to_string())?;
        let mut getter = get(&by_way_of(&ticket, port, line.port)?, &world.to, &["--wait", "5m"]);
        getter.stored(rng.random_range(2..16));
        let harm = harm(seed, &mut rng);
        let before = getter.count("chunk stored");
        line.set(harm);
        // Of a line that carries nothing, QUIC thinks that it is gone after ten seconds.
        let longest = if harm.lost == 100 { 11_000..15_000 } else { 1000..5000 };
        // The time that the line is broken is what is injected.
        std::thread::sleep(Duration::from_millis(rng.random_range(longest)));
        if harm.lost < 100 {
            comes_again(&mut getter, before, &harm)?;
        }
        let struck = getter.is_running() && line.harmed() > 0;
        line.set(Harm::default());
        let before = getter.count("chunk stored");
        comes_again(&mut getter, before, &harm)?;
        let got = well(getter.end())?;
        world.arrived()?;
        if got.stderr.contains("banned") {
            return Err(format!("somebody is blamed after {harm:?}: {}", got.stderr));
        }
        Ok(Strike::of(struck))
    }
}

fn harm(seed: u64, rng: &mut SeededRng) -> Harm {
    let none = Harm::default();
    match seed % 5 {
        0 => Harm { lost: 5, twice: 20, late: 20 },
        1 => Harm { lost: 100, ..none },
        2 => Harm { twice: rng.random_range(10..60), late: rng.random_range(10..60), ..none },
        3 => Harm { lost: rng.random_range(1..15), ..none },
        _ => Harm { late: rng.random_range(10..90), ..none },
    }
}
