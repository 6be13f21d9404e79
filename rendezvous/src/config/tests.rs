use clap::Parser;

use super::*;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    options: Options,
}

fn line(words: &[&str]) -> Options {
    Line::try_parse_from(["x"].iter().chain(words)).unwrap().options
}

fn file(text: &str) -> Result<Options, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    std::fs::write(&path, text).unwrap();
    Options::from_file(&path)
}

fn complete(options: Options) -> TrackerConfig {
    options.or_data("/data".as_ref()).complete().unwrap()
}

/// The example that is shipped, with every line that holds an option switched on.
fn example(all: bool) -> String {
    let text = include_str!("../../../packaging/shoal-rendezvous.toml");
    let switch_on = |line: &str| match line.strip_prefix('#') {
        Some(option) if all && !option.starts_with(' ') => option.to_owned(),
        _ => line.to_owned(),
    };
    text.lines().map(|line| switch_on(line) + "\n").collect()
}

#[test]
fn the_example_says_what_holds_without_it() {
    let plain = complete(Options::default()).to_toml();
    assert_eq!(complete(file(&example(false)).unwrap()).to_toml(), plain);
    // What has no default is an example there.
    let mut all = complete(file(&example(true)).unwrap());
    assert!(!all.external.is_empty() && all.metrics.is_some() && all.log.is_some());
    (all.external, all.metrics, all.log) = (vec![], None, None);
    assert_eq!(all.to_toml(), plain);
}

#[test]
fn every_option_of_the_command_line_is_in_the_example() {
    use clap::CommandFactory;
    let example: toml::Table = toml::from_str(&example(true)).unwrap();
    let limits = example["limits"].as_table().unwrap();
    let relaying = example["relaying"].as_table().unwrap();
    for argument in Line::command().get_arguments() {
        let Some(name) = argument.get_long() else { continue };
        let tables = [&example, limits, relaying];
        assert!(tables.iter().any(|table| table.contains_key(name)), "{name}");
    }
}

#[test]
fn the_command_line_goes_before_the_file_and_that_before_the_defaults() {
    let text =
        "connections = 7\nmetrics = '9000'\nlog-format = 'json'\n[limits]\nper-peer = 3\nmax-ttl = '1h'\n";
    let words = ["--connections", "9", "--per-peer", "5", "--listen", "/ip4/127.0.0.1/tcp/1"];
    let config = complete(line(&words).or(file(text).unwrap()));
    assert_eq!((config.connections, config.limits.per_peer, config.limits.max_ttl), (9, 5, 3600));
    assert_eq!(config.metrics, Some("127.0.0.1:9000".parse().unwrap()));
    assert_eq!(config.log_format, LogFormat::Json);
    assert_eq!(config.limits.total, RegistryLimits::default().total);
    assert_eq!(config.listen, ["/ip4/127.0.0.1/tcp/1".parse().unwrap()]);
}

#[test]
fn what_is_shown_is_a_file_that_says_the_same() {
    let words = [
        "--external",
        "/dns4/a.example/tcp/1",
        "--metrics",
        "[::1]:1",
        "--default-ttl",
        "90s",
        "--log",
        "info",
    ];
    let shown = complete(line(&words)).to_toml();
    assert_eq!(complete(file(&shown).unwrap()).to_toml(), shown);
    assert!(shown.contains("default-ttl = \"1m 30s\"") && shown.contains("metrics = \"[::1]:1\""), "{shown}");
}

#[test]
fn relaying_is_off_unless_it_is_wanted_and_bounded_unless_that_is_lifted() {
    assert_eq!(complete(line(&["--relay-bytes", "7"])).relay, None);
    let standard = complete(line(&["--relay"])).relay.unwrap();
    assert_eq!(standard, crate::RelaySettings::default());
    assert_eq!((standard.circuit_bytes, standard.circuit_time.as_secs()), (128 << 10, 120));
    let text = "[relaying]\nrelay = true\nrelay-bytes = 0\nrelay-time = '0s'\nrelay-peers = 9\n";
    let config = complete(line(&["--relay-peers", "8"]).or(file(text).unwrap()));
    let lifted = config.relay.unwrap();
    assert_eq!((lifted.circuit_bytes, lifted.circuit_time.as_secs(), lifted.reservations), (0, 0, 8));
    let shown = config.to_toml();
    assert_eq!(complete(file(&shown).unwrap()).relay, Some(lifted), "{shown}");
    assert_eq!(complete(line(&["--relay=false"]).or(file(text).unwrap())).relay, None);
    for words in [["--relay-peers", "0"], ["--relay-time", "200years"], ["--relay-time", "20ms"]] {
        assert!(line(&words).or_data("/data".as_ref()).complete().is_err(), "{words:?}");
    }
}

#[test]
fn errors_name_line_key_and_value() {
    for (text, words) in [
        ("connections = 7\nconections = 8\n", ["line 2", "conections"]),
        ("[limits]\nper_peer = 8\n", ["line 2", "per_peer"]),
        ("\n\nlisten = ['/ip4/here']\n", ["line 3", "/ip4/here"]),
        ("[limits]\nmax-ttl = 'long'\n", ["line 2", "long"]),
        ("[limits]\nmax-ttl = 60\n", ["line 2", "max-ttl"]),
        ("metrics = 'host'\n", ["line 1", "127.0.0.1:9469"]),
        ("log-format = 'xml'\n", ["line 1", "xml"]),
        ("connections = -1\n", ["line 1", "-1"]),
        ("listen = [\n", ["line 1", "listen"]),
    ] {
        let error = file(text).unwrap_err().to_string();
        assert!(error.contains("config.toml") && words.iter().all(|w| error.contains(w)), "{text}: {error}");
    }
    let error = Options::from_file("/no/such/file".as_ref()).unwrap_err().to_string();
    assert!(error.contains("/no/such/file"), "{error}");
}

#[test]
fn contradictions_are_refused() {
    for words in [
        ["--min-ttl", "2m"],
        ["--max-ttl", "4days"],
        ["--min-ttl", "0s"],
        ["--default-ttl", "3h"],
        ["--page", "401"],
        ["--per-peer", "0"],
    ] {
        let error = line(&words).or_data("/data".as_ref()).complete().unwrap_err();
        assert!(matches!(error, ConfigError::Contradiction(_)), "{words:?}: {error}");
    }
    assert!(file("listen = []\n").unwrap().complete().is_err());
    assert!(file("connections = 0\n").unwrap().complete().is_err());
}
