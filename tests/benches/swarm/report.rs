//! What is printed: a line of figures for each set-up, and remarks below it.

use serde::Serialize;
use serde_json::json;
use shoal_tests::programs::Programs;

use crate::args::Args;
use crate::lab::Ground;
use crate::run::Run;
use crate::scenario::{Scenario, last};

/// The figures of one run, or the medians of several.
#[derive(Serialize)]
struct Figures {
    /// Of those that count.
    done: f64,
    getters: usize,
    bound: f64,
    /// Only if all were done, like the ratio.
    last: Option<f64>,
    ratio: Option<f64>,
    first: Option<f64>,
    median: Option<f64>,
    /// Times the content.
    seed_sent: f64,
    /// Times the content, mean of the nodes that completed.
    received: Option<f64>,
    /// Of what was fetched.
    duplicate: f64,
    cpu: f64,
    cpu_seed: f64,
    /// Bytes.
    rss: u64,
}

/// Says what is measured and how to read it.
pub(crate) fn begin(args: &Args, programs: &Programs, ground: &Ground) -> anyhow::Result<()> {
    if args.json {
        return Ok(());
    }
    let rate = args.rate;
    println!("{}, links of {rate} Mbit/s unless said otherwise", programs.version()?);
    match ground {
        Ground::Shaped { cubic } => {
            let control = if *cubic { "cubic" } else { "this machine's congestion control" };
            println!("a namespace for each node, shaped links, {control}; bytes on the line, with headers");
        }
        Ground::Loopback { why } => {
            println!("FALLBACK ({why}): loopback, and the program's own limits");
            println!("bytes are those of chunks, as getters tell; no headers");
        }
    }
    println!(
        "seconds from the first start; sent and received as multiples of the content; processor seconds"
    );
    println!(
        "{:<18} {:>5} {:>10} {:>7} {:>7} {:>7} {:>7} {:>9} {:>9} {:>10} {:>7} {:>7} {:>8}",
        "",
        "done",
        "last÷bound",
        "last",
        "bound",
        "first",
        "median",
        "seed sent",
        "received",
        "duplicates",
        "proc.",
        "…seed",
        "MiB most"
    );
    Ok(())
}

/// Prints what came out. Each round holds the same runs.
pub(crate) fn scenario(scenario: Scenario, rounds: &[Vec<Run>], as_json: bool) -> anyhow::Result<()> {
    let runs = rounds.first().map_or(0, Vec::len);
    for at in 0..runs {
        let same: Vec<&Run> = rounds.iter().filter_map(|round| round.get(at)).collect();
        let all: Vec<Figures> = same.iter().map(|run| figures(run)).collect();
        let label = &same[0].label;
        if as_json {
            let line = json!({ "scenario": label, "median": medians(&all), "figures": all, "runs": same });
            println!("{line}");
        } else {
            show(label, &medians(&all));
            if all.len() > 1 {
                let ratios: Vec<_> = all.iter().map(|f| number(f.ratio, 2)).collect();
                println!("    last÷bound of each run: {}", ratios.join(" "));
            }
        }
    }
    // With JSON they go to stderr, beside the data rather than into it.
    for remark in rounds.iter().flat_map(|round| scenario.remarks(round)) {
        if as_json { eprintln!("{remark}") } else { println!("    {remark}") }
    }
    Ok(())
}

fn show(label: &str, f: &Figures) {
    println!(
        "{label:<18} {:>5} {:>10} {:>7} {:>7.2} {:>7} {:>7} {:>9.2} {:>9} {:>8.2} % {:>7.1} {:>7.1} {:>8}",
        format!("{}/{}", f.done, f.getters),
        number(f.ratio, 2),
        number(f.last, 2),
        f.bound,
        number(f.first, 2),
        number(f.median, 2),
        f.seed_sent,
        number(f.received, 3),
        f.duplicate * 100.0,
        f.cpu,
        f.cpu_seed,
        f.rss >> 20,
    );
}

fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "–".to_owned(), |v| format!("{v:.digits$}"))
}

fn figures(run: &Run) -> Figures {
    let size = run.size as f64;
    let counted = || run.getters.iter().filter(|g| g.counts());
    let times: Vec<f64> = counted().filter_map(|g| g.done()).collect();
    let last = last(run);
    let told = || run.getters.iter().filter_map(|g| g.told.as_ref());
    let fetched: u64 = told().map(|t| t.fetched).sum();
    let complete = counted().filter(|g| g.done().is_some());
    let received: Vec<f64> = complete.filter_map(|g| g.received).map(|b| b as f64 / size).collect();
    Figures {
        done: times.len() as f64,
        getters: counted().count(),
        bound: run.bound,
        last,
        ratio: last.map(|last| last / run.bound),
        first: times.iter().copied().reduce(f64::min),
        median: median(times),
        seed_sent: run.seed_sent as f64 / size,
        received: mean(&received),
        duplicate: told().map(|t| t.duplicate).sum::<u64>() as f64 / fetched.max(1) as f64,
        cpu: run.cpu,
        cpu_seed: run.cpu_seed,
        rss: run.rss,
    }
}

fn medians(all: &[Figures]) -> Figures {
    let of = |get: fn(&Figures) -> f64| median(all.iter().map(get).collect()).unwrap_or(0.0);
    // A median over some of the runs would hide that the others failed.
    let whole =
        |get: fn(&Figures) -> Option<f64>| all.iter().map(get).collect::<Option<Vec<f64>>>().and_then(median);
    Figures {
        done: of(|f| f.done),
        getters: all.first().map_or(0, |f| f.getters),
        bound: of(|f| f.bound),
        last: whole(|f| f.last),
        ratio: whole(|f| f.ratio),
        first: whole(|f| f.first),
        median: whole(|f| f.median),
        seed_sent: of(|f| f.seed_sent),
        received: whole(|f| f.received),
        duplicate: of(|f| f.duplicate),
        cpu: of(|f| f.cpu),
        cpu_seed: of(|f| f.cpu_seed),
        rss: all.iter().map(|f| f.rss).max().unwrap_or(0),
    }
}

fn mean(figures: &[f64]) -> Option<f64> {
    (!figures.is_empty()).then(|| figures.iter().sum::<f64>() / figures.len() as f64)
}

fn median(mut figures: Vec<f64>) -> Option<f64> {
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    match figures.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(figures[middle]),
        _ => Some((figures[middle - 1] + figures[middle]) / 2.0),
    }
}
