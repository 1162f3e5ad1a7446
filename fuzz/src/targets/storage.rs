//! A storage with records of every awkward kind, made once for each thread.

use std::sync::Arc;

use bytes::Bytes;
use pegasus_common::{Ballot, Decree};
use pegasus_engine::{
    AppliedMutation, BackgroundFailure, Engine, EngineListener, EngineOptions, EngineSetup,
    EvaluationTime, InFlightValues, MutationBuilder, OpenMode, Overlay, ReadTier, SettingsHandle,
    Shared, StallState, TableSettings, WriteOperation, WriteSettings, evaluate,
};
use pegasus_wire::rrdb::{KeyValue, MultiPutRequest};
use tempfile::TempDir;

use super::scratch;

/// The time of all reads and writes. Seconds since 2016.
pub const NOW_S: u32 = 2_000_000_000;
const HASH_KEYS: [&[u8]; 6] = [b"a", b"ab", b"\0", b"\xff", b"\xff\xff", b"hash"];
const SORT_KEYS: [&[u8]; 7] = [b"", b"\0", b"\0\0", b"a", b"ab", b"\xff", b"\xff\xff"];

struct Deaf;

impl EngineListener for Deaf {
    fn on_flushed(&self, _: Decree) {}
    fn on_background_error(&self, _: BackgroundFailure) {}
    fn on_stall_changed(&self, _: StallState) {}
}

/// The database goes before its directory.
struct Storage {
    engine: Engine,
    _directory: TempDir,
}

thread_local! {
    static STORAGE: Storage = Storage::new();
}

/// Calls `run` with the storage.
pub fn with<R>(run: impl FnOnce(&Engine) -> R) -> R {
    STORAGE.with(|storage| run(&storage.engine))
}

impl Storage {
    fn new() -> Self {
        let options = EngineOptions {
            block_cache_capacity: 8 << 20,
            ..EngineOptions::default()
        };
        let shared = Shared::new(&options).expect("these options are fine");
        let directory = scratch();
        let setup = EngineSetup {
            dir: directory.path().join("rdb"),
            mode: OpenMode::Create,
            settings: SettingsHandle::new(TableSettings::default()),
            listener: Arc::new(Deaf),
        };
        let engine = Engine::open(&shared, setup).expect("an empty directory");
        let mutation = records(&engine);
        engine.apply(&[mutation]).expect("the first mutation");
        Self {
            engine,
            _directory: directory,
        }
    }
}

/// All records in one mutation: some are empty, some have expired.
fn records(engine: &Engine) -> AppliedMutation {
    let (mut builder, mut overlay) = (MutationBuilder::new(), Overlay::new());
    let time = EvaluationTime {
        timestamp_us: 1,
        now_epoch_s: NOW_S,
    };
    for (number, hash_key) in (0..).zip(HASH_KEYS) {
        let record = |sort_key: &&[u8]| KeyValue {
            key: Bytes::copy_from_slice(sort_key),
            value: Bytes::copy_from_slice(sort_key),
            ..KeyValue::default()
        };
        let request = MultiPutRequest {
            hash_key: Bytes::from_static(hash_key),
            kvs: SORT_KEYS.iter().map(record).collect(),
            // In the past, now, in the future, and never.
            expire_ts_seconds: [1_999_999_999, 2_000_000_000, 2_000_000_001, 0][number % 4],
        };
        let mut current = InFlightValues::new(&mut overlay, engine, ReadTier::All);
        let operation = WriteOperation::MultiPut(&request);
        let settings = WriteSettings::default();
        evaluate(&mut builder, operation, &mut current, time, settings);
    }
    AppliedMutation {
        decree: Decree(1),
        digest: 1,
        ballot: Ballot(1),
        timestamp_us: 1,
        payload: builder.finish().payload,
    }
}
