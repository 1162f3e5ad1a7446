//! The Rust client against a onebox: every operation, compared with a model.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use pegasus_client::{
    AppStatus, ClientError, ClientOptions, Cluster, CreateTable, IfExists, IfMissing, IncrTtl,
    MultiGetOptions, NodeStatus, ScanOptions, Table, TableProblem, TimeToLive, Ttl, WriteFate,
};
use pegasus_common::{ErrorCode, StorageStatus};
use pegasus_tests::{Onebox, OneboxOptions, RandomOperations, client_runtime, number_from_env};

const DEFAULT_SEED: u64 = 20_261_122;

/// Runs a test on a cluster of its own.
fn with_cluster(test: impl AsyncFnOnce(&Cluster)) {
    let onebox = Onebox::start(OneboxOptions {
        durability: "os",
        ..OneboxOptions::default()
    });
    let runtime = client_runtime();
    runtime.block_on(async {
        let options = ClientOptions::new().operation_timeout(Duration::from_secs(30));
        let cluster = Cluster::connect(&onebox.meta_list(), options).await;
        test(&cluster.expect("the list of meta servers is good")).await;
    });
}

async fn temp(cluster: &Cluster) -> Table {
    cluster.table("temp").await.expect("the table exists")
}

#[test]
fn random_operations_agree_with_a_model() {
    with_cluster(async |cluster| {
        let seed = number_from_env("PEGASUS_SEED", DEFAULT_SEED);
        let mut operations = RandomOperations::new(temp(cluster).await, seed);
        operations.play(2000).await;
        assert!(operations.record_count() > 20, "hardly anything was stored");
    });
}

#[test]
fn single_records_follow_the_rules() {
    with_cluster(async |cluster| {
        let table = temp(cluster).await;
        refused_increments_change_nothing(&table).await;
        expired_records_are_gone(&table).await;
        senseless_arguments_are_refused_by_the_client(&table).await;
        observers_hear_of_every_answer(&table).await;
    });
}

async fn refused_increments_change_nothing(table: &Table) {
    for (value, increment) in [
        (i64::MAX.to_string(), 1),
        (i64::MIN.to_string(), -1),
        ("no number".to_owned(), 1),
        ("08".to_owned(), 1),
    ] {
        table.set(b"incr", b"s", value.clone()).await.expect("set");
        let refused = table.incr(b"incr", b"s", increment, IncrTtl::Keep).await;
        let error = refused.expect_err("the sum does not exist");
        let status = error.storage_status();
        assert_eq!(status, Some(StorageStatus::InvalidArgument), "{error}");
        assert_eq!(error.write_fate(), WriteFate::NotExecuted);
        let left = table.get(b"incr", b"s").await.expect("get");
        assert_eq!(left, Some(Bytes::from(value)));
    }
}

async fn expired_records_are_gone(table: &Table) {
    let second = Ttl::seconds(1);
    table
        .set_with_ttl(b"ttl", b"short", "v", second)
        .await
        .expect("set");
    table.set(b"ttl", b"long", "v").await.expect("set");
    let deadline = Instant::now() + Duration::from_secs(10);
    while table.exist(b"ttl", b"short").await.expect("exist") {
        assert!(Instant::now() < deadline, "the record never expires");
    }
    assert_eq!(table.get(b"ttl", b"short").await.expect("get"), None);
    let ttl = table.ttl(b"ttl", b"short").await.expect("ttl");
    assert_eq!(ttl, TimeToLive::NotFound);
    assert_eq!(table.sort_key_count(b"ttl").await.expect("count"), 1);
    let sum = table.incr(b"ttl", b"short", 5, IncrTtl::Keep).await;
    assert_eq!(sum.expect("an expired record counts as 0"), 5);
}

async fn senseless_arguments_are_refused_by_the_client(table: &Table) {
    let options = MultiGetOptions::new();
    let long = vec![b'h'; 0xffff];
    let value = || (Bytes::new(), Bytes::new());
    let errors = [
        table.multi_get(b"", Vec::new(), &options).await.err(),
        table.multi_set(b"", [value()], Ttl::Forever).await.err(),
        table.multi_set(b"h", [], Ttl::Forever).await.err(),
        table.multi_del(b"h", Vec::new()).await.err(),
        table.sort_key_count(b"").await.err(),
        table.get(&long, b"").await.err(),
        table.hash_scanner(b"", b"", b"", &ScanOptions::new()).err(),
    ];
    for (number, error) in errors.into_iter().enumerate() {
        let is_right = matches!(error, Some(ClientError::InvalidArgument { .. }));
        assert!(is_right, "call {number} ends with {error:?}");
    }
}

async fn observers_hear_of_every_answer(table: &Table) {
    let writes = Arc::new(AtomicU32::new(0));
    let seen = writes.clone();
    let observed = table.with_observer(move |answered| {
        seen.fetch_add(u32::from(answered.decree.is_some()), Ordering::Relaxed);
    });
    observed.set(b"observed", b"", "v").await.expect("set");
    observed.get(b"observed", b"").await.expect("get");
    assert_eq!(writes.load(Ordering::Relaxed), 1, "writes have a decree");
}

#[test]
fn scans_deliver_every_record_once() {
    const RECORDS: usize = 2500;
    with_cluster(async |cluster| {
        let table = temp(cluster).await;
        let records = (0..RECORDS).map(|number| {
            let sort_key = Bytes::from(format!("{number:05}"));
            (sort_key.clone(), sort_key)
        });
        let records: Vec<_> = records.collect();
        for chunk in records.chunks(500) {
            let written = table.multi_set(b"wide", chunk.to_vec(), Ttl::Forever);
            written.await.expect("multi_set");
        }
        // More records than the server puts into one batch (1000), whatever is asked for.
        for batch_size in [7, 1000, 100_000] {
            let options = ScanOptions::new().batch_size(batch_size);
            let scanner = table.hash_scanner(b"wide", b"", b"", &options);
            let mut scanner = scanner.expect("a scanner");
            let mut found = Vec::new();
            while let Some(record) = scanner.next().await {
                let record = record.expect("a record");
                found.push((record.sort_key, record.value));
            }
            assert_eq!(found, records, "batches of {batch_size}");
        }
        // A scan that nobody finishes does no harm.
        let mut abandoned = table.full_scanner(&ScanOptions::new().batch_size(1));
        abandoned.next().await.expect("one").expect("a record");
        drop(abandoned);
        let options = ScanOptions::new();
        let deleted = table.del_range(b"wide", b"00100", b"02400", &options).await;
        assert_eq!(deleted.expect("del_range"), 2300);
        assert_eq!(table.sort_key_count(b"wide").await.expect("count"), 200);
    });
}

#[test]
fn tables_are_created_listed_and_dropped() {
    with_cluster(async |cluster| {
        let admin = cluster.admin();
        let made = CreateTable::new("made").partition_count(2);
        let id = admin.create_app(&made).await.expect("create");
        assert_eq!(admin.create_app(&made).await.expect("again"), id);
        let again = made.clone().if_exists(IfExists::Fail);
        assert_refused(admin.create_app(&again).await, ErrorCode::AppExist);
        let other_shape = made.clone().partition_count(4);
        assert_refused(
            admin.create_app(&other_shape).await,
            ErrorCode::InvalidParameters,
        );
        let uneven = CreateTable::new("uneven").partition_count(3);
        assert_refused(
            admin.create_app(&uneven).await,
            ErrorCode::InvalidParameters,
        );

        let table = cluster.table("made").await.expect("the table exists");
        RandomOperations::new(table.clone(), DEFAULT_SEED)
            .play(100)
            .await;
        let members = admin.partitions("made").await.expect("partitions").members;
        assert_eq!(members.len(), 2);
        assert!(members.iter().all(|partition| partition.primary.is_some()));
        assert_eq!(
            names(cluster, AppStatus::AS_AVAILABLE).await,
            ["temp", "made"]
        );
        let alive = admin.list_nodes(NodeStatus::NS_ALIVE).await.expect("nodes");
        assert_eq!(alive.len(), 3);
        let facts = admin.cluster_info().await.expect("cluster_info");
        assert!(facts.iter().any(|(name, _)| name == "primary_meta_server"));

        let drop = admin.drop_app("made", None, IfMissing::Fail).await;
        drop.expect("drop");
        let drop = admin.drop_app("made", None, IfMissing::Fail).await;
        assert_refused(drop, ErrorCode::AppNotExist);
        let drop = admin.drop_app("made", None, IfMissing::Succeed).await;
        drop.expect("nothing is left to do");
        assert_eq!(names(cluster, AppStatus::AS_AVAILABLE).await, ["temp"]);
        assert_eq!(names(cluster, AppStatus::AS_DROPPED).await, ["made"]);
        for name in ["made", "never made"] {
            let error = cluster.table(name).await.expect_err("no such table");
            let is_right = matches!(
                error,
                ClientError::Table {
                    reason: TableProblem::NotFound,
                    ..
                }
            );
            assert!(is_right, "{error:?}");
        }
    });
}

fn assert_refused<T>(result: Result<T, ClientError>, expected: ErrorCode) {
    let error = result.err().expect("the meta server refuses");
    let is_right = matches!(&error, ClientError::Meta { code, .. } if *code == expected);
    assert!(is_right, "{error:?} instead of {expected}");
}

async fn names(cluster: &Cluster, status: AppStatus) -> Vec<String> {
    let apps = cluster.admin().list_apps(status).await.expect("list_apps");
    apps.into_iter().map(|app| app.app_name).collect()
}

#[tokio::test]
async fn a_cluster_that_does_not_answer_is_named() {
    let bad = Cluster::connect("nonsense", ClientOptions::new()).await;
    assert!(matches!(bad, Err(ClientError::MetaList { .. })), "{bad:?}");
    let options = ClientOptions::new().meta_timeout(Duration::from_millis(200));
    let nobody = Cluster::connect("127.0.0.1:1", options).await;
    let error = nobody.expect("nobody is asked yet").table("temp").await;
    let error = error.expect_err("nobody answers");
    assert!(matches!(error, ClientError::NoLeader { .. }), "{error:?}");
    assert!(error.to_string().contains("127.0.0.1:1"), "{error}");
}
