//! The segment that is being written.

use std::path::{Path, PathBuf};

use crate::batch::{BatchEncoder, BatchPlace};
use crate::directory::Directory;
use crate::error::LogFailure;
use crate::file_layer::LogFile;
use crate::header::{HEADER_SECTORS, SegmentHeader};
use crate::own_record::BatchIndex;
use crate::planted::{self, PlantedBug};
use crate::sector::{Life, LogId, SECTOR_BYTES};
use crate::spares::Spares;
use crate::standing::Standing;

/// How many batches at the start of a segment are openings: equal, so that either will do.
pub(crate) const OPENINGS: u32 = 2;

/// An open segment and the place of its next batch.
pub(crate) struct ActiveSegment {
    pub index: u64,
    log: LogId,
    life: Life,
    path: PathBuf,
    file: Box<dyn LogFile>,
    next_sector: u64,
    next_batch: u32,
}

impl ActiveSegment {
    /// Makes a segment: header and openings are on the medium before the file gets its name, and
    /// the name is durable when this returns.
    pub fn create(
        directory: &Directory,
        spares: &mut Spares,
        header: &SegmentHeader,
        standing: &Standing,
        previous: &BatchIndex,
    ) -> Result<Self, LogFailure> {
        let (spare, file) = spares.take(directory)?;
        let mut bytes = header.encode();
        let mut opening = BatchEncoder::default();
        opening.begin(previous);
        opening.put_opening(&standing.heads, &standing.doubts);
        opening.finish();
        let mut next_sector = HEADER_SECTORS;
        for batch in 0..OPENINGS {
            let sealed = opening.seal(BatchPlace {
                log: header.log,
                life: header.life,
                batch,
                first_sector: next_sector,
            });
            next_sector += sectors(sealed);
            bytes.extend_from_slice(sealed);
        }
        if let Err(failure) = begin(&*file, &spare, &bytes) {
            // Its content is unknown now.
            directory.remove(&spare)?;
            return Err(failure);
        }
        let path = directory.segment_path(header.index);
        directory.rename(&spare, &path)?;
        directory.sync()?;
        Ok(Self {
            index: header.index,
            log: header.log,
            life: header.life,
            path,
            file,
            next_sector,
            next_batch: OPENINGS,
        })
    }

    /// How many batches it has.
    pub fn batches(&self) -> u32 {
        self.next_batch
    }

    /// Where the next batch would end.
    pub fn end_with(&self, batch_bytes: usize) -> u64 {
        self.next_sector * SECTOR_BYTES as u64 + batch_bytes as u64
    }

    /// Writes a finished batch, and gives the sector where it starts. After a refusal it can be
    /// written again: the same bytes at the same place.
    pub fn write(&mut self, batch: &mut BatchEncoder) -> Result<u64, LogFailure> {
        let first_sector = self.next_sector;
        let sealed = batch.seal(BatchPlace {
            log: self.log,
            life: self.life,
            batch: self.next_batch,
            first_sector: self.next_sector,
        });
        let offset = self.next_sector * SECTOR_BYTES as u64;
        let written = self.file.write_at(sealed, offset);
        if written.is_ok() || planted::is(PlantedBug::TornBatchSkipped) {
            self.next_sector += sectors(sealed);
        }
        written.map_err(LogFailure::new("write", &self.path))?;
        self.next_batch += 1;
        Ok(first_sector)
    }

    /// Flushes what was written.
    pub fn sync(&self) -> Result<(), LogFailure> {
        self.file.sync().map_err(LogFailure::of_flush(&self.path))
    }
}

fn begin(file: &dyn LogFile, path: &Path, bytes: &[u8]) -> Result<(), LogFailure> {
    file.write_at(bytes, 0)
        .map_err(LogFailure::new("write", path))?;
    if planted::is(PlantedBug::SegmentNotFlushed) {
        return Ok(());
    }
    file.sync().map_err(LogFailure::of_flush(path))
}

fn sectors(bytes: &[u8]) -> u64 {
    (bytes.len() / SECTOR_BYTES) as u64
}
