//! Records that the log writes for itself, between the replicas' records. Framing as in
//! [`crate::record`].
//!
//! | kind | record | body |
//! |-----:|--------|------|
//! | 0xE0 | previous index | the index of the batch before, again |
//! | 0xE1 | index | per replica with records in this batch: gpid u64, number of records u32 |
//! | 0xE2 | heads | per known replica: gpid u64, largest ballot i64 |
//! | 0xE3 | doubts | 0: only these, 1: all but these (u8); gpids u64 |
//!
//! Every batch is: previous index, records, index. So each index is on disk twice, in two batches,
//! and whose records a damaged batch held can be told from the next one. The first two batches of a
//! segment, the *openings*, are equal: previous index, heads, doubts, empty index.

use std::collections::{BTreeMap, BTreeSet};

use pegasus_common::{Ballot, Gpid};

use crate::record::{Fields, MalformedRecord, RECORD_HEADER_BYTES, RECORD_VERSION, Record};
use crate::suspects::Suspects;

pub(crate) const KIND_PREVIOUS_INDEX: u8 = 0xE0;
pub(crate) const KIND_INDEX: u8 = 0xE1;
pub(crate) const KIND_HEADS: u8 = 0xE2;
pub(crate) const KIND_DOUBTS: u8 = 0xE3;

/// How many records of each replica a batch holds.
pub(crate) type BatchIndex = BTreeMap<Gpid, u32>;

/// The largest ballot of each replica.
pub(crate) type Heads = BTreeMap<Gpid, Ballot>;

/// Anything that stands in a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    Replica(Record),
    PreviousIndex(BatchIndex),
    Index(BatchIndex),
    Heads(Heads),
    Doubts(Suspects),
}

pub(crate) fn index_body(index: &BatchIndex) -> Vec<u8> {
    let mut body = Vec::with_capacity(12 * index.len());
    for (gpid, count) in index {
        body.extend_from_slice(&gpid.to_u64().to_le_bytes());
        body.extend_from_slice(&count.to_le_bytes());
    }
    body
}

pub(crate) fn heads_body(heads: &Heads) -> Vec<u8> {
    let mut body = Vec::with_capacity(16 * heads.len());
    for (gpid, ballot) in heads {
        body.extend_from_slice(&gpid.to_u64().to_le_bytes());
        body.extend_from_slice(&ballot.0.to_le_bytes());
    }
    body
}

pub(crate) fn doubts_body(doubts: &Suspects) -> Vec<u8> {
    let (mode, gpids) = match doubts {
        Suspects::Only(gpids) => (0, gpids),
        Suspects::AllExcept(gpids) => (1, gpids),
    };
    let mut body = vec![mode];
    for gpid in gpids {
        body.extend_from_slice(&gpid.to_u64().to_le_bytes());
    }
    body
}

fn decode_index(body: &[u8]) -> Result<BatchIndex, MalformedRecord> {
    let mut fields = Fields::new(body);
    let mut index = BatchIndex::new();
    while !fields.is_empty() {
        index.insert(fields.gpid()?, fields.u32()?);
    }
    Ok(index)
}

fn decode_heads(body: &[u8]) -> Result<Heads, MalformedRecord> {
    let mut fields = Fields::new(body);
    let mut heads = Heads::new();
    while !fields.is_empty() {
        heads.insert(fields.gpid()?, Ballot(fields.i64()?));
    }
    Ok(heads)
}

fn decode_doubts(body: &[u8]) -> Result<Suspects, MalformedRecord> {
    let mut fields = Fields::new(body);
    let mode = fields.u8()?;
    let mut gpids = BTreeSet::new();
    while !fields.is_empty() {
        gpids.insert(fields.gpid()?);
    }
    match mode {
        0 => Ok(Suspects::Only(gpids)),
        1 => Ok(Suspects::AllExcept(gpids)),
        _ => Err(MalformedRecord),
    }
}

/// Why valid bytes are no entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EntryError {
    /// Written by a newer release.
    Unknown { kind: u8, version: u8 },
    /// Written by a faulty one.
    Malformed(&'static str),
}

/// Takes the next complete entry off `content`; `None` when less than one is left.
pub(crate) fn next_entry(content: &mut &[u8]) -> Option<Result<Entry, EntryError>> {
    let header = content.first_chunk::<RECORD_HEADER_BYTES>()?;
    let [l0, l1, l2, l3, kind, version] = *header;
    let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
    if length > Record::BYTES_MAX {
        return Some(Err(EntryError::Malformed("record length")));
    }
    let body = content.get(RECORD_HEADER_BYTES..RECORD_HEADER_BYTES + length)?;
    *content = &content[RECORD_HEADER_BYTES + length..];
    Some(decode(kind, version, body))
}

fn decode(kind: u8, version: u8, body: &[u8]) -> Result<Entry, EntryError> {
    let unknown = EntryError::Unknown { kind, version };
    if version != RECORD_VERSION {
        return Err(unknown);
    }
    let decoded = match kind {
        KIND_PREVIOUS_INDEX => decode_index(body).map(Entry::PreviousIndex),
        KIND_INDEX => decode_index(body).map(Entry::Index),
        KIND_HEADS => decode_heads(body).map(Entry::Heads),
        KIND_DOUBTS => decode_doubts(body).map(Entry::Doubts),
        _ => match Record::decode(kind, body) {
            Some(record) => record.map(Entry::Replica),
            None => return Err(unknown),
        },
    };
    decoded.map_err(|MalformedRecord| EntryError::Malformed("record body"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::record_header;

    fn framed(kind: u8, body: &[u8]) -> Vec<u8> {
        let mut bytes = record_header(kind, body.len()).to_vec();
        bytes.extend_from_slice(body);
        bytes
    }

    #[test]
    fn own_records_round_trip() {
        let gpids = [Gpid::new(1, 0), Gpid::new(2, 3)];
        let index: BatchIndex = gpids.iter().map(|gpid| (*gpid, 5)).collect();
        let heads: Heads = gpids.iter().map(|gpid| (*gpid, Ballot(9))).collect();
        let only = Suspects::Only(gpids.into());
        let except = Suspects::AllExcept(gpids.into());
        let cases = [
            (KIND_INDEX, index_body(&index), Entry::Index(index.clone())),
            (
                KIND_PREVIOUS_INDEX,
                index_body(&index),
                Entry::PreviousIndex(index),
            ),
            (KIND_HEADS, heads_body(&heads), Entry::Heads(heads)),
            (KIND_DOUBTS, doubts_body(&only), Entry::Doubts(only)),
            (KIND_DOUBTS, doubts_body(&except), Entry::Doubts(except)),
        ];
        for (kind, body, entry) in cases {
            let bytes = framed(kind, &body);
            let mut rest = &bytes[..];
            assert_eq!(next_entry(&mut rest), Some(Ok(entry)));
            assert!(rest.is_empty());
            let mut incomplete = &bytes[..bytes.len() - 1];
            assert_eq!(next_entry(&mut incomplete), None);
        }
    }

    #[test]
    fn unknown_kinds_and_versions_are_refused_by_name() {
        let kind = framed(0x77, &[]);
        let unknown = EntryError::Unknown {
            kind: 0x77,
            version: 1,
        };
        assert_eq!(next_entry(&mut &kind[..]), Some(Err(unknown)));
        let mut version = framed(KIND_INDEX, &[]);
        version[5] = 2;
        let unknown = EntryError::Unknown {
            kind: KIND_INDEX,
            version: 2,
        };
        assert_eq!(next_entry(&mut &version[..]), Some(Err(unknown)));
        let malformed = framed(KIND_HEADS, &[1, 2, 3]);
        assert_eq!(
            next_entry(&mut &malformed[..]),
            Some(Err(EntryError::Malformed("record body")))
        );
    }
}
