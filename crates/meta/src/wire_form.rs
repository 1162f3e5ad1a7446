//! Our types in the wire's form and back.

use std::time::Duration;

use pegasus_common::{Ballot, Decree, HostPort, Room, RpcAddress};
use pegasus_wire::failure_detector::BeaconMsg;
use pegasus_wire::layer2::{self, AppInfo, AppStatus};
use pegasus_wire::meta_admin::ConfigType;
use pegasus_wire::metadata::{PartitionStatus, ReplicaInfo};

use crate::configuration_update::ChangeKind;
use crate::failure_detector::{Beacon, Phase};
use crate::partition::PartitionConfiguration;
use crate::reports::{ReplicaReport, ReportedRole, Standing};
use crate::table::{Table, TableStatus};

const DROPPED_FLAG: i32 = 1;

/// Whether answers repeat addresses as host names in the optional `hp_*` fields. Released clients
/// cannot skip them (wire-protocol.md section 7.4), so they are left out unless asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HostNames {
    /// No `hp_*` field is written.
    #[default]
    Omitted,
    /// Every `hp_*` field is written, with the IP address as the host.
    Emitted,
}

impl HostNames {
    /// The name of one server.
    #[must_use]
    pub fn name(self, node: RpcAddress) -> Option<HostPort> {
        match self {
            Self::Omitted => None,
            Self::Emitted => Some(host_port(node)),
        }
    }

    fn names(self, nodes: &[RpcAddress]) -> Option<Vec<HostPort>> {
        match self {
            Self::Omitted => None,
            Self::Emitted => Some(nodes.iter().copied().map(host_port).collect()),
        }
    }
}

fn host_port(node: RpcAddress) -> HostPort {
    match node.to_socket_addr() {
        Some(address) => HostPort {
            host: address.ip().to_string(),
            port: address.port(),
        },
        None => HostPort::default(),
    }
}

/// A table's attributes.
#[must_use]
pub fn app_info(table: &Table) -> AppInfo {
    AppInfo {
        status: match table.status {
            TableStatus::Available => AppStatus::AS_AVAILABLE,
            TableStatus::Dropped => AppStatus::AS_DROPPED,
        },
        app_type: table.app_type.clone(),
        app_name: table.name.clone(),
        app_id: table.id.0,
        partition_count: table.partition_count,
        envs: table.envs.clone(),
        is_stateful: table.is_stateful,
        max_replica_count: table.max_replica_count,
        expire_second: table.expire_second,
        create_second: table.create_second,
        drop_second: table.drop_second,
        duplicating: Some(false),
        init_partition_count: table.init_partition_count,
        is_bulk_loading: Some(false),
        atomic_idempotent: Some(table.atomic_idempotent),
    }
}

/// A partition's configuration.
#[must_use]
pub fn configuration(
    configuration: &PartitionConfiguration,
    names: HostNames,
) -> layer2::PartitionConfiguration {
    let primary = configuration.primary.unwrap_or_default();
    layer2::PartitionConfiguration {
        pid: configuration.pid,
        ballot: configuration.ballot.0,
        max_replica_count: configuration.max_replica_count,
        primary,
        secondaries: configuration.secondaries.clone(),
        last_drops: configuration.last_drops.clone(),
        last_committed_decree: configuration.last_committed.0,
        partition_flags: i32::from(configuration.is_dropped) * DROPPED_FLAG,
        hp_primary: names.name(primary),
        hp_secondaries: names.names(&configuration.secondaries),
        hp_last_drops: names.names(&configuration.last_drops),
    }
}

/// A configuration that a server sent; whether it makes sense is for others to judge.
#[must_use]
pub fn received_configuration(sent: &layer2::PartitionConfiguration) -> PartitionConfiguration {
    PartitionConfiguration {
        pid: sent.pid,
        ballot: Ballot(sent.ballot),
        max_replica_count: sent.max_replica_count,
        primary: sent.primary.valid(),
        secondaries: sent.secondaries.clone(),
        last_drops: sent.last_drops.clone(),
        // Only the meta server knows, and it goes by its own configuration.
        complete_drops: 0,
        last_committed: Decree(sent.last_committed_decree),
        is_dropped: sent.partition_flags & DROPPED_FLAG != 0,
    }
}

/// The kind of change as the wire has it.
#[must_use]
pub const fn config_type(kind: ChangeKind) -> ConfigType {
    match kind {
        ChangeKind::AssignPrimary => ConfigType::CT_ASSIGN_PRIMARY,
        ChangeKind::UpgradeToPrimary => ConfigType::CT_UPGRADE_TO_PRIMARY,
        ChangeKind::AddSecondary => ConfigType::CT_ADD_SECONDARY,
        ChangeKind::UpgradeToSecondary => ConfigType::CT_UPGRADE_TO_SECONDARY,
        ChangeKind::DowngradeToSecondary => ConfigType::CT_DOWNGRADE_TO_SECONDARY,
        ChangeKind::DowngradeToInactive => ConfigType::CT_DOWNGRADE_TO_INACTIVE,
        ChangeKind::Remove => ConfigType::CT_REMOVE,
        ChangeKind::AddSecondaryForBalance => ConfigType::CT_ADD_SECONDARY_FOR_LB,
        ChangeKind::ForceUpdateBallot => ConfigType::CT_PRIMARY_FORCE_UPDATE_BALLOT,
        ChangeKind::DropPartition => ConfigType::CT_DROP_PARTITION,
        ChangeKind::RegisterChild => ConfigType::CT_REGISTER_CHILD,
    }
}

/// The kind of change, if it is one.
#[must_use]
pub fn change_kind(sent: ConfigType) -> Option<ChangeKind> {
    Some(match sent {
        ConfigType::CT_ASSIGN_PRIMARY => ChangeKind::AssignPrimary,
        ConfigType::CT_UPGRADE_TO_PRIMARY => ChangeKind::UpgradeToPrimary,
        ConfigType::CT_ADD_SECONDARY => ChangeKind::AddSecondary,
        ConfigType::CT_UPGRADE_TO_SECONDARY => ChangeKind::UpgradeToSecondary,
        ConfigType::CT_DOWNGRADE_TO_SECONDARY => ChangeKind::DowngradeToSecondary,
        ConfigType::CT_DOWNGRADE_TO_INACTIVE => ChangeKind::DowngradeToInactive,
        ConfigType::CT_REMOVE => ChangeKind::Remove,
        ConfigType::CT_ADD_SECONDARY_FOR_LB => ChangeKind::AddSecondaryForBalance,
        ConfigType::CT_PRIMARY_FORCE_UPDATE_BALLOT => ChangeKind::ForceUpdateBallot,
        ConfigType::CT_DROP_PARTITION => ChangeKind::DropPartition,
        ConfigType::CT_REGISTER_CHILD => ChangeKind::RegisterChild,
        _ => return None,
    })
}

/// What a beacon says.
#[must_use]
pub fn received_beacon(sent: &BeaconMsg) -> Beacon {
    let lease = sent.lease_ms.and_then(|lease| u64::try_from(lease).ok());
    Beacon {
        node: sent.from_node,
        incarnation: sent.start_time,
        lease: lease.map(Duration::from_millis),
        phase: match (sent.goodbye, sent.loading) {
            (Some(true), _) => Phase::Leaving,
            (_, Some(true)) => Phase::Loading,
            _ => Phase::Serving,
        },
        room: if sent.no_room == Some(true) {
            Room::Exhausted
        } else {
            Room::Left
        },
    }
}

/// A reported replica.
#[must_use]
pub fn received_report(sent: &ReplicaInfo) -> ReplicaReport {
    ReplicaReport {
        pid: sent.pid,
        role: match sent.status {
            PartitionStatus::PS_PRIMARY | PartitionStatus::PS_SECONDARY => ReportedRole::Member,
            PartitionStatus::PS_POTENTIAL_SECONDARY => ReportedRole::Learner,
            PartitionStatus::PS_ERROR => ReportedRole::Failed,
            _ => ReportedRole::Inactive,
        },
        ballot: Ballot(sent.ballot),
        committed: Decree(sent.last_committed_decree),
        prepared: Decree(sent.last_prepared_decree),
        standing: if sent.is_proven == Some(true) {
            Standing::Proven
        } else {
            Standing::Unproven
        },
    }
}
