//! `shoal sim`: a roll-out before it happens.
//!
//! Runs the engine for a swarm of virtual peers in this process; no network, no files.

use std::time::Duration;

use anyhow::anyhow;
use bytesize::ByteSize;
use serde::Serialize;
use shoal_content::{Chunker, MAX_CHUNKS};
use shoal_sim::{Scenario, SimOutcome, Simulation};
use tokio_util::sync::CancellationToken;

use super::error::{CliError, Exit};
use super::human;
use super::meter::Meter;
use super::options::{TopologyArg, chunker};
use super::output::Output;

/// Columns of the curve where the terminal does not say how wide it is.
const WIDTH: usize = 72;
/// Lines of the curve.
const HEIGHT: usize = 12;
/// Events between two looks at the progress and at the signal to stop.
const EVENTS: usize = 20_000;

/// Simulate a swarm: how long a roll-out takes, and what it costs the seed
///
/// Virtual peers behind lines of the given rates fetch a content from one seed and from each other, by
/// the same decisions as real ones. The same seed number gives the same result on any machine.
#[derive(clap::Args)]
pub(super) struct Args {
    /// How many peers fetch it
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    peers: u32,
    /// Size of the content
    #[arg(long, default_value = "128MiB")]
    size: ByteSize,
    /// How it is cut, as for share: fastcdc:MIN:AVG:MAX or fixed:SIZE [default: as share cuts it]
    #[arg(long, value_name = "CHUNKER", value_parser = chunker)]
    chunker: Option<Chunker>,
    /// What each peer can send in a second, such as 12.5MB or 100mbit
    #[arg(long, value_name = "RATE", default_value = "100mbit", value_parser = shoal_daemon::parse_rate)]
    up: u64,
    /// What each peer can receive in a second
    #[arg(long, value_name = "RATE", default_value = "100mbit", value_parser = shoal_daemon::parse_rate)]
    down: u64,
    /// What the seed can send in a second [default: as the peers]
    #[arg(long, value_name = "RATE", value_parser = shoal_daemon::parse_rate)]
    seed_up: Option<u64>,
    /// From any peer to any other, one way
    #[arg(long, value_name = "TIME", default_value = "10ms", value_parser = simulated)]
    delay: Duration,
    /// Peers start this long after one another
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = simulated)]
    stagger: Duration,
    /// The seed goes when it has sent the content this many times
    #[arg(long, value_name = "TIMES")]
    seed_leaves_after: Option<f64>,
    /// Share of the peers that leave before they are complete, each replaced by a new one: 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    churn: f64,
    /// Share of the peers that send wrong bytes
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    corrupt: f64,
    /// Share of the peers that claim to have everything and send nothing
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    lying: f64,
    /// Share of the messages that are lost and sent again
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    loss: f64,
    /// Which peers may be fetched from
    #[arg(long, value_enum, default_value_t, hide_default_value = true)]
    topology: TopologyArg,
    /// What all that is random is drawn from
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
}

#[derive(Debug, Serialize)]
struct Report {
    peers: u32,
    bytes: u64,
    /// Seconds, as the next four.
    bound: f64,
    first: Option<f64>,
    median: Option<f64>,
    p95: Option<f64>,
    last: Option<f64>,
    last_over_bound: Option<f64>,
    complete: usize,
    incomplete: usize,
    left: usize,
    /// Times the content, with framing.
    seed_sent: f64,
    /// Shares of what was received.
    duplicates: f64,
    wasted: f64,
    control: f64,
    banned: usize,
    events: u64,
    trace: String,
    /// When each peer was complete: seconds since it started.
    times: Vec<f64>,
    /// Share of all bytes that have arrived, over time.
    progress: Vec<(f64, f64)>,
}

pub(super) async fn run(args: Args, output: &Output, stop: CancellationToken) -> Result<Exit, CliError> {
    let scenario = scenario(&args)?;
    let bar = output.status("simulating");
    let shown = bar.clone();
    // A swarm keeps a core busy for as long as it takes; signals are heard meanwhile.
    let played = tokio::task::spawn_blocking(move || play(scenario, &shown, &stop)).await;
    let outcome = played.map_err(anyhow::Error::from)?;
    bar.finish_and_clear();
    let Some(outcome) = outcome else {
        return Err(CliError { exit: Exit::Failed, error: anyhow!("stopped"), hint: None });
    };
    let report = report(args.peers, &outcome);
    output.data(&report, || text(&report, width()))?;
    Ok(if report.incomplete == 0 { Exit::Done } else { Exit::PartlyDone })
}

/// Reads a time that many others are added to.
fn simulated(text: &str) -> Result<Duration, String> {
    const MOST: Duration = Duration::from_secs(24 * 60 * 60);
    let time = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if time <= MOST { Ok(time) } else { Err("at most 1day here".into()) }
}

fn scenario(args: &Args) -> Result<Scenario, CliError> {
    if args.size.as_u64() == 0 {
        return Err(CliError::usage(anyhow!("--size must be more than nothing")));
    }
    let chunker = args.chunker.unwrap_or(Chunker::for_size(args.size.as_u64()));
    if args.size.as_u64() / u64::from(chunker.min_size()) > u64::from(MAX_CHUNKS) {
        return Err(CliError::usage(anyhow!("--size would come to more than {MAX_CHUNKS} chunks")));
    }
    if args.seed_leaves_after.is_some_and(|times| times.is_nan() || times <= 0.0) {
        return Err(CliError::usage(anyhow!("--seed-leaves-after must be more than 0")));
    }
    Ok(Scenario {
        peers: args.peers,
        size: args.size.as_u64(),
        chunker: args.chunker,
        seed_up: args.seed_up.unwrap_or(args.up),
        up: args.up,
        down: args.down,
        delay: args.delay,
        stagger: args.stagger,
        seed_leaves_after: args.seed_leaves_after,
        churn: args.churn,
        corrupt: args.corrupt,
        lying: args.lying,
        loss: args.loss,
        topology: args.topology.into(),
        seed: args.seed,
        ..Scenario::default()
    })
}

/// Runs to the end; `None` if it was stopped.
fn play(scenario: Scenario, bar: &Meter, stop: &CancellationToken) -> Option<SimOutcome> {
    let mut simulation = Simulation::new(scenario);
    while (0..EVENTS).all(|_| simulation.step()) {
        bar.set_message(format!("{}, {:.0} %", human::time(simulation.now()), simulation.done() * 100.0));
        bar.tick();
        if stop.is_cancelled() {
            return None;
        }
    }
    Some(simulation.outcome())
}

fn report(peers: u32, outcome: &SimOutcome) -> Report {
    let time = |q: f64| outcome.time(q).map(|t| t.as_secs_f64());
    let took = |c: &shoal_sim::Completion| c.at.saturating_sub(c.started).as_secs_f64();
    Report {
        peers,
        bytes: outcome.size,
        bound: outcome.bound.as_secs_f64(),
        first: time(0.0),
        median: time(0.5),
        p95: time(0.95),
        last: time(1.0),
        last_over_bound: outcome.last_over_bound(),
        complete: outcome.completions.len(),
        incomplete: outcome.incomplete,
        left: outcome.left,
        seed_sent: outcome.seed_amplification(),
        duplicates: outcome.duplicates(),
        wasted: outcome.wasted(),
        control: outcome.control(),
        banned: outcome.banned,
        events: outcome.events,
        trace: format!("{:016x}", outcome.trace),
        times: outcome.completions.iter().map(took).collect(),
        progress: outcome.progress.iter().map(|(at, done)| (at.as_secs_f64(), *done)).collect(),
    }
}

fn text(it: &Report, width: usize) -> String {
    let time = |name: &str, seconds: Option<f64>| match seconds {
        Some(seconds) => format!("{name:<10}{seconds:>9.1} s {:>8.2} × bound", seconds / it.bound),
        None => format!("{name:<10}{:>9}", "never"),
    };
    let mut lines = vec![
        format!("{:<10}{:>9.1} s   no protocol is faster", "bound", it.bound),
        time("first", it.first),
        time("median", it.median),
        time("p95", it.p95),
        time("last", it.last),
        format!("{:<10}{:>9.2} × the content, headers included", "seed sent", it.seed_sent),
        format!("{:<10}{:>9.2} %", "duplicates", it.duplicates * 100.0),
        format!("{:<10}{:>9.2} %", "wasted", it.wasted * 100.0),
        format!("{:<10}{:>9.2} %", "messages", it.control * 100.0),
    ];
    if it.left + it.banned > 0 {
        lines.push(format!("{} left early, {} sent wrong bytes and were banned", it.left, it.banned));
    }
    if it.incomplete > 0 {
        lines.push(format!("{} of {} never complete", it.incomplete, it.incomplete + it.complete));
    }
    lines.push(String::new());
    lines.extend(curve(it, width));
    lines.join("\n")
}

/// Two curves over time: bytes that have arrived as `.`, peers that are complete as `#`.
fn curve(it: &Report, width: usize) -> Vec<String> {
    let (last_sample, last_time) = (it.progress.last().map(|p| p.0), it.times.last().copied());
    let end = last_sample.into_iter().chain(last_time).fold(it.bound, f64::max);
    let columns = width.saturating_sub(7).max(10);
    // The last column is the end itself, not what rounding makes of it.
    let at =
        |column: usize| if column + 1 == columns { end } else { end * (column + 1) as f64 / columns as f64 };
    let peers = (it.complete + it.incomplete).max(1) as f64;
    let complete = |time: f64| it.times.partition_point(|t| *t <= time) as f64 / peers;
    let arrived = |time: f64| {
        let next = it.progress.partition_point(|(t, _)| *t <= time);
        next.checked_sub(1).and_then(|n| it.progress.get(n)).map_or(0.0, |(_, done)| *done)
    };
    let mut lines: Vec<String> = (0..HEIGHT)
        .rev()
        .map(|row| {
            let level = (row as f64 + 0.5) / HEIGHT as f64;
            let mark = |column| match at(column) {
                time if complete(time) >= level => '#',
                time if arrived(time) >= level => '.',
                _ => ' ',
            };
            let marks: String = (0..columns).map(mark).collect();
            let label = match row + 1 {
                HEIGHT => "100 %",
                row if row == HEIGHT / 2 => " 50 %",
                _ => "",
            };
            format!("{label:>5} |{}", marks.trim_end())
        })
        .collect();
    lines.push(format!("      +{}", "-".repeat(columns)));
    let end = format!("{end:.1} s");
    lines.push(format!("       0{end:>space$}", space = columns.saturating_sub(1)));
    lines.push("       # peers that are complete   . bytes that have arrived".into());
    lines
}

/// The width of the terminal that is written to.
fn width() -> usize {
    let size = rustix::termios::tcgetwinsize(std::io::stdout());
    size.ok().map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0).unwrap_or(WIDTH)
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse::<f64>().map_err(|error| error.to_string())?;
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err("not between 0 and 1".into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_between_0_and_1() {
        assert_eq!(share("0.2"), Ok(0.2));
        assert!(share("1.1").is_err() && share("NaN").is_err());
    }

    #[test]
    fn the_curve_rises_from_the_left_to_the_right() {
        let scenario = Scenario { size: 8 << 20, ..Scenario::default() };
        let report = report(8, &shoal_sim::run(&scenario));
        let lines = curve(&report, 60);
        assert_eq!(lines.len(), HEIGHT + 3);
        assert!(lines[0].starts_with("100 % |") && lines[0].ends_with('#'));
        let marks = |line: &String| line.chars().filter(|c| "#.".contains(*c)).count();
        assert!(lines[..HEIGHT].windows(2).all(|w| marks(&w[0]) <= marks(&w[1])), "{lines:#?}");
        assert!(lines.iter().all(|line| line.chars().count() <= 60));
    }
}
