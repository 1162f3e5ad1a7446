//! The metadata store's files.

use std::path::Path;

use pegasus_metastore::JournalOptions;
use pegasus_metastore::embedded::content::Content;
use pegasus_metastore::embedded::fuzzing::{self, Files};
use pegasus_metastore::embedded::journal::{FileJournal, Journal as _};

use super::scratch;
use crate::input::Input;
use crate::memory::MemoryBound;

/// In parts: the base (none: that of a new member), what follows the log's batches, and the batches.
pub fn run(input: &[u8]) {
    let mut parts = Input::new(input).parts();
    let base = parts.next().filter(|part| !part.is_empty());
    let tail = parts.next().unwrap_or_default();
    let batches: Vec<&[u8]> = parts.collect();
    for body in &batches {
        MemoryBound::BUFFERS.check(body.len(), || fuzzing::records_in(body));
        MemoryBound::BUFFERS.check(body.len(), || fuzzing::keys_in(body));
    }
    let directory = scratch();
    let path = directory.path().join("store");
    let files = Files {
        base,
        batches: &batches,
        tail,
    };
    fuzzing::write_directory(&path, &files).expect("a writable directory");
    if let Some(first) = MemoryBound::BUFFERS.check(input.len(), || open(&path)) {
        let second = open(&path).expect("what was opened can be opened again");
        assert_eq!(first, second);
    }
}

/// Opens the journal and closes it; what it held, or nothing where it is refused.
fn open(path: &Path) -> Option<Content> {
    let (journal, content) = FileJournal::open(path, JournalOptions::default()).ok()?;
    journal.close();
    Some(content)
}
