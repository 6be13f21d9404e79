//! The demo's result.

use serde::Serialize;

use crate::human;

/// One peer's line.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub(super) peer: String,
    /// From the start of the first peer until this one's copy was complete.
    pub(super) seconds: f64,
    /// Bytes, as everything below.
    pub(super) from_seed: u64,
    pub(super) from_peers: u64,
    pub(super) duplicate: u64,
    pub(super) sent: u64,
    /// Whether the copy equals the source.
    pub(super) verified: bool,
}

/// The rows as a table, and what the seed sent altogether.
pub(super) fn table(rows: &[Row], size: u64) -> String {
    let mut lines = vec![format!(
        "{:<9} {:>8} {:>12} {:>12} {:>12} {:>12}  {}",
        "", "time", "from seed", "from peers", "duplicates", "sent", "copy"
    )];
    for row in rows {
        lines.push(format!(
            "{:<9} {:>6.2} s {:>12} {:>12} {:>12} {:>12}  {}",
            row.peer,
            row.seconds,
            human::bytes(row.from_seed),
            human::bytes(row.from_peers),
            human::bytes(row.duplicate),
            human::bytes(row.sent),
            if row.verified { "equals the source" } else { "DIFFERS" },
        ));
    }
    let seed: u64 = rows.iter().map(|row| row.from_seed).sum();
    let times = seed as f64 / (size.max(1)) as f64;
    lines.push(format!("the seed sent {} ({times:.2} × the content)", human::bytes(seed)));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_a_bad_copy_shouts() {
        let row = |n: u64, verified| Row {
            peer: format!("peer {n}"),
            seconds: 1.5,
            from_seed: 100 << 20,
            from_peers: n << 30,
            duplicate: 0,
            sent: 0,
            verified,
        };
        let text = table(&[row(1, true), row(20, false)], 200 << 20);
        let lines: Vec<_> = text.lines().collect();
        assert!(lines[1].ends_with("equals the source") && lines[2].ends_with("DIFFERS"));
        assert_eq!(lines[1].find("1.50 s"), lines[2].find("1.50 s"));
        assert!(lines[3].contains("(1.00 ×"), "{}", lines[3]);
    }
}
