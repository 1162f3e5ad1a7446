//! The bytes of the log: the file header, batches, and the records in a batch. All numbers are
//! little endian.
//!
//! | File header, 24 bytes | |
//! |---|---|
//! | 0..8 | `PGMETLOG` |
//! | 8..12 | format version, 1 |
//! | 12..20 | generation: snapshot `n` and log `n` belong together |
//! | 20..24 | CRC-32C of the bytes before |
//!
//! | Batch header, 28 bytes | |
//! |---|---|
//! | 0..4 | `MBAT` |
//! | 4..8 | flags: bit 0, the body has a whole sector of zeros by itself |
//! | 8..12 | length of the body |
//! | 12..20 | number of the batch, consecutive over all generations |
//! | 20..24 | CRC-32C of the body |
//! | 24..28 | CRC-32C of the header's bytes before |
//!
//! A body is a sequence of records: a kind byte, then
//! transaction (1): version u64, count u32, and per operation: kind byte (1 put, 2 delete), key
//! length u32, key, and for a put value length u32 and value;
//! epoch (2): u64.

use bytes::{Buf, BufMut, Bytes};

use crate::leadership::Epoch;
use crate::transaction::{Operation, Version};

pub(super) const FORMAT_VERSION: u32 = 1;
pub(super) const FILE_HEADER_BYTES: usize = 24;
pub(super) const BATCH_HEADER_BYTES: usize = 28;
/// What a disk writes whole or not at all.
pub(super) const SECTOR_BYTES: usize = 512;

const FILE_MAGIC: &[u8; 8] = b"PGMETLOG";
pub(super) const BATCH_MAGIC: &[u8; 4] = b"MBAT";
const HAS_ZERO_SECTOR: u32 = 1;

const TRANSACTION: u8 = 1;
const EPOCH: u8 = 2;
const PUT: u8 = 1;
const DELETE: u8 = 2;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Record {
    Transaction {
        version: Version,
        operations: Vec<Operation>,
    },
    Epoch(Epoch),
}

/// Why a file header is refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum HeaderError {
    NotALog,
    WrongChecksum,
    NewerFormat(u32),
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
    if format > FORMAT_VERSION {
        return Err(HeaderError::NewerFormat(format));
    }
    Ok(generation)
}

/// A batch header whose checksum is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BatchHeader {
    pub number: u64,
    pub body_bytes: usize,
    pub has_zero_sector: bool,
    body_crc: u32,
}

impl BatchHeader {
    /// `None` if these bytes are no header or a damaged one.
    pub fn read(mut bytes: &[u8]) -> Option<Self> {
        if bytes.len() < BATCH_HEADER_BYTES || &bytes[..4] != BATCH_MAGIC {
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
            has_zero_sector: flags & HAS_ZERO_SECTOR != 0,
            body_crc,
        })
    }

    pub fn matches(&self, body: &[u8]) -> bool {
        crc32c::crc32c(body) == self.body_crc
    }
}

/// A batch under construction.
#[derive(Debug, Default)]
pub(super) struct BatchWriter {
    bytes: Vec<u8>,
}

impl BatchWriter {
    pub fn body_bytes(&self) -> usize {
        self.bytes.len().saturating_sub(BATCH_HEADER_BYTES)
    }

    pub fn add_epoch(&mut self, epoch: Epoch) {
        let out = self.body();
        out.put_u8(EPOCH);
        out.put_u64_le(epoch.0);
    }

    pub fn add_transaction(&mut self, version: Version, operations: &[Operation]) {
        let out = self.body();
        out.put_u8(TRANSACTION);
        out.put_u64_le(version.0);
        out.put_u32_le(length(operations.len()));
        for operation in operations {
            match operation {
                Operation::Put { key, value } => {
                    out.put_u8(PUT);
                    put_bytes(out, key);
                    put_bytes(out, value);
                }
                Operation::Delete { key } => {
                    out.put_u8(DELETE);
                    put_bytes(out, key);
                }
            }
        }
    }

    fn body(&mut self) -> &mut Vec<u8> {
        if self.bytes.is_empty() {
            self.bytes.resize(BATCH_HEADER_BYTES, 0);
        }
        &mut self.bytes
    }

    /// The bytes to append at `offset` of the file.
    pub fn finish(mut self, number: u64, offset: u64) -> Vec<u8> {
        let body_start = self.body().len().min(BATCH_HEADER_BYTES);
        let body = &self.bytes[body_start..];
        let body_crc = crc32c::crc32c(body);
        let body_bytes = length(body.len());
        let body_offset = offset + BATCH_HEADER_BYTES as u64;
        let flags = u32::from(has_zero_sector(body, body_offset)) * HAS_ZERO_SECTOR;
        let mut header = &mut self.bytes[..BATCH_HEADER_BYTES];
        header.put_slice(BATCH_MAGIC);
        header.put_u32_le(flags);
        header.put_u32_le(body_bytes);
        header.put_u64_le(number);
        header.put_u32_le(body_crc);
        let header_crc = crc32c::crc32c(&self.bytes[..24]);
        self.bytes[24..BATCH_HEADER_BYTES].copy_from_slice(&header_crc.to_le_bytes());
        self.bytes
    }
}

/// Whether some sector of the file has only zeros in the part that `bytes`, which lie at `offset`,
/// cover. Parts of a sector count: a write that was cut short may end in the middle of one.
pub(super) fn has_zero_sector(bytes: &[u8], offset: u64) -> bool {
    let into_sector = usize::try_from(offset % SECTOR_BYTES as u64).unwrap_or(0);
    let (first, rest) = bytes.split_at(bytes.len().min(SECTOR_BYTES - into_sector));
    std::iter::once(first)
        .chain(rest.chunks(SECTOR_BYTES))
        .any(|sector| !sector.is_empty() && sector.iter().all(|&byte| byte == 0))
}

fn put_bytes(out: &mut Vec<u8>, bytes: &Bytes) {
    out.put_u32_le(length(bytes.len()));
    out.put_slice(bytes);
}

/// Lengths are far below 4 GiB: a transaction has at most `TRANSACTION_BYTES_MAX`.
fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

/// Reads a body whose checksum is right. `None` means that a program, not a disk, went wrong.
pub(super) fn read_body(mut body: Bytes) -> Option<Vec<Record>> {
    let mut records = Vec::new();
    while body.has_remaining() {
        let record = match body.get_u8() {
            EPOCH => Record::Epoch(Epoch(body.try_get_u64_le().ok()?)),
            TRANSACTION => read_transaction(&mut body)?,
            _ => return None,
        };
        records.push(record);
    }
    Some(records)
}

fn read_transaction(body: &mut Bytes) -> Option<Record> {
    let version = Version(body.try_get_u64_le().ok()?);
    let count = body.try_get_u32_le().ok()?;
    let mut operations = Vec::new();
    for _ in 0..count {
        let operation = match body.try_get_u8().ok()? {
            PUT => Operation::Put {
                key: read_bytes(body)?,
                value: read_bytes(body)?,
            },
            DELETE => Operation::Delete {
                key: read_bytes(body)?,
            },
            _ => return None,
        };
        operations.push(operation);
    }
    Some(Record::Transaction {
        version,
        operations,
    })
}

/// Reads a length and as many bytes.
pub(super) fn read_bytes(from: &mut Bytes) -> Option<Bytes> {
    let length = from.try_get_u32_le().ok()? as usize;
    (length <= from.remaining()).then(|| from.split_to(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_reads_back_and_every_flipped_bit_shows() {
        let operations = vec![
            Operation::Put {
                key: Bytes::from_static(b"apps/1"),
                value: Bytes::from_static(b"{}"),
            },
            Operation::Delete {
                key: Bytes::from_static(b"apps/2"),
            },
        ];
        let mut batch = BatchWriter::default();
        batch.add_epoch(Epoch(7));
        batch.add_transaction(Version(3), &operations);
        let bytes = batch.finish(5, 24);
        let header = BatchHeader::read(&bytes).unwrap();
        assert_eq!(header.number, 5);
        let body = &bytes[BATCH_HEADER_BYTES..];
        assert!(header.matches(body));
        let records = read_body(Bytes::copy_from_slice(body)).unwrap();
        let version = Version(3);
        assert_eq!(records[0], Record::Epoch(Epoch(7)));
        assert_eq!(
            records[1],
            Record::Transaction {
                version,
                operations
            }
        );
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let right = BatchHeader::read(&damaged)
                .is_some_and(|header| header.matches(&damaged[BATCH_HEADER_BYTES..]));
            assert!(!right, "bit {bit}");
        }
    }

    #[test]
    fn file_headers_are_checked() {
        let header = file_header(9);
        assert_eq!(read_file_header(&header), Ok(9));
        assert_eq!(read_file_header(&header[..23]), Err(HeaderError::NotALog));
        let mut newer = header;
        newer[8] = 2;
        assert_eq!(read_file_header(&newer), Err(HeaderError::WrongChecksum));
        let crc = crc32c::crc32c(&newer[..20]);
        newer[20..].copy_from_slice(&crc.to_le_bytes());
        assert_eq!(read_file_header(&newer), Err(HeaderError::NewerFormat(2)));
    }

    #[test]
    fn zero_sectors_are_seen_at_their_alignment() {
        let mut bytes = vec![1; 2000];
        assert!(!has_zero_sector(&bytes, 100));
        bytes[300..1000].fill(0);
        assert!(!has_zero_sector(&bytes[..900], 0), "no whole sector");
        bytes[1000..1024].fill(0);
        assert!(has_zero_sector(&bytes, 0), "512..1024");
        assert!(has_zero_sector(&[1, 0], 511), "part of the second sector");
        assert!(!has_zero_sector(&[], 0));
    }
}
