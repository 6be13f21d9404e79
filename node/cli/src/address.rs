//! Addresses that users name.

use libp2p::Multiaddr;
use shoal_content::is_plain;

/// Reads an address; refuses one that no ticket could hold.
pub(super) fn address(text: &str) -> Result<Multiaddr, String> {
    let address = text.parse::<Multiaddr>().map_err(|error| error.to_string())?;
    if is_plain(&address) {
        return Ok(address);
    }
    Err("an address is written in visible ASCII characters, names of other scripts as xn--…".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_plain() {
        assert!(address("/dns4/xn--mnchen-3ya.example/tcp/1").is_ok());
        for bad in ["/dns4/a\u{1b}[2J/tcp/1", "/dns4/münchen.example/tcp/1", "/dns4/a b/tcp/1", "nothing"] {
            assert!(address(bad).is_err(), "{bad:?}");
        }
    }
}
