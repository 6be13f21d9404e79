//! Simulates a store whose nodes vanish and are replaced, and says what became of the contents.
//!
//! `cargo run --release -p shoal-sim --example store` is the large one: 1 000 nodes of which 10 % vanish in an hour, 1 000
//! contents, a week. `-- --nodes 100 --contents 50 --hours 24 --copies 3 --vanish 0.1 --seed 1` makes another one.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use shoal_sim::{StoreNetwork, StoreOutcome, StoreScenario};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const HOUR: Duration = Duration::from_secs(3600);
const GIB: f64 = (1_u64 << 30) as f64;

fn main() -> ExitCode {
    match scenario() {
        Ok(scenario) => play(scenario),
        Err(what) => {
            eprintln!("store: {what}");
            ExitCode::from(2)
        }
    }
}

fn scenario() -> Result<StoreScenario, String> {
    let mut scenario = StoreScenario::default();
    let mut args = std::env::args().skip(1);
    while let Some(name) = args.next() {
        let value = args.next().ok_or_else(|| format!("{name} needs a value"))?;
        let bad = |_| format!("{name} {value} is no number");
        let number = || value.parse::<u32>().map_err(|error| bad(error.to_string()));
        match name.as_str() {
            "--nodes" => scenario.nodes = number()?.max(1) as usize,
            "--contents" => scenario.contents = number()? as usize,
            "--copies" => scenario.copies = number()?.clamp(1, 16) as u8,
            "--hours" => scenario.lasts = HOUR * number()?,
            "--seed" => scenario.seed = number()?.into(),
            "--vanish" => {
                scenario.vanish_per_hour =
                    value.parse().map_err(|error: std::num::ParseFloatError| bad(error.to_string()))?;
            }
            _ => return Err(format!("there is no option {name}")),
        }
    }
    Ok(scenario)
}

fn play(scenario: StoreScenario) -> ExitCode {
    let start = Instant::now();
    let mut network = StoreNetwork::new(scenario.clone());
    let mut hours = 0;
    while network.step() {
        let now = network.now().as_secs() / 3600;
        if now >= hours + 12 {
            hours = now;
            eprintln!("{hours} hours, after {:.0?}", start.elapsed());
        }
    }
    let outcome = network.finish();
    show(&scenario, &outcome);
    ExitCode::from(u8::from(outcome.lost > 0))
}

fn show(scenario: &StoreScenario, outcome: &StoreOutcome) {
    let hourly = scenario.vanish_per_hour * f64::from(scenario.copies);
    println!(
        "{} nodes, {} contents of {} copies, seed {}",
        scenario.nodes, scenario.contents, scenario.copies, scenario.seed
    );
    println!("simulated          {:.0} hours", scenario.lasts.as_secs_f64() / 3600.0);
    println!("nodes vanished     {}, with {} copies", outcome.vanished, outcome.copies_vanished);
    println!("contents placed    {}, {:.1} GiB moved", outcome.contents, outcome.placed as f64 / GIB);
    println!("lost               {}", outcome.lost);
    println!(
        "all copies there   {} at the end; never fewer than {} of any",
        outcome.whole,
        outcome.fewest.min(scenario.copies.into())
    );
    println!("copies made again  {}, {:.1} GiB moved", outcome.copies_made, outcome.repaired as f64 / GIB);
    println!(
        "a copy was missing {:.0?} on average, {:.0?} at most",
        outcome.mean_short, outcome.longest_short
    );
    if hourly > 0.0 {
        println!(
            "between losses     {:.0?} on average for a content",
            Duration::from_secs_f64(3600.0 / hourly)
        );
    }
    println!("questions          {}", outcome.questions);
}
