// Made by pegasus-idl-generator from idl/; do not edit.

//! Calls that the meta server answers: table administration for tools, and the reports of replica
//! servers (meta-server.md section 32.3). Every answer begins with the outcome; besides the outcomes
//! named there, any call may be answered ERR_FORWARD_TO_OTHERS, ERR_SERVICE_NOT_ACTIVE,
//! ERR_UNDER_RECOVERY or ERR_ACL_DENY.

use std::collections::BTreeMap;
use bytes::BytesMut;
use pegasus_common::{ErrorCode, Gpid, HostPort, RpcAddress};

use crate::codec::wire_enum;
use crate::codec::FIELD_HEADER_LEN;
use crate::codec::{DecodeError, FieldType, Message, Reader, STOP_LEN, encode_stop};

wire_enum! {
    /// How the membership of a partition changes.
    ConfigType {
        /// None.
        CT_INVALID = 0, "CT_INVALID";
        /// First primary of a partition without members.
        CT_ASSIGN_PRIMARY = 1, "CT_ASSIGN_PRIMARY";
        /// A secondary takes over.
        CT_UPGRADE_TO_PRIMARY = 2, "CT_UPGRADE_TO_PRIMARY";
        /// Start a learner, because a member is missing.
        CT_ADD_SECONDARY = 3, "CT_ADD_SECONDARY";
        /// A learner has caught up.
        CT_UPGRADE_TO_SECONDARY = 4, "CT_UPGRADE_TO_SECONDARY";
        /// The primary steps back.
        CT_DOWNGRADE_TO_SECONDARY = 5, "CT_DOWNGRADE_TO_SECONDARY";
        /// A member leaves and keeps its data.
        CT_DOWNGRADE_TO_INACTIVE = 6, "CT_DOWNGRADE_TO_INACTIVE";
        /// A member leaves and its data may go.
        CT_REMOVE = 7, "CT_REMOVE";
        /// Start a learner, to move load.
        CT_ADD_SECONDARY_FOR_LB = 8, "CT_ADD_SECONDARY_FOR_LB";
        /// Same members, new ballot.
        CT_PRIMARY_FORCE_UPDATE_BALLOT = 9, "CT_PRIMARY_FORCE_UPDATE_BALLOT";
        /// The table is dropped.
        CT_DROP_PARTITION = 10, "CT_DROP_PARTITION";
        /// A split child becomes a partition.
        CT_REGISTER_CHILD = 11, "CT_REGISTER_CHILD";
    }
}

wire_enum! {
    /// Whether a replica server lives.
    NodeStatus {
        /// In a query: any.
        NS_INVALID = 0, "NS_INVALID";
        /// Sends beacons.
        NS_ALIVE = 1, "NS_ALIVE";
        /// Its lease has run out.
        NS_UNALIVE = 2, "NS_UNALIVE";
    }
}

wire_enum! {
    /// How far the meta server may act by itself.
    MetaFunctionLevel {
        /// Refuses everything.
        FL_STOPPED = 100, "fl_stopped";
        /// Does not watch replica servers.
        FL_BLIND = 200, "fl_blind";
        /// Does not change any membership.
        FL_FREEZED = 300, "fl_freezed";
        /// Cures partitions and does not balance.
        FL_STEADY = 400, "fl_steady";
        /// Cures and balances.
        FL_LIVELY = 500, "fl_lively";
        /// Asks for the level and changes nothing.
        FL_INVALID = 10000, "fl_invalid";
    }
}

wire_enum! {
    /// What an update of table settings does.
    AppEnvOperation {
        /// None.
        APP_ENV_OP_INVALID = 0, "APP_ENV_OP_INVALID";
        /// Sets keys.
        APP_ENV_OP_SET = 1, "APP_ENV_OP_SET";
        /// Removes keys.
        APP_ENV_OP_DEL = 2, "APP_ENV_OP_DEL";
        /// Removes all keys with a prefix.
        APP_ENV_OP_CLEAR = 3, "APP_ENV_OP_CLEAR";
    }
}

wire_enum! {
    /// Which kind of move a balancer request stands for.
    BalancerRequestType {
        /// A secondary becomes primary.
        MOVE_PRIMARY = 0, "move_primary";
        /// A new server gets a replica and becomes primary.
        COPY_PRIMARY = 1, "copy_primary";
        /// A new server gets a replica.
        COPY_SECONDARY = 2, "copy_secondary";
    }
}

wire_enum! {
    /// How a pattern selects names.
    PatternMatchType {
        /// Not set.
        PMT_INVALID = 0, "PMT_INVALID";
        /// Every name.
        PMT_MATCH_ALL = 1, "PMT_MATCH_ALL";
        /// The name is the pattern.
        PMT_MATCH_EXACT = 2, "PMT_MATCH_EXACT";
        /// The name contains the pattern.
        PMT_MATCH_ANYWHERE = 3, "PMT_MATCH_ANYWHERE";
        /// The name begins with the pattern.
        PMT_MATCH_PREFIX = 4, "PMT_MATCH_PREFIX";
        /// The name ends with the pattern.
        PMT_MATCH_POSTFIX = 5, "PMT_MATCH_POSTFIX";
        /// Not implemented.
        PMT_MATCH_REGEX = 6, "PMT_MATCH_REGEX";
    }
}

/// RPC_CM_UPDATE_PARTITION_CONFIGURATION (a primary wants a change made durable) and, from the meta
/// server and oneway, RPC_CONFIG_PROPOSAL (the receiver shall bring a change about).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConfigurationUpdateRequest {
    /// The table.
    pub info: super::layer2::AppInfo,
    /// The membership, or the one wanted.
    pub config: super::layer2::PartitionConfiguration,
    /// The change.
    pub r#type: ConfigType,
    /// The server that the change is about.
    pub node: RpcAddress,
    /// Unused for tables.
    pub host_node: RpcAddress,
    /// Progress of a split, in config sync.
    pub meta_split_status: Option<super::metadata::SplitStatus>,
    /// Name of `node`.
    pub hp_node: Option<HostPort>,
}

impl Message for ConfigurationUpdateRequest {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut info = None;
        let mut config = None;
        let mut r#type = None;
        let mut node = None;
        let mut host_node = None;
        let mut meta_split_status = None;
        let mut hp_node = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => info = Some(Message::decode(reader)?),
                (2, FieldType::STRUCT) => config = Some(Message::decode(reader)?),
                (3, FieldType::I32) => r#type = Some(Message::decode(reader)?),
                (4, FieldType::STRUCT) => node = Some(Message::decode(reader)?),
                (5, FieldType::STRUCT) => host_node = Some(Message::decode(reader)?),
                (6, FieldType::I32) => meta_split_status = Some(Message::decode(reader)?),
                (7, FieldType::STRUCT) => hp_node = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            info: info.unwrap_or_default(),
            config: config.unwrap_or_default(),
            r#type: r#type.unwrap_or_default(),
            node: node.unwrap_or_default(),
            host_node: host_node.unwrap_or_default(),
            meta_split_status,
            hp_node,
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.info.encode_field(out, 1);
        self.config.encode_field(out, 2);
        self.r#type.encode_field(out, 3);
        self.node.encode_field(out, 4);
        self.host_node.encode_field(out, 5);
        if let Some(value) = &self.meta_split_status {
            value.encode_field(out, 6);
        }
        if let Some(value) = &self.hp_node {
            value.encode_field(out, 7);
        }
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.info.encoded_len_hint()
            + FIELD_HEADER_LEN + self.config.encoded_len_hint()
            + FIELD_HEADER_LEN + self.r#type.encoded_len_hint()
            + FIELD_HEADER_LEN + self.node.encoded_len_hint()
            + FIELD_HEADER_LEN + self.host_node.encoded_len_hint()
            + self.meta_split_status.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
            + self.hp_node.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
    }
}

/// Answer to RPC_CM_UPDATE_PARTITION_CONFIGURATION.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConfigurationUpdateResponse {
    /// Outcome; ERR_INVALID_VERSION when the ballot was too old.
    pub err: ErrorCode,
    /// The membership as it is now.
    pub config: super::layer2::PartitionConfiguration,
}

impl Message for ConfigurationUpdateResponse {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut err = None;
        let mut config = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => err = Some(Message::decode(reader)?),
                (2, FieldType::STRUCT) => config = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            err: err.unwrap_or_default(),
            config: config.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.err.encode_field(out, 1);
        self.config.encode_field(out, 2);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.err.encoded_len_hint()
            + FIELD_HEADER_LEN + self.config.encoded_len_hint()
    }
}

/// What a replica server tells about itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReplicaServerInfo {
    /// Where it stands.
    pub geo_tags: BTreeMap<String, String>,
    /// Size of its disks, MiB.
    pub total_capacity_mb: i64,
}

impl Message for ReplicaServerInfo {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut geo_tags = None;
        let mut total_capacity_mb = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::MAP) => geo_tags = Some(Message::decode(reader)?),
                (2, FieldType::I64) => total_capacity_mb = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            geo_tags: geo_tags.unwrap_or_default(),
            total_capacity_mb: total_capacity_mb.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.geo_tags.encode_field(out, 1);
        self.total_capacity_mb.encode_field(out, 2);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.geo_tags.encoded_len_hint()
            + FIELD_HEADER_LEN + self.total_capacity_mb.encoded_len_hint()
    }
}

/// Argument of RPC_CM_CONFIG_SYNC: a replica server reports its replicas and asks what it should have.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConfigurationQueryByNodeRequest {
    /// The replica server.
    pub node: RpcAddress,
    /// Every replica on its disks.
    pub stored_replicas: Option<Vec<super::metadata::ReplicaInfo>>,
    /// About the server.
    pub info: Option<ReplicaServerInfo>,
    /// Name of `node`.
    pub hp_node: Option<HostPort>,
    /// Ours: when the sender's process started, as in its beacons.
    pub start_time: Option<i64>,
    /// Ours: the sender still reads its replicas in; the list has gaps.
    pub loading: Option<bool>,
}

impl Message for ConfigurationQueryByNodeRequest {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut node = None;
        let mut stored_replicas = None;
        let mut info = None;
        let mut hp_node = None;
        let mut start_time = None;
        let mut loading = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => node = Some(Message::decode(reader)?),
                (2, FieldType::LIST) => stored_replicas = Some(Message::decode(reader)?),
                (3, FieldType::STRUCT) => info = Some(Message::decode(reader)?),
                (4, FieldType::STRUCT) => hp_node = Some(Message::decode(reader)?),
                (100, FieldType::I64) => start_time = Some(Message::decode(reader)?),
                (101, FieldType::BOOL) => loading = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            node: node.unwrap_or_default(),
            stored_replicas,
            info,
            hp_node,
            start_time,
            loading,
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.node.encode_field(out, 1);
        if let Some(value) = &self.stored_replicas {
            value.encode_field(out, 2);
        }
        if let Some(value) = &self.info {
            value.encode_field(out, 3);
        }
        if let Some(value) = &self.hp_node {
            value.encode_field(out, 4);
        }
        if let Some(value) = &self.start_time {
            value.encode_field(out, 100);
        }
        if let Some(value) = &self.loading {
            value.encode_field(out, 101);
        }
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.node.encoded_len_hint()
            + self.stored_replicas.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
            + self.info.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
            + self.hp_node.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
            + self.start_time.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
            + self.loading.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
    }
}

/// Answer to RPC_CM_CONFIG_SYNC.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConfigurationQueryByNodeResponse {
    /// Outcome.
    pub err: ErrorCode,
    /// Partitions that the server is a member of.
    pub partitions: Vec<ConfigurationUpdateRequest>,
    /// Replicas that it may remove.
    pub gc_replicas: Option<Vec<super::metadata::ReplicaInfo>>,
}

impl Message for ConfigurationQueryByNodeResponse {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut err = None;
        let mut partitions = None;
        let mut gc_replicas = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => err = Some(Message::decode(reader)?),
                (2, FieldType::LIST) => partitions = Some(Message::decode(reader)?),
                (3, FieldType::LIST) => gc_replicas = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            err: err.unwrap_or_default(),
            partitions: partitions.unwrap_or_default(),
            gc_replicas,
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.err.encode_field(out, 1);
        self.partitions.encode_field(out, 2);
        if let Some(value) = &self.gc_replicas {
            value.encode_field(out, 3);
        }
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.err.encoded_len_hint()
            + FIELD_HEADER_LEN + self.partitions.encoded_len_hint()
            + self.gc_replicas.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
    }
}

/// Argument of RPC_CM_START_RECOVERY: rebuild the metadata from what replica servers hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConfigurationRecoveryRequest {
    /// The servers to ask.
    pub recovery_nodes: Vec<RpcAddress>,
    /// Go on without servers that do not answer.
    pub skip_bad_nodes: bool,
    /// Go on without partitions that nobody holds.
    pub skip_lost_partitions: bool,
    /// Names of `recovery_nodes`.
    pub hp_recovery_nodes: Option<Vec<HostPort>>,
}

impl Message for ConfigurationRecoveryRequest {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut recovery_nodes = None;
        let mut skip_bad_nodes = None;
        let mut skip_lost_partitions = None;
        let mut hp_recovery_nodes = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::LIST) => recovery_nodes = Some(Message::decode(reader)?),
                (2, FieldType::BOOL) => skip_bad_nodes = Some(Message::decode(reader)?),
                (3, FieldType::BOOL) => skip_lost_partitions = Some(Message::decode(reader)?),
                (4, FieldType::LIST) => hp_recovery_nodes = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            recovery_nodes: recovery_nodes.unwrap_or_default(),
            skip_bad_nodes: skip_bad_nodes.unwrap_or_default(),
            skip_lost_partitions: skip_lost_partitions.unwrap_or_default(),
            hp_recovery_nodes,
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.recovery_nodes.encode_field(out, 1);
        self.skip_bad_nodes.encode_field(out, 2);
        self.skip_lost_partitions.encode_field(out, 3);
        if let Some(value) = &self.hp_recovery_nodes {
            value.encode_field(out, 4);
        }
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.recovery_nodes.encoded_len_hint()
            + FIELD_HEADER_LEN + self.skip_bad_nodes.encoded_len_hint()
            + FIELD_HEADER_LEN + self.skip_lost_partitions.encoded_len_hint()
            + self.hp_recovery_nodes.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
    }
}

/// Answer to RPC_CM_START_RECOVERY.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConfigurationRecoveryResponse {
    /// Outcome.
    pub err: ErrorCode,
    /// What was skipped or wrong.
    pub hint_message: String,
}

impl Message for ConfigurationRecoveryResponse {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut err = None;
        let mut hint_message = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => err = Some(Message::decode(reader)?),
                (2, FieldType::STRING) => hint_message = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            err: err.unwrap_or_default(),
            hint_message: hint_message.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.err.encode_field(out, 1);
        self.hint_message.encode_field(out, 2);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.err.encoded_len_hint()
            + FIELD_HEADER_LEN + self.hint_message.encoded_len_hint()
    }
}

/// Properties of a table to create.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreateAppOptions {
    /// A power of two.
    pub partition_count: i32,
    /// Replicas of each partition.
    pub replica_count: i32,
    /// Succeed when the same table is there already.
    pub success_if_exist: bool,
    /// Must be `pegasus`.
    pub app_type: String,
    /// Must be true.
    pub is_stateful: bool,
    /// Settings of the table.
    pub envs: BTreeMap<String, String>,
    /// Whether atomic writes are turned into puts.
    /// Readers take a missing one as `false`.
    pub atomic_idempotent: Option<bool>,
}

impl Message for CreateAppOptions {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut partition_count = None;
        let mut replica_count = None;
        let mut success_if_exist = None;
        let mut app_type = None;
        let mut is_stateful = None;
        let mut envs = None;
        let mut atomic_idempotent = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::I32) => partition_count = Some(Message::decode(reader)?),
                (2, FieldType::I32) => replica_count = Some(Message::decode(reader)?),
                (3, FieldType::BOOL) => success_if_exist = Some(Message::decode(reader)?),
                (4, FieldType::STRING) => app_type = Some(Message::decode(reader)?),
                (5, FieldType::BOOL) => is_stateful = Some(Message::decode(reader)?),
                (6, FieldType::MAP) => envs = Some(Message::decode(reader)?),
                (7, FieldType::BOOL) => atomic_idempotent = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            partition_count: partition_count.unwrap_or_default(),
            replica_count: replica_count.unwrap_or_default(),
            success_if_exist: success_if_exist.unwrap_or_default(),
            app_type: app_type.unwrap_or_default(),
            is_stateful: is_stateful.unwrap_or_default(),
            envs: envs.unwrap_or_default(),
            atomic_idempotent,
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.partition_count.encode_field(out, 1);
        self.replica_count.encode_field(out, 2);
        self.success_if_exist.encode_field(out, 3);
        self.app_type.encode_field(out, 4);
        self.is_stateful.encode_field(out, 5);
        self.envs.encode_field(out, 6);
        if let Some(value) = &self.atomic_idempotent {
            value.encode_field(out, 7);
        }
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.partition_count.encoded_len_hint()
            + FIELD_HEADER_LEN + self.replica_count.encoded_len_hint()
            + FIELD_HEADER_LEN + self.success_if_exist.encoded_len_hint()
            + FIELD_HEADER_LEN + self.app_type.encoded_len_hint()
            + FIELD_HEADER_LEN + self.is_stateful.encoded_len_hint()
            + FIELD_HEADER_LEN + self.envs.encoded_len_hint()
            + self.atomic_idempotent.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
    }
}

/// Argument of RPC_CM_CREATE_APP.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConfigurationCreateAppRequest {
    /// Name of the table.
    pub app_name: String,
    /// Its properties.
    pub options: CreateAppOptions,
}

impl Message for ConfigurationCreateAppRequest {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut app_name = None;
        let mut options = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRING) => app_name = Some(Message::decode(reader)?),
                (2, FieldType::STRUCT) => options = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            app_name: app_name.unwrap_or_default(),
            options: options.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.app_name.encode_field(out, 1);
        self.options.encode_field(out, 2);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.app_name.encoded_len_hint()
            + FIELD_HEADER_LEN + self.options.encoded_len_hint()
    }
}

/// Answer to RPC_CM_CREATE_APP.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConfigurationCreateAppResponse {
    /// Outcome; ERR_APP_EXIST when the name is taken.
    pub err: ErrorCode,
    /// Id of the table.
    pub appid: i32,
}

impl Message for ConfigurationCreateAppResponse {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut err = None;
        let mut appid = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => err = Some(Message::decode(reader)?),
                (2, FieldType::I32) => appid = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            err: err.unwrap_or_default(),
            appid: appid.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.err.encode_field(out, 1);
        self.appid.encode_field(out, 2);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.err.encoded_len_hint()
            + FIELD_HEADER_LEN + self.appid.encoded_len_hint()
    }
}

/// How to drop a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DropAppOptions {
    /// Succeed when there is no such table.
    pub success_if_not_exist: bool,
    /// How long it can be recalled.
    pub reserve_seconds: Option<i64>,
}

impl Message for DropAppOptions {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut success_if_not_exist = None;
        let mut reserve_seconds = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::BOOL) => success_if_not_exist = Some(Message::decode(reader)?),
                (2, FieldType::I64) => reserve_seconds = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            success_if_not_exist: success_if_not_exist.unwrap_or_default(),
            reserve_seconds,
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.success_if_not_exist.encode_field(out, 1);
        if let Some(value) = &self.reserve_seconds {
            value.encode_field(out, 2);
        }
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.success_if_not_exist.encoded_len_hint()
            + self.reserve_seconds.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
    }
}

/// Argument of RPC_CM_DROP_APP.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConfigurationDropAppRequest {
    /// Name of the table.
    pub app_name: String,
    /// How to drop it.
    pub options: DropAppOptions,
}

impl Message for ConfigurationDropAppRequest {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut app_name = None;
        let mut options = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRING) => app_name = Some(Message::decode(reader)?),
                (2, FieldType::STRUCT) => options = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            app_name: app_name.unwrap_or_default(),
            options: options.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.app_name.encode_field(out, 1);
        self.options.encode_field(out, 2);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.app_name.encoded_len_hint()
            + FIELD_HEADER_LEN + self.options.encoded_len_hint()
    }
}

/// Answer to RPC_CM_DROP_APP.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConfigurationDropAppResponse {
    /// Outcome.
    pub err: ErrorCode,
}

impl Message for ConfigurationDropAppResponse {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut err = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => err = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            err: err.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.err.encode_field(out, 1);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.err.encoded_len_hint()
    }
}

/// Argument of RPC_CM_RENAME_APP.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConfigurationRenameAppRequest {
    /// Name now.
    pub old_app_name: String,
    /// Name wanted.
    pub new_app_name: String,
}

impl Message for ConfigurationRenameAppRequest {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut old_app_name = None;
        let mut new_app_name = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRING) => old_app_name = Some(Message::decode(reader)?),
                (2, FieldType::STRING) => new_app_name = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            old_app_name: old_app_name.unwrap_or_default(),
            new_app_name: new_app_name.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.old_app_name.encode_field(out, 1);
        self.new_app_name.encode_field(out, 2);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.old_app_name.encoded_len_hint()
            + FIELD_HEADER_LEN + self.new_app_name.encoded_len_hint()
    }
}

/// Answer to RPC_CM_RENAME_APP.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConfigurationRenameAppResponse {
    /// Outcome.
    pub err: ErrorCode,
    /// What was wrong.
    pub hint_message: String,
}

impl Message for ConfigurationRenameAppResponse {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut err = None;
        let mut hint_message = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => err = Some(Message::decode(reader)?),
                (2, FieldType::STRING) => hint_message = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            err: err.unwrap_or_default(),
            hint_message: hint_message.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.err.encode_field(out, 1);
        self.hint_message.encode_field(out, 2);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.err.encoded_len_hint()
            + FIELD_HEADER_LEN + self.hint_message.encoded_len_hint()
    }
}

/// Argument of RPC_CM_RECALL_APP: bring a dropped table back.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConfigurationRecallAppRequest {
    /// Id of the table.
    pub app_id: i32,
    /// Name to give it; empty keeps the old one.
    pub new_app_name: String,
}

impl Message for ConfigurationRecallAppRequest {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut app_id = None;
        let mut new_app_name = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::I32) => app_id = Some(Message::decode(reader)?),
                (2, FieldType::STRING) => new_app_name = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            app_id: app_id.unwrap_or_default(),
            new_app_name: new_app_name.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.app_id.encode_field(out, 1);
        self.new_app_name.encode_field(out, 2);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.app_id.encoded_len_hint()
            + FIELD_HEADER_LEN + self.new_app_name.encoded_len_hint()
    }
}

/// Answer to RPC_CM_RECALL_APP.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConfigurationRecallAppResponse {
    /// Outcome.
    pub err: ErrorCode,
    /// The table.
    pub info: super::layer2::AppInfo,
}

impl Message for ConfigurationRecallAppResponse {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut err = None;
        let mut info = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => err = Some(Message::decode(reader)?),
                (2, FieldType::STRUCT) => info = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            err: err.unwrap_or_default(),
            info: info.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.err.encode_field(out, 1);
        self.info.encode_field(out, 2);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.err.encoded_len_hint()
            + FIELD_HEADER_LEN + self.info.encoded_len_hint()
    }
}

/// Argument of RPC_CM_LIST_APPS.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConfigurationListAppsRequest {
    /// Only tables of this status; invalid means any.
    pub status: super::layer2::AppStatus,
    /// Only tables whose name fits.
    pub app_name_pattern: Option<String>,
    /// How the pattern selects.
    pub match_type: Option<PatternMatchType>,
}

impl Message for ConfigurationListAppsRequest {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut status = None;
        let mut app_name_pattern = None;
        let mut match_type = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::I32) => status = Some(Message::decode(reader)?),
                (2, FieldType::STRING) => app_name_pattern = Some(Message::decode(reader)?),
                (3, FieldType::I32) => match_type = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            status: status.unwrap_or_default(),
            app_name_pattern,
            match_type,
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.status.encode_field(out, 1);
        if let Some(value) = &self.app_name_pattern {
            value.encode_field(out, 2);
        }
        if let Some(value) = &self.match_type {
            value.encode_field(out, 3);
        }
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.status.encoded_len_hint()
            + self.app_name_pattern.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
            + self.match_type.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
    }
}

/// Answer to RPC_CM_LIST_APPS.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConfigurationListAppsResponse {
    /// Outcome.
    pub err: ErrorCode,
    /// The tables.
    pub infos: Vec<super::layer2::AppInfo>,
    /// What was wrong.
    pub hint_message: Option<String>,
}

impl Message for ConfigurationListAppsResponse {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut err = None;
        let mut infos = None;
        let mut hint_message = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => err = Some(Message::decode(reader)?),
                (2, FieldType::LIST) => infos = Some(Message::decode(reader)?),
                (3, FieldType::STRING) => hint_message = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            err: err.unwrap_or_default(),
            infos: infos.unwrap_or_default(),
            hint_message,
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.err.encode_field(out, 1);
        self.infos.encode_field(out, 2);
        if let Some(value) = &self.hint_message {
            value.encode_field(out, 3);
        }
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.err.encoded_len_hint()
            + FIELD_HEADER_LEN + self.infos.encoded_len_hint()
            + self.hint_message.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
    }
}

/// Argument of RPC_QUERY_APP_INFO: in recovery, the tables that a replica server knows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueryAppInfoRequest {
    /// The server that asks.
    pub meta_server: RpcAddress,
    /// Name of `meta_server`.
    pub hp_meta_server: Option<HostPort>,
}

impl Message for QueryAppInfoRequest {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut meta_server = None;
        let mut hp_meta_server = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => meta_server = Some(Message::decode(reader)?),
                (2, FieldType::STRUCT) => hp_meta_server = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            meta_server: meta_server.unwrap_or_default(),
            hp_meta_server,
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.meta_server.encode_field(out, 1);
        if let Some(value) = &self.hp_meta_server {
            value.encode_field(out, 2);
        }
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.meta_server.encoded_len_hint()
            + self.hp_meta_server.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
    }
}

/// Answer to RPC_QUERY_APP_INFO.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueryAppInfoResponse {
    /// Outcome.
    pub err: ErrorCode,
    /// Tables that the server holds replicas of.
    pub apps: Vec<super::layer2::AppInfo>,
    /// Ours: the server as the meta servers know it.
    pub server: Option<RpcAddress>,
}

impl Message for QueryAppInfoResponse {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut err = None;
        let mut apps = None;
        let mut server = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => err = Some(Message::decode(reader)?),
                (2, FieldType::LIST) => apps = Some(Message::decode(reader)?),
                (100, FieldType::STRUCT) => server = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            err: err.unwrap_or_default(),
            apps: apps.unwrap_or_default(),
            server,
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.err.encode_field(out, 1);
        self.apps.encode_field(out, 2);
        if let Some(value) = &self.server {
            value.encode_field(out, 100);
        }
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.err.encoded_len_hint()
            + FIELD_HEADER_LEN + self.apps.encoded_len_hint()
            + self.server.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
    }
}

/// Argument of RPC_CM_UPDATE_APP_ENV: change settings of a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConfigurationUpdateAppEnvRequest {
    /// Name of the table.
    pub app_name: String,
    /// What to do.
    pub op: AppEnvOperation,
    /// Keys to set or remove.
    pub keys: Option<Vec<String>>,
    /// Values to set, in the order of `keys`.
    pub values: Option<Vec<String>>,
    /// Prefix of keys to clear; empty means all.
    pub clear_prefix: Option<String>,
}

impl Message for ConfigurationUpdateAppEnvRequest {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut app_name = None;
        let mut op = None;
        let mut keys = None;
        let mut values = None;
        let mut clear_prefix = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRING) => app_name = Some(Message::decode(reader)?),
                (2, FieldType::I32) => op = Some(Message::decode(reader)?),
                (3, FieldType::LIST) => keys = Some(Message::decode(reader)?),
                (4, FieldType::LIST) => values = Some(Message::decode(reader)?),
                (5, FieldType::STRING) => clear_prefix = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            app_name: app_name.unwrap_or_default(),
            op: op.unwrap_or_default(),
            keys,
            values,
            clear_prefix,
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.app_name.encode_field(out, 1);
        self.op.encode_field(out, 2);
        if let Some(value) = &self.keys {
            value.encode_field(out, 3);
        }
        if let Some(value) = &self.values {
            value.encode_field(out, 4);
        }
        if let Some(value) = &self.clear_prefix {
            value.encode_field(out, 5);
        }
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.app_name.encoded_len_hint()
            + FIELD_HEADER_LEN + self.op.encoded_len_hint()
            + self.keys.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
            + self.values.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
            + self.clear_prefix.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
    }
}

/// Answer to RPC_CM_UPDATE_APP_ENV.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConfigurationUpdateAppEnvResponse {
    /// Outcome.
    pub err: ErrorCode,
    /// What was wrong, or what was removed.
    pub hint_message: String,
}

impl Message for ConfigurationUpdateAppEnvResponse {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut err = None;
        let mut hint_message = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => err = Some(Message::decode(reader)?),
                (2, FieldType::STRING) => hint_message = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            err: err.unwrap_or_default(),
            hint_message: hint_message.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.err.encode_field(out, 1);
        self.hint_message.encode_field(out, 2);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.err.encoded_len_hint()
            + FIELD_HEADER_LEN + self.hint_message.encoded_len_hint()
    }
}

/// Argument of RPC_CM_START_MANUAL_COMPACT.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StartAppManualCompactRequest {
    /// Name of the table.
    pub app_name: String,
    /// Unix time to begin at; missing means now.
    pub trigger_time: Option<i64>,
    /// Level to compact into; -1 leaves the choice to the storage.
    pub target_level: Option<i32>,
    /// Rewrite the last level too.
    pub bottommost: Option<bool>,
    /// Most partitions at a time on one server; 0 means no limit.
    pub max_running_count: Option<i32>,
}

impl Message for StartAppManualCompactRequest {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut app_name = None;
        let mut trigger_time = None;
        let mut target_level = None;
        let mut bottommost = None;
        let mut max_running_count = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRING) => app_name = Some(Message::decode(reader)?),
                (2, FieldType::I64) => trigger_time = Some(Message::decode(reader)?),
                (3, FieldType::I32) => target_level = Some(Message::decode(reader)?),
                (4, FieldType::BOOL) => bottommost = Some(Message::decode(reader)?),
                (5, FieldType::I32) => max_running_count = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            app_name: app_name.unwrap_or_default(),
            trigger_time,
            target_level,
            bottommost,
            max_running_count,
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.app_name.encode_field(out, 1);
        if let Some(value) = &self.trigger_time {
            value.encode_field(out, 2);
        }
        if let Some(value) = &self.target_level {
            value.encode_field(out, 3);
        }
        if let Some(value) = &self.bottommost {
            value.encode_field(out, 4);
        }
        if let Some(value) = &self.max_running_count {
            value.encode_field(out, 5);
        }
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.app_name.encoded_len_hint()
            + self.trigger_time.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
            + self.target_level.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
            + self.bottommost.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
            + self.max_running_count.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
    }
}

/// Answer to RPC_CM_START_MANUAL_COMPACT.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StartAppManualCompactResponse {
    /// Outcome.
    pub err: ErrorCode,
    /// What was wrong.
    pub hint_msg: String,
}

impl Message for StartAppManualCompactResponse {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut err = None;
        let mut hint_msg = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => err = Some(Message::decode(reader)?),
                (2, FieldType::STRING) => hint_msg = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            err: err.unwrap_or_default(),
            hint_msg: hint_msg.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.err.encode_field(out, 1);
        self.hint_msg.encode_field(out, 2);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.err.encoded_len_hint()
            + FIELD_HEADER_LEN + self.hint_msg.encoded_len_hint()
    }
}

/// Argument of RPC_CM_QUERY_MANUAL_COMPACT_STATUS.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueryAppManualCompactRequest {
    /// Name of the table.
    pub app_name: String,
}

impl Message for QueryAppManualCompactRequest {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut app_name = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRING) => app_name = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            app_name: app_name.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.app_name.encode_field(out, 1);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.app_name.encoded_len_hint()
    }
}

/// Answer to RPC_CM_QUERY_MANUAL_COMPACT_STATUS.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueryAppManualCompactResponse {
    /// Outcome.
    pub err: ErrorCode,
    /// What was wrong.
    pub hint_msg: String,
    /// Percent.
    pub progress: Option<i32>,
}

impl Message for QueryAppManualCompactResponse {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut err = None;
        let mut hint_msg = None;
        let mut progress = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => err = Some(Message::decode(reader)?),
                (2, FieldType::STRING) => hint_msg = Some(Message::decode(reader)?),
                (3, FieldType::I32) => progress = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            err: err.unwrap_or_default(),
            hint_msg: hint_msg.unwrap_or_default(),
            progress,
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.err.encode_field(out, 1);
        self.hint_msg.encode_field(out, 2);
        if let Some(value) = &self.progress {
            value.encode_field(out, 3);
        }
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.err.encoded_len_hint()
            + FIELD_HEADER_LEN + self.hint_msg.encoded_len_hint()
            + self.progress.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
    }
}

/// One replica server.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeInfo {
    /// Whether it lives.
    pub status: NodeStatus,
    /// Where it is.
    pub node: RpcAddress,
    /// Name of `node`.
    pub hp_node: Option<HostPort>,
}

impl Message for NodeInfo {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut status = None;
        let mut node = None;
        let mut hp_node = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::I32) => status = Some(Message::decode(reader)?),
                (2, FieldType::STRUCT) => node = Some(Message::decode(reader)?),
                (3, FieldType::STRUCT) => hp_node = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            status: status.unwrap_or_default(),
            node: node.unwrap_or_default(),
            hp_node,
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.status.encode_field(out, 1);
        self.node.encode_field(out, 2);
        if let Some(value) = &self.hp_node {
            value.encode_field(out, 3);
        }
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.status.encoded_len_hint()
            + FIELD_HEADER_LEN + self.node.encoded_len_hint()
            + self.hp_node.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
    }
}

/// Argument of RPC_CM_LIST_NODES.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConfigurationListNodesRequest {
    /// Only servers of this status; invalid means any.
    pub status: NodeStatus,
}

impl Message for ConfigurationListNodesRequest {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut status = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::I32) => status = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            status: status.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.status.encode_field(out, 1);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.status.encoded_len_hint()
    }
}

/// Answer to RPC_CM_LIST_NODES.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConfigurationListNodesResponse {
    /// Outcome.
    pub err: ErrorCode,
    /// The replica servers.
    pub infos: Vec<NodeInfo>,
}

impl Message for ConfigurationListNodesResponse {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut err = None;
        let mut infos = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => err = Some(Message::decode(reader)?),
                (2, FieldType::LIST) => infos = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            err: err.unwrap_or_default(),
            infos: infos.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.err.encode_field(out, 1);
        self.infos.encode_field(out, 2);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.err.encoded_len_hint()
            + FIELD_HEADER_LEN + self.infos.encoded_len_hint()
    }
}

/// Argument of RPC_CM_CLUSTER_INFO.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConfigurationClusterInfoRequest {
}

impl Message for ConfigurationClusterInfoRequest {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        while let Some(field) = reader.field()? {
            reader.skip(field.field_type)?;
        }
        Ok(Self {})
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
    }
}

/// Answer to RPC_CM_CLUSTER_INFO: a table of two columns.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConfigurationClusterInfoResponse {
    /// Outcome.
    pub err: ErrorCode,
    /// What.
    pub keys: Vec<String>,
    /// How much, in the order of `keys`.
    pub values: Vec<String>,
}

impl Message for ConfigurationClusterInfoResponse {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut err = None;
        let mut keys = None;
        let mut values = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => err = Some(Message::decode(reader)?),
                (2, FieldType::LIST) => keys = Some(Message::decode(reader)?),
                (3, FieldType::LIST) => values = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            err: err.unwrap_or_default(),
            keys: keys.unwrap_or_default(),
            values: values.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.err.encode_field(out, 1);
        self.keys.encode_field(out, 2);
        self.values.encode_field(out, 3);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.err.encoded_len_hint()
            + FIELD_HEADER_LEN + self.keys.encoded_len_hint()
            + FIELD_HEADER_LEN + self.values.encoded_len_hint()
    }
}

/// Argument of RPC_CM_CONTROL_META: change the function level.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConfigurationMetaControlRequest {
    /// Level wanted; invalid only asks.
    pub level: MetaFunctionLevel,
}

impl Message for ConfigurationMetaControlRequest {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut level = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::I32) => level = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            level: level.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.level.encode_field(out, 1);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.level.encoded_len_hint()
    }
}

/// Answer to RPC_CM_CONTROL_META.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConfigurationMetaControlResponse {
    /// Outcome.
    pub err: ErrorCode,
    /// Level before.
    pub old_level: MetaFunctionLevel,
}

impl Message for ConfigurationMetaControlResponse {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut err = None;
        let mut old_level = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => err = Some(Message::decode(reader)?),
                (2, FieldType::I32) => old_level = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            err: err.unwrap_or_default(),
            old_level: old_level.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.err.encode_field(out, 1);
        self.old_level.encode_field(out, 2);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.err.encoded_len_hint()
            + FIELD_HEADER_LEN + self.old_level.encoded_len_hint()
    }
}

/// One step of a move.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConfigurationProposalAction {
    /// The server that carries it out.
    pub target: RpcAddress,
    /// The server that it is about.
    pub node: RpcAddress,
    /// The change.
    pub r#type: ConfigType,
    /// Name of `target`.
    pub hp_target: Option<HostPort>,
    /// Name of `node`.
    pub hp_node: Option<HostPort>,
}

impl Message for ConfigurationProposalAction {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut target = None;
        let mut node = None;
        let mut r#type = None;
        let mut hp_target = None;
        let mut hp_node = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => target = Some(Message::decode(reader)?),
                (2, FieldType::STRUCT) => node = Some(Message::decode(reader)?),
                (3, FieldType::I32) => r#type = Some(Message::decode(reader)?),
                (5, FieldType::STRUCT) => hp_target = Some(Message::decode(reader)?),
                (6, FieldType::STRUCT) => hp_node = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            target: target.unwrap_or_default(),
            node: node.unwrap_or_default(),
            r#type: r#type.unwrap_or_default(),
            hp_target,
            hp_node,
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.target.encode_field(out, 1);
        self.node.encode_field(out, 2);
        self.r#type.encode_field(out, 3);
        if let Some(value) = &self.hp_target {
            value.encode_field(out, 5);
        }
        if let Some(value) = &self.hp_node {
            value.encode_field(out, 6);
        }
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.target.encoded_len_hint()
            + FIELD_HEADER_LEN + self.node.encoded_len_hint()
            + FIELD_HEADER_LEN + self.r#type.encoded_len_hint()
            + self.hp_target.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
            + self.hp_node.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
    }
}

/// Argument of RPC_CM_PROPOSE_BALANCER: move replicas by hand.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConfigurationBalancerRequest {
    /// Which partition.
    pub gpid: Gpid,
    /// Steps, in order.
    pub action_list: Vec<ConfigurationProposalAction>,
    /// Even when the function level forbids it.
    /// Readers take a missing one as `false`.
    pub force: Option<bool>,
    /// Kind of move.
    pub balance_type: Option<BalancerRequestType>,
}

impl Message for ConfigurationBalancerRequest {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut gpid = None;
        let mut action_list = None;
        let mut force = None;
        let mut balance_type = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => gpid = Some(Message::decode(reader)?),
                (2, FieldType::LIST) => action_list = Some(Message::decode(reader)?),
                (3, FieldType::BOOL) => force = Some(Message::decode(reader)?),
                (4, FieldType::I32) => balance_type = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            gpid: gpid.unwrap_or_default(),
            action_list: action_list.unwrap_or_default(),
            force,
            balance_type,
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.gpid.encode_field(out, 1);
        self.action_list.encode_field(out, 2);
        if let Some(value) = &self.force {
            value.encode_field(out, 3);
        }
        if let Some(value) = &self.balance_type {
            value.encode_field(out, 4);
        }
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.gpid.encoded_len_hint()
            + FIELD_HEADER_LEN + self.action_list.encoded_len_hint()
            + self.force.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
            + self.balance_type.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
    }
}

/// Answer to RPC_CM_PROPOSE_BALANCER.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConfigurationBalancerResponse {
    /// Outcome.
    pub err: ErrorCode,
}

impl Message for ConfigurationBalancerResponse {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut err = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => err = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            err: err.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.err.encode_field(out, 1);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.err.encoded_len_hint()
    }
}

/// Argument of RPC_CM_DDD_DIAGNOSE: partitions that lost all members.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DddDiagnoseRequest {
    /// A partition; index -1 means a table, and table -1 all.
    pub pid: Gpid,
}

impl Message for DddDiagnoseRequest {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut pid = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => pid = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            pid: pid.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.pid.encode_field(out, 1);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.pid.encoded_len_hint()
    }
}

/// A server that was a member of such a partition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DddNodeInfo {
    /// Where it is.
    pub node: RpcAddress,
    /// When it left, Unix milliseconds.
    pub drop_time_ms: i64,
    /// Whether it lives now.
    pub is_alive: bool,
    /// Whether it has reported its replicas.
    pub is_collected: bool,
    /// Ballot of its replica; -1 when unknown.
    pub ballot: i64,
    /// Committed on its replica; -1 when unknown.
    pub last_committed_decree: i64,
    /// Prepared on its replica; -1 when unknown.
    pub last_prepared_decree: i64,
    /// Name of `node`.
    pub hp_node: Option<HostPort>,
}

impl Message for DddNodeInfo {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut node = None;
        let mut drop_time_ms = None;
        let mut is_alive = None;
        let mut is_collected = None;
        let mut ballot = None;
        let mut last_committed_decree = None;
        let mut last_prepared_decree = None;
        let mut hp_node = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => node = Some(Message::decode(reader)?),
                (2, FieldType::I64) => drop_time_ms = Some(Message::decode(reader)?),
                (3, FieldType::BOOL) => is_alive = Some(Message::decode(reader)?),
                (4, FieldType::BOOL) => is_collected = Some(Message::decode(reader)?),
                (5, FieldType::I64) => ballot = Some(Message::decode(reader)?),
                (6, FieldType::I64) => last_committed_decree = Some(Message::decode(reader)?),
                (7, FieldType::I64) => last_prepared_decree = Some(Message::decode(reader)?),
                (8, FieldType::STRUCT) => hp_node = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            node: node.unwrap_or_default(),
            drop_time_ms: drop_time_ms.unwrap_or_default(),
            is_alive: is_alive.unwrap_or_default(),
            is_collected: is_collected.unwrap_or_default(),
            ballot: ballot.unwrap_or_default(),
            last_committed_decree: last_committed_decree.unwrap_or_default(),
            last_prepared_decree: last_prepared_decree.unwrap_or_default(),
            hp_node,
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.node.encode_field(out, 1);
        self.drop_time_ms.encode_field(out, 2);
        self.is_alive.encode_field(out, 3);
        self.is_collected.encode_field(out, 4);
        self.ballot.encode_field(out, 5);
        self.last_committed_decree.encode_field(out, 6);
        self.last_prepared_decree.encode_field(out, 7);
        if let Some(value) = &self.hp_node {
            value.encode_field(out, 8);
        }
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.node.encoded_len_hint()
            + FIELD_HEADER_LEN + self.drop_time_ms.encoded_len_hint()
            + FIELD_HEADER_LEN + self.is_alive.encoded_len_hint()
            + FIELD_HEADER_LEN + self.is_collected.encoded_len_hint()
            + FIELD_HEADER_LEN + self.ballot.encoded_len_hint()
            + FIELD_HEADER_LEN + self.last_committed_decree.encoded_len_hint()
            + FIELD_HEADER_LEN + self.last_prepared_decree.encoded_len_hint()
            + self.hp_node.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
    }
}

/// A partition that lost all members.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DddPartitionInfo {
    /// Its last membership.
    pub config: super::layer2::PartitionConfiguration,
    /// Its last members, the latest last.
    pub dropped: Vec<DddNodeInfo>,
    /// Why the meta server does not choose a primary by itself.
    pub reason: String,
}

impl Message for DddPartitionInfo {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut config = None;
        let mut dropped = None;
        let mut reason = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => config = Some(Message::decode(reader)?),
                (2, FieldType::LIST) => dropped = Some(Message::decode(reader)?),
                (3, FieldType::STRING) => reason = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            config: config.unwrap_or_default(),
            dropped: dropped.unwrap_or_default(),
            reason: reason.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.config.encode_field(out, 1);
        self.dropped.encode_field(out, 2);
        self.reason.encode_field(out, 3);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.config.encoded_len_hint()
            + FIELD_HEADER_LEN + self.dropped.encoded_len_hint()
            + FIELD_HEADER_LEN + self.reason.encoded_len_hint()
    }
}

/// Answer to RPC_CM_DDD_DIAGNOSE.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DddDiagnoseResponse {
    /// Outcome.
    pub err: ErrorCode,
    /// The partitions.
    pub partitions: Vec<DddPartitionInfo>,
}

impl Message for DddDiagnoseResponse {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut err = None;
        let mut partitions = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => err = Some(Message::decode(reader)?),
                (2, FieldType::LIST) => partitions = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            err: err.unwrap_or_default(),
            partitions: partitions.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.err.encode_field(out, 1);
        self.partitions.encode_field(out, 2);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.err.encoded_len_hint()
            + FIELD_HEADER_LEN + self.partitions.encoded_len_hint()
    }
}

/// Argument of RPC_CM_GET_MAX_REPLICA_COUNT.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConfigurationGetMaxReplicaCountRequest {
    /// Name of the table.
    pub app_name: String,
}

impl Message for ConfigurationGetMaxReplicaCountRequest {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut app_name = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRING) => app_name = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            app_name: app_name.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.app_name.encode_field(out, 1);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.app_name.encoded_len_hint()
    }
}

/// Answer to RPC_CM_GET_MAX_REPLICA_COUNT.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConfigurationGetMaxReplicaCountResponse {
    /// Outcome.
    pub err: ErrorCode,
    /// Replicas of each partition.
    pub max_replica_count: i32,
    /// What was wrong.
    pub hint_message: String,
}

impl Message for ConfigurationGetMaxReplicaCountResponse {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut err = None;
        let mut max_replica_count = None;
        let mut hint_message = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => err = Some(Message::decode(reader)?),
                (2, FieldType::I32) => max_replica_count = Some(Message::decode(reader)?),
                (3, FieldType::STRING) => hint_message = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            err: err.unwrap_or_default(),
            max_replica_count: max_replica_count.unwrap_or_default(),
            hint_message: hint_message.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.err.encode_field(out, 1);
        self.max_replica_count.encode_field(out, 2);
        self.hint_message.encode_field(out, 3);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.err.encoded_len_hint()
            + FIELD_HEADER_LEN + self.max_replica_count.encoded_len_hint()
            + FIELD_HEADER_LEN + self.hint_message.encoded_len_hint()
    }
}

/// Argument of RPC_CM_SET_MAX_REPLICA_COUNT.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConfigurationSetMaxReplicaCountRequest {
    /// Name of the table.
    pub app_name: String,
    /// Replicas wanted of each partition.
    pub max_replica_count: i32,
}

impl Message for ConfigurationSetMaxReplicaCountRequest {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut app_name = None;
        let mut max_replica_count = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRING) => app_name = Some(Message::decode(reader)?),
                (2, FieldType::I32) => max_replica_count = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            app_name: app_name.unwrap_or_default(),
            max_replica_count: max_replica_count.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.app_name.encode_field(out, 1);
        self.max_replica_count.encode_field(out, 2);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.app_name.encoded_len_hint()
            + FIELD_HEADER_LEN + self.max_replica_count.encoded_len_hint()
    }
}

/// Answer to RPC_CM_SET_MAX_REPLICA_COUNT.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConfigurationSetMaxReplicaCountResponse {
    /// Outcome.
    pub err: ErrorCode,
    /// Count before.
    pub old_max_replica_count: i32,
    /// What was wrong.
    pub hint_message: String,
}

impl Message for ConfigurationSetMaxReplicaCountResponse {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut err = None;
        let mut old_max_replica_count = None;
        let mut hint_message = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => err = Some(Message::decode(reader)?),
                (2, FieldType::I32) => old_max_replica_count = Some(Message::decode(reader)?),
                (3, FieldType::STRING) => hint_message = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            err: err.unwrap_or_default(),
            old_max_replica_count: old_max_replica_count.unwrap_or_default(),
            hint_message: hint_message.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.err.encode_field(out, 1);
        self.old_max_replica_count.encode_field(out, 2);
        self.hint_message.encode_field(out, 3);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.err.encoded_len_hint()
            + FIELD_HEADER_LEN + self.old_max_replica_count.encoded_len_hint()
            + FIELD_HEADER_LEN + self.hint_message.encoded_len_hint()
    }
}

/// Argument of RPC_CM_GET_ATOMIC_IDEMPOTENT.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConfigurationGetAtomicIdempotentRequest {
    /// Name of the table.
    pub app_name: String,
}

impl Message for ConfigurationGetAtomicIdempotentRequest {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut app_name = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRING) => app_name = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            app_name: app_name.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.app_name.encode_field(out, 1);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.app_name.encoded_len_hint()
    }
}

/// Answer to RPC_CM_GET_ATOMIC_IDEMPOTENT.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConfigurationGetAtomicIdempotentResponse {
    /// Outcome.
    pub err: ErrorCode,
    /// Whether atomic writes are turned into puts.
    pub atomic_idempotent: bool,
    /// What was wrong.
    pub hint_message: String,
}

impl Message for ConfigurationGetAtomicIdempotentResponse {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut err = None;
        let mut atomic_idempotent = None;
        let mut hint_message = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => err = Some(Message::decode(reader)?),
                (2, FieldType::BOOL) => atomic_idempotent = Some(Message::decode(reader)?),
                (3, FieldType::STRING) => hint_message = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            err: err.unwrap_or_default(),
            atomic_idempotent: atomic_idempotent.unwrap_or_default(),
            hint_message: hint_message.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.err.encode_field(out, 1);
        self.atomic_idempotent.encode_field(out, 2);
        self.hint_message.encode_field(out, 3);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.err.encoded_len_hint()
            + FIELD_HEADER_LEN + self.atomic_idempotent.encoded_len_hint()
            + FIELD_HEADER_LEN + self.hint_message.encoded_len_hint()
    }
}

/// Argument of RPC_CM_SET_ATOMIC_IDEMPOTENT.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConfigurationSetAtomicIdempotentRequest {
    /// Name of the table.
    pub app_name: String,
    /// Whether atomic writes shall be turned into puts.
    pub atomic_idempotent: bool,
}

impl Message for ConfigurationSetAtomicIdempotentRequest {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut app_name = None;
        let mut atomic_idempotent = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRING) => app_name = Some(Message::decode(reader)?),
                (2, FieldType::BOOL) => atomic_idempotent = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            app_name: app_name.unwrap_or_default(),
            atomic_idempotent: atomic_idempotent.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.app_name.encode_field(out, 1);
        self.atomic_idempotent.encode_field(out, 2);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.app_name.encoded_len_hint()
            + FIELD_HEADER_LEN + self.atomic_idempotent.encoded_len_hint()
    }
}

/// Answer to RPC_CM_SET_ATOMIC_IDEMPOTENT.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConfigurationSetAtomicIdempotentResponse {
    /// Outcome.
    pub err: ErrorCode,
    /// Setting before.
    pub old_atomic_idempotent: bool,
    /// What was wrong.
    pub hint_message: String,
}

impl Message for ConfigurationSetAtomicIdempotentResponse {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut err = None;
        let mut old_atomic_idempotent = None;
        let mut hint_message = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => err = Some(Message::decode(reader)?),
                (2, FieldType::BOOL) => old_atomic_idempotent = Some(Message::decode(reader)?),
                (3, FieldType::STRING) => hint_message = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            err: err.unwrap_or_default(),
            old_atomic_idempotent: old_atomic_idempotent.unwrap_or_default(),
            hint_message: hint_message.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.err.encode_field(out, 1);
        self.old_atomic_idempotent.encode_field(out, 2);
        self.hint_message.encode_field(out, 3);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.err.encoded_len_hint()
            + FIELD_HEADER_LEN + self.old_atomic_idempotent.encoded_len_hint()
            + FIELD_HEADER_LEN + self.hint_message.encoded_len_hint()
    }
}

wire_enum! {
    /// What is to be done with the members of the metadata group. Ours.
    MetaMembersOperation {
        /// Tell them.
        MMO_LIST = 0, "MMO_LIST";
        /// Add the server at an address; one that was there before is replaced.
        MMO_ADD = 1, "MMO_ADD";
        /// Remove the server at an address.
        MMO_REMOVE = 2, "MMO_REMOVE";
    }
}

wire_enum! {
    /// What a meta server is in its group. Ours.
    MetaMemberStanding {
        /// Gets everything and does not vote.
        MMS_LEARNER = 0, "MMS_LEARNER";
        /// Votes.
        MMS_VOTER = 1, "MMS_VOTER";
        /// Leads.
        MMS_LEADER = 2, "MMS_LEADER";
    }
}

/// One meta server. Ours.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MetaMember {
    /// Where it listens.
    pub address: String,
    /// Who it is: 16 hexadecimal digits, as logs name it.
    pub id: String,
    /// What it is.
    pub standing: MetaMemberStanding,
}

impl Message for MetaMember {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut address = None;
        let mut id = None;
        let mut standing = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRING) => address = Some(Message::decode(reader)?),
                (2, FieldType::STRING) => id = Some(Message::decode(reader)?),
                (3, FieldType::I32) => standing = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            address: address.unwrap_or_default(),
            id: id.unwrap_or_default(),
            standing: standing.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.address.encode_field(out, 1);
        self.id.encode_field(out, 2);
        self.standing.encode_field(out, 3);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.address.encoded_len_hint()
            + FIELD_HEADER_LEN + self.id.encoded_len_hint()
            + FIELD_HEADER_LEN + self.standing.encoded_len_hint()
    }
}

/// Argument of RPC_CM_META_MEMBERS. Ours.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MetaMembersRequest {
    /// What is to be done.
    pub operation: MetaMembersOperation,
    /// With whom; empty for a list.
    pub address: String,
}

impl Message for MetaMembersRequest {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut operation = None;
        let mut address = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::I32) => operation = Some(Message::decode(reader)?),
                (2, FieldType::STRING) => address = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            operation: operation.unwrap_or_default(),
            address: address.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.operation.encode_field(out, 1);
        self.address.encode_field(out, 2);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.operation.encoded_len_hint()
            + FIELD_HEADER_LEN + self.address.encoded_len_hint()
    }
}

/// Answer to RPC_CM_META_MEMBERS. Ours.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MetaMembersResponse {
    /// Outcome.
    pub err: ErrorCode,
    /// All of them, by address, after the change.
    pub members: Vec<MetaMember>,
    /// What was wrong.
    pub hint_message: String,
}

impl Message for MetaMembersResponse {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut err = None;
        let mut members = None;
        let mut hint_message = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => err = Some(Message::decode(reader)?),
                (2, FieldType::LIST) => members = Some(Message::decode(reader)?),
                (3, FieldType::STRING) => hint_message = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            err: err.unwrap_or_default(),
            members: members.unwrap_or_default(),
            hint_message: hint_message.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.err.encode_field(out, 1);
        self.members.encode_field(out, 2);
        self.hint_message.encode_field(out, 3);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.err.encoded_len_hint()
            + FIELD_HEADER_LEN + self.members.encoded_len_hint()
            + FIELD_HEADER_LEN + self.hint_message.encoded_len_hint()
    }
}

/// Argument of RPC_CM_META_DUMP. Ours.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MetaDumpRequest {
}

impl Message for MetaDumpRequest {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        while let Some(field) = reader.field()? {
            reader.skip(field.field_type)?;
        }
        Ok(Self {})
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
    }
}

/// Answer to RPC_CM_META_DUMP. Ours.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MetaDumpResponse {
    /// Outcome.
    pub err: ErrorCode,
    /// All metadata: JSON, see docs/formats/metadata-dump.md.
    pub dump: String,
}

impl Message for MetaDumpResponse {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut err = None;
        let mut dump = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => err = Some(Message::decode(reader)?),
                (2, FieldType::STRING) => dump = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            err: err.unwrap_or_default(),
            dump: dump.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.err.encode_field(out, 1);
        self.dump.encode_field(out, 2);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.err.encoded_len_hint()
            + FIELD_HEADER_LEN + self.dump.encoded_len_hint()
    }
}
