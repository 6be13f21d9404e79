//! Trackers of all contents: those that the daemon is started with, and those that came or went since.

use libp2p::Multiaddr;

use crate::DaemonError;
use crate::core::Core;
use crate::library::{Record, Settings};

/// The most trackers, of a request and of the daemon.
pub(crate) const MAX_TRACKERS: usize = 32;

impl Core {
    /// The trackers of every content.
    pub(crate) fn trackers(&self) -> Vec<Multiaddr> {
        let settings = self.settings();
        let started = self.options.trackers.iter().filter(|it| !settings.deregistered.contains(it));
        distinct(started.chain(&settings.registered))
    }

    /// The trackers of one content: its own and those of every content.
    pub(crate) fn trackers_of(&self, record: &Record) -> Vec<Multiaddr> {
        distinct(record.trackers().iter().chain(&self.trackers()))
    }

    /// Adds a tracker of all contents; whether it is a new one.
    pub(crate) async fn add_tracker(&self, tracker: Multiaddr) -> Result<bool, DaemonError> {
        let known = self.trackers();
        if known.len() >= MAX_TRACKERS && !known.contains(&tracker) {
            return Err(DaemonError::Invalid(format!("there are {MAX_TRACKERS} trackers already")));
        }
        let started_with = self.options.trackers.contains(&tracker);
        let change = |settings: &mut Settings| {
            let was_out = settings.deregistered.contains(&tracker);
            settings.deregistered.retain(|it| *it != tracker);
            let is_new = !started_with && !settings.registered.contains(&tracker);
            if is_new {
                settings.registered.push(tracker.clone());
            }
            was_out || is_new
        };
        self.change_settings(change).await
    }

    /// Takes out a tracker of all contents; whether it was one.
    pub(crate) async fn take_out_tracker(&self, tracker: &Multiaddr) -> Result<bool, DaemonError> {
        let started_with = self.options.trackers.contains(tracker);
        let change = |settings: &mut Settings| {
            let before = settings.registered.len();
            settings.registered.retain(|it| it != tracker);
            let is_out = started_with && !settings.deregistered.contains(tracker);
            if is_out {
                settings.deregistered.push(tracker.clone());
            }
            is_out || settings.registered.len() < before
        };
        self.change_settings(change).await
    }
}

fn distinct<'a>(addresses: impl Iterator<Item = &'a Multiaddr>) -> Vec<Multiaddr> {
    let mut all: Vec<Multiaddr> = Vec::new();
    for address in addresses {
        if !all.contains(address) {
            all.push(address.clone());
        }
    }
    all
}
