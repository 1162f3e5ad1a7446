// Made by pegasus-idl-generator from idl/; do not edit.

//! Calls that the meta server answers: table administration for tools, and the reports of replica
//! servers (meta-server.md section 32.3). Every answer begins with the outcome; besides the outcomes
//! named there, any call may be answered ERR_FORWARD_TO_OTHERS, ERR_SERVICE_NOT_ACTIVE,
//! ERR_UNDER_RECOVERY or ERR_ACL_DENY.

use std::collections::BTreeMap;
use bytes::BytesMut;
use pegasus_common::{ErrorCode, Gpid, HostPort, RpcAddress};

use crate::codec::wire_enum;
use crate::codec::{FIELD_HEADER_LEN, encode_field_header};
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
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => message.info = Message::decode(reader)?,
                (2, FieldType::STRUCT) => message.config = Message::decode(reader)?,
                (3, FieldType::I32) => message.r#type = Message::decode(reader)?,
                (4, FieldType::STRUCT) => message.node = Message::decode(reader)?,
                (5, FieldType::STRUCT) => message.host_node = Message::decode(reader)?,
                (6, FieldType::I32) => message.meta_split_status = Some(Message::decode(reader)?),
                (7, FieldType::STRUCT) => message.hp_node = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::STRUCT, 1);
        self.info.encode(out);
        encode_field_header(out, FieldType::STRUCT, 2);
        self.config.encode(out);
        encode_field_header(out, FieldType::I32, 3);
        self.r#type.encode(out);
        encode_field_header(out, FieldType::STRUCT, 4);
        self.node.encode(out);
        encode_field_header(out, FieldType::STRUCT, 5);
        self.host_node.encode(out);
        if let Some(value) = &self.meta_split_status {
            encode_field_header(out, FieldType::I32, 6);
            value.encode(out);
        }
        if let Some(value) = &self.hp_node {
            encode_field_header(out, FieldType::STRUCT, 7);
            value.encode(out);
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
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => message.err = Message::decode(reader)?,
                (2, FieldType::STRUCT) => message.config = Message::decode(reader)?,
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::STRUCT, 1);
        self.err.encode(out);
        encode_field_header(out, FieldType::STRUCT, 2);
        self.config.encode(out);
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
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::MAP) => message.geo_tags = Message::decode(reader)?,
                (2, FieldType::I64) => message.total_capacity_mb = Message::decode(reader)?,
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::MAP, 1);
        self.geo_tags.encode(out);
        encode_field_header(out, FieldType::I64, 2);
        self.total_capacity_mb.encode(out);
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
}

impl Message for ConfigurationQueryByNodeRequest {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => message.node = Message::decode(reader)?,
                (2, FieldType::LIST) => message.stored_replicas = Some(Message::decode(reader)?),
                (3, FieldType::STRUCT) => message.info = Some(Message::decode(reader)?),
                (4, FieldType::STRUCT) => message.hp_node = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::STRUCT, 1);
        self.node.encode(out);
        if let Some(value) = &self.stored_replicas {
            encode_field_header(out, FieldType::LIST, 2);
            value.encode(out);
        }
        if let Some(value) = &self.info {
            encode_field_header(out, FieldType::STRUCT, 3);
            value.encode(out);
        }
        if let Some(value) = &self.hp_node {
            encode_field_header(out, FieldType::STRUCT, 4);
            value.encode(out);
        }
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.node.encoded_len_hint()
            + self.stored_replicas.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
            + self.info.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
            + self.hp_node.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
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
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => message.err = Message::decode(reader)?,
                (2, FieldType::LIST) => message.partitions = Message::decode(reader)?,
                (3, FieldType::LIST) => message.gc_replicas = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::STRUCT, 1);
        self.err.encode(out);
        encode_field_header(out, FieldType::LIST, 2);
        self.partitions.encode(out);
        if let Some(value) = &self.gc_replicas {
            encode_field_header(out, FieldType::LIST, 3);
            value.encode(out);
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
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::LIST) => message.recovery_nodes = Message::decode(reader)?,
                (2, FieldType::BOOL) => message.skip_bad_nodes = Message::decode(reader)?,
                (3, FieldType::BOOL) => message.skip_lost_partitions = Message::decode(reader)?,
                (4, FieldType::LIST) => message.hp_recovery_nodes = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::LIST, 1);
        self.recovery_nodes.encode(out);
        encode_field_header(out, FieldType::BOOL, 2);
        self.skip_bad_nodes.encode(out);
        encode_field_header(out, FieldType::BOOL, 3);
        self.skip_lost_partitions.encode(out);
        if let Some(value) = &self.hp_recovery_nodes {
            encode_field_header(out, FieldType::LIST, 4);
            value.encode(out);
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
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => message.err = Message::decode(reader)?,
                (2, FieldType::STRING) => message.hint_message = Message::decode(reader)?,
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::STRUCT, 1);
        self.err.encode(out);
        encode_field_header(out, FieldType::STRING, 2);
        self.hint_message.encode(out);
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
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::I32) => message.partition_count = Message::decode(reader)?,
                (2, FieldType::I32) => message.replica_count = Message::decode(reader)?,
                (3, FieldType::BOOL) => message.success_if_exist = Message::decode(reader)?,
                (4, FieldType::STRING) => message.app_type = Message::decode(reader)?,
                (5, FieldType::BOOL) => message.is_stateful = Message::decode(reader)?,
                (6, FieldType::MAP) => message.envs = Message::decode(reader)?,
                (7, FieldType::BOOL) => message.atomic_idempotent = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::I32, 1);
        self.partition_count.encode(out);
        encode_field_header(out, FieldType::I32, 2);
        self.replica_count.encode(out);
        encode_field_header(out, FieldType::BOOL, 3);
        self.success_if_exist.encode(out);
        encode_field_header(out, FieldType::STRING, 4);
        self.app_type.encode(out);
        encode_field_header(out, FieldType::BOOL, 5);
        self.is_stateful.encode(out);
        encode_field_header(out, FieldType::MAP, 6);
        self.envs.encode(out);
        if let Some(value) = &self.atomic_idempotent {
            encode_field_header(out, FieldType::BOOL, 7);
            value.encode(out);
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
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRING) => message.app_name = Message::decode(reader)?,
                (2, FieldType::STRUCT) => message.options = Message::decode(reader)?,
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::STRING, 1);
        self.app_name.encode(out);
        encode_field_header(out, FieldType::STRUCT, 2);
        self.options.encode(out);
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
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => message.err = Message::decode(reader)?,
                (2, FieldType::I32) => message.appid = Message::decode(reader)?,
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::STRUCT, 1);
        self.err.encode(out);
        encode_field_header(out, FieldType::I32, 2);
        self.appid.encode(out);
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
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::BOOL) => message.success_if_not_exist = Message::decode(reader)?,
                (2, FieldType::I64) => message.reserve_seconds = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::BOOL, 1);
        self.success_if_not_exist.encode(out);
        if let Some(value) = &self.reserve_seconds {
            encode_field_header(out, FieldType::I64, 2);
            value.encode(out);
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
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRING) => message.app_name = Message::decode(reader)?,
                (2, FieldType::STRUCT) => message.options = Message::decode(reader)?,
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::STRING, 1);
        self.app_name.encode(out);
        encode_field_header(out, FieldType::STRUCT, 2);
        self.options.encode(out);
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
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => message.err = Message::decode(reader)?,
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::STRUCT, 1);
        self.err.encode(out);
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
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRING) => message.old_app_name = Message::decode(reader)?,
                (2, FieldType::STRING) => message.new_app_name = Message::decode(reader)?,
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::STRING, 1);
        self.old_app_name.encode(out);
        encode_field_header(out, FieldType::STRING, 2);
        self.new_app_name.encode(out);
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
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => message.err = Message::decode(reader)?,
                (2, FieldType::STRING) => message.hint_message = Message::decode(reader)?,
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::STRUCT, 1);
        self.err.encode(out);
        encode_field_header(out, FieldType::STRING, 2);
        self.hint_message.encode(out);
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
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::I32) => message.app_id = Message::decode(reader)?,
                (2, FieldType::STRING) => message.new_app_name = Message::decode(reader)?,
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::I32, 1);
        self.app_id.encode(out);
        encode_field_header(out, FieldType::STRING, 2);
        self.new_app_name.encode(out);
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
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => message.err = Message::decode(reader)?,
                (2, FieldType::STRUCT) => message.info = Message::decode(reader)?,
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::STRUCT, 1);
        self.err.encode(out);
        encode_field_header(out, FieldType::STRUCT, 2);
        self.info.encode(out);
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
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::I32) => message.status = Message::decode(reader)?,
                (2, FieldType::STRING) => message.app_name_pattern = Some(Message::decode(reader)?),
                (3, FieldType::I32) => message.match_type = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::I32, 1);
        self.status.encode(out);
        if let Some(value) = &self.app_name_pattern {
            encode_field_header(out, FieldType::STRING, 2);
            value.encode(out);
        }
        if let Some(value) = &self.match_type {
            encode_field_header(out, FieldType::I32, 3);
            value.encode(out);
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
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => message.err = Message::decode(reader)?,
                (2, FieldType::LIST) => message.infos = Message::decode(reader)?,
                (3, FieldType::STRING) => message.hint_message = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::STRUCT, 1);
        self.err.encode(out);
        encode_field_header(out, FieldType::LIST, 2);
        self.infos.encode(out);
        if let Some(value) = &self.hint_message {
            encode_field_header(out, FieldType::STRING, 3);
            value.encode(out);
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
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => message.meta_server = Message::decode(reader)?,
                (2, FieldType::STRUCT) => message.hp_meta_server = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::STRUCT, 1);
        self.meta_server.encode(out);
        if let Some(value) = &self.hp_meta_server {
            encode_field_header(out, FieldType::STRUCT, 2);
            value.encode(out);
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
}

impl Message for QueryAppInfoResponse {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => message.err = Message::decode(reader)?,
                (2, FieldType::LIST) => message.apps = Message::decode(reader)?,
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::STRUCT, 1);
        self.err.encode(out);
        encode_field_header(out, FieldType::LIST, 2);
        self.apps.encode(out);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.err.encoded_len_hint()
            + FIELD_HEADER_LEN + self.apps.encoded_len_hint()
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
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRING) => message.app_name = Message::decode(reader)?,
                (2, FieldType::I32) => message.op = Message::decode(reader)?,
                (3, FieldType::LIST) => message.keys = Some(Message::decode(reader)?),
                (4, FieldType::LIST) => message.values = Some(Message::decode(reader)?),
                (5, FieldType::STRING) => message.clear_prefix = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::STRING, 1);
        self.app_name.encode(out);
        encode_field_header(out, FieldType::I32, 2);
        self.op.encode(out);
        if let Some(value) = &self.keys {
            encode_field_header(out, FieldType::LIST, 3);
            value.encode(out);
        }
        if let Some(value) = &self.values {
            encode_field_header(out, FieldType::LIST, 4);
            value.encode(out);
        }
        if let Some(value) = &self.clear_prefix {
            encode_field_header(out, FieldType::STRING, 5);
            value.encode(out);
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
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => message.err = Message::decode(reader)?,
                (2, FieldType::STRING) => message.hint_message = Message::decode(reader)?,
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::STRUCT, 1);
        self.err.encode(out);
        encode_field_header(out, FieldType::STRING, 2);
        self.hint_message.encode(out);
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
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRING) => message.app_name = Message::decode(reader)?,
                (2, FieldType::I64) => message.trigger_time = Some(Message::decode(reader)?),
                (3, FieldType::I32) => message.target_level = Some(Message::decode(reader)?),
                (4, FieldType::BOOL) => message.bottommost = Some(Message::decode(reader)?),
                (5, FieldType::I32) => message.max_running_count = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::STRING, 1);
        self.app_name.encode(out);
        if let Some(value) = &self.trigger_time {
            encode_field_header(out, FieldType::I64, 2);
            value.encode(out);
        }
        if let Some(value) = &self.target_level {
            encode_field_header(out, FieldType::I32, 3);
            value.encode(out);
        }
        if let Some(value) = &self.bottommost {
            encode_field_header(out, FieldType::BOOL, 4);
            value.encode(out);
        }
        if let Some(value) = &self.max_running_count {
            encode_field_header(out, FieldType::I32, 5);
            value.encode(out);
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
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => message.err = Message::decode(reader)?,
                (2, FieldType::STRING) => message.hint_msg = Message::decode(reader)?,
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::STRUCT, 1);
        self.err.encode(out);
        encode_field_header(out, FieldType::STRING, 2);
        self.hint_msg.encode(out);
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
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRING) => message.app_name = Message::decode(reader)?,
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::STRING, 1);
        self.app_name.encode(out);
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
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => message.err = Message::decode(reader)?,
                (2, FieldType::STRING) => message.hint_msg = Message::decode(reader)?,
                (3, FieldType::I32) => message.progress = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::STRUCT, 1);
        self.err.encode(out);
        encode_field_header(out, FieldType::STRING, 2);
        self.hint_msg.encode(out);
        if let Some(value) = &self.progress {
            encode_field_header(out, FieldType::I32, 3);
            value.encode(out);
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
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::I32) => message.status = Message::decode(reader)?,
                (2, FieldType::STRUCT) => message.node = Message::decode(reader)?,
                (3, FieldType::STRUCT) => message.hp_node = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::I32, 1);
        self.status.encode(out);
        encode_field_header(out, FieldType::STRUCT, 2);
        self.node.encode(out);
        if let Some(value) = &self.hp_node {
            encode_field_header(out, FieldType::STRUCT, 3);
            value.encode(out);
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
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::I32) => message.status = Message::decode(reader)?,
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::I32, 1);
        self.status.encode(out);
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
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => message.err = Message::decode(reader)?,
                (2, FieldType::LIST) => message.infos = Message::decode(reader)?,
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::STRUCT, 1);
        self.err.encode(out);
        encode_field_header(out, FieldType::LIST, 2);
        self.infos.encode(out);
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
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => message.err = Message::decode(reader)?,
                (2, FieldType::LIST) => message.keys = Message::decode(reader)?,
                (3, FieldType::LIST) => message.values = Message::decode(reader)?,
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::STRUCT, 1);
        self.err.encode(out);
        encode_field_header(out, FieldType::LIST, 2);
        self.keys.encode(out);
        encode_field_header(out, FieldType::LIST, 3);
        self.values.encode(out);
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
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::I32) => message.level = Message::decode(reader)?,
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::I32, 1);
        self.level.encode(out);
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
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => message.err = Message::decode(reader)?,
                (2, FieldType::I32) => message.old_level = Message::decode(reader)?,
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::STRUCT, 1);
        self.err.encode(out);
        encode_field_header(out, FieldType::I32, 2);
        self.old_level.encode(out);
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
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => message.target = Message::decode(reader)?,
                (2, FieldType::STRUCT) => message.node = Message::decode(reader)?,
                (3, FieldType::I32) => message.r#type = Message::decode(reader)?,
                (5, FieldType::STRUCT) => message.hp_target = Some(Message::decode(reader)?),
                (6, FieldType::STRUCT) => message.hp_node = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::STRUCT, 1);
        self.target.encode(out);
        encode_field_header(out, FieldType::STRUCT, 2);
        self.node.encode(out);
        encode_field_header(out, FieldType::I32, 3);
        self.r#type.encode(out);
        if let Some(value) = &self.hp_target {
            encode_field_header(out, FieldType::STRUCT, 5);
            value.encode(out);
        }
        if let Some(value) = &self.hp_node {
            encode_field_header(out, FieldType::STRUCT, 6);
            value.encode(out);
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
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => message.gpid = Message::decode(reader)?,
                (2, FieldType::LIST) => message.action_list = Message::decode(reader)?,
                (3, FieldType::BOOL) => message.force = Some(Message::decode(reader)?),
                (4, FieldType::I32) => message.balance_type = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::STRUCT, 1);
        self.gpid.encode(out);
        encode_field_header(out, FieldType::LIST, 2);
        self.action_list.encode(out);
        if let Some(value) = &self.force {
            encode_field_header(out, FieldType::BOOL, 3);
            value.encode(out);
        }
        if let Some(value) = &self.balance_type {
            encode_field_header(out, FieldType::I32, 4);
            value.encode(out);
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
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => message.err = Message::decode(reader)?,
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::STRUCT, 1);
        self.err.encode(out);
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
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => message.pid = Message::decode(reader)?,
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::STRUCT, 1);
        self.pid.encode(out);
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
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => message.node = Message::decode(reader)?,
                (2, FieldType::I64) => message.drop_time_ms = Message::decode(reader)?,
                (3, FieldType::BOOL) => message.is_alive = Message::decode(reader)?,
                (4, FieldType::BOOL) => message.is_collected = Message::decode(reader)?,
                (5, FieldType::I64) => message.ballot = Message::decode(reader)?,
                (6, FieldType::I64) => message.last_committed_decree = Message::decode(reader)?,
                (7, FieldType::I64) => message.last_prepared_decree = Message::decode(reader)?,
                (8, FieldType::STRUCT) => message.hp_node = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::STRUCT, 1);
        self.node.encode(out);
        encode_field_header(out, FieldType::I64, 2);
        self.drop_time_ms.encode(out);
        encode_field_header(out, FieldType::BOOL, 3);
        self.is_alive.encode(out);
        encode_field_header(out, FieldType::BOOL, 4);
        self.is_collected.encode(out);
        encode_field_header(out, FieldType::I64, 5);
        self.ballot.encode(out);
        encode_field_header(out, FieldType::I64, 6);
        self.last_committed_decree.encode(out);
        encode_field_header(out, FieldType::I64, 7);
        self.last_prepared_decree.encode(out);
        if let Some(value) = &self.hp_node {
            encode_field_header(out, FieldType::STRUCT, 8);
            value.encode(out);
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
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => message.config = Message::decode(reader)?,
                (2, FieldType::LIST) => message.dropped = Message::decode(reader)?,
                (3, FieldType::STRING) => message.reason = Message::decode(reader)?,
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::STRUCT, 1);
        self.config.encode(out);
        encode_field_header(out, FieldType::LIST, 2);
        self.dropped.encode(out);
        encode_field_header(out, FieldType::STRING, 3);
        self.reason.encode(out);
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
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => message.err = Message::decode(reader)?,
                (2, FieldType::LIST) => message.partitions = Message::decode(reader)?,
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::STRUCT, 1);
        self.err.encode(out);
        encode_field_header(out, FieldType::LIST, 2);
        self.partitions.encode(out);
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
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRING) => message.app_name = Message::decode(reader)?,
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::STRING, 1);
        self.app_name.encode(out);
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
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => message.err = Message::decode(reader)?,
                (2, FieldType::I32) => message.max_replica_count = Message::decode(reader)?,
                (3, FieldType::STRING) => message.hint_message = Message::decode(reader)?,
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::STRUCT, 1);
        self.err.encode(out);
        encode_field_header(out, FieldType::I32, 2);
        self.max_replica_count.encode(out);
        encode_field_header(out, FieldType::STRING, 3);
        self.hint_message.encode(out);
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
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRING) => message.app_name = Message::decode(reader)?,
                (2, FieldType::I32) => message.max_replica_count = Message::decode(reader)?,
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::STRING, 1);
        self.app_name.encode(out);
        encode_field_header(out, FieldType::I32, 2);
        self.max_replica_count.encode(out);
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
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => message.err = Message::decode(reader)?,
                (2, FieldType::I32) => message.old_max_replica_count = Message::decode(reader)?,
                (3, FieldType::STRING) => message.hint_message = Message::decode(reader)?,
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::STRUCT, 1);
        self.err.encode(out);
        encode_field_header(out, FieldType::I32, 2);
        self.old_max_replica_count.encode(out);
        encode_field_header(out, FieldType::STRING, 3);
        self.hint_message.encode(out);
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
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRING) => message.app_name = Message::decode(reader)?,
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::STRING, 1);
        self.app_name.encode(out);
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
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => message.err = Message::decode(reader)?,
                (2, FieldType::BOOL) => message.atomic_idempotent = Message::decode(reader)?,
                (3, FieldType::STRING) => message.hint_message = Message::decode(reader)?,
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::STRUCT, 1);
        self.err.encode(out);
        encode_field_header(out, FieldType::BOOL, 2);
        self.atomic_idempotent.encode(out);
        encode_field_header(out, FieldType::STRING, 3);
        self.hint_message.encode(out);
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
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRING) => message.app_name = Message::decode(reader)?,
                (2, FieldType::BOOL) => message.atomic_idempotent = Message::decode(reader)?,
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::STRING, 1);
        self.app_name.encode(out);
        encode_field_header(out, FieldType::BOOL, 2);
        self.atomic_idempotent.encode(out);
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
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => message.err = Message::decode(reader)?,
                (2, FieldType::BOOL) => message.old_atomic_idempotent = Message::decode(reader)?,
                (3, FieldType::STRING) => message.hint_message = Message::decode(reader)?,
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::STRUCT, 1);
        self.err.encode(out);
        encode_field_header(out, FieldType::BOOL, 2);
        self.old_atomic_idempotent.encode(out);
        encode_field_header(out, FieldType::STRING, 3);
        self.hint_message.encode(out);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.err.encoded_len_hint()
            + FIELD_HEADER_LEN + self.old_atomic_idempotent.encoded_len_hint()
            + FIELD_HEADER_LEN + self.hint_message.encoded_len_hint()
    }
}
