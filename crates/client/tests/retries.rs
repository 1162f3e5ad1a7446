//! How the client copes with servers that refuse, hang, vanish or move.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[allow(dead_code, reason = "each test binary uses its part of it")]
mod fake;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use fake::{Action, FakeServer, meta_of, ok, refuse, table_on};
use parking_lot::Mutex;
use pegasus_client::{
    Check, CheckKind, ClientError, ClientOptions, Cluster, IncrTtl, ReturnValue, SetValue, Table,
    TableProblem, Ttl, Verdict, WriteFate, WriteRepetition,
};
use pegasus_common::{ErrorCode, RpcAddress};
use pegasus_wire::TaskCode;
use pegasus_wire::layer2::{PartitionConfiguration, QueryCfgResponse};
use pegasus_wire::rrdb::{CheckAndSetResponse, IncrResponse, ReadResponse, UpdateResponse};

async fn open(meta: &FakeServer) -> Table {
    let list = meta.address.to_string();
    let cluster = Cluster::connect(&list, ClientOptions::new()).await.unwrap();
    cluster.table("temp").await.unwrap()
}

/// A replica server that answers `first` to the first request and `ok` to the others.
fn stumbling(
    first: impl Fn(&pegasus_wire::frame::RequestFrame) -> Action + Send + Sync + 'static,
) -> FakeServer {
    let requests = AtomicUsize::new(0);
    FakeServer::start(move |request| {
        if requests.fetch_add(1, Ordering::Relaxed) == 0 {
            return first(request);
        }
        match request.name.code().unwrap() {
            TaskCode::Incr => ok(
                request,
                &IncrResponse {
                    new_value: 7,
                    ..Default::default()
                },
            ),
            TaskCode::Get => ok(
                request,
                &ReadResponse {
                    value: Bytes::from_static(b"v"),
                    ..Default::default()
                },
            ),
            _ => ok(request, &UpdateResponse::default()),
        }
    })
}

async fn table_with(replica: &FakeServer) -> (FakeServer, Table) {
    let meta = meta_of(Arc::new(Mutex::new(table_on(replica.address, 4))));
    let table = open(&meta).await;
    (meta, table)
}

#[tokio::test]
async fn a_moved_primary_is_found_by_asking_the_meta_server() {
    let old = FakeServer::start(|request| refuse(request, ErrorCode::InvalidState));
    let new = stumbling(|request| ok(request, &UpdateResponse::default()));
    let description = Arc::new(Mutex::new(table_on(old.address, 4)));
    let meta = meta_of(description.clone());
    let table = open(&meta).await;
    *description.lock() = table_on(new.address, 4);
    table.set(b"h", b"s", "v").await.unwrap();
    assert_eq!(old.count(TaskCode::Put), 1);
    assert_eq!(new.count(TaskCode::Put), 1);
    assert_eq!(meta.count(TaskCode::QueryConfig), 2);
}

#[tokio::test]
async fn many_failed_operations_share_one_query() {
    let old = FakeServer::start(|request| refuse(request, ErrorCode::InvalidState));
    let new = stumbling(|request| ok(request, &UpdateResponse::default()));
    let description = Arc::new(Mutex::new(table_on(old.address, 4)));
    let meta = meta_of(description.clone());
    let table = open(&meta).await;
    *description.lock() = table_on(new.address, 4);
    let mut sets = tokio::task::JoinSet::new();
    for number in 0..50_u8 {
        let table = table.clone();
        sets.spawn(async move { table.set(&[number], b"", "v").await });
    }
    while let Some(result) = sets.join_next().await {
        result.unwrap().unwrap();
    }
    let queries = meta.count(TaskCode::QueryConfig);
    assert!(queries <= 4, "{queries} queries for 50 failures");
}

#[tokio::test]
async fn a_busy_window_is_waited_out_without_asking_the_meta_server() {
    let replica = stumbling(|request| refuse(request, ErrorCode::NotEnoughMember));
    let (meta, table) = table_with(&replica).await;
    assert_eq!(table.incr(b"h", b"s", 1, IncrTtl::Keep).await.unwrap(), 7);
    assert_eq!(replica.count(TaskCode::Incr), 2);
    assert_eq!(meta.count(TaskCode::QueryConfig), 1);
}

#[tokio::test]
async fn errors_without_hope_are_returned_at_once() {
    let replica = FakeServer::start(|request| refuse(request, ErrorCode::Busy));
    let (_meta, table) = table_with(&replica).await;
    let error = table.get(b"h", b"s").await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Busy);
    assert_eq!(replica.count(TaskCode::Get), 1);
}

#[tokio::test]
async fn a_lost_connection_is_made_again_for_reads_and_plain_writes() {
    let replica = stumbling(|_| Action::Hangup);
    let (_meta, table) = table_with(&replica).await;
    assert_eq!(table.get(b"h", b"s").await.unwrap().unwrap(), "v");
    let replica = stumbling(|_| Action::Hangup);
    let (_meta, table) = table_with(&replica).await;
    table.set(b"h", b"s", "v").await.unwrap();
    assert_eq!(replica.count(TaskCode::Put), 2);
}

#[tokio::test]
async fn an_increment_that_may_have_happened_is_not_repeated() {
    let replica = stumbling(|_| Action::Hangup);
    let (_meta, table) = table_with(&replica).await;
    let error = table.incr(b"h", b"s", 1, IncrTtl::Keep).await.unwrap_err();
    assert_eq!(error.write_fate(), WriteFate::Unknown, "{error}");
    assert_eq!(replica.count(TaskCode::Incr), 1);
}

#[tokio::test]
async fn an_increment_that_cannot_have_happened_is_repeated() {
    for code in [ErrorCode::InvalidState, ErrorCode::ObjectNotFound] {
        let replica = stumbling(move |request| refuse(request, code));
        let (_meta, table) = table_with(&replica).await;
        assert_eq!(table.incr(b"h", b"s", 1, IncrTtl::Keep).await.unwrap(), 7);
    }
}

#[tokio::test]
async fn a_silent_server_costs_the_deadline_and_no_more() {
    let replica = FakeServer::start(|_| Action::Silence);
    let (_meta, table) = table_with(&replica).await;
    let table = table.with_timeout(Duration::from_millis(60));
    let started = std::time::Instant::now();
    let error = table.set(b"h", b"s", "v").await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Timeout);
    assert_eq!(error.write_fate(), WriteFate::Unknown);
    let elapsed = started.elapsed();
    assert!(elapsed >= Duration::from_millis(60), "{elapsed:?}");
    assert!(elapsed < Duration::from_secs(2), "{elapsed:?}");
}

#[tokio::test]
async fn a_silent_server_is_left_when_another_has_taken_over() {
    let old = FakeServer::start(|_| Action::Silence);
    let new = stumbling(|request| ok(request, &UpdateResponse::default()));
    let description = Arc::new(Mutex::new(table_on(old.address, 4)));
    let meta = meta_of(description.clone());
    let table = open(&meta).await;
    let set = tokio::spawn({
        let table = table.clone();
        async move { table.set(b"h", b"s", "v").await }
    });
    // It asks, learns nothing new, and waits on.
    meta.wait_for(TaskCode::QueryConfig, 2).await;
    *description.lock() = table_on(new.address, 4);
    set.await.unwrap().unwrap();
    assert_eq!(old.count(TaskCode::Put), 1);
    assert_eq!(new.count(TaskCode::Put), 1);
}

#[tokio::test]
async fn a_write_that_may_be_sent_once_is_not_repeated_elsewhere() {
    let old = FakeServer::start(|_| Action::Hangup);
    let meta = meta_of(Arc::new(Mutex::new(table_on(old.address, 4))));
    let options = ClientOptions::new().write_repetition(WriteRepetition::Never);
    let list = meta.address.to_string();
    let cluster = Cluster::connect(&list, options).await.unwrap();
    let table = cluster.table("temp").await.unwrap();
    let error = table.set(b"h", b"s", "v").await.unwrap_err();
    assert_eq!(error.write_fate(), WriteFate::Unknown, "{error}");
    assert_eq!(old.count(TaskCode::Put), 1);
}

#[tokio::test]
async fn a_silent_meta_server_does_not_keep_operations_from_a_server_that_is_there() {
    let replica = stumbling(|request| refuse(request, ErrorCode::InvalidState));
    let description = table_on(replica.address, 4);
    let queries = AtomicUsize::new(0);
    let meta = FakeServer::start(
        move |request| match queries.fetch_add(1, Ordering::Relaxed) {
            0 => ok(request, &description),
            _ => Action::Silence,
        },
    );
    let table = open(&meta).await;
    let started = std::time::Instant::now();
    table.set(b"h", b"s", "v").await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn a_server_that_is_gone_leaves_a_write_unexecuted() {
    let gone = FakeServer::start(|_| Action::Silence).address;
    let meta = meta_of(Arc::new(Mutex::new(table_on(gone, 4))));
    let table = open(&meta).await.with_timeout(Duration::from_millis(100));
    let error = table.incr(b"h", b"s", 1, IncrTtl::Keep).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::NetworkFailure, "{error}");
    assert_eq!(error.write_fate(), WriteFate::NotExecuted);
}

#[tokio::test]
async fn a_partition_without_primary_is_waited_for() {
    let replica = stumbling(|request| ok(request, &UpdateResponse::default()));
    let description = Arc::new(Mutex::new(table_on(RpcAddress::INVALID, 4)));
    let meta = meta_of(description.clone());
    let table = open(&meta).await;
    let short = table.with_timeout(Duration::from_millis(50));
    let error = short.set(b"h", b"s", "v").await.unwrap_err();
    assert!(matches!(error, ClientError::NoPrimary { .. }), "{error}");
    let set = tokio::spawn({
        let table = table.clone();
        async move { table.set(b"h", b"s", "v").await }
    });
    let queries = meta.count(TaskCode::QueryConfig);
    meta.wait_for(TaskCode::QueryConfig, queries + 2).await;
    *description.lock() = table_on(replica.address, 4);
    set.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_follower_points_to_the_leader() {
    let replica = stumbling(|request| ok(request, &UpdateResponse::default()));
    let leader = meta_of(Arc::new(Mutex::new(table_on(replica.address, 4))));
    let follower = meta_of(Arc::new(Mutex::new(QueryCfgResponse {
        err: ErrorCode::ForwardToOthers,
        partitions: vec![PartitionConfiguration {
            primary: leader.address,
            ..PartitionConfiguration::default()
        }],
        ..QueryCfgResponse::default()
    })));
    open(&follower).await.set(b"h", b"s", "v").await.unwrap();
    assert_eq!(leader.count(TaskCode::QueryConfig), 1);
}

#[tokio::test]
async fn a_dead_or_silent_meta_server_is_passed_over() {
    let replica = stumbling(|request| ok(request, &UpdateResponse::default()));
    let dead = FakeServer::start(|_| Action::Silence).address;
    let silent = FakeServer::start(|_| Action::Silence);
    let leader = meta_of(Arc::new(Mutex::new(table_on(replica.address, 4))));
    let list = format!("{dead},{},{}", silent.address, leader.address);
    let options = ClientOptions::new().meta_timeout(Duration::from_millis(600));
    let cluster = Cluster::connect(&list, options).await.unwrap();
    cluster.table("temp").await.unwrap();
    cluster.table("temp").await.unwrap();
    assert_eq!(
        silent.count(TaskCode::QueryConfig),
        1,
        "the leader is remembered"
    );
}

#[tokio::test]
async fn a_table_that_does_not_exist_is_an_error_of_its_own() {
    let meta = meta_of(Arc::new(Mutex::new(QueryCfgResponse {
        err: ErrorCode::ObjectNotFound,
        ..QueryCfgResponse::default()
    })));
    let list = meta.address.to_string();
    let cluster = Cluster::connect(&list, ClientOptions::new()).await.unwrap();
    let error = cluster.table("none").await.unwrap_err();
    let ClientError::Table { reason, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(*reason, TableProblem::NotFound);
}

#[tokio::test]
async fn a_check_that_fails_is_an_outcome_and_not_an_error() {
    let replica = FakeServer::start(|request| {
        ok(
            request,
            &CheckAndSetResponse {
                error: 13,
                ..Default::default()
            },
        )
    });
    let (_meta, table) = table_with(&replica).await;
    let set = SetValue {
        sort_key: Bytes::from_static(b"s"),
        value: Bytes::from_static(b"v"),
        ttl: Ttl::Forever,
    };
    let check = Check::new(CheckKind::NotExist);
    let outcome = table.check_and_set(b"h", b"s", &check, set, ReturnValue::No);
    assert_eq!(outcome.await.unwrap().verdict, Verdict::Failed);
}
