//! Keeps the tracker's state across restarts: passes changes to the [`Store`], and restores at the start what it held.
//!
//! Without a data folder nothing is stored, and all functions here do nothing.

use std::path::Path;
use std::time::Duration;

use libp2p::PeerId;
use shoal_registry::{Registration, Registry};
use shoal_tracker::{ServiceChange, Services};
use tokio::sync::oneshot;

use crate::store::registration::{self, BadRow, Encoded};
use crate::store::{
    self, NotWritten, Row, Saved, Store, StoreError, StoreStats, WallClock, services, unix_now,
};

/// Passes changes to the store, if there is one.
pub(crate) struct Persistence {
    store: Option<Store>,
    clock: WallClock,
}

impl Persistence {
    /// Opens the database in `folder`, if a folder is given. `now` is the caller's time since the start.
    ///
    /// # Errors
    /// Those of [`Store::open`].
    pub(crate) async fn open(folder: Option<&Path>, now: Duration) -> Result<(Self, Saved), StoreError> {
        let opened = match folder {
            None => None,
            Some(folder) => {
                let path = folder.join(store::FILE);
                let opening = tokio::task::spawn_blocking(move || Store::open(&path));
                Some(opening.await.expect("opening does not panic")?)
            }
        };
        let (store, saved) = opened.map_or((None, Saved::default()), |(store, saved)| (Some(store), saved));
        Ok((Self { store, clock: WallClock::new(unix_now(), now) }, saved))
    }

    /// Restores what was saved, as far as its time is not over and today's limits allow.
    pub(crate) fn restore(
        &self,
        saved: Saved,
        now: Duration,
        registry: &mut Registry,
        services: &mut Services,
    ) {
        let registered = restore_rows(&saved.registrations, |row| {
            let registration = registration::read(row, self.clock, now)?;
            Ok(registry.restore(now, registration).is_ok())
        });
        let payloads = restore_rows(&saved.payloads, |row| {
            Ok(services.restore_payload(now, services::payload(row, self.clock, now)?))
        });
        let entries = restore_rows(&saved.index, |row| {
            Ok(services.restore_entry(now, services::entry(row, self.clock, now)?))
        });
        tracing::info!(registrations = registered, payloads, entries, "restored");
    }

    /// A registration is new, or has changed; its `ttl` is what is left of its time.
    pub(crate) fn registered(&self, now: Duration, registration: &Registration) {
        if let Some(store) = &self.store {
            let left = Duration::from_secs(registration.ttl.unwrap_or_default());
            let expires = now.saturating_add(left);
            store.apply([Encoded::of(registration).until(self.clock.at(expires))]);
        }
    }

    /// A peer has unregistered.
    pub(crate) fn unregistered(&self, peer: &PeerId, namespace: &str) {
        if let Some(store) = &self.store {
            store.apply([registration::remove(peer, namespace)]);
        }
    }

    /// A peer is dead.
    pub(crate) fn gone(&self, peer: &PeerId) {
        if let Some(store) = &self.store {
            store.apply([registration::remove_peer(peer)]);
        }
    }

    /// Payloads or published entries changed. For a new payload, the returned channel tells when it is on the disk; only
    /// then its peer is told that it is kept.
    pub(crate) fn changed(
        &self,
        now: Duration,
        changed: ServiceChange,
    ) -> Option<oneshot::Receiver<Result<(), NotWritten>>> {
        let store = self.store.as_ref()?;
        let is_payload = matches!(changed, ServiceChange::PutPayload(_));
        let change = [services::change(changed, self.clock, now)];
        if is_payload {
            return Some(store.apply_durably(change));
        }
        store.apply(change);
        None
    }

    pub(crate) fn stats(&self) -> Option<StoreStats> {
        self.store.as_ref().map(Store::stats)
    }

    /// Writes pending changes. `false` if that took longer than `deadline`, or failed.
    pub(crate) async fn close(self, deadline: Duration) -> bool {
        match self.store {
            Some(store) => store.close(deadline).await,
            None => true,
        }
    }
}

/// Restores each row with `take`; returns how many were taken. Damaged rows are logged and left out.
fn restore_rows(rows: &[Row], mut take: impl FnMut(&Row) -> Result<bool, BadRow>) -> usize {
    let taken = rows.iter().filter(|row| {
        take(row).unwrap_or_else(|error| {
            if error != BadRow::Expired {
                tracing::warn!(%error, "a row of the database is left out");
            }
            false
        })
    });
    taken.count()
}
