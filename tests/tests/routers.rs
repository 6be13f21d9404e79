//! Nodes behind routers that translate addresses: they meet through a relay, and move data by a direct way where there is
//! one. In networks made for it, as root only, with nftables.

use std::path::Path;

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
    let circuit = log.find("p2p-circuit count=").expect("relayed at first");
    let direct = log.find("a direct way through the routers").expect("and then direct");
    assert!(circuit < direct, "{log}");
}
