//! Whether the replicas of a partition hold the same records: by the digests that they compute.

use std::time::Duration;

use pegasus_client::PartitionMembers;
use pegasus_common::RpcAddress;
use pegasus_rpc::{RoutingHeader, SessionPool};
use pegasus_wire::TaskCode;
use pegasus_wire::replication::{QueryReplicaDigestRequest, QueryReplicaDigestResponse};
use tokio::time::{Instant, sleep};

/// How long the secondaries may take to apply what the primary has committed.
const QUIESCENCE_LIMIT: Duration = Duration::from_secs(30);
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// Asks all three members until they answer alike; returns their number of records.
///
/// # Panics
/// As [`settled_digest`].
pub async fn wait_until_identical(pool: &SessionPool, members: &PartitionMembers) -> i64 {
    settled_digest(pool, members).await.record_count
}

/// Asks all three members until they answer alike; returns their answer.
///
/// # Panics
/// There are fewer members, one does not answer, or they stay different.
pub async fn settled_digest(
    pool: &SessionPool,
    members: &PartitionMembers,
) -> QueryReplicaDigestResponse {
    let servers: Vec<RpcAddress> = members
        .primary
        .iter()
        .chain(&members.secondaries)
        .copied()
        .collect();
    assert_eq!(servers.len(), 3, "{members:?}");
    let deadline = Instant::now() + QUIESCENCE_LIMIT;
    loop {
        let mut digests = Vec::new();
        for &server in &servers {
            digests.push(digest(pool, server, members).await);
        }
        if digests.iter().all(|other| *other == digests[0]) {
            return digests.swap_remove(0);
        }
        assert!(Instant::now() < deadline, "{}: {digests:#?}", members.gpid);
        sleep(Duration::from_millis(100)).await;
    }
}

async fn digest(
    pool: &SessionPool,
    server: RpcAddress,
    members: &PartitionMembers,
) -> QueryReplicaDigestResponse {
    let request = QueryReplicaDigestRequest { pid: members.gpid };
    let header = RoutingHeader::server(CALL_TIMEOUT);
    let response = pool
        .call(server, TaskCode::QueryReplicaDigest, header, &request)
        .await
        .unwrap_or_else(|error| panic!("{server} does not answer: {error}"));
    let digest: QueryReplicaDigestResponse = response.decode().expect("a digest");
    assert!(digest.err.is_ok(), "{server}: {digest:?}");
    digest
}
