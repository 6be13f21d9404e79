//! The few messages of `/rendezvous/1.0.0` that are needed, as protobuf (github.com/libp2p/specs, rendezvous).
//!
//! Written by hand so that the client neither signs, decodes nor checks while it measures, and is the same for
//! every server.

/// A registration with a signed record, made beforehand.
pub(crate) fn register(namespace: &str, record: &[u8], ttl: u64) -> Vec<u8> {
    const TYPE: u64 = 0;
    const FIELD: u64 = 2;
    let mut inner = vec![];
    bytes(&mut inner, 1, namespace.as_bytes());
    bytes(&mut inner, 2, record);
    number(&mut inner, 3, ttl);
    message(TYPE, FIELD, &inner)
}

/// A question for peers in a namespace.
pub(crate) fn discover(namespace: &str, limit: u64) -> Vec<u8> {
    const TYPE: u64 = 3;
    const FIELD: u64 = 5;
    let mut inner = vec![];
    bytes(&mut inner, 1, namespace.as_bytes());
    number(&mut inner, 2, limit);
    message(TYPE, FIELD, &inner)
}

/// What an answer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Answer {
    /// 0 for success.
    pub(crate) status: u64,
    /// How many registrations are in it.
    pub(crate) listed: usize,
}

/// Reads an answer; `None` if it is none.
pub(crate) fn answer(body: &[u8]) -> Option<Answer> {
    const REGISTERED: u64 = 3;
    const DISCOVERED: u64 = 6;
    let (field, inner) = fields(body).find_map(|(field, value)| match value {
        Value::Bytes(inner) if [REGISTERED, DISCOVERED].contains(&field) => Some((field, inner)),
        _ => None,
    })?;
    let mut answer = Answer { status: 0, listed: 0 };
    for (inner, value) in fields(inner) {
        match (field, inner, value) {
            (REGISTERED, 1, Value::Number(status)) | (DISCOVERED, 3, Value::Number(status)) => {
                answer.status = status
            }
            (DISCOVERED, 1, Value::Bytes(_)) => answer.listed += 1,
            _ => {}
        }
    }
    Some(answer)
}

enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

fn fields(mut rest: &[u8]) -> impl Iterator<Item = (u64, Value<'_>)> {
    std::iter::from_fn(move || {
        let key = take_varint(&mut rest)?;
        let value = match key & 7 {
            0 => Value::Number(take_varint(&mut rest)?),
            2 => {
                let length = usize::try_from(take_varint(&mut rest)?).ok()?;
                let (value, after) = rest.split_at_checked(length)?;
                rest = after;
                Value::Bytes(value)
            }
            _ => return None,
        };
        Some((key >> 3, value))
    })
}

fn message(kind: u64, field: u64, inner: &[u8]) -> Vec<u8> {
    let mut message = vec![];
    number(&mut message, 1, kind);
    bytes(&mut message, field, inner);
    message
}

fn number(to: &mut Vec<u8>, field: u64, value: u64) {
    varint(to, field << 3);
    varint(to, value);
}

fn bytes(to: &mut Vec<u8>, field: u64, value: &[u8]) {
    varint(to, field << 3 | 2);
    varint(to, value.len() as u64);
    to.extend_from_slice(value);
}

/// Seven bits in each byte, the least first.
pub(crate) fn varint(to: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        to.push(value as u8 | 0x80);
        value >>= 7;
    }
    to.push(value as u8);
}

fn take_varint(from: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = from.split_first()?;
        *from = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}
