//! `MARKER`: proof that this directory holds a log, and which segments it must have.
//!
//! Two equal sectors, at bytes 0 and 512; replaced as a whole (written beside, flushed, renamed).
//!
//! | offset | width | meaning |
//! |-------:|------:|---------|
//! | 0 | 8 | magic `PEGASMRK` |
//! | 8 | 4 | format version: 1 |
//! | 12 | 4 | zero |
//! | 16 | 8 | log id: random, part of the checksum of every sector of the segments |
//! | 24 | 8 | oldest segment that the log needs |
//! | 32 | 8 | newest segment when the marker was written |
//! | 40 | 466 | zero |
//! | 506 | 6 | checksum (with log id 0) and end mark as of every sector |

use crate::record::{Fields, MalformedRecord};
use crate::sector::{self, LogId, SECTOR_BYTES};

const MAGIC: &[u8; 8] = b"PEGASMRK";
const VERSION: u32 = 1;
const NO_LOG: LogId = LogId(0);
pub(crate) const MARKER_VERSION: u32 = VERSION;

/// What the marker says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Marker {
    pub log: LogId,
    pub oldest: u64,
    pub newest: u64,
}

/// What a marker file turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum MarkerState {
    /// Both copies are good.
    Valid(Marker),
    /// The sector at this byte is bad, the other is good.
    Damaged(Marker, u64),
    Bad,
    Unsupported(u32),
}

impl Marker {
    /// Both copies.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![0; 2 * SECTOR_BYTES];
        for (number, sector) in (0..).zip(bytes.chunks_exact_mut(SECTOR_BYTES)) {
            sector[0..8].copy_from_slice(MAGIC);
            sector[8..12].copy_from_slice(&VERSION.to_le_bytes());
            sector[16..24].copy_from_slice(&self.log.0.to_le_bytes());
            sector[24..32].copy_from_slice(&self.oldest.to_le_bytes());
            sector[32..40].copy_from_slice(&self.newest.to_le_bytes());
            sector::seal_raw(sector, NO_LOG, number);
        }
        bytes
    }

    /// Reads a marker file.
    pub fn decode(file: &[u8]) -> MarkerState {
        let copy = |number: usize| {
            let start = number * SECTOR_BYTES;
            let sector = file.get(start..start + SECTOR_BYTES)?;
            Self::decode_copy(sector, number as u64)
        };
        match (copy(0), copy(1)) {
            (Some(Err(version)), _) | (_, Some(Err(version))) => MarkerState::Unsupported(version),
            (Some(Ok(a)), Some(Ok(b))) if a == b => MarkerState::Valid(a),
            (Some(Ok(a)), _) => MarkerState::Damaged(a, SECTOR_BYTES as u64),
            (None, Some(Ok(b))) => MarkerState::Damaged(b, 0),
            (None, None) => MarkerState::Bad,
        }
    }

    /// One copy; `Err` has an unknown version.
    fn decode_copy(sector: &[u8], number: u64) -> Option<Result<Self, u32>> {
        if !sector::is_sealed(sector, NO_LOG, number) || sector[0..8] != *MAGIC {
            return None;
        }
        let mut fields = Fields::new(&sector[8..]);
        let mut decode = || -> Result<Result<Self, u32>, MalformedRecord> {
            let version = fields.u32()?;
            if version != VERSION {
                return Ok(Err(version));
            }
            fields.u32()?;
            Ok(Ok(Self {
                log: LogId(fields.u64()?),
                oldest: fields.u64()?,
                newest: fields.u64()?,
            }))
        };
        decode().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARKER: Marker = Marker {
        log: LogId(9),
        oldest: 3,
        newest: 5,
    };

    #[test]
    fn one_changed_byte_is_noticed_and_survived() {
        let good = MARKER.encode();
        assert_eq!(Marker::decode(&good), MarkerState::Valid(MARKER));
        for at in 0..good.len() {
            let mut bytes = good.clone();
            bytes[at] ^= 0x10;
            let bad_sector = if at < SECTOR_BYTES {
                0
            } else {
                SECTOR_BYTES as u64
            };
            assert_eq!(
                Marker::decode(&bytes),
                MarkerState::Damaged(MARKER, bad_sector)
            );
        }
    }

    #[test]
    fn nothing_and_garbage_are_bad() {
        assert_eq!(Marker::decode(&[]), MarkerState::Bad);
        assert_eq!(Marker::decode(&[0xEE; 1024]), MarkerState::Bad);
    }
}
