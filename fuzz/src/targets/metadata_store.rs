//! The metadata store's files.

use std::path::Path;

use bytes::Bytes;
use pegasus_metastore::fuzzing::{self, Content};
use pegasus_metastore::{Entry, LocalOptions, LocalStore, MetadataStore as _, ScanRange};
use tokio::runtime::Builder;

use super::scratch;
use crate::input::Input;
use crate::memory::MemoryBound;

/// In parts: the snapshot (none: that of an empty store), what follows the log's batches, and the
/// batches.
pub fn run(input: &[u8]) {
    let mut parts = Input::new(input).parts();
    let snapshot = parts.next().filter(|part| !part.is_empty());
    let tail = parts.next().unwrap_or_default();
    let batches: Vec<&[u8]> = parts.collect();
    for body in &batches {
        MemoryBound::VALUES.check(body.len(), || fuzzing::records_in(body));
    }
    let directory = scratch();
    let path = directory.path().join("store");
    let content = Content {
        snapshot,
        batches: &batches,
        tail,
    };
    fuzzing::write_store(&path, &content).expect("a writable directory");
    let bound = MemoryBound::BUFFERS;
    if let Some(first) = bound.check(input.len(), || open(&path)) {
        let second = open(&path).expect("what was opened can be opened again");
        assert_eq!(first, second);
    }
}

/// Opens the store and closes it; what it held, or nothing where it is refused.
fn open(path: &Path) -> Option<Vec<Entry>> {
    let store = LocalStore::open(path, LocalOptions::default()).ok()?;
    let everything = ScanRange::of_prefix(Bytes::new());
    let runtime = Builder::new_current_thread().build().expect("a runtime");
    let entries = runtime.block_on(store.scan(everything, usize::MAX));
    Some(entries.expect("an open store can be read"))
}
