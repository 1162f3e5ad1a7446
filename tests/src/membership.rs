//! Whether partitions have all their members.

use std::time::Duration;

use pegasus_client::{ClientOptions, Cluster, NodeStatus, PartitionMembers};
use pegasus_rpc::{SessionOptions, SessionPool};
use tokio::time::{Instant, sleep};

use crate::{Onebox, wait_until_identical};

const LOOK_PAUSE: Duration = Duration::from_millis(50);
const CALL_LIMIT: Duration = Duration::from_secs(5);
const OPERATION_LIMIT: Duration = Duration::from_secs(30);

/// A client of a cluster that may be in trouble.
///
/// # Panics
/// The list of meta servers makes no sense.
pub async fn patient_client(onebox: &Onebox) -> Cluster {
    let options = ClientOptions::new()
        .meta_timeout(CALL_LIMIT)
        .operation_timeout(OPERATION_LIMIT);
    let cluster = Cluster::connect(&onebox.meta_list(), options).await;
    cluster.expect("a list of meta servers")
}

/// The members of every partition of a table.
///
/// # Panics
/// The meta server does not answer.
pub async fn members(cluster: &Cluster, table: &str) -> Vec<PartitionMembers> {
    let partitions = cluster.admin().partitions(table).await;
    partitions.expect("the meta server answers").members
}

/// Waits until every partition of a table has a primary and all members. Returns how long it took.
///
/// # Panics
/// It has not within `limit`.
pub async fn wait_until_whole(cluster: &Cluster, table: &str, limit: Duration) -> Duration {
    let started = Instant::now();
    loop {
        let members = members(cluster, table).await;
        let missing: Vec<_> = members
            .iter()
            .filter(|members| !is_whole(members))
            .collect();
        if missing.is_empty() {
            return started.elapsed();
        }
        assert!(
            started.elapsed() < limit,
            "not whole after {limit:?}: {missing:#?}"
        );
        sleep(LOOK_PAUSE).await;
    }
}

fn is_whole(members: &PartitionMembers) -> bool {
    let wanted = usize::try_from(members.max_replica_count).unwrap_or(0);
    members.primary.is_some() && members.secondaries.len() + 1 == wanted
}

/// Waits until the meta server takes so many replica servers for alive.
///
/// # Panics
/// It does not within `limit`.
pub async fn wait_until_alive(cluster: &Cluster, count: usize, limit: Duration) {
    let deadline = Instant::now() + limit;
    loop {
        let nodes = cluster.admin().list_nodes(NodeStatus::NS_ALIVE).await;
        let alive = nodes.expect("the meta server answers").len();
        if alive == count {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "{alive} servers are alive, not {count}"
        );
        sleep(LOOK_PAUSE).await;
    }
}

/// Waits until the replicas of every partition of a table hold the same records; returns how many
/// records there are.
///
/// # Panics
/// They stay different.
pub async fn wait_until_all_identical(cluster: &Cluster, table: &str) -> i64 {
    let pool = SessionPool::new(SessionOptions::default());
    let mut records = 0;
    for members in members(cluster, table).await {
        records += wait_until_identical(&pool, &members).await;
    }
    records
}
