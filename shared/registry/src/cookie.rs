//! Cookies: where a client was, kept by the client.
//!
//! A cookie is the number of the newest registration that its holder has been told of (40 bits), a
//! keyed checksum (24 bits), and the namespace. Nothing is kept for it here. The form, eight bytes and then
//! the namespace's text, is not free: rust-libp2p's client takes cookies of any server apart like that and
//! refuses others, and programs ask it for the namespace to know which of their questions was answered.
//!
//! The checksum tells cookies of this tracker since its start from all others. It is short, because
//! guessing one gains nothing: every peer may see everything that any cookie gives.

use rand::RngExt;
use sha2::{Digest, Sha256};

use rand_chacha::ChaCha8Rng;
use shoal_wire::rendezvous::RendezvousRefusal;

/// Numbers have this many bytes.
const NUMBER: usize = 5;
/// Number and checksum.
const HEAD: usize = 8;
/// The highest number in a cookie. Should a tracker ever count further, its clients get news twice.
const MOST: u64 = (1 << (8 * NUMBER)) - 1;

/// Makes and reads cookies. The key is drawn at the start, so numbers of an earlier life mean nothing.
pub(super) struct Cookies {
    key: [u8; 32],
}

impl Cookies {
    pub(super) fn new(rng: &mut ChaCha8Rng) -> Self {
        Self { key: rng.random() }
    }

    /// A cookie for `namespace` (none: all) that stands for all registrations up to `number`.
    pub(super) fn seal(&self, namespace: Option<&str>, number: u64) -> Vec<u8> {
        let number = number.min(MOST);
        let namespace = namespace.unwrap_or_default();
        let mut cookie = Vec::with_capacity(HEAD + namespace.len());
        cookie.extend_from_slice(&number.to_be_bytes()[8 - NUMBER..]);
        cookie.extend_from_slice(&self.checksum(namespace, number));
        cookie.extend_from_slice(namespace.as_bytes());
        cookie
    }

    /// The number in a cookie for `namespace`.
    pub(super) fn open(&self, namespace: Option<&str>, cookie: &[u8]) -> Result<u64, RendezvousRefusal> {
        let number = cookie.get(..NUMBER).ok_or(RendezvousRefusal::Cookie)?;
        let number = number.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        let same = cookie == self.seal(namespace, number);
        same.then_some(number).ok_or(RendezvousRefusal::Cookie)
    }

    fn checksum(&self, namespace: &str, number: u64) -> [u8; HEAD - NUMBER] {
        let hash = Sha256::new().chain_update(self.key).chain_update(number.to_be_bytes());
        let hash = hash.chain_update(namespace).finalize();
        [hash[0], hash[1], hash[2]]
    }
}

impl std::fmt::Debug for Cookies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cookies")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn cookies(seed: u64) -> Cookies {
        Cookies::new(&mut ChaCha8Rng::seed_from_u64(seed))
    }

    #[test]
    fn a_cookie_opens_for_its_namespace_and_tracker_only() {
        let cookie = cookies(1).seal(Some("a"), 7);
        assert_eq!(cookies(1).open(Some("a"), &cookie), Ok(7));
        assert_eq!(cookies(1).open(Some("b"), &cookie), Err(RendezvousRefusal::Cookie));
        assert_eq!(cookies(1).open(None, &cookie), Err(RendezvousRefusal::Cookie));
        assert_eq!(cookies(2).open(Some("a"), &cookie), Err(RendezvousRefusal::Cookie));
        let all = cookies(1).seal(None, 7);
        assert_eq!(cookies(1).open(None, &all), Ok(7));
        assert_eq!(cookies(1).open(Some("a"), &all), Err(RendezvousRefusal::Cookie));
    }

    #[test]
    fn another_namespace_cannot_be_put_behind_it() {
        let mut cookie = cookies(1).seal(Some("a"), 7);
        *cookie.last_mut().unwrap() = b'b';
        assert_eq!(cookies(1).open(Some("b"), &cookie), Err(RendezvousRefusal::Cookie));
    }

    #[test]
    fn no_changed_bit_is_taken() {
        let cookie = cookies(1).seal(Some("name"), 0x12_3456_789a);
        for bit in 0..cookie.len() * 8 {
            let mut changed = cookie.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(cookies(1).open(Some("name"), &changed), Err(RendezvousRefusal::Cookie), "bit {bit}");
        }
        for len in 0..cookie.len() {
            assert_eq!(
                cookies(1).open(Some("name"), &cookie[..len]),
                Err(RendezvousRefusal::Cookie),
                "{len} bytes"
            );
        }
    }

    #[test]
    fn the_form_is_what_stock_clients_read() {
        let cookie = cookies(1).seal(Some("näme"), 1);
        assert_eq!(std::str::from_utf8(&cookie[8..]), Ok("näme"));
        assert_eq!(cookies(1).seal(None, 1).len(), 8);
    }

    #[test]
    fn numbers_beyond_the_highest_stay_there() {
        let cookie = cookies(1).seal(None, u64::MAX);
        assert_eq!(cookies(1).open(None, &cookie), Ok(MOST));
    }
}
