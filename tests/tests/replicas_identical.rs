//! After load and quiescence, the three replicas of every partition hold the same records.

use std::time::Duration;

use bytes::Bytes;
use pegasus_client::{
    Check, CheckKind, ClientOptions, Cluster, IncrTtl, ReturnValue, SetValue, Table, Ttl,
};
use pegasus_rpc::{SessionOptions, SessionPool};
use pegasus_tests::{Onebox, OneboxOptions, client_runtime, wait_until_identical};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

const SEED: u64 = 20_261_121;
const WRITERS: u64 = 16;
const OPERATIONS_PER_WRITER: u32 = 300;

#[test]
fn replicas_of_a_partition_are_identical_after_load() {
    let onebox = Onebox::start(OneboxOptions::default());
    let runtime = client_runtime();
    runtime.block_on(async {
        let options = ClientOptions::new().operation_timeout(Duration::from_secs(30));
        let cluster = Cluster::connect(&onebox.meta_list(), options)
            .await
            .expect("the cluster answers");
        let table = cluster.table("temp").await.expect("the table exists");
        let writers: Vec<_> = (0..WRITERS)
            .map(|id| tokio::spawn(write(table.clone(), id)))
            .collect();
        for writer in writers {
            writer.await.expect("every write succeeds");
        }
        let pool = SessionPool::new(SessionOptions::default());
        let mut records = 0;
        for members in &cluster
            .admin()
            .partitions("temp")
            .await
            .expect("partitions")
            .members
        {
            records += wait_until_identical(&pool, members).await;
        }
        assert!(records > 500, "only {records} records were compared");
    });
}

/// Every kind of write, so that every kind of effect is compared.
async fn write(table: Table, id: u64) {
    let mut random = StdRng::seed_from_u64(SEED ^ id);
    let hash_key = format!("hash-{id}");
    let hash_key = hash_key.as_bytes();
    for _ in 0..OPERATIONS_PER_WRITER {
        let sort_key = Bytes::from(format!("sort-{}", random.random_range(0..100)));
        let value = Bytes::from(vec![random.random(); random.random_range(0..500)]);
        let outcome = match random.random_range(0..7) {
            0 => table.del(hash_key, &sort_key).await,
            1 => {
                let ttl = Ttl::seconds(random.random_range(100..10_000));
                table.set_with_ttl(hash_key, &sort_key, value, ttl).await
            }
            2 => {
                let records = [
                    (sort_key.clone(), value.clone()),
                    (Bytes::from("more"), value),
                ];
                table.multi_set(hash_key, records, Ttl::Forever).await
            }
            3 => table.multi_del(hash_key, vec![sort_key]).await.map(drop),
            4 => table
                .incr(hash_key, b"counter", 1, IncrTtl::Keep)
                .await
                .map(drop),
            5 => {
                let check = Check::new(CheckKind::NotExist);
                let (ttl, target) = (Ttl::Forever, sort_key.clone());
                let set = SetValue {
                    sort_key: target,
                    value,
                    ttl,
                };
                table
                    .check_and_set(hash_key, &sort_key, &check, set, ReturnValue::No)
                    .await
                    .map(drop)
            }
            _ => table.set(hash_key, &sort_key, value).await,
        };
        outcome.expect("the cluster takes every write");
    }
}
