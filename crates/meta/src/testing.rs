//! What the tests of this crate share: short names for servers and clusters.

use std::time::Duration;

use pegasus_common::{AppId, Ballot, Decree, Gpid, Room, RpcAddress};
use pegasus_metastore::Version;

use crate::cluster_state::{ClusterState, Command};
use crate::failure_detector::{Beacon, Phase};
use crate::reports::{ReplicaReport, ReportedRole, Standing};
use crate::table::{Table, TableStatus};

/// The replica server `127.0.0.1:34800+number`.
pub fn node(number: u16) -> RpcAddress {
    RpcAddress::from_v4(std::net::SocketAddrV4::new(
        std::net::Ipv4Addr::LOCALHOST,
        34_800 + number,
    ))
}

/// A beacon of the first process of a server that has loaded.
pub fn beacon(host: u16) -> Beacon {
    Beacon {
        node: node(host),
        incarnation: Some(1),
        lease: Some(Duration::from_millis(1_000)),
        phase: Phase::Serving,
        room: Room::Left,
    }
}

/// An available table of three replicas.
pub fn table(id: i32, name: &str, partition_count: i32) -> Table {
    Table {
        id: AppId(id),
        name: name.to_owned(),
        app_type: "pegasus".to_owned(),
        status: TableStatus::Available,
        partition_count,
        init_partition_count: partition_count,
        envs: std::collections::BTreeMap::new(),
        is_stateful: true,
        max_replica_count: 3,
        create_second: 1_700_000_000,
        drop_second: 0,
        expire_second: 0,
        atomic_idempotent: false,
    }
}

/// A state with one table whose partitions have no members yet.
pub fn state_with_table(id: i32, name: &str, partition_count: i32) -> ClusterState {
    let mut state = ClusterState::default();
    state.apply(
        Command::CreateTable(table(id, name, partition_count)),
        Version(1),
    );
    state
}

/// A replica that is no member, and empty.
pub fn report(pid: Gpid, ballot: i64) -> ReplicaReport {
    ReplicaReport {
        pid,
        role: ReportedRole::Inactive,
        ballot: Ballot(ballot),
        committed: Decree::ZERO,
        prepared: Decree::ZERO,
        standing: Standing::Proven,
    }
}
