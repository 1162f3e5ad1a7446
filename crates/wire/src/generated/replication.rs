// Made by pegasus-idl-generator from idl/; do not edit.

//! Replication between replica servers, and what the meta server tells them. Ours alone: upstream's
//! servers do not speak it. Prepares, acknowledgements and group checks are oneway requests in both
//! directions, so that a shard sends one batch per peer and turn and keeps no call state.

use bytes::{Bytes, BytesMut};
use pegasus_common::{ErrorCode, Gpid, RpcAddress};

use crate::codec::FIELD_HEADER_LEN;
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
        let mut node = None;
        let mut shard = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => node = Some(Message::decode(reader)?),
                (2, FieldType::I32) => shard = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            node: node.unwrap_or_default(),
            shard: shard.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.node.encode_field(out, 1);
        self.shard.encode_field(out, 2);
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
        let mut pid = None;
        let mut ballot = None;
        let mut decree = None;
        let mut timestamp_us = None;
        let mut last_committed_decree = None;
        let mut checksum = None;
        let mut payload = None;
        let mut from = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => pid = Some(Message::decode(reader)?),
                (2, FieldType::I64) => ballot = Some(Message::decode(reader)?),
                (3, FieldType::I64) => decree = Some(Message::decode(reader)?),
                (4, FieldType::I64) => timestamp_us = Some(Message::decode(reader)?),
                (5, FieldType::I64) => last_committed_decree = Some(Message::decode(reader)?),
                (6, FieldType::I32) => checksum = Some(Message::decode(reader)?),
                (7, FieldType::STRUCT) => payload = Some(Message::decode(reader)?),
                (8, FieldType::STRUCT) => from = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            pid: pid.unwrap_or_default(),
            ballot: ballot.unwrap_or_default(),
            decree: decree.unwrap_or_default(),
            timestamp_us: timestamp_us.unwrap_or_default(),
            last_committed_decree: last_committed_decree.unwrap_or_default(),
            checksum: checksum.unwrap_or_default(),
            payload: payload.unwrap_or_default(),
            from: from.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.pid.encode_field(out, 1);
        self.ballot.encode_field(out, 2);
        self.decree.encode_field(out, 3);
        self.timestamp_us.encode_field(out, 4);
        self.last_committed_decree.encode_field(out, 5);
        self.checksum.encode_field(out, 6);
        self.payload.encode_field(out, 7);
        self.from.encode_field(out, 8);
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
    /// The sender is a learner, in this attempt.
    pub learner_signature: Option<i64>,
}

impl Message for PrepareAck {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut pid = None;
        let mut ballot = None;
        let mut decree = None;
        let mut err = None;
        let mut last_committed_decree = None;
        let mut from = None;
        let mut learner_signature = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => pid = Some(Message::decode(reader)?),
                (2, FieldType::I64) => ballot = Some(Message::decode(reader)?),
                (3, FieldType::I64) => decree = Some(Message::decode(reader)?),
                (4, FieldType::STRUCT) => err = Some(Message::decode(reader)?),
                (5, FieldType::I64) => last_committed_decree = Some(Message::decode(reader)?),
                (6, FieldType::STRUCT) => from = Some(Message::decode(reader)?),
                (7, FieldType::I64) => learner_signature = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            pid: pid.unwrap_or_default(),
            ballot: ballot.unwrap_or_default(),
            decree: decree.unwrap_or_default(),
            err: err.unwrap_or_default(),
            last_committed_decree: last_committed_decree.unwrap_or_default(),
            from: from.unwrap_or_default(),
            learner_signature,
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.pid.encode_field(out, 1);
        self.ballot.encode_field(out, 2);
        self.decree.encode_field(out, 3);
        self.err.encode_field(out, 4);
        self.last_committed_decree.encode_field(out, 5);
        self.from.encode_field(out, 6);
        if let Some(value) = &self.learner_signature {
            value.encode_field(out, 7);
        }
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
            + self.learner_signature.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
    }
}

/// RPC_GROUP_CHECK, oneway: the primary tells a member the membership and where it stands.
/// RPC_LEARN_ADD_LEARNER, oneway: the same to a server that shall learn; it has a learner_signature.
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
    /// The receiver is no member: it learns, in this attempt.
    pub learner_signature: Option<i64>,
}

impl Message for GroupCheckRequest {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut app = None;
        let mut config = None;
        let mut last_committed_decree = None;
        let mut last_prepared_decree = None;
        let mut digest_decree = None;
        let mut digest = None;
        let mut from = None;
        let mut learner_signature = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => app = Some(Message::decode(reader)?),
                (2, FieldType::STRUCT) => config = Some(Message::decode(reader)?),
                (3, FieldType::I64) => last_committed_decree = Some(Message::decode(reader)?),
                (4, FieldType::I64) => last_prepared_decree = Some(Message::decode(reader)?),
                (5, FieldType::I64) => digest_decree = Some(Message::decode(reader)?),
                (6, FieldType::I64) => digest = Some(Message::decode(reader)?),
                (7, FieldType::STRUCT) => from = Some(Message::decode(reader)?),
                (8, FieldType::I64) => learner_signature = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            app: app.unwrap_or_default(),
            config: config.unwrap_or_default(),
            last_committed_decree: last_committed_decree.unwrap_or_default(),
            last_prepared_decree: last_prepared_decree.unwrap_or_default(),
            digest_decree: digest_decree.unwrap_or_default(),
            digest: digest.unwrap_or_default(),
            from: from.unwrap_or_default(),
            learner_signature,
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.app.encode_field(out, 1);
        self.config.encode_field(out, 2);
        self.last_committed_decree.encode_field(out, 3);
        self.last_prepared_decree.encode_field(out, 4);
        self.digest_decree.encode_field(out, 5);
        self.digest.encode_field(out, 6);
        self.from.encode_field(out, 7);
        if let Some(value) = &self.learner_signature {
            value.encode_field(out, 8);
        }
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
            + self.learner_signature.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
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
    /// The sender is a learner, in this attempt.
    pub learner_signature: Option<i64>,
}

impl Message for GroupCheckResponse {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut pid = None;
        let mut err = None;
        let mut ballot = None;
        let mut status = None;
        let mut last_committed_decree = None;
        let mut last_prepared_decree = None;
        let mut digest_decree = None;
        let mut digest = None;
        let mut from = None;
        let mut learner_signature = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => pid = Some(Message::decode(reader)?),
                (2, FieldType::STRUCT) => err = Some(Message::decode(reader)?),
                (3, FieldType::I64) => ballot = Some(Message::decode(reader)?),
                (4, FieldType::I32) => status = Some(Message::decode(reader)?),
                (5, FieldType::I64) => last_committed_decree = Some(Message::decode(reader)?),
                (6, FieldType::I64) => last_prepared_decree = Some(Message::decode(reader)?),
                (7, FieldType::I64) => digest_decree = Some(Message::decode(reader)?),
                (8, FieldType::I64) => digest = Some(Message::decode(reader)?),
                (9, FieldType::STRUCT) => from = Some(Message::decode(reader)?),
                (10, FieldType::I64) => learner_signature = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            pid: pid.unwrap_or_default(),
            err: err.unwrap_or_default(),
            ballot: ballot.unwrap_or_default(),
            status: status.unwrap_or_default(),
            last_committed_decree: last_committed_decree.unwrap_or_default(),
            last_prepared_decree: last_prepared_decree.unwrap_or_default(),
            digest_decree: digest_decree.unwrap_or_default(),
            digest: digest.unwrap_or_default(),
            from: from.unwrap_or_default(),
            learner_signature,
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.pid.encode_field(out, 1);
        self.err.encode_field(out, 2);
        self.ballot.encode_field(out, 3);
        self.status.encode_field(out, 4);
        self.last_committed_decree.encode_field(out, 5);
        self.last_prepared_decree.encode_field(out, 6);
        self.digest_decree.encode_field(out, 7);
        self.digest.encode_field(out, 8);
        self.from.encode_field(out, 9);
        if let Some(value) = &self.learner_signature {
            value.encode_field(out, 10);
        }
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
            + self.learner_signature.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
    }
}

/// RPC_LEARN, oneway: a learner tells the primary what it has and asks for what follows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LearnRequest {
    /// Which partition.
    pub pid: Gpid,
    /// Epoch that the learner is in.
    pub ballot: i64,
    /// The attempt.
    pub signature: i64,
    /// Everything up to here is applied at the learner.
    pub has_decree: i64,
    /// The learner's digest at `has_decree`.
    pub has_digest: i64,
    /// The learner.
    pub from: RpcAddress,
    /// Which opening of the learner's replica asks.
    pub life: i64,
}

impl Message for LearnRequest {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut pid = None;
        let mut ballot = None;
        let mut signature = None;
        let mut has_decree = None;
        let mut has_digest = None;
        let mut from = None;
        let mut life = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => pid = Some(Message::decode(reader)?),
                (2, FieldType::I64) => ballot = Some(Message::decode(reader)?),
                (3, FieldType::I64) => signature = Some(Message::decode(reader)?),
                (4, FieldType::I64) => has_decree = Some(Message::decode(reader)?),
                (5, FieldType::I64) => has_digest = Some(Message::decode(reader)?),
                (6, FieldType::STRUCT) => from = Some(Message::decode(reader)?),
                (7, FieldType::I64) => life = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            pid: pid.unwrap_or_default(),
            ballot: ballot.unwrap_or_default(),
            signature: signature.unwrap_or_default(),
            has_decree: has_decree.unwrap_or_default(),
            has_digest: has_digest.unwrap_or_default(),
            from: from.unwrap_or_default(),
            life: life.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.pid.encode_field(out, 1);
        self.ballot.encode_field(out, 2);
        self.signature.encode_field(out, 3);
        self.has_decree.encode_field(out, 4);
        self.has_digest.encode_field(out, 5);
        self.from.encode_field(out, 6);
        self.life.encode_field(out, 7);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.pid.encoded_len_hint()
            + FIELD_HEADER_LEN + self.ballot.encoded_len_hint()
            + FIELD_HEADER_LEN + self.signature.encoded_len_hint()
            + FIELD_HEADER_LEN + self.has_decree.encoded_len_hint()
            + FIELD_HEADER_LEN + self.has_digest.encoded_len_hint()
            + FIELD_HEADER_LEN + self.from.encoded_len_hint()
            + FIELD_HEADER_LEN + self.life.encoded_len_hint()
    }
}

/// RPC_LEARN_REPLY, oneway: what the primary tells a learner otherwise than by mutations.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LearnResponse {
    /// Which partition.
    pub pid: Gpid,
    /// Epoch of the primary.
    pub ballot: i64,
    /// The attempt.
    pub signature: i64,
    /// ERR_OK: it has everything; ERR_TRY_AGAIN: it may follow; else not.
    pub err: ErrorCode,
    /// The primary.
    pub from: RpcAddress,
    /// Which opening of the learner's replica this answers.
    pub life: i64,
}

impl Message for LearnResponse {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut pid = None;
        let mut ballot = None;
        let mut signature = None;
        let mut err = None;
        let mut from = None;
        let mut life = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => pid = Some(Message::decode(reader)?),
                (2, FieldType::I64) => ballot = Some(Message::decode(reader)?),
                (3, FieldType::I64) => signature = Some(Message::decode(reader)?),
                (4, FieldType::STRUCT) => err = Some(Message::decode(reader)?),
                (5, FieldType::STRUCT) => from = Some(Message::decode(reader)?),
                (6, FieldType::I64) => life = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            pid: pid.unwrap_or_default(),
            ballot: ballot.unwrap_or_default(),
            signature: signature.unwrap_or_default(),
            err: err.unwrap_or_default(),
            from: from.unwrap_or_default(),
            life: life.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.pid.encode_field(out, 1);
        self.ballot.encode_field(out, 2);
        self.signature.encode_field(out, 3);
        self.err.encode_field(out, 4);
        self.from.encode_field(out, 5);
        self.life.encode_field(out, 6);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.pid.encoded_len_hint()
            + FIELD_HEADER_LEN + self.ballot.encoded_len_hint()
            + FIELD_HEADER_LEN + self.signature.encoded_len_hint()
            + FIELD_HEADER_LEN + self.err.encoded_len_hint()
            + FIELD_HEADER_LEN + self.from.encoded_len_hint()
            + FIELD_HEADER_LEN + self.life.encoded_len_hint()
    }
}

/// RPC_LEARN_CHECKPOINT_OFFER, oneway: the primary has a checkpoint for the learner to fetch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CheckpointOffer {
    /// Which partition.
    pub pid: Gpid,
    /// Epoch of the primary.
    pub ballot: i64,
    /// The attempt.
    pub signature: i64,
    /// By which the primary's server finds its files.
    pub checkpoint_id: i64,
    /// Everything up to here is in it, and nothing after.
    pub decree: i64,
    /// Digest at `decree`.
    pub digest: i64,
    /// The primary.
    pub from: RpcAddress,
}

impl Message for CheckpointOffer {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut pid = None;
        let mut ballot = None;
        let mut signature = None;
        let mut checkpoint_id = None;
        let mut decree = None;
        let mut digest = None;
        let mut from = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => pid = Some(Message::decode(reader)?),
                (2, FieldType::I64) => ballot = Some(Message::decode(reader)?),
                (3, FieldType::I64) => signature = Some(Message::decode(reader)?),
                (4, FieldType::I64) => checkpoint_id = Some(Message::decode(reader)?),
                (5, FieldType::I64) => decree = Some(Message::decode(reader)?),
                (6, FieldType::I64) => digest = Some(Message::decode(reader)?),
                (7, FieldType::STRUCT) => from = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            pid: pid.unwrap_or_default(),
            ballot: ballot.unwrap_or_default(),
            signature: signature.unwrap_or_default(),
            checkpoint_id: checkpoint_id.unwrap_or_default(),
            decree: decree.unwrap_or_default(),
            digest: digest.unwrap_or_default(),
            from: from.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.pid.encode_field(out, 1);
        self.ballot.encode_field(out, 2);
        self.signature.encode_field(out, 3);
        self.checkpoint_id.encode_field(out, 4);
        self.decree.encode_field(out, 5);
        self.digest.encode_field(out, 6);
        self.from.encode_field(out, 7);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.pid.encoded_len_hint()
            + FIELD_HEADER_LEN + self.ballot.encoded_len_hint()
            + FIELD_HEADER_LEN + self.signature.encoded_len_hint()
            + FIELD_HEADER_LEN + self.checkpoint_id.encoded_len_hint()
            + FIELD_HEADER_LEN + self.decree.encoded_len_hint()
            + FIELD_HEADER_LEN + self.digest.encoded_len_hint()
            + FIELD_HEADER_LEN + self.from.encoded_len_hint()
    }
}

/// Argument of RPC_NFS_GET_FILE_SIZE: what a checkpoint consists of. Only checkpoints that the server
/// has offered can be read; no path ever comes from the network.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListCheckpointRequest {
    /// Which partition.
    pub pid: Gpid,
    /// As offered.
    pub checkpoint_id: i64,
}

impl Message for ListCheckpointRequest {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut pid = None;
        let mut checkpoint_id = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => pid = Some(Message::decode(reader)?),
                (2, FieldType::I64) => checkpoint_id = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            pid: pid.unwrap_or_default(),
            checkpoint_id: checkpoint_id.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.pid.encode_field(out, 1);
        self.checkpoint_id.encode_field(out, 2);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.pid.encoded_len_hint()
            + FIELD_HEADER_LEN + self.checkpoint_id.encoded_len_hint()
    }
}

/// One file of a checkpoint.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CheckpointFile {
    /// Without a directory.
    pub name: String,
    /// Bytes.
    pub size: i64,
}

impl Message for CheckpointFile {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut name = None;
        let mut size = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRING) => name = Some(Message::decode(reader)?),
                (2, FieldType::I64) => size = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            name: name.unwrap_or_default(),
            size: size.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.name.encode_field(out, 1);
        self.size.encode_field(out, 2);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.name.encoded_len_hint()
            + FIELD_HEADER_LEN + self.size.encoded_len_hint()
    }
}

/// Answer to RPC_NFS_GET_FILE_SIZE.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListCheckpointResponse {
    /// ERR_OBJECT_NOT_FOUND: there is no such checkpoint any more.
    pub err: ErrorCode,
    /// All of them.
    pub files: Vec<CheckpointFile>,
}

impl Message for ListCheckpointResponse {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut err = None;
        let mut files = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => err = Some(Message::decode(reader)?),
                (2, FieldType::LIST) => files = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            err: err.unwrap_or_default(),
            files: files.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.err.encode_field(out, 1);
        self.files.encode_field(out, 2);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.err.encoded_len_hint()
            + FIELD_HEADER_LEN + self.files.encoded_len_hint()
    }
}

/// Argument of RPC_NFS_COPY: a part of one file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReadCheckpointRequest {
    /// Which partition.
    pub pid: Gpid,
    /// As offered.
    pub checkpoint_id: i64,
    /// As listed.
    pub file_name: String,
    /// Of the first byte.
    pub offset: i64,
    /// Bytes.
    pub size: i32,
}

impl Message for ReadCheckpointRequest {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut pid = None;
        let mut checkpoint_id = None;
        let mut file_name = None;
        let mut offset = None;
        let mut size = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => pid = Some(Message::decode(reader)?),
                (2, FieldType::I64) => checkpoint_id = Some(Message::decode(reader)?),
                (3, FieldType::STRING) => file_name = Some(Message::decode(reader)?),
                (4, FieldType::I64) => offset = Some(Message::decode(reader)?),
                (5, FieldType::I32) => size = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            pid: pid.unwrap_or_default(),
            checkpoint_id: checkpoint_id.unwrap_or_default(),
            file_name: file_name.unwrap_or_default(),
            offset: offset.unwrap_or_default(),
            size: size.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.pid.encode_field(out, 1);
        self.checkpoint_id.encode_field(out, 2);
        self.file_name.encode_field(out, 3);
        self.offset.encode_field(out, 4);
        self.size.encode_field(out, 5);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.pid.encoded_len_hint()
            + FIELD_HEADER_LEN + self.checkpoint_id.encoded_len_hint()
            + FIELD_HEADER_LEN + self.file_name.encoded_len_hint()
            + FIELD_HEADER_LEN + self.offset.encoded_len_hint()
            + FIELD_HEADER_LEN + self.size.encoded_len_hint()
    }
}

/// Answer to RPC_NFS_COPY.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReadCheckpointResponse {
    /// ERR_OBJECT_NOT_FOUND: there is no such file any more; ERR_BUSY: too many reads.
    pub err: ErrorCode,
    /// The bytes, as many as asked for.
    pub content: Bytes,
    /// CRC-32C of `content`.
    pub crc32c: i32,
}

impl Message for ReadCheckpointResponse {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut err = None;
        let mut content = None;
        let mut crc32c = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => err = Some(Message::decode(reader)?),
                (2, FieldType::STRUCT) => content = Some(Message::decode(reader)?),
                (3, FieldType::I32) => crc32c = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            err: err.unwrap_or_default(),
            content: content.unwrap_or_default(),
            crc32c: crc32c.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.err.encode_field(out, 1);
        self.content.encode_field(out, 2);
        self.crc32c.encode_field(out, 3);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.err.encoded_len_hint()
            + FIELD_HEADER_LEN + self.content.encoded_len_hint()
            + FIELD_HEADER_LEN + self.crc32c.encoded_len_hint()
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
        let mut app = None;
        let mut pid = None;
        let mut node = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => app = Some(Message::decode(reader)?),
                (2, FieldType::STRUCT) => pid = Some(Message::decode(reader)?),
                (3, FieldType::STRUCT) => node = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            app: app.unwrap_or_default(),
            pid: pid.unwrap_or_default(),
            node: node.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.app.encode_field(out, 1);
        self.pid.encode_field(out, 2);
        self.node.encode_field(out, 3);
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
        let mut err = None;
        let mut decree = None;
        let mut digest = None;
        let mut record_count = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => err = Some(Message::decode(reader)?),
                (2, FieldType::I64) => decree = Some(Message::decode(reader)?),
                (3, FieldType::I64) => digest = Some(Message::decode(reader)?),
                (4, FieldType::I64) => record_count = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            err: err.unwrap_or_default(),
            decree: decree.unwrap_or_default(),
            digest: digest.unwrap_or_default(),
            record_count: record_count.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.err.encode_field(out, 1);
        self.decree.encode_field(out, 2);
        self.digest.encode_field(out, 3);
        self.record_count.encode_field(out, 4);
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
