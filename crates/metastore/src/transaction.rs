//! What a commit changes, and under which conditions.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// The number of the commit that wrote a value. It grows with every commit of the store, so a key
/// that was deleted and made again never repeats one.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Version(pub u64);

impl Version {
    /// Before the first commit.
    pub const ZERO: Self = Self(0);

    /// The version of the next commit.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A key with its value, as read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: Bytes,
    /// The value.
    pub value: Bytes,
    /// The commit that wrote the value.
    pub version: Version,
}

/// What must hold before a transaction's operations are done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Precondition {
    /// The key has no value.
    Absent {
        /// The key.
        key: Bytes,
    },
    /// The key's value was written by exactly this commit.
    VersionIs {
        /// The key.
        key: Bytes,
        /// The version that the writer has seen.
        version: Version,
    },
}

impl Precondition {
    /// The key that is looked at.
    #[must_use]
    pub const fn key(&self) -> &Bytes {
        match self {
            Self::Absent { key } | Self::VersionIs { key, .. } => key,
        }
    }
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operation {
    /// Gives the key this value, whether it had one or not.
    Put {
        /// The key.
        key: Bytes,
        /// The value.
        value: Bytes,
    },
    /// Takes the key away; a missing one is no error.
    Delete {
        /// The key.
        key: Bytes,
    },
}

impl Operation {
    /// The key that is changed.
    #[must_use]
    pub const fn key(&self) -> &Bytes {
        match self {
            Self::Put { key, .. } | Self::Delete { key } => key,
        }
    }
}

/// Changes that happen together or not at all. All preconditions are tested against the state
/// before the first operation; of two operations on one key the later wins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    /// What must hold.
    pub preconditions: Vec<Precondition>,
    /// What changes.
    pub operations: Vec<Operation>,
}

impl Transaction {
    /// A transaction that changes nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a key that must not exist yet.
    #[must_use]
    pub fn create(mut self, key: impl Into<Bytes>, value: impl Into<Bytes>) -> Self {
        let key = key.into();
        self.preconditions
            .push(Precondition::Absent { key: key.clone() });
        self.put(key, value)
    }

    /// Replaces a value that must still be the one of `version`.
    #[must_use]
    pub fn replace(
        mut self,
        key: impl Into<Bytes>,
        version: Version,
        value: impl Into<Bytes>,
    ) -> Self {
        let key = key.into();
        self.preconditions.push(Precondition::VersionIs {
            key: key.clone(),
            version,
        });
        self.put(key, value)
    }

    /// Puts a key, whatever it holds.
    #[must_use]
    pub fn put(mut self, key: impl Into<Bytes>, value: impl Into<Bytes>) -> Self {
        self.operations.push(Operation::Put {
            key: key.into(),
            value: value.into(),
        });
        self
    }

    /// Deletes a key, whatever it holds.
    #[must_use]
    pub fn delete(mut self, key: impl Into<Bytes>) -> Self {
        self.operations.push(Operation::Delete { key: key.into() });
        self
    }

    /// Bytes of all keys and values that the operations carry.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        let size = |operation: &Operation| match operation {
            Operation::Put { key, value } => key.len() + value.len(),
            Operation::Delete { key } => key.len(),
        };
        self.operations.iter().map(size).sum()
    }
}
