//! Files that are ready to become segments.
//!
//! A segment is written into a file that already has its full length, so that a flush writes data
//! and no file system metadata. Old segments are reused as they are: what they held is recognised
//! by its life. Until there are old ones, new files are filled with zeros, a step at a time while
//! the log runs, in proportion to what it writes, so that the next is ready before this one is full.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::directory::Directory;
use crate::error::LogFailure;
use crate::file_layer::{Access, LogFile};
use crate::stats::LogStats;

/// How much is filled at a time. Guess: about as long as two flushes.
const STEP_BYTES: u64 = 1 << 20;

/// The ready files and the one in the making.
pub(crate) struct Spares {
    segment_bytes: u64,
    max: usize,
    ready: VecDeque<PathBuf>,
    filling: Option<Filling>,
    /// Bytes that should have been filled by now.
    owed: u64,
    next_number: u64,
    stats: Arc<LogStats>,
}

struct Filling {
    path: PathBuf,
    file: Box<dyn LogFile>,
    done: u64,
}

impl Spares {
    /// `next_number` is larger than that of any file in the directory.
    pub fn new(segment_bytes: u64, max: usize, next_number: u64, stats: Arc<LogStats>) -> Self {
        Self {
            segment_bytes,
            max,
            ready: VecDeque::new(),
            filling: None,
            owed: 0,
            next_number,
            stats,
        }
    }

    /// Takes a sound file of a segment's size; it is deleted if there are enough.
    pub fn recycle(&mut self, directory: &Directory, path: &Path) -> Result<(), LogFailure> {
        if self.ready.len() >= self.max {
            return directory.remove(path);
        }
        let spare = directory.spare_path(self.number());
        directory.rename(path, &spare)?;
        self.add(spare);
        Ok(())
    }

    /// The log wrote this much: a new file has to grow with it, a bit faster.
    pub fn owe(&mut self, written: u64) {
        if self.ready.is_empty() {
            self.owed = self.owed.saturating_add(written + written / 4);
        }
    }

    /// Whether a step is due.
    pub fn step_due(&self) -> bool {
        self.ready.is_empty() && self.owed >= STEP_BYTES.min(self.segment_bytes)
    }

    /// Fills one step of the next file. A refusal (a full disk) is no failure of the log: the file
    /// is given up, and only when a segment is needed and cannot be made does the log stop.
    pub fn step(&mut self, directory: &Directory) {
        self.owed = self.owed.saturating_sub(STEP_BYTES);
        match self.fill_step(directory) {
            Ok(Some(path)) => {
                self.owed = 0;
                self.add(path);
            }
            Ok(None) => {}
            Err(failure) => {
                tracing::warn!(%failure, source = %failure.source, "no spare log segment can be made");
                self.owed = 0;
            }
        }
    }

    /// A file of a segment's size: ready, or made now.
    pub fn take(
        &mut self,
        directory: &Directory,
    ) -> Result<(PathBuf, Box<dyn LogFile>), LogFailure> {
        self.owed = 0;
        let path = match self.ready.pop_front() {
            Some(path) => path,
            None => self.fill_now(directory)?,
        };
        self.publish_count();
        let file = directory
            .files()
            .open(&path, Access::Writable)
            .map_err(LogFailure::new("open", &path))?;
        Ok((path, file))
    }

    fn fill_now(&mut self, directory: &Directory) -> Result<PathBuf, LogFailure> {
        loop {
            if let Some(path) = self.fill_step(directory)? {
                return Ok(path);
            }
        }
    }

    /// Fills a step; the path when the file is complete. What cannot be filled is removed.
    fn fill_step(&mut self, directory: &Directory) -> Result<Option<PathBuf>, LogFailure> {
        let mut filling = match self.filling.take() {
            Some(filling) => filling,
            None => self.begin(directory)?,
        };
        if let Err(failure) = filling.extend(self.segment_bytes) {
            directory.remove(&filling.path)?;
            return Err(failure);
        }
        if filling.done < self.segment_bytes {
            self.filling = Some(filling);
            return Ok(None);
        }
        let spare = directory.spare_path(self.number());
        directory.rename(&filling.path, &spare)?;
        Ok(Some(spare))
    }

    /// Only where the whole file has room: one that could not be finished would take the last space
    /// from others for nothing.
    fn begin(&mut self, directory: &Directory) -> Result<Filling, LogFailure> {
        let available = directory.files().available(directory.path());
        if available.is_ok_and(|bytes| bytes < self.segment_bytes) {
            let full = io::Error::from(io::ErrorKind::StorageFull);
            return Err(LogFailure::new("make a segment in", directory.path())(full));
        }
        let path = directory.filling_path(self.number());
        let file = directory
            .files()
            .open(&path, Access::Writable)
            .map_err(LogFailure::new("create", &path))?;
        Ok(Filling {
            path,
            file,
            done: 0,
        })
    }

    fn add(&mut self, path: PathBuf) {
        self.ready.push_back(path);
        self.publish_count();
    }

    fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number - 1
    }

    fn publish_count(&self) {
        self.stats
            .spares
            .store(self.ready.len() as u64, Ordering::Relaxed);
    }
}

impl Filling {
    fn extend(&mut self, segment_bytes: u64) -> Result<(), LogFailure> {
        let length = STEP_BYTES.min(segment_bytes - self.done);
        let zeros = vec![0; usize::try_from(length).expect("a step is 1 MiB at most")];
        self.file
            .write_at(&zeros, self.done)
            .and_then(|()| self.file.sync())
            .map_err(LogFailure::new("fill", &self.path))?;
        self.done += length;
        Ok(())
    }
}
