// Made by pegasus-idl-generator from idl/; do not edit.

//! Records about replicas that servers and tools share.

use bytes::BytesMut;
use pegasus_common::{Gpid, HostPort, RpcAddress};

use crate::codec::wire_enum;
use crate::codec::{FIELD_HEADER_LEN, encode_field_header};
use crate::codec::{DecodeError, FieldType, Message, Reader, STOP_LEN, encode_stop};

wire_enum! {
    /// Role of a replica in its partition.
    PartitionStatus {
        /// Unknown.
        PS_INVALID = 0, "PS_INVALID";
        /// Has data but is no member now.
        PS_INACTIVE = 1, "PS_INACTIVE";
        /// Failed; will be closed.
        PS_ERROR = 2, "PS_ERROR";
        /// Orders the writes and serves clients.
        PS_PRIMARY = 3, "PS_PRIMARY";
        /// Full member.
        PS_SECONDARY = 4, "PS_SECONDARY";
        /// Learner.
        PS_POTENTIAL_SECONDARY = 5, "PS_POTENTIAL_SECONDARY";
        /// Child of a running split.
        PS_PARTITION_SPLIT = 6, "PS_PARTITION_SPLIT";
    }
}

wire_enum! {
    /// Progress of a partition split.
    SplitStatus {
        /// No split.
        NOT_SPLIT = 0, "NOT_SPLIT";
        /// Under way.
        SPLITTING = 1, "SPLITTING";
        /// Asked to pause.
        PAUSING = 2, "PAUSING";
        /// Resting.
        PAUSED = 3, "PAUSED";
        /// Being undone.
        CANCELING = 4, "CANCELING";
    }
}

wire_enum! {
    /// Condition of a data directory.
    DiskStatus {
        /// Reads and writes.
        NORMAL = 0, "NORMAL";
        /// Nearly full: refuses writes.
        SPACE_INSUFFICIENT = 1, "SPACE_INSUFFICIENT";
        /// Failed.
        IO_ERROR = 2, "IO_ERROR";
    }
}

wire_enum! {
    /// Progress of a manual compaction.
    ManualCompactionStatus {
        /// None asked for.
        IDLE = 0, "IDLE";
        /// Waiting for its turn.
        QUEUING = 1, "QUEUING";
        /// Under way.
        RUNNING = 2, "RUNNING";
        /// Done.
        FINISHED = 3, "FINISHED";
    }
}

/// One file of a checkpoint or a backup.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FileMeta {
    /// Path below the directory in question.
    pub name: String,
    /// Bytes.
    pub size: i64,
    /// Checksum in hexadecimal.
    pub md5: String,
}

impl Message for FileMeta {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRING) => message.name = Message::decode(reader)?,
                (2, FieldType::I64) => message.size = Message::decode(reader)?,
                (3, FieldType::STRING) => message.md5 = Message::decode(reader)?,
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::STRING, 1);
        self.name.encode(out);
        encode_field_header(out, FieldType::I64, 2);
        self.size.encode(out);
        encode_field_header(out, FieldType::STRING, 3);
        self.md5.encode(out);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.name.encoded_len_hint()
            + FIELD_HEADER_LEN + self.size.encoded_len_hint()
            + FIELD_HEADER_LEN + self.md5.encoded_len_hint()
    }
}

/// Membership as one replica is told it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReplicaConfiguration {
    /// Which partition.
    pub pid: Gpid,
    /// Epoch of the membership.
    pub ballot: i64,
    /// Who leads.
    pub primary: RpcAddress,
    /// Role of the receiver.
    pub status: PartitionStatus,
    /// Tells learning attempts apart.
    pub learner_signature: i64,
    /// Commit everything prepared.
    /// Readers take a missing one as `false`.
    pub pop_all: Option<bool>,
    /// Prepare on the split child too.
    /// Readers take a missing one as `false`.
    pub split_sync_to_child: Option<bool>,
    /// Name of `primary`.
    pub hp_primary: Option<HostPort>,
}

impl Message for ReplicaConfiguration {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => message.pid = Message::decode(reader)?,
                (2, FieldType::I64) => message.ballot = Message::decode(reader)?,
                (3, FieldType::STRUCT) => message.primary = Message::decode(reader)?,
                (4, FieldType::I32) => message.status = Message::decode(reader)?,
                (5, FieldType::I64) => message.learner_signature = Message::decode(reader)?,
                (6, FieldType::BOOL) => message.pop_all = Some(Message::decode(reader)?),
                (7, FieldType::BOOL) => message.split_sync_to_child = Some(Message::decode(reader)?),
                (8, FieldType::STRUCT) => message.hp_primary = Some(Message::decode(reader)?),
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
        encode_field_header(out, FieldType::STRUCT, 3);
        self.primary.encode(out);
        encode_field_header(out, FieldType::I32, 4);
        self.status.encode(out);
        encode_field_header(out, FieldType::I64, 5);
        self.learner_signature.encode(out);
        if let Some(value) = &self.pop_all {
            encode_field_header(out, FieldType::BOOL, 6);
            value.encode(out);
        }
        if let Some(value) = &self.split_sync_to_child {
            encode_field_header(out, FieldType::BOOL, 7);
            value.encode(out);
        }
        if let Some(value) = &self.hp_primary {
            encode_field_header(out, FieldType::STRUCT, 8);
            value.encode(out);
        }
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.pid.encoded_len_hint()
            + FIELD_HEADER_LEN + self.ballot.encoded_len_hint()
            + FIELD_HEADER_LEN + self.primary.encoded_len_hint()
            + FIELD_HEADER_LEN + self.status.encoded_len_hint()
            + FIELD_HEADER_LEN + self.learner_signature.encoded_len_hint()
            + self.pop_all.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
            + self.split_sync_to_child.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
            + self.hp_primary.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
    }
}

/// State of one replica, as its server reports it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReplicaInfo {
    /// Which partition.
    pub pid: Gpid,
    /// Epoch of the membership that it knows.
    pub ballot: i64,
    /// Its role.
    pub status: PartitionStatus,
    /// Committed on it.
    pub last_committed_decree: i64,
    /// Prepared on it.
    pub last_prepared_decree: i64,
    /// In its storage, without the log.
    pub last_durable_decree: i64,
    /// Always `pegasus`.
    pub app_type: String,
    /// Data directory that holds it.
    pub disk_tag: String,
    /// Progress of a manual compaction.
    pub manual_compact_status: Option<ManualCompactionStatus>,
}

impl Message for ReplicaInfo {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => message.pid = Message::decode(reader)?,
                (2, FieldType::I64) => message.ballot = Message::decode(reader)?,
                (3, FieldType::I32) => message.status = Message::decode(reader)?,
                (4, FieldType::I64) => message.last_committed_decree = Message::decode(reader)?,
                (5, FieldType::I64) => message.last_prepared_decree = Message::decode(reader)?,
                (6, FieldType::I64) => message.last_durable_decree = Message::decode(reader)?,
                (7, FieldType::STRING) => message.app_type = Message::decode(reader)?,
                (8, FieldType::STRING) => message.disk_tag = Message::decode(reader)?,
                (9, FieldType::I32) => message.manual_compact_status = Some(Message::decode(reader)?),
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
        self.status.encode(out);
        encode_field_header(out, FieldType::I64, 4);
        self.last_committed_decree.encode(out);
        encode_field_header(out, FieldType::I64, 5);
        self.last_prepared_decree.encode(out);
        encode_field_header(out, FieldType::I64, 6);
        self.last_durable_decree.encode(out);
        encode_field_header(out, FieldType::STRING, 7);
        self.app_type.encode(out);
        encode_field_header(out, FieldType::STRING, 8);
        self.disk_tag.encode(out);
        if let Some(value) = &self.manual_compact_status {
            encode_field_header(out, FieldType::I32, 9);
            value.encode(out);
        }
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.pid.encoded_len_hint()
            + FIELD_HEADER_LEN + self.ballot.encoded_len_hint()
            + FIELD_HEADER_LEN + self.status.encoded_len_hint()
            + FIELD_HEADER_LEN + self.last_committed_decree.encoded_len_hint()
            + FIELD_HEADER_LEN + self.last_prepared_decree.encoded_len_hint()
            + FIELD_HEADER_LEN + self.last_durable_decree.encoded_len_hint()
            + FIELD_HEADER_LEN + self.app_type.encoded_len_hint()
            + FIELD_HEADER_LEN + self.disk_tag.encoded_len_hint()
            + self.manual_compact_status.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
    }
}
