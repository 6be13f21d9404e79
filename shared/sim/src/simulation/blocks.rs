//! Manifest blocks on their way.

use std::sync::Arc;

use shoal_content::{Hash, MAX_BLOCK};
use shoal_engine::{BlockFailure, MemberInput};

use super::Simulation;
use crate::event::{Event, Message};
use crate::id::Number;
use crate::node::Kind;

impl Simulation {
    /// A peer is asked for a manifest block.
    pub(super) fn asked_for_block(&mut self, from: Number, to: Number, hash: Hash) {
        let node = &self.nodes[to as usize];
        let known = match node.kind {
            Kind::Silent => return,
            Kind::Refuses | Kind::Idle => None,
            Kind::Seed | Kind::Honest | Kind::Corrupt => {
                self.manifest.as_ref().filter(|_| node.knows_manifest)
            }
        };
        match known.and_then(|manifest| manifest.block(&hash)) {
            Some(block) => self.send_block(to, from, hash, block.into()),
            None => self.say(to, from, Message::Block((hash, None).into())),
        }
    }

    /// Blocks go one after the other over the uplink of their sender and the downlink of their receiver.
    fn send_block(&mut self, from: Number, to: Number, hash: Hash, block: Arc<[u8]>) {
        let Some(link) = self.nodes[from as usize].links.get(to).map(|link| link.number) else { return };
        let bytes = block.len().min(MAX_BLOCK) as u32;
        self.count_control(from, bytes.into());
        let left = self.nodes[from as usize].blocks_free.max(self.now);
        let left = left + self.line_time(bytes, self.nodes[from as usize].up);
        self.nodes[from as usize].blocks_free = left;
        let through = self.line_time(bytes, self.nodes[to as usize].down);
        let free = &mut self.nodes[to as usize].down_free;
        *free = (*free).max(left + self.scenario.delay) + through;
        let message = Message::Block((hash, Some(block)).into());
        self.queue.push(*free, Event::Message { from, to, link, message });
    }

    /// An answer to the question for a block.
    pub(super) fn block_came(&mut self, from: Number, to: Number, hash: Hash, block: Option<&[u8]>) {
        let block = block.map(<[u8]>::to_vec).ok_or(BlockFailure::NotFound);
        self.tell(to, MemberInput::Block { peer: from, hash, block });
    }

    /// A peer has the manifest, and opens its store at once.
    pub(super) fn manifest_known(&mut self, node: Number) {
        self.nodes[node as usize].knows_manifest = true;
        let opened = self.opened();
        self.input(node, MemberInput::Store(opened));
    }
}
