//! What tells whether a peer has moved.

use multiaddr::Multiaddr;
use sha2::{Digest, Sha256};

/// A number for a set of addresses, in whatever order; another set has another one.
pub fn addresses_digest<'a>(addresses: impl IntoIterator<Item = &'a Multiaddr>) -> u64 {
    let mut addresses: Vec<_> = addresses.into_iter().collect();
    addresses.sort_unstable();
    addresses.dedup();
    let hash = addresses.iter().fold(Sha256::new(), |hash, address| {
        let bytes: &[u8] = address.as_ref();
        hash.chain_update((bytes.len() as u64).to_be_bytes()).chain_update(bytes)
    });
    let hash = hash.finalize();
    hash[..8].iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_of_the_set() {
        let [a, b]: [Multiaddr; 2] = ["/ip4/8.8.8.8/tcp/1", "/ip4/8.8.8.8/tcp/2"].map(|a| a.parse().unwrap());
        assert_eq!(addresses_digest([&a, &b]), addresses_digest([&b, &a, &b]));
        assert_ne!(addresses_digest([&a]), addresses_digest([&b]));
        assert_ne!(addresses_digest([&a]), addresses_digest([&a, &b]));
    }
}
