//! What options of the command line and of a file have in common: values that are written the same way in both, and how a
//! file is read.

use std::fmt::Display;
use std::path::Path;
use std::str::FromStr;

use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error};

use super::ConfigError;

/// A longer file is refused, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// A value that is written as text, on the command line and in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text<T>(pub T);

impl<T: FromStr> FromStr for Text<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, T::Err> {
        text.parse().map(Self)
    }
}

impl<'de, T: FromStr<Err: Display>> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|error| D::Error::custom(format_args!("{text:?}: {error}")))
    }
}

/// Reads options from a TOML file.
///
/// # Errors
/// It cannot be read, is larger than 1 MiB, not TOML, or has an unknown or malformed option in it; then the line and the
/// key are named.
pub fn read_file<T: DeserializeOwned>(path: &Path) -> Result<T, ConfigError> {
    let unreadable = |why: &dyn Display| ConfigError::Unreadable { path: path.into(), why: why.to_string() };
    let length = std::fs::metadata(path).map_err(|e| unreadable(&e))?.len();
    if length > MAX_FILE {
        return Err(unreadable(&"it is larger than 1 MiB"));
    }
    let text = std::fs::read_to_string(path).map_err(|e| unreadable(&e))?;
    toml::from_str(&text)
        .map_err(|error| ConfigError::Malformed { path: path.into(), why: error.to_string() })
}
