//! What the user wants to happen to single nodes of the demo, as text and as data.
//!
//! What this is not: it starts and kills nothing.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use shoal_daemon::parse_rate;

/// A node of the demo: `seed`, `peer1`, `peer2` and so on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum NodeName {
    Seed,
    /// Counted from 1.
    Peer(u16),
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seed => f.write_str("seed"),
            Self::Peer(n) => write!(f, "peer{n}"),
        }
    }
}

impl FromStr for NodeName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.strip_prefix("peer").filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
        match number.and_then(|digits| digits.parse().ok()) {
            Some(n @ 1..) => Ok(Self::Peer(n)),
            _ if text == "seed" => Ok(Self::Seed),
            _ => Err("not a node; write seed, or peer1, peer2 and so on".into()),
        }
    }
}

/// Reads the name of a peer.
pub(super) fn peer(text: &str) -> Result<NodeName, String> {
    match text.parse()? {
        NodeName::Seed => Err("not a peer; write peer1, peer2 and so on".into()),
        peer => Ok(peer),
    }
}

/// A node that is killed: `NAME@PERCENT%`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kill {
    pub(super) node: NodeName,
    /// When those that are left have this much of all that they want; below 100.
    pub(super) percent: u8,
}

impl FromStr for Kill {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (node, percent) =
            text.split_once('@').ok_or("write which node and when, such as seed@50% or peer3@30%")?;
        let percent = percent.strip_suffix('%').unwrap_or(percent).parse().ok();
        let percent = percent.filter(|percent| *percent < 100).ok_or("not a share; write 0% to 99%")?;
        Ok(Self { node: node.parse()?, percent })
    }
}

impl Kill {
    /// Whether it is time; `done` of `total` bytes have arrived at the peers that are left.
    pub(super) fn is_due(self, done: u64, total: u64) -> bool {
        u128::from(done) * 100 >= u128::from(total) * u128::from(self.percent)
    }
}

/// A node behind a slow line: `NAME=RATE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slow {
    pub(super) node: NodeName,
    /// Bytes per second, each way.
    pub(super) rate: u64,
}

impl FromStr for Slow {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (node, limit) =
            text.split_once('=').ok_or("write which node and its rate, such as peer4=1MiB")?;
        Ok(Self { node: node.parse()?, rate: parse_rate(limit)? })
    }
}

/// Checks that all nodes that are named are there, that none is named twice for the same thing, and that somebody is
/// left who fetches and sends what is right.
pub(super) fn check(peers: u16, kills: &[Kill], slow: &[Slow], corrupt: &[NodeName]) -> Result<(), String> {
    let killed: Vec<_> = kills.iter().map(|kill| kill.node).collect();
    let slowed: Vec<_> = slow.iter().map(|slow| slow.node).collect();
    for (option, nodes) in [("--kill", &killed[..]), ("--slow", &slowed), ("--corrupt", corrupt)] {
        let mut seen = BTreeSet::new();
        for node in nodes {
            if matches!(node, NodeName::Peer(n) if *n > peers) {
                return Err(format!("{option} names {node}, and there are {peers} peers (--peers)"));
            }
            if !seen.insert(node) {
                return Err(format!("{option} names {node} twice"));
            }
        }
    }
    if corrupt.len() >= usize::from(peers) {
        return Err("--corrupt names every peer, so nobody is left to fetch".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_seed_and_of_peers() {
        for name in ["seed", "peer1", "peer64"] {
            assert_eq!(name.parse::<NodeName>().unwrap().to_string(), name);
        }
        for bad in ["", "peer", "peer0", "peer-1", "peer+1", "peer99999", "Seed", "tracker"] {
            assert!(bad.parse::<NodeName>().is_err(), "{bad}");
        }
        assert_eq!(peer("peer2"), Ok(NodeName::Peer(2)));
        assert!(peer("seed").is_err());
    }

    #[test]
    fn kills_have_a_node_and_a_share() {
        assert_eq!("seed@50%".parse(), Ok(Kill { node: NodeName::Seed, percent: 50 }));
        assert_eq!("peer3@0".parse(), Ok(Kill { node: NodeName::Peer(3), percent: 0 }));
        for bad in ["seed", "seed@", "seed@100%", "seed@-1%", "seed@300", "x@5%", "@5%"] {
            assert!(bad.parse::<Kill>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_kill_is_due_from_its_share_on() {
        let kill = Kill { node: NodeName::Seed, percent: 50 };
        assert!(!kill.is_due(49, 100) && kill.is_due(50, 100) && kill.is_due(100, 100));
        assert!(Kill { percent: 0, ..kill }.is_due(0, 100));
        assert!(!kill.is_due(u64::MAX / 2 - 1, u64::MAX) && kill.is_due(u64::MAX, u64::MAX));
    }

    #[test]
    fn slow_nodes_have_a_rate() {
        assert_eq!("peer4=1MiB".parse(), Ok(Slow { node: NodeName::Peer(4), rate: 1 << 20 }));
        for bad in ["peer4", "peer4=", "peer4=fast", "=1MiB"] {
            assert!(bad.parse::<Slow>().is_err(), "{bad}");
        }
    }

    #[test]
    fn only_nodes_that_are_there_are_named_and_once() {
        let (one, two) = (NodeName::Peer(1), NodeName::Peer(2));
        let kill = |node| Kill { node, percent: 1 };
        assert!(check(2, &[kill(one), kill(NodeName::Seed)], &[Slow { node: one, rate: 1 }], &[one]).is_ok());
        assert!(check(1, &[kill(two)], &[], &[]).unwrap_err().contains("peer2"));
        assert!(check(2, &[kill(one), kill(one)], &[], &[]).unwrap_err().contains("twice"));
        assert!(check(2, &[], &[], &[one, two]).is_err());
    }
}
