//! Scanners: batches, lost contexts, ends.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[allow(dead_code, reason = "each test binary uses its part of it")]
mod fake;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use fake::{Action, FakeServer, meta_of, ok, table_on};
use futures_util::StreamExt as _;
use parking_lot::Mutex;
use pegasus_client::{ClientError, ClientOptions, Cluster, ScanOptions, Table};
use pegasus_common::key;
use pegasus_wire::TaskCode;
use pegasus_wire::frame::RequestFrame;
use pegasus_wire::rrdb::{GetScannerRequest, KeyValue, ScanRequest, ScanResponse};

/// Records that partition 0 of the table has; the others have none.
fn rows() -> Vec<Bytes> {
    (0..10_u8)
        .map(|number| Bytes::from(key::encode(b"h", &[number]).unwrap()))
        .collect()
}

/// Serves [`rows`] in batches; the context id is the position of the next row, plus one.
fn serve_rows(request: &RequestFrame, batch: usize) -> ScanResponse {
    let rows = rows();
    let start = match request.name.code().unwrap() {
        TaskCode::GetScanner => {
            let asked: GetScannerRequest = request.decode().unwrap();
            if request.head.gpid.partition_index.0 != 0 {
                return ScanResponse {
                    context_id: -1,
                    ..Default::default()
                };
            }
            rows.iter()
                .position(|row| {
                    *row > asked.start_key || (asked.start_inclusive && *row == asked.start_key)
                })
                .unwrap_or(rows.len())
        }
        TaskCode::Scan => {
            let asked: ScanRequest = request.decode().unwrap();
            usize::try_from(asked.context_id - 1).unwrap()
        }
        other => panic!("{other:?}"),
    };
    let end = (start + batch).min(rows.len());
    let kvs = rows[start..end].iter().map(|row| KeyValue {
        key: row.clone(),
        value: Bytes::from_static(b"v"),
        ..Default::default()
    });
    ScanResponse {
        kvs: kvs.collect(),
        context_id: if end == rows.len() {
            -1
        } else {
            i64::try_from(end).unwrap() + 1
        },
        ..Default::default()
    }
}

async fn table_on_server(replica: &FakeServer) -> (FakeServer, Table) {
    let meta = meta_of(Arc::new(Mutex::new(table_on(replica.address, 4))));
    let list = meta.address.to_string();
    let cluster = Cluster::connect(&list, ClientOptions::new()).await.unwrap();
    let table = cluster.table("temp").await.unwrap();
    (meta, table)
}

async fn sort_keys(table: &Table) -> Vec<u8> {
    let mut scanner = table.full_scanner(&ScanOptions::new());
    let mut found = Vec::new();
    while let Some(record) = scanner.next().await {
        let record = record.unwrap();
        assert_eq!(record.hash_key, "h");
        found.push(record.sort_key[0]);
    }
    found
}

#[tokio::test]
async fn all_partitions_are_scanned_batch_by_batch() {
    let replica = FakeServer::start(|request| ok(request, &serve_rows(request, 3)));
    let (_meta, table) = table_on_server(&replica).await;
    assert_eq!(sort_keys(&table).await, (0..10).collect::<Vec<_>>());
    assert_eq!(replica.count(TaskCode::GetScanner), 4);
    assert_eq!(replica.count(TaskCode::Scan), 3);
    assert_eq!(replica.count(TaskCode::ClearScanner), 0);
}

#[tokio::test]
async fn a_stream_has_the_same_records() {
    let replica = FakeServer::start(|request| ok(request, &serve_rows(request, 3)));
    let (_meta, table) = table_on_server(&replica).await;
    let stream = table.full_scanner(&ScanOptions::new()).into_stream();
    let found: Vec<_> = stream
        .map(|record| record.unwrap().sort_key[0])
        .collect()
        .await;
    assert_eq!(found, (0..10).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_lost_context_is_replaced_without_gap_or_repetition() {
    let lost = AtomicBool::new(false);
    let replica = FakeServer::start(move |request| {
        let scan = request.name.code() == Some(TaskCode::Scan);
        if scan && !lost.swap(true, Ordering::Relaxed) {
            return ok(
                request,
                &ScanResponse {
                    error: 1,
                    ..Default::default()
                },
            );
        }
        ok(request, &serve_rows(request, 3))
    });
    let (_meta, table) = table_on_server(&replica).await;
    assert_eq!(sort_keys(&table).await, (0..10).collect::<Vec<_>>());
    assert_eq!(replica.count(TaskCode::GetScanner), 5);
}

#[tokio::test]
async fn a_lost_connection_is_as_a_lost_context() {
    let lost = AtomicBool::new(false);
    let replica = FakeServer::start(move |request| {
        let scan = request.name.code() == Some(TaskCode::Scan);
        if scan && !lost.swap(true, Ordering::Relaxed) {
            return Action::Hangup;
        }
        ok(request, &serve_rows(request, 3))
    });
    let (_meta, table) = table_on_server(&replica).await;
    assert_eq!(sort_keys(&table).await, (0..10).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_server_that_forgets_every_context_is_given_up() {
    let replica = FakeServer::start(|request| match request.name.code().unwrap() {
        TaskCode::GetScanner => ok(
            request,
            &ScanResponse {
                context_id: 5,
                ..Default::default()
            },
        ),
        _ => ok(
            request,
            &ScanResponse {
                error: 1,
                ..Default::default()
            },
        ),
    });
    let (_meta, table) = table_on_server(&replica).await;
    let mut scanner = table.full_scanner(&ScanOptions::new());
    let error = scanner.next().await.unwrap().unwrap_err();
    assert!(matches!(error, ClientError::Protocol { .. }), "{error}");
}

#[tokio::test]
async fn dropping_a_scanner_releases_its_context() {
    let replica = FakeServer::start(|request| match request.name.code().unwrap() {
        TaskCode::ClearScanner => {
            assert_eq!(request.decode::<i64>().unwrap(), 4);
            Action::Silence
        }
        _ => ok(request, &serve_rows(request, 3)),
    });
    let (_meta, table) = table_on_server(&replica).await;
    let mut scanner = table.full_scanner(&ScanOptions::new());
    scanner.next().await.unwrap().unwrap();
    drop(scanner);
    replica.wait_for(TaskCode::ClearScanner, 1).await;
}

#[tokio::test]
async fn an_empty_range_of_a_released_server_ends_the_scan() {
    let replica = FakeServer::start(|request| ok(request, &ScanResponse::default()));
    let (_meta, table) = table_on_server(&replica).await;
    let mut scanner = table
        .hash_scanner(b"h", b"b", b"a", &ScanOptions::new())
        .unwrap();
    assert!(scanner.next().await.is_none());
}

#[tokio::test]
async fn hash_scans_are_narrowed_by_a_prefix() {
    let replica = FakeServer::start(|request| {
        let asked: GetScannerRequest = request.decode().unwrap();
        assert_eq!(asked.start_key, key::encode(b"h", b"ab").unwrap());
        assert!(asked.start_inclusive && !asked.stop_inclusive);
        assert_eq!(asked.stop_key, key::encode(b"h", b"ac").unwrap());
        ok(
            request,
            &ScanResponse {
                context_id: -1,
                ..Default::default()
            },
        )
    });
    let (_meta, table) = table_on_server(&replica).await;
    let options = ScanOptions::new().sort_key_filter(pegasus_client::Filter::prefix(&b"ab"[..]));
    let mut scanner = table.hash_scanner(b"h", b"", b"", &options).unwrap();
    assert!(scanner.next().await.is_none());
    assert_eq!(replica.count(TaskCode::GetScanner), 1);
}

#[tokio::test]
async fn divided_scans_cover_every_partition_once() {
    let replica = FakeServer::start(|request| ok(request, &serve_rows(request, 100)));
    let (_meta, table) = table_on_server(&replica).await;
    for mut scanner in table.full_scanners(3, &ScanOptions::new()) {
        while let Some(record) = scanner.next().await {
            record.unwrap();
        }
    }
    let mut partitions: Vec<i32> = replica
        .seen()
        .iter()
        .map(|(_, gpid)| gpid.partition_index.0)
        .collect();
    partitions.sort_unstable();
    assert_eq!(partitions, [0, 1, 2, 3]);
}
