// Made by pegasus-idl-generator from idl/; do not edit.

//! What tools and the meta servers ask a replica server about itself.

use std::collections::{BTreeMap, BTreeSet};
use bytes::BytesMut;
use pegasus_common::{ErrorCode, Gpid, HostPort, RpcAddress};

use crate::codec::FIELD_HEADER_LEN;
use crate::codec::{DecodeError, FieldType, Message, Reader, STOP_LEN, encode_stop};

/// Argument of RPC_QUERY_REPLICA_INFO: all replicas of a server.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueryReplicaInfoRequest {
    /// The server that is asked.
    pub node1: RpcAddress,
    /// Name of `node1`.
    pub hp_node1: Option<HostPort>,
}

impl Message for QueryReplicaInfoRequest {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut node1 = None;
        let mut hp_node1 = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => node1 = Some(Message::decode(reader)?),
                (2, FieldType::STRUCT) => hp_node1 = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            node1: node1.unwrap_or_default(),
            hp_node1,
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.node1.encode_field(out, 1);
        if let Some(value) = &self.hp_node1 {
            value.encode_field(out, 2);
        }
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.node1.encoded_len_hint()
            + self.hp_node1.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
    }
}

/// Answer to RPC_QUERY_REPLICA_INFO.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueryReplicaInfoResponse {
    /// Outcome.
    pub err: ErrorCode,
    /// Every replica that the server holds.
    pub replicas: Vec<super::metadata::ReplicaInfo>,
}

impl Message for QueryReplicaInfoResponse {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut err = None;
        let mut replicas = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => err = Some(Message::decode(reader)?),
                (2, FieldType::LIST) => replicas = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            err: err.unwrap_or_default(),
            replicas: replicas.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.err.encode_field(out, 1);
        self.replicas.encode_field(out, 2);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.err.encoded_len_hint()
            + FIELD_HEADER_LEN + self.replicas.encoded_len_hint()
    }
}

/// One data directory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DiskInfo {
    /// Its name in the configuration.
    pub tag: String,
    /// Its path.
    pub full_dir: String,
    /// Size of its file system, MiB.
    pub disk_capacity_mb: i64,
    /// Free on its file system, MiB.
    pub disk_available_mb: i64,
    /// Primaries in it, by table.
    pub holding_primary_replicas: BTreeMap<i32, BTreeSet<Gpid>>,
    /// Secondaries in it, by table.
    pub holding_secondary_replicas: BTreeMap<i32, BTreeSet<Gpid>>,
}

impl Message for DiskInfo {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut tag = None;
        let mut full_dir = None;
        let mut disk_capacity_mb = None;
        let mut disk_available_mb = None;
        let mut holding_primary_replicas = None;
        let mut holding_secondary_replicas = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRING) => tag = Some(Message::decode(reader)?),
                (2, FieldType::STRING) => full_dir = Some(Message::decode(reader)?),
                (3, FieldType::I64) => disk_capacity_mb = Some(Message::decode(reader)?),
                (4, FieldType::I64) => disk_available_mb = Some(Message::decode(reader)?),
                (5, FieldType::MAP) => holding_primary_replicas = Some(Message::decode(reader)?),
                (6, FieldType::MAP) => holding_secondary_replicas = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            tag: tag.unwrap_or_default(),
            full_dir: full_dir.unwrap_or_default(),
            disk_capacity_mb: disk_capacity_mb.unwrap_or_default(),
            disk_available_mb: disk_available_mb.unwrap_or_default(),
            holding_primary_replicas: holding_primary_replicas.unwrap_or_default(),
            holding_secondary_replicas: holding_secondary_replicas.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.tag.encode_field(out, 1);
        self.full_dir.encode_field(out, 2);
        self.disk_capacity_mb.encode_field(out, 3);
        self.disk_available_mb.encode_field(out, 4);
        self.holding_primary_replicas.encode_field(out, 5);
        self.holding_secondary_replicas.encode_field(out, 6);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.tag.encoded_len_hint()
            + FIELD_HEADER_LEN + self.full_dir.encoded_len_hint()
            + FIELD_HEADER_LEN + self.disk_capacity_mb.encoded_len_hint()
            + FIELD_HEADER_LEN + self.disk_available_mb.encoded_len_hint()
            + FIELD_HEADER_LEN + self.holding_primary_replicas.encoded_len_hint()
            + FIELD_HEADER_LEN + self.holding_secondary_replicas.encoded_len_hint()
    }
}

/// Argument of RPC_QUERY_DISK_INFO: the data directories of a server.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueryDiskInfoRequest {
    /// The server that is asked.
    pub node1: RpcAddress,
    /// Count only this table's replicas; empty means all.
    pub app_name: String,
    /// Name of `node1`.
    pub hp_node1: Option<HostPort>,
}

impl Message for QueryDiskInfoRequest {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut node1 = None;
        let mut app_name = None;
        let mut hp_node1 = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => node1 = Some(Message::decode(reader)?),
                (2, FieldType::STRING) => app_name = Some(Message::decode(reader)?),
                (3, FieldType::STRUCT) => hp_node1 = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            node1: node1.unwrap_or_default(),
            app_name: app_name.unwrap_or_default(),
            hp_node1,
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.node1.encode_field(out, 1);
        self.app_name.encode_field(out, 2);
        if let Some(value) = &self.hp_node1 {
            value.encode_field(out, 3);
        }
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.node1.encoded_len_hint()
            + FIELD_HEADER_LEN + self.app_name.encoded_len_hint()
            + self.hp_node1.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
    }
}

/// Answer to RPC_QUERY_DISK_INFO.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueryDiskInfoResponse {
    /// Outcome.
    pub err: ErrorCode,
    /// Sum over the directories, MiB.
    pub total_capacity_mb: i64,
    /// Sum over the directories, MiB.
    pub total_available_mb: i64,
    /// The directories.
    pub disk_infos: Vec<DiskInfo>,
}

impl Message for QueryDiskInfoResponse {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut err = None;
        let mut total_capacity_mb = None;
        let mut total_available_mb = None;
        let mut disk_infos = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => err = Some(Message::decode(reader)?),
                (2, FieldType::I64) => total_capacity_mb = Some(Message::decode(reader)?),
                (3, FieldType::I64) => total_available_mb = Some(Message::decode(reader)?),
                (4, FieldType::LIST) => disk_infos = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            err: err.unwrap_or_default(),
            total_capacity_mb: total_capacity_mb.unwrap_or_default(),
            total_available_mb: total_available_mb.unwrap_or_default(),
            disk_infos: disk_infos.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.err.encode_field(out, 1);
        self.total_capacity_mb.encode_field(out, 2);
        self.total_available_mb.encode_field(out, 3);
        self.disk_infos.encode_field(out, 4);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.err.encoded_len_hint()
            + FIELD_HEADER_LEN + self.total_capacity_mb.encoded_len_hint()
            + FIELD_HEADER_LEN + self.total_available_mb.encoded_len_hint()
            + FIELD_HEADER_LEN + self.disk_infos.encoded_len_hint()
    }
}
