//! What can be asked of a hash key.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::Text;
use crate::moment::Moment;

/// When a record expires, as exactly as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Expiry {
    /// Surely not earlier.
    pub not_before: Moment,
    /// Surely not later.
    pub not_after: Moment,
}

/// A condition on one record.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// There is no record.
    Absent,
    /// There is a record.
    Present,
    /// There is a record with this value.
    ValueIs(Text),
}

/// One write of [`Operation::CheckAndMutate`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubWrite {
    /// Writes a record that does not expire.
    Set {
        /// Its sort key.
        sort_key: Text,
        /// Its value.
        value: Text,
    },
    /// Deletes a record.
    Delete {
        /// Its sort key.
        sort_key: Text,
    },
}

impl SubWrite {
    /// The sort key that is written.
    #[must_use]
    pub fn sort_key(&self) -> &Text {
        match self {
            Self::Set { sort_key, .. } | Self::Delete { sort_key } => sort_key,
        }
    }
}

/// What can be asked of a hash key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Reads a record's value.
    Get {
        /// Which record.
        sort_key: Text,
    },
    /// Reads all records.
    GetAll,
    /// Counts the records.
    Count,
    /// Writes a record.
    Set {
        /// Which record.
        sort_key: Text,
        /// Its value.
        value: Text,
        /// When it expires, if ever.
        expiry: Option<Expiry>,
    },
    /// Deletes a record, whether or not it exists.
    Delete {
        /// Which record.
        sort_key: Text,
    },
    /// Writes several records that do not expire, at once. The last of equal sort keys wins.
    MultiSet {
        /// Sort keys and values.
        records: Vec<(Text, Text)>,
    },
    /// Deletes several records at once.
    MultiDelete {
        /// Which records.
        sort_keys: Vec<Text>,
    },
    /// Adds to a record that holds a decimal integer; an absent or empty one counts as 0. Keeps the
    /// expiry.
    Increment {
        /// Which record.
        sort_key: Text,
        /// What is added.
        by: i64,
    },
    /// Writes a record that does not expire if a record passes a check.
    CheckAndSet {
        /// The record that is checked.
        check_sort_key: Text,
        /// The condition.
        check: Check,
        /// The record that is written.
        sort_key: Text,
        /// Its value.
        value: Text,
    },
    /// Does several writes, in order, if a record passes a check.
    CheckAndMutate {
        /// The record that is checked.
        check_sort_key: Text,
        /// The condition.
        check: Check,
        /// The writes.
        writes: Vec<SubWrite>,
    },
}

/// The sort keys that an operation touches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Touched<'a> {
    All,
    Some(BTreeSet<&'a Text>),
}

impl Touched<'_> {
    fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Some(keys), Self::Some(others)) => !keys.is_disjoint(others),
            (Self::Some(keys), Self::All) | (Self::All, Self::Some(keys)) => !keys.is_empty(),
            (Self::All, Self::All) => true,
        }
    }
}

impl Operation {
    /// Reads a record.
    pub fn get(sort_key: impl Into<Text>) -> Self {
        let sort_key = sort_key.into();
        Self::Get { sort_key }
    }

    /// Writes a record that does not expire.
    pub fn set(sort_key: impl Into<Text>, value: impl Into<Text>) -> Self {
        Self::Set {
            sort_key: sort_key.into(),
            value: value.into(),
            expiry: None,
        }
    }

    /// Deletes a record.
    pub fn delete(sort_key: impl Into<Text>) -> Self {
        let sort_key = sort_key.into();
        Self::Delete { sort_key }
    }

    /// Adds to a record.
    pub fn increment(sort_key: impl Into<Text>, by: i64) -> Self {
        let sort_key = sort_key.into();
        Self::Increment { sort_key, by }
    }

    /// Whether it never writes.
    #[must_use]
    pub fn is_read(&self) -> bool {
        matches!(self, Self::Get { .. } | Self::GetAll | Self::Count)
    }

    /// The sort keys that it may write.
    pub(super) fn written(&self) -> BTreeSet<&Text> {
        match self {
            Self::Get { .. } | Self::GetAll | Self::Count => BTreeSet::new(),
            Self::Set { sort_key, .. }
            | Self::Delete { sort_key }
            | Self::Increment { sort_key, .. }
            | Self::CheckAndSet { sort_key, .. } => BTreeSet::from([sort_key]),
            Self::MultiSet { records } => records.iter().map(|(sort_key, _)| sort_key).collect(),
            Self::MultiDelete { sort_keys } => sort_keys.iter().collect(),
            Self::CheckAndMutate { writes, .. } => writes.iter().map(SubWrite::sort_key).collect(),
        }
    }

    /// The sort keys that it may write or read.
    pub(super) fn touched(&self) -> Touched<'_> {
        let mut keys = self.written();
        match self {
            Self::GetAll | Self::Count => return Touched::All,
            Self::Get { sort_key } => {
                keys.insert(sort_key);
            }
            Self::CheckAndSet { check_sort_key, .. }
            | Self::CheckAndMutate { check_sort_key, .. } => {
                keys.insert(check_sort_key);
            }
            _ => {}
        }
        Touched::Some(keys)
    }

    /// Whether the order of two operations never matters.
    #[must_use]
    pub fn is_independent_of(&self, other: &Self) -> bool {
        let meets = |writer: &Self, touched: Touched<'_>| {
            Touched::Some(writer.written()).overlaps(&touched)
        };
        !meets(self, other.touched()) && !meets(other, self.touched())
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("is absent"),
            Self::Present => f.write_str("exists"),
            Self::ValueIs(value) => write!(f, "= {value}"),
        }
    }
}

impl fmt::Display for SubWrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Set { sort_key, value } => write!(f, "{sort_key}={value}"),
            Self::Delete { sort_key } => write!(f, "delete {sort_key}"),
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Get { sort_key } => write!(f, "get {sort_key}"),
            Self::GetAll => f.write_str("get all"),
            Self::Count => f.write_str("count"),
            Self::Set {
                sort_key,
                value,
                expiry,
            } => {
                write!(f, "set {sort_key}={value}")?;
                match expiry {
                    Some(expiry) => write!(f, " until {}", expiry.not_after),
                    None => Ok(()),
                }
            }
            Self::Delete { sort_key } => write!(f, "delete {sort_key}"),
            Self::MultiSet { records } => {
                f.write_str("multi_set")?;
                let mut records = records.iter();
                records.try_for_each(|(sort_key, value)| write!(f, " {sort_key}={value}"))
            }
            Self::MultiDelete { sort_keys } => write!(f, "multi_delete {}", sort_keys.join(" ")),
            Self::Increment { sort_key, by } => write!(f, "increment {sort_key} by {by}"),
            Self::CheckAndSet {
                check_sort_key,
                check,
                sort_key,
                value,
            } => write!(f, "if {check_sort_key} {check} set {sort_key}={value}"),
            Self::CheckAndMutate {
                check_sort_key,
                check,
                writes,
            } => {
                write!(f, "if {check_sort_key} {check} do")?;
                writes.iter().try_for_each(|write| write!(f, " {write};"))
            }
        }
    }
}
