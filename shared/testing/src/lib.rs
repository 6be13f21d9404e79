//! What the tests of several crates share: listings of bytes, and what `PROTOCOL.md` shows.
//!
//! A *listing* has a line for each piece: its bytes in hexadecimal, then what they are. `PROTOCOL.md` shows the
//! same bytes, and tests of the crates that make them compare both ways.
//!
//! - [`example`]: the listings of the content that all examples are about.
//! - [`kad`]: messages of the distributed hash table about it.
//! - [`bytes`], [`documented`]: what a listing and what the document says.
//! - [`assert_canonical`]: whether bytes are CBOR in the form that Shoal writes.
//!
//! What this is not: no program depends on it, and it knows no type of any crate. What always holds: a listing that
//! cannot be read makes the test panic.

pub mod example;
pub mod kad;

/// The bytes of a listing.
pub fn bytes(listing: &str) -> Vec<u8> {
    let lines = listing.lines().map(|line| line.split('#').next().unwrap_or_default());
    let digits: String = lines.flat_map(|hex| hex.split_whitespace()).collect();
    data_encoding::HEXLOWER.decode(digits.as_bytes()).unwrap_or_else(|e| panic!("{e} in {listing}"))
}

/// The bytes of every annotated example in `PROTOCOL.md`: its code blocks marked as `hex`.
pub fn documented() -> Vec<Vec<u8>> {
    let blocks = PROTOCOL_MD.split("\n```hex\n").skip(1);
    blocks.map(|block| bytes(block.split("\n```").next().unwrap_or_default())).collect()
}
/// The document itself.
pub const PROTOCOL_MD: &str = include_str!("../../../PROTOCOL.md");

/// Checks that bytes are one value in the form that Shoal writes: shortest heads, definite lengths,
/// unique map keys that are texts, shorter ones first and then bytewise; no tags, floats or nulls.
pub fn assert_canonical(bytes: &[u8]) {
    assert_eq!(skip_value(bytes), Ok(&[][..]), "{}", data_encoding::HEXLOWER.encode(bytes));
}

/// Takes a value from the start of `bytes` and returns the rest.
fn skip_value(bytes: &[u8]) -> Result<&[u8], &'static str> {
    let (major, value, rest) = head(bytes)?;
    let value = usize::try_from(value).map_err(|_| "too long")?;
    match major {
        0 | 1 => Ok(rest),
        2 => rest.get(value..).ok_or("cut short"),
        3 => text(value, rest).map(|(_, rest)| rest),
        4 => (0..value).try_fold(rest, |rest, _| skip_value(rest)),
        5 => skip_entries(value, rest),
        6 => Err("a tag"),
        _ if matches!(bytes[0], 0xf4 | 0xf5) => Ok(rest),
        _ => Err("a float, null or another simple value"),
    }
}

fn skip_entries(count: usize, mut rest: &[u8]) -> Result<&[u8], &'static str> {
    let mut before: Option<&str> = None;
    for _ in 0..count {
        let (3, len, after) = head(rest)? else { return Err("a key that is no text") };
        let (key, after) = text(len as usize, after)?;
        let place = |key: &str| (key.len(), key.to_owned());
        if before.is_some_and(|before| place(before) >= place(key)) {
            return Err("keys out of order");
        }
        before = Some(key);
        rest = skip_value(after)?;
    }
    Ok(rest)
}

fn text(len: usize, rest: &[u8]) -> Result<(&str, &[u8]), &'static str> {
    let (text, rest) = rest.split_at_checked(len).ok_or("cut short")?;
    Ok((str::from_utf8(text).map_err(|_| "a text that is not UTF-8")?, rest))
}

/// Takes the head of a value: major type, value or length, and the rest.
fn head(bytes: &[u8]) -> Result<(u8, u64, &[u8]), &'static str> {
    let (&first, rest) = bytes.split_first().ok_or("cut short")?;
    let (major, info) = (first >> 5, first & 31);
    let (width, least) = match info {
        0..24 => return Ok((major, u64::from(info), rest)),
        24 => (1, 24),
        25 => (2, 1 << 8),
        26 => (4, 1 << 16),
        27 => (8, 1 << 32),
        _ => return Err("an indefinite length"),
    };
    let (digits, rest) = rest.split_at_checked(width).ok_or("cut short")?;
    let value = digits.iter().fold(0, |value, digit| value << 8 | u64::from(*digit));
    if value < least && major < 7 {
        return Err("a number that is not in its shortest form");
    }
    Ok((major, value, rest))
}

#[cfg(test)]
mod tests {
    use super::skip_value;

    #[test]
    fn what_is_not_canonical_is_found() {
        let refused: [(&[u8], &str); 14] = [
            (&[], "cut short"),
            (&[0x18, 0x17], "a number that is not in its shortest form"),
            (&[0x19, 0x00, 0xff], "a number that is not in its shortest form"),
            (&[0x58, 0x01, 0x00], "a number that is not in its shortest form"),
            (&[0x1b, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff], "a number that is not in its shortest form"),
            (&[0x9f, 0xff], "an indefinite length"),
            (&[0xa2, 0x61, b'b', 0, 0x61, b'a', 0], "keys out of order"),
            (&[0xa2, 0x62, b'a', b'a', 0, 0x61, b'b', 0], "keys out of order"),
            (&[0xa2, 0x61, b'a', 0, 0x61, b'a', 0], "keys out of order"),
            (&[0xa1, 0x01, 0x01], "a key that is no text"),
            (&[0xd8, 0x2a, 0x41, 0x00], "a tag"),
            (&[0xfb, 0, 0, 0, 0, 0, 0, 0, 0], "a float, null or another simple value"),
            (&[0xf6], "a float, null or another simple value"),
            (&[0x62, 0xff, 0xff], "a text that is not UTF-8"),
        ];
        for (bytes, why) in refused {
            assert_eq!(skip_value(bytes), Err(why), "{bytes:x?}");
        }
        assert_eq!(skip_value(&[0xa2, 0x61, b'b', 0, 0x62, b'a', b'a', 0x18, 0x18]), Ok(&[][..]));
    }
}
