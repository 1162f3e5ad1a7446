//! The bytes of the journal: the file header, batches, and the records in a batch. All numbers are
//! little endian.
//!
//! | File header, 24 bytes | |
//! |---|---|
//! | 0..8 | `PGMETLOG` |
//! | 8..12 | format version, 2 |
//! | 12..20 | generation: base `n` and log `n` belong together |
//! | 20..24 | CRC-32C of the bytes before |
//!
//! | Batch header, 32 bytes | |
//! |---|---|
//! | 0..4 | `MBAT` |
//! | 4..8 | flags: bit 0, some sector of the batch is nearly all zeros by itself |
//! | 8..12 | length of the body |
//! | 12..20 | number of the batch, consecutive over all generations |
//! | 20..24 | CRC-32C of the body |
//! | 24..28 | CRC-32C of the header's bytes before |
//! | 28..32 | `HEND` |
//!
//! The body follows, and after it `BEND`. The letters at both ends make sure that no part of a
//! header or batch in a first or last sector is zeros, so that zeros there mean a missing write.
//!
//! A body is a sequence of [`Record`]s in the `postcard` encoding.

use bytes::{Buf, BufMut};

use super::content::Record;

pub(super) const FORMAT_VERSION: u32 = 2;
pub(super) const FILE_HEADER_BYTES: usize = 24;
pub(super) const BATCH_HEADER_BYTES: usize = 32;
pub(super) const BATCH_END_BYTES: usize = BATCH_END.len();
/// What a disk writes whole or not at all.
pub(super) const SECTOR_BYTES: usize = 512;

const FILE_MAGIC: &[u8; 8] = b"PGMETLOG";
pub(super) const BATCH_MAGIC: &[u8; 4] = b"MBAT";
const HEADER_END: &[u8; 4] = b"HEND";
const BATCH_END: &[u8; 4] = b"BEND";
const HAS_SPARSE_SECTOR: u32 = 1;
/// A sector with fewer other bytes than this could become all zeros by little damage.
const NON_ZERO_BYTES_MIN: usize = 4;

/// Why a file header is refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum HeaderError {
    NotALog,
    WrongChecksum,
    OtherFormat(u32),
}

pub(super) fn file_header(generation: u64) -> [u8; FILE_HEADER_BYTES] {
    let mut header = [0; FILE_HEADER_BYTES];
    let mut out = &mut header[..];
    out.put_slice(FILE_MAGIC);
    out.put_u32_le(FORMAT_VERSION);
    out.put_u64_le(generation);
    let crc = crc32c::crc32c(&header[..20]);
    header[20..].copy_from_slice(&crc.to_le_bytes());
    header
}

/// Returns the generation.
pub(super) fn read_file_header(mut bytes: &[u8]) -> Result<u64, HeaderError> {
    if bytes.len() < FILE_HEADER_BYTES || &bytes[..8] != FILE_MAGIC {
        return Err(HeaderError::NotALog);
    }
    let crc = crc32c::crc32c(&bytes[..20]);
    bytes.advance(8);
    let format = bytes.get_u32_le();
    let generation = bytes.get_u64_le();
    if bytes.get_u32_le() != crc {
        return Err(HeaderError::WrongChecksum);
    }
    if format != FORMAT_VERSION {
        return Err(HeaderError::OtherFormat(format));
    }
    Ok(generation)
}

/// A batch header whose checksum is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BatchHeader {
    pub number: u64,
    pub body_bytes: usize,
    pub has_sparse_sector: bool,
    body_crc: u32,
}

impl BatchHeader {
    /// `None` if these bytes are no header or a damaged one.
    pub fn read(mut bytes: &[u8]) -> Option<Self> {
        if bytes.len() < BATCH_HEADER_BYTES
            || &bytes[..4] != BATCH_MAGIC
            || &bytes[28..BATCH_HEADER_BYTES] != HEADER_END
        {
            return None;
        }
        let crc = crc32c::crc32c(&bytes[..24]);
        bytes.advance(4);
        let flags = bytes.get_u32_le();
        let body_bytes = bytes.get_u32_le() as usize;
        let number = bytes.get_u64_le();
        let body_crc = bytes.get_u32_le();
        (bytes.get_u32_le() == crc).then_some(Self {
            number,
            body_bytes,
            has_sparse_sector: flags & HAS_SPARSE_SECTOR != 0,
            body_crc,
        })
    }

    /// Bytes of the whole batch.
    pub fn batch_bytes(&self) -> usize {
        BATCH_HEADER_BYTES + self.body_bytes + BATCH_END_BYTES
    }

    /// Checks everything after the header, and returns the body.
    pub fn body<'a>(&self, batch: &'a [u8]) -> Option<&'a [u8]> {
        let (body, end) = batch
            .get(BATCH_HEADER_BYTES..)?
            .split_at_checked(self.body_bytes)?;
        (crc32c::crc32c(body) == self.body_crc && end.starts_with(BATCH_END)).then_some(body)
    }
}

/// A batch under construction.
#[derive(Debug, Default)]
pub(super) struct BatchWriter {
    bytes: Vec<u8>,
}

impl BatchWriter {
    /// Adds a record.
    ///
    /// # Errors
    /// It cannot be encoded: a bug.
    pub fn add(&mut self, record: &Record) -> std::io::Result<()> {
        let encoded = postcard::to_stdvec(record).map_err(std::io::Error::other)?;
        self.add_body(&encoded);
        Ok(())
    }

    /// Adds records that are encoded already.
    pub fn add_body(&mut self, records: &[u8]) {
        self.body().put_slice(records);
    }

    fn body(&mut self) -> &mut Vec<u8> {
        if self.bytes.is_empty() {
            self.bytes.resize(BATCH_HEADER_BYTES, 0);
        }
        &mut self.bytes
    }

    /// The bytes to append at `offset` of the file.
    pub fn finish(mut self, number: u64, offset: u64) -> Vec<u8> {
        let body = &self.body()[BATCH_HEADER_BYTES..];
        let body_crc = crc32c::crc32c(body);
        let body_bytes = length(body.len());
        self.bytes.put_slice(BATCH_END);
        // The header has no zero sector of its own: it begins and ends with letters.
        let mut header = &mut self.bytes[..BATCH_HEADER_BYTES];
        header.put_slice(BATCH_MAGIC);
        header.put_u32_le(0);
        header.put_u32_le(body_bytes);
        header.put_u64_le(number);
        header.put_u32_le(body_crc);
        header.put_u32_le(0);
        header.put_slice(HEADER_END);
        let sparse = has_sector_with_fewer_than(NON_ZERO_BYTES_MIN, &self.bytes, offset);
        let flags = u32::from(sparse) * HAS_SPARSE_SECTOR;
        self.bytes[4..8].copy_from_slice(&flags.to_le_bytes());
        let header_crc = crc32c::crc32c(&self.bytes[..24]);
        self.bytes[24..28].copy_from_slice(&header_crc.to_le_bytes());
        self.bytes
    }
}

/// Whether some sector of the file has only zeros in the part that `bytes`, which lie at `offset`,
/// cover: the part was never written.
pub(super) fn has_zero_sector(bytes: &[u8], offset: u64) -> bool {
    sectors(bytes, offset).any(|sector| sector.iter().all(|&byte| byte == 0))
}

/// Whether some whole sector has fewer than `min` bytes that are not zero. Parts of sectors, at
/// both ends of a batch, have its letters.
fn has_sector_with_fewer_than(min: usize, bytes: &[u8], offset: u64) -> bool {
    sectors(bytes, offset)
        .filter(|sector| sector.len() == SECTOR_BYTES)
        .any(|sector| sector.iter().filter(|&&byte| byte != 0).count() < min)
}

/// `bytes`, which lie at `offset` of the file, sector by sector; the first and the last may be
/// parts.
fn sectors(bytes: &[u8], offset: u64) -> impl Iterator<Item = &[u8]> {
    let into_sector = usize::try_from(offset % SECTOR_BYTES as u64).unwrap_or(0);
    let (first, rest) = bytes.split_at(bytes.len().min(SECTOR_BYTES - into_sector));
    std::iter::once(first)
        .chain(rest.chunks(SECTOR_BYTES))
        .filter(|sector| !sector.is_empty())
}

/// Lengths are far below 4 GiB: transactions and snapshots fit into memory many times over.
fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

/// Reads a body whose checksum is right. `None` means that a program, not a disk, went wrong.
pub(super) fn read_body(mut body: &[u8]) -> Option<Vec<Record>> {
    let mut records = Vec::new();
    while !body.is_empty() {
        let (record, rest) = postcard::take_from_bytes(body).ok()?;
        records.push(record);
        body = rest;
    }
    Some(records)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedded::types::{MemberId, Vote};

    #[test]
    fn a_batch_reads_back_and_every_flipped_bit_shows() {
        let records = [
            Record::Member(MemberId(7)),
            Record::Vote(Vote::new(3, MemberId(7))),
        ];
        let mut batch = BatchWriter::default();
        for record in &records {
            batch.add(record).unwrap();
        }
        let bytes = batch.finish(5, 24);
        let header = BatchHeader::read(&bytes).unwrap();
        assert_eq!(header.number, 5);
        assert_eq!(header.batch_bytes(), bytes.len());
        let body = header.body(&bytes).unwrap();
        assert_eq!(read_body(body).unwrap(), records);
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let header = BatchHeader::read(&damaged);
            let right = header.is_some_and(|header| header.body(&damaged).is_some());
            assert!(!right, "bit {bit}");
        }
    }

    #[test]
    fn file_headers_are_checked() {
        let header = file_header(9);
        assert_eq!(read_file_header(&header), Ok(9));
        assert_eq!(read_file_header(&header[..23]), Err(HeaderError::NotALog));
        let mut newer = header;
        newer[8] = 3;
        assert_eq!(read_file_header(&newer), Err(HeaderError::WrongChecksum));
        let crc = crc32c::crc32c(&newer[..20]);
        newer[20..].copy_from_slice(&crc.to_le_bytes());
        assert_eq!(read_file_header(&newer), Err(HeaderError::OtherFormat(3)));
    }

    #[test]
    fn zero_sectors_are_seen_at_their_alignment() {
        let mut bytes = vec![1; 2000];
        assert!(!has_zero_sector(&bytes, 100));
        bytes[300..1000].fill(0);
        assert!(!has_zero_sector(&bytes, 0), "no whole sector");
        assert!(!has_sector_with_fewer_than(4, &bytes, 0));
        bytes[1000..1021].fill(0);
        assert!(has_sector_with_fewer_than(4, &bytes, 0));
        bytes[1000..1024].fill(0);
        assert!(has_zero_sector(&bytes, 0), "512..1024");
        assert!(has_zero_sector(&[1, 0], 511), "part of the second sector");
        assert!(!has_zero_sector(&[], 0));
    }
}
