//! A segment's header: sectors 0 and 1 of the file, with equal content.
//!
//! | offset | width | meaning |
//! |-------:|------:|---------|
//! | 0 | 8 | magic `PEGASLOG` |
//! | 8 | 4 | format version: 1 |
//! | 12 | 1 | durability: 0 fsync, 1 os |
//! | 13 | 3 | zero |
//! | 16 | 8 | log id, as in the marker |
//! | 24 | 8 | index of the segment |
//! | 32 | 8 | life: random, new for each use of the file |
//! | 40 | 8 | index of the first segment of the run (the open log) that made this one |
//! | 48 | 4 | batches that the segment with the index before has, as known when this one was made |
//! | 52 | 4 | zero |
//! | 56 | 16 | boot id of the machine |
//! | 72 | 8 | time of making, microseconds since 1970 |
//! | 80 | 426 | zero |
//! | 506 | 6 | checksum and end mark as of every sector |

use crate::file_layer::BootId;
use crate::options::Durability;
use crate::record::{Fields, MalformedRecord};
use crate::sector::{self, Life, LogId, SECTOR_BYTES};

pub(crate) const FORMAT_VERSION: u32 = 1;
/// Where the first batch starts.
pub(crate) const HEADER_SECTORS: u64 = 2;
const MAGIC: &[u8; 8] = b"PEGASLOG";

/// What a segment says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub durability: Durability,
    pub log: LogId,
    pub index: u64,
    pub life: Life,
    pub run_first: u64,
    pub previous_batches: u32,
    pub boot: BootId,
    pub created_us: i64,
}

/// What a header sector turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum HeaderState {
    Valid(SegmentHeader),
    Bad,
    Unsupported(u32),
}

impl SegmentHeader {
    /// Both copies.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![0; 2 * SECTOR_BYTES];
        for (number, sector) in (0..).zip(bytes.chunks_exact_mut(SECTOR_BYTES)) {
            sector[0..8].copy_from_slice(MAGIC);
            sector[8..12].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
            sector[12] = match self.durability {
                Durability::Fsync => 0,
                Durability::Os => 1,
            };
            sector[16..24].copy_from_slice(&self.log.0.to_le_bytes());
            sector[24..32].copy_from_slice(&self.index.to_le_bytes());
            sector[32..40].copy_from_slice(&self.life.0.to_le_bytes());
            sector[40..48].copy_from_slice(&self.run_first.to_le_bytes());
            sector[48..52].copy_from_slice(&self.previous_batches.to_le_bytes());
            sector[56..72].copy_from_slice(&self.boot.0);
            sector[72..80].copy_from_slice(&self.created_us.to_le_bytes());
            sector::seal_raw(sector, self.log, number);
        }
        bytes
    }

    /// Reads copy `number` of the segment that the file's name calls `index`.
    pub fn decode(sector: &[u8], log: LogId, number: u64, index: u64) -> HeaderState {
        if !sector::is_sealed(sector, log, number) || sector[0..8] != *MAGIC {
            return HeaderState::Bad;
        }
        let mut fields = Fields::new(&sector[8..]);
        match fields.u32() {
            Ok(FORMAT_VERSION) => {}
            Ok(version) => return HeaderState::Unsupported(version),
            Err(MalformedRecord) => return HeaderState::Bad,
        }
        match Self::decode_fields(&mut fields) {
            Ok(header) if header.index == index => HeaderState::Valid(header),
            _ => HeaderState::Bad,
        }
    }

    fn decode_fields(fields: &mut Fields<'_>) -> Result<Self, MalformedRecord> {
        let durability = match fields.u32()? {
            0 => Durability::Fsync,
            1 => Durability::Os,
            _ => return Err(MalformedRecord),
        };
        let log = LogId(fields.u64()?);
        let index = fields.u64()?;
        let life = Life(fields.u64()?);
        let run_first = fields.u64()?;
        let previous_batches = fields.u32()?;
        fields.u32()?;
        Ok(Self {
            durability,
            log,
            index,
            life,
            run_first,
            previous_batches,
            boot: BootId(fields.boot_id()?),
            created_us: fields.i64()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_round_trips_and_belongs_to_its_log_and_name() {
        let header = SegmentHeader {
            durability: Durability::Os,
            log: LogId(1),
            index: 2,
            life: Life(3),
            run_first: 1,
            previous_batches: 4,
            boot: BootId([5; 16]),
            created_us: 6,
        };
        let bytes = header.encode();
        let (first, second) = bytes.split_at(SECTOR_BYTES);
        assert_eq!(
            SegmentHeader::decode(first, LogId(1), 0, 2),
            HeaderState::Valid(header)
        );
        assert_eq!(
            SegmentHeader::decode(second, LogId(1), 1, 2),
            HeaderState::Valid(header)
        );
        assert_eq!(
            SegmentHeader::decode(first, LogId(2), 0, 2),
            HeaderState::Bad
        );
        assert_eq!(
            SegmentHeader::decode(first, LogId(1), 0, 3),
            HeaderState::Bad
        );
        let mut newer = first.to_vec();
        newer[8] = 2;
        sector::seal_raw(&mut newer, LogId(1), 0);
        assert_eq!(
            SegmentHeader::decode(&newer, LogId(1), 0, 2),
            HeaderState::Unsupported(2)
        );
    }
}
