// Made by pegasus-idl-generator from idl/; do not edit.

//! Beacons, by which replica servers keep their leases at the meta servers (meta-server.md section 11).

use bytes::BytesMut;
use pegasus_common::{HostPort, RpcAddress};

use crate::codec::{FIELD_HEADER_LEN, encode_field_header};
use crate::codec::{DecodeError, FieldType, Message, Reader, STOP_LEN, encode_stop};

/// Argument of RPC_FD_FAILURE_DETECTOR_PING: a replica server is alive.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BeaconMsg {
    /// Sender's milliseconds; comes back in the answer.
    pub time: i64,
    /// The replica server.
    pub from_node: RpcAddress,
    /// The meta server.
    pub to_node: RpcAddress,
    /// When the sender's process started, Unix milliseconds.
    pub start_time: Option<i64>,
    /// Name of `from_node`.
    pub hp_from_node: Option<HostPort>,
    /// Name of `to_node`.
    pub hp_to_node: Option<HostPort>,
}

impl Message for BeaconMsg {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::I64) => message.time = Message::decode(reader)?,
                (2, FieldType::STRUCT) => message.from_node = Message::decode(reader)?,
                (3, FieldType::STRUCT) => message.to_node = Message::decode(reader)?,
                (4, FieldType::I64) => message.start_time = Some(Message::decode(reader)?),
                (5, FieldType::STRUCT) => message.hp_from_node = Some(Message::decode(reader)?),
                (6, FieldType::STRUCT) => message.hp_to_node = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::I64, 1);
        self.time.encode(out);
        encode_field_header(out, FieldType::STRUCT, 2);
        self.from_node.encode(out);
        encode_field_header(out, FieldType::STRUCT, 3);
        self.to_node.encode(out);
        if let Some(value) = &self.start_time {
            encode_field_header(out, FieldType::I64, 4);
            value.encode(out);
        }
        if let Some(value) = &self.hp_from_node {
            encode_field_header(out, FieldType::STRUCT, 5);
            value.encode(out);
        }
        if let Some(value) = &self.hp_to_node {
            encode_field_header(out, FieldType::STRUCT, 6);
            value.encode(out);
        }
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.time.encoded_len_hint()
            + FIELD_HEADER_LEN + self.from_node.encoded_len_hint()
            + FIELD_HEADER_LEN + self.to_node.encoded_len_hint()
            + self.start_time.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
            + self.hp_from_node.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
            + self.hp_to_node.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
    }
}

/// Answer to a beacon.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BeaconAck {
    /// Copied from the beacon.
    pub time: i64,
    /// The answering meta server.
    pub this_node: RpcAddress,
    /// The leader; invalid when unknown.
    pub primary_node: RpcAddress,
    /// Whether the answering server is the leader.
    pub is_master: bool,
    /// Whether the sender may join the cluster.
    pub allowed: bool,
    /// Name of `this_node`.
    pub hp_this_node: Option<HostPort>,
    /// Name of `primary_node`.
    pub hp_primary_node: Option<HostPort>,
}

impl Message for BeaconAck {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::I64) => message.time = Message::decode(reader)?,
                (2, FieldType::STRUCT) => message.this_node = Message::decode(reader)?,
                (3, FieldType::STRUCT) => message.primary_node = Message::decode(reader)?,
                (4, FieldType::BOOL) => message.is_master = Message::decode(reader)?,
                (5, FieldType::BOOL) => message.allowed = Message::decode(reader)?,
                (6, FieldType::STRUCT) => message.hp_this_node = Some(Message::decode(reader)?),
                (7, FieldType::STRUCT) => message.hp_primary_node = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::I64, 1);
        self.time.encode(out);
        encode_field_header(out, FieldType::STRUCT, 2);
        self.this_node.encode(out);
        encode_field_header(out, FieldType::STRUCT, 3);
        self.primary_node.encode(out);
        encode_field_header(out, FieldType::BOOL, 4);
        self.is_master.encode(out);
        encode_field_header(out, FieldType::BOOL, 5);
        self.allowed.encode(out);
        if let Some(value) = &self.hp_this_node {
            encode_field_header(out, FieldType::STRUCT, 6);
            value.encode(out);
        }
        if let Some(value) = &self.hp_primary_node {
            encode_field_header(out, FieldType::STRUCT, 7);
            value.encode(out);
        }
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.time.encoded_len_hint()
            + FIELD_HEADER_LEN + self.this_node.encoded_len_hint()
            + FIELD_HEADER_LEN + self.primary_node.encoded_len_hint()
            + FIELD_HEADER_LEN + self.is_master.encoded_len_hint()
            + FIELD_HEADER_LEN + self.allowed.encoded_len_hint()
            + self.hp_this_node.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
            + self.hp_primary_node.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
    }
}
