//! The canonical form by itself, for values of which nobody knows the type.

use crate::CborError;

/// Checks that `bytes` are one value in canonical form, nested at most `depth` deep: an array or map is one deeper than
/// what is in it, which is where every other value stands. Costs no memory.
///
/// # Errors
/// [`CborError::NotCanonical`] also for kinds of values that Shoal makes no use of: negative numbers, tags, floats, null
/// and undefined.
pub fn check_form(bytes: &[u8], depth: usize) -> Result<(), CborError> {
    match value(bytes, depth)? {
        [] => Ok(()),
        _ => Err(CborError::Trailing),
    }
}

/// Checks the value at the start, and returns what follows it.
fn value(bytes: &[u8], depth: usize) -> Result<&[u8], CborError> {
    let (head, rest) = Head::read(bytes)?;
    match head.major {
        0 => Ok(rest),
        2 => Ok(split(rest, head.argument)?.1),
        3 => {
            let (text, rest) = split(rest, head.argument)?;
            std::str::from_utf8(text).map_err(|_| malformed("a text that is not UTF-8"))?;
            Ok(rest)
        }
        4 => array(rest, head.argument, inner(depth)?),
        5 => map(rest, head.argument, inner(depth)?),
        7 if matches!(head.argument, 20 | 21) => Ok(rest),
        _ => Err(CborError::NotCanonical),
    }
}

fn array(mut rest: &[u8], len: u64, depth: usize) -> Result<&[u8], CborError> {
    for _ in 0..len {
        rest = value(rest, depth)?;
    }
    Ok(rest)
}

fn map(mut rest: &[u8], len: u64, depth: usize) -> Result<&[u8], CborError> {
    let mut before: Option<&[u8]> = None;
    for _ in 0..len {
        let (head, behind) = Head::read(rest)?;
        let (key, _) = split(behind, head.argument)?;
        let rises = before.is_none_or(|before| (before.len(), before) < (key.len(), key));
        if head.major != 3 || !rises {
            return Err(CborError::NotCanonical);
        }
        before = Some(key);
        rest = value(value(rest, depth)?, depth)?;
    }
    Ok(rest)
}

fn inner(depth: usize) -> Result<usize, CborError> {
    depth.checked_sub(1).ok_or_else(|| malformed("a value is nested too deep"))
}

fn split(bytes: &[u8], len: u64) -> Result<(&[u8], &[u8]), CborError> {
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    bytes.split_at_checked(len).ok_or_else(|| malformed("the bytes end within a value"))
}

/// What a value begins with.
struct Head {
    major: u8,
    /// The number itself, a length, or which of the simple values it is.
    argument: u64,
}

impl Head {
    fn read(bytes: &[u8]) -> Result<(Self, &[u8]), CborError> {
        let (first, rest) = bytes.split_first().ok_or_else(|| malformed("the bytes end before a value"))?;
        let (major, short) = (first >> 5, first & 0x1f);
        let size = match short {
            0..24 => return Ok((Self { major, argument: short.into() }, rest)),
            24..28 => 1 << (short - 24),
            _ => return Err(CborError::NotCanonical),
        };
        let (number, rest) = split(rest, size)?;
        let argument = number.iter().fold(0, |argument, byte| argument << 8 | u64::from(*byte));
        // Each longer form is for what the one before cannot say. No simple value of Shoal has a longer form.
        let least = if size == 1 { 24 } else { 1 << (4 * size) };
        if argument < least || major == 7 {
            return Err(CborError::NotCanonical);
        }
        Ok((Self { major, argument }, rest))
    }
}

fn malformed(why: &str) -> CborError {
    CborError::Malformed(why.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::tests::any_value;
    use crate::{Value, encode};
    use proptest::prelude::*;

    #[test]
    fn other_forms_of_a_value_are_refused() {
        let good: [&[u8]; 9] = [
            &[0x17],
            &[0x18, 24],
            &[0x19, 1, 0],
            &[0x1a, 0, 1, 0, 0],
            &[0x1b, 0, 0, 0, 1, 0, 0, 0, 0],
            &[0x82, 0x41, 0xff, 0x61, b'a'],
            &[0xa2, 0x61, b'b', 0xf4, 0x62, b'a', b'a', 0xf5],
            &[0x80],
            &[0xa0],
        ];
        for bytes in good {
            assert_eq!(check_form(bytes, 2), Ok(()), "{bytes:x?}");
        }
        let bad: [&[u8]; 18] = [
            &[0x18, 23],
            &[0x19, 0, 255],
            &[0x1a, 0, 0, 255, 255],
            &[0x1b, 0, 0, 0, 0, 255, 255, 255, 255],
            &[0x58, 1, 0],
            &[0x1c],
            &[0x9f, 0xff],
            &[0x5f, 0xff],
            &[0x20],
            &[0xc0, 0x00],
            &[0xf6],
            &[0xf7],
            &[0xf8, 20],
            &[0xf9, 0, 0],
            &[0xa2, 0x61, b'b', 0x00, 0x61, b'a', 0x00],
            &[0xa2, 0x61, b'a', 0x00, 0x61, b'a', 0x00],
            &[0xa2, 0x62, b'a', b'a', 0x00, 0x61, b'b', 0x00],
            &[0xa1, 0x00, 0x00],
        ];
        for bytes in bad {
            assert_eq!(check_form(bytes, 2), Err(CborError::NotCanonical), "{bytes:x?}");
        }
        assert_eq!(check_form(&[0x00, 0x00], 2), Err(CborError::Trailing));
        let short: [&[u8]; 8] =
            [&[], &[0x18], &[0x19, 1], &[0x41], &[0x81], &[0xa1], &[0xa1, 0x61, b'a'], &[0x61, 0xff]];
        for bytes in short {
            assert!(matches!(check_form(bytes, 2), Err(CborError::Malformed(_))), "{bytes:x?}");
        }
    }

    #[test]
    fn depth_and_lying_lengths_are_bounded() {
        let nested = |depth: usize| [vec![0x81; depth], vec![0x00]].concat();
        assert_eq!(check_form(&nested(5), 5), Ok(()));
        for (bytes, depth) in [(nested(6), 5), (nested(1 << 20), 100), ([vec![0xa1], nested(9)].concat(), 0)]
        {
            assert!(matches!(check_form(&bytes, depth), Err(CborError::Malformed(_))));
        }
        let huge = [0x40, 0, 0, 0, 0, 0, 0, 1];
        for major in [0x5b, 0x7b, 0x9b, 0xbb] {
            let lie = [&[major], &huge[..]].concat();
            assert!(matches!(check_form(&lie, 5), Err(CborError::Malformed(_))), "{major:x}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_canonical_and_no_change_to_it_panics(
            value in any_value(),
            at: prop::sample::Index,
            byte: u8,
        ) {
            let mut bytes = encode(&value);
            prop_assert_eq!(check_form(&bytes, 16), Ok(()));
            let at = at.index(bytes.len());
            bytes[at] = byte;
            // Whatever passes is what an encoder writes: the two ways of checking agree.
            if check_form(&bytes, 16).is_ok() {
                let read: Value = crate::decode_canonical(&bytes).unwrap();
                prop_assert_eq!(encode(&read), bytes);
            }
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let form = check_form(&bytes, 4);
            prop_assert_eq!(form.is_ok(), form.is_ok() && crate::decode_canonical::<Value>(&bytes).is_ok());
        }
    }
}
