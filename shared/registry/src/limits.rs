//! How much the tracker takes from each peer and in all, and for how long.

use std::time::Duration;

use shoal_wire::rendezvous::RendezvousRefusal;

/// The longest time that the specification lets anybody ask for: 72 hours, in seconds.
pub const SPEC_MAX_TTL: u64 = 72 * 60 * 60;

/// What an operator may choose. The defaults hold the table below some 200 MiB in ordinary use.
///
/// Quotas count registrations and hold for newcomers only: a registered peer may always renew.
#[derive(Debug, Clone)]
pub struct RegistryLimits {
    /// Most registrations in all.
    pub total: usize,
    /// Most registrations in one namespace.
    pub per_namespace: usize,
    /// Most registrations of one peer. The specification recommends 1000.
    pub per_peer: usize,
    /// Most registrations from one address prefix (/24 or /48). Peer ids cost nothing, addresses do; it
    /// is several times `per_peer`, because many homes share an address with others.
    pub per_prefix: usize,
    /// Longest signed record, in bytes: 16 addresses of 100 bytes and a signature fit. With `page` it also
    /// keeps an answer below the 1 MiB that libp2p's clients read.
    pub record: usize,
    /// Most registrations in one answer, whatever was asked for.
    pub page: usize,
    /// Time granted where a request asks for none, in seconds. The specification implies two hours, but also
    /// says that the answer tells the time: with a short one, dead peers are soon gone.
    pub default_ttl: u64,
    /// Shortest time that may be asked for, in seconds. To ask for less is refused; renewed at its half,
    /// this one makes a request every ten seconds.
    pub min_ttl: u64,
    /// Longest time that is granted, in seconds; a request for more (up to [`SPEC_MAX_TTL`]) gets this. Two
    /// hours is what stock clients ask for, and some renew by that whatever the answer says.
    pub max_ttl: u64,
    /// Reports of dead peers that one peer may make at once.
    pub report_burst: u32,
    /// How long until one more report is allowed to it.
    pub report_interval: Duration,
    /// How many peers' worth of reports one address prefix may make: without that, a few identities could take up all
    /// probes.
    pub reporters_per_prefix: u32,
    /// Reporters (and prefixes) that are remembered; a further one replaces the one that has most nearly
    /// recovered its allowance.
    pub reporters: usize,
    /// One peer is probed at most this often because of reports.
    pub probe_interval: Duration,
    /// Peers that may be probed within one `probe_interval`; further reports are ignored.
    pub probes: usize,
}

impl Default for RegistryLimits {
    fn default() -> Self {
        Self {
            total: 200_000,
            per_namespace: 100_000,
            per_peer: 1_000,
            per_prefix: 5_000,
            record: 2_048,
            page: 100,
            default_ttl: 60,
            min_ttl: 20,
            max_ttl: 2 * 60 * 60,
            report_burst: 20,
            report_interval: Duration::from_secs(3),
            reporters_per_prefix: 4,
            reporters: 4_096,
            probe_interval: Duration::from_secs(10),
            probes: 1_024,
        }
    }
}

impl RegistryLimits {
    /// The time to grant, in seconds, for what was asked.
    pub(super) fn grant(&self, asked: Option<u64>) -> Result<u64, RendezvousRefusal> {
        match asked {
            None => Ok(self.default_ttl),
            Some(ttl) if (self.min_ttl..=SPEC_MAX_TTL).contains(&ttl) => Ok(ttl.min(self.max_ttl)),
            Some(_) => Err(RendezvousRefusal::Ttl),
        }
    }

    /// How many registrations a request for `asked` gets; none and zero mean as many as possible.
    pub(super) fn page_for(&self, asked: Option<u64>) -> usize {
        let asked = asked.filter(|n| *n > 0).and_then(|n| usize::try_from(n).ok());
        asked.unwrap_or(self.page).min(self.page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shoal_wire::rendezvous::RendezvousResponse;

    #[test]
    fn less_is_granted_than_asked_and_never_more() {
        let limits = RegistryLimits::default();
        assert_eq!(limits.grant(None), Ok(60));
        assert_eq!(limits.grant(Some(20)), Ok(20));
        assert_eq!(limits.grant(Some(120)), Ok(120));
        assert_eq!(limits.grant(Some(7_200)), Ok(7_200));
        assert_eq!(limits.grant(Some(SPEC_MAX_TTL)), Ok(7_200));
        for bad in [0, 1, 19, SPEC_MAX_TTL + 1, u64::MAX] {
            assert_eq!(limits.grant(Some(bad)), Err(RendezvousRefusal::Ttl), "{bad}");
        }
    }

    #[test]
    fn no_answer_is_longer_than_a_page() {
        let limits = RegistryLimits { page: 10, ..RegistryLimits::default() };
        let pages = [None, Some(0), Some(1), Some(10), Some(11), Some(u64::MAX)];
        assert_eq!(pages.map(|asked| limits.page_for(asked)), [10, 10, 1, 10, 10, 10]);
    }

    #[test]
    fn a_full_page_fits_what_clients_read() {
        let limits = RegistryLimits::default();
        assert!(RendezvousResponse::room_for(limits.record) >= limits.page);
    }
}
