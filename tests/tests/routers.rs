//! Nodes behind routers that translate addresses: they meet through a relay, and move data by a direct way where there is
//! one. In networks made for it, as root only, with nftables.

use std::path::Path;

use shoal_addresses::is_circuit;
use shoal_content::Ticket;
use shoal_tests::files::{random, tree, write};
use shoal_tests::netns::Namespace;
use shoal_tests::process::{Process, prepared, program};
use shoal_tests::routers::{Behind, Mapping, PublicNetwork};

/// More than a relay carries.
const SIZE: usize = 3 << 20;

/// Starts a program of this workspace in a namespace, with a log of what its network does.
fn start(place: &Namespace, name: &str, args: &[&str]) -> Process {
    let inside = place.command(&program(name));
    let mut command = prepared(inside.get_program().as_ref(), inside.get_args());
    command.args(args).env("RUST_LOG", "warn,shoal_net=debug,shoal_rendezvous=info,libp2p_dcutr=debug");
    Process::spawn(command)
}

/// A tracker that relays; its process and its address.
fn tracker(network: &PublicNetwork, data: &Path, more: &[&str]) -> (Namespace, Process, String) {
    let (place, address) = network.member().unwrap();
    let listen = [format!("/ip4/{address}/tcp/6969"), format!("/ip4/{address}/udp/6969/quic-v1")];
    let data = data.join("tracker");
    let args = ["--data", data.to_str().unwrap(), "--listen", &listen[0], "--listen", &listen[1]];
    let mut process = start(&place, "shoal-rendezvous", &[&args, more].concat());
    let address = process.line("an address", |line| line.contains("/tcp/"));
    (place, process, address)
}

/// Two machines behind routers of their own, and a file that the first one shares.
struct World {
    here: Behind,
    there: Behind,
    _tracker: (Namespace, Process),
    address: String,
    folder: tempfile::TempDir,
}

impl World {
    fn new(network: &PublicNetwork, mappings: [Mapping; 2], relay: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join("file"), random(SIZE, 7));
        let (place, process, address) = tracker(network, folder.path(), relay);
        let [here, there] = mappings.map(|mapping| network.behind(mapping).unwrap());
        Self { here, there, _tracker: (place, process), address, folder }
    }

    fn share(&self, more: &[&str]) -> (Process, String) {
        let file = self.folder.path().join("file");
        let args = ["share", file.to_str().unwrap(), "--no-upnp"];
        let mut seed = start(&self.here.place, "shoal", &[&args, more].concat());
        let ticket = seed.line("a ticket", |line| line.starts_with("shoal1"));
        (seed, ticket)
    }

    fn get(&self, ticket: &str, more: &[&str]) -> Process {
        let to = self.folder.path().join("to");
        let args = ["get", ticket, "-o", to.to_str().unwrap(), "--no-upnp"];
        start(&self.there.place, "shoal", &[&args, more].concat())
    }

    fn arrived(&self) {
        let folder = self.folder.path();
        assert_eq!(tree(&folder.join("file")), tree(&folder.join("to/file")));
    }
}

#[test]
fn two_nodes_behind_two_routers_find_a_direct_way() {
    let Some(network) = PublicNetwork::or_skip("two_nodes_behind_two_routers_find_a_direct_way") else {
        return;
    };
    let world = World::new(&network, [Mapping::EndpointIndependent; 2], &["--relay"]);
    let tracker = ["--rendezvous", &*world.address];
    let (_seed, ticket) = world.share(&tracker);
    let ended = world.get(&ticket, &[]).end();
    let log = &ended.stderr;
    assert_eq!(ended.code, Some(0), "{log}");
    world.arrived();
    let circuit = log.find("relayed=true").expect("relayed at first");
    let direct = log.find("a direct way through the routers").expect("and then direct");
    assert!(circuit < direct, "{log}");
}

/// Nothing but the relay's name in the ticket leads from one to the other.
#[test]
fn a_relay_in_the_ticket_is_enough() {
    let Some(network) = PublicNetwork::or_skip("a_relay_in_the_ticket_is_enough") else { return };
    let world = World::new(&network, [Mapping::EndpointIndependent; 2], &["--relay"]);
    let (_seed, text) = world.share(&["--relay", &world.address]);
    let ticket: Ticket = text.parse().unwrap();
    assert!(ticket.rendezvous.is_empty() && ticket.peers.iter().any(is_circuit), "{:?}", ticket.peers);
    let ended = world.get(&text, &[]).end();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    world.arrived();
}

#[test]
fn where_there_is_no_direct_way_it_is_said() {
    let Some(network) = PublicNetwork::or_skip("where_there_is_no_direct_way_it_is_said") else { return };
    let world = World::new(&network, [Mapping::Random; 2], &["--relay"]);
    let (_seed, ticket) = world.share(&["--relay", &world.address]);
    let mut getter = world.get(&ticket, &["--wait", "40s"]);
    let words = getter.word("why nothing comes", |line| line.contains("a relay that carries no data:"));
    assert!(words.contains("--relay-bytes 0"), "and what to do: {words}");
    // The relay was used for what it is there for, and no more.
    assert!(getter.count("relayed=true") > 0);
    assert_eq!(getter.count("chunk stored") + getter.count("chunk stream lost"), 0, "{}", getter.errors());
}

#[test]
fn a_relay_without_limits_carries_data() {
    let Some(network) = PublicNetwork::or_skip("a_relay_without_limits_carries_data") else { return };
    let lifted = ["--relay", "--relay-bytes", "0", "--relay-time", "0s"];
    let world = World::new(&network, [Mapping::Random; 2], &lifted);
    let (_seed, ticket) = world.share(&["--relay", &world.address]);
    let ended = world.get(&ticket, &[]).end();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    world.arrived();
    assert!(!ended.stderr.contains("a direct way through the routers"), "{}", ended.stderr);
}

/// One side behind a router, the other one reached by everybody: no relay has a part in it.
#[test]
fn one_router_needs_no_relay() {
    let Some(network) = PublicNetwork::or_skip("one_router_needs_no_relay") else { return };
    let world = World::new(&network, [Mapping::Random; 2], &["--relay"]);
    let (place, _) = network.member().unwrap();
    let file = world.folder.path().join("file");
    let args = ["share", file.to_str().unwrap(), "--no-upnp", "--rendezvous", &world.address];
    let mut seed = start(&place, "shoal", &args);
    let ticket = seed.line("a ticket", |line| line.starts_with("shoal1"));
    let ended = world.get(&ticket, &[]).end();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    world.arrived();
    assert!(!ended.stderr.contains("relayed=true"), "{}", ended.stderr);
    // The tracker has dialled it back.
    seed.word("it knows that", |line| line.contains("reachable from outside"));
}
