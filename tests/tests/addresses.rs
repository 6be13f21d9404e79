//! Which addresses a ticket holds, in networks made for it. As root only.

use std::path::Path;

use shoal_addresses::is_dialable;
use shoal_content::Ticket;
use shoal_tests::files::{tree, write};
use shoal_tests::netns::{Namespace, namespace_or_skip};
use shoal_tests::process::{Process, program};

/// Starts `shoal` in a namespace.
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

/// Shares a file in a namespace; returns that process with its ticket and the ticket's addresses without the peer.
fn share(place: &Namespace, file: &Path, more: &[&str]) -> (Process, String, Vec<String>) {
    let mut process = shoal(place, &[&["share", file.to_str().unwrap()], more].concat());
    let text = process.line("a ticket", |line| line.starts_with("shoal1"));
    let ticket: Ticket = text.parse().unwrap();
    assert!(ticket.peers.iter().all(is_dialable), "{:?}", ticket.peers);
    let bare = |address: String| address.rsplit_once("/p2p/").unwrap().0.to_owned();
    let addresses = ticket.peers.iter().map(|address| bare(address.to_string())).collect();
    (process, text, addresses)
}

/// How many addresses begin so.
fn count(addresses: &[String], start: &str) -> usize {
    addresses.iter().filter(|address| address.starts_with(start)).count()
}

#[test]
fn a_host_with_ipv6_alone_is_found_by_its_ticket() {
    let Some(here) = namespace_or_skip("a_host_with_ipv6_alone_is_found_by_its_ticket") else { return };
    let there = Namespace::new().unwrap();
    here.connect(&there, [&["fd00:5::1/64", "fd00:5::a/64"], &["fd00:5::2/64"]]).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let (file, to) = (scratch.path().join("file"), scratch.path().join("to"));
    write(&file, "over IPv6 alone");
    let (_seed, ticket, addresses) = share(&here, &file, &[]);
    // TCP and QUIC each; neither loopback nor what holds for one line only.
    assert_eq!(count(&addresses, "/ip6/fd00:5::1/"), 2, "{addresses:?}");
    assert_eq!(count(&addresses, "/ip6/fd00:5::a/"), 2, "{addresses:?}");
    assert_eq!(addresses.len(), 4, "{addresses:?}");
    shoal(&there, &["get", &ticket, "-o", to.to_str().unwrap()]).end().expect(0);
    assert_eq!(tree(&file), tree(&to.join("file")));
}

#[test]
fn a_ticket_holds_addresses_of_both_families() {
    let Some(here) = namespace_or_skip("a_ticket_holds_addresses_of_both_families") else { return };
    let there = Namespace::new().unwrap();
    here.connect(&there, [&["fd00:5::1/64", "10.99.7.1/24"], &[]]).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("file");
    write(&file, "over both");
    let (_seed, _, addresses) = share(&here, &file, &[]);
    assert_eq!(count(&addresses, "/ip6/fd00:5::1/"), 2, "{addresses:?}");
    assert_eq!(count(&addresses, "/ip4/10.99.7.1/"), 2, "{addresses:?}");
    assert_eq!(addresses.len(), 4, "{addresses:?}");
}

#[test]
fn loopback_is_told_where_there_is_nothing_else_or_when_asked_for() {
    let Some(here) = namespace_or_skip("loopback_is_told_where_there_is_nothing_else") else { return };
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("file");
    write(&file, "on this machine");
    let (first, _, addresses) = share(&here, &file, &[]);
    assert_eq!(
        [count(&addresses, "/ip4/127.0.0.1/"), count(&addresses, "/ip6/::1/")],
        [2, 2],
        "{addresses:?}"
    );
    first.kill();
    let there = Namespace::new().unwrap();
    here.connect(&there, [&["fd00:5::1/64"], &[]]).unwrap();
    let both = ["--listen", "/ip4/127.0.0.1/tcp/0", "--listen", "/ip6/fd00:5::1/tcp/0"];
    let (_second, _, addresses) = share(&here, &file, &both);
    assert_eq!([count(&addresses, "/ip4/127.0.0.1/"), count(&addresses, "/ip6/fd00:5::1/")], [1, 1]);
    assert_eq!(addresses.len(), 2, "{addresses:?}");
}
