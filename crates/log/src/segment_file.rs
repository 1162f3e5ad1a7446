//! Reading a segment file sector by sector, through a window.

use std::io;
use std::path::PathBuf;

use crate::directory::Directory;
use crate::error::OpenError;
use crate::file_layer::{Access, LogFile};
use crate::header::{FORMAT_VERSION, HEADER_SECTORS, HeaderState, SegmentHeader};
use crate::sector::{self, Life, LogId, SECTOR_BYTES, SectorState};

/// Read at least this much at a time.
const WINDOW_SECTORS: u64 = 512;
/// Stands for a sector that the disk cannot read: never valid, never unwritten.
const UNREADABLE: u8 = 0xFF;

/// A segment file that is there.
pub(crate) struct SegmentFile {
    pub index: u64,
    pub path: PathBuf,
    pub bytes: u64,
    log: LogId,
    file: Box<dyn LogFile>,
    window: Vec<u8>,
    window_first: u64,
    /// The first sector that was read, and the one after the last.
    touched: (u64, u64),
}

/// The two copies of a header.
pub(crate) struct FoundHeader {
    /// The header, if either copy is good.
    pub header: Option<SegmentHeader>,
    /// The sectors with bad copies.
    pub bad_copies: Vec<u64>,
}

impl SegmentFile {
    pub fn open(directory: &Directory, log: LogId, index: u64, access: Access) -> io::Result<Self> {
        let path = directory.segment_path(index);
        let file = directory.files().open(&path, access)?;
        Ok(Self {
            index,
            path,
            bytes: file.size()?,
            log,
            file,
            window: Vec::new(),
            window_first: 0,
            touched: (u64::MAX, 0),
        })
    }

    /// Puts on the medium what the last run may have left in the operating system's cache.
    pub fn sync(&self) -> Result<(), OpenError> {
        self.file.sync().map_err(OpenError::io("flush", &self.path))
    }

    /// Makes the next reads come from the medium. After a flush that failed, the cache may hold
    /// what the medium never got.
    pub fn forget_cache(&mut self) {
        self.window.clear();
        self.file.forget_cache(0..self.bytes);
    }

    /// Gives the memory of what was read here back to the operating system.
    pub fn forget_what_was_read(&self) {
        let (first, end) = self.touched;
        let bytes = |sector: u64| sector.saturating_mul(SECTOR_BYTES as u64);
        self.file.forget_cache(bytes(first)..bytes(end));
    }

    /// Sectors in the file; the last may be incomplete.
    pub fn sectors(&self) -> u64 {
        self.bytes.div_ceil(SECTOR_BYTES as u64)
    }

    /// `count` sectors from `first` on; zeros beyond the end of the file.
    pub fn read(&mut self, first: u64, count: u64) -> &[u8] {
        let loaded = (self.window.len() / SECTOR_BYTES) as u64;
        if first < self.window_first || first + count > self.window_first + loaded {
            self.load(first, count.max(WINDOW_SECTORS));
        }
        let start = in_memory(first - self.window_first);
        &self.window[start..start + in_memory(count)]
    }

    /// What is at sector `number`, for a segment in `life`.
    pub fn state(&mut self, life: Life, number: u64) -> SectorState {
        let log = self.log;
        sector::classify(self.read(number, 1), log, life, number)
    }

    pub fn header(&mut self) -> Result<FoundHeader, OpenError> {
        let (log, index) = (self.log, self.index);
        let mut found = FoundHeader {
            header: None,
            bad_copies: Vec::new(),
        };
        // No more than that: what is wanted next may stand far behind it.
        self.load(0, HEADER_SECTORS);
        for number in 0..HEADER_SECTORS {
            match SegmentHeader::decode(self.read(number, 1), log, number, index) {
                HeaderState::Valid(header) => found.header = found.header.or(Some(header)),
                HeaderState::Bad => found.bad_copies.push(number),
                HeaderState::Unsupported(version) => {
                    return Err(OpenError::UnsupportedVersion {
                        path: self.path.clone(),
                        version,
                        supported: FORMAT_VERSION,
                    });
                }
            }
        }
        Ok(found)
    }

    fn load(&mut self, first: u64, count: u64) {
        self.window.clear();
        self.window.resize(in_memory(count), 0);
        self.window_first = first;
        self.touched = (self.touched.0.min(first), self.touched.1.max(first + count));
        let offset = first * SECTOR_BYTES as u64;
        if self.file.read_at(&mut self.window, offset).is_ok() {
            return;
        }
        // Something in there cannot be read: find out what.
        for (number, sector) in (first..).zip(self.window.chunks_exact_mut(SECTOR_BYTES)) {
            sector.fill(0);
            if let Err(error) = self.file.read_at(sector, number * SECTOR_BYTES as u64) {
                tracing::error!(path = %self.path.display(), sector = number, %error, "unreadable sector in the mutation log");
                sector.fill(UNREADABLE);
            }
        }
    }
}

fn in_memory(sectors: u64) -> usize {
    usize::try_from(sectors).expect("a window is far smaller than memory") * SECTOR_BYTES
}
