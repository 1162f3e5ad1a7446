//! Iterators over the records of an engine.

use std::sync::Arc;

use pegasus_common::StorageStatus;
use rust_rocksdb::DBRawIterator;
use self_cell::self_cell;

use super::ReadTier;
use crate::rocks::{Database, reads, storage_status};

/// Which records an iterator can reach.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scope<'a> {
    /// Those of one hash key: `prefix` is its length prefix and hash key, and `end` the successor.
    /// Forward only. RocksDB's filters spare files without the hash key.
    HashKey {
        /// The first key beyond.
        end: &'a [u8],
    },
    /// All.
    Partition,
}

/// Makes an iterator; it sees the engine as it is now, whatever is applied later.
pub(super) fn iterate<'a>(
    database: &'a Database,
    scope: Scope<'_>,
    tier: ReadTier,
) -> DBRawIterator<'a> {
    let mut options = reads(match tier {
        ReadTier::CacheOnly => rust_rocksdb::ReadTier::BlockCache,
        ReadTier::All => rust_rocksdb::ReadTier::All,
    });
    match scope {
        Scope::HashKey { end } => {
            options.set_prefix_same_as_start(true);
            options.set_iterate_upper_bound(end);
        }
        Scope::Partition => options.set_total_order_seek(true),
    }
    database.db.raw_iterator_opt(options)
}

/// The status of an iterator that has stopped; `None` when it would have had to read the disk.
pub(super) fn status(
    database: &Database,
    records: &DBRawIterator<'_>,
    tier: ReadTier,
) -> Option<StorageStatus> {
    match records.status() {
        Ok(()) => Some(StorageStatus::Ok),
        Err(error) => match (storage_status(&error), tier) {
            (StorageStatus::Incomplete, ReadTier::CacheOnly) => None,
            (status, _) => {
                database.report_read_failure(&error);
                Some(status)
            }
        },
    }
}

type RawIterator<'a> = DBRawIterator<'a>;

self_cell!(
    /// An iterator together with the database that it reads: scan contexts keep it between calls.
    pub(crate) struct OwnedIterator {
        owner: Arc<Database>,
        #[covariant]
        dependent: RawIterator,
    }
);

impl OwnedIterator {
    /// As [`iterate`], for reads that may wait for the disk.
    pub(super) fn open(database: &Arc<Database>, scope: Scope<'_>) -> Self {
        Self::new(Arc::clone(database), |database| {
            iterate(database, scope, ReadTier::All)
        })
    }
}
