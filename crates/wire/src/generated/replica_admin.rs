// Made by pegasus-idl-generator from idl/; do not edit.

//! What tools and the meta servers ask a replica server about itself.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use bytes::BytesMut;
use pegasus_common::{ErrorCode, Gpid, HostPort, RpcAddress};

use crate::codec::{FIELD_HEADER_LEN, encode_field_header};
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
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => message.node1 = Message::decode(reader)?,
                (2, FieldType::STRUCT) => message.hp_node1 = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::STRUCT, 1);
        self.node1.encode(out);
        if let Some(value) = &self.hp_node1 {
            encode_field_header(out, FieldType::STRUCT, 2);
            value.encode(out);
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
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => message.err = Message::decode(reader)?,
                (2, FieldType::LIST) => message.replicas = Message::decode(reader)?,
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::STRUCT, 1);
        self.err.encode(out);
        encode_field_header(out, FieldType::LIST, 2);
        self.replicas.encode(out);
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
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRING) => message.tag = Message::decode(reader)?,
                (2, FieldType::STRING) => message.full_dir = Message::decode(reader)?,
                (3, FieldType::I64) => message.disk_capacity_mb = Message::decode(reader)?,
                (4, FieldType::I64) => message.disk_available_mb = Message::decode(reader)?,
                (5, FieldType::MAP) => message.holding_primary_replicas = Message::decode(reader)?,
                (6, FieldType::MAP) => message.holding_secondary_replicas = Message::decode(reader)?,
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::STRING, 1);
        self.tag.encode(out);
        encode_field_header(out, FieldType::STRING, 2);
        self.full_dir.encode(out);
        encode_field_header(out, FieldType::I64, 3);
        self.disk_capacity_mb.encode(out);
        encode_field_header(out, FieldType::I64, 4);
        self.disk_available_mb.encode(out);
        encode_field_header(out, FieldType::MAP, 5);
        self.holding_primary_replicas.encode(out);
        encode_field_header(out, FieldType::MAP, 6);
        self.holding_secondary_replicas.encode(out);
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
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => message.node1 = Message::decode(reader)?,
                (2, FieldType::STRING) => message.app_name = Message::decode(reader)?,
                (3, FieldType::STRUCT) => message.hp_node1 = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::STRUCT, 1);
        self.node1.encode(out);
        encode_field_header(out, FieldType::STRING, 2);
        self.app_name.encode(out);
        if let Some(value) = &self.hp_node1 {
            encode_field_header(out, FieldType::STRUCT, 3);
            value.encode(out);
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
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => message.err = Message::decode(reader)?,
                (2, FieldType::I64) => message.total_capacity_mb = Message::decode(reader)?,
                (3, FieldType::I64) => message.total_available_mb = Message::decode(reader)?,
                (4, FieldType::LIST) => message.disk_infos = Message::decode(reader)?,
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::STRUCT, 1);
        self.err.encode(out);
        encode_field_header(out, FieldType::I64, 2);
        self.total_capacity_mb.encode(out);
        encode_field_header(out, FieldType::I64, 3);
        self.total_available_mb.encode(out);
        encode_field_header(out, FieldType::LIST, 4);
        self.disk_infos.encode(out);
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
