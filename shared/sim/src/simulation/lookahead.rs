//! Memory that is fetched before it is needed.
//!
//! Of thousands of peers none is in a cache when its turn comes, and what an event touches lies behind pointers, each of
//! which is known only when the one before has been read. But what happens next is known well before, so the caches are
//! told some events ahead, in stages: what a stage reads, the ones before have had fetched.
//!
//! What this is not: it changes nothing, and nothing depends on it.

use prefetch_index::prefetch_index;

use shoal_engine::{Member, prefetch};

use super::Simulation;
use crate::event::{Broadcast, Event};
use crate::id::{Number, TransferId};

/// What is fetched for an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// What it names.
    Named,
    /// The peers that those name.
    Peers,
    /// What the peer that it happens to points to.
    Parts,
    /// Where that one keeps what it knows of whom.
    Names,
    /// What it knows of the peers that it has to do with.
    Neighbours,
    /// What it knows of their chunks.
    Chunks,
}

/// How many events before.
const STAGES: [(Stage, usize); 6] = [
    (Stage::Named, 18),
    (Stage::Peers, 14),
    (Stage::Parts, 10),
    (Stage::Names, 7),
    (Stage::Neighbours, 4),
    (Stage::Chunks, 1),
];

impl Simulation {
    /// Has the caches fetch what soon is needed.
    pub(super) fn look_ahead(&self) {
        for (stage, others) in STAGES {
            if let Some(event) = self.queue.upcoming(others) {
                self.prefetch(stage, event);
            }
        }
    }

    fn prefetch(&self, stage: Stage, event: &Event) {
        match event {
            Event::Arrived { transfer, bytes } => self.prefetch_arrival(stage, *transfer, *bytes),
            Event::Left { node, transfer, bytes } => self.prefetch_departure(stage, *node, *transfer, *bytes),
            Event::News(news) => self.prefetch_broadcast(stage, news),
            Event::Timer(node) => self.prefetch_node(stage, *node, None),
            Event::Message { from, to, .. } => self.prefetch_node(stage, *to, Some(*from)),
            _ => {}
        }
    }

    /// For a peer that hears its news, and does something that has to do with another peer.
    fn prefetch_node(&self, stage: Stage, number: Number, peer: Option<Number>) {
        let node = &self.nodes[number as usize];
        let inbox = &self.inboxes[number as usize];
        match stage {
            Stage::Named => {
                node.prefetch();
                prefetch_index(&self.inboxes, number as usize);
            }
            Stage::Peers => {}
            Stage::Parts => self.prefetch_parts(number),
            Stage::Names => node.member.iter().for_each(Member::prefetch_names),
            Stage::Neighbours => {
                peer.into_iter().for_each(|peer| node.links.prefetch(peer));
                if let Some(member) = &node.member {
                    let heard = inbox.news.iter().map(|news| news.from);
                    heard.chain(peer).for_each(|peer| member.prefetch_peer(&peer));
                }
            }
            Stage::Chunks => self.prefetch_news(number),
        }
    }

    /// For a peer that hears news of another.
    pub(super) fn prefetch_neighbour(&self, number: Number, peer: Number) {
        self.nodes[number as usize].member.iter().for_each(|member| member.prefetch_peer(&peer));
    }

    /// For a peer that hears what is in its inbox.
    pub(super) fn prefetch_news(&self, number: Number) {
        let node = &self.nodes[number as usize];
        let news = &self.inboxes[number as usize].news;
        if let Some(member) = node.member.as_ref().filter(|_| !news.is_empty()) {
            news.iter().for_each(|news| member.prefetch_news(&news.from, &news.chunks));
            node.upload.prefetch_news(&self.content, news.iter().map(|news| &news.chunks));
        }
    }

    fn prefetch_parts(&self, number: Number) {
        let node = &self.nodes[number as usize];
        node.links.prefetch_places();
        node.member.iter().for_each(Member::prefetch);
        let news = &self.inboxes[number as usize].news;
        (0..news.len()).step_by(2).for_each(|at| prefetch_index(news, at));
    }

    fn prefetch_arrival(&self, stage: Stage, id: TransferId, bytes: u32) {
        if stage == Stage::Named {
            return self.transfers.prefetch(id);
        }
        let transfer = self.transfers.peek(id);
        let (from, to) = (transfer.from, transfer.to);
        let whole = transfer.arrived + bytes >= transfer.len;
        match stage {
            Stage::Peers => {
                self.prefetch_node(Stage::Named, to, None);
                self.nodes[from as usize].prefetch();
            }
            Stage::Parts => {
                self.prefetch_parts(to);
                self.nodes[from as usize].links.prefetch_places();
            }
            Stage::Names => {
                self.prefetch_node(stage, to, None);
                self.nodes[from as usize].links.prefetch(to);
            }
            _ if whole => {
                self.prefetch_node(stage, to, Some(from));
                if let Some(member) =
                    self.nodes[to as usize].member.as_ref().filter(|_| stage == Stage::Neighbours)
                {
                    member.prefetch_all_peers();
                }
            }
            Stage::Neighbours => {
                self.nodes[to as usize].links.prefetch(from);
                self.prefetch_neighbour(to, from);
            }
            Stage::Named | Stage::Chunks => {}
        }
    }

    fn prefetch_departure(&self, stage: Stage, node: Number, id: TransferId, bytes: u32) {
        if stage == Stage::Named {
            self.transfers.prefetch(id);
            return self.prefetch_node(stage, node, None);
        }
        let transfer = self.transfers.peek(id);
        if stage == Stage::Peers {
            let to = &self.nodes[transfer.to as usize];
            prefetch(&to.down);
            prefetch(&to.down_free);
        } else if transfer.sent + bytes >= transfer.len {
            self.prefetch_node(stage, node, None);
        }
    }

    fn prefetch_broadcast(&self, stage: Stage, news: &Broadcast) {
        let hungry = || news.to.iter().map(|(to, _)| *to).filter(|to| self.inboxes[*to as usize].hungry);
        match stage {
            Stage::Named => prefetch(news),
            Stage::Peers => (0..news.to.len()).step_by(8).for_each(|at| prefetch_index(&news.to, at)),
            Stage::Parts => news.to.iter().for_each(|(to, _)| prefetch_index(&self.inboxes, *to as usize)),
            Stage::Names => {
                for (to, _) in &news.to {
                    let news = &self.inboxes[*to as usize].news;
                    prefetch_index(news, news.len());
                }
                hungry().for_each(|to| self.nodes[to as usize].prefetch());
            }
            Stage::Neighbours => hungry().for_each(|to| self.prefetch_parts(to)),
            Stage::Chunks => hungry().for_each(|to| self.prefetch_node(Stage::Names, to, None)),
        }
    }
}
