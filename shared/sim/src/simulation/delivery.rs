//! Messages and news that reach a peer.

use shoal_content::ChunkIndex;
use shoal_engine::{Member, MemberInput, NeighbourEvent, PeerSource, RequestId, StreamEvent, Wanted};
use shoal_wire::chunks::ChunkRefusal;
use shoal_wire::query::MAX_PEERS;

use super::Simulation;
use crate::event::{Broadcast, Event, Message};
use crate::id::{Number, session};
use crate::inbox::News;
use crate::node::Kind;

impl Simulation {
    /// News reaches those that it was sent to.
    pub(super) fn spread_news(&mut self, Broadcast { from, chunks, to }: Broadcast) {
        let mut hearers = Vec::new();
        for (to, link) in to {
            let late = self.lateness();
            let news = News { from, chunks: chunks.clone() };
            if !late.is_zero() {
                self.queue.push(self.now + late, Event::LateNews { to, link, news });
            } else if self.takes_in(to, link, news) {
                hearers.push(to);
            }
        }
        // What one of them reads does not depend on the others, so all of it is fetched at the same time.
        hearers.iter().for_each(|to| self.prefetch_neighbour(*to, from));
        hearers.iter().for_each(|to| self.prefetch_news(*to));
        hearers.into_iter().for_each(|to| self.hear_news(to));
    }

    /// News that was lost on its way reaches a peer.
    pub(super) fn deliver(&mut self, to: Number, link: u32, news: News) {
        if self.takes_in(to, link, news) {
            self.hear_news(to);
        }
    }

    /// News reaches a peer, if the connection still stands. Returns whether the peer has to hear it at once; if not, it
    /// hears it together with more.
    fn takes_in(&mut self, to: Number, link: u32, news: News) -> bool {
        self.standing.contains(link) && self.inboxes[to as usize].push(news)
    }

    /// A peer learns what others have got. Has to be called before a connection ends.
    pub(super) fn hear_news(&mut self, to: Number) {
        if self.inboxes[to as usize].news.is_empty() {
            return;
        }
        let mut inbox = std::mem::take(&mut self.inboxes[to as usize].news);
        for News { from, chunks } in inbox.drain(..) {
            self.input(to, Member::news(from, chunks));
        }
        self.drain(to);
        // Its memory serves the next ones.
        self.inboxes[to as usize].news = inbox;
    }

    pub(super) fn hear(&mut self, from: Number, to: Number, link: u32, message: Message) {
        let cut = self.is_cut(from, to);
        let node = &mut self.nodes[to as usize];
        if cut || !node.alive || node.link(from, link).is_none() {
            return;
        }
        match message {
            Message::Get { id, chunk } => self.requested(from, to, link, id, Some(chunk)),
            Message::Any { id } => self.requested(from, to, link, id, None),
            Message::Cancel { id } => {
                node.upload.cancel(session(link, from), id);
                self.pump(to);
            }
            Message::Refused { id, why } => {
                if let Some(link) = node.link(from, link) {
                    link.answered(id);
                }
                self.on_stream(to, from, StreamEvent::Refused { id, why });
            }
            Message::Join { have } => self.on_neighbour(to, from, NeighbourEvent::JoinedBy { have }),
            Message::Welcome { have, load } => {
                let rtt = node.link(from, link).map_or(self.scenario.delay * 2, |l| self.now - l.join_sent);
                self.on_neighbour(to, from, NeighbourEvent::Joined { rtt, have, load });
            }
            Message::Leave => self.on_neighbour(to, from, NeighbourEvent::Left),
            Message::AskForPeers => {
                let known = node.member.as_mut().map(|member| member.peers_for(&from, MAX_PEERS));
                self.say(to, from, Message::Peers(known.unwrap_or_default().into()));
            }
            Message::Peers(peers) => {
                self.tell(to, MemberInput::Found { peers: peers.to_vec(), source: PeerSource::Peer(from) });
            }
            Message::OpenStream => {
                node.upload.open(session(link, from), from, None);
                self.say(to, from, Message::StreamOpened);
            }
            Message::StreamOpened => self.on_stream(to, from, StreamEvent::Opened),
            Message::AskForBlock(hash) => {
                self.asked_for_block(from, to, *hash);
                self.on_neighbour(to, from, NeighbourEvent::Asked);
            }
            Message::Block(block) => self.block_came(from, to, block.0, block.1.as_deref()),
        }
    }

    pub(super) fn on_stream(&mut self, node: Number, peer: Number, event: StreamEvent) {
        self.tell(node, MemberInput::Stream { peer, event });
    }

    fn on_neighbour(&mut self, node: Number, peer: Number, event: NeighbourEvent) {
        self.tell(node, MemberInput::Neighbour { peer, event });
    }

    fn requested(&mut self, from: Number, to: Number, link: u32, id: RequestId, chunk: Option<ChunkIndex>) {
        let node = &mut self.nodes[to as usize];
        match node.kind {
            Kind::Silent => {}
            Kind::Refuses | Kind::Idle => {
                self.say(to, from, Message::Refused { id, why: ChunkRefusal::NotFound })
            }
            Kind::Seed | Kind::Honest | Kind::Corrupt => {
                let wanted = Wanted { id, content: self.content, chunk };
                node.upload.request(self.now, session(link, from), wanted);
                self.pump(to);
            }
        }
    }
}
