//! `shoal tracker stats`.

use serde::Serialize;
use shoal_printable::Printable;
use shoal_wire::tracker::Stats;

use super::super::error::{CliError, Exit};
use super::super::human;
use super::super::output::Output;
use super::points::PointArgs;
use shoal_net::TrackerClient;

/// Show a rendezvous point's own counters
///
/// Counters are since its start. --json shows each of them.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    points: PointArgs,
}

#[derive(Serialize)]
struct Shown {
    tracker: String,
    stats: Stats,
}

pub(super) async fn run(args: Args, output: &Output) -> Result<Exit, CliError> {
    for answer in
        args.points.ask(output, |tracker: TrackerClient| async move { tracker.stats().await }).await?
    {
        let shown = Shown { tracker: answer.tracker.to_string(), stats: answer.said };
        output.data(&shown, || text(&shown))?;
    }
    Ok(Exit::Done)
}

fn text(shown: &Shown) -> String {
    let Stats { uptime, current, version, refusals, registry, requests } = &shown.stats;
    let asked = [
        ("find", requests.find),
        ("get", requests.get),
        ("peers", requests.peers),
        ("publish", requests.publish),
        ("put", requests.put),
        ("report", requests.report),
        ("role", requests.role),
        ("stats", requests.stats),
        ("swarm", requests.swarm),
        ("withdraw", requests.withdraw),
    ];
    let refused = [
        ("busy", refusals.busy),
        ("quota", refusals.quota),
        ("too often", refusals.limited),
        ("not found", refusals.not_found),
        ("not registered", refusals.not_registered),
        ("too large", refusals.too_large),
        ("senseless", refusals.bad_request),
    ];
    let ended = [
        ("unregistered", registry.unregistered),
        ("expired", registry.expired),
        ("gone", registry.gone),
        ("dead", registry.dead),
    ];
    let came = [("new", registry.registered), ("renewed", registry.renewed), ("refused", registry.refused)];
    let questions = [("answered", registry.discovered), ("refused", registry.discover_refused)];
    let reports = [("probed", registry.probes), ("ignored", registry.reports_limited)];
    [
        format!("tracker        {}", shown.tracker),
        format!(
            "version        {}, up {}",
            Printable(version),
            human::time(std::time::Duration::from_secs(*uptime))
        ),
        format!(
            "registrations  {} of {} in {}",
            current.registrations,
            human::count(current.peers, "peer"),
            human::count(current.namespaces, "namespace")
        ),
        format!("  came         {}", counts(&came)),
        format!("  ended        {}", counts(&ended)),
        format!("discoveries    {}", counts(&questions)),
        format!("reports        {}", counts(&reports)),
        format!("published      {}", current.entries),
        format!("payloads       {}, {}", current.payloads, human::bytes(current.payload_bytes)),
        format!("requests       {}", counts(&asked)),
        format!("  refused      {}", counts(&refused)),
    ]
    .join("\n")
}

fn counts(all: &[(&str, u64)]) -> String {
    all.iter().map(|(name, n)| format!("{name} {n}")).collect::<Vec<_>>().join(", ")
}
