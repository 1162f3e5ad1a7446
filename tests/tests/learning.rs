//! A server that has lost its data, or was away while others wrote, gets everything back from them.

use std::time::Duration;

use bytes::Bytes;
use pegasus_client::{Cluster, Table, Ttl};
use pegasus_tests::membership::{patient_client, wait_until_all_identical, wait_until_whole};
use pegasus_tests::{Onebox, OneboxOptions, client_runtime};

const TABLE: &str = "temp";
const HASH_KEYS: u32 = 200;
const RECORDS_PER_HASH_KEY: u32 = 10;
const VALUE_BYTES: usize = 1_000;
const HEALING_LIMIT: Duration = Duration::from_secs(90);
const VICTIM: &str = "replica@1";

#[test]
fn a_server_whose_data_is_wiped_learns_it_again() {
    let onebox = Onebox::start(OneboxOptions::default());
    client_runtime().block_on(async {
        let cluster = patient_client(&onebox).await;
        wait_until_whole(&cluster, TABLE, HEALING_LIMIT).await;
        let table = cluster.table(TABLE).await.expect("the table exists");
        write(&table, 0..HASH_KEYS).await;
        onebox.kill(VICTIM);
        onebox.wipe(VICTIM);
        onebox.start_node(VICTIM);
        // Some arrive while it learns.
        write(&table, HASH_KEYS..HASH_KEYS * 5 / 4).await;
        check_all_back(&cluster, &table, HASH_KEYS * 5 / 4).await;
    });
}

#[test]
fn a_server_that_was_away_learns_what_it_missed() {
    let onebox = Onebox::start(OneboxOptions::default());
    client_runtime().block_on(async {
        let cluster = patient_client(&onebox).await;
        wait_until_whole(&cluster, TABLE, HEALING_LIMIT).await;
        let table = cluster.table(TABLE).await.expect("the table exists");
        write(&table, 0..HASH_KEYS / 2).await;
        onebox.kill(VICTIM);
        write(&table, HASH_KEYS / 2..HASH_KEYS).await;
        onebox.start_node(VICTIM);
        check_all_back(&cluster, &table, HASH_KEYS).await;
    });
}

#[allow(clippy::print_stdout, reason = "a measurement, shown with --nocapture")]
async fn check_all_back(cluster: &Cluster, table: &Table, hash_keys: u32) {
    let healing = wait_until_whole(cluster, TABLE, HEALING_LIMIT).await;
    let records = wait_until_all_identical(cluster, TABLE).await;
    println!("whole again after {healing:?}, {records} records");
    assert_eq!(records, i64::from(hash_keys * RECORDS_PER_HASH_KEY));
    for number in 0..hash_keys {
        let count = table.sort_key_count(hash_key(number).as_bytes()).await;
        assert_eq!(count.expect("an answer"), u64::from(RECORDS_PER_HASH_KEY));
    }
}

async fn write(table: &Table, hash_keys: std::ops::Range<u32>) {
    let mut writes = tokio::task::JoinSet::new();
    for number in hash_keys {
        let table = table.clone();
        writes.spawn(async move {
            let value = Bytes::from(vec![b'v'; VALUE_BYTES]);
            let sort_keys = (0..RECORDS_PER_HASH_KEY).map(|number| Bytes::from(number.to_string()));
            let records = sort_keys.map(|sort_key| (sort_key, value.clone()));
            let hash_key = hash_key(number);
            table
                .multi_set(hash_key.as_bytes(), records, Ttl::Forever)
                .await
        });
    }
    while let Some(written) = writes.join_next().await {
        written
            .expect("no panic")
            .expect("the cluster takes every write");
    }
}

fn hash_key(number: u32) -> String {
    format!("hash-{number}")
}
