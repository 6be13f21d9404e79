//! What a node tells of itself in numbers.

use std::time::Duration;

use crate::counter::NodeTally;
use crate::fetch::Intake;
use crate::neighbours::ConnectionTable;
use crate::traffic::Traffic;
use crate::upload::Uploads;

/// Bandwidth limits of a whole node, in bytes of chunks per second; `None`: no limit. A limit of 0 counts as 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BandwidthLimits {
    /// For what is sent.
    pub up: Option<u64>,
    /// For what is fetched.
    pub down: Option<u64>,
}

impl BandwidthLimits {
    pub(crate) fn of(uploads: &Uploads, intake: &Intake) -> Self {
        Self { up: uploads.limit(), down: intake.limit() }
    }
}

/// How busy a node is now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NodeLoad {
    /// Chunks that are being sent.
    pub uploads: usize,
    /// Chunks that may be sent at once at the moment; it follows what the line takes, unless it is set.
    pub upload_slots: usize,
    /// Contents whose chunks are being fetched.
    pub downloads: usize,
    /// Bytes that peers have asked for and that are not being sent yet.
    pub queued_bytes: u64,
    /// In so many requests.
    pub queued_requests: usize,
    /// Bytes of chunks sent per second, of about the last two seconds.
    pub rate_up: u64,
    /// Bytes of chunks received per second, of about the last two seconds; not all of them need to be good.
    pub rate_down: u64,
    /// The limits that hold.
    pub limits: BandwidthLimits,
}

impl NodeLoad {
    pub(crate) fn of(uploads: &Uploads, intake: &Intake) -> Self {
        let load = uploads.load();
        let (queued_requests, upload_slots) = uploads.waiting_and_slots();
        Self {
            uploads: load.active as usize,
            upload_slots,
            downloads: intake.attached(),
            queued_bytes: load.queued,
            queued_requests,
            rate_up: load.rate,
            rate_down: intake.rate(),
            limits: BandwidthLimits::of(uploads, intake),
        }
    }
}

/// What a node has done since it was started.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeCounters {
    /// How long it has been running.
    pub uptime: Duration,
    /// What was exchanged with peers, also for contents that are not here any more.
    pub traffic: Traffic,
    /// Questions of peers that were answered with something else than a refusal.
    pub questions_answered: u64,
    /// Questions of peers that were refused: of what is not here, too many, of an unknown kind.
    pub questions_refused: u64,
    /// Connections that stand.
    pub connections: usize,
    /// Connections that ever stood.
    pub connections_ever: u64,
}

impl NodeCounters {
    pub(crate) fn of(uptime: Duration, tally: &NodeTally, connections: &ConnectionTable) -> Self {
        let (questions_answered, questions_refused) = tally.questions();
        let (connections, connections_ever) = connections.counts();
        let traffic = tally.snapshot();
        Self { uptime, traffic, questions_answered, questions_refused, connections, connections_ever }
    }
}
