//! What is shown parses, is named as Prometheus wants it, and is what the dashboard asks for.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use shoal_content::{ContentId, Hash};
use shoal_net::{FetchOptions, Node, NodeConfig, SwarmMetrics};

use super::encoding::{NodeFigures, StateCounts, encode_all, registry};

/// All families of a text: their names without suffixes, their kinds, and the names of their lines.
struct Exposition {
    kinds: BTreeMap<String, String>,
    units: BTreeMap<String, String>,
    samples: BTreeSet<String>,
    labels: BTreeSet<String>,
}

/// Reads a text of the OpenMetrics format, and fails where it is none.
fn parse(text: &str) -> Exposition {
    let mut all = Exposition {
        kinds: BTreeMap::new(),
        units: BTreeMap::new(),
        samples: BTreeSet::new(),
        labels: BTreeSet::new(),
    };
    assert!(text.ends_with("# EOF\n"), "{text}");
    for line in text.lines().filter(|line| *line != "# EOF") {
        if let Some(rest) = line.strip_prefix("# ") {
            let mut words = rest.splitn(3, ' ');
            let (what, name, value) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
            match what {
                "HELP" => assert!(!value.is_empty(), "{line}"),
                "TYPE" => assert!(all.kinds.insert(name.into(), value.into()).is_none(), "twice: {line}"),
                "UNIT" => drop(all.units.insert(name.into(), value.into())),
                _ => panic!("{line}"),
            }
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line}"));
        assert!(value.parse::<f64>().is_ok(), "{line}");
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        all.samples.insert(name.into());
        let labels = labels.strip_suffix('}').unwrap_or_else(|| panic!("{line}"));
        all.labels.extend(labels.split(',').filter_map(|label| Some(label.split_once('=')?.0.to_owned())));
    }
    all
}

fn figures() -> NodeFigures {
    NodeFigures {
        uptime: Duration::from_secs(90),
        sent: 5,
        connections: 3,
        limit_up: Some(100),
        contents: StateCounts { serving: 2, ..StateCounts::default() },
        ..NodeFigures::default()
    }
}

/// What a node shows, with libp2p's own figures, once a dial has failed: before that some have no line.
async fn with_libp2p() -> String {
    let metrics = SwarmMetrics::default();
    let listen = vec!["/ip4/127.0.0.1/tcp/0".parse().unwrap()];
    let config = NodeConfig { listen, metrics: Some(metrics.clone()), ..NodeConfig::default() };
    let node = Node::start(config).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    // Nothing listens there any more.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let peers = vec![format!("/ip4/127.0.0.1/tcp/{port}").parse().unwrap()];
    let content = ContentId::from_root_hash(Hash::of(b"nobody has it"));
    let _fetching = node.fetch(FetchOptions { peers, ..FetchOptions::new(content, dir.path()) }).unwrap();
    let shown = || encode_all([&registry(Arc::new(figures)), metrics.registry()]).unwrap();
    let failed = async {
        while !shown().contains("outgoing_connection_error_total") {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), failed).await.expect("the dial fails");
    shown()
}

fn own() -> String {
    encode_all([&registry(Arc::new(figures))]).unwrap()
}

#[test]
fn figures_are_those_of_the_moment() {
    let text = own();
    for line in [
        "shoal_sent_bytes_total 5",
        "shoal_connections 3.0",
        "shoal_uptime_seconds 90.0",
        "shoal_limit_bytes_per_second{direction=\"up\"} 100.0",
        "shoal_contents{state=\"serving\"} 2.0",
        "shoal_contents{state=\"failed\"} 0.0",
        "# TYPE shoal_sent_bytes counter",
    ] {
        assert!(text.lines().any(|other| other == line), "{line}:\n{text}");
    }
    assert!(text.contains("shoal_build_info{version=\""), "{text}");
    assert!(!text.contains("direction=\"down\""), "there is no such limit");
}

#[tokio::test]
async fn every_name_follows_the_conventions() {
    let shown = parse(&with_libp2p().await);
    assert!(shown.kinds.len() > 20, "{:?}", shown.kinds);
    let is_snake =
        |name: &str| name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    for (name, kind) in &shown.kinds {
        assert!(is_snake(name) && !name.contains("__"), "{name}");
        assert!(name.starts_with("shoal_") || name.starts_with("libp2p_"), "{name}");
        if name.starts_with("shoal_") && kind == "counter" {
            let total = format!("{name}_total");
            assert!(shown.samples.contains(&total), "{name} counts, and has no line that says so");
        }
    }
    for (name, unit) in &shown.units {
        assert!(name.ends_with(&format!("_{unit}")), "{name} does not end with its unit {unit}");
    }
    // None of them names a peer, a content or an address.
    let names: Vec<_> = ["direction", "state", "version"].map(String::from).into();
    let text = own();
    assert_eq!(parse(&text).labels.into_iter().collect::<Vec<_>>(), names);
}

#[tokio::test]
async fn the_dashboard_asks_for_what_exists() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/grafana/shoal-node.json");
    let text = std::fs::read_to_string(path).unwrap();
    let dashboard: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(dashboard["title"].as_str().unwrap().contains("Shoal"));
    let shown = parse(&with_libp2p().await);
    // A family that has no line yet is known by its name alone.
    let counters = shown.kinds.keys().map(|name| format!("{name}_total"));
    let known: BTreeSet<String> =
        shown.samples.iter().cloned().chain(shown.kinds.keys().cloned()).chain(counters).collect();
    let panels = dashboard["panels"].as_array().unwrap();
    let mut asked = BTreeSet::new();
    for panel in panels {
        let targets = panel["targets"].as_array().unwrap();
        assert!(!targets.is_empty(), "{panel}");
        for target in targets {
            let expression = target["expr"].as_str().unwrap();
            let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            let names: Vec<_> =
                words.filter(|word| word.starts_with("shoal_") || word.starts_with("libp2p_")).collect();
            assert!(!names.is_empty(), "{expression}");
            asked.extend(names.into_iter().map(String::from));
        }
    }
    let unknown: Vec<_> = asked.difference(&known).collect();
    assert!(unknown.is_empty(), "the dashboard asks for what does not exist: {unknown:?}");
    assert!(asked.len() >= 12, "{asked:?}");
}
