//! Dials: which are waiting, which are under way, and whether one more may begin.

use std::collections::BTreeMap;
use std::time::Duration;

use multiaddr::Multiaddr;

use super::addresses::KnownAddress;
use super::budget::{Charge, DialBudget};
use super::config::PeerBookConfig;
use super::output::DialId;
use super::queue::{DialQueue, Subject};

/// A dial that is under way.
#[derive(Debug)]
pub(super) struct Underway {
    pub(super) subject: Subject,
    pub(super) addresses: Vec<Multiaddr>,
    charges: Vec<Charge>,
}

/// The dials of a node. Always holds: at most `max_dialing` under way, each subject once.
#[derive(Debug)]
pub(super) struct Dials {
    pub(super) queue: DialQueue,
    budget: DialBudget,
    underway: BTreeMap<DialId, Underway>,
    /// Dials so far; numbers them.
    count: u64,
}

impl Dials {
    pub(super) fn new(config: &PeerBookConfig) -> Self {
        Self {
            queue: DialQueue::default(),
            budget: DialBudget::new(config),
            underway: BTreeMap::new(),
            count: 0,
        }
    }

    /// Begins a dial of as many addresses as may be tried now. If none may: says when.
    pub(super) fn begin<'a>(
        &mut self,
        now: Duration,
        subject: &Subject,
        addresses: impl IntoIterator<Item = &'a KnownAddress>,
        most: usize,
    ) -> Result<(DialId, Vec<Multiaddr>), Duration> {
        let (mut tried, mut charges, mut free_at) = (Vec::new(), Vec::new(), Duration::MAX);
        for known in addresses {
            match self.budget.attempt(now, known) {
                Ok(charge) => {
                    tried.push(known.address.clone());
                    charges.push(charge);
                }
                Err(at) => free_at = free_at.min(at),
            }
            if tried.len() == most {
                break;
            }
        }
        if tried.is_empty() {
            return Err(free_at);
        }
        Ok((self.insert(subject.clone(), tried.clone(), charges), tried))
    }

    /// Begins a dial of an address that the user named.
    pub(super) fn begin_named(&mut self, address: &Multiaddr) -> DialId {
        self.insert(Subject::Address(address.clone()), vec![address.clone()], Vec::new())
    }

    fn insert(&mut self, subject: Subject, addresses: Vec<Multiaddr>, charges: Vec<Charge>) -> DialId {
        self.queue.take(&subject);
        let id = DialId(self.count);
        self.count += 1;
        self.underway.insert(id, Underway { subject, addresses, charges });
        id
    }

    pub(super) fn is_underway(&self, subject: &Subject) -> bool {
        self.underway.values().any(|dial| dial.subject == *subject)
    }

    /// How many are under way.
    pub(super) fn len(&self) -> usize {
        self.underway.len()
    }

    #[cfg(test)]
    pub(super) fn counted(&self) -> usize {
        self.budget.len()
    }

    /// A dial led to a connection at one of its addresses. Returns what it was about.
    pub(super) fn succeeded(&mut self, now: Duration, id: DialId, address: &Multiaddr) -> Option<Subject> {
        let dial = self.underway.remove(&id)?;
        let reached = dial.addresses.iter().zip(&dial.charges).find(|(it, _)| *it == address);
        reached.into_iter().for_each(|(_, charge)| self.budget.refund(now, charge));
        Some(dial.subject)
    }

    pub(super) fn failed(&mut self, id: DialId) -> Option<Underway> {
        self.underway.remove(&id)
    }
}
