//! The record in the meta column family that says which mutation was applied last.
//!
//! | offset | width | meaning |
//! |---|---|---|
//! | 0 | 1 | format version, 1 |
//! | 1 | 8 | decree, big-endian |
//! | 9 | 8 | rolling digest of all mutations up to it, big-endian |
//! | 17 | 8 | ballot, big-endian |
//! | 25 | 8 | timestamp in microseconds, big-endian |
//! | 33 | 4 | CRC-32C of the above, big-endian |

use pegasus_common::{Ballot, Decree};

/// The key of the record.
pub(super) const MARK_KEY: &[u8] = b"pegasus_last_flushed_decree";

const FORMAT_VERSION: u8 = 1;
const CONTENT_LEN: usize = 33;
pub(super) const MARK_LEN: usize = CONTENT_LEN + 4;

/// How far an engine is: the last mutation that it applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AppliedMark {
    /// Its decree; 0 before the first.
    pub decree: Decree,
    /// Rolling digest of every payload up to it, as the replication layer computes it.
    pub digest: u64,
    /// The ballot that it was proposed in.
    pub ballot: Ballot,
    /// Its timestamp, microseconds since the Unix epoch.
    pub timestamp_us: u64,
}

impl AppliedMark {
    pub(super) fn encode(&self) -> [u8; MARK_LEN] {
        let mut encoded = [0; MARK_LEN];
        encoded[0] = FORMAT_VERSION;
        encoded[1..9].copy_from_slice(&self.decree.0.to_be_bytes());
        encoded[9..17].copy_from_slice(&self.digest.to_be_bytes());
        encoded[17..25].copy_from_slice(&self.ballot.0.to_be_bytes());
        encoded[25..33].copy_from_slice(&self.timestamp_us.to_be_bytes());
        let checksum = crc32c::crc32c(&encoded[..CONTENT_LEN]);
        encoded[CONTENT_LEN..].copy_from_slice(&checksum.to_be_bytes());
        encoded
    }

    /// `None` for anything that [`AppliedMark::encode`] of this version does not make.
    pub(super) fn decode(encoded: &[u8]) -> Option<Self> {
        let (content, checksum) = encoded.split_first_chunk::<CONTENT_LEN>()?;
        if crc32c::crc32c(content).to_be_bytes()[..] != *checksum {
            return None;
        }
        let (version, numbers) = content.split_first()?;
        let (numbers, _) = numbers.as_chunks::<8>();
        match (*version, numbers) {
            (FORMAT_VERSION, &[decree, digest, ballot, timestamp_us]) => Some(Self {
                decree: Decree(i64::from_be_bytes(decree)),
                digest: u64::from_be_bytes(digest),
                ballot: Ballot(i64::from_be_bytes(ballot)),
                timestamp_us: u64::from_be_bytes(timestamp_us),
            }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_round_trips_and_every_flipped_byte_is_seen() {
        let mark = AppliedMark {
            decree: Decree(7),
            digest: u64::MAX - 1,
            ballot: Ballot(3),
            timestamp_us: 1_700_000_000_000_000,
        };
        let encoded = mark.encode();
        assert_eq!(AppliedMark::decode(&encoded), Some(mark));
        for position in 0..encoded.len() {
            let mut damaged = encoded;
            damaged[position] ^= 0x10;
            assert_eq!(AppliedMark::decode(&damaged), None, "byte {position}");
            assert_eq!(AppliedMark::decode(&encoded[..position]), None);
        }
    }
}
