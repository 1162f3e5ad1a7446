//! Encoding: records into the sectors of one batch. Hot: runs for every record of the disk.

use pegasus_common::Gpid;

use crate::own_record::{self, BatchIndex, Heads};
use crate::record::{Record, record_header};
use crate::sector::{self, CONTENT_BYTES, Life, LogId, SECTOR_BYTES, SectorHead};
use crate::suspects::Suspects;

/// Where a batch goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BatchPlace {
    pub log: LogId,
    pub life: Life,
    /// Number of the batch in the segment.
    pub batch: u32,
    /// Number of its first sector in the file.
    pub first_sector: u64,
}

/// One batch in the making. Its buffer is reused for the next.
#[derive(Debug, Default)]
pub(crate) struct BatchEncoder {
    bytes: Vec<u8>,
    /// Content bytes used in the last sector.
    used: usize,
    /// Per sector: where its first record starts.
    first_records: Vec<Option<u16>>,
    index: BatchIndex,
}

impl BatchEncoder {
    /// Begins a batch after one with `previous` as its index.
    pub fn begin(&mut self, previous: &BatchIndex) {
        self.bytes.clear();
        self.first_records.clear();
        self.index.clear();
        self.used = CONTENT_BYTES;
        self.put_own(
            own_record::KIND_PREVIOUS_INDEX,
            &own_record::index_body(previous),
        );
    }

    /// Adds a replica's record: the one copy of its payload.
    pub fn put_record(&mut self, record: &Record) {
        self.count(record.gpid());
        self.start_record();
        record.encode(|piece| self.put(piece));
    }

    /// Adds the tables of a segment's opening.
    pub fn put_opening(&mut self, heads: &Heads, doubts: &Suspects) {
        self.put_own(own_record::KIND_HEADS, &own_record::heads_body(heads));
        self.put_own(own_record::KIND_DOUBTS, &own_record::doubts_body(doubts));
    }

    /// Bytes so far, in whole sectors.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Adds the index; nothing more can be added. Returns the size of the batch in bytes.
    pub fn finish(&mut self) -> usize {
        let body = own_record::index_body(&self.index);
        self.put_own(own_record::KIND_INDEX, &body);
        self.bytes.len()
    }

    /// Makes the finished batch valid at its place. May be repeated for another place.
    pub fn seal(&mut self, place: BatchPlace) -> &[u8] {
        let count = self.first_records.len();
        let in_batch = |n: usize| u32::try_from(n).expect("a batch has fewer than 2^32 sectors");
        for (index, sector) in self.bytes.chunks_exact_mut(SECTOR_BYTES).enumerate() {
            let used = if index + 1 == count {
                self.used
            } else {
                CONTENT_BYTES
            };
            let head = SectorHead {
                life: place.life,
                batch: place.batch,
                index: in_batch(index),
                count: in_batch(count),
                first_record: self.first_records[index],
                used: offset_in_content(used),
            };
            let number = place.first_sector + index as u64;
            sector::seal(sector, &head, place.log, number);
        }
        &self.bytes
    }

    /// Takes the index of the finished batch.
    pub fn take_index(&mut self) -> BatchIndex {
        std::mem::take(&mut self.index)
    }

    fn count(&mut self, gpid: Gpid) {
        *self.index.entry(gpid).or_insert(0) += 1;
    }

    fn put_own(&mut self, kind: u8, body: &[u8]) {
        self.start_record();
        self.put(&record_header(kind, body.len()));
        self.put(body);
    }

    fn start_record(&mut self) {
        if self.used == CONTENT_BYTES {
            self.begin_sector();
        }
        let at = offset_in_content(self.used);
        if let Some(first @ None) = self.first_records.last_mut() {
            *first = Some(at);
        }
    }

    fn put(&mut self, mut piece: &[u8]) {
        while !piece.is_empty() {
            if self.used == CONTENT_BYTES {
                self.begin_sector();
            }
            let start = self.bytes.len() - SECTOR_BYTES;
            let room = &mut sector::content_mut(&mut self.bytes[start..])[self.used..];
            let length = room.len().min(piece.len());
            let (now, later) = piece.split_at(length);
            room[..length].copy_from_slice(now);
            self.used += length;
            piece = later;
        }
    }

    fn begin_sector(&mut self) {
        self.bytes.resize(self.bytes.len() + SECTOR_BYTES, 0);
        self.first_records.push(None);
        self.used = 0;
    }
}

fn offset_in_content(offset: usize) -> u16 {
    u16::try_from(offset).expect("a sector's content is 482 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::own_record::{Entry, next_entry};
    use crate::record::MutationRecord;
    use crate::sector::SectorState;
    use pegasus_common::{Ballot, Decree};
    use proptest::prelude::*;

    const PLACE: BatchPlace = BatchPlace {
        log: LogId(1),
        life: Life(2),
        batch: 3,
        first_sector: 4,
    };

    fn mutation(partition: i32, decree: i64, size: usize) -> Record {
        let payload = vec![0xAB; size];
        Record::Mutation(MutationRecord {
            gpid: Gpid::new(1, partition),
            ballot: Ballot(1),
            decree: Decree(decree),
            timestamp_us: 0,
            last_committed: Decree(0),
            checksum: crc32c::crc32c(&payload),
            payload: payload.into(),
        })
    }

    proptest! {
        #[test]
        fn every_sector_leads_to_the_records_that_start_in_it(
            sizes in proptest::collection::vec((0_i32..3, 0_usize..1500), 1..20),
        ) {
            let records: Vec<Record> = (1_i64..)
                .zip(&sizes)
                .map(|(decree, (partition, size))| mutation(*partition, decree, *size))
                .collect();
            let mut encoder = BatchEncoder::default();
            encoder.begin(&BatchIndex::new());
            for record in &records {
                encoder.put_record(record);
            }
            encoder.finish();
            let bytes = encoder.seal(PLACE).to_vec();
            let sectors: Vec<(SectorHead, &[u8])> = bytes
                .chunks_exact(SECTOR_BYTES)
                .zip(PLACE.first_sector..)
                .map(|(sector, number)| match sector::classify(sector, PLACE.log, PLACE.life, number) {
                    SectorState::Written(head) => (head, sector::content(sector, &head)),
                    other => panic!("{other:?}"),
                })
                .collect();
            // Reading from any sector on gives a suffix of what reading from the first gives.
            let from = |sector: usize| -> Vec<Entry> {
                let joined: Vec<u8> = sectors[sector..].iter().flat_map(|(_, c)| c.iter().copied()).collect();
                let Some(start) = sectors[sector].0.first_record else { return Vec::new() };
                let mut rest = &joined[usize::from(start)..];
                let mut entries = Vec::new();
                while let Some(entry) = next_entry(&mut rest) {
                    entries.push(entry.unwrap());
                }
                assert!(rest.is_empty());
                entries
            };
            let all = from(0);
            let replicas: Vec<Record> = all
                .iter()
                .filter_map(|entry| match entry {
                    Entry::Replica(record) => Some(record.clone()),
                    _ => None,
                })
                .collect();
            prop_assert_eq!(replicas, records);
            for sector in 1..sectors.len() {
                prop_assert!(all.ends_with(&from(sector)));
            }
            let Some(Entry::Index(index)) = all.last() else { panic!("the index is last") };
            prop_assert_eq!(index.values().sum::<u32>() as usize, sizes.len());
        }
    }
}
