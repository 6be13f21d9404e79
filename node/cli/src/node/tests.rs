use std::path::Path;

use clap::{CommandFactory, Parser};
use shoal_rendezvous::config::{ConfigError, LogFormat, read_file};

use super::config::NodeSettings;
use super::options::NodeOptions;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    options: NodeOptions,
}

fn line(words: &[&str]) -> NodeOptions {
    Line::try_parse_from(["x"].iter().chain(words)).unwrap().options
}

fn file(text: &str) -> Result<NodeOptions, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    std::fs::write(&path, text).unwrap();
    read_file(&path)
}

fn complete(options: NodeOptions) -> NodeSettings {
    let standard = line(&["--data", "/data", "--socket", "/run/node.sock"]);
    options.or(standard).complete(None).unwrap()
}

fn shown(options: NodeOptions) -> String {
    complete(options).to_toml().unwrap()
}

/// The example that is shipped, with every line that holds an option switched on.
fn example(all: bool) -> String {
    let text = include_str!("../../../../packaging/shoal-node.toml");
    let switch_on = |line: &str| match line.strip_prefix('#') {
        Some(option) if all && !option.starts_with(' ') => option.to_owned(),
        _ => line.to_owned(),
    };
    text.lines().map(|line| switch_on(line) + "\n").collect()
}

#[test]
fn the_example_says_what_holds_without_it() {
    assert_eq!(shown(file(&example(false)).unwrap()), shown(NodeOptions::default()));
}

#[test]
fn every_option_of_the_command_line_is_in_the_example() {
    let example: toml::Table = toml::from_str(&example(true)).unwrap();
    let tables =
        [&example["limits"], &example["store"], &example["control"]].map(|table| table.as_table().unwrap());
    for argument in Line::command().get_arguments() {
        // Hidden ones are for tests.
        let Some(name) = argument.get_long().filter(|_| !argument.is_hide_set()) else { continue };
        let known = example.contains_key(name) || tables.iter().any(|table| table.contains_key(name));
        assert!(known, "{name}");
    }
    // And each of them is one, written as it must be.
    let options: NodeOptions = toml::from_str(&toml::to_string(&example).unwrap()).unwrap();
    assert!(options.limits.limit_up.is_some() && options.control.metrics.is_some());
}

#[test]
fn the_command_line_goes_before_the_file_and_that_before_the_defaults() {
    let text = "log-format = 'json'\nport = 7\nwatch = true\n[limits]\nlimit-up = '1MB'\nupload-slots = 3\n\
        schedule = ['mon-fri 08:00-18:00 up=1MB']\n[control]\napi = '9000'\n";
    let words = ["--limit-up", "8mbit", "--upload-slots", "2", "--watch=false"];
    let settings = complete(line(&words).or(file(text).unwrap()));
    assert_eq!(
        (settings.limits.up, settings.limits.upload_slots, settings.port),
        (Some(1_000_000), Some(2), 7)
    );
    assert_eq!((settings.log_format, settings.watch), (LogFormat::Json, false));
    assert_eq!(settings.control.api, Some("127.0.0.1:9000".parse().unwrap()));
    assert_eq!(settings.limits.schedule.rules.len(), 1);
    // Where to listen is one thing, however it is said.
    let settings = complete(line(&["--listen", "/ip4/127.0.0.1/tcp/1"]).or(file(text).unwrap()));
    assert_eq!((settings.port, settings.listen.len()), (0, 1));
}

#[test]
fn what_is_shown_is_a_file_that_says_the_same() {
    let words = [
        "--listen",
        "/ip4/127.0.0.1/tcp/1",
        "--rendezvous",
        "/dns4/a.example/tcp/1",
        "--share-dir",
        "/srv/a",
        "--watch",
        "--limit-up",
        "12.5MB",
        "--schedule",
        "daily 22:00-06:00 unlimited",
        "--api",
        "[::1]:1",
        "--api-base",
        "/shoal",
        "--fairness",
        "tit-for-tat",
        "--log",
        "info",
    ];
    let text = shown(line(&words));
    assert_eq!(shown(file(&text).unwrap()), text);
    assert!(
        text.contains("limit-up = \"12500000B\"") && text.contains("fairness = \"tit-for-tat\""),
        "{text}"
    );
}

#[test]
fn errors_name_line_key_and_value() {
    for (text, words) in [
        ("port = 7\nprot = 8\n", ["line 2", "prot"]),
        ("[limits]\nlimit-up = 'fast'\n", ["line 2", "fast"]),
        ("\nlisten = ['/ip4/here']\n", ["line 2", "/ip4/here"]),
        ("[limits]\nfairness = 'none'\n", ["line 2", "none"]),
        ("[control]\napi = 'host'\n", ["line 2", "host"]),
    ] {
        let error = file(text).unwrap_err().to_string();
        assert!(words.iter().all(|word| error.contains(word)), "{text}: {error}");
    }
}

#[test]
fn contradictions_are_refused() {
    for (text, word) in [
        ("listen = []\n", "listen"),
        ("listen = ['/ip4/127.0.0.1/tcp/1']\nport = 1\n", "port"),
        ("[limits]\nupload-slots = 0\n", "upload-slots"),
        ("[limits]\nschedule = ['sometimes']\n", "schedule"),
        ("[control]\napi = '0.0.0.0:1'\n", "api-allow-remote"),
        ("[control]\napi-base = '/shoal'\n", "api-base"),
    ] {
        let error = file(text).unwrap().or(line(&["--data", "/data"])).complete(None).unwrap_err();
        assert!(
            matches!(&error, ConfigError::Contradiction(words) if words.contains(word)),
            "{text}: {error}"
        );
    }
}

#[test]
fn the_socket_is_in_the_folder_for_sockets_or_else_in_the_data_folder() {
    let options = line(&["--data", "/data"]);
    let socket =
        |runtime: Option<&str>| options.clone().complete(runtime.map(Path::new)).unwrap().control.socket;
    // The tests' environment may name one.
    if super::places::told_socket().is_none() {
        assert_eq!(socket(Some("/run/user/1")), Path::new("/run/user/1/shoal/node.sock"));
        assert_eq!(socket(None), Path::new("/data/node.sock"));
    }
}
