//! Losing most servers at once moves nothing: when they come back, everything is as it was.

use std::time::Duration;

use pegasus_tests::membership::{
    members, patient_client, wait_until_alive, wait_until_all_identical, wait_until_whole,
};
use pegasus_tests::{Onebox, OneboxOptions, client_runtime};
use tokio::time::{Instant, sleep};

const TABLE: &str = "temp";
const LIMIT: Duration = Duration::from_secs(60);
/// How long nothing must happen: more than the grace of a dead server.
const QUIET: Duration = Duration::from_secs(4);
const RECORDS: u32 = 100;

#[test]
fn nothing_moves_while_two_of_three_servers_are_dead() {
    let onebox = Onebox::start(OneboxOptions::default());
    let runtime = client_runtime();
    runtime.block_on(async {
        let cluster = patient_client(&onebox).await;
        wait_until_whole(&cluster, TABLE, LIMIT).await;
        let table = cluster.table(TABLE).await.expect("the table exists");
        for number in 0..RECORDS {
            let key = number.to_string();
            let written = table.set(key.as_bytes(), b"", key.clone()).await;
            written.expect("the cluster takes writes");
        }
        for victim in ["replica@1", "replica@2"] {
            onebox.onebox(&["kill", victim]);
        }
        wait_until_alive(&cluster, 1, LIMIT).await;

        let before = members(&cluster, TABLE).await;
        let quiet_until = Instant::now() + QUIET;
        while Instant::now() < quiet_until {
            assert_eq!(members(&cluster, TABLE).await, before);
            sleep(Duration::from_millis(100)).await;
        }

        for victim in ["replica@1", "replica@2"] {
            onebox.start_node(victim);
        }
        wait_until_whole(&cluster, TABLE, LIMIT).await;
        assert_eq!(
            wait_until_all_identical(&cluster, TABLE).await,
            i64::from(RECORDS)
        );
        for number in 0..RECORDS {
            let key = number.to_string();
            let value = table.get(key.as_bytes(), b"").await.expect("an answer");
            assert_eq!(value.as_deref(), Some(key.as_bytes()));
        }
    });
}
