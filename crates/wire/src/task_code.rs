//! Task codes: the RPC names of this version (wire-protocol.md section 2.3, meta-server.md section
//! 7, storage.md section 12).

use std::fmt;

/// Who asks whom, and for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TaskKind {
    /// A client reads a partition.
    Read,
    /// A client writes a partition.
    Write,
    /// A client or a tool asks the meta server.
    Meta,
    /// A replica server reports to the meta server.
    Report,
    /// Between replica servers, and from the meta server to them.
    Peer,
    /// A tool asks a replica server about itself.
    Admin,
    /// A beacon of a replica server.
    Beacon,
    /// Between meta servers.
    Group,
    /// A command to any server.
    Command,
    /// A step of authentication.
    Negotiation,
}

impl TaskKind {
    /// Whether only our own servers send it, so that its answer may hold what released clients do
    /// not know.
    #[must_use]
    pub const fn is_between_servers(self) -> bool {
        matches!(self, Self::Report | Self::Peer | Self::Beacon | Self::Group)
    }
}

macro_rules! task_codes {
    ($($(#[$doc:meta])* $code:ident = $name:literal: $kind:ident,)*) => {
        /// An RPC that this version speaks.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum TaskCode {
            $($(#[$doc])* $code,)*
        }

        impl TaskCode {
            /// Every code, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$code,)*];

            /// Its name in requests.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$code => $name,)* }
            }

            /// Its name in responses.
            #[must_use]
            pub const fn ack_name(self) -> &'static str {
                match self { $(Self::$code => concat!($name, "_ACK"),)* }
            }

            /// Who asks whom.
            #[must_use]
            pub const fn kind(self) -> TaskKind {
                match self { $(Self::$code => TaskKind::$kind,)* }
            }
        }
    };
}

task_codes! {
    /// Argument `update_request`, result `update_response`.
    Put = "RPC_RRDB_RRDB_PUT": Write,
    /// Argument `multi_put_request`, result `update_response`.
    MultiPut = "RPC_RRDB_RRDB_MULTI_PUT": Write,
    /// Argument `blob`, result `update_response`.
    Remove = "RPC_RRDB_RRDB_REMOVE": Write,
    /// Argument `multi_remove_request`, result `multi_remove_response`.
    MultiRemove = "RPC_RRDB_RRDB_MULTI_REMOVE": Write,
    /// Argument `incr_request`, result `incr_response`.
    Incr = "RPC_RRDB_RRDB_INCR": Write,
    /// Argument `check_and_set_request`, result `check_and_set_response`.
    CheckAndSet = "RPC_RRDB_RRDB_CHECK_AND_SET": Write,
    /// Argument `check_and_mutate_request`, result `check_and_mutate_response`.
    CheckAndMutate = "RPC_RRDB_RRDB_CHECK_AND_MUTATE": Write,
    /// Argument `blob`, result `read_response`.
    Get = "RPC_RRDB_RRDB_GET": Read,
    /// Argument `multi_get_request`, result `multi_get_response`.
    MultiGet = "RPC_RRDB_RRDB_MULTI_GET": Read,
    /// Argument `batch_get_request`, result `batch_get_response`.
    BatchGet = "RPC_RRDB_RRDB_BATCH_GET": Read,
    /// Argument `blob` (a hash key), result `count_response`.
    SortkeyCount = "RPC_RRDB_RRDB_SORTKEY_COUNT": Read,
    /// Argument `blob`, result `ttl_response`.
    Ttl = "RPC_RRDB_RRDB_TTL": Read,
    /// Argument `get_scanner_request`, result `scan_response`.
    GetScanner = "RPC_RRDB_RRDB_GET_SCANNER": Read,
    /// Argument `scan_request`, result `scan_response`.
    Scan = "RPC_RRDB_RRDB_SCAN": Read,
    /// Argument `i64`; never answered on success.
    ClearScanner = "RPC_RRDB_RRDB_CLEAR_SCANNER": Read,

    /// Argument `query_cfg_request`, result `query_cfg_response`.
    QueryConfig = "RPC_CM_QUERY_PARTITION_CONFIG_BY_INDEX": Meta,
    /// `configuration_create_app_*`.
    CreateApp = "RPC_CM_CREATE_APP": Meta,
    /// `configuration_drop_app_*`.
    DropApp = "RPC_CM_DROP_APP": Meta,
    /// `configuration_recall_app_*`.
    RecallApp = "RPC_CM_RECALL_APP": Meta,
    /// `configuration_rename_app_*`.
    RenameApp = "RPC_CM_RENAME_APP": Meta,
    /// `configuration_list_apps_*`.
    ListApps = "RPC_CM_LIST_APPS": Meta,
    /// `configuration_list_nodes_*`.
    ListNodes = "RPC_CM_LIST_NODES": Meta,
    /// `configuration_cluster_info_*`.
    ClusterInfo = "RPC_CM_CLUSTER_INFO": Meta,
    /// `configuration_meta_control_*`.
    ControlMeta = "RPC_CM_CONTROL_META": Meta,
    /// `configuration_recovery_*`.
    StartRecovery = "RPC_CM_START_RECOVERY": Meta,
    /// `configuration_balancer_*`.
    ProposeBalancer = "RPC_CM_PROPOSE_BALANCER": Meta,
    /// `configuration_update_app_env_*`.
    UpdateAppEnv = "RPC_CM_UPDATE_APP_ENV": Meta,
    /// `ddd_diagnose_*`.
    DddDiagnose = "RPC_CM_DDD_DIAGNOSE": Meta,
    /// `start_app_manual_compact_*`.
    StartManualCompact = "RPC_CM_START_MANUAL_COMPACT": Meta,
    /// `query_app_manual_compact_*`.
    QueryManualCompactStatus = "RPC_CM_QUERY_MANUAL_COMPACT_STATUS": Meta,
    /// `configuration_get_max_replica_count_*`.
    GetMaxReplicaCount = "RPC_CM_GET_MAX_REPLICA_COUNT": Meta,
    /// `configuration_set_max_replica_count_*`.
    SetMaxReplicaCount = "RPC_CM_SET_MAX_REPLICA_COUNT": Meta,
    /// `configuration_get_atomic_idempotent_*`.
    GetAtomicIdempotent = "RPC_CM_GET_ATOMIC_IDEMPOTENT": Meta,
    /// `configuration_set_atomic_idempotent_*`.
    SetAtomicIdempotent = "RPC_CM_SET_ATOMIC_IDEMPOTENT": Meta,

    /// `meta_members_*`. Ours.
    MetaMembers = "RPC_CM_META_MEMBERS": Meta,
    /// `meta_dump_*`. Ours.
    MetaDump = "RPC_CM_META_DUMP": Meta,

    /// `configuration_query_by_node_*`.
    ConfigSync = "RPC_CM_CONFIG_SYNC": Report,
    /// `configuration_update_*`.
    UpdatePartitionConfiguration = "RPC_CM_UPDATE_PARTITION_CONFIGURATION": Report,

    /// Oneway `configuration_update_request`.
    ConfigProposal = "RPC_CONFIG_PROPOSAL": Peer,
    /// Oneway `replica_configuration`: its server's replica was removed from the group.
    RemoveReplica = "RPC_REMOVE_REPLICA": Peer,
    /// Oneway `peer_hello`.
    PeerHello = "RPC_PEER_HELLO": Peer,
    /// Oneway `prepare_request`.
    Prepare = "RPC_PREPARE": Peer,
    /// Oneway `prepare_ack`.
    PrepareAcknowledge = "RPC_PREPARE_ACKNOWLEDGE": Peer,
    /// Oneway `group_check_request`.
    GroupCheck = "RPC_GROUP_CHECK": Peer,
    /// Oneway `group_check_response`.
    GroupCheckReply = "RPC_GROUP_CHECK_REPLY": Peer,
    /// Oneway `group_check_request` with a learner's signature.
    AddLearner = "RPC_LEARN_ADD_LEARNER": Peer,
    /// Oneway `learn_request`.
    Learn = "RPC_LEARN": Peer,
    /// Oneway `learn_response`.
    LearnReply = "RPC_LEARN_REPLY": Peer,
    /// Oneway `checkpoint_offer`.
    CheckpointOffer = "RPC_LEARN_CHECKPOINT_OFFER": Peer,
    /// `list_checkpoint_*`.
    ListCheckpoint = "RPC_NFS_GET_FILE_SIZE": Peer,
    /// `read_checkpoint_*`.
    ReadCheckpoint = "RPC_NFS_COPY": Peer,
    /// `create_replica_*`.
    CreateReplica = "RPC_CREATE_REPLICA": Peer,

    /// `query_replica_digest_*`.
    QueryReplicaDigest = "RPC_QUERY_REPLICA_DIGEST": Admin,
    /// `query_replica_info_*`.
    QueryReplicaInfo = "RPC_QUERY_REPLICA_INFO": Admin,
    /// `query_app_info_*`.
    QueryAppInfo = "RPC_QUERY_APP_INFO": Admin,
    /// `query_disk_info_*`.
    QueryDiskInfo = "RPC_QUERY_DISK_INFO": Admin,

    /// Argument `beacon_msg`, result `beacon_ack`.
    Beacon = "RPC_FD_FAILURE_DETECTOR_PING": Beacon,
    /// What members of the metadata group say to each other: argument and result `blob`. Ours.
    MetaGroup = "RPC_META_GROUP": Group,
    /// Argument `command`, result `string`.
    Command = "RPC_CLI_CLI_CALL": Command,
    /// `negotiation_*`.
    Negotiation = "RPC_NEGOTIATION": Negotiation,
}

impl TaskCode {
    /// The code of a name in a request.
    #[inline]
    #[must_use]
    pub fn from_name(name: &[u8]) -> Option<Self> {
        let mut slot = hash(name);
        loop {
            let code = Self::ALL.get(usize::from(SLOTS[slot]))?;
            if code.name().as_bytes() == name {
                return Some(*code);
            }
            slot = (slot + 1) % SLOT_COUNT;
        }
    }

    /// The code of a name in a response.
    #[must_use]
    pub fn from_ack_name(name: &[u8]) -> Option<Self> {
        Self::from_name(name.strip_suffix(b"_ACK")?)
    }
}

impl fmt::Display for TaskCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Slots of the name table: a power of two, and so many that most names find theirs at once.
const SLOT_COUNT: usize = 256;
/// A slot without a code; larger than any position in [`TaskCode::ALL`].
const FREE: u8 = u8::MAX;
/// Positions in [`TaskCode::ALL`], placed by [`hash`] of the name or in the next free slot.
static SLOTS: [u8; SLOT_COUNT] = place_names();

#[allow(
    clippy::cast_possible_truncation,
    reason = "there are fewer codes than FREE"
)]
const fn place_names() -> [u8; SLOT_COUNT] {
    assert!(TaskCode::ALL.len() < FREE as usize);
    let mut slots = [FREE; SLOT_COUNT];
    let mut position = 0;
    while position < TaskCode::ALL.len() {
        let mut slot = hash(TaskCode::ALL[position].name().as_bytes());
        while slots[slot] != FREE {
            slot = (slot + 1) % SLOT_COUNT;
        }
        slots[slot] = position as u8;
        position += 1;
    }
    slots
}

/// Mixes the length with the last eight bytes, where names differ most.
const fn hash(name: &[u8]) -> usize {
    let Some(last) = name.last_chunk::<8>() else {
        return 0;
    };
    let mixed = (u64::from_le_bytes(*last) ^ name.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 56) as usize % SLOT_COUNT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_and_fits_a_header() {
        for &code in TaskCode::ALL {
            assert_eq!(TaskCode::from_name(code.name().as_bytes()), Some(code));
            assert_eq!(
                TaskCode::from_ack_name(code.ack_name().as_bytes()),
                Some(code)
            );
            assert!(code.ack_name().len() <= 47, "{code}");
        }
    }

    #[test]
    fn other_names_are_not_found() {
        for name in [
            "",
            "RPC",
            "RPC_RRDB_RRDB_",
            "RPC_RRDB_RRDB_PUT_ACK",
            "rpc_rrdb_rrdb_put",
        ] {
            assert_eq!(TaskCode::from_name(name.as_bytes()), None, "{name}");
        }
        assert_eq!(TaskCode::from_ack_name(b"RPC_RRDB_RRDB_PUT"), None);
    }
}
