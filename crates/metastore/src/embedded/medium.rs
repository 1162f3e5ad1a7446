//! The log's file behind a trait, so that a test can fail the n-th write or flush.

use std::fs::File;
use std::io::{self, Write};

/// An append-only file.
pub(super) trait Medium: Send {
    /// Writes at the end.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Returns when everything appended is durable.
    fn flush_to_disk(&mut self) -> io::Result<()>;
}

/// Makes the medium of a log file, positioned at its end.
pub(super) type OpenMedium = Box<dyn Fn(File) -> Box<dyn Medium> + Send>;

/// The real one.
pub(super) struct FileMedium {
    file: File,
}

impl FileMedium {
    pub fn new(file: File) -> Self {
        Self { file }
    }
}

impl Medium for FileMedium {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    fn flush_to_disk(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }
}
