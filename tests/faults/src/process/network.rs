//! A line between two machines that loses packets, carries them one way, or none, and heals.

use std::time::Duration;

use rand::{RngExt, SeedableRng};
use shoal_engine::SeededRng;
use shoal_tests::netns::{Namespace, tool};
use shoal_tests::process::{Process, prepared, program};

use super::healing::comes_again;
use super::world::{CHUNKER, World, well};
use crate::tools::no_program;
use crate::{Card, Fault, Runs, Strike};

const CHUNKS: usize = 96;

/// What becomes of the line.
#[derive(Debug, Clone, Copy)]
enum Harm {
    /// Of a hundred packets, so many are lost each way.
    Loss(u32),
    /// Nothing comes from the seed.
    FromSeed,
    /// Nothing comes from the getter.
    FromGetter,
    /// Nothing goes either way, and nobody is told.
    Both,
    /// The cable is out.
    Down,
}

/// The network between a seed and a getter fails for some seconds.
pub(crate) struct BrokenNetwork;

impl Fault for BrokenNetwork {
    fn name(&self) -> &'static str {
        "broken_network"
    }

    fn card(&self) -> Card {
        Card {
            promises: "5",
            fault: "packets are lost, one way is shut, both are, or the cable is out, for 2 to 30 s",
            injected: "two network namespaces and a cable; nft drops packets, `ip link` pulls the cable",
            expected: "chunks come again within 30 s of healing, and the content is complete",
        }
    }

    fn runs(&self) -> Runs {
        Runs { few: 2, many: 60 }
    }

    fn missing(&self) -> Option<String> {
        let is_root = rustix::process::geteuid().is_root();
        (!is_root).then(|| "only root may make networks".to_owned()).or_else(|| no_program("nft", "-v"))
    }

    fn run(&self, seed: u64) -> Result<Strike, String> {
        let mut rng = SeededRng::seed_from_u64(seed);
        let world = World::new(CHUNKS, seed)?;
        let line = Line::make().map_err(|e| format!("{e:#}"))?;
        let (here, there) = (&line.here, &line.there);
        let text = |path: &std::path::Path| path.to_str().map(str::to_owned).ok_or("test paths are text");
        let share = ["share", &text(&world.from)?, "--no-upnp", "--chunker", CHUNKER, "--limit-up", "1MB"];
        let mut sharing = start(here, &share);
        let ticket = sharing.line("a ticket", |line| line.starts_with("shoal1"));
        let mut getter =
            start(there, &["get", &ticket, "-o", &text(&world.to)?, "--no-upnp", "--wait", "10m"]);
        getter.stored(rng.random_range(2..20));
        let harm = match seed % 5 {
            0 => Harm::Both,
            1 => Harm::FromSeed,
            2 => Harm::Down,
            3 => Harm::FromGetter,
            _ => Harm::Loss(rng.random_range(3..25)),
        };
        line.harm(harm).map_err(|e| format!("{e:#}"))?;
        // The time that the network is broken is what is injected.
        std::thread::sleep(Duration::from_secs(rng.random_range(2..if seed < 5 { 13 } else { 31 })));
        let struck = getter.is_running();
        line.heal().map_err(|e| format!("{e:#}"))?;
        let before = getter.count("chunk stored");
        comes_again(&mut getter, before, &harm)?;
        well(getter.end())?;
        world.arrived()?;
        Ok(Strike::of(struck))
    }
}

fn start(place: &Namespace, args: &[&str]) -> Process {
    let inside = place.command(&program("shoal"));
    let mut command = prepared(inside.get_program().as_ref(), inside.get_args());
    command.args(args).env("RUST_LOG", "warn,shoal_net=debug");
    Process::spawn(command)
}

/// Two machines and a cable.
struct Line {
    here: Namespace,
    there: Namespace,
}

impl Line {
    fn make() -> anyhow::Result<Self> {
        let (here, there) = (Namespace::new()?, Namespace::new()?);
        here.connect(&there, [&["10.9.0.1/24"], &["10.9.0.2/24"]])?;
        for place in [&here, &there] {
            nft(place, "add table inet fault")?;
            nft(place, "add chain inet fault in { type filter hook input priority 0 ; }")?;
        }
        Ok(Self { here, there })
    }

    fn harm(&self, harm: Harm) -> anyhow::Result<()> {
        let drop_at = |place: &Namespace| nft(place, "add rule inet fault in iif eth0 drop");
        match harm {
            Harm::Loss(of_hundred) => [&self.here, &self.there].into_iter().try_for_each(|place| {
                let rule =
                    format!("add rule inet fault in iif eth0 numgen random mod 100 < {of_hundred} drop");
                nft(place, &rule)
            }),
            Harm::FromSeed => drop_at(&self.there),
            Harm::FromGetter => drop_at(&self.here),
            Harm::Both => drop_at(&self.there).and_then(|()| drop_at(&self.here)),
            Harm::Down => self.there.ip("link set eth0 down"),
        }
    }

    fn heal(&self) -> anyhow::Result<()> {
        nft(&self.here, "flush chain inet fault in")?;
        nft(&self.there, "flush chain inet fault in")?;
        self.there.ip("link set eth0 up")
    }
}

fn nft(place: &Namespace, command: &str) -> anyhow::Result<()> {
    tool("ip", &format!("netns exec {} nft {command}", place.name())).map(drop)
}
