//! A connection that is delayed, stops, is half-closed or cut, and heals.

use std::time::Duration;

use rand::{RngExt, SeedableRng};
use shoal_engine::SeededRng;
use shoal_tests::process::{get, share};

use super::healing::{by_way_of, comes_again};
use super::relay::{Mode, Relay};
use super::world::{CHUNKER, World, port, well};
use crate::{Card, Fault, Runs, Strike};

const CHUNKS: usize = 64;

/// The connection between a getter and a seed goes wrong for some seconds.
pub(crate) struct BrokenStream;

impl Fault for BrokenStream {
    fn name(&self) -> &'static str {
        "broken_stream"
    }

    fn card(&self) -> Card {
        Card {
            promises: "5",
            fault: "a connection is delayed, stops one way or both, is half-closed, or is cut and refused, for 1 to 15 s",
            injected: "a TCP relay of the test's, told by the seed",
            expected: "chunks come again within 30 s of healing, and the content is complete",
        }
    }

    fn runs(&self) -> Runs {
        Runs { few: 3, many: 120 }
    }

    fn run(&self, seed: u64) -> Result<Strike, String> {
        let mut rng = SeededRng::seed_from_u64(seed);
        let world = World::new(CHUNKS, seed)?;
        let (_sharing, ticket) = share(&world.from, &["--chunker", CHUNKER, "--limit-up", "1MB"]);
        let port = port(&ticket)?;
        let relay = Relay::to(port).map_err(|e| e.to_string())?;
        let mut getter = get(&by_way_of(&ticket, port, relay.port)?, &world.to, &["--wait", "5m"]);
        getter.stored(rng.random_range(2..20));
        let delay = Duration::from_millis(rng.random_range(5..60));
        let modes = [
            Mode::StoppedDown,
            Mode::Cut,
            Mode::HalfClosed,
            Mode::Stopped,
            Mode::StoppedUp,
            Mode::Delayed(delay),
        ];
        let mode = modes[(seed % 6) as usize];
        relay.set(mode);
        // The time that the connection is broken is what is injected.
        std::thread::sleep(Duration::from_millis(
            rng.random_range(1000..if seed < 6 { 5000 } else { 15_000 }),
        ));
        let struck = getter.is_running();
        relay.set(Mode::Well);
        let before = getter.count("chunk stored");
        comes_again(&mut getter, before, &mode)?;
        well(getter.end())?;
        world.arrived()?;
        Ok(Strike::of(struck))
    }
}
