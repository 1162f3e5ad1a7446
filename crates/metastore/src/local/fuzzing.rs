//! What fuzz targets need and nobody else does: a store's directory made from arbitrary bytes behind
//! right checksums, past which random bytes alone never get.

use std::io;
use std::path::Path;

use bytes::Bytes;

use super::record::{self, BatchWriter, Record};
use super::snapshot;
use crate::key_space::KeySpace;

/// What stands in a store's directory.
#[derive(Clone, Copy, Debug)]
pub struct Content<'a> {
    /// The snapshot, but for its checksum; `None`: that of an empty store.
    pub snapshot: Option<&'a [u8]>,
    /// The body of each batch of the log.
    pub batches: &'a [&'a [u8]],
    /// What follows the last batch, as it is.
    pub tail: &'a [u8],
}

/// Writes the directory of a store.
///
/// # Errors
/// The file system refuses.
pub fn write_store(directory: &Path, content: &Content<'_>) -> io::Result<()> {
    std::fs::create_dir_all(directory)?;
    let mut bytes = Vec::new();
    match content.snapshot {
        Some(given) => {
            bytes.extend_from_slice(given);
            bytes.extend_from_slice(&crc32c::crc32c(given).to_le_bytes());
        }
        None => drop(snapshot::write(&mut bytes, 0, 0, &KeySpace::default())?),
    }
    std::fs::write(directory.join(format!("{:020}.snapshot", 0)), bytes)?;
    let mut log = record::file_header(0).to_vec();
    for (number, body) in (0..).zip(content.batches) {
        let mut batch = BatchWriter::default();
        batch.add_body(body);
        log.extend_from_slice(&batch.finish(number, log.len() as u64));
    }
    log.extend_from_slice(content.tail);
    std::fs::write(directory.join(format!("{:020}.log", 0)), log)
}

/// Reads the body of a batch; gives its number of records, or `None` if it is none.
///
/// # Panics
/// The records are not encoded as they were read: a bug.
#[must_use]
pub fn records_in(body: &[u8]) -> Option<usize> {
    let records = record::read_body(Bytes::copy_from_slice(body))?;
    let mut batch = BatchWriter::default();
    for record in &records {
        match record {
            Record::Epoch(epoch) => batch.add_epoch(*epoch),
            Record::Transaction {
                version,
                operations,
            } => batch.add_transaction(*version, operations),
        }
    }
    assert_eq!(batch.body_bytes(), body.len(), "{records:?}");
    Some(records.len())
}
