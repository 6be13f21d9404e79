//! Values of which nobody knows the type.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Any value of the kinds that Shoal uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// An unsigned integer.
    Unsigned(u64),
    /// A byte string.
    Bytes(Vec<u8>),
    /// A text.
    Text(String),
    /// An array.
    Array(Vec<Value>),
    /// A map.
    Map(BTreeMap<Key, Value>),
    /// True or false.
    Bool(bool),
}

/// A key of a map: shorter ones come first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key(pub String);

impl Ord for Key {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.0.len(), &self.0).cmp(&(other.0.len(), &other.0))
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// How much of a value is taken while it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ValueLimits {
    /// How deep arrays and maps may lie in each other; 0: none.
    pub depth: usize,
    /// How many bytes the encoding may have, about: never less than what is taken.
    pub bytes: usize,
}

impl ValueLimits {
    /// For what has been bounded by other means.
    const WIDE: Self = Self { depth: 64, bytes: usize::MAX };
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Unsigned(number) => serializer.serialize_u64(*number),
            Self::Bytes(bytes) => serializer.serialize_bytes(bytes),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Bool(it) => serializer.serialize_bool(*it),
            Self::Array(items) => {
                let mut array = serializer.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| array.serialize_element(item))?;
                array.end()
            }
            Self::Map(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                entries.iter().try_for_each(|(key, value)| map.serialize_entry(&key.0, value))?;
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        ValueSeed(&mut ValueLimits::WIDE.clone()).deserialize(deserializer)
    }
}

/// Reads a value within limits, and takes from them what it used up. Nothing is kept of a value that is over them.
#[derive(Debug)]
pub struct ValueSeed<'a>(pub &'a mut ValueLimits);

impl ValueSeed<'_> {
    fn take<E: de::Error>(&mut self, bytes: usize) -> Result<(), E> {
        // One byte is the least that anything takes.
        let left = self.0.bytes.checked_sub(bytes + 1);
        self.0.bytes = left.ok_or_else(|| E::custom("a value is too long"))?;
        Ok(())
    }

    fn go_in<E: de::Error>(&mut self) -> Result<(), E> {
        self.take(0)?;
        self.0.depth = self.0.depth.checked_sub(1).ok_or_else(|| E::custom("a value is nested too deep"))?;
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for ValueSeed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueSeed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an unsigned integer, bytes, a text, an array, a map, true or false")
    }

    fn visit_bool<E: de::Error>(mut self, it: bool) -> Result<Value, E> {
        self.take(0)?;
        Ok(Value::Bool(it))
    }

    fn visit_u64<E: de::Error>(mut self, number: u64) -> Result<Value, E> {
        self.take(0)?;
        Ok(Value::Unsigned(number))
    }

    fn visit_str<E: de::Error>(mut self, text: &str) -> Result<Value, E> {
        self.take(text.len())?;
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_bytes<E: de::Error>(mut self, bytes: &[u8]) -> Result<Value, E> {
        self.take(bytes.len())?;
        Ok(Value::Bytes(bytes.to_vec()))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut array: A) -> Result<Value, A::Error> {
        self.go_in()?;
        let mut items = vec![];
        while let Some(item) = array.next_element_seed(ValueSeed(self.0))? {
            items.push(item);
        }
        self.0.depth += 1;
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Value, A::Error> {
        self.go_in()?;
        let mut entries = BTreeMap::new();
        while let Some(key) = map.next_key::<String>()? {
            self.take(key.len())?;
            let value = map.next_value_seed(ValueSeed(self.0))?;
            if entries.insert(Key(key), value).is_some() {
                return Err(de::Error::custom("a key stands twice"));
            }
        }
        self.0.depth += 1;
        Ok(Value::Map(entries))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::{CborError, decode_canonical, encode};
    use proptest::prelude::*;

    /// Any value, some layers deep.
    pub(crate) fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<u64>().prop_map(Value::Unsigned),
            (0u64..300).prop_map(Value::Unsigned),
            prop::collection::vec(any::<u8>(), 0..40).prop_map(Value::Bytes),
            ".{0,12}".prop_map(Value::Text),
            any::<bool>().prop_map(Value::Bool),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            let key = "[a-z]{0,4}".prop_map(Key);
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
                prop::collection::btree_map(key, inner, 0..6).prop_map(Value::Map),
            ]
        })
    }

    fn read(bytes: &[u8], depth: usize, most: usize) -> Result<Value, String> {
        let reader = cbor4ii::core::utils::SliceReader::new(bytes);
        let mut limits = ValueLimits { depth, bytes: most };
        let mut decoder = cbor4ii::serde::Deserializer::new(reader);
        ValueSeed(&mut limits).deserialize(&mut decoder).map_err(|error| error.to_string())
    }

    #[test]
    fn keys_are_in_canonical_order() {
        let map = ["b", "aa", "a"].map(|key| (Key(key.to_owned()), Value::Bool(true)));
        let bytes = encode(&Value::Map(map.into()));
        assert_eq!(bytes, [0xa3, 0x61, b'a', 0xf5, 0x61, b'b', 0xf5, 0x62, b'a', b'a', 0xf5]);
    }

    #[test]
    fn other_kinds_of_values_are_refused() {
        for bytes in [&[0x20][..], &[0xf6], &[0xf7], &[0xf9, 0, 0], &[0xa1, 0x00, 0x00], &[0x81, 0xf6]] {
            assert!(matches!(decode_canonical::<Value>(bytes), Err(CborError::Malformed(_))), "{bytes:x?}");
        }
    }

    #[test]
    fn limits_hold_before_memory_is_taken() {
        let nested = |depth: usize| [vec![0x81; depth], vec![0x00]].concat();
        assert!(read(&nested(3), 3, 10).is_ok() && read(&nested(4), 3, 10).is_err());
        let many = [vec![0x98, 200], vec![0x00; 200]].concat();
        assert!(read(&many, 1, 201).is_ok() && read(&many, 1, 200).is_err());
        let long = [vec![0x58, 200], vec![0x00; 200]].concat();
        assert!(read(&long, 0, 201).is_ok() && read(&long, 0, 200).is_err());
        let key = [vec![0xa1, 0x78, 200], vec![b'a'; 200], vec![0x00]].concat();
        assert!(read(&key, 1, 203).is_ok() && read(&key, 1, 202).is_err());
        // Siblings do not add up.
        assert!(read(&[0x82, 0x81, 0x00, 0x81, 0x00], 2, 10).is_ok());
    }

    proptest! {
        #[test]
        fn a_value_survives(value in any_value()) {
            prop_assert_eq!(decode_canonical::<Value>(&encode(&value)), Ok(value));
        }

        #[test]
        fn what_is_read_is_within_the_limits(value in any_value(), depth in 0usize..5, most in 0usize..60) {
            let bytes = encode(&value);
            if let Ok(read) = read(&bytes, depth, most) {
                prop_assert_eq!(&read, &value);
                prop_assert_eq!(crate::check_form(&bytes, depth), Ok(()));
            } else {
                prop_assert!(bytes.len() > most || crate::check_form(&bytes, depth).is_err());
            }
        }
    }
}
