//! Networks of other kinds, and networks that change under a transfer. In networks made for it, as root only.

use std::time::{Duration, Instant};

use shoal_content::Ticket;
use shoal_tests::eventually;
use shoal_tests::files::{random, tree, write};
use shoal_tests::netns::{Namespace, namespace_or_skip};
use shoal_tests::process::{Process, prepared, program};

/// How long a transfer may rest when its path is gone.
const REST: Duration = Duration::from_secs(30);
/// At this rate it takes long enough to be met by a change.
const RATE: &[&str] = &["--limit-up", "1MB"];
const SIZE: usize = 12 << 20;

fn start(place: &Namespace, name: &str, args: &[&str]) -> Process {
    let inside = place.command(&program(name));
    let mut command = prepared(inside.get_program().as_ref(), inside.get_args());
    command.args(args).env("RUST_LOG", "warn,shoal_net=debug");
    Process::spawn(command)
}

/// Two machines that are connected by a line, and a file.
struct World {
    here: Namespace,
    there: Namespace,
    folder: tempfile::TempDir,
}

impl World {
    fn or_skip(test: &str, size: usize, addresses: [&[&str]; 2]) -> Option<Self> {
        let here = namespace_or_skip(test)?;
        let there = Namespace::new().unwrap();
        here.connect(&there, addresses).unwrap();
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join("file"), random(size, 3));
        Some(Self { here, there, folder })
    }

    fn share(&self, more: &[&str]) -> (Process, String) {
        let file = self.folder.path().join("file");
        let args = ["share", file.to_str().unwrap(), "--no-upnp"];
        let mut seed = start(&self.here, "shoal", &[&args, more].concat());
        let ticket = seed.line("a ticket", |line| line.starts_with("shoal1"));
        (seed, ticket)
    }

    fn get(&self, ticket: &str) -> Process {
        start(&self.there, "shoal", &["get", ticket, "-o", self.to().to_str().unwrap(), "--no-upnp"])
    }

    fn to(&self) -> std::path::PathBuf {
        self.folder.path().join("to")
    }

    fn arrived(&self, getter: Process) {
        let ended = getter.end();
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert_eq!(tree(&self.folder.path().join("file")), tree(&self.to().join("file")));
    }

    /// Changes the network once some chunks have come; the transfer goes on in time, and to its end.
    fn goes_on_after(&self, mut getter: Process, change: impl FnOnce()) {
        getter.stored(8);
        change();
        let changed = Instant::now();
        // What was under way over the old path has come by now.
        let mut last = (0, Instant::now());
        eventually("nothing comes any more, or it goes on", || {
            let now = getter.count("chunk stored");
            if now > last.0 {
                last = (now, Instant::now());
            }
            let rests = last.1.elapsed() > Duration::from_secs(3);
            (rests || !getter.is_running()).then_some(())
        });
        if getter.is_running() {
            getter.stored(last.0 + 1);
        }
        assert!(changed.elapsed() < REST, "it rested for {:?}", changed.elapsed());
        self.arrived(getter);
    }
}

#[test]
fn a_getter_that_moves_goes_on() {
    let addresses: [&[&str]; 2] = [&["10.9.0.1/24"], &["10.9.0.2/24"]];
    let Some(world) = World::or_skip("a_getter_that_moves_goes_on", SIZE, addresses) else { return };
    let (_seed, ticket) = world.share(RATE);
    world.goes_on_after(world.get(&ticket), || {
        world.there.ip("addr del 10.9.0.2/24 dev eth0").unwrap();
        world.there.ip("addr add 10.9.0.88/24 dev eth0").unwrap();
    });
}

/// Nobody knows its new address, so it is the seed that has to come back.
#[test]
fn a_seed_that_moves_comes_back() {
    let addresses: [&[&str]; 2] = [&["10.9.0.1/24"], &["10.9.0.2/24"]];
    let Some(world) = World::or_skip("a_seed_that_moves_comes_back", SIZE, addresses) else { return };
    let (_seed, ticket) = world.share(RATE);
    world.goes_on_after(world.get(&ticket), || {
        world.here.ip("addr del 10.9.0.1/24 dev eth0").unwrap();
        world.here.ip("addr add 10.9.0.77/24 dev eth0").unwrap();
    });
}

#[test]
fn a_cable_that_is_out_for_a_moment_costs_that_moment() {
    let addresses: [&[&str]; 2] = [&["10.9.0.1/24"], &["10.9.0.2/24"]];
    let test = "a_cable_that_is_out_for_a_moment_costs_that_moment";
    let Some(world) = World::or_skip(test, SIZE, addresses) else { return };
    let (_seed, ticket) = world.share(RATE);
    world.goes_on_after(world.get(&ticket), || {
        world.there.ip("link set eth0 down").unwrap();
        world.there.ip("link set eth0 up").unwrap();
    });
}

/// From the cable to the wireless network: one of two lines goes, and the other one leads there too.
#[test]
fn of_two_lines_the_other_one_takes_over() {
    let addresses: [&[&str]; 2] = [&["10.9.0.1/24"], &["10.9.0.2/24"]];
    let Some(world) = World::or_skip("of_two_lines_the_other_one_takes_over", SIZE, addresses) else {
        return;
    };
    world.here.ip(&format!("link add eth1 type veth peer name eth1 netns {}", world.there.name())).unwrap();
    for (place, address) in [(&world.here, "10.10.0.1/24"), (&world.there, "10.10.0.2/24")] {
        place.ip("link set eth1 up").unwrap();
        place.ip(&format!("addr add {address} dev eth1")).unwrap();
    }
    let (_seed, ticket) = world.share(RATE);
    let hosts: std::collections::BTreeSet<String> = addresses_of(&ticket).iter().map(|it| host(it)).collect();
    assert_eq!(hosts.into_iter().collect::<Vec<_>>(), ["10.10.0.1", "10.9.0.1"]);
    world.goes_on_after(world.get(&ticket), || world.here.ip("link set eth0 down").unwrap());
}

#[test]
fn a_network_with_ipv6_alone_has_all() {
    let addresses: [&[&str]; 2] = [&["fd00:9::1/64"], &["fd00:9::2/64"]];
    let Some(world) = World::or_skip("a_network_with_ipv6_alone_has_all", 1 << 20, addresses) else { return };
    let data = world.folder.path().join("tracker");
    let listen = ["--listen", "/ip6/fd00:9::1/tcp/6969", "--listen", "/ip6/fd00:9::1/udp/6969/quic-v1"];
    let args = [&["--data", data.to_str().unwrap(), "--relay"], &listen[..]].concat();
    let mut tracker = start(&world.here, "shoal-rendezvous", &args);
    let point = tracker.line("an address", |line| line.contains("/quic-v1"));
    let (_seed, ticket) = world.share(&["--rendezvous", &point]);
    let ticket: Ticket = ticket.parse().unwrap();
    // The tracker alone, and over QUIC.
    let ticket = Ticket { peers: vec![], ..ticket };
    world.arrived(world.get(&ticket.to_string()));
}

/// A cable between two machines that nobody has given addresses (RFC 3927).
#[test]
fn a_cable_between_two_machines_is_enough() {
    let addresses: [&[&str]; 2] = [&["169.254.7.1/16"], &["169.254.7.2/16"]];
    let Some(world) = World::or_skip("a_cable_between_two_machines_is_enough", 1 << 20, addresses) else {
        return;
    };
    let (_seed, ticket) = world.share(&[]);
    assert!(addresses_of(&ticket).iter().any(|it| host(it) == "169.254.7.1"));
    world.arrived(world.get(&ticket));
}

fn addresses_of(ticket: &str) -> Vec<String> {
    let ticket: Ticket = ticket.parse().unwrap();
    ticket.peers.iter().map(ToString::to_string).collect()
}

fn host(address: &str) -> String {
    address.split('/').nth(2).unwrap().to_owned()
}
