//! Tables that change while they are in use: environments, names, numbers of replicas, and tables
//! that were dropped and come back; all of it survives the end of every process.

use std::time::Duration;

use pegasus_client::{
    AppStatus, AtomicOperations, ClientError, Cluster, EnvFamily, IfMissing, Table, TableProblem,
    TimeToLive, Ttl,
};
use pegasus_common::ErrorCode;
use pegasus_tests::http_page::metric;
use pegasus_tests::membership::{
    members, patient_client, wait_until_all_identical, wait_until_whole,
};
use pegasus_tests::raw_socket::{Ending, RawSocket, request_frame};
use pegasus_tests::{Onebox, OneboxOptions, client_runtime};
use tokio::time::Instant;

const TABLE: &str = "temp";
/// How long a change may take to reach the servers, and the servers to act on it.
const LIMIT: Duration = Duration::from_secs(60);
/// How long requests wait that are to get no answer.
const SHORT: Duration = Duration::from_millis(300);

/// Runs a test on a cluster of its own, with servers of two shards.
fn with_cluster(test: impl AsyncFnOnce(&Onebox, &Cluster)) {
    let onebox = Onebox::start(OneboxOptions {
        shards: 2,
        ..OneboxOptions::default()
    });
    let runtime = client_runtime();
    runtime.block_on(async {
        let cluster = patient_client(&onebox).await;
        wait_until_whole(&cluster, TABLE, LIMIT).await;
        test(&onebox, &cluster).await;
    });
}

/// Asks until the answer is right.
async fn until(what: &str, mut is_right: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !is_right().await {
        assert!(Instant::now() < deadline, "never: {what}");
    }
}

async fn open(cluster: &Cluster, name: &str) -> Table {
    cluster.table(name).await.expect("the table exists")
}

/// The error code with which the meta server refuses.
fn refusal<T: std::fmt::Debug>(outcome: Result<T, ClientError>) -> ErrorCode {
    match outcome {
        Err(ClientError::Meta { code, .. }) => code,
        other => panic!("not refused: {other:?}"),
    }
}

/// Keys of several partitions.
const HASH_KEYS: [&[u8]; 4] = [b"a", b"b", b"c", b"d"];

#[test]
fn environments_take_effect_and_survive_a_restart() {
    with_cluster(async |onebox, cluster| {
        let table = open(cluster, TABLE).await;
        refused_environments_change_nothing(cluster).await;
        records_get_the_default_ttl(cluster, &table).await;
        clients_are_denied(cluster, &table).await;
        requests_with_a_wrong_hash_are_refused(onebox, cluster, &table).await;

        let admin = cluster.admin();
        let kept = [("business.info", "a=b,c"), ("default_ttl", "1000")];
        admin.set_envs(TABLE, kept).await.expect("set");
        onebox.kill_all();
        onebox.start_all();
        let envs = admin.envs(TABLE).await.expect("the table exists");
        let envs: Vec<_> = envs
            .iter()
            .map(|(key, value)| (&key[..], &value[..]))
            .collect();
        assert_eq!(envs, kept);
        wait_until_whole(cluster, TABLE, LIMIT).await;
        // They are in force before the first write is let in.
        table.set(b"after", b"restart", "v").await.expect("set");
        let ttl = table.ttl(b"after", b"restart").await.expect("ttl");
        assert!(matches!(ttl, TimeToLive::Remaining(_)), "{ttl:?}");
    });
}

async fn refused_environments_change_nothing(cluster: &Cluster) {
    let admin = cluster.admin();
    let mixed = [("default_ttl", "10"), ("no.such.key", "1")];
    let refused = admin.set_envs(TABLE, mixed).await;
    let text = refused.as_ref().expect_err("refused").to_string();
    assert!(
        text.contains("app_env 'no.such.key' is not supported"),
        "{text}"
    );
    assert_eq!(refusal(refused), ErrorCode::InvalidParameters);
    let bad = [("replica.deny_client_request", "timeout*some")];
    assert_eq!(
        refusal(admin.set_envs(TABLE, bad).await),
        ErrorCode::InvalidParameters
    );
    let missing = admin.set_envs("missing", [("default_ttl", "10")]).await;
    assert_eq!(refusal(missing), ErrorCode::AppNotExist);
    assert!(admin.envs(TABLE).await.expect("envs").is_empty());
    let told = admin.del_envs(TABLE, ["default_ttl"]).await;
    assert_eq!(told.expect("nothing to do"), "no key needs to be deleted");
}

async fn records_get_the_default_ttl(cluster: &Cluster, table: &Table) {
    let admin = cluster.admin();
    let ttl_of_new = async |hash_key: &[u8]| {
        table.set(hash_key, b"ttl", "v").await.expect("set");
        table.ttl(hash_key, b"ttl").await.expect("ttl")
    };
    admin
        .set_envs(TABLE, [("default_ttl", "1000")])
        .await
        .expect("set");
    for hash_key in HASH_KEYS {
        until("a default TTL", async || {
            matches!(ttl_of_new(hash_key).await, TimeToLive::Remaining(ttl)
                if (900..=1_000).contains(&ttl.as_secs()))
        })
        .await;
    }
    let own = Ttl::seconds(5_000);
    table
        .set_with_ttl(b"own", b"ttl", "v", own)
        .await
        .expect("set");
    let ttl = table.ttl(b"own", b"ttl").await.expect("ttl");
    assert!(
        matches!(ttl, TimeToLive::Remaining(ttl) if ttl.as_secs() > 1_000),
        "{ttl:?}"
    );
    let told = admin
        .clear_envs(TABLE, EnvFamily::All)
        .await
        .expect("clear");
    assert_eq!(told, "deleted keys:\n    default_ttl");
    for hash_key in HASH_KEYS {
        until("no default TTL", async || {
            ttl_of_new(hash_key).await == TimeToLive::Forever
        })
        .await;
    }
}

async fn clients_are_denied(cluster: &Cluster, table: &Table) {
    let admin = cluster.admin();
    let hasty = table.with_timeout(SHORT);
    for (denial, writes, reads) in [
        ("timeout*write", false, true),
        ("reconfig*read", true, false),
        ("reconfig*write", false, true),
        ("timeout*all", false, false),
        ("reconfig*all", false, false),
    ] {
        let env = [("replica.deny_client_request", denial)];
        admin.set_envs(TABLE, env).await.expect("set");
        for hash_key in HASH_KEYS {
            until(denial, async || {
                let write = hasty.set(hash_key, b"denied", "v").await;
                let read = hasty.get(hash_key, b"denied").await;
                let scan = hasty.sort_key_count(hash_key).await;
                (write.is_ok(), read.is_ok(), scan.is_ok()) == (writes, reads, reads)
            })
            .await;
        }
    }
    let told = admin.clear_envs(TABLE, EnvFamily::Prefix("replica")).await;
    assert_eq!(
        told.expect("clear"),
        "deleted keys:\n    replica.deny_client_request"
    );
    for hash_key in HASH_KEYS {
        table.set(hash_key, b"let", "in").await.expect("set");
        assert!(table.exist(hash_key, b"let").await.expect("exist"));
    }
}

/// A client that takes a key for another partition's would look where nothing is.
async fn requests_with_a_wrong_hash_are_refused(onebox: &Onebox, cluster: &Cluster, table: &Table) {
    let admin = cluster.admin();
    let env = ("replica.split.validate_partition_hash", "true");
    admin.set_envs(TABLE, [env]).await.expect("set");
    let partition = members(cluster, TABLE).await.swap_remove(1);
    let primary = partition.primary.expect("a primary").to_string();
    let gpid = (partition.gpid.app_id.0, 1);
    // The hash of this request is 0, which belongs to partition 0.
    let misused = || {
        let mut socket = RawSocket::open(&primary);
        let hash_key = [0x0b, 0, 1, 0, 0, 0, 0, 0];
        socket.send(&request_frame(
            b"RPC_RRDB_RRDB_SORTKEY_COUNT",
            gpid,
            &hash_key,
        ));
        socket.finish_sending();
        let Ending::Closed(answer) = socket.ending() else {
            panic!("{primary}: no end");
        };
        let error = b"ERR_PARENT_PARTITION_MISUSED";
        answer.windows(error.len()).any(|part| part == error)
    };
    until("requests with a wrong hash are refused", async || misused()).await;
    for hash_key in HASH_KEYS {
        table.set(hash_key, b"right", "v").await.expect("set");
        assert_eq!(
            table.get(hash_key, b"right").await.expect("get").as_deref(),
            Some(&b"v"[..])
        );
    }
    admin.del_envs(TABLE, [env.0]).await.expect("del");
    until("requests with a wrong hash are let in", async || !misused()).await;
    assert!(onebox.nodes().iter().all(|node| node.alive));
}

#[test]
fn slow_reads_are_noted_and_cut_short_as_the_table_says() {
    with_cluster(async |onebox, cluster| {
        let admin = cluster.admin();
        let table = open(cluster, TABLE).await;
        let noted = || {
            let nodes = onebox.nodes().into_iter();
            let servers = nodes.filter(|node| node.role == "replica");
            let counts = servers.map(|node| metric(&node.address, "abnormal_read_requests"));
            counts.sum::<f64>()
        };
        let set = async |key: &str, value: &str| {
            admin.set_envs(TABLE, [(key, value)]).await.expect("set");
        };
        let mut count = 0;
        let mut grow = async || {
            for _ in 0..10 {
                let records = (count..count + 1_000).map(|number: u32| {
                    let sort_key = number.to_be_bytes().to_vec();
                    (sort_key.into(), b"v".as_slice().into())
                });
                let written = table.multi_set(b"long", records, Ttl::Forever).await;
                written.expect("set");
                count += 1_000;
            }
            u64::from(count)
        };
        // Whatever the machine: at some length a read is slow.
        set("replica.slow_query_threshold", "20").await;
        until("a slow read is noted", async || {
            let written = grow().await;
            assert_eq!(table.sort_key_count(b"long").await.expect("count"), written);
            noted() > 0.0
        })
        .await;
        set("replica.slow_query_threshold", "3600000").await;
        until("nothing is slow", async || {
            let before = noted();
            table.sort_key_count(b"long").await.expect("count");
            noted() <= before
        })
        .await;

        set("replica.rocksdb_iteration_threshold_time_ms", "1").await;
        until("a long read is cut short", async || {
            let refused = table.sort_key_count(b"long").await;
            matches!(refused, Err(ClientError::Protocol { .. }))
        })
        .await;
        set("replica.rocksdb_iteration_threshold_time_ms", "0").await;
        until("a long read takes the time that it needs", async || {
            table.sort_key_count(b"long").await.is_ok()
        })
        .await;
    });
}

#[test]
fn a_table_has_another_name_and_is_dropped_and_recalled() {
    with_cluster(async |onebox, cluster| {
        let admin = cluster.admin();
        let before = open(cluster, TABLE).await;
        for hash_key in HASH_KEYS {
            before.set(hash_key, b"s", "v").await.expect("set");
        }
        admin.rename_app(TABLE, "renamed").await.expect("rename");
        assert_eq!(
            refusal(admin.rename_app(TABLE, "x").await),
            ErrorCode::AppNotExist
        );
        let twice = admin.rename_app("renamed", "renamed").await;
        assert_eq!(refusal(twice), ErrorCode::InvalidParameters);
        let old = cluster.table(TABLE).await.expect_err("the name is free");
        let is_gone = matches!(&old, ClientError::Table { reason, .. }
            if *reason == TableProblem::NotFound);
        assert!(is_gone, "{old}");
        let renamed = open(cluster, "renamed").await;
        assert!(renamed.exist(b"a", b"s").await.expect("exist"));

        let apps = admin
            .list_apps(AppStatus::AS_AVAILABLE)
            .await
            .expect("list");
        let id = apps[0].app_id;
        assert_eq!(
            refusal(admin.recall_app(id, None).await),
            ErrorCode::AppExist
        );
        let reserve = Some(Duration::from_secs(3_600));
        admin
            .drop_app("renamed", reserve, IfMissing::Fail)
            .await
            .expect("drop");
        // Who still knows where it was is turned away.
        until("a dropped table is not served", async || {
            renamed.with_timeout(SHORT).get(b"a", b"s").await.is_err()
        })
        .await;
        onebox.kill_all();
        onebox.start_all();
        // The old connections are gone; this call may be repeated, the next one not.
        let dropped = admin.list_apps(AppStatus::AS_DROPPED).await.expect("list");
        assert_eq!(dropped.len(), 1);

        let unknown = admin.recall_app(id + 100, None).await;
        assert_eq!(refusal(unknown), ErrorCode::AppNotExist);
        let taken = admin.recall_app(id, Some("no name")).await;
        assert_eq!(refusal(taken), ErrorCode::InvalidParameters);
        let recalled = admin
            .recall_app(id, Some("recalled"))
            .await
            .expect("recall");
        assert_eq!((recalled.app_id, &recalled.app_name[..]), (id, "recalled"));
        wait_until_whole(cluster, "recalled", LIMIT).await;
        let recalled = open(cluster, "recalled").await;
        for hash_key in HASH_KEYS {
            let found = recalled.get(hash_key, b"s").await.expect("get");
            assert_eq!(found.as_deref(), Some(&b"v"[..]));
            recalled.set(hash_key, b"new", "v").await.expect("set");
        }
        assert_eq!(wait_until_all_identical(cluster, "recalled").await, 8);
    });
}

#[test]
fn a_table_is_recalled_by_servers_that_never_stopped() {
    with_cluster(async |_, cluster| {
        let admin = cluster.admin();
        let table = open(cluster, TABLE).await;
        table.set(b"a", b"s", "v").await.expect("set");
        let apps = admin
            .list_apps(AppStatus::AS_AVAILABLE)
            .await
            .expect("list");
        admin
            .drop_app(TABLE, None, IfMissing::Fail)
            .await
            .expect("drop");
        admin
            .recall_app(apps[0].app_id, None)
            .await
            .expect("recall");
        wait_until_whole(cluster, TABLE, LIMIT).await;
        let found = table.get(b"a", b"s").await.expect("get");
        assert_eq!(found.as_deref(), Some(&b"v"[..]));
    });
}

#[test]
fn replicas_come_and_go_as_the_table_wants() {
    with_cluster(async |onebox, cluster| {
        let admin = cluster.admin();
        let table = open(cluster, TABLE).await;
        for hash_key in HASH_KEYS {
            table.set(hash_key, b"s", "v").await.expect("set");
        }
        for bad in [0, 4, 6] {
            let refused = admin.set_max_replica_count(TABLE, bad).await;
            assert_eq!(refusal(refused), ErrorCode::InvalidParameters, "{bad}");
        }
        assert_eq!(admin.max_replica_count(TABLE).await.expect("get"), 3);
        let old = admin.set_max_replica_count(TABLE, 2).await;
        assert_eq!(old.expect("fewer replicas"), 3);
        wait_until_whole(cluster, TABLE, LIMIT).await;
        table
            .set(b"a", b"two", "v")
            .await
            .expect("two members take writes");
        onebox.kill_all();
        onebox.start_all();
        wait_until_whole(cluster, TABLE, LIMIT).await;
        assert_eq!(admin.max_replica_count(TABLE).await.expect("get"), 2);
        let old = admin.set_max_replica_count(TABLE, 3).await;
        assert_eq!(old.expect("more replicas"), 2);
        wait_until_whole(cluster, TABLE, LIMIT).await;
        assert_eq!(wait_until_all_identical(cluster, TABLE).await, 5);

        let mark = admin.set_atomic_operations(TABLE, AtomicOperations::Idempotent);
        assert_eq!(mark.await.expect("set"), AtomicOperations::Plain);
        let marked = admin.atomic_operations(TABLE).await.expect("get");
        assert_eq!(marked, AtomicOperations::Idempotent);
        let refused = admin.atomic_operations("missing").await;
        assert_eq!(refusal(refused), ErrorCode::AppNotExist);
    });
}
