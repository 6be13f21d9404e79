//! The loop of a content's task: waits for something, tells the member, carries out what it says.

use std::time::Duration;

use libp2p::PeerId;
use shoal_engine::{ConnectionEvent, MemberInput, MemberOutput, MemberStep, PeerSource};
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;

use super::Failure;
use super::done::Done;
use super::state::{Job, Stage};
use crate::observer::Observer;
use crate::peers::PeerEvent;

/// How long to wait before a peer is sought again of which no address is known, or that is banned.
const UNKNOWN_FOR: Duration = Duration::from_secs(60);

impl Job {
    /// Runs until it has failed, or until it is told to stop.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        self.begin();
        while !self.ended {
            let deadline = self.next_timeout();
            let fetched = async {
                match &mut self.stage {
                    Stage::Fetching(fetching) => fetching.events.recv().await,
                    _ => std::future::pending().await,
                }
            };
            tokio::select! {
                () = stop.cancelled() => return self.stopped().await,
                () = self.parts.driver_ended.cancelled() => self.fail(Failure::NodeEnded),
                Some(event) = fetched => self.on_fetch_event(event),
                Some(done) = self.tasks.join_next() => self.on_task(done),
                Some(found) = self.found.recv() => self.on_found(found),
                Some(event) = self.peer_events.recv() => self.on_peer_event(event),
                Some(notice) = self.shelf.notices.recv() => self.on_withdrawn(notice),
                Some(inquiry) = self.shelf.inquiries.recv() => self.on_inquiry(inquiry),
                Some(question) = self.shelf.questions.recv() => self.on_question(question),
                () = self.shelf.traffic.changed() => self.report.stir(),
                () = self.parts.clock.until(deadline) => self.tell(MemberInput::Timeout),
            }
            self.after();
        }
        self.leave().await;
    }

    fn begin(&mut self) {
        for address in self.intent.peers() {
            self.peers.seek_address(address);
        }
        let nowhere = self.intent.peers().is_empty() && self.trackers.is_empty() && !self.is_looked_for();
        if !self.intent.is_serving() && nowhere {
            return self.fail(Failure::NoPeers { kept: 0 });
        }
        self.tell(MemberInput::Timeout);
        self.after();
    }

    /// What has become due besides the member's own business.
    fn after(&mut self) {
        let now = self.parts.clock.now();
        self.update_wish();
        self.sync_if_due(now);
        self.open_again_if_due(now);
        self.finish_again_if_due(now);
        self.check_goal(now);
        self.report_if_due(now);
    }

    fn next_timeout(&self) -> Option<Duration> {
        let stage = match &self.stage {
            Stage::Fetching(fetching) => fetching.next_sync(),
            Stage::Opening(_, again) | Stage::Finishing(_, again) => *again,
            Stage::Manifest | Stage::Serving => None,
        };
        let all = [stage, self.member.next_timeout(), self.next_goal_check(), self.next_report()];
        all.into_iter().flatten().min()
    }

    /// Tells the member something and does what it says.
    pub(super) fn tell(&mut self, input: MemberInput) {
        self.inputs.push_back(input);
        if std::mem::replace(&mut self.carrying, true) {
            return;
        }
        while let Some(input) = self.inputs.pop_front() {
            for output in self.decide(input) {
                self.carry_out(output);
            }
        }
        self.carrying = false;
    }

    fn decide(&mut self, input: MemberInput) -> Vec<MemberOutput> {
        let now = self.parts.clock.now();
        let Some(Observer(observer)) = &self.parts.observer else {
            self.member.handle(now, input);
            return std::iter::from_fn(|| self.member.poll_output()).collect();
        };
        self.member.handle(now, input.clone());
        let outputs: Vec<_> = std::iter::from_fn(|| self.member.poll_output()).collect();
        observer.stepped(self.content, MemberStep { now, input, outputs: outputs.clone() });
        outputs
    }

    fn on_peer_event(&mut self, event: PeerEvent) {
        self.report.stir();
        let connection = |peer, event| MemberInput::Connection { peer, event };
        match event {
            PeerEvent::Connected { peer } => self.tell(connection(peer, ConnectionEvent::Connected)),
            PeerEvent::Unreachable { peer, retry_at, error } => {
                self.account.dial_failed(error.as_ref());
                let retry_at = retry_at.unwrap_or_else(|| self.parts.clock.now() + UNKNOWN_FOR);
                self.tell(connection(peer, ConnectionEvent::Unreachable { retry_at }));
            }
            PeerEvent::Disconnected { peer } => self.tell(connection(peer, ConnectionEvent::Disconnected)),
            PeerEvent::AddressAnswered { address, peer } => {
                self.account.answered(&address);
                tracing::debug!(%address, %peer, "the peer at an address that was named is known");
                self.tell(MemberInput::Found { peers: vec![peer], source: PeerSource::User });
            }
            PeerEvent::AddressUnreachable { address, error } => {
                self.account.address_failed(&address, &error);
                tracing::debug!(%address, %error, "a peer that was named cannot be reached");
            }
            PeerEvent::AddressesChanged => self.tell(MemberInput::AddressesChanged),
            PeerEvent::Lagged { connected } => self.reconcile(&connected),
        }
    }

    /// Events were lost. Neighbours that are not connected any more are let go of.
    fn reconcile(&mut self, connected: &[PeerId]) {
        let gone: Vec<PeerId> = self.member.neighbours().filter(|peer| !connected.contains(peer)).collect();
        for peer in gone {
            self.tell(MemberInput::Connection { peer, event: ConnectionEvent::Disconnected });
        }
        self.member.sought().collect::<Vec<_>>().into_iter().for_each(|peer| self.peers.seek(peer));
        for peer in connected {
            if !self.member.is_neighbour(peer) {
                self.tell(MemberInput::Connection { peer: *peer, event: ConnectionEvent::Connected });
            }
        }
    }

    fn on_task(&mut self, done: Result<Done, JoinError>) {
        match done {
            Ok(done) => self.on_done(done),
            Err(error) if error.is_panic() => self.fail(Failure::Panicked(error)),
            Err(_) => {}
        }
    }
}
