//! Numbers and names for people.

use std::time::Duration;

use indicatif::{BinaryBytes, HumanDuration};
use libp2p::PeerId;

/// Bytes in binary units: `1.50 MiB`.
pub(super) fn bytes(n: u64) -> String {
    BinaryBytes(n).to_string()
}

/// Bytes per second.
pub(super) fn rate(n: u64) -> String {
    format!("{}/s", BinaryBytes(n))
}

/// Bytes per second over a time.
pub(super) fn rate_over(n: u64, time: Duration) -> String {
    rate((n as f64 / time.as_secs_f64().max(0.001)) as u64)
}

/// A time: in seconds while it is short.
pub(super) fn time(time: Duration) -> String {
    if time < Duration::from_secs(100) {
        format!("{:.1} s", time.as_secs_f64())
    } else {
        HumanDuration(time).to_string()
    }
}

/// The end of a peer id, which is where they differ.
pub(super) fn peer(peer: &PeerId) -> String {
    let text = peer.to_string();
    text[text.len() - 8..].to_owned()
}

/// `1 file`, `2 files`.
pub(super) fn count(n: u64, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

/// How fast a counter grows, between looks at it.
#[derive(Debug, Default)]
pub(super) struct Growth {
    last: Option<(tokio::time::Instant, u64)>,
    rate: f64,
}

impl Growth {
    /// Looks at the counter; returns its growth per second, smoothed.
    pub(super) fn look(&mut self, value: u64) -> u64 {
        let now = tokio::time::Instant::now();
        if let Some((at, before)) = self.last {
            let seconds = (now - at).as_secs_f64();
            if seconds < 0.2 {
                return self.rate as u64;
            }
            let sample = value.saturating_sub(before) as f64 / seconds;
            let weight = 1.0 - (-seconds / 2.0).exp();
            self.rate = if self.rate == 0.0 { sample } else { self.rate + (sample - self.rate) * weight };
        }
        self.last = Some((now, value));
        self.rate as u64
    }
}
