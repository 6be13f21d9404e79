//! Answers to questions: which peers are registered, and which are new.

use std::time::Duration;

use libp2p_identity::PeerId;

use super::swarm::Swarm;
use super::{DiscoveryPage, Registry};
use shoal_wire::rendezvous::{MAX_NAMESPACE, RendezvousRefusal};

impl Registry {
    /// Tells the peers in `namespace`. Without a namespace (or with an empty one, as some clients write none) it tells
    /// all peers, each once with its newest registration. At most `limit` and at most
    /// [`RegistryLimits::page`](super::RegistryLimits::page) are given; `asker` is left out.
    ///
    /// Without a cookie: all, in random order, if they fit the answer, else a random sample that has seeds
    /// and downloaders in it, and in which no single network takes the place of the others. With a cookie: what is new since the answer that it came with, oldest first; if more
    /// is new than fits, the next cookie goes on from there. A peer is new if it has come, or if its
    /// addresses have changed. What a sample left out is not new: to see more of a large swarm, ask without a cookie again.
    ///
    /// Costs O(answer · log n).
    ///
    /// # Errors
    /// A namespace of more than 255 bytes; a cookie for another namespace, or that is not from here.
    pub fn discover(
        &mut self,
        now: Duration,
        namespace: Option<&str>,
        limit: Option<u64>,
        cookie: Option<&[u8]>,
        asker: Option<PeerId>,
    ) -> Result<DiscoveryPage, RendezvousRefusal> {
        self.expire(now);
        let namespace = namespace.filter(|name| !name.is_empty());
        let cookie = cookie.filter(|cookie| !cookie.is_empty());
        let since = self.since(namespace, cookie);
        self.counters.discovered += u64::from(since.is_ok());
        self.counters.discover_refused += u64::from(since.is_err());
        let limit = self.limits.page_for(limit);
        let (members, number) = self.members(namespace, since?, limit, asker);
        let entry = |member| if namespace.is_some() { member } else { self.peers[member].latest };
        let listings = members.into_iter().map(|member| self.listing(now, entry(member))).collect();
        Ok(DiscoveryPage { listings, cookie: self.cookies.seal(namespace, number) })
    }

    /// The number that a cookie stands for, if there is one.
    fn since(
        &self,
        namespace: Option<&str>,
        cookie: Option<&[u8]>,
    ) -> Result<Option<u64>, RendezvousRefusal> {
        if namespace.is_some_and(|name| name.len() > MAX_NAMESPACE) {
            return Err(RendezvousRefusal::Namespace);
        }
        cookie.map(|cookie| self.cookies.open(namespace, cookie)).transpose()
    }

    /// Members of the swarm that was asked for, and the number up to which they are told then.
    fn members(
        &mut self,
        namespace: Option<&str>,
        since: Option<u64>,
        limit: usize,
        asker: Option<PeerId>,
    ) -> (Vec<u32>, u64) {
        let nobody = Swarm::default();
        let swarm = match namespace {
            Some(name) => self.namespaces.key(name).map_or(&nobody, |key| &self.namespaces[key]),
            None => &self.everyone,
        };
        let asker = asker.and_then(|asker| match namespace {
            Some(name) => self.find(&asker, name),
            None => self.peers.key(&asker),
        });
        match since {
            Some(number) => newer(swarm, number, limit, asker, self.last_number),
            None => {
                let place = asker.map(|key| match namespace {
                    Some(_) => (self.entries[key].role, self.entries[key].seat),
                    None => (None, self.peers[key].seat),
                });
                (swarm.sample(limit, place, &mut self.rng), self.last_number)
            }
        }
    }
}

/// At most `limit` members with a number above `number`, and the number that the next question starts from.
fn newer(swarm: &Swarm, number: u64, limit: usize, asker: Option<u32>, last: u64) -> (Vec<u32>, u64) {
    let mut members = vec![];
    let mut told = number;
    for (number, member) in swarm.since(number).filter(|(_, member)| Some(*member) != asker) {
        if members.len() == limit {
            return (members, told);
        }
        members.push(member);
        told = number;
    }
    (members, last)
}
