//! What a hash key holds.

use std::collections::BTreeMap;
use std::fmt;

use super::Text;
use super::operation::Expiry;

/// A record.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Stored {
    /// Its value.
    pub value: Text,
    /// When it expires, if ever.
    pub expiry: Option<Expiry>,
}

/// The records of a hash key, by sort key. One that has expired may still be among them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct HashKeyState {
    pub(super) records: BTreeMap<Text, Stored>,
}

impl HashKeyState {
    /// The record under a sort key.
    #[must_use]
    pub fn get(&self, sort_key: &str) -> Option<&Stored> {
        self.records.get(sort_key)
    }
}

impl fmt::Display for HashKeyState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (place, (sort_key, stored)) in self.records.iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            write!(f, "{comma}{sort_key}={}", stored.value)?;
            if let Some(expiry) = &stored.expiry {
                write!(f, " until {}", expiry.not_after)?;
            }
        }
        f.write_str("}")
    }
}
