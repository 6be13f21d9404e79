//! Where the nodes live: each in a network namespace of its own, behind a shaped link to a bridge in a hub.
//!
//! Both directions of a link are shaped where they start: uploads in the node's namespace, downloads in the
//! hub. The hub itself, where the tracker runs, is not held back. Or, without root, everybody lives on
//! loopback, and is told to hold back by itself.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context;
use shoal_tests::netns::{inside, ip, tool};
use shoal_tests::process::LOOPBACK;

/// What a line carries, Mbit/s, headers included.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Link {
    pub(crate) up: f64,
    pub(crate) down: f64,
}

impl Link {
    pub(crate) fn even(mbit: f64) -> Self {
        Self { up: mbit, down: mbit }
    }
}

/// Bytes a second.
pub(crate) fn bytes(mbit: f64) -> f64 {
    mbit * 1e6 / 8.0
}

/// What is possible on this machine.
pub(crate) enum Ground {
    Shaped {
        /// Whether everybody has cubic as congestion control, or else the machine's own.
        cubic: bool,
    },
    Loopback {
        /// What is in the way of the other.
        why: String,
    },
}

/// Some nodes' places. Node 0 has the first link.
pub(crate) enum Lab {
    Shaped(Namespaces),
    Loopback(Vec<Link>),
}

impl Lab {
    pub(crate) fn new(links: &[Link], shaped: bool) -> anyhow::Result<Self> {
        if shaped { Namespaces::new(links).map(Self::Shaped) } else { Ok(Self::Loopback(links.to_vec())) }
    }

    /// Tries which of the two is possible here.
    pub(crate) fn probe() -> Ground {
        if !rustix::process::geteuid().is_root() {
            return Ground::Loopback { why: "not root".to_owned() };
        }
        let probe = || -> anyhow::Result<bool> {
            let lab = Namespaces::new(&[Link::even(100.0)])?;
            lab.passed(&lab.node(0), Namespaces::PORT)?;
            Ok(lab.cubic)
        };
        match probe() {
            Ok(cubic) => Ground::Shaped { cubic },
            Err(error) => Ground::Loopback { why: format!("{error:#}") },
        }
    }

    /// A program that will run where a node lives.
    pub(crate) fn command(&self, node: usize, program: &Path) -> Command {
        match self {
            Self::Shaped(all) => inside(&all.node(node), program),
            Self::Loopback(_) => Command::new(program),
        }
    }

    /// A program that will run in the middle.
    pub(crate) fn hub_command(&self, program: &Path) -> Command {
        match self {
            Self::Shaped(all) => inside(&all.hub(), program),
            Self::Loopback(_) => Command::new(program),
        }
    }

    /// Options for a node: where to listen, and how much to hold back.
    pub(crate) fn options(&self, node: usize) -> Vec<String> {
        match self {
            Self::Shaped(_) => vec!["--listen".into(), format!("/ip4/{}/tcp/4001", address(node))],
            Self::Loopback(links) => {
                let rate = |mbit: f64| format!("{}MB", mbit / 8.0);
                let (up, down) = (rate(links[node].up), rate(links[node].down));
                ["--listen", LOOPBACK, "--limit-up", &up, "--limit-down", &down].map(str::to_owned).into()
            }
        }
    }

    /// Where the tracker listens.
    pub(crate) fn hub_address(&self) -> String {
        match self {
            Self::Shaped(_) => format!("/ip4/{HUB}/tcp/6969"),
            Self::Loopback(_) => LOOPBACK.to_owned(),
        }
    }

    /// Bytes that a node has put on its line; `None` where nobody counts.
    pub(crate) fn sent(&self, node: usize) -> anyhow::Result<Option<u64>> {
        match self {
            Self::Shaped(all) => all.passed(&all.node(node), Namespaces::PORT).map(Some),
            Self::Loopback(_) => Ok(None),
        }
    }

    /// Bytes that came over a node's line to it; `None` where nobody counts.
    pub(crate) fn received(&self, node: usize) -> anyhow::Result<Option<u64>> {
        match self {
            Self::Shaped(all) => all.passed(&all.hub(), &Namespaces::socket(node)).map(Some),
            Self::Loopback(_) => Ok(None),
        }
    }
}

const HUB: &str = "10.99.0.254";
const NET: &str = "10.99.0.0/24";

fn address(node: usize) -> String {
    format!("10.99.0.{}", node + 1)
}

/// Namespaces with a bridge between them. Removed when dropped.
pub(crate) struct Namespaces {
    name: String,
    nodes: usize,
    cubic: bool,
}

impl Namespaces {
    /// A node's end of its line.
    const PORT: &str = "eth0";

    fn new(links: &[Link]) -> anyhow::Result<Self> {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let serial = MADE.fetch_add(1, Ordering::Relaxed);
        // Made first, so that half of it is removed too when the rest fails.
        let name = format!("shoal-swarm-{}-{serial}", std::process::id());
        let mut lab = Self { name, nodes: links.len(), cubic: true };
        lab.make_hub()?;
        for (node, link) in links.iter().enumerate() {
            lab.make_node(node, *link)?;
        }
        Ok(lab)
    }

    fn hub(&self) -> String {
        format!("{}-hub", self.name)
    }

    fn node(&self, node: usize) -> String {
        format!("{}-{node}", self.name)
    }

    /// The hub's end of a node's line.
    fn socket(node: usize) -> String {
        format!("line{node}")
    }

    fn make_hub(&self) -> anyhow::Result<()> {
        let hub = self.hub();
        ip(&format!("netns add {hub}"))?;
        ip(&format!("-n {hub} link set lo up"))?;
        ip(&format!("-n {hub} link add bridge type bridge"))?;
        ip(&format!("-n {hub} link set bridge up"))?;
        ip(&format!("-n {hub} addr add {HUB}/24 dev bridge"))
    }

    fn make_node(&mut self, node: usize, link: Link) -> anyhow::Result<()> {
        let (hub, own, port, socket) = (self.hub(), self.node(node), Self::PORT, Self::socket(node));
        let address = address(node);
        ip(&format!("netns add {own}"))?;
        ip(&format!("-n {hub} link add {socket} type veth peer name {port} netns {own}"))?;
        ip(&format!("-n {hub} link set {socket} master bridge up"))?;
        ip(&format!("-n {own} link set lo up"))?;
        ip(&format!("-n {own} link set {port} up"))?;
        ip(&format!("-n {own} addr add {address}/24 dev {port}"))?;
        // Most users have cubic, whatever this machine prefers. As an attribute of the route, since the setting
        // of the namespace may be closed; where it is unknown, the machine's own has to do.
        let route = format!("-n {own} route replace {NET} dev {port} src {address} congctl cubic");
        self.cubic &= ip(&route).is_ok();
        shape(&own, port, link.up)?;
        shape(&hub, &socket, link.down)
    }

    /// Bytes that have passed a shaped end of a line, with the headers of every packet.
    fn passed(&self, namespace: &str, device: &str) -> anyhow::Result<u64> {
        let text = tool("tc", &format!("-n {namespace} -s -j qdisc show dev {device}"))?;
        let shown: serde_json::Value = serde_json::from_str(&text).context("tc printed no JSON")?;
        shown[0]["bytes"].as_u64().context("tc does not say how many bytes have passed")
    }
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        let all = (0..self.nodes).map(|n| self.node(n)).chain([self.hub()]);
        for namespace in all {
            // Err only says that it was never made.
            drop(ip(&format!("netns del {namespace}")));
        }
    }
}

/// Holds a device to a rate. The burst has room for one packet as large as the system passes on before it is
/// cut, the queue for 50 ms.
fn shape(namespace: &str, device: &str, mbit: f64) -> anyhow::Result<()> {
    let shape = format!("tbf rate {mbit}mbit burst 70kb latency 50ms");
    tool("tc", &format!("-n {namespace} qdisc replace dev {device} root {shape}")).map(drop)
}
