//! CBOR of which nobody knows the type.

use shoal_cbor::{Value, check_form, decode_canonical, encode};

use super::input::Pieces;

/// The form alone, to a depth that comes first; and any value.
pub(super) fn form(bytes: &[u8]) {
    let mut pieces = Pieces::new(bytes);
    let depth = usize::from(pieces.byte() % 20);
    let body = pieces.rest();
    let well_formed = check_form(body, depth).is_ok();
    if well_formed {
        shoal_testing::assert_canonical(body);
    }
    if let Ok(value) = decode_canonical::<Value>(body) {
        shoal_testing::assert_canonical(body);
        assert_eq!(encode(&value), body);
        assert!(!body.is_empty());
    }
}
