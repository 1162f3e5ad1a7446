//! Costs of the storage half of a put and of a get, 1-KB values.

use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use pegasus_common::{Ballot, Decree, key};
use pegasus_engine::{
    AppliedMutation, ApplyError, BackgroundFailure, Engine, EngineListener, EngineOptions,
    EngineSetup, EvaluationTime, InFlightValues, MutationBuilder, OpenMode, Overlay, ReadAt,
    ReadTier, SettingsHandle, Shared, StallState, WriteOperation, WriteSettings, evaluate,
};
use pegasus_wire::rrdb::UpdateRequest;

const KEYS: u64 = 100_000;
const TIME: EvaluationTime = EvaluationTime {
    timestamp_us: 1,
    now_epoch_s: 1,
};

struct Silent;

impl EngineListener for Silent {
    fn on_flushed(&self, _: Decree) {}
    fn on_background_error(&self, _: BackgroundFailure) {}
    fn on_stall_changed(&self, _: StallState) {}
}

fn raw_key(number: u64) -> Bytes {
    let hash_key = format!("user{:012}", number % KEYS);
    Bytes::from(key::encode(hash_key.as_bytes(), b"sort").expect("short hash key"))
}

fn put(number: u64) -> UpdateRequest {
    UpdateRequest {
        key: raw_key(number),
        value: Bytes::from(vec![b'v'; 1000]),
        ..UpdateRequest::default()
    }
}

fn open(dir: PathBuf) -> Engine {
    let shared = Shared::new(&EngineOptions::default()).expect("RocksDB has an environment");
    let setup = EngineSetup {
        dir,
        mode: OpenMode::Create,
        settings: SettingsHandle::default(),
        listener: Arc::new(Silent),
    };
    Engine::open(&shared, setup).expect("a new directory")
}

fn payload_of(engine: &Engine, overlay: &mut Overlay, requests: &[UpdateRequest]) -> Bytes {
    let mut builder = MutationBuilder::new();
    let mut current = InFlightValues::new(overlay, engine, ReadTier::CacheOnly);
    for request in requests {
        let operation = WriteOperation::Put(request);
        evaluate(
            &mut builder,
            operation,
            &mut current,
            TIME,
            WriteSettings::default(),
        );
    }
    builder.finish().payload
}

fn apply(engine: &Engine, payload: Bytes) {
    let mutation = [AppliedMutation {
        decree: engine.applied().decree.next(),
        digest: 0,
        ballot: Ballot(1),
        timestamp_us: 1,
        payload,
    }];
    loop {
        match engine.apply(&mutation) {
            Ok(_) => return,
            Err(ApplyError::Stalled) => std::thread::yield_now(),
            Err(error) => panic!("{error}"),
        }
    }
}

fn write_path(criterion: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let engine = open(dir.path().join("rdb"));
    let mut overlay = Overlay::new();
    let requests: Vec<_> = (0..16).map(|number| put(number * 7919)).collect();

    criterion.bench_function("evaluate put", |bencher| {
        bencher.iter(|| payload_of(&engine, &mut overlay, black_box(&requests[..1])));
    });
    criterion.bench_function("evaluate 16 puts", |bencher| {
        bencher.iter(|| payload_of(&engine, &mut overlay, black_box(&requests)));
    });
    let mut number = 0;
    for count in [1, 16] {
        criterion.bench_function(&format!("evaluate and apply {count} puts"), |bencher| {
            bencher.iter(|| {
                let requests: Vec<_> = (number..number + count).map(put).collect();
                number += count;
                let payload = payload_of(&engine, &mut overlay, &requests);
                apply(&engine, payload);
            });
        });
    }
    for number in 0..KEYS {
        let payload = payload_of(&engine, &mut overlay, &[put(number)]);
        apply(&engine, payload);
    }
    let at = ReadAt {
        now_epoch_s: 1,
        tier: ReadTier::All,
    };
    criterion.bench_function("get", |bencher| {
        bencher.iter(|| {
            number = number
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            engine
                .get(&raw_key(number >> 20), at)
                .done()
                .map(|found| found.user_data().len())
        });
    });
}

criterion_group!(benches, write_path);
criterion_main!(benches);
