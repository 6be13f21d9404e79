//! What a peer understands beyond the messages of this version. `PROTOCOL.md` says how protocols grow with it.
//!
//! A capability is a name and a value. Peers name theirs when they join; two peers use only what both have named.
//! Names that a reader does not know are carried and mean nothing to it.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use shoal_cbor::{CborError, Key, Value, ValueLimits, ValueSeed, decode_canonical, encode};

use super::frame::FrameError;

/// The most capabilities that a peer may name.
pub const MAX_CAPABILITIES: usize = 32;
/// The longest name, in bytes.
pub const MAX_CAPABILITY_NAME: usize = 32;
/// The longest encoding of a value, in bytes.
pub const MAX_CAPABILITY_VALUE: usize = 256;
/// The longest names and values of all capabilities together, in bytes.
pub const MAX_CAPABILITY_BYTES: usize = 4096;
/// How deep arrays and maps may lie in each other within a value.
pub const MAX_CAPABILITY_DEPTH: usize = 4;

/// A capability that a program knows: its name, and the type of its value. A value of another type makes a whole message
/// malformed. A later version that has more to say with it uses another name.
pub trait Capability {
    /// 1 to 32 of `a` to `z`, `0` to `9`, `_` and `-`.
    const NAME: &'static str;
    /// What its value says.
    type Value: Serialize + DeserializeOwned;
}

/// What a peer names. Decoded ones are within the limits above.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Capabilities(BTreeMap<Key, Value>);

impl Capabilities {
    /// What this version of Shoal names: nothing. All that it understands is in the messages themselves.
    pub fn own() -> Self {
        Self::default()
    }

    /// Names a capability, in place of an earlier value of the same name.
    pub fn name<C: Capability>(&mut self, value: &C::Value) {
        let value = decode_canonical(&encode(value))
            .expect("values of capabilities are of the kinds that Shoal uses");
        self.0.insert(Key(C::NAME.to_owned()), value);
    }

    /// The value of a capability, if it is named.
    ///
    /// # Errors
    /// It is named with a value of another type.
    pub fn get<C: Capability>(&self) -> Result<Option<C::Value>, CborError> {
        self.0.get(&Key(C::NAME.to_owned())).map(|value| decode_canonical(&encode(value))).transpose()
    }

    /// Whether both peers name a capability, so that it may be used between them.
    pub fn share<C: Capability>(&self, other: &Self) -> bool {
        let key = Key(C::NAME.to_owned());
        self.0.contains_key(&key) && other.0.contains_key(&key)
    }

    /// How many are named.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none is named.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn check(&self) -> Result<(), FrameError> {
        let mut bytes = 0;
        for (Key(name), value) in &self.0 {
            let encoded = encode(value);
            bytes += name.len() + encoded.len();
            if !is_name(name) {
                return Err(FrameError::Value("the name of a capability is not one"));
            }
            let fits = encoded.len() <= MAX_CAPABILITY_VALUE;
            if !fits || shoal_cbor::check_form(&encoded, MAX_CAPABILITY_DEPTH).is_err() {
                return Err(FrameError::Value("the value of a capability is too long or too deep"));
            }
        }
        if self.0.len() > MAX_CAPABILITIES || bytes > MAX_CAPABILITY_BYTES {
            return Err(FrameError::Value("too many capabilities"));
        }
        Ok(())
    }
}

fn is_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-');
    (1..=MAX_CAPABILITY_NAME).contains(&name.len()) && name.bytes().all(fits)
}

impl Serialize for Capabilities {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        self.0.iter().try_for_each(|(Key(name), value)| map.serialize_entry(name, value))?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for Capabilities {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Reader)
    }
}

/// Stops as soon as something is over its limit.
struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Capabilities;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of capabilities")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Capabilities, A::Error> {
        let mut named = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            let mut limits = ValueLimits { depth: MAX_CAPABILITY_DEPTH, bytes: MAX_CAPABILITY_VALUE };
            let value = map.next_value_seed(ValueSeed(&mut limits))?;
            if named.len() == MAX_CAPABILITIES || named.insert(Key(name), value).is_some() {
                return Err(de::Error::custom("too many capabilities, or one twice"));
            }
        }
        Ok(Capabilities(named))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use shoal_cbor::decode;

    struct Compression;
    impl Capability for Compression {
        const NAME: &'static str = "compression";
        type Value = Vec<String>;
    }

    struct Flag;
    impl Capability for Flag {
        const NAME: &'static str = "flag";
        type Value = bool;
    }

    fn read(bytes: &[u8]) -> Result<Capabilities, String> {
        let it: Capabilities = decode_canonical(bytes).map_err(|error| error.to_string())?;
        it.check().map_err(|error| error.to_string())?;
        Ok(it)
    }

    fn of(entries: impl IntoIterator<Item = (String, Value)>) -> Capabilities {
        Capabilities(entries.into_iter().map(|(name, value)| (Key(name), value)).collect())
    }

    #[test]
    fn only_what_both_name_is_used() {
        let (mut ours, mut theirs) = (Capabilities::own(), Capabilities::own());
        let zstd = vec!["zstd".to_owned()];
        ours.name::<Compression>(&zstd);
        assert!(!ours.share::<Compression>(&theirs));
        theirs.name::<Flag>(&true);
        theirs.name::<Compression>(&vec![]);
        assert!(ours.share::<Compression>(&theirs) && !ours.share::<Flag>(&theirs));
        assert_eq!(ours.get::<Compression>(), Ok(Some(zstd)));
        assert_eq!(ours.get::<Flag>(), Ok(None));
        assert_eq!(read(&encode(&theirs)), Ok(theirs), "also by a version that knows none of them");
    }

    #[test]
    fn a_known_name_with_a_value_of_another_type_is_an_error() {
        let wrong = of([("flag".to_owned(), Value::Unsigned(1))]);
        assert!(wrong.get::<Flag>().is_err() && wrong.get::<Compression>() == Ok(None));
    }

    #[test]
    fn every_limit_holds() {
        let named = |name: &str| of([(name.to_owned(), Value::Bool(true))]);
        let valued = |value| of([("a".to_owned(), value)]);
        let bytes = |len| Value::Bytes(vec![0; len]);
        let nested = |depth| (0..depth).fold(Value::Unsigned(0), |inner, _| Value::Array(vec![inner]));
        let many = |count: usize, len| of((0..count).map(|n| (format!("n{n}"), bytes(len))));
        let good =
            [named("a-b_9"), named(&"a".repeat(32)), valued(bytes(254)), valued(nested(4)), many(32, 60)];
        for it in good {
            assert_eq!(read(&encode(&it)), Ok(it));
        }
        for name in ["", "A", "a.b", "é", &"a".repeat(33)] {
            assert!(read(&encode(&named(name))).is_err(), "{name:?}");
        }
        for bad in [valued(bytes(255)), valued(nested(5)), many(33, 1), many(32, 200)] {
            assert!(read(&encode(&bad)).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_is_hostile_costs_little() {
        // A map that announces 2^32 entries; a value of 60 000 small ones; the same name twice; names out of order.
        let lie = [0xba, 0xff, 0xff, 0xff, 0xff, 0x61, b'a', 0x00];
        let many = [vec![0xa1, 0x61, b'a', 0x99, 0xea, 0x60], vec![0; 60_000]].concat();
        let twice = [0xa2, 0x61, b'a', 0x00, 0x61, b'a', 0x00];
        let unsorted = [0xa2, 0x61, b'b', 0x00, 0x61, b'a', 0x00];
        for bytes in [&lie[..], &many, &twice, &unsorted] {
            assert!(read(bytes).is_err());
        }
        assert!(decode::<Capabilities>(&many).is_err(), "while it is read, not afterwards");
    }

    proptest! {
        #[test]
        fn no_bytes_break_a_limit(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(it) = read(&bytes) {
                prop_assert_eq!(encode(&it), bytes);
                prop_assert!(it.len() <= MAX_CAPABILITIES);
            }
        }

        #[test]
        fn whatever_is_named_within_the_limits_survives(
            names in prop::collection::btree_set("[a-z0-9_-]{1,32}", 0..20),
            value in any::<u64>(),
        ) {
            let it = of(names.into_iter().map(|name| (name, Value::Unsigned(value))));
            prop_assert_eq!(read(&encode(&it)), Ok(it));
        }
    }
}
