//! This node's own signed records.

use std::time::SystemTime;

use libp2p::Multiaddr;
use libp2p::identity::Keypair;
use shoal_addresses::{MAX_ADDRESSES, is_harmful};
use shoal_wire::rendezvous::{PeerRecord, RecordFormat};

use super::error::TrackerError;

/// Signs records, each newer than the one before.
pub(super) struct OwnRecords {
    identity: Keypair,
    /// Of the newest record; never goes back, also if the system's clock does.
    sequence: u64,
}

impl OwnRecords {
    pub(super) fn new(identity: Keypair) -> Self {
        Self { identity, sequence: 0 }
    }

    /// A new record of these addresses, without those that a tracker tells nobody.
    pub(super) fn sign(
        &mut self,
        addresses: &[Multiaddr],
        format: RecordFormat,
    ) -> Result<Vec<u8>, TrackerError> {
        let addresses = addresses.iter().filter(|address| !is_harmful(address)).take(MAX_ADDRESSES).cloned();
        let addresses: Vec<Multiaddr> = addresses.collect();
        if addresses.is_empty() {
            return Err(TrackerError::NoAddress);
        }
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        self.sequence = self.sequence.max(u64::try_from(since.as_millis()).unwrap_or(u64::MAX));
        PeerRecord::seal(&self.identity, self.sequence, &addresses, format)
            .map_err(|error| TrackerError::Unsigned(error.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: &str = "/ip4/8.8.8.8/tcp/1";

    fn records() -> OwnRecords {
        OwnRecords::new(Keypair::generate_ed25519())
    }

    #[test]
    fn sequence_numbers_never_go_back() {
        let mut records = records();
        records.sequence = u64::MAX - 1;
        let record = records.sign(&[HOME.parse().unwrap()], RecordFormat::Standard).unwrap();
        assert_eq!(PeerRecord::open(&record).unwrap().sequence, u64::MAX - 1);
    }

    #[test]
    fn what_a_tracker_must_not_tell_is_not_registered() {
        let harmful = "/ip6/fe80::1/tcp/1".parse().unwrap();
        let home: Multiaddr = HOME.parse().unwrap();
        let mut records = records();
        let mut sign = |addresses: &[Multiaddr]| records.sign(addresses, RecordFormat::Standard);
        let both = sign(&[home.clone(), Multiaddr::clone(&harmful)]).unwrap();
        assert_eq!(PeerRecord::open(&both).unwrap().addresses, [home]);
        assert_eq!(sign(&[harmful]), Err(TrackerError::NoAddress));
        assert_eq!(sign(&[]), Err(TrackerError::NoAddress));
    }
}
