//! What is at fault where nothing comes although somebody is connected, or nothing can be stored.

use std::time::Duration;

use super::cause::{Cause, Fact, Finding, Measure};
use super::situation::{DiskTrouble, NeighbourFigures, Situation, WrongBytes};
use super::{PATIENCE, search};

/// A write that takes longer than this shows that the disk is slow.
const LONG_WRITE: Duration = Duration::from_secs(2);

/// What is wrong with the disk.
pub(super) fn disk(situation: &Situation) -> Option<Finding> {
    let disk = &situation.disk;
    if let Some((trouble, words)) = &disk.blocked {
        let cause = match trouble {
            DiskTrouble::Full => Cause::DiskFull,
            DiskTrouble::ReadOnly | DiskTrouble::Denied => Cause::DiskReadOnly,
            DiskTrouble::TooManyOpen => Cause::TooManyOpenFiles,
            DiskTrouble::Other => Cause::DiskFails,
        };
        return Some(Finding::new(cause, [Fact::text(Measure::SystemSays, words)]));
    }
    let behind = disk.room > 0 && disk.waiting >= disk.room / 2;
    (behind || disk.writing_for >= LONG_WRITE).then(|| {
        let waiting = Fact::bytes(Measure::WaitingForDisk, disk.waiting);
        Finding::new(Cause::DiskSlow, [waiting, Fact::time(Measure::WritingFor, disk.writing_for)])
    })
}

/// That peers sent wrong bytes.
pub(super) fn wrong_bytes(situation: &Situation) -> Option<Finding> {
    let WrongBytes { chunks, blocks } = situation.wrong;
    let facts = [(Measure::WrongChunks, chunks), (Measure::WrongBlocks, blocks)];
    let facts: Vec<Fact> = facts
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(measure, count)| Fact::count(measure, count as usize))
        .collect();
    (!facts.is_empty()).then(|| Finding::new(Cause::VerificationFailures, facts))
}

/// What is at fault where peers are connected and nothing has come for some time.
pub(super) fn idle(situation: &Situation) -> Vec<Finding> {
    let found = [too_old(situation), unheld(situation), busy(situation), silent(situation)];
    let mut findings: Vec<Finding> = found.into_iter().flatten().collect();
    findings.extend(wrong_bytes(situation));
    if findings.is_empty() {
        findings.push(none_has_it(situation));
    }
    findings.extend(search::trackers(situation));
    findings
}

fn too_old(situation: &Situation) -> Option<Finding> {
    let NeighbourFigures { connected, unsupported, useful, .. } = situation.neighbours;
    (unsupported > 0 && useful == 0).then(|| {
        let facts =
            [Fact::count(Measure::PeersTooOld, unsupported), Fact::count(Measure::PeersConnected, connected)];
        Finding::new(Cause::VersionTooOld, facts)
    })
}

/// Nobody who is connected has what is missing, or some of it.
pub(super) fn unheld(situation: &Situation) -> Option<Finding> {
    let Situation { unheld, missing, neighbours, .. } = situation;
    (*unheld > 0 && neighbours.connected > 0).then(|| {
        let facts = [
            Fact::count(Measure::ChunksUnheld, *unheld),
            Fact::count(Measure::ChunksMissing, *missing),
            Fact::count(Measure::PeersConnected, neighbours.connected),
        ];
        Finding::new(Cause::ChunkNobodyHas, facts)
    })
}

/// Whoever has something serves others, and says so.
fn busy(situation: &Situation) -> Option<Finding> {
    let peers = situation.neighbours;
    let engaged = peers.refusing.max(peers.sending);
    (peers.useful > 0 && engaged > 0).then(|| {
        let facts = [
            Fact::count(Measure::PeersUseful, peers.useful),
            Fact::count(Measure::PeersRefusing, peers.refusing),
            Fact::count(Measure::PeersSending, peers.sending),
            Fact::bytes(Measure::TheirQueue, peers.queued),
            Fact::time(Measure::Idle, situation.idle_for),
        ];
        Finding::new(Cause::AllBusy, facts)
    })
}

fn silent(situation: &Situation) -> Option<Finding> {
    let peers = situation.neighbours;
    let is_asked = peers.asked > 0 && peers.refusing == 0 && peers.sending == 0;
    is_asked.then(|| {
        let facts = [
            Fact::count(Measure::PeersAsked, peers.asked),
            Fact::bytes(Measure::AskedBytes, peers.asked_bytes),
            Fact::time(Measure::Idle, situation.idle_for),
        ];
        Finding::new(Cause::PeersSilent, facts)
    })
}

/// Peers are connected, and that is all that can be said.
fn none_has_it(situation: &Situation) -> Finding {
    let connected = Fact::count(Measure::PeersConnected, situation.neighbours.connected);
    let patient = situation.idle_for < PATIENCE + PATIENCE;
    let cause = if patient { Cause::StillLooking } else { Cause::NoPeersFound };
    Finding::new(cause, [connected, Fact::time(Measure::Idle, situation.idle_for)])
}
