//! One segment of an open log, batch by batch, each sector checked.

use crate::directory::Directory;
use crate::file_layer::Access;
use crate::reader::ReadError;
use crate::reader::extent::{Extent, Use};
use crate::sector::{self, Life, LogId, SECTOR_BYTES, SectorHead, SectorState};
use crate::segment_file::SegmentFile;

/// A segment that is being read; gives the operating system's memory back when it is dropped.
pub(super) struct SegmentReader {
    file: SegmentFile,
    life: Life,
    usage: Use,
    content: Vec<u8>,
}

impl SegmentReader {
    pub fn open(directory: &Directory, log: LogId, extent: &Extent) -> Result<Self, ReadError> {
        let mut file = SegmentFile::open(directory, log, extent.segment, Access::ReadOnly)
            .map_err(|source| ReadError::Io {
                path: directory.segment_path(extent.segment),
                source,
            })?;
        let header = file.header().ok().and_then(|found| found.header);
        let Some(header) = header else {
            let path = file.path;
            return Err(ReadError::Damaged { path, offset: 0 });
        };
        Ok(Self {
            file,
            life: header.life,
            usage: extent.usage,
            content: Vec::new(),
        })
    }

    pub fn index(&self) -> u64 {
        self.file.index
    }

    /// Reads the batch that starts at `sector`, which must be one that the log has flushed; gives
    /// the sector after it.
    pub fn read_batch(&mut self, sector: u64) -> Result<u64, ReadError> {
        let Some(first) = self.head_at(sector).filter(|head| head.index == 0) else {
            return Err(self.damaged(sector));
        };
        self.content.clear();
        for index in 0..first.count {
            let number = sector + u64::from(index);
            let belongs = |head: &SectorHead| {
                (head.batch, head.index, head.count) == (first.batch, index, first.count)
            };
            let Some(head) = self.head_at(number).filter(belongs) else {
                return Err(self.damaged(sector));
            };
            let content = sector::content(self.file.read(number, 1), &head);
            self.content.extend_from_slice(content);
        }
        Ok(sector + u64::from(first.count))
    }

    /// The records of the batch that was read last.
    pub fn content(&self) -> &[u8] {
        &self.content
    }

    pub fn damaged(&self, sector: u64) -> ReadError {
        ReadError::Damaged {
            path: self.file.path.clone(),
            offset: sector * SECTOR_BYTES as u64,
        }
    }

    fn head_at(&mut self, number: u64) -> Option<SectorHead> {
        match self.file.state(self.life, number) {
            SectorState::Written(head) | SectorState::Scarred(head) => Some(head),
            _ => None,
        }
    }
}

impl Drop for SegmentReader {
    fn drop(&mut self) {
        if self.usage == Use::Finished {
            self.file.forget_what_was_read();
        }
    }
}
