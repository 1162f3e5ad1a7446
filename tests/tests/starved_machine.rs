//! No false failover on a machine that has no processor to spare: at the default settings, with
//! every core kept busy by others, no server is taken for dead.
//!
//! `PEGASUS_SPIN_SECONDS` sets how long (30).

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use pegasus_tests::http_page::metric;
use pegasus_tests::membership::{members, patient_client, wait_until_whole};
use pegasus_tests::{Onebox, OneboxOptions, client_runtime, number_from_env};
use tokio::time::{Instant, sleep};

const TABLE: &str = "temp";
const DEFAULT_SECONDS: u64 = 30;
const SPINNERS: usize = 8;
const START_LIMIT: Duration = Duration::from_secs(60);
/// Between two operations: a light load.
const PAUSE: Duration = Duration::from_millis(10);

/// A process that does nothing, as fast as it can.
struct Spinner(Child);

impl Spinner {
    fn start() -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", "while :; do :; done"]);
        command.stdin(Stdio::null());
        Self(command.spawn().expect("a shell"))
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        // It has no reason to have ended before.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn no_server_is_taken_for_dead_while_others_take_the_processor() {
    let onebox = Onebox::start(OneboxOptions::default());
    let runtime = client_runtime();
    runtime.block_on(async {
        let cluster = patient_client(&onebox).await;
        wait_until_whole(&cluster, TABLE, START_LIMIT).await;
        let table = cluster.table(TABLE).await.expect("the table exists");
        let before = members(&cluster, TABLE).await;
        let spinners: Vec<Spinner> = (0..SPINNERS).map(|_| Spinner::start()).collect();
        let seconds = number_from_env("PEGASUS_SPIN_SECONDS", DEFAULT_SECONDS);
        let until = Instant::now() + Duration::from_secs(seconds);
        let mut number = 0_u32;
        while Instant::now() < until {
            let key = (number % 100).to_string();
            let written = table.set(key.as_bytes(), b"", number.to_string()).await;
            written.expect("the cluster takes writes");
            number += 1;
            sleep(PAUSE).await;
        }
        drop(spinners);
        println!("{number} writes beside {SPINNERS} spinning processes");
        let nodes = onebox.nodes();
        let meta = nodes
            .iter()
            .find(|node| node.role == "meta")
            .expect("a meta server");
        let disconnections = metric(&meta.address, "replica_server_disconnections");
        assert!(
            disconnections.abs() < 0.5,
            "{disconnections} servers were taken for dead"
        );
        assert_eq!(members(&cluster, TABLE).await, before, "nothing has moved");
    });
}
