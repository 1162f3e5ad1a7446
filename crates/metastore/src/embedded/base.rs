//! The base file: everything that older logs made. All numbers are little endian.
//!
//! | | |
//! |---|---|
//! | 8 | `PGMETBAS` |
//! | u32 | format version, 2 |
//! | u64 | generation |
//! | u64 | number of the next batch |
//! | | [`Record`](super::content::Record)s in the `postcard` encoding |
//! | u32 | CRC-32C of all bytes before |

use std::io::{self, Write};
use std::path::Path;

use bytes::{Buf, BufMut};

use super::OpenError;
use super::content::Content;
use super::directory::io_error;
use super::framing::{FORMAT_VERSION, read_body};

const MAGIC: &[u8; 8] = b"PGMETBAS";

/// The content of a base file.
#[derive(Debug, PartialEq)]
pub(super) struct Base {
    pub generation: u64,
    pub next_batch: u64,
    pub content: Content,
    pub bytes: u64,
}

/// Writes a base and returns its size in bytes.
pub(super) fn write(
    out: &mut dyn Write,
    generation: u64,
    next_batch: u64,
    content: &Content,
) -> io::Result<u64> {
    let mut sum = Summing {
        out,
        crc: 0,
        bytes: 0,
    };
    let mut head = Vec::with_capacity(64);
    head.put_slice(MAGIC);
    head.put_u32_le(FORMAT_VERSION);
    head.put_u64_le(generation);
    head.put_u64_le(next_batch);
    sum.put(&head)?;
    for record in content.records() {
        let encoded = postcard::to_stdvec(&record).map_err(io::Error::other)?;
        sum.put(&encoded)?;
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

/// Reads a base file whole.
pub(super) fn read(path: &Path) -> Result<Base, OpenError> {
    let bytes = std::fs::read(path).map_err(io_error("read", path))?;
    let corrupt = |reason: String| OpenError::Corrupt {
        path: path.to_owned(),
        offset: 0,
        reason,
    };
    let Some((mut rest, mut sum)) = bytes.split_last_chunk::<4>().map(|(a, b)| (a, &b[..])) else {
        return Err(corrupt("it is too short".to_owned()));
    };
    if !rest.starts_with(MAGIC) {
        return Err(corrupt("it does not begin as a base".to_owned()));
    }
    if crc32c::crc32c(rest) != sum.get_u32_le() {
        return Err(corrupt(
            "the checksum over the whole file is wrong".to_owned(),
        ));
    }
    rest.advance(MAGIC.len());
    let found = rest.try_get_u32_le().unwrap_or_default();
    if found != FORMAT_VERSION {
        return Err(OpenError::OtherFormat {
            path: path.to_owned(),
            found,
            known: FORMAT_VERSION,
        });
    }
    let numbers = rest.try_get_u64_le().ok().zip(rest.try_get_u64_le().ok());
    let records = read_body(rest);
    let (Some((generation, next_batch)), Some(records)) = (numbers, records) else {
        return Err(corrupt("a record is malformed".to_owned()));
    };
    let mut content = Content::default();
    for record in records {
        let applied = content.apply(record);
        applied.map_err(|misfit| corrupt(misfit.to_string()))?;
    }
    if content.member.is_none() {
        return Err(corrupt("it does not name the member".to_owned()));
    }
    Ok(Base {
        generation,
        next_batch,
        content,
        bytes: bytes.len() as u64,
    })
}
