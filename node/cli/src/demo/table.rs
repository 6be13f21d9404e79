//! The demo's result.

use serde::Serialize;

use crate::human;

/// What came of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Fate {
    /// It had the content from the start.
    Source,
    /// It was made to send wrong bytes, and fetches nothing.
    Corrupt,
    /// Its copy equals the source.
    Equal,
    /// Its copy is not what the source is.
    Differs,
    /// It was killed before its copy was complete.
    Killed,
    /// It gave up.
    Incomplete,
}

impl Fate {
    fn words(self) -> &'static str {
        match self {
            Self::Source => "is the source",
            Self::Corrupt => "sends wrong bytes",
            Self::Equal => "equals the source",
            Self::Differs => "DIFFERS",
            Self::Killed => "killed",
            Self::Incomplete => "INCOMPLETE",
        }
    }
}

/// One node's line.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub(super) node: String,
    /// From the start of the first peer until this one's copy was complete; `None` if that never was.
    pub(super) seconds: Option<f64>,
    /// Verified bytes, as the next.
    pub(super) from_seed: u64,
    pub(super) from_peers: u64,
    /// Bytes, as the next.
    pub(super) duplicate: u64,
    pub(super) sent: u64,
    /// Chunks whose bytes were wrong.
    pub(super) corrupt_chunks: usize,
    /// The nodes that sent them.
    pub(super) sent_by: Vec<String>,
    /// Whether it was killed, complete or not.
    pub(super) killed: bool,
    pub(super) fate: Fate,
}

/// The whole result.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// Bytes of the content.
    pub(super) bytes: u64,
    /// Until the last copy was complete.
    pub(super) seconds: f64,
    /// Verified bytes that the peers have from the seed, over the bytes of the content.
    pub(super) seed_sent: f64,
    /// The seed first, then the peers.
    pub(super) nodes: Vec<Row>,
}

impl Report {
    pub(super) fn new(bytes: u64, nodes: Vec<Row>) -> Self {
        let from_seed: u64 = nodes.iter().map(|row| row.from_seed).sum();
        let seconds = nodes.iter().filter_map(|row| row.seconds).fold(0.0, f64::max);
        Self { bytes, seconds, seed_sent: from_seed as f64 / bytes.max(1) as f64, nodes }
    }

    /// Whether the copy of some node has this fate.
    pub(super) fn has(&self, fate: Fate) -> bool {
        self.nodes.iter().any(|row| row.fate == fate)
    }

    /// As a table.
    pub(super) fn text(&self) -> String {
        let mut lines = vec![format!(
            "{:<7} {:>9} {:>12} {:>12} {:>12} {:>12} {:>7}  {}",
            "", "time", "from seed", "from peers", "duplicates", "sent", "corrupt", "copy"
        )];
        lines.extend(self.nodes.iter().map(line));
        for row in self.nodes.iter().filter(|row| row.fate == Fate::Corrupt) {
            let by: Vec<_> = self
                .nodes
                .iter()
                .filter(|n| n.sent_by.contains(&row.node))
                .map(|n| n.node.as_str())
                .collect();
            let by = if by.is_empty() { "nobody".to_owned() } else { by.join(", ") };
            lines.push(format!("{} was found out by {by}", row.node));
        }
        lines.push(format!("the seed's bytes came to {:.2} × the content", self.seed_sent));
        lines.join("\n")
    }
}

fn line(row: &Row) -> String {
    let time = row.seconds.map_or("-".to_owned(), |seconds| format!("{seconds:.2} s"));
    let killed = if row.killed && row.fate != Fate::Killed { ", killed" } else { "" };
    format!(
        "{:<7} {time:>9} {:>12} {:>12} {:>12} {:>12} {:>7}  {}{killed}",
        row.node,
        human::bytes(row.from_seed),
        human::bytes(row.from_peers),
        human::bytes(row.duplicate),
        human::bytes(row.sent),
        row.corrupt_chunks,
        row.fate.words(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(node: &str, fate: Fate) -> Row {
        Row {
            node: node.into(),
            seconds: (fate == Fate::Equal).then_some(1.5),
            from_seed: 100 << 20,
            from_peers: 3 << 30,
            duplicate: 0,
            sent: 0,
            corrupt_chunks: 0,
            sent_by: vec![],
            killed: false,
            fate,
        }
    }

    #[test]
    fn columns_line_up_and_a_bad_copy_shouts() {
        let report = Report::new(200 << 20, vec![row("peer1", Fate::Equal), row("peer20", Fate::Differs)]);
        let text = report.text();
        let lines: Vec<_> = text.lines().collect();
        assert!(lines[1].ends_with("equals the source") && lines[2].ends_with("DIFFERS"));
        assert_eq!(lines[1].find("100.00 MiB"), lines[2].find("100.00 MiB"));
        assert!(lines[3].contains("1.00 ×"), "{text}");
        assert!(report.has(Fate::Differs) && !report.has(Fate::Incomplete));
    }

    #[test]
    fn liars_and_those_that_were_killed_are_named() {
        let first = Row { sent_by: vec!["peer2".into()], killed: true, ..row("peer1", Fate::Equal) };
        let nodes =
            vec![first, row("peer2", Fate::Corrupt), row("peer3", Fate::Killed), row("peer4", Fate::Corrupt)];
        let text = Report::new(1, nodes).text();
        for piece in [
            "equals the source, killed",
            "  killed\n",
            "peer2 was found out by peer1",
            "peer4 was found out by nobody",
        ] {
            assert!(text.contains(piece), "{piece:?} in {text}");
        }
    }
}
