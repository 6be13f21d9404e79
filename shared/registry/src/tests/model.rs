//! The registry as simple as it can be: one list that is searched from end to end.

use std::collections::BTreeSet;
use std::time::Duration;

use libp2p_identity::PeerId;
use shoal_addresses::Prefix;

use crate::{Registration, RegistryLimits};
use shoal_wire::rendezvous::{Quota, RendezvousRefusal};
use shoal_wire::tracker::Role;

#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) registration: Registration,
    pub(super) expires: Duration,
    prefixes: Vec<Prefix>,
    /// The step in which it was news in its namespace.
    pub(super) news: u64,
}

/// A peer's last news for questions about all namespaces.
#[derive(Debug, Clone)]
struct Seen {
    peer: PeerId,
    addresses: u64,
    news: u64,
}

#[derive(Debug)]
pub(super) struct Model {
    limits: RegistryLimits,
    pub(super) rows: Vec<Row>,
    seen: Vec<Seen>,
    /// Rises with every call.
    pub(super) step: u64,
}

impl Model {
    pub(super) fn new(limits: RegistryLimits) -> Self {
        Self { limits, rows: vec![], seen: vec![], step: 0 }
    }

    pub(super) fn register(&mut self, now: Duration, new: &Registration) -> Result<u64, RendezvousRefusal> {
        self.expire(now);
        let ttl = match new.ttl {
            None => self.limits.default_ttl,
            Some(ttl) if ttl < self.limits.min_ttl || ttl > 259_200 => return Err(RendezvousRefusal::Ttl),
            Some(ttl) => ttl.min(self.limits.max_ttl),
        };
        if new.namespace.is_empty() || new.namespace.len() > 255 {
            return Err(RendezvousRefusal::Namespace);
        }
        if new.record.is_empty() || new.record.len() > self.limits.record {
            return Err(RendezvousRefusal::RecordSize);
        }
        let (step, expires) = (self.step, now + Duration::from_secs(ttl));
        match self.rows.iter_mut().find(|row| is(row, &new.peer, &new.namespace)) {
            Some(row) if new.sequence < row.registration.sequence => {
                return Err(RendezvousRefusal::StaleRecord);
            }
            Some(row) => {
                if row.registration.addresses != new.addresses {
                    row.news = step;
                }
                let role = new.role.or(row.registration.role);
                row.registration = Registration { role, ..new.clone() };
                row.expires = expires;
            }
            None => {
                self.quotas(new)?;
                let prefixes = new.prefixes.clone();
                self.rows.push(Row { registration: new.clone(), expires, prefixes, news: step });
            }
        }
        self.see(new);
        Ok(ttl)
    }

    fn quotas(&self, new: &Registration) -> Result<(), Quota> {
        let count = |same: &dyn Fn(&Row) -> bool| self.rows.iter().filter(|row| same(row)).count();
        if count(&|row| row.registration.peer == new.peer) >= self.limits.per_peer {
            return Err(Quota::Peer);
        }
        for prefix in &new.prefixes {
            if count(&|row| row.prefixes.contains(prefix)) >= self.limits.per_prefix {
                return Err(Quota::Prefix);
            }
        }
        if count(&|row| row.registration.namespace == new.namespace) >= self.limits.per_namespace {
            return Err(Quota::Namespace);
        }
        if self.rows.len() >= self.limits.total { Err(Quota::Total) } else { Ok(()) }
    }

    fn see(&mut self, new: &Registration) {
        let (peer, addresses, news) = (new.peer, new.addresses, self.step);
        match self.seen.iter_mut().find(|seen| seen.peer == peer) {
            Some(seen) if seen.addresses == addresses => {}
            Some(seen) => (seen.addresses, seen.news) = (addresses, news),
            None => self.seen.push(Seen { peer, addresses, news }),
        }
    }

    pub(super) fn remove(&mut self, gone: impl Fn(&Row) -> bool) -> usize {
        let before = self.rows.len();
        self.rows.retain(|row| !gone(row));
        let rows = &self.rows;
        self.seen.retain(|seen| rows.iter().any(|row| row.registration.peer == seen.peer));
        before - self.rows.len()
    }

    pub(super) fn expire(&mut self, now: Duration) -> usize {
        self.remove(|row| row.expires <= now)
    }

    pub(super) fn set_role(&mut self, peer: &PeerId, namespace: &str, role: Role) -> Option<bool> {
        let row = self.rows.iter_mut().find(|row| is(row, peer, namespace));
        row.map(|row| row.registration.role.replace(role) != Some(role))
    }

    /// The peers in a namespace, or in any, that have news after the step `since`, without `asker`.
    pub(super) fn peers(
        &self,
        namespace: Option<&str>,
        since: Option<u64>,
        asker: PeerId,
    ) -> BTreeSet<PeerId> {
        let new = |news: u64| since.is_none_or(|since| news > since);
        let there: BTreeSet<_> = match namespace {
            Some(name) => {
                let rows = self.rows.iter().filter(|row| row.registration.namespace == name && new(row.news));
                rows.map(|row| row.registration.peer).collect()
            }
            None => self.seen.iter().filter(|seen| new(seen.news)).map(|seen| seen.peer).collect(),
        };
        there.into_iter().filter(|peer| *peer != asker).collect()
    }

    pub(super) fn with_role(&self, namespace: &str, role: Option<Role>) -> BTreeSet<PeerId> {
        let rows = self.rows.iter().map(|row| &row.registration);
        rows.filter(|r| r.namespace == namespace && r.role == role).map(|r| r.peer).collect()
    }
}

pub(super) fn is(row: &Row, peer: &PeerId, namespace: &str) -> bool {
    row.registration.peer == *peer && row.registration.namespace == namespace
}
