//! What the log costs its thread per mutation, and how fast a reader is. 1-KB payloads, durability
//! `os`: flushes measure the disk.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use pegasus_common::{Ballot, Decree, Gpid};
use pegasus_log::{
    Durability, Log, LogFailure, LogObserver, LogOptions, MutationRecord, OpenMode, Record,
};

const GPID: Gpid = Gpid::new(1, 0);
const BATCH: i64 = 256;

#[derive(Default)]
struct Safe(AtomicU64);

impl LogObserver for Safe {
    fn on_safe(&self, ticket: u64) {
        self.0.store(ticket, Ordering::Release);
    }

    fn on_failed(&self, failure: &LogFailure) {
        panic!("{failure}");
    }
}

fn batch(first: i64) -> Vec<Record> {
    let payload = bytes::Bytes::from_static(&[b'v'; 1024]);
    let checksum = crc32c::crc32c(&payload);
    (first..first + BATCH)
        .map(|decree| {
            Record::Mutation(MutationRecord {
                gpid: GPID,
                ballot: Ballot(1),
                decree: Decree(decree),
                timestamp_us: decree,
                last_committed: Decree(decree - 1),
                checksum,
                payload: payload.clone(),
            })
        })
        .collect()
}

fn log_path(criterion: &mut Criterion) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let options = LogOptions {
        durability: Durability::Os,
        ..LogOptions::new(directory.path().join("log"))
    };
    let (log, _) = Log::open(options, OpenMode::Create, &mut |_| {}).expect("a new log");
    let safe = Arc::new(Safe::default());
    let mut handle = log.register(Arc::clone(&safe) as Arc<dyn LogObserver>);
    let mut next = 1;
    let mut append = |records: Vec<Record>| {
        let ticket = handle.submit(records).expect("the log has room");
        while safe.0.load(Ordering::Acquire) < ticket {
            std::hint::spin_loop();
        }
    };
    let mut group = criterion.benchmark_group("log");
    group.throughput(Throughput::Bytes(BATCH.unsigned_abs() * 1024));
    group.bench_function("append 256 mutations", |bencher| {
        bencher.iter_batched(
            || {
                let records = batch(next);
                log.set_flushed(GPID, Decree(next - 1));
                next += BATCH;
                records
            },
            &mut append,
            BatchSize::SmallInput,
        );
    });
    let first = next;
    for _ in 0..400 {
        append(batch(next));
        next += BATCH;
    }
    let reader = log.reader();
    let mut after = Decree(first - 1);
    group.throughput(Throughput::Bytes(1 << 20));
    group.bench_function("read 1 MiB", |bencher| {
        bencher.iter(|| {
            let chunk = reader
                .mutations(GPID, after, Decree(next - 1), 1 << 20)
                .expect("sound files");
            after = match chunk.and_then(|chunk| chunk.last().map(|last| last.decree)) {
                Some(last) if last.0 + 1 < next => last,
                _ => Decree(first - 1),
            };
        });
    });
    group.finish();
}

criterion_group!(benches, log_path);
criterion_main!(benches);
