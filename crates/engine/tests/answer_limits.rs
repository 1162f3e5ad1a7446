//! No read is answered with more bytes than the limit, whatever its request asks for: a request of a few
//! kilobytes can name a large record thousands of times.

#![allow(
    clippy::unwrap_used,
    reason = "a test may panic in its helper functions too"
)]

#[allow(dead_code, reason = "each test uses its part")]
mod support;

use std::time::{Duration, Instant};

use bytes::Bytes;
use pegasus_common::{StorageStatus, key};
use pegasus_engine::{EngineOptions, OpenMode, RangeLimits, ReadAt, ReadTier, WriteOperation};
use pegasus_wire::rrdb::{
    BatchGetRequest, FullKey, GetScannerRequest, KeyValue, MultiGetRequest, MultiPutRequest,
    ScanRequest,
};
use support::{NOW_S, Replica, shared_with};

const ALL: ReadAt = ReadAt {
    now_epoch_s: NOW_S,
    tier: ReadTier::All,
};
const VALUE_BYTES: usize = 100_000;
const LIMIT_BYTES: usize = 1_000_000;
/// The last record may exceed the limit.
const RECORDS_MAX: usize = LIMIT_BYTES / VALUE_BYTES + 1;
const RECORDS: usize = 4 * RECORDS_MAX;

/// A replica with many large records under one hash key, and little patience where that is asked for.
fn with_large_records(time_max: Option<Duration>) -> (tempfile::TempDir, Replica) {
    let limits = RangeLimits {
        answer_bytes_max: LIMIT_BYTES as u64,
        time_max,
        ..RangeLimits::default()
    };
    let shared = shared_with(&EngineOptions {
        range_limits: limits,
        ..EngineOptions::default()
    });
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("rdb");
    let mut replica = Replica::open(&shared, &path, OpenMode::Create);
    let pair = |number: usize| KeyValue {
        key: sort_key(number),
        value: vec![7; VALUE_BYTES].into(),
        ..KeyValue::default()
    };
    let request = MultiPutRequest {
        hash_key: Bytes::from_static(b"hash"),
        kvs: (0..RECORDS).map(pair).collect(),
        ..MultiPutRequest::default()
    };
    let reply = replica.write(WriteOperation::MultiPut(&request));
    assert_eq!(reply.status(), StorageStatus::Ok);
    (directory, replica)
}

fn sort_key(number: usize) -> Bytes {
    format!("{number:03}").into()
}

fn of_one_key(sort_keys: Vec<Bytes>) -> MultiGetRequest {
    MultiGetRequest {
        hash_key: Bytes::from_static(b"hash"),
        sort_keys,
        ..MultiGetRequest::default()
    }
}

fn of_any_keys(sort_keys: Vec<Bytes>) -> BatchGetRequest {
    let full_key = |sort_key| FullKey {
        hash_key: Bytes::from_static(b"hash"),
        sort_key,
    };
    BatchGetRequest {
        keys: sort_keys.into_iter().map(full_key).collect(),
    }
}

#[test]
fn a_record_that_is_named_often_ends_the_answer() {
    let (_directory, replica) = with_large_records(None);
    let often = vec![sort_key(0); 100 * RECORDS_MAX];
    let found = replica.engine.multi_get(&of_one_key(often.clone()), ALL);
    let found = found.done().unwrap();
    assert_eq!(found.error, StorageStatus::Incomplete.code());
    assert!((1..=RECORDS_MAX).contains(&found.kvs.len()));
    let found = replica.engine.batch_get(&of_any_keys(often), ALL);
    let found = found.done().unwrap();
    assert_eq!(found.error, StorageStatus::Incomplete.code());
    assert!((1..=RECORDS_MAX).contains(&found.data.len()));
}

#[test]
fn what_fits_is_answered_whole() {
    let (_directory, replica) = with_large_records(None);
    let few: Vec<Bytes> = (0..RECORDS_MAX - 1).map(sort_key).collect();
    let found = replica.engine.multi_get(&of_one_key(few.clone()), ALL);
    let found = found.done().unwrap();
    assert_eq!((found.error, found.kvs.len()), (0, RECORDS_MAX - 1));
    let found = replica.engine.batch_get(&of_any_keys(few), ALL);
    let found = found.done().unwrap();
    assert_eq!((found.error, found.data.len()), (0, RECORDS_MAX - 1));
}

#[test]
fn a_scan_of_large_records_comes_in_more_batches_and_loses_none() {
    let (_directory, replica) = with_large_records(None);
    let request = GetScannerRequest {
        start_key: key::encode(b"hash", b"").unwrap().into(),
        stop_key: Bytes::from_static(b"\xff\xff"),
        start_inclusive: true,
        batch_size: 1_000,
        ..GetScannerRequest::default()
    };
    let mut batch = replica.engine.get_scanner(&request, NOW_S, Instant::now());
    let mut keys = Vec::new();
    loop {
        assert_eq!(batch.error, 0);
        assert!(batch.kvs.len() <= RECORDS_MAX, "{}", batch.kvs.len());
        keys.extend(batch.kvs.into_iter().map(|record| record.key));
        if batch.context_id < 0 {
            break;
        }
        let context_id = batch.context_id;
        let next = ScanRequest { context_id };
        batch = replica.engine.scan(&next, NOW_S, Instant::now());
    }
    assert_eq!(keys.len(), RECORDS);
    assert!(keys.is_sorted());
}

#[test]
fn a_request_with_very_many_keys_ends_when_its_time_is_up() {
    let (_directory, replica) = with_large_records(Some(Duration::ZERO));
    let missing: Vec<Bytes> = vec![Bytes::from_static(b"missing"); 10_000];
    let found = replica.engine.multi_get(&of_one_key(missing.clone()), ALL);
    assert_eq!(
        found.done().unwrap().error,
        StorageStatus::Incomplete.code()
    );
    let found = replica.engine.batch_get(&of_any_keys(missing), ALL);
    assert_eq!(
        found.done().unwrap().error,
        StorageStatus::Incomplete.code()
    );
}
