//! The unit of the log's files: 512 bytes that prove themselves.
//!
//! 512 bytes is what every disk writes whole or not at all, so a write that power loss interrupted
//! leaves sectors of two kinds only: as before, and as written. All numbers are little-endian.
//!
//! | offset | width | meaning |
//! |-------:|------:|---------|
//! | 0 | 8 | life: random number of this use of the segment file |
//! | 8 | 4 | batch: number of the batch in the segment, from 0 |
//! | 12 | 4 | index of this sector in its batch |
//! | 16 | 4 | sectors in the batch |
//! | 20 | 2 | where in the content the first record starts; 0xFFFF: none starts here |
//! | 22 | 2 | bytes of content in use; 482 in every sector but the last of a batch |
//! | 24 | 482 | content, rest zero |
//! | 506 | 4 | CRC-32C over log id u64, sector number in the file u64, and bytes 0 to 505 |
//! | 510 | 2 | end mark 0x5A 0xC3 |
//!
//! The end mark tells a sector at which the file was cut (both bytes zero) from one that was written
//! and has changed: no single changed byte can clear both. A sector that is valid but of another
//! life is what an earlier use of the file left, and counts as unwritten.

/// Bytes of a sector.
pub(crate) const SECTOR_BYTES: usize = 512;
/// Bytes of content in a sector.
pub(crate) const CONTENT_BYTES: usize = CRC_AT - CONTENT_AT;
const CONTENT_AT: usize = 24;
const CRC_AT: usize = 506;
const END_MARK_AT: usize = 510;
const END_MARK: [u8; 2] = [0x5A, 0xC3];
const NO_RECORD: u16 = u16::MAX;

/// A log's identity: random, in its marker and in the checksum of each of its sectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogId(pub u64);

/// One use of a segment file: random.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Life(pub u64);

/// What precedes the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SectorHead {
    pub life: Life,
    pub batch: u32,
    pub index: u32,
    pub count: u32,
    /// `None`: no record starts in this sector.
    pub first_record: Option<u16>,
    pub used: u16,
}

/// What is found where a sector of the present life may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SectorState {
    /// Valid.
    Written(SectorHead),
    /// Valid but for its end mark. All content is there.
    Scarred(SectorHead),
    /// Zeros, beyond the end of the file, or of an earlier life.
    Unwritten,
    /// Not valid, and its end is zero: the file was cut here, unless something follows.
    Severed,
    /// Was written and has changed.
    Bad,
}

/// The content of a sector, as much as is in use.
pub(crate) fn content<'a>(sector: &'a [u8], head: &SectorHead) -> &'a [u8] {
    &sector[CONTENT_AT..CONTENT_AT + usize::from(head.used)]
}

/// The content of a sector that is being filled.
pub(crate) fn content_mut(sector: &mut [u8]) -> &mut [u8] {
    &mut sector[CONTENT_AT..CRC_AT]
}

/// Writes everything around the content.
pub(crate) fn seal(sector: &mut [u8], head: &SectorHead, log: LogId, number: u64) {
    sector[0..8].copy_from_slice(&head.life.0.to_le_bytes());
    sector[8..12].copy_from_slice(&head.batch.to_le_bytes());
    sector[12..16].copy_from_slice(&head.index.to_le_bytes());
    sector[16..20].copy_from_slice(&head.count.to_le_bytes());
    let first_record = head.first_record.unwrap_or(NO_RECORD);
    sector[20..22].copy_from_slice(&first_record.to_le_bytes());
    sector[22..24].copy_from_slice(&head.used.to_le_bytes());
    seal_raw(sector, log, number);
}

/// Writes checksum and end mark of a sector with another content (a header).
pub(crate) fn seal_raw(sector: &mut [u8], log: LogId, number: u64) {
    let crc = checksum(sector, log, number);
    sector[CRC_AT..END_MARK_AT].copy_from_slice(&crc.to_le_bytes());
    sector[END_MARK_AT..SECTOR_BYTES].copy_from_slice(&END_MARK);
}

/// Whether checksum and end mark are right.
pub(crate) fn is_sealed(sector: &[u8], log: LogId, number: u64) -> bool {
    has_checksum(sector, log, number) && sector[END_MARK_AT..SECTOR_BYTES] == END_MARK
}

/// Classifies the sector at `number` of a segment in `life`.
pub(crate) fn classify(sector: &[u8], log: LogId, life: Life, number: u64) -> SectorState {
    if has_checksum(sector, log, number) {
        return match parse_head(sector) {
            Some(head) if head.life != life => SectorState::Unwritten,
            Some(head) if sector[END_MARK_AT..SECTOR_BYTES] == END_MARK => {
                SectorState::Written(head)
            }
            Some(head) => SectorState::Scarred(head),
            None => SectorState::Bad,
        };
    }
    if sector.iter().all(|byte| *byte == 0) {
        SectorState::Unwritten
    } else if sector[END_MARK_AT..SECTOR_BYTES] == [0, 0] {
        SectorState::Severed
    } else {
        SectorState::Bad
    }
}

fn parse_head(sector: &[u8]) -> Option<SectorHead> {
    let mut fields = crate::record::Fields::new(sector);
    let life = Life(fields.u64().ok()?);
    let batch = fields.u32().ok()?;
    let index = fields.u32().ok()?;
    let count = fields.u32().ok()?;
    let first_record = fields.u16().ok()?;
    let used = fields.u16().ok()?;
    let first_record = (first_record != NO_RECORD).then_some(first_record);
    let sound = index < count
        && usize::from(used) <= CONTENT_BYTES
        && first_record.is_none_or(|start| start < used);
    sound.then_some(SectorHead {
        life,
        batch,
        index,
        count,
        first_record,
        used,
    })
}

fn checksum(sector: &[u8], log: LogId, number: u64) -> u32 {
    let mut place = [0; 16];
    place[0..8].copy_from_slice(&log.0.to_le_bytes());
    place[8..16].copy_from_slice(&number.to_le_bytes());
    crc32c::crc32c_append(crc32c::crc32c(&place), &sector[..CRC_AT])
}

fn has_checksum(sector: &[u8], log: LogId, number: u64) -> bool {
    sector[CRC_AT..END_MARK_AT] == checksum(sector, log, number).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: LogId = LogId(7);
    const LIFE: Life = Life(0x1122_3344_5566_7788);

    fn sealed() -> ([u8; SECTOR_BYTES], SectorHead) {
        let head = SectorHead {
            life: LIFE,
            batch: 3,
            index: 1,
            count: 2,
            first_record: Some(4),
            used: 5,
        };
        let mut sector = [0; SECTOR_BYTES];
        content_mut(&mut sector)[..5].copy_from_slice(b"hello");
        seal(&mut sector, &head, LOG, 9);
        (sector, head)
    }

    #[test]
    fn layout_is_as_the_table_says() {
        let (sector, _) = sealed();
        let expected = [
            0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 4,
            0, 5, 0,
        ];
        assert_eq!(sector[..24], expected);
        assert_eq!(&sector[24..29], b"hello");
        assert_eq!(sector[510..], [0x5A, 0xC3]);
    }

    #[test]
    fn a_sector_is_valid_only_at_its_place_in_its_log_and_life() {
        let (sector, head) = sealed();
        assert_eq!(classify(&sector, LOG, LIFE, 9), SectorState::Written(head));
        assert_eq!(content(&sector, &head), b"hello");
        assert_eq!(classify(&sector, LOG, LIFE, 8), SectorState::Bad);
        assert_eq!(classify(&sector, LogId(8), LIFE, 9), SectorState::Bad);
        assert_eq!(classify(&sector, LOG, Life(1), 9), SectorState::Unwritten);
        assert_eq!(
            classify(&[0; SECTOR_BYTES], LOG, LIFE, 9),
            SectorState::Unwritten
        );
    }

    #[test]
    fn no_changed_byte_makes_a_sector_look_unwritten_or_cut() {
        let (good, head) = sealed();
        for at in 0..SECTOR_BYTES {
            for to in 0..=u8::MAX {
                let mut sector = good;
                sector[at] = to;
                let expected = if to == good[at] {
                    SectorState::Written(head)
                } else if at >= END_MARK_AT {
                    SectorState::Scarred(head)
                } else {
                    SectorState::Bad
                };
                assert_eq!(
                    classify(&sector, LOG, LIFE, 9),
                    expected,
                    "byte {at} to {to}"
                );
            }
        }
    }

    #[test]
    fn a_cut_anywhere_never_looks_bad() {
        let (good, _) = sealed();
        for at in 0..SECTOR_BYTES {
            let mut sector = good;
            sector[at..].fill(0);
            let state = classify(&sector, LOG, LIFE, 9);
            assert!(state != SectorState::Bad, "cut at {at}");
        }
    }
}
