// Made by pegasus-idl-generator from idl/; do not edit.

//! Replication between replica servers, and what the meta server tells them. Ours alone: upstream's
//! servers do not speak it. Prepares, acknowledgements and group checks are oneway requests in both
//! directions, so that a shard sends one batch per peer and turn and keeps no call state.

use bytes::Bytes;
use bytes::BytesMut;
use pegasus_common::{ErrorCode, Gpid, RpcAddress};

use crate::codec::{FIELD_HEADER_LEN, encode_field_header};
use crate::codec::{DecodeError, FieldType, Message, Reader, STOP_LEN, encode_stop};

/// RPC_PEER_HELLO, oneway: the first request on a connection between two shards.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PeerHello {
    /// The server that connected.
    pub node: RpcAddress,
    /// Its shard.
    pub shard: i32,
}

impl Message for PeerHello {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => message.node = Message::decode(reader)?,
                (2, FieldType::I32) => message.shard = Message::decode(reader)?,
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::STRUCT, 1);
        self.node.encode(out);
        encode_field_header(out, FieldType::I32, 2);
        self.shard.encode(out);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.node.encoded_len_hint()
            + FIELD_HEADER_LEN + self.shard.encoded_len_hint()
    }
}

/// RPC_PREPARE, oneway: the primary asks a secondary or learner to log one mutation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PrepareRequest {
    /// Which partition.
    pub pid: Gpid,
    /// Epoch of the primary.
    pub ballot: i64,
    /// Position of the mutation.
    pub decree: i64,
    /// When it was made, Unix microseconds.
    pub timestamp_us: i64,
    /// Committed at the primary.
    pub last_committed_decree: i64,
    /// CRC-32C of `payload`.
    pub checksum: i32,
    /// The effects, as the log and the storage take them.
    pub payload: Bytes,
    /// The primary.
    pub from: RpcAddress,
}

impl Message for PrepareRequest {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => message.pid = Message::decode(reader)?,
                (2, FieldType::I64) => message.ballot = Message::decode(reader)?,
                (3, FieldType::I64) => message.decree = Message::decode(reader)?,
                (4, FieldType::I64) => message.timestamp_us = Message::decode(reader)?,
                (5, FieldType::I64) => message.last_committed_decree = Message::decode(reader)?,
                (6, FieldType::I32) => message.checksum = Message::decode(reader)?,
                (7, FieldType::STRUCT) => message.payload = Message::decode(reader)?,
                (8, FieldType::STRUCT) => message.from = Message::decode(reader)?,
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
        encode_field_header(out, FieldType::I64, 3);
        self.decree.encode(out);
        encode_field_header(out, FieldType::I64, 4);
        self.timestamp_us.encode(out);
        encode_field_header(out, FieldType::I64, 5);
        self.last_committed_decree.encode(out);
        encode_field_header(out, FieldType::I32, 6);
        self.checksum.encode(out);
        encode_field_header(out, FieldType::STRUCT, 7);
        self.payload.encode(out);
        encode_field_header(out, FieldType::STRUCT, 8);
        self.from.encode(out);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.pid.encoded_len_hint()
            + FIELD_HEADER_LEN + self.ballot.encoded_len_hint()
            + FIELD_HEADER_LEN + self.decree.encoded_len_hint()
            + FIELD_HEADER_LEN + self.timestamp_us.encoded_len_hint()
            + FIELD_HEADER_LEN + self.last_committed_decree.encoded_len_hint()
            + FIELD_HEADER_LEN + self.checksum.encoded_len_hint()
            + FIELD_HEADER_LEN + self.payload.encoded_len_hint()
            + FIELD_HEADER_LEN + self.from.encoded_len_hint()
    }
}

/// RPC_PREPARE_ACKNOWLEDGE, oneway: what a member has safely in its log.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PrepareAck {
    /// Which partition.
    pub pid: Gpid,
    /// Epoch that the member is in.
    pub ballot: i64,
    /// Everything up to here is in the member's log.
    pub decree: i64,
    /// Why the member refuses, otherwise ERR_OK.
    pub err: ErrorCode,
    /// Committed at the member.
    pub last_committed_decree: i64,
    /// The member.
    pub from: RpcAddress,
}

impl Message for PrepareAck {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => message.pid = Message::decode(reader)?,
                (2, FieldType::I64) => message.ballot = Message::decode(reader)?,
                (3, FieldType::I64) => message.decree = Message::decode(reader)?,
                (4, FieldType::STRUCT) => message.err = Message::decode(reader)?,
                (5, FieldType::I64) => message.last_committed_decree = Message::decode(reader)?,
                (6, FieldType::STRUCT) => message.from = Message::decode(reader)?,
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
        encode_field_header(out, FieldType::I64, 3);
        self.decree.encode(out);
        encode_field_header(out, FieldType::STRUCT, 4);
        self.err.encode(out);
        encode_field_header(out, FieldType::I64, 5);
        self.last_committed_decree.encode(out);
        encode_field_header(out, FieldType::STRUCT, 6);
        self.from.encode(out);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.pid.encoded_len_hint()
            + FIELD_HEADER_LEN + self.ballot.encoded_len_hint()
            + FIELD_HEADER_LEN + self.decree.encoded_len_hint()
            + FIELD_HEADER_LEN + self.err.encoded_len_hint()
            + FIELD_HEADER_LEN + self.last_committed_decree.encoded_len_hint()
            + FIELD_HEADER_LEN + self.from.encoded_len_hint()
    }
}

/// RPC_GROUP_CHECK, oneway: the primary tells a member the membership and where it stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroupCheckRequest {
    /// The table.
    pub app: super::layer2::AppInfo,
    /// The membership.
    pub config: super::layer2::PartitionConfiguration,
    /// Committed at the primary.
    pub last_committed_decree: i64,
    /// Prepared at the primary.
    pub last_prepared_decree: i64,
    /// Decree at which `digest` was taken.
    pub digest_decree: i64,
    /// Rolling digest of all mutations up to `digest_decree`.
    pub digest: i64,
    /// The primary.
    pub from: RpcAddress,
}

impl Message for GroupCheckRequest {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => message.app = Message::decode(reader)?,
                (2, FieldType::STRUCT) => message.config = Message::decode(reader)?,
                (3, FieldType::I64) => message.last_committed_decree = Message::decode(reader)?,
                (4, FieldType::I64) => message.last_prepared_decree = Message::decode(reader)?,
                (5, FieldType::I64) => message.digest_decree = Message::decode(reader)?,
                (6, FieldType::I64) => message.digest = Message::decode(reader)?,
                (7, FieldType::STRUCT) => message.from = Message::decode(reader)?,
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::STRUCT, 1);
        self.app.encode(out);
        encode_field_header(out, FieldType::STRUCT, 2);
        self.config.encode(out);
        encode_field_header(out, FieldType::I64, 3);
        self.last_committed_decree.encode(out);
        encode_field_header(out, FieldType::I64, 4);
        self.last_prepared_decree.encode(out);
        encode_field_header(out, FieldType::I64, 5);
        self.digest_decree.encode(out);
        encode_field_header(out, FieldType::I64, 6);
        self.digest.encode(out);
        encode_field_header(out, FieldType::STRUCT, 7);
        self.from.encode(out);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.app.encoded_len_hint()
            + FIELD_HEADER_LEN + self.config.encoded_len_hint()
            + FIELD_HEADER_LEN + self.last_committed_decree.encoded_len_hint()
            + FIELD_HEADER_LEN + self.last_prepared_decree.encoded_len_hint()
            + FIELD_HEADER_LEN + self.digest_decree.encoded_len_hint()
            + FIELD_HEADER_LEN + self.digest.encoded_len_hint()
            + FIELD_HEADER_LEN + self.from.encoded_len_hint()
    }
}

/// RPC_GROUP_CHECK_REPLY, oneway: where the member stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroupCheckResponse {
    /// Which partition.
    pub pid: Gpid,
    /// Why the member refuses, otherwise ERR_OK.
    pub err: ErrorCode,
    /// Epoch that the member is in.
    pub ballot: i64,
    /// Role that the member has.
    pub status: super::metadata::PartitionStatus,
    /// Committed at the member.
    pub last_committed_decree: i64,
    /// Prepared at the member.
    pub last_prepared_decree: i64,
    /// Decree at which `digest` was taken.
    pub digest_decree: i64,
    /// The member's digest at `digest_decree`.
    pub digest: i64,
    /// The member.
    pub from: RpcAddress,
}

impl Message for GroupCheckResponse {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => message.pid = Message::decode(reader)?,
                (2, FieldType::STRUCT) => message.err = Message::decode(reader)?,
                (3, FieldType::I64) => message.ballot = Message::decode(reader)?,
                (4, FieldType::I32) => message.status = Message::decode(reader)?,
                (5, FieldType::I64) => message.last_committed_decree = Message::decode(reader)?,
                (6, FieldType::I64) => message.last_prepared_decree = Message::decode(reader)?,
                (7, FieldType::I64) => message.digest_decree = Message::decode(reader)?,
                (8, FieldType::I64) => message.digest = Message::decode(reader)?,
                (9, FieldType::STRUCT) => message.from = Message::decode(reader)?,
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::STRUCT, 1);
        self.pid.encode(out);
        encode_field_header(out, FieldType::STRUCT, 2);
        self.err.encode(out);
        encode_field_header(out, FieldType::I64, 3);
        self.ballot.encode(out);
        encode_field_header(out, FieldType::I32, 4);
        self.status.encode(out);
        encode_field_header(out, FieldType::I64, 5);
        self.last_committed_decree.encode(out);
        encode_field_header(out, FieldType::I64, 6);
        self.last_prepared_decree.encode(out);
        encode_field_header(out, FieldType::I64, 7);
        self.digest_decree.encode(out);
        encode_field_header(out, FieldType::I64, 8);
        self.digest.encode(out);
        encode_field_header(out, FieldType::STRUCT, 9);
        self.from.encode(out);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.pid.encoded_len_hint()
            + FIELD_HEADER_LEN + self.err.encoded_len_hint()
            + FIELD_HEADER_LEN + self.ballot.encoded_len_hint()
            + FIELD_HEADER_LEN + self.status.encoded_len_hint()
            + FIELD_HEADER_LEN + self.last_committed_decree.encoded_len_hint()
            + FIELD_HEADER_LEN + self.last_prepared_decree.encoded_len_hint()
            + FIELD_HEADER_LEN + self.digest_decree.encoded_len_hint()
            + FIELD_HEADER_LEN + self.digest.encoded_len_hint()
            + FIELD_HEADER_LEN + self.from.encoded_len_hint()
    }
}

/// Argument of RPC_CREATE_REPLICA: the meta server wants a new, empty replica.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreateReplicaRequest {
    /// The table.
    pub app: super::layer2::AppInfo,
    /// Which partition.
    pub pid: Gpid,
    /// The server that shall hold it.
    pub node: RpcAddress,
}

impl Message for CreateReplicaRequest {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => message.app = Message::decode(reader)?,
                (2, FieldType::STRUCT) => message.pid = Message::decode(reader)?,
                (3, FieldType::STRUCT) => message.node = Message::decode(reader)?,
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::STRUCT, 1);
        self.app.encode(out);
        encode_field_header(out, FieldType::STRUCT, 2);
        self.pid.encode(out);
        encode_field_header(out, FieldType::STRUCT, 3);
        self.node.encode(out);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.app.encoded_len_hint()
            + FIELD_HEADER_LEN + self.pid.encoded_len_hint()
            + FIELD_HEADER_LEN + self.node.encoded_len_hint()
    }
}

/// Answer to RPC_CREATE_REPLICA.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreateReplicaResponse {
    /// Outcome; ERR_OK also when the replica was there already.
    pub err: ErrorCode,
    /// What was wrong.
    pub hint_message: String,
}

impl Message for CreateReplicaResponse {
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

/// Argument of RPC_QUERY_REPLICA_DIGEST: what a replica holds, for comparing it with the others.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueryReplicaDigestRequest {
    /// Which partition.
    pub pid: Gpid,
}

impl Message for QueryReplicaDigestRequest {
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

/// Answer to RPC_QUERY_REPLICA_DIGEST.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueryReplicaDigestResponse {
    /// Outcome.
    pub err: ErrorCode,
    /// Decree that was applied last.
    pub decree: i64,
    /// Digest of every key, value and expiry.
    pub digest: i64,
    /// Records that went into it.
    pub record_count: i64,
}

impl Message for QueryReplicaDigestResponse {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => message.err = Message::decode(reader)?,
                (2, FieldType::I64) => message.decree = Message::decode(reader)?,
                (3, FieldType::I64) => message.digest = Message::decode(reader)?,
                (4, FieldType::I64) => message.record_count = Message::decode(reader)?,
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::STRUCT, 1);
        self.err.encode(out);
        encode_field_header(out, FieldType::I64, 2);
        self.decree.encode(out);
        encode_field_header(out, FieldType::I64, 3);
        self.digest.encode(out);
        encode_field_header(out, FieldType::I64, 4);
        self.record_count.encode(out);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.err.encoded_len_hint()
            + FIELD_HEADER_LEN + self.decree.encoded_len_hint()
            + FIELD_HEADER_LEN + self.digest.encoded_len_hint()
            + FIELD_HEADER_LEN + self.record_count.encoded_len_hint()
    }
}
