//! A network with routers: a public network, and private ones behind routers that translate addresses. Linux, root,
//! iproute2, nftables.

use std::io::Write;
use std::net::Ipv4Addr;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use crate::netns::{Namespace, namespace_or_skip};

/// How a router maps a connection from inside to its public address (RFC 4787).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mapping {
    /// Each port inside has one port outside, whoever it talks to; only those get in that were talked to.
    EndpointIndependent,
    /// Each connection has a random port outside ("symmetric"), so nobody can say which comes next.
    Random,
}

/// A public network: one switch, on which each member has an address. The addresses are of RFC 5737, which counts as public.
pub struct PublicNetwork {
    switch: Namespace,
    members: std::cell::Cell<u8>,
}

/// A machine behind a router.
pub struct Behind {
    /// The machine.
    pub place: Namespace,
    /// Its router.
    pub router: Namespace,
}

impl PublicNetwork {
    /// Makes one; where that cannot be, says that the test is skipped, and why.
    pub fn or_skip(test: &str) -> Option<Self> {
        let switch = namespace_or_skip(test)?;
        let works = Command::new("nft").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        if !works.is_ok_and(|status| status.success()) {
            // Not by a macro, whose words the test harness would keep to itself.
            drop(writeln!(std::io::stderr(), "SKIPPED: {test}: it needs nft (nftables)"));
            return None;
        }
        switch.ip("link add bridge0 type bridge").expect("bridges");
        switch.ip("link set bridge0 up").expect("it can be set up");
        Some(Self { switch, members: std::cell::Cell::new(0) })
    }

    /// A machine in the public network, and its address.
    pub fn member(&self) -> anyhow::Result<(Namespace, Ipv4Addr)> {
        let place = Namespace::new()?;
        let address = self.join(&place)?;
        Ok((place, address))
    }

    fn join(&self, place: &Namespace) -> anyhow::Result<Ipv4Addr> {
        let number = self.members.get() + 1;
        self.members.set(number);
        let address = Ipv4Addr::new(203, 0, 113, number);
        self.switch.ip(&format!("link add port{number} type veth peer name wan netns {}", place.name()))?;
        self.switch.ip(&format!("link set port{number} master bridge0 up"))?;
        place.ip("link set wan up")?;
        place.ip(&format!("addr add {address}/24 dev wan"))?;
        Ok(address)
    }

    /// A machine behind a router of its own. All private networks have the same addresses, as they do at home.
    pub fn behind(&self, mapping: Mapping) -> anyhow::Result<Behind> {
        let router = Namespace::new()?;
        self.join(&router)?;
        let place = Namespace::new()?;
        router.connect(&place, [&["192.168.1.1/24"], &["192.168.1.2/24"]])?;
        place.ip("route add default via 192.168.1.1")?;
        router.sysctl("net.ipv4.ip_forward", "1")?;
        let masquerade = match mapping {
            Mapping::EndpointIndependent => "masquerade",
            Mapping::Random => "masquerade fully-random",
        };
        // What comes from outside and belongs to nothing is dropped without a word, as routers at home do: an answer would
        // tell the other side to give up, and what is not dropped here would take the port.
        router.nft(&format!(
            "table ip nat {{
               chain out {{ type nat hook postrouting priority 100; oifname wan {masquerade}; }}
             }}
             table ip filter {{
               chain in {{ type filter hook input priority 0; iifname wan ct state new drop; }}
               chain pass {{ type filter hook forward priority 0; iifname wan ct state new drop; }}
             }}"
        ))?;
        Ok(Behind { place, router })
    }
}

impl Namespace {
    /// Loads rules of nftables in the namespace.
    pub fn nft(&self, rules: &str) -> anyhow::Result<()> {
        let mut command = self.command("nft".as_ref());
        command.args(["-f", "-"]).stdin(Stdio::piped()).stderr(Stdio::piped());
        let mut nft = command.spawn().context("nft does not run")?;
        nft.stdin.take().context("piped")?.write_all(rules.as_bytes())?;
        let output = nft.wait_with_output()?;
        ensure!(output.status.success(), "nft: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    /// Sets a parameter of the kernel in the namespace.
    pub fn sysctl(&self, name: &str, value: &str) -> anyhow::Result<()> {
        let path = format!("/proc/sys/{}", name.replace('.', "/"));
        let mut command = self.command("sh".as_ref());
        let status = command.args(["-c", &format!("echo {value} > {path}")]).status()?;
        ensure!(status.success(), "{name} cannot be set");
        Ok(())
    }
}
