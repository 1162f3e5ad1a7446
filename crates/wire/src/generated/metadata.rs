// Made by pegasus-idl-generator from idl/; do not edit.

//! Records about replicas that servers and tools share.

use bytes::BytesMut;
use pegasus_common::{Gpid, HostPort, RpcAddress};

use crate::codec::wire_enum;
use crate::codec::FIELD_HEADER_LEN;
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
        let mut name = None;
        let mut size = None;
        let mut md5 = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRING) => name = Some(Message::decode(reader)?),
                (2, FieldType::I64) => size = Some(Message::decode(reader)?),
                (3, FieldType::STRING) => md5 = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            name: name.unwrap_or_default(),
            size: size.unwrap_or_default(),
            md5: md5.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.name.encode_field(out, 1);
        self.size.encode_field(out, 2);
        self.md5.encode_field(out, 3);
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
        let mut pid = None;
        let mut ballot = None;
        let mut primary = None;
        let mut status = None;
        let mut learner_signature = None;
        let mut pop_all = None;
        let mut split_sync_to_child = None;
        let mut hp_primary = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => pid = Some(Message::decode(reader)?),
                (2, FieldType::I64) => ballot = Some(Message::decode(reader)?),
                (3, FieldType::STRUCT) => primary = Some(Message::decode(reader)?),
                (4, FieldType::I32) => status = Some(Message::decode(reader)?),
                (5, FieldType::I64) => learner_signature = Some(Message::decode(reader)?),
                (6, FieldType::BOOL) => pop_all = Some(Message::decode(reader)?),
                (7, FieldType::BOOL) => split_sync_to_child = Some(Message::decode(reader)?),
                (8, FieldType::STRUCT) => hp_primary = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            pid: pid.unwrap_or_default(),
            ballot: ballot.unwrap_or_default(),
            primary: primary.unwrap_or_default(),
            status: status.unwrap_or_default(),
            learner_signature: learner_signature.unwrap_or_default(),
            pop_all,
            split_sync_to_child,
            hp_primary,
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.pid.encode_field(out, 1);
        self.ballot.encode_field(out, 2);
        self.primary.encode_field(out, 3);
        self.status.encode_field(out, 4);
        self.learner_signature.encode_field(out, 5);
        if let Some(value) = &self.pop_all {
            value.encode_field(out, 6);
        }
        if let Some(value) = &self.split_sync_to_child {
            value.encode_field(out, 7);
        }
        if let Some(value) = &self.hp_primary {
            value.encode_field(out, 8);
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
    /// Ours: it surely has all that it acknowledged (I6).
    pub is_proven: Option<bool>,
}

impl Message for ReplicaInfo {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut pid = None;
        let mut ballot = None;
        let mut status = None;
        let mut last_committed_decree = None;
        let mut last_prepared_decree = None;
        let mut last_durable_decree = None;
        let mut app_type = None;
        let mut disk_tag = None;
        let mut manual_compact_status = None;
        let mut is_proven = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => pid = Some(Message::decode(reader)?),
                (2, FieldType::I64) => ballot = Some(Message::decode(reader)?),
                (3, FieldType::I32) => status = Some(Message::decode(reader)?),
                (4, FieldType::I64) => last_committed_decree = Some(Message::decode(reader)?),
                (5, FieldType::I64) => last_prepared_decree = Some(Message::decode(reader)?),
                (6, FieldType::I64) => last_durable_decree = Some(Message::decode(reader)?),
                (7, FieldType::STRING) => app_type = Some(Message::decode(reader)?),
                (8, FieldType::STRING) => disk_tag = Some(Message::decode(reader)?),
                (9, FieldType::I32) => manual_compact_status = Some(Message::decode(reader)?),
                (100, FieldType::BOOL) => is_proven = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            pid: pid.unwrap_or_default(),
            ballot: ballot.unwrap_or_default(),
            status: status.unwrap_or_default(),
            last_committed_decree: last_committed_decree.unwrap_or_default(),
            last_prepared_decree: last_prepared_decree.unwrap_or_default(),
            last_durable_decree: last_durable_decree.unwrap_or_default(),
            app_type: app_type.unwrap_or_default(),
            disk_tag: disk_tag.unwrap_or_default(),
            manual_compact_status,
            is_proven,
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.pid.encode_field(out, 1);
        self.ballot.encode_field(out, 2);
        self.status.encode_field(out, 3);
        self.last_committed_decree.encode_field(out, 4);
        self.last_prepared_decree.encode_field(out, 5);
        self.last_durable_decree.encode_field(out, 6);
        self.app_type.encode_field(out, 7);
        self.disk_tag.encode_field(out, 8);
        if let Some(value) = &self.manual_compact_status {
            value.encode_field(out, 9);
        }
        if let Some(value) = &self.is_proven {
            value.encode_field(out, 100);
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
            + self.is_proven.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
    }
}
