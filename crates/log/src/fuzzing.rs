//! What fuzz targets need and nobody else does: what a log's checksums protect, made from arbitrary
//! bytes. Random bytes alone never get past the checksum of a sector.

use std::io;
use std::path::Path;

use crate::batch::{BatchEncoder, BatchPlace};
use crate::file_layer::BootId;
use crate::header::{HEADER_SECTORS, SegmentHeader};
use crate::marker::Marker;
use crate::options::Durability;
use crate::own_record::{BatchIndex, Entry, next_entry};
use crate::record::{MutationRecord, Record, mutation_bodies_of};
use crate::sector::{self, Life, LogId, SECTOR_BYTES};

const LOG: LogId = LogId(1);
const LIFE: Life = Life(2);
const LIFE_BYTES: usize = 8;

/// The records of replicas in a batch with this content, as recovery finds them. Readers, who take only
/// the mutations of one replica, are tried too.
///
/// # Panics
/// A record is not encoded as it was read: a bug.
#[must_use]
pub fn records_in(mut content: &[u8]) -> Vec<Record> {
    let whole = content;
    let mut records = Vec::new();
    while let Some(Ok(entry)) = next_entry(&mut content) {
        let Entry::Replica(record) = entry else {
            continue;
        };
        assert_encoded_alike(&record);
        records.push(record);
    }
    if let Some(first) = records.first() {
        for body in mutation_bodies_of(first.gpid(), whole) {
            drop(MutationRecord::decode(body));
        }
    }
    records
}

fn assert_encoded_alike(record: &Record) {
    let mut bytes = Vec::new();
    record.encode(|piece| bytes.extend_from_slice(piece));
    assert_eq!(bytes.len(), record.encoded_bytes(), "{record:?}");
    let again = next_entry(&mut &bytes[..]);
    assert_eq!(again, Some(Ok(Entry::Replica(record.clone()))));
}

/// Writes a log directory: a valid marker, and segments 1, 2, … whose headers are valid and whose other
/// sectors are `segments`, each cut into pieces of 512 bytes. Every piece belongs to the log and has
/// the checksum that it needs; what it says of itself, and all that it holds, is as it was given.
///
/// # Errors
/// The file system refuses.
pub fn write_log(directory: &Path, segments: &[&[u8]]) -> io::Result<()> {
    std::fs::create_dir_all(directory)?;
    let newest = segments.len() as u64;
    let marker = Marker {
        log: LOG,
        oldest: 1,
        newest,
    };
    std::fs::write(directory.join("MARKER"), marker.encode())?;
    for (index, content) in (1..).zip(segments) {
        let header = SegmentHeader {
            durability: Durability::Fsync,
            log: LOG,
            index,
            life: LIFE,
            run_first: 1,
            // Any number: the first byte of what follows is as good as another.
            previous_batches: content.first().copied().unwrap_or(0).into(),
            boot: BootId([0; 16]),
            created_us: 0,
        };
        let mut bytes = header.encode();
        for (number, piece) in (HEADER_SECTORS..).zip(content.chunks(SECTOR_BYTES)) {
            let mut sector = [0; SECTOR_BYTES];
            sector[..piece.len()].copy_from_slice(piece);
            sector[..LIFE_BYTES].copy_from_slice(&LIFE.0.to_le_bytes());
            sector::seal_raw(&mut sector, LOG, number);
            bytes.extend_from_slice(&sector);
        }
        std::fs::write(directory.join(format!("{index:020}.log")), bytes)?;
    }
    Ok(())
}

/// The records as the content of a batch.
#[must_use]
pub fn content_of(records: &[Record]) -> Vec<u8> {
    let mut content = Vec::new();
    for record in records {
        record.encode(|piece| content.extend_from_slice(piece));
    }
    content
}

/// The records as the sectors of a segment's first batch.
#[must_use]
pub fn batch_of(records: &[Record]) -> Vec<u8> {
    let mut batch = BatchEncoder::default();
    batch.begin(&BatchIndex::new());
    for record in records {
        batch.put_record(record);
    }
    batch.finish();
    let place = BatchPlace {
        log: LOG,
        life: LIFE,
        batch: 0,
        first_sector: HEADER_SECTORS,
    };
    batch.seal(place).to_vec()
}
