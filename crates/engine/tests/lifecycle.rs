//! Opening, flushing, losing memory, copying, and what is refused.

#![allow(
    clippy::unwrap_used,
    reason = "a test may panic in its helper functions too"
)]

#[allow(dead_code, reason = "each test uses its part")]
mod support;

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use pegasus_common::{Ballot, Decree, StorageStatus, key};
use pegasus_engine::{
    AppliedMutation, ApplyError, CloseMode, Engine, EngineError, EngineOptions, FlushMode, Found,
    Lookup, OpenMode, ReadAt, ReadOutcome, ReadTier, SettingsHandle, TableSettings, WriteOperation,
    WriteReply, checkpoint_mark,
};
use pegasus_wire::rrdb::{GetScannerRequest, IncrRequest, ScanRequest, UpdateRequest};
use support::{NOW_S, Recorder, Replica, shared, shared_with};

const ALL: ReadAt = ReadAt {
    now_epoch_s: NOW_S,
    tier: ReadTier::All,
};

fn raw(sort_key: &str) -> Bytes {
    Bytes::from(key::encode(b"hash", sort_key.as_bytes()).unwrap())
}

fn put(replica: &mut Replica, sort_key: &str, value: &str, expire_ts_seconds: i32) {
    let request = UpdateRequest {
        key: raw(sort_key),
        value: Bytes::copy_from_slice(value.as_bytes()),
        expire_ts_seconds,
        ..UpdateRequest::default()
    };
    let reply = replica.write(WriteOperation::Put(&request));
    assert_eq!(reply.status(), StorageStatus::Ok);
}

fn get(engine: &Engine, sort_key: &str) -> Option<Vec<u8>> {
    match engine.get(&raw(sort_key), ALL) {
        ReadOutcome::Done(Found::Value(value)) => Some(value.to_vec()),
        ReadOutcome::Done(Found::Absent) => None,
        _ => panic!("cannot read {sort_key}"),
    }
}

#[test]
fn what_was_flushed_is_there_again_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let (shared, path) = (shared(), dir.path().join("rdb"));
    let mut replica = Replica::open(&shared, &path, OpenMode::Create);
    assert_eq!(replica.engine.applied().decree, Decree::ZERO);
    put(&mut replica, "a", "1", 0);
    replica.engine.flush(FlushMode::Wait).unwrap();
    assert_eq!(replica.engine.flushed(), Decree(1));
    assert_eq!(replica.recorder.flushed.load(Ordering::SeqCst), 1);
    put(&mut replica, "b", "2", 0);
    assert_eq!(replica.engine.flushed(), Decree(1));
    let applied = replica.engine.applied();
    assert_eq!(applied.decree, Decree(2));
    replica.engine.close(CloseMode::Quick).unwrap();

    let replica = Replica::open(&shared, &path, OpenMode::MustExist);
    assert_eq!(replica.engine.applied().decree, Decree(1));
    assert_eq!(replica.engine.flushed(), Decree(1));
    assert_eq!(get(&replica.engine, "a"), Some(b"1".to_vec()));
    assert_eq!(get(&replica.engine, "b"), None);
    replica.engine.close(CloseMode::Flush).unwrap();
}

#[test]
fn closing_with_a_flush_keeps_everything() {
    let dir = tempfile::tempdir().unwrap();
    let (shared, path) = (shared(), dir.path().join("rdb"));
    let mut replica = Replica::open(&shared, &path, OpenMode::Create);
    put(&mut replica, "a", "1", 0);
    let applied = replica.engine.applied();
    replica.engine.close(CloseMode::Flush).unwrap();
    let replica = Replica::open(&shared, &path, OpenMode::MustExist);
    assert_eq!(replica.engine.applied(), applied);
}

#[test]
fn a_missing_database_is_an_error_and_so_is_a_surplus_one() {
    let dir = tempfile::tempdir().unwrap();
    let shared = shared();
    let open = |name: &str, mode| {
        let setup = pegasus_engine::EngineSetup {
            dir: dir.path().join(name),
            mode,
            settings: SettingsHandle::default(),
            listener: std::sync::Arc::new(Recorder::default()),
        };
        Engine::open(&shared, setup)
    };
    let absent = open("absent", OpenMode::MustExist).err().unwrap();
    assert!(matches!(absent, EngineError::Missing { .. }));
    assert_eq!(absent.status(), StorageStatus::NotFound);
    drop(open("db", OpenMode::Create).unwrap());
    let surplus = open("db", OpenMode::Create).err().unwrap();
    assert!(matches!(surplus, EngineError::AlreadyExists { .. }));
    // A database of somebody else: no meta column family.
    drop(rust_rocksdb::DB::open_default(dir.path().join("foreign")).unwrap());
    assert!(open("foreign", OpenMode::MustExist).is_err());
}

#[test]
fn gaps_repetitions_and_damaged_payloads_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let replica = Replica::open(&shared(), &dir.path().join("rdb"), OpenMode::Create);
    let mutation = |decree, payload: &'static [u8]| AppliedMutation {
        decree: Decree(decree),
        digest: 7,
        ballot: Ballot(3),
        timestamp_us: 9,
        payload: Bytes::from_static(payload),
    };
    let apply = |mutations: &[AppliedMutation]| replica.engine.apply(mutations);
    assert!(matches!(
        apply(&[mutation(2, b"")]),
        Err(ApplyError::OutOfOrder { .. })
    ));
    assert!(matches!(
        apply(&[mutation(1, b""), mutation(2, b"\x01garbage")]),
        Err(ApplyError::Malformed {
            decree: Decree(2),
            ..
        })
    ));
    assert_eq!(
        replica.engine.applied().decree,
        Decree::ZERO,
        "a refused run leaves nothing"
    );
    let mark = apply(&[mutation(1, b""), mutation(2, b"")]).unwrap();
    assert_eq!(
        (mark.decree, mark.digest, mark.ballot),
        (Decree(2), 7, Ballot(3))
    );
    assert!(matches!(
        apply(&[mutation(2, b"")]),
        Err(ApplyError::OutOfOrder { .. })
    ));
    assert_eq!(apply(&[]).unwrap(), mark);
}

#[test]
fn a_checkpoint_has_what_its_mark_says() {
    let dir = tempfile::tempdir().unwrap();
    let shared = shared();
    let mut replica = Replica::open(&shared, &dir.path().join("rdb"), OpenMode::Create);
    put(&mut replica, "a", "1", 0);
    put(&mut replica, "b", "2", 0);
    let copy = dir.path().join("checkpoint");
    let mark = replica.engine.checkpoint(&copy).unwrap().mark;
    assert_eq!(mark, replica.engine.applied());
    put(&mut replica, "c", "3", 0);
    assert_eq!(checkpoint_mark(&copy).unwrap(), mark);
    let restored = Replica::open(&shared, &copy, OpenMode::MustExist);
    assert_eq!(restored.engine.applied(), mark);
    assert_eq!(get(&restored.engine, "b"), Some(b"2".to_vec()));
    assert_eq!(get(&restored.engine, "c"), None);
    assert!(
        replica.engine.checkpoint(&copy).is_err(),
        "never over an existing directory"
    );
}

#[test]
fn equal_content_has_an_equal_digest_whatever_its_history() {
    let dir = tempfile::tempdir().unwrap();
    let shared = shared();
    let mut one = Replica::open(&shared, &dir.path().join("1"), OpenMode::Create);
    let mut two = Replica::open(&shared, &dir.path().join("2"), OpenMode::Create);
    put(&mut one, "a", "1", 0);
    put(&mut one, "gone", "x", 500);
    put(&mut two, "a", "0", 0);
    put(&mut two, "b", "2", 2_100_000_000);
    put(&mut two, "a", "1", 0);
    put(&mut one, "b", "2", 2_100_000_000);
    one.engine.flush(FlushMode::Wait).unwrap();
    let digest = |replica: &Replica| replica.engine.digest_of_all(NOW_S).unwrap();
    assert_eq!(digest(&one), digest(&two));
    assert_eq!(digest(&one).record_count, 2);
    put(&mut two, "b", "3", 2_100_000_000);
    assert_ne!(digest(&one), digest(&two));
}

#[test]
fn reads_on_disk_are_not_made_in_the_cache_only_tier() {
    let dir = tempfile::tempdir().unwrap();
    let mut replica = Replica::open(&shared(), &dir.path().join("rdb"), OpenMode::Create);
    put(&mut replica, "n", "41", 0);
    let cached = ReadAt {
        tier: ReadTier::CacheOnly,
        ..ALL
    };
    assert!(
        replica.engine.get(&raw("n"), cached).done().is_some(),
        "the memtable has it"
    );
    replica.engine.flush(FlushMode::Wait).unwrap();
    assert!(replica.engine.get(&raw("n"), cached).done().is_none());
    assert!(replica.engine.ttl(&raw("n"), cached).done().is_none());
    assert!(
        replica
            .engine
            .sortkey_count(b"hash", cached)
            .done()
            .is_none()
    );
    assert_eq!(
        replica.engine.lookup(&raw("n"), ReadTier::CacheOnly),
        Lookup::NotCached
    );

    // Evaluation stops without effect, and goes on once the block is cached.
    let request = IncrRequest {
        key: raw("n"),
        increment: 1,
        ..IncrRequest::default()
    };
    let time = pegasus_engine::EvaluationTime {
        timestamp_us: 1,
        now_epoch_s: NOW_S,
    };
    let evaluate = |replica: &mut Replica| {
        let mut current = pegasus_engine::InFlightValues::new(
            &mut replica.overlay,
            &replica.engine,
            ReadTier::CacheOnly,
        );
        let operation = WriteOperation::Incr(&request);
        let settings = replica.write_settings;
        pegasus_engine::evaluate(
            &mut replica.builder,
            operation,
            &mut current,
            time,
            settings,
        )
    };
    let raw_key = raw("n").to_vec();
    assert_eq!(
        evaluate(&mut replica),
        pegasus_engine::Evaluation::NeedsRead(raw_key)
    );
    assert!(replica.builder.is_empty());
    assert!(matches!(
        replica.engine.lookup(&raw("n"), ReadTier::All),
        Lookup::Value(_)
    ));
    assert_eq!(
        evaluate(&mut replica),
        pegasus_engine::Evaluation::Done(WriteReply::Incr {
            status: StorageStatus::Ok,
            new_value: 42,
        })
    );
}

#[test]
fn a_flush_by_a_full_memtable_is_reported() {
    let dir = tempfile::tempdir().unwrap();
    let options = EngineOptions {
        write_buffer_size: 64 << 10,
        ..EngineOptions::default()
    };
    let shared = shared_with(&options);
    let mut replica = Replica::open(&shared, &dir.path().join("rdb"), OpenMode::Create);
    let deadline = Instant::now() + Duration::from_secs(20);
    let value = "x".repeat(1000);
    while replica.recorder.flushed.load(Ordering::SeqCst) == 0 {
        assert!(Instant::now() < deadline, "no flush was reported");
        // A stall is a refusal, never a wait.
        let sort_key = format!("{}", replica.engine.applied().decree);
        let request = UpdateRequest {
            key: raw(&sort_key),
            value: Bytes::from(value.clone()),
            ..UpdateRequest::default()
        };
        if replica.in_flight.is_empty() {
            replica.evaluate(WriteOperation::Put(&request));
            replica.propose();
        }
        match replica.engine.apply(&replica.in_flight) {
            Ok(mark) => {
                replica.overlay.applied(mark.decree);
                replica.in_flight.clear();
            }
            Err(error) => assert!(matches!(error, ApplyError::Stalled), "{error}"),
        }
    }
    assert!(replica.engine.flushed() <= replica.engine.applied().decree);
    replica.engine.flush(FlushMode::Wait).unwrap();
    assert!(!replica.recorder.went_back.load(Ordering::SeqCst));
    assert!(replica.engine.stats().data_file_bytes > 0);
}

#[test]
fn scan_contexts_are_single_use_keep_their_snapshot_and_expire() {
    let dir = tempfile::tempdir().unwrap();
    let mut replica = Replica::open(&shared(), &dir.path().join("rdb"), OpenMode::Create);
    for sort_key in ["a", "b", "c"] {
        put(&mut replica, sort_key, sort_key, 0);
    }
    let request = GetScannerRequest {
        start_key: raw(""),
        stop_key: Bytes::from(key::successor(&raw("")).unwrap()),
        start_inclusive: true,
        batch_size: 1,
        ..GetScannerRequest::default()
    };
    let now = Instant::now();
    let engine_now = ALL.now_epoch_s;
    let first = replica.engine.get_scanner(&request, engine_now, now);
    assert!(first.context_id > i64::from(u32::MAX));
    put(&mut replica, "bb", "later", 0);
    let continued = ScanRequest {
        context_id: first.context_id,
    };
    let second = replica.engine.scan(&continued, engine_now, now);
    assert_eq!(second.kvs[0].key, raw("b"));
    assert_ne!(second.context_id, first.context_id);
    let again = replica.engine.scan(&continued, engine_now, now);
    assert_eq!(again.error, StorageStatus::NotFound.code());
    let third = replica.engine.scan(
        &ScanRequest {
            context_id: second.context_id,
        },
        engine_now,
        now,
    );
    assert_eq!(third.kvs[0].key, raw("c"), "the snapshot does not have bb");
    assert_eq!(third.context_id, -1);

    let abandoned = replica.engine.get_scanner(&request, engine_now, now);
    let later = now + Duration::from_secs(300);
    assert_eq!(
        replica
            .engine
            .expire_contexts(later - Duration::from_millis(1)),
        0
    );
    assert_eq!(replica.engine.expire_contexts(later), 1);
    let gone = ScanRequest {
        context_id: abandoned.context_id,
    };
    assert_eq!(replica.engine.scan(&gone, engine_now, later).error, 1);
    let cleared = replica.engine.get_scanner(&request, engine_now, now);
    replica.engine.clear_scanner(cleared.context_id);
    assert_eq!(replica.engine.stats().scan_contexts, 0);
}

#[test]
fn scan_contexts_are_bounded_and_the_oldest_goes() {
    let dir = tempfile::tempdir().unwrap();
    let options = EngineOptions {
        scan_context_count_max: 2,
        ..EngineOptions::default()
    };
    let mut replica = Replica::open(
        &shared_with(&options),
        &dir.path().join("rdb"),
        OpenMode::Create,
    );
    put(&mut replica, "a", "1", 0);
    put(&mut replica, "b", "2", 0);
    let request = GetScannerRequest {
        start_key: raw(""),
        stop_key: Bytes::from_static(&[0xff, 0xff]),
        batch_size: 1,
        ..GetScannerRequest::default()
    };
    let now = Instant::now();
    let ids: Vec<_> = (0..3)
        .map(|_| {
            replica
                .engine
                .get_scanner(&request, ALL.now_epoch_s, now)
                .context_id
        })
        .collect();
    let error = |id| {
        replica
            .engine
            .scan(&ScanRequest { context_id: id }, ALL.now_epoch_s, now)
            .error
    };
    assert_eq!([error(ids[0]), error(ids[1]), error(ids[2])], [1, 0, 0]);
}

#[test]
fn scans_stay_in_their_hash_key_unless_they_are_for_the_whole_partition() {
    let dir = tempfile::tempdir().unwrap();
    let mut replica = Replica::open(&shared(), &dir.path().join("rdb"), OpenMode::Create);
    put(&mut replica, "a", "1", 0);
    let neighbour = UpdateRequest {
        key: Bytes::from(key::encode(b"hasi", b"z").unwrap()),
        ..UpdateRequest::default()
    };
    replica.write(WriteOperation::Put(&neighbour));
    let count = |stop_key: &'static [u8], full_scan| {
        let request = GetScannerRequest {
            start_key: raw(""),
            stop_key: Bytes::from_static(stop_key),
            start_inclusive: true,
            full_scan,
            ..GetScannerRequest::default()
        };
        replica
            .engine
            .get_scanner(&request, ALL.now_epoch_s, Instant::now())
            .kvs
            .len()
    };
    // Python's stop key lacks the length prefix.
    assert_eq!(count(b"hasi", None), 1);
    assert_eq!(count(b"hasi", Some(true)), 2);
    // Restarted scans of Java, Go and Python.
    assert_eq!(count(&[0xff, 0xff], None), 2);
}

#[test]
fn malformed_keys_are_invalid_arguments_everywhere() {
    let dir = tempfile::tempdir().unwrap();
    let mut replica = Replica::open(&shared(), &dir.path().join("rdb"), OpenMode::Create);
    let invalid = StorageStatus::InvalidArgument;
    for bytes in [&b""[..], b"\0", b"\0\x05ab", &[0xff; 70_000]] {
        let key = Bytes::copy_from_slice(bytes);
        let update = UpdateRequest {
            key: key.clone(),
            ..UpdateRequest::default()
        };
        let incr = IncrRequest {
            key: key.clone(),
            ..IncrRequest::default()
        };
        assert_eq!(
            replica.evaluate(WriteOperation::Put(&update)).status(),
            invalid
        );
        assert_eq!(
            replica.evaluate(WriteOperation::Remove(&key)).status(),
            invalid
        );
        assert_eq!(
            replica.evaluate(WriteOperation::Incr(&incr)).status(),
            invalid
        );
        assert_eq!(
            replica.engine.get(&key, ALL).done().unwrap().status(),
            invalid
        );
        assert_eq!(
            replica.engine.ttl(&key, ALL).done().unwrap().error,
            invalid.code()
        );
        let scanner = GetScannerRequest {
            start_key: key.clone(),
            ..GetScannerRequest::default()
        };
        let answer = replica
            .engine
            .get_scanner(&scanner, ALL.now_epoch_s, Instant::now());
        assert_eq!(answer.error, invalid.code());
    }
    assert!(replica.builder.is_empty());
    let too_long = vec![0; 65_535];
    assert_eq!(
        replica
            .engine
            .sortkey_count(&too_long, ALL)
            .done()
            .unwrap()
            .error,
        4
    );
}

#[test]
fn compaction_removes_expired_records() {
    let dir = tempfile::tempdir().unwrap();
    let mut replica = Replica::open(&shared(), &dir.path().join("rdb"), OpenMode::Create);
    // Long expired by the real clock, which compaction goes by.
    put(&mut replica, "old", "x", 1);
    put(&mut replica, "new", "x", 0);
    replica.engine.flush(FlushMode::Wait).unwrap();
    replica.engine.compact_all().unwrap();
    assert_eq!(
        replica.engine.lookup(&raw("old"), ReadTier::All),
        Lookup::Absent
    );
    assert!(matches!(
        replica.engine.lookup(&raw("new"), ReadTier::All),
        Lookup::Value(_)
    ));
}

#[test]
fn default_ttl_is_stamped_on_writes_without_one() {
    let dir = tempfile::tempdir().unwrap();
    let mut replica = Replica::open(&shared(), &dir.path().join("rdb"), OpenMode::Create);
    replica.write_settings.default_ttl_s = 100;
    put(&mut replica, "a", "1", 0);
    put(&mut replica, "b", "1", 2_000_000_007);
    let ttl = |sort_key| {
        replica
            .engine
            .ttl(&raw(sort_key), ALL)
            .done()
            .unwrap()
            .ttl_seconds
    };
    assert_eq!((ttl("a"), ttl("b")), (100, 7));
}

#[test]
fn an_overrun_of_time_is_told_as_each_operation_tells_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut replica = Replica::open(&shared(), &dir.path().join("rdb"), OpenMode::Create);
    for number in 0..150 {
        put(&mut replica, &format!("{number:03}"), "x", 0);
    }
    replica.engine.settings().set(TableSettings {
        iteration_time_max: Some(Duration::from_nanos(1)),
        ..TableSettings::default()
    });
    let count = replica.engine.sortkey_count(b"hash", ALL).done().unwrap();
    assert_eq!((count.error, count.count), (0, -1));
    let request = GetScannerRequest {
        start_key: raw(""),
        stop_key: Bytes::from_static(&[0xff, 0xff]),
        ..GetScannerRequest::default()
    };
    let scan = replica
        .engine
        .get_scanner(&request, ALL.now_epoch_s, Instant::now());
    assert_eq!((scan.error, scan.kvs.len(), scan.context_id), (7, 99, 0));
}

/// A learner that installs a checkpoint must know exactly which mutations it has got, or it skips or
/// repeats some: whatever is applied meanwhile, and wherever the files have gone.
#[test]
fn a_moved_or_copied_checkpoint_has_exactly_what_it_says() {
    let dir = tempfile::tempdir().unwrap();
    let shared = shared();
    let mut replica = Replica::open(&shared, &dir.path().join("rdb"), OpenMode::Create);
    for round in 0..3 {
        for number in 0..10 {
            put(&mut replica, &format!("{round}.{number}"), "x", 0);
        }
        let made = dir.path().join("made");
        let info = replica.engine.checkpoint(&made).unwrap();
        put(&mut replica, "later", "x", 0);
        assert_eq!(info.mark.decree, Decree(10 * (round + 1) + round));
        // As a learner gets it: the listed files and nothing else.
        let copied = dir.path().join(format!("copied{round}"));
        std::fs::create_dir(&copied).unwrap();
        for file in &info.files {
            let bytes = std::fs::copy(made.join(&file.name), copied.join(&file.name)).unwrap();
            assert_eq!(bytes, file.bytes);
        }
        let moved = dir.path().join(format!("moved{round}"));
        std::fs::rename(&made, &moved).unwrap();
        for place in [copied, moved] {
            assert_eq!(checkpoint_mark(&place).unwrap(), info.mark);
            let restored = Replica::open(&shared, &place, OpenMode::MustExist);
            assert_eq!(restored.engine.applied(), info.mark);
            assert_eq!(restored.engine.flushed(), info.mark.decree);
            let content = restored.engine.digest_of_all(NOW_S).unwrap();
            let expected = u64::try_from(10 * (round + 1) + round.min(1)).unwrap();
            assert_eq!(content.record_count, expected);
        }
    }
}
