//! Pieces of chunks on uplinks and downlinks.

use std::time::Duration;

use super::Simulation;
use crate::event::Event;
use crate::id::{Number, TransferId, of_session, session};
use crate::node::Kind;
use crate::transfer::Transfer;
use shoal_content::ChunkIndex;
use shoal_engine::{MemberInput, RequestId, SessionId, StreamEvent};

/// The least pieces of a chunk that may be on the way.
const WINDOW: u64 = 4;
/// Bytes that arrived are reported to the engine this often, as a node does.
const REPORT: Duration = Duration::from_millis(100);

impl Simulation {
    /// Bytes on the line for bytes of a chunk.
    fn framed(&self, bytes: u32) -> u64 {
        (f64::from(bytes) * self.scenario.framing) as u64
    }

    pub(super) fn line_time(&self, bytes: u32, rate: u64) -> Duration {
        Duration::from_nanos(self.framed(bytes).saturating_mul(1_000_000_000) / rate)
    }

    /// A chunk begins its way.
    pub(super) fn send(&mut self, from: Number, to: SessionId, id: RequestId, chunk: ChunkIndex) {
        let (link, to) = of_session(to);
        let rate = self.nodes[from as usize].up.min(self.nodes[to as usize].down);
        let delayed = (rate as f64 * self.scenario.delay.as_secs_f64()) as u64;
        let most = (delayed.div_ceil(u64::from(self.piece)) + 2).max(WINDOW).min(u16::MAX.into());
        let transfer = self.transfers.add(Transfer {
            from,
            to,
            link,
            id,
            chunk,
            len: self.lengths[chunk as usize],
            sent: 0,
            arrived: 0,
            window: 0,
            most: most as u16,
            flying: 0,
            queued: true,
            aborted: false,
            unreported: 0,
            reported: self.now,
        });
        let node = &mut self.nodes[from as usize];
        if let Some(link) = node.links.get_mut(to) {
            link.sending.push(transfer);
        }
        node.line.push_back(transfer);
        self.next_piece(from);
    }

    /// Puts the next piece on an uplink that is free.
    fn next_piece(&mut self, node: Number) {
        if self.nodes[node as usize].sending {
            return;
        }
        while let Some(id) = self.nodes[node as usize].line.pop_front() {
            let transfer = self.transfers.get(id);
            if transfer.aborted {
                transfer.queued = false;
                self.transfers.release(id);
                continue;
            }
            let bytes = (transfer.len - transfer.sent).min(self.piece);
            let time = self.line_time(bytes, self.nodes[node as usize].up);
            self.nodes[node as usize].sending = true;
            return self.queue.push(self.now + time, Event::Left { node, transfer: id, bytes });
        }
    }

    pub(super) fn piece_left(&mut self, node: Number, id: TransferId, bytes: u32) {
        self.nodes[node as usize].sending = false;
        let transfer = self.transfers.get(id);
        transfer.queued = false;
        if transfer.aborted {
            self.transfers.release(id);
        } else {
            self.fly(node, id, bytes);
        }
        if self.nodes[node as usize].alive {
            self.next_piece(node);
            self.leave_if_sent_enough(node);
        }
    }

    /// A piece is on its way. All delays are equal, so pieces reach a downlink in the order in which they
    /// left, and it is known now when it will be through.
    fn fly(&mut self, node: Number, id: TransferId, bytes: u32) {
        let framed = self.framed(bytes);
        let transfer = self.transfers.get(id);
        transfer.sent += bytes;
        transfer.window += 1;
        transfer.flying += 1;
        let (to, link, all) = (transfer.to, transfer.link, transfer.sent == transfer.len);
        let blocked = transfer.window >= transfer.most;
        transfer.queued = !all && !blocked;
        let sender = &mut self.nodes[node as usize];
        if !all && !blocked {
            sender.line.push_back(id);
        }
        sender.sent += framed;
        sender.upload.sent(session(link, to), bytes.into());
        let through = self.line_time(bytes, self.nodes[to as usize].down);
        let free = &mut self.nodes[to as usize].down_free;
        *free = (*free).max(self.now + self.scenario.delay) + through;
        let at = *free;
        self.queue.push(at, Event::Arrived { transfer: id, bytes });
        if all {
            self.nodes[node as usize].upload.ended(session(link, to));
            self.pump(node);
        }
    }

    pub(super) fn piece_arrived(&mut self, id: TransferId, bytes: u32) {
        let now = self.now;
        let transfer = self.transfers.get(id);
        transfer.flying -= 1;
        if transfer.aborted {
            return self.transfers.release(id);
        }
        let (from, to) = (transfer.from, transfer.to);
        if !self.nodes[to as usize].alive || self.is_cut(from, to) {
            // Nothing is acknowledged any more: the window stays shut until the sender notices.
            return;
        }
        let transfer = self.transfers.get(id);
        let first = transfer.arrived == 0;
        transfer.arrived += bytes;
        transfer.unreported += bytes;
        transfer.window -= 1;
        let whole = transfer.arrived == transfer.len;
        let due = whole || now >= transfer.reported + REPORT;
        let report = if due { std::mem::take(&mut transfer.unreported) } else { 0 };
        if due {
            transfer.reported = now;
        }
        let resumes = !transfer.queued && transfer.sent < transfer.len;
        transfer.queued |= resumes;
        if resumes {
            self.nodes[from as usize].line.push_back(id);
            self.next_piece(from);
        }
        if self.nodes[to as usize].kind == Kind::Honest {
            self.traffic.received += u64::from(bytes);
        }
        // A member that is not hungry does not become so by these two, so the news that it has to hear can wait.
        if first {
            self.first_piece(id);
        }
        if report > 0 {
            let event = StreamEvent::Progress { bytes: report.into() };
            self.input(to, MemberInput::Stream { peer: from, event });
        }
        if whole {
            self.chunk_arrived(id);
        } else if first || report > 0 {
            self.drain(to);
        }
    }

    /// The downloader learns what was chosen for it.
    fn first_piece(&mut self, id: TransferId) {
        let &mut Transfer { from, to, link, id, chunk, .. } = self.transfers.get(id);
        let Some(link) = self.nodes[to as usize].link(from, link) else { return };
        let chosen = link.asked.iter_mut().find(|(other, what)| *other == id && what.is_none());
        if let Some((_, what)) = chosen {
            *what = Some(chunk);
        }
        let queued = self.nodes[from as usize].upload.queued();
        let event = StreamEvent::Begun { id, chunk, queued };
        self.input(to, MemberInput::Stream { peer: from, event });
    }

    fn chunk_arrived(&mut self, transfer: TransferId) {
        let &mut Transfer { from, to, link, id, chunk, len, .. } = self.transfers.get(transfer);
        if let Some(link) = self.nodes[from as usize].links.get_mut(to) {
            link.sending.retain(|other| *other != transfer);
        }
        self.transfers.release(transfer);
        if let Some(link) = self.nodes[to as usize].link(from, link) {
            link.answered(id);
        }
        let wrong = self.nodes[from as usize].kind == Kind::Corrupt;
        let receiver = &mut self.nodes[to as usize];
        let honest = u64::from(receiver.kind == Kind::Honest) * u64::from(len);
        if wrong {
            self.traffic.corrupt += honest;
            return self.on_stream(to, from, StreamEvent::Corrupt { id, chunk });
        }
        receiver.upload.received(self.now, from, len.into());
        if receiver.serves(chunk) {
            self.traffic.duplicate += honest;
        } else {
            self.useful += honest;
        }
        self.on_stream(to, from, StreamEvent::Stored { id, chunk, servable: vec![chunk] });
    }

    fn leave_if_sent_enough(&mut self, node: Number) {
        let Some(times) = self.scenario.seed_leaves_after else { return };
        let state = &self.nodes[node as usize];
        if state.kind == Kind::Seed && state.sent as f64 >= times * self.scenario.size as f64 {
            self.leave(node, false);
        }
    }
}
