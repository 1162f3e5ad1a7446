// Made by pegasus-idl-generator from idl/; do not edit.

//! Tables and partitions as clients see them: the routing query, and the records that it and the
//! admin calls share.
//! Fields `hp_*` repeat addresses as host names. Released clients cannot skip them, so servers leave
//! them out unless a setting asks for them (wire-protocol.md section 7.4).

use std::collections::BTreeMap;
use bytes::BytesMut;
use pegasus_common::{ErrorCode, Gpid, HostPort, RpcAddress};

use crate::codec::wire_enum;
use crate::codec::FIELD_HEADER_LEN;
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
        let mut pid = None;
        let mut ballot = None;
        let mut max_replica_count = None;
        let mut primary = None;
        let mut secondaries = None;
        let mut last_drops = None;
        let mut last_committed_decree = None;
        let mut partition_flags = None;
        let mut hp_primary = None;
        let mut hp_secondaries = None;
        let mut hp_last_drops = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => pid = Some(Message::decode(reader)?),
                (2, FieldType::I64) => ballot = Some(Message::decode(reader)?),
                (3, FieldType::I32) => max_replica_count = Some(Message::decode(reader)?),
                (4, FieldType::STRUCT) => primary = Some(Message::decode(reader)?),
                (5, FieldType::LIST) => secondaries = Some(Message::decode(reader)?),
                (6, FieldType::LIST) => last_drops = Some(Message::decode(reader)?),
                (7, FieldType::I64) => last_committed_decree = Some(Message::decode(reader)?),
                (8, FieldType::I32) => partition_flags = Some(Message::decode(reader)?),
                (9, FieldType::STRUCT) => hp_primary = Some(Message::decode(reader)?),
                (10, FieldType::LIST) => hp_secondaries = Some(Message::decode(reader)?),
                (11, FieldType::LIST) => hp_last_drops = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            pid: pid.unwrap_or_default(),
            ballot: ballot.unwrap_or_default(),
            max_replica_count: max_replica_count.unwrap_or_default(),
            primary: primary.unwrap_or_default(),
            secondaries: secondaries.unwrap_or_default(),
            last_drops: last_drops.unwrap_or_default(),
            last_committed_decree: last_committed_decree.unwrap_or_default(),
            partition_flags: partition_flags.unwrap_or_default(),
            hp_primary,
            hp_secondaries,
            hp_last_drops,
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.pid.encode_field(out, 1);
        self.ballot.encode_field(out, 2);
        self.max_replica_count.encode_field(out, 3);
        self.primary.encode_field(out, 4);
        self.secondaries.encode_field(out, 5);
        self.last_drops.encode_field(out, 6);
        self.last_committed_decree.encode_field(out, 7);
        self.partition_flags.encode_field(out, 8);
        if let Some(value) = &self.hp_primary {
            value.encode_field(out, 9);
        }
        if let Some(value) = &self.hp_secondaries {
            value.encode_field(out, 10);
        }
        if let Some(value) = &self.hp_last_drops {
            value.encode_field(out, 11);
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
        let mut app_name = None;
        let mut partition_indices = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRING) => app_name = Some(Message::decode(reader)?),
                (2, FieldType::LIST) => partition_indices = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            app_name: app_name.unwrap_or_default(),
            partition_indices: partition_indices.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.app_name.encode_field(out, 1);
        self.partition_indices.encode_field(out, 2);
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
        let mut err = None;
        let mut app_id = None;
        let mut partition_count = None;
        let mut is_stateful = None;
        let mut partitions = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => err = Some(Message::decode(reader)?),
                (2, FieldType::I32) => app_id = Some(Message::decode(reader)?),
                (3, FieldType::I32) => partition_count = Some(Message::decode(reader)?),
                (4, FieldType::BOOL) => is_stateful = Some(Message::decode(reader)?),
                (5, FieldType::LIST) => partitions = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            err: err.unwrap_or_default(),
            app_id: app_id.unwrap_or_default(),
            partition_count: partition_count.unwrap_or_default(),
            is_stateful: is_stateful.unwrap_or_default(),
            partitions: partitions.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.err.encode_field(out, 1);
        self.app_id.encode_field(out, 2);
        self.partition_count.encode_field(out, 3);
        self.is_stateful.encode_field(out, 4);
        self.partitions.encode_field(out, 5);
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
        let mut app_id = None;
        let mut partition_index = None;
        let mut client_timeout = None;
        let mut partition_hash = None;
        let mut is_backup_request = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::I32) => app_id = Some(Message::decode(reader)?),
                (2, FieldType::I32) => partition_index = Some(Message::decode(reader)?),
                (3, FieldType::I32) => client_timeout = Some(Message::decode(reader)?),
                (4, FieldType::I64) => partition_hash = Some(Message::decode(reader)?),
                (5, FieldType::BOOL) => is_backup_request = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            app_id: app_id.unwrap_or_default(),
            partition_index: partition_index.unwrap_or_default(),
            client_timeout: client_timeout.unwrap_or_default(),
            partition_hash: partition_hash.unwrap_or_default(),
            is_backup_request: is_backup_request.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.app_id.encode_field(out, 1);
        self.partition_index.encode_field(out, 2);
        self.client_timeout.encode_field(out, 3);
        self.partition_hash.encode_field(out, 4);
        self.is_backup_request.encode_field(out, 5);
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
        let mut status = None;
        let mut app_type = None;
        let mut app_name = None;
        let mut app_id = None;
        let mut partition_count = None;
        let mut envs = None;
        let mut is_stateful = None;
        let mut max_replica_count = None;
        let mut expire_second = None;
        let mut create_second = None;
        let mut drop_second = None;
        let mut duplicating = None;
        let mut init_partition_count = None;
        let mut is_bulk_loading = None;
        let mut atomic_idempotent = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::I32) => status = Some(Message::decode(reader)?),
                (2, FieldType::STRING) => app_type = Some(Message::decode(reader)?),
                (3, FieldType::STRING) => app_name = Some(Message::decode(reader)?),
                (4, FieldType::I32) => app_id = Some(Message::decode(reader)?),
                (5, FieldType::I32) => partition_count = Some(Message::decode(reader)?),
                (6, FieldType::MAP) => envs = Some(Message::decode(reader)?),
                (7, FieldType::BOOL) => is_stateful = Some(Message::decode(reader)?),
                (8, FieldType::I32) => max_replica_count = Some(Message::decode(reader)?),
                (9, FieldType::I64) => expire_second = Some(Message::decode(reader)?),
                (10, FieldType::I64) => create_second = Some(Message::decode(reader)?),
                (11, FieldType::I64) => drop_second = Some(Message::decode(reader)?),
                (12, FieldType::BOOL) => duplicating = Some(Message::decode(reader)?),
                (13, FieldType::I32) => init_partition_count = Some(Message::decode(reader)?),
                (14, FieldType::BOOL) => is_bulk_loading = Some(Message::decode(reader)?),
                (15, FieldType::BOOL) => atomic_idempotent = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            status: status.unwrap_or_default(),
            app_type: app_type.unwrap_or_default(),
            app_name: app_name.unwrap_or_default(),
            app_id: app_id.unwrap_or_default(),
            partition_count: partition_count.unwrap_or_default(),
            envs: envs.unwrap_or_default(),
            is_stateful: is_stateful.unwrap_or_default(),
            max_replica_count: max_replica_count.unwrap_or_default(),
            expire_second: expire_second.unwrap_or_default(),
            create_second: create_second.unwrap_or_default(),
            drop_second: drop_second.unwrap_or_default(),
            duplicating,
            init_partition_count: init_partition_count.unwrap_or(-1),
            is_bulk_loading,
            atomic_idempotent,
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.status.encode_field(out, 1);
        self.app_type.encode_field(out, 2);
        self.app_name.encode_field(out, 3);
        self.app_id.encode_field(out, 4);
        self.partition_count.encode_field(out, 5);
        self.envs.encode_field(out, 6);
        self.is_stateful.encode_field(out, 7);
        self.max_replica_count.encode_field(out, 8);
        self.expire_second.encode_field(out, 9);
        self.create_second.encode_field(out, 10);
        self.drop_second.encode_field(out, 11);
        if let Some(value) = &self.duplicating {
            value.encode_field(out, 12);
        }
        self.init_partition_count.encode_field(out, 13);
        if let Some(value) = &self.is_bulk_loading {
            value.encode_field(out, 14);
        }
        if let Some(value) = &self.atomic_idempotent {
            value.encode_field(out, 15);
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
