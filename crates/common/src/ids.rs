//! Identifiers and positions. Each number with a meaning has its own type; arithmetic exists only
//! where it means something.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

/// A table's number: from 1, never reused. The table of a meta call is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AppId(pub i32);

/// A partition's number in its table: `0..partition_count`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartitionIndex(pub i32);

/// Global partition id: one partition of one table. Written `2.7`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gpid {
    /// The table.
    pub app_id: AppId,
    /// The partition in the table.
    pub partition_index: PartitionIndex,
}

impl Gpid {
    /// Builds a gpid from plain numbers.
    #[must_use]
    pub const fn new(app_id: i32, partition_index: i32) -> Self {
        Self {
            app_id: AppId(app_id),
            partition_index: PartitionIndex(partition_index),
        }
    }

    /// The wire form: partition index in the high 32 bits, table in the low 32 bits
    /// (wire-protocol.md section 4.2).
    #[must_use]
    pub const fn to_u64(self) -> u64 {
        ((self.partition_index.0.cast_unsigned() as u64) << 32)
            | (self.app_id.0.cast_unsigned() as u64)
    }

    /// Inverse of [`Gpid::to_u64`].
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)]
    pub const fn from_u64(packed: u64) -> Self {
        Self::new(packed as u32 as i32, (packed >> 32) as u32 as i32)
    }

    /// The `client_thread_hash` that official clients send for this partition.
    #[must_use]
    pub const fn thread_hash(self) -> i32 {
        self.app_id
            .0
            .wrapping_mul(7919)
            .wrapping_add(self.partition_index.0)
    }
}

impl fmt::Display for Gpid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.app_id.0, self.partition_index.0)
    }
}

/// `2.7` was expected.
#[derive(Debug, thiserror::Error)]
#[error("'{text}' is no partition id: expected <table id>.<partition index>, for example 2.7")]
pub struct ParseGpidError {
    text: String,
}

impl FromStr for Gpid {
    type Err = ParseGpidError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || -> Option<Result<Self, ParseIntError>> {
            let (app, partition) = text.split_once('.')?;
            Some(
                app.parse()
                    .and_then(|app| Ok(Self::new(app, partition.parse()?))),
            )
        };
        match parse() {
            Some(Ok(gpid)) => Ok(gpid),
            _ => Err(ParseGpidError {
                text: text.to_owned(),
            }),
        }
    }
}

/// The epoch of one partition's membership. Only the meta server makes a new one, always the
/// previous plus one (design invariant I3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ballot(pub i64);

impl Ballot {
    /// A partition that never had members.
    pub const ZERO: Self = Self(0);
    /// Marks an unregistered split child in meta answers.
    pub const INVALID: Self = Self(-1);

    /// The ballot after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Ballot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A position in the replicated log of one partition: consecutive from 1; 0 is "nothing yet".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decree(pub i64);

impl Decree {
    /// Before the first mutation.
    pub const ZERO: Self = Self(0);

    /// The decree after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The decree before this one; zero stays zero.
    #[must_use]
    pub const fn previous(self) -> Self {
        if self.0 > 0 {
            Self(self.0 - 1)
        } else {
            Self::ZERO
        }
    }

    /// How many decrees lie in `(earlier, self]`; 0 when `earlier` is not earlier.
    #[must_use]
    pub const fn distance_from(self, earlier: Self) -> u64 {
        if self.0 > earlier.0 {
            (self.0 - earlier.0).cast_unsigned()
        } else {
            0
        }
    }
}

impl fmt::Display for Decree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gpid_packs_as_on_the_wire() {
        let gpid = Gpid::new(2, 5);
        assert_eq!(gpid.to_u64(), 0x0000_0005_0000_0002);
        assert_eq!(Gpid::from_u64(gpid.to_u64()), gpid);
        assert_eq!(
            Gpid::from_u64(Gpid::new(-1, -2).to_u64()),
            Gpid::new(-1, -2)
        );
        assert_eq!(gpid.thread_hash(), 15843);
    }

    #[test]
    fn gpid_text_round_trips_and_names_what_is_wrong() {
        assert_eq!("2.7".parse::<Gpid>().unwrap(), Gpid::new(2, 7));
        assert_eq!(Gpid::new(2, 7).to_string(), "2.7");
        let error = "2-7".parse::<Gpid>().unwrap_err().to_string();
        assert!(error.contains("'2-7'"), "{error}");
    }

    #[test]
    fn decree_distance_never_underflows() {
        assert_eq!(Decree(7).distance_from(Decree(3)), 4);
        assert_eq!(Decree(3).distance_from(Decree(7)), 0);
        assert_eq!(Decree::ZERO.previous(), Decree::ZERO);
    }
}
