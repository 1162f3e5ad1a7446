//! Opening a replica's storage, new or existing.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use rust_rocksdb::{
    AsColumnFamilyRef, ColumnFamilyDescriptor, DB, DEFAULT_COLUMN_FAMILY_NAME, Options,
    ReadOptions, WriteOptions,
};

use super::apply::ApplyState;
use super::engine::{Database, Engine, FlushMode, META_COLUMN_FAMILY};
use super::expiry_filter::ExpiryFilterFactory;
use super::listener::{Callbacks, EngineListener, ListenerState};
use super::mark::{AppliedMark, MARK_KEY};
use super::shared::Shared;
use crate::error::EngineError;
use crate::read::ContextTable;
use crate::settings::SettingsHandle;

/// Key and value that say how user values are stored (storage.md section 1).
const DATA_VERSION_KEY: &[u8] = b"pegasus_data_version";
const DATA_VERSION: &[u8] = b"1";
/// Every RocksDB directory has it.
const CURRENT_FILE: &str = "CURRENT";

/// Whether the storage should be there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode {
    /// A new replica: there must be no database yet. The parent directory exists.
    Create,
    /// A known replica: a missing database is an error, never an empty start.
    MustExist,
}

/// What one engine is opened with.
pub struct EngineSetup {
    /// The replica's data directory.
    pub dir: PathBuf,
    /// Whether it should be there.
    pub mode: OpenMode,
    /// The table's settings; the host keeps a clone to change them.
    pub settings: SettingsHandle,
    /// Who is told of flushes and failures.
    pub listener: Arc<dyn EngineListener>,
}

impl Engine {
    /// Opens or creates the storage of one replica. Blocks on the disk.
    ///
    /// # Errors
    /// [`EngineError`]; the directory is then as it was, or holds an unfinished database that
    /// [`OpenMode::MustExist`] refuses.
    pub fn open(shared: &Shared, setup: EngineSetup) -> Result<Self, EngineError> {
        check_presence(&setup.dir, setup.mode)?;
        let listener = ListenerState::new(setup.listener);
        let mut options = shared.database.clone();
        options.add_event_listener(Callbacks(Arc::clone(&listener)));
        options.set_compaction_filter_factory(ExpiryFilterFactory::new(setup.settings.clone()));
        options.create_if_missing(setup.mode == OpenMode::Create);
        options.create_missing_column_families(setup.mode == OpenMode::Create);
        let events = Arc::clone(&listener);
        let database = Arc::new(Database::open(&options, &shared.meta, setup.dir, events)?);
        if setup.mode == OpenMode::Create {
            database.write_first_metadata()?;
        }
        database.check_data_version()?;
        // A mark found on disk is flushed by nature; a new one is at decree 0.
        let applied = database.latest_mark()?;
        listener.attach(Arc::clone(&database), applied.decree);
        let limits = shared.options().range_limits;
        let engine = Self {
            database,
            listener,
            apply_state: Mutex::new(ApplyState::new(applied)),
            settings: setup.settings,
            limits,
            contexts: Mutex::new(ContextTable::new(shared.options().scan_context_count_max)),
        };
        if setup.mode == OpenMode::Create {
            engine.flush(FlushMode::Wait)?;
        }
        Ok(engine)
    }
}

fn check_presence(dir: &Path, mode: OpenMode) -> Result<(), EngineError> {
    let exists = dir.join(CURRENT_FILE).exists();
    match (mode, exists) {
        (OpenMode::Create, true) => Err(EngineError::AlreadyExists {
            path: dir.to_owned(),
        }),
        (OpenMode::MustExist, false) => Err(EngineError::Missing {
            path: dir.to_owned(),
        }),
        _ => Ok(()),
    }
}

impl Database {
    fn open(
        data: &Options,
        meta: &Options,
        path: PathBuf,
        listener: Arc<ListenerState>,
    ) -> Result<Self, EngineError> {
        let families = [
            ColumnFamilyDescriptor::new(DEFAULT_COLUMN_FAMILY_NAME, data.clone()),
            ColumnFamilyDescriptor::new(META_COLUMN_FAMILY, meta.clone()),
        ];
        let db = DB::open_cf_descriptors(data, &path, families).map_err(|source| {
            EngineError::RocksDb {
                action: "open",
                path: path.clone(),
                source,
            }
        })?;
        let mut database = Self {
            db,
            path,
            meta_id: 0,
            listener,
            cached_reads: reads(rust_rocksdb::ReadTier::BlockCache),
            all_reads: reads(rust_rocksdb::ReadTier::All),
            persisted_reads: reads(rust_rocksdb::ReadTier::Persisted),
        };
        let meta_id = database.meta()?.id();
        database.meta_id = meta_id;
        Ok(database)
    }

    fn write_first_metadata(&self) -> Result<(), EngineError> {
        let meta = self.meta()?;
        let mark = AppliedMark::default().encode();
        for (key, value) in [(DATA_VERSION_KEY, DATA_VERSION), (MARK_KEY, &mark[..])] {
            self.db
                .put_cf_opt(&meta, key, value, &without_log())
                .map_err(|source| self.failed("write metadata of", source))?;
        }
        Ok(())
    }

    fn check_data_version(&self) -> Result<(), EngineError> {
        let version = self
            .db
            .get_cf(&self.meta()?, DATA_VERSION_KEY)
            .map_err(|source| self.failed("read metadata of", source))?
            .ok_or_else(|| self.broken("the data version is missing"))?;
        if version == DATA_VERSION {
            return Ok(());
        }
        Err(EngineError::UnknownDataVersion {
            path: self.path.clone(),
            version: String::from_utf8_lossy(&version).into_owned(),
        })
    }
}

/// Options of every read: whatever comes from the disk is verified.
pub(crate) fn reads(tier: rust_rocksdb::ReadTier) -> ReadOptions {
    let mut options = ReadOptions::default();
    options.set_verify_checksums(true);
    options.set_read_tier(tier);
    options
}

/// Options of every write: RocksDB's own log is off.
pub(super) fn without_log() -> WriteOptions {
    let mut options = WriteOptions::default();
    options.disable_wal(true);
    options
}
