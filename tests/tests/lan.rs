//! Two machines on one network, and nothing else: no tracker, no ticket, no address. As root only.

use std::path::Path;

use shoal_content::Ticket;
use shoal_tests::files::{random, tree, write};
use shoal_tests::netns::{Namespace, namespace_or_skip};
use shoal_tests::process::{Process, program};

fn shoal(place: &Namespace, args: &[&str]) -> Process {
    let mut command = place.command(&program("shoal"));
    command
        .args(args)
        .env("NO_COLOR", "1")
        .env("SHOAL_CACHE", "")
        .env("SHOAL_STATE", "")
        .env("SHOAL_SOCKET", "");
    Process::spawn(command)
}

/// Shares a file; returns the content's id and nothing else.
fn share(place: &Namespace, file: &Path, more: &[&str]) -> (Process, String) {
    let mut process = shoal(place, &[&["share", file.to_str().unwrap()], more].concat());
    let ticket: Ticket = process.line("a ticket", |line| line.starts_with("shoal1")).parse().unwrap();
    (process, ticket.content.to_string())
}

fn fetched(addresses: [&[&str]; 2], test: &str) {
    let Some(here) = namespace_or_skip(test) else { return };
    let there = Namespace::new().unwrap();
    here.connect(&there, addresses).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let (file, to) = (scratch.path().join("file"), scratch.path().join("to"));
    write(&file, random(500_000, 1));
    let (_seed, id) = share(&here, &file, &["--dht", "off"]);
    let to_text = to.to_str().unwrap();
    shoal(&there, &["get", &id, "-o", to_text, "--dht", "off", "--wait", "50s"]).end().expect(0);
    assert_eq!(tree(&file), tree(&to.join("file")));
}

#[test]
fn an_id_is_enough_on_one_network() {
    fetched([&["10.99.8.1/24"], &["10.99.8.2/24"]], "an_id_is_enough_on_one_network");
}

#[test]
fn an_id_is_enough_on_one_network_with_ipv6_alone() {
    fetched([&["fd00:8::1/64"], &["fd00:8::2/64"]], "an_id_is_enough_on_one_network_with_ipv6_alone");
}

/// The getter is there first, so it has to ask again.
#[test]
fn who_comes_later_is_found_too_and_nobody_is_without_mdns() {
    let Some(here) = namespace_or_skip("who_comes_later_is_found_too") else { return };
    let there = Namespace::new().unwrap();
    here.connect(&there, [&["10.99.9.1/24"], &["10.99.9.2/24"]]).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let (file, to) = (scratch.path().join("file"), scratch.path().join("to"));
    write(&file, random(500_000, 2));
    // What it is called is known before it is shared.
    let id = {
        let (_seed, id) = share(&here, &file, &["--dht", "off", "--no-mdns"]);
        let to = to.to_str().unwrap();
        let failed =
            shoal(&there, &["get", &id, "-o", to, "--dht", "off", "--no-mdns", "--wait", "3s"]).end();
        let failed = failed.expect(5);
        assert!(failed.stderr.contains("neither a tracker"), "{}", failed.stderr);
        let silent = shoal(&there, &["get", &id, "-o", to, "--dht", "off", "--wait", "3s"]).end().expect(5);
        assert!(silent.stderr.contains("neighbours on the LAN: 0"), "{}", silent.stderr);
        id
    };
    let mut getter =
        shoal(&there, &["get", &id, "-o", to.to_str().unwrap(), "--dht", "off", "--wait", "50s"]);
    getter.word("it looks in vain", |line| line.contains("nothing comes"));
    let (_seed, _) = share(&here, &file, &["--dht", "off"]);
    getter.end().expect(0);
    assert_eq!(tree(&file), tree(&to.join("file")));
}
