// Made by pegasus-idl-generator from idl/; do not edit.

//! Tables and partitions as clients see them: the routing query, and the records that it and the
//! admin calls share.
//! Fields `hp_*` repeat addresses as host names. Released clients cannot skip them, so servers leave
//! them out unless a setting asks for them (wire-protocol.md section 7.4).

use std::collections::BTreeMap;
use bytes::BytesMut;
use pegasus_common::{ErrorCode, Gpid, HostPort, RpcAddress};

use crate::codec::wire_enum;
use crate::codec::{FIELD_HEADER_LEN, encode_field_header};
use crate::codec::{DecodeError, FieldType, Message, Reader, STOP_LEN, encode_stop};

wire_enum! {
    /// Life of a table.
    AppStatus {
        /// In a query: tables of any status.
        AS_INVALID = 0, "AS_INVALID";
        /// In service.
        AS_AVAILABLE = 1, "AS_AVAILABLE";
        /// Its partitions are not all ready yet.
        AS_CREATING = 2, "AS_CREATING";
        /// Unused.
        AS_CREATE_FAILED = 3, "AS_CREATE_FAILED";
        /// Being dropped.
        AS_DROPPING = 4, "AS_DROPPING";
        /// Unused.
        AS_DROP_FAILED = 5, "AS_DROP_FAILED";
        /// Dropped; can be recalled until it expires.
        AS_DROPPED = 6, "AS_DROPPED";
        /// Coming back from dropped.
        AS_RECALLING = 7, "AS_RECALLING";
    }
}

/// Members of one partition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PartitionConfiguration {
    /// Which partition.
    pub pid: Gpid,
    /// Epoch of this membership; -1 marks a split child without members.
    pub ballot: i64,
    /// Replicas that there should be.
    pub max_replica_count: i32,
    /// Invalid when there is none now.
    pub primary: RpcAddress,
    /// Without the primary.
    pub secondaries: Vec<RpcAddress>,
    /// Former members, at most three, the latest last.
    pub last_drops: Vec<RpcAddress>,
    /// As the meta server last heard.
    pub last_committed_decree: i64,
    /// Bit 0: the table is being dropped.
    pub partition_flags: i32,
    /// Name of `primary`.
    pub hp_primary: Option<HostPort>,
    /// Names of `secondaries`.
    pub hp_secondaries: Option<Vec<HostPort>>,
    /// Names of `last_drops`.
    pub hp_last_drops: Option<Vec<HostPort>>,
}

impl Message for PartitionConfiguration {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => message.pid = Message::decode(reader)?,
                (2, FieldType::I64) => message.ballot = Message::decode(reader)?,
                (3, FieldType::I32) => message.max_replica_count = Message::decode(reader)?,
                (4, FieldType::STRUCT) => message.primary = Message::decode(reader)?,
                (5, FieldType::LIST) => message.secondaries = Message::decode(reader)?,
                (6, FieldType::LIST) => message.last_drops = Message::decode(reader)?,
                (7, FieldType::I64) => message.last_committed_decree = Message::decode(reader)?,
                (8, FieldType::I32) => message.partition_flags = Message::decode(reader)?,
                (9, FieldType::STRUCT) => message.hp_primary = Some(Message::decode(reader)?),
                (10, FieldType::LIST) => message.hp_secondaries = Some(Message::decode(reader)?),
                (11, FieldType::LIST) => message.hp_last_drops = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::STRUCT, 1);
        self.pid.encode(out);
        encode_field_header(out, FieldType::I64, 2);
        self.ballot.encode(out);
        encode_field_header(out, FieldType::I32, 3);
        self.max_replica_count.encode(out);
        encode_field_header(out, FieldType::STRUCT, 4);
        self.primary.encode(out);
        encode_field_header(out, FieldType::LIST, 5);
        self.secondaries.encode(out);
        encode_field_header(out, FieldType::LIST, 6);
        self.last_drops.encode(out);
        encode_field_header(out, FieldType::I64, 7);
        self.last_committed_decree.encode(out);
        encode_field_header(out, FieldType::I32, 8);
        self.partition_flags.encode(out);
        if let Some(value) = &self.hp_primary {
            encode_field_header(out, FieldType::STRUCT, 9);
            value.encode(out);
        }
        if let Some(value) = &self.hp_secondaries {
            encode_field_header(out, FieldType::LIST, 10);
            value.encode(out);
        }
        if let Some(value) = &self.hp_last_drops {
            encode_field_header(out, FieldType::LIST, 11);
            value.encode(out);
        }
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.pid.encoded_len_hint()
            + FIELD_HEADER_LEN + self.ballot.encoded_len_hint()
            + FIELD_HEADER_LEN + self.max_replica_count.encoded_len_hint()
            + FIELD_HEADER_LEN + self.primary.encoded_len_hint()
            + FIELD_HEADER_LEN + self.secondaries.encoded_len_hint()
            + FIELD_HEADER_LEN + self.last_drops.encoded_len_hint()
            + FIELD_HEADER_LEN + self.last_committed_decree.encoded_len_hint()
            + FIELD_HEADER_LEN + self.partition_flags.encoded_len_hint()
            + self.hp_primary.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
            + self.hp_secondaries.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
            + self.hp_last_drops.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
    }
}

/// Argument of RPC_CM_QUERY_PARTITION_CONFIG_BY_INDEX: where the partitions of a table are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueryCfgRequest {
    /// The table.
    pub app_name: String,
    /// Which partitions; empty means all.
    pub partition_indices: Vec<i32>,
}

impl Message for QueryCfgRequest {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRING) => message.app_name = Message::decode(reader)?,
                (2, FieldType::LIST) => message.partition_indices = Message::decode(reader)?,
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::STRING, 1);
        self.app_name.encode(out);
        encode_field_header(out, FieldType::LIST, 2);
        self.partition_indices.encode(out);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.app_name.encoded_len_hint()
            + FIELD_HEADER_LEN + self.partition_indices.encoded_len_hint()
    }
}

/// Answer to query_cfg.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueryCfgResponse {
    /// Outcome.
    pub err: ErrorCode,
    /// Id of the table.
    pub app_id: i32,
    /// Always the full count.
    pub partition_count: i32,
    /// Always true for a table that exists.
    pub is_stateful: bool,
    /// The partitions asked for, or the leader to ask.
    pub partitions: Vec<PartitionConfiguration>,
}

impl Message for QueryCfgResponse {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => message.err = Message::decode(reader)?,
                (2, FieldType::I32) => message.app_id = Message::decode(reader)?,
                (3, FieldType::I32) => message.partition_count = Message::decode(reader)?,
                (4, FieldType::BOOL) => message.is_stateful = Message::decode(reader)?,
                (5, FieldType::LIST) => message.partitions = Message::decode(reader)?,
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::STRUCT, 1);
        self.err.encode(out);
        encode_field_header(out, FieldType::I32, 2);
        self.app_id.encode(out);
        encode_field_header(out, FieldType::I32, 3);
        self.partition_count.encode(out);
        encode_field_header(out, FieldType::BOOL, 4);
        self.is_stateful.encode(out);
        encode_field_header(out, FieldType::LIST, 5);
        self.partitions.encode(out);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.err.encoded_len_hint()
            + FIELD_HEADER_LEN + self.app_id.encoded_len_hint()
            + FIELD_HEADER_LEN + self.partition_count.encoded_len_hint()
            + FIELD_HEADER_LEN + self.is_stateful.encoded_len_hint()
            + FIELD_HEADER_LEN + self.partitions.encoded_len_hint()
    }
}

/// Routing fields in the header of a version 1 request (wire-protocol.md section 2.2). All of them
/// may be missing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RequestMeta {
    /// Table; 0 or less for calls to a process.
    pub app_id: i32,
    /// Partition of the table.
    pub partition_index: i32,
    /// Milliseconds that the client waits.
    pub client_timeout: i32,
    /// Hash of the key, as unsigned 64 bits.
    pub partition_hash: i64,
    /// Whether a secondary may answer.
    pub is_backup_request: bool,
}

impl Message for RequestMeta {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::I32) => message.app_id = Message::decode(reader)?,
                (2, FieldType::I32) => message.partition_index = Message::decode(reader)?,
                (3, FieldType::I32) => message.client_timeout = Message::decode(reader)?,
                (4, FieldType::I64) => message.partition_hash = Message::decode(reader)?,
                (5, FieldType::BOOL) => message.is_backup_request = Message::decode(reader)?,
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::I32, 1);
        self.app_id.encode(out);
        encode_field_header(out, FieldType::I32, 2);
        self.partition_index.encode(out);
        encode_field_header(out, FieldType::I32, 3);
        self.client_timeout.encode(out);
        encode_field_header(out, FieldType::I64, 4);
        self.partition_hash.encode(out);
        encode_field_header(out, FieldType::BOOL, 5);
        self.is_backup_request.encode(out);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.app_id.encoded_len_hint()
            + FIELD_HEADER_LEN + self.partition_index.encoded_len_hint()
            + FIELD_HEADER_LEN + self.client_timeout.encoded_len_hint()
            + FIELD_HEADER_LEN + self.partition_hash.encoded_len_hint()
            + FIELD_HEADER_LEN + self.is_backup_request.encoded_len_hint()
    }
}

/// One table.
#[derive(Clone, Debug, PartialEq)]
pub struct AppInfo {
    /// Where it is in its life.
    pub status: AppStatus,
    /// Always `pegasus`.
    pub app_type: String,
    /// Unique among tables that are not dropped.
    pub app_name: String,
    /// Never used twice.
    pub app_id: i32,
    /// A power of two.
    pub partition_count: i32,
    /// Settings of the table.
    pub envs: BTreeMap<String, String>,
    /// Always true.
    pub is_stateful: bool,
    /// Replicas of each partition.
    pub max_replica_count: i32,
    /// Unix time when a dropped table is erased.
    pub expire_second: i64,
    /// Unix time of its creation.
    pub create_second: i64,
    /// Unix time when it was dropped.
    pub drop_second: i64,
    /// Whether it is duplicated to another cluster.
    /// Readers take a missing one as `false`.
    pub duplicating: Option<bool>,
    /// Partitions before any split; -1 in records of old servers.
    pub init_partition_count: i32,
    /// Whether a bulk load runs.
    /// Readers take a missing one as `false`.
    pub is_bulk_loading: Option<bool>,
    /// Whether atomic writes are turned into puts.
    /// Readers take a missing one as `false`.
    pub atomic_idempotent: Option<bool>,
}

impl Default for AppInfo {
    fn default() -> Self {
        Self {
            status: Default::default(),
            app_type: Default::default(),
            app_name: Default::default(),
            app_id: Default::default(),
            partition_count: Default::default(),
            envs: Default::default(),
            is_stateful: Default::default(),
            max_replica_count: Default::default(),
            expire_second: Default::default(),
            create_second: Default::default(),
            drop_second: Default::default(),
            duplicating: Default::default(),
            init_partition_count: -1,
            is_bulk_loading: Default::default(),
            atomic_idempotent: Default::default(),
        }
    }
}

impl Message for AppInfo {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::I32) => message.status = Message::decode(reader)?,
                (2, FieldType::STRING) => message.app_type = Message::decode(reader)?,
                (3, FieldType::STRING) => message.app_name = Message::decode(reader)?,
                (4, FieldType::I32) => message.app_id = Message::decode(reader)?,
                (5, FieldType::I32) => message.partition_count = Message::decode(reader)?,
                (6, FieldType::MAP) => message.envs = Message::decode(reader)?,
                (7, FieldType::BOOL) => message.is_stateful = Message::decode(reader)?,
                (8, FieldType::I32) => message.max_replica_count = Message::decode(reader)?,
                (9, FieldType::I64) => message.expire_second = Message::decode(reader)?,
                (10, FieldType::I64) => message.create_second = Message::decode(reader)?,
                (11, FieldType::I64) => message.drop_second = Message::decode(reader)?,
                (12, FieldType::BOOL) => message.duplicating = Some(Message::decode(reader)?),
                (13, FieldType::I32) => message.init_partition_count = Message::decode(reader)?,
                (14, FieldType::BOOL) => message.is_bulk_loading = Some(Message::decode(reader)?),
                (15, FieldType::BOOL) => message.atomic_idempotent = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::I32, 1);
        self.status.encode(out);
        encode_field_header(out, FieldType::STRING, 2);
        self.app_type.encode(out);
        encode_field_header(out, FieldType::STRING, 3);
        self.app_name.encode(out);
        encode_field_header(out, FieldType::I32, 4);
        self.app_id.encode(out);
        encode_field_header(out, FieldType::I32, 5);
        self.partition_count.encode(out);
        encode_field_header(out, FieldType::MAP, 6);
        self.envs.encode(out);
        encode_field_header(out, FieldType::BOOL, 7);
        self.is_stateful.encode(out);
        encode_field_header(out, FieldType::I32, 8);
        self.max_replica_count.encode(out);
        encode_field_header(out, FieldType::I64, 9);
        self.expire_second.encode(out);
        encode_field_header(out, FieldType::I64, 10);
        self.create_second.encode(out);
        encode_field_header(out, FieldType::I64, 11);
        self.drop_second.encode(out);
        if let Some(value) = &self.duplicating {
            encode_field_header(out, FieldType::BOOL, 12);
            value.encode(out);
        }
        encode_field_header(out, FieldType::I32, 13);
        self.init_partition_count.encode(out);
        if let Some(value) = &self.is_bulk_loading {
            encode_field_header(out, FieldType::BOOL, 14);
            value.encode(out);
        }
        if let Some(value) = &self.atomic_idempotent {
            encode_field_header(out, FieldType::BOOL, 15);
            value.encode(out);
        }
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.status.encoded_len_hint()
            + FIELD_HEADER_LEN + self.app_type.encoded_len_hint()
            + FIELD_HEADER_LEN + self.app_name.encoded_len_hint()
            + FIELD_HEADER_LEN + self.app_id.encoded_len_hint()
            + FIELD_HEADER_LEN + self.partition_count.encoded_len_hint()
            + FIELD_HEADER_LEN + self.envs.encoded_len_hint()
            + FIELD_HEADER_LEN + self.is_stateful.encoded_len_hint()
            + FIELD_HEADER_LEN + self.max_replica_count.encoded_len_hint()
            + FIELD_HEADER_LEN + self.expire_second.encoded_len_hint()
            + FIELD_HEADER_LEN + self.create_second.encoded_len_hint()
            + FIELD_HEADER_LEN + self.drop_second.encoded_len_hint()
            + self.duplicating.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
            + FIELD_HEADER_LEN + self.init_partition_count.encoded_len_hint()
            + self.is_bulk_loading.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
            + self.atomic_idempotent.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
    }
}
