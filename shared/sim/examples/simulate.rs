//! Simulates swarms and prints what came of them: `simulate PEERS MIB [SEED]`.

use std::time::{Duration, Instant};

use shoal_content::Chunker;
use shoal_sim::{Scenario, Simulation};

/// As the program `shoal` has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let numbers: Vec<u64> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    let number = |at: usize, or: u64| numbers.get(at).copied().unwrap_or(or);
    let mut scenario = Scenario {
        peers: number(0, 8) as u32,
        size: number(1, 128) << 20,
        seed: number(2, 1),
        ..Scenario::default()
    };
    for arg in std::env::args().skip(1) {
        let Some((key, value)) = arg.split_once('=') else { continue };
        let value: f64 = value.parse().expect("a number");
        match key {
            "leaves" => scenario.seed_leaves_after = Some(value),
            "churn" => scenario.churn = value,
            "corrupt" => scenario.corrupt = value,
            "lying" => scenario.lying = value,
            "loss" => scenario.loss = value,
            "piece" => scenario.piece = Some(value as u32),
            "delay" => scenario.delay = Duration::from_secs_f64(value / 1e3),
            "stagger" => scenario.stagger = Duration::from_secs_f64(value),
            "sought" => scenario.sought = value as usize,
            "accepted" => scenario.accepted = value as usize,
            "up" => scenario.up = value as u64,
            "down" => scenario.down = value as u64,
            "seed_up" => scenario.seed_up = value as u64,
            "grace" => scenario.download.seed_grace = Duration::from_secs_f64(value / 1e3),
            "star" => scenario.topology = shoal_engine::Topology::Star,
            "chunk" => scenario.chunker = Some(Chunker::Fixed { size: value as u32 }),
            "in_flight" => scenario.download.max_in_flight = value as usize,
            "slots" => scenario.upload.slots = Some(value as usize),
            other => panic!("what is {other}?"),
        }
    }
    let start = Instant::now();
    let mut simulation = Simulation::new(scenario);
    let mut next = start + Duration::from_secs(10);
    let mut mark = 0;
    let curve = std::env::var_os("CURVE").is_some();
    while simulation.step() {
        if curve && simulation.now().as_secs() > mark {
            mark = simulation.now().as_secs();
            eprint!("{:.1} ", simulation.done() * 100.0);
        }
        if Instant::now() > next {
            next += Duration::from_secs(10);
            eprintln!("{:?} {:.1} %", simulation.now(), simulation.done() * 100.0);
        }
    }
    let o = simulation.outcome();
    let seconds = |q: f64| o.time(q).unwrap_or_default().as_secs_f64();
    let bound = o.bound.as_secs_f64();
    println!(
        "bound {bound:.2} s; first {:.3} median {:.3} p95 {:.3} last {:.3} × bound; incomplete {} left {} banned {}",
        seconds(0.0) / bound,
        seconds(0.5) / bound,
        seconds(0.95) / bound,
        seconds(1.0) / bound,
        o.incomplete,
        o.left,
        o.banned
    );
    println!(
        "seed × {:.3}; duplicates {:.2} %; wasted {:.2} %; control {:.2} % (news {:.2} %); twice {}; most in flight {}",
        o.seed_amplification(),
        o.duplicates() * 100.0,
        o.wasted() * 100.0,
        o.control() * 100.0,
        o.traffic.news as f64 / o.traffic.received as f64 * 100.0,
        o.asked_twice,
        o.most_in_flight
    );
    println!("{} events, {:.2?}, trace {:016x}", o.events, start.elapsed(), o.trace);
}
