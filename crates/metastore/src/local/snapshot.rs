//! The snapshot: everything that the logs of older generations made.
//!
//! | Bytes (little endian) | |
//! |---|---|
//! | 8 | `PGMETSNP` |
//! | u32 | format version, 1 |
//! | u64 | generation |
//! | u64, u64, u64 | last epoch, last version, number of the next batch |
//! | u64 | count of entries |
//! | per entry | key length u32, key, version u64, value length u32, value |
//! | u32 | CRC-32C of all bytes before |

use std::io::{self, Write};
use std::path::Path;

use bytes::{Buf, BufMut, Bytes};

use super::OpenError;
use super::directory::io_error;
use super::record::read_bytes;
use crate::key_space::{KeySpace, Stored};
use crate::leadership::Epoch;
use crate::transaction::Version;

const MAGIC: &[u8; 8] = b"PGMETSNP";
const FORMAT_VERSION: u32 = 1;

/// The content of a snapshot file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Snapshot {
    pub generation: u64,
    pub next_batch: u64,
    pub keys: KeySpace,
    pub bytes: u64,
}

/// Writes a snapshot and returns its size in bytes.
pub(super) fn write(
    out: &mut dyn Write,
    generation: u64,
    next_batch: u64,
    keys: &KeySpace,
) -> io::Result<u64> {
    let mut sum = Summing {
        out,
        crc: 0,
        bytes: 0,
    };
    let mut part = Vec::with_capacity(1024);
    part.put_slice(MAGIC);
    part.put_u32_le(FORMAT_VERSION);
    part.put_u64_le(generation);
    part.put_u64_le(keys.epoch.0);
    part.put_u64_le(keys.version.0);
    part.put_u64_le(next_batch);
    part.put_u64_le(keys.entries.len() as u64);
    sum.put(&part)?;
    for (key, stored) in &keys.entries {
        part.clear();
        put_bytes(&mut part, key)?;
        part.put_u64_le(stored.version.0);
        put_bytes(&mut part, &stored.value)?;
        sum.put(&part)?;
    }
    let crc = sum.crc;
    sum.put(&crc.to_le_bytes())?;
    Ok(sum.bytes)
}

struct Summing<'a> {
    out: &'a mut dyn Write,
    crc: u32,
    bytes: u64,
}

impl Summing<'_> {
    fn put(&mut self, part: &[u8]) -> io::Result<()> {
        self.crc = crc32c::crc32c_append(self.crc, part);
        self.bytes += part.len() as u64;
        self.out.write_all(part)
    }
}

fn put_bytes(out: &mut Vec<u8>, bytes: &Bytes) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
    out.put_u32_le(length);
    out.put_slice(bytes);
    Ok(())
}

/// Reads a snapshot file whole.
pub(super) fn read(path: &Path) -> Result<Snapshot, OpenError> {
    let bytes = Bytes::from(std::fs::read(path).map_err(io_error("read", path))?);
    let corrupt = |offset: usize, reason: &str| OpenError::Corrupt {
        path: path.to_owned(),
        offset: offset as u64,
        reason: reason.to_owned(),
    };
    let Some(content_bytes) = bytes.len().checked_sub(4) else {
        return Err(corrupt(0, "it is too short for a snapshot"));
    };
    if !bytes.starts_with(MAGIC) {
        return Err(corrupt(0, "it does not begin as a snapshot"));
    }
    let mut content = bytes.slice(..content_bytes);
    let expected = bytes.slice(content_bytes..).get_u32_le();
    if crc32c::crc32c(&content) != expected {
        return Err(corrupt(0, "the checksum over the whole file is wrong"));
    }
    content.advance(MAGIC.len());
    let format = content.try_get_u32_le().unwrap_or_default();
    if format > FORMAT_VERSION {
        return Err(OpenError::NewerFormat {
            path: path.to_owned(),
            found: format,
            known: FORMAT_VERSION,
        });
    }
    let damage_at = |rest: &Bytes| content_bytes - rest.len();
    match read_content(&mut content) {
        Some(mut snapshot) if content.is_empty() => {
            snapshot.bytes = bytes.len() as u64;
            Ok(snapshot)
        }
        _ => Err(corrupt(damage_at(&content), "an entry is malformed")),
    }
}

fn read_content(content: &mut Bytes) -> Option<Snapshot> {
    let generation = content.try_get_u64_le().ok()?;
    let epoch = Epoch(content.try_get_u64_le().ok()?);
    let version = Version(content.try_get_u64_le().ok()?);
    let next_batch = content.try_get_u64_le().ok()?;
    let count = content.try_get_u64_le().ok()?;
    let mut keys = KeySpace {
        epoch,
        version,
        ..KeySpace::default()
    };
    for _ in 0..count {
        let key = read_bytes(content)?;
        let version = Version(content.try_get_u64_le().ok()?);
        let value = read_bytes(content)?;
        // Copied: a slice would keep the whole file's bytes for as long as one key lives.
        let value = Bytes::copy_from_slice(&value);
        let key = Bytes::copy_from_slice(&key);
        keys.entries.insert(key, Stored { version, value });
    }
    Some(Snapshot {
        generation,
        next_batch,
        keys,
        bytes: 0,
    })
}
