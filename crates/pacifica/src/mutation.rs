//! [`Mutation`]: one entry of the replicated log.

use std::fmt;

use bytes::Bytes;
use pegasus_common::{Ballot, Decree};

/// One entry of the replicated log: the effect of some client writes at one decree.
///
/// A new primary proposes an inherited mutation again under its own ballot; decree, timestamp and
/// payload stay (replication.md section 4.3).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Mutation {
    /// The epoch in which this was (last) proposed.
    pub ballot: Ballot,
    /// Its position.
    pub decree: Decree,
    /// When the first primary evaluated it, µs since the Unix epoch, strictly increasing there.
    pub timestamp_us: i64,
    /// The commit point of the primary that proposed it, always below `decree`.
    pub last_committed: Decree,
    /// CRC-32C of `payload`.
    pub checksum: u32,
    /// Bytes that storage applies as they are; opaque here. Empty: nothing but the decree.
    pub payload: Bytes,
}

impl Mutation {
    /// The checksum that belongs to a payload.
    #[must_use]
    pub fn checksum_of(payload: &[u8]) -> u32 {
        crc32c::crc32c(payload)
    }

    /// Whether the payload is the one that was proposed, and the numbers make sense.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        self.decree > Decree::ZERO
            && self.last_committed < self.decree
            && self.checksum == Self::checksum_of(&self.payload)
    }

    /// Whether both are the same write, whatever ballots they were proposed under.
    #[must_use]
    pub fn is_same_write(&self, other: &Self) -> bool {
        self.decree == other.decree
            && self.timestamp_us == other.timestamp_us
            && self.checksum == other.checksum
            && self.payload == other.payload
    }

    /// The same write under another ballot.
    #[must_use]
    pub(crate) fn under(&self, ballot: Ballot) -> Self {
        debug_assert!(
            ballot >= self.ballot,
            "a write goes to a higher ballot only"
        );
        Self {
            ballot,
            ..self.clone()
        }
    }
}

impl fmt::Debug for Mutation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}@{} (committed {}, t {}, {} bytes, crc {:08x})",
            self.decree,
            self.ballot,
            self.last_committed,
            self.timestamp_us,
            self.payload.len(),
            self.checksum
        )
    }
}
