//! The payload of a mutation: the effects of one turn's writes, as every replica applies them.
//!
//! | offset | width | meaning |
//! |---|---|---|
//! | 0 | 1 | format version, [`FORMAT_VERSION`] |
//! | 1 | 1 | kind: 0 = effects |
//! | 2 | 2 | zero |
//! | 4 | 4 | number of records, little-endian |
//! | 8 | … | records |
//!
//! A record is encoded as in a RocksDB `WriteBatch`, for the default column family, so that applying
//! is concatenating:
//!
//! | field | width | meaning |
//! |---|---|---|
//! | tag | 1 | 1 = put, 0 = delete |
//! | key length | varint32 | |
//! | key | | raw key |
//! | value length | varint32 | put only |
//! | value | | put only: stored value with its header |
//!
//! A payload of no bytes at all is a mutation without effect. Payloads arrive from peers and from
//! the log, so each is walked by [`PayloadView::parse`] before RocksDB sees it.

use bytes::BytesMut;
use pegasus_common::{key, value};

/// The only version there is.
pub const FORMAT_VERSION: u8 = 1;

/// Bytes in front of the records.
pub const HEADER_LEN: usize = 8;

const KIND_EFFECTS: u8 = 0;
const TAG_DELETE: u8 = 0;
const TAG_PUT: u8 = 1;
/// A put into another column family: our meta record. Never inside a payload.
const TAG_PUT_COLUMN_FAMILY: u8 = 5;
const VARINT32_LEN_MAX: usize = 5;

/// What is wrong with a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PayloadError {
    /// Shorter than its header, or a record that ends outside.
    #[error("payload ends inside a record at byte {offset}")]
    Truncated {
        /// Where the incomplete part begins, from the first record.
        offset: usize,
    },
    /// Written by a newer version.
    #[error("payload has format version {version} and kind {kind}: only 1 and 0 are known")]
    UnknownFormat {
        /// First byte.
        version: u8,
        /// Second byte.
        kind: u8,
    },
    /// A tag other than put and delete.
    #[error("payload has an unknown record tag {tag} at byte {offset}")]
    UnknownTag {
        /// The tag.
        tag: u8,
        /// Where it is, from the first record.
        offset: usize,
    },
    /// A key or value that this store could not read again.
    #[error("payload has a record with a malformed key or value at byte {offset}")]
    MalformedRecord {
        /// Where the record begins, from the first record.
        offset: usize,
    },
    /// The header claims another number of records than there are.
    #[error("payload has {found} records where its header says {claimed}")]
    WrongCount {
        /// Records that are there.
        found: u32,
        /// Records that the header claims.
        claimed: u32,
    },
}

/// One effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record<'a> {
    /// `key` now has `stored` (header and user data).
    Put {
        /// Raw key.
        key: &'a [u8],
        /// Stored value.
        stored: &'a [u8],
    },
    /// `key` is gone.
    Delete {
        /// Raw key.
        key: &'a [u8],
    },
}

impl<'a> Record<'a> {
    /// The raw key that the effect is about.
    #[must_use]
    pub const fn key(&self) -> &'a [u8] {
        match self {
            Self::Put { key, .. } | Self::Delete { key } => key,
        }
    }

    fn is_well_formed(&self) -> bool {
        let value_is_fine = match self {
            Self::Put { stored, .. } => stored.len() >= value::HEADER_LEN,
            Self::Delete { .. } => true,
        };
        value_is_fine && key::split(self.key()).is_ok()
    }
}

/// A payload whose every record has been checked.
#[derive(Clone, Copy, Debug)]
pub struct PayloadView<'a> {
    record_count: u32,
    records: &'a [u8],
}

impl<'a> PayloadView<'a> {
    /// Checks a payload from the header to the last record.
    ///
    /// # Errors
    /// [`PayloadError`]; nothing of such a payload may be applied.
    pub fn parse(payload: &'a [u8]) -> Result<Self, PayloadError> {
        if payload.is_empty() {
            return Ok(Self {
                record_count: 0,
                records: payload,
            });
        }
        let (&[version, kind, _, _, a, b, c, d], records) = payload
            .split_first_chunk::<HEADER_LEN>()
            .ok_or(PayloadError::Truncated { offset: 0 })?;
        if version != FORMAT_VERSION || kind != KIND_EFFECTS {
            return Err(PayloadError::UnknownFormat { version, kind });
        }
        let claimed = u32::from_le_bytes([a, b, c, d]);
        let mut found = 0;
        for record in Records::new(records) {
            let (offset, record) = record?;
            if !record.is_well_formed() {
                return Err(PayloadError::MalformedRecord { offset });
            }
            found += 1;
        }
        if found != claimed {
            return Err(PayloadError::WrongCount { found, claimed });
        }
        Ok(Self {
            record_count: found,
            records,
        })
    }

    /// How many effects it has.
    #[must_use]
    pub const fn record_count(&self) -> u32 {
        self.record_count
    }

    /// The encoded effects, ready for a RocksDB batch.
    #[must_use]
    pub const fn encoded_records(&self) -> &'a [u8] {
        self.records
    }

    /// The effects in order.
    pub fn records(&self) -> impl Iterator<Item = Record<'a>> {
        Records::new(self.records).filter_map(|record| record.ok().map(|(_, record)| record))
    }
}

/// Walks encoded records; yields each with its offset, ends after the first error.
pub(crate) struct Records<'a> {
    encoded: &'a [u8],
    offset: usize,
}

impl<'a> Records<'a> {
    pub(crate) const fn new(encoded: &'a [u8]) -> Self {
        Self { encoded, offset: 0 }
    }

    /// The record at an offset that an earlier walk has yielded.
    pub(crate) fn at(encoded: &'a [u8], offset: usize) -> Option<Record<'a>> {
        let mut records = Self { encoded, offset };
        records.read().ok()
    }

    fn read(&mut self) -> Result<Record<'a>, PayloadError> {
        let truncated = PayloadError::Truncated {
            offset: self.offset,
        };
        let rest = self.encoded.get(self.offset..).ok_or(truncated)?;
        let (&tag, rest) = rest.split_first().ok_or(truncated)?;
        if tag != TAG_PUT && tag != TAG_DELETE {
            return Err(PayloadError::UnknownTag {
                tag,
                offset: self.offset,
            });
        }
        let (key, rest) = read_slice(rest).ok_or(truncated)?;
        let (record, rest) = if tag == TAG_PUT {
            let (stored, rest) = read_slice(rest).ok_or(truncated)?;
            (Record::Put { key, stored }, rest)
        } else {
            (Record::Delete { key }, rest)
        };
        self.offset = self.encoded.len() - rest.len();
        Ok(record)
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<(usize, Record<'a>), PayloadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.offset >= self.encoded.len() {
            return None;
        }
        let offset = self.offset;
        let record = self.read();
        if record.is_err() {
            self.offset = self.encoded.len();
        }
        Some(record.map(|record| (offset, record)))
    }
}

/// Reads a length-prefixed slice; gives it and what follows.
fn read_slice(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut len = 0_u64;
    for (position, &byte) in bytes.iter().take(VARINT32_LEN_MAX).enumerate() {
        len |= u64::from(byte & 0x7f) << (7 * position);
        if byte & 0x80 == 0 {
            let len = usize::try_from(u32::try_from(len).ok()?).ok()?;
            return bytes.get(position + 1..)?.split_at_checked(len);
        }
    }
    None
}

/// The length as RocksDB writes it, and how many bytes that takes. Frames are limited far below
/// 4 GiB, so a length that does not fit cannot arise from a request; it would be cut here, and then
/// refused by [`PayloadView::parse`].
fn varint32(len: usize) -> ([u8; VARINT32_LEN_MAX], usize) {
    let mut encoded = [0; VARINT32_LEN_MAX];
    let mut rest = u32::try_from(len).unwrap_or(u32::MAX);
    let mut used = 0;
    loop {
        let low = rest.to_le_bytes()[0] & 0x7f;
        rest >>= 7;
        encoded[used] = if rest == 0 { low } else { low | 0x80 };
        used += 1;
        if rest == 0 {
            return (encoded, used);
        }
    }
}

/// Starts a payload: the header with a count of zero.
pub(crate) fn begin(out: &mut BytesMut) {
    out.extend_from_slice(&[FORMAT_VERSION, KIND_EFFECTS, 0, 0, 0, 0, 0, 0]);
}

/// Sets the count in the header of a payload.
pub(crate) fn set_record_count(payload: &mut BytesMut, count: u32) {
    if let Some(field) = payload.get_mut(4..HEADER_LEN) {
        field.copy_from_slice(&count.to_le_bytes());
    }
}

/// Appends a put; key and value come in pieces, so that neither is put together elsewhere.
pub(crate) fn append_put(out: &mut BytesMut, key: &[&[u8]], stored: &[&[u8]]) {
    let value_len: usize = stored.iter().map(|piece| piece.len()).sum();
    append_key(out, TAG_PUT, key, value_len + VARINT32_LEN_MAX);
    append_slice(out, stored, value_len);
}

/// Appends a delete.
pub(crate) fn append_delete(out: &mut BytesMut, key: &[&[u8]]) {
    append_key(out, TAG_DELETE, key, 0);
}

fn append_key(out: &mut BytesMut, tag: u8, key: &[&[u8]], len_after: usize) {
    let key_len: usize = key.iter().map(|piece| piece.len()).sum();
    out.reserve(1 + VARINT32_LEN_MAX + key_len + len_after);
    out.extend_from_slice(&[tag]);
    append_slice(out, key, key_len);
}

fn append_slice(out: &mut BytesMut, pieces: &[&[u8]], len: usize) {
    let (encoded, used) = varint32(len);
    out.extend_from_slice(&encoded[..used]);
    for piece in pieces {
        out.extend_from_slice(piece);
    }
}

/// Appends, to a RocksDB batch, a put into the column family `id`.
pub(crate) fn append_column_family_put(out: &mut Vec<u8>, id: u32, key: &[u8], value: &[u8]) {
    out.push(TAG_PUT_COLUMN_FAMILY);
    for number_then_bytes in [
        (id as usize, &b""[..]),
        (key.len(), key),
        (value.len(), value),
    ] {
        let (encoded, used) = varint32(number_then_bytes.0);
        out.extend_from_slice(&encoded[..used]);
        out.extend_from_slice(number_then_bytes.1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> BytesMut {
        let mut payload = BytesMut::new();
        begin(&mut payload);
        append_put(&mut payload, &[b"\0\x01h", b"s"], &[&[0; 12], &[7; 300]]);
        append_delete(&mut payload, &[b"\0\0"]);
        set_record_count(&mut payload, 2);
        payload
    }

    #[test]
    fn what_is_appended_is_read_back() {
        let payload = sample();
        let view = PayloadView::parse(&payload).unwrap();
        let records: Vec<_> = view.records().collect();
        assert_eq!(records.len(), 2);
        assert_eq!(records[0].key(), b"\0\x01hs");
        assert!(matches!(records[0], Record::Put { stored, .. } if stored.len() == 312));
        assert_eq!(records[1], Record::Delete { key: b"\0\0" });
    }

    #[test]
    fn records_have_the_bytes_of_a_write_batch() {
        let mut payload = BytesMut::new();
        begin(&mut payload);
        append_put(&mut payload, &[b"\0\0k"], &[&[0; 12]]);
        assert_eq!(payload[HEADER_LEN..HEADER_LEN + 6], *b"\x01\x03\0\0k\x0c");
    }

    #[test]
    fn no_bytes_are_no_effect() {
        assert_eq!(PayloadView::parse(b"").unwrap().record_count(), 0);
    }

    #[test]
    fn every_truncation_is_refused() {
        let payload = sample();
        for len in 1..payload.len() {
            assert!(PayloadView::parse(&payload[..len]).is_err(), "cut at {len}");
        }
    }

    #[test]
    fn other_formats_tags_counts_and_bad_records_are_refused() {
        let broken = |position: usize, byte: u8| {
            let mut payload = sample();
            payload[position] = byte;
            PayloadView::parse(&payload).unwrap_err()
        };
        assert!(matches!(
            broken(0, 2),
            PayloadError::UnknownFormat { version: 2, .. }
        ));
        assert!(matches!(
            broken(1, 1),
            PayloadError::UnknownFormat { kind: 1, .. }
        ));
        assert!(matches!(
            broken(4, 3),
            PayloadError::WrongCount {
                found: 2,
                claimed: 3
            }
        ));
        assert!(matches!(
            broken(HEADER_LEN, 5),
            PayloadError::UnknownTag { tag: 5, .. }
        ));
        assert!(matches!(
            broken(HEADER_LEN + 2, 9),
            PayloadError::MalformedRecord { offset: 0 }
        ));
    }

    #[test]
    fn lengths_of_any_size_are_read_back() {
        for len in [0, 1, 127, 128, 16383, 16384, 70_000] {
            let mut encoded = BytesMut::new();
            append_slice(&mut encoded, &[&vec![1; len]], len);
            assert_eq!(read_slice(&encoded).unwrap().0.len(), len);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_parsed_or_refused(bytes: Vec<u8>) {
            let _ = PayloadView::parse(&bytes);
        }
    }
}
