//! Reading the mutations of one replica while the log goes on: what a learner is supplied with.
//!
//! The in-memory index says where each decree stands; from there the files are read without any lock,
//! beside the log thread. Only what the log has flushed is in the index. A segment that is recycled
//! under a reader shows by its life, or is gone by its name, and the reader looks into the index
//! again.

mod extent;
mod segment_reader;

use std::io;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use pegasus_common::{Decree, Gpid};

use crate::directory::Directory;
use crate::reader::extent::{Extent, extents};
use crate::reader::segment_reader::SegmentReader;
use crate::record::{MutationRecord, mutation_bodies_of};
use crate::sector::{LogId, SECTOR_BYTES};
use crate::segment_table::SegmentTable;

/// What a mutation counts in a chunk besides its payload: bounds the number of small ones.
const MUTATION_COST: usize = 64;
/// A chunk is ended after reading this much of the files: where many replicas share the disk, few of
/// the records are the wanted ones.
const SCANNED_BYTES_MAX: u64 = 64 << 20;
/// How often segments may go under one call before it gives up.
const ATTEMPTS_MAX: usize = 8;

/// Reads what an open log holds; from any thread. Cheap to clone. It does not keep the log open.
#[derive(Clone)]
pub struct LogReader {
    table: Arc<Mutex<SegmentTable>>,
    directory: Weak<Directory>,
    log: LogId,
}

/// Why mutations that the log should hold cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The log is closed.
    #[error("the mutation log is closed")]
    Closed,
    /// The operating system refused something.
    #[error("cannot read {}", path.display())]
    Io {
        /// The segment.
        path: PathBuf,
        /// The refusal.
        source: io::Error,
    },
    /// The medium does not hold what was written there.
    #[error("{} is damaged in the batch at byte {offset}", path.display())]
    Damaged {
        /// The segment.
        path: PathBuf,
        /// Start of the batch in the file, in bytes.
        offset: u64,
    },
}

/// What kept a chunk from being filled, and in which segment.
struct Obstacle {
    segment: u64,
    error: ReadError,
}

impl LogReader {
    pub(crate) fn new(
        table: Arc<Mutex<SegmentTable>>,
        directory: Weak<Directory>,
        log: LogId,
    ) -> Self {
        Self {
            table,
            directory,
            log,
        }
    }

    /// The mutations of a replica from `after + 1` on, without gaps, `through` at most: of each
    /// decree the record that stands last in the log. `None` if the log does not hold `after + 1`,
    /// or no longer. Otherwise at least one, and not more than `bytes_max` of payload, where each
    /// mutation counts 64 bytes more; perhaps fewer than would fit, so the next call goes on from
    /// the last that came. Blocks on the disk.
    ///
    /// # Errors
    /// [`ReadError`]. A reader that finds damage reports it and does no more: the log goes on.
    pub fn mutations(
        &self,
        gpid: Gpid,
        after: Decree,
        through: Decree,
        bytes_max: usize,
    ) -> Result<Option<Vec<MutationRecord>>, ReadError> {
        let directory = self.directory.upgrade().ok_or(ReadError::Closed)?;
        if after >= through {
            return Ok(Some(Vec::new()));
        }
        let mut chunk = Chunk::new(gpid, after, bytes_max);
        let wanted = chunk.wanted(through);
        for _ in 0..ATTEMPTS_MAX {
            let extents = extents(&self.table.lock(), gpid, wanted.clone());
            if extents.is_empty() {
                return Ok(None);
            }
            let Err(obstacle) = chunk.fill(&directory, self.log, &extents) else {
                return Ok(Some(chunk.mutations));
            };
            if self.table.lock().has(obstacle.segment) {
                return Err(obstacle.error);
            }
            // It went while it was read; what was read of others before is sound.
            if !chunk.mutations.is_empty() {
                return Ok(Some(chunk.mutations));
            }
        }
        Ok(None)
    }
}

impl std::fmt::Debug for LogReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogReader").finish_non_exhaustive()
    }
}

/// Mutations on their way to a caller.
struct Chunk {
    gpid: Gpid,
    next: Decree,
    mutations: Vec<MutationRecord>,
    cost: usize,
    cost_max: usize,
    scanned_bytes: u64,
}

/// Whether there is room for more.
#[derive(PartialEq, Eq)]
enum Room {
    Left,
    None,
}

impl Chunk {
    fn new(gpid: Gpid, after: Decree, cost_max: usize) -> Self {
        Self {
            gpid,
            next: after.next(),
            mutations: Vec::new(),
            cost: 0,
            cost_max,
            scanned_bytes: 0,
        }
    }

    /// As many decrees as could fit if all were empty.
    fn wanted(&self, through: Decree) -> RangeInclusive<Decree> {
        let count = i64::try_from(self.cost_max / MUTATION_COST).unwrap_or(i64::MAX);
        let end = Decree(self.next.0.saturating_add(count));
        self.next..=through.min(end)
    }

    fn fill(
        &mut self,
        directory: &Directory,
        log: LogId,
        extents: &[Extent],
    ) -> Result<(), Obstacle> {
        let mut open: Option<SegmentReader> = None;
        for extent in extents {
            let in_segment = |error| Obstacle {
                segment: extent.segment,
                error,
            };
            let mut segment = match open.take() {
                Some(segment) if segment.index() == extent.segment => segment,
                _ => SegmentReader::open(directory, log, extent).map_err(in_segment)?,
            };
            if self.read(&mut segment, extent).map_err(in_segment)? == Room::None {
                break;
            }
            open = Some(segment);
        }
        Ok(())
    }

    /// Takes the mutations of one extent: they stand one after the other from its start on.
    fn read(&mut self, segment: &mut SegmentReader, extent: &Extent) -> Result<Room, ReadError> {
        let mut sector = extent.start.sector;
        let mut skipped = usize::try_from(extent.start.ordinal).unwrap_or(usize::MAX);
        let mut decree = extent.stretch_first;
        while decree <= *extent.decrees.end() {
            let next_sector = segment.read_batch(sector)?;
            self.scanned_bytes += (next_sector - sector) * SECTOR_BYTES as u64;
            for body in mutation_bodies_of(self.gpid, segment.content())
                .into_iter()
                .skip(std::mem::take(&mut skipped))
            {
                if decree > *extent.decrees.end() {
                    break;
                }
                if decree == self.next {
                    let mutation = MutationRecord::decode(body)
                        .filter(|mutation| mutation.decree == decree)
                        .ok_or_else(|| segment.damaged(sector))?;
                    if self.push(mutation) == Room::None {
                        return Ok(Room::None);
                    }
                }
                decree = decree.next();
            }
            sector = next_sector;
            if self.scanned_bytes >= SCANNED_BYTES_MAX && !self.mutations.is_empty() {
                return Ok(Room::None);
            }
        }
        Ok(Room::Left)
    }

    fn push(&mut self, mutation: MutationRecord) -> Room {
        let cost = mutation.payload.len().saturating_add(MUTATION_COST);
        let total = self.cost.saturating_add(cost);
        if total > self.cost_max && !self.mutations.is_empty() {
            return Room::None;
        }
        self.cost = total;
        self.next = mutation.decree.next();
        self.mutations.push(mutation);
        Room::Left
    }
}
