//! The segment that is being written.

use std::path::PathBuf;

use crate::batch::{BatchEncoder, BatchPlace};
use crate::directory::Directory;
use crate::error::LogFailure;
use crate::file_layer::LogFile;
use crate::header::{HEADER_SECTORS, SegmentHeader};
use crate::own_record::BatchIndex;
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
        file.write_at(&bytes, 0)
            .map_err(LogFailure::new("write", &spare))?;
        file.sync().map_err(LogFailure::new("flush", &spare))?;
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

    /// Writes a finished batch.
    pub fn write(&mut self, batch: &mut BatchEncoder) -> Result<(), LogFailure> {
        let sealed = batch.seal(BatchPlace {
            log: self.log,
            life: self.life,
            batch: self.next_batch,
            first_sector: self.next_sector,
        });
        let offset = self.next_sector * SECTOR_BYTES as u64;
        self.file
            .write_at(sealed, offset)
            .map_err(LogFailure::new("write", &self.path))?;
        self.next_sector += sectors(sealed);
        self.next_batch += 1;
        Ok(())
    }

    /// Flushes what was written.
    pub fn sync(&self) -> Result<(), LogFailure> {
        self.file
            .sync()
            .map_err(LogFailure::new("flush", &self.path))
    }
}

fn sectors(bytes: &[u8]) -> u64 {
    (bytes.len() / SECTOR_BYTES) as u64
}
