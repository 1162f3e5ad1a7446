// Made by pegasus-idl-generator from idl/; do not edit.

//! Beacons, by which replica servers keep their leases at the meta servers (meta-server.md section 11).

use bytes::BytesMut;
use pegasus_common::{HostPort, RpcAddress};

use crate::codec::FIELD_HEADER_LEN;
use crate::codec::{DecodeError, FieldType, Message, Reader, STOP_LEN, encode_stop};

/// Argument of RPC_FD_FAILURE_DETECTOR_PING: a replica server is alive. Fields from 100 on are ours.
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
    /// How long the sender serves after sending this.
    pub lease_ms: Option<i64>,
    /// The sender has closed its lease for good and is about to stop.
    pub goodbye: Option<bool>,
    /// The sender has locked its data directories and reads them in.
    pub loading: Option<bool>,
    /// No data directory of the sender takes new replicas or clients' writes.
    pub no_room: Option<bool>,
}

impl Message for BeaconMsg {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut time = None;
        let mut from_node = None;
        let mut to_node = None;
        let mut start_time = None;
        let mut hp_from_node = None;
        let mut hp_to_node = None;
        let mut lease_ms = None;
        let mut goodbye = None;
        let mut loading = None;
        let mut no_room = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::I64) => time = Some(Message::decode(reader)?),
                (2, FieldType::STRUCT) => from_node = Some(Message::decode(reader)?),
                (3, FieldType::STRUCT) => to_node = Some(Message::decode(reader)?),
                (4, FieldType::I64) => start_time = Some(Message::decode(reader)?),
                (5, FieldType::STRUCT) => hp_from_node = Some(Message::decode(reader)?),
                (6, FieldType::STRUCT) => hp_to_node = Some(Message::decode(reader)?),
                (100, FieldType::I64) => lease_ms = Some(Message::decode(reader)?),
                (101, FieldType::BOOL) => goodbye = Some(Message::decode(reader)?),
                (102, FieldType::BOOL) => loading = Some(Message::decode(reader)?),
                (103, FieldType::BOOL) => no_room = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            time: time.unwrap_or_default(),
            from_node: from_node.unwrap_or_default(),
            to_node: to_node.unwrap_or_default(),
            start_time,
            hp_from_node,
            hp_to_node,
            lease_ms,
            goodbye,
            loading,
            no_room,
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.time.encode_field(out, 1);
        self.from_node.encode_field(out, 2);
        self.to_node.encode_field(out, 3);
        if let Some(value) = &self.start_time {
            value.encode_field(out, 4);
        }
        if let Some(value) = &self.hp_from_node {
            value.encode_field(out, 5);
        }
        if let Some(value) = &self.hp_to_node {
            value.encode_field(out, 6);
        }
        if let Some(value) = &self.lease_ms {
            value.encode_field(out, 100);
        }
        if let Some(value) = &self.goodbye {
            value.encode_field(out, 101);
        }
        if let Some(value) = &self.loading {
            value.encode_field(out, 102);
        }
        if let Some(value) = &self.no_room {
            value.encode_field(out, 103);
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
            + self.lease_ms.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
            + self.goodbye.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
            + self.loading.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
            + self.no_room.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
    }
}

/// Answer to a beacon. Fields from 100 on are ours.
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
    /// The leader does not know which replicas the sender has: config sync, please.
    pub report_wanted: Option<bool>,
}

impl Message for BeaconAck {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut time = None;
        let mut this_node = None;
        let mut primary_node = None;
        let mut is_master = None;
        let mut allowed = None;
        let mut hp_this_node = None;
        let mut hp_primary_node = None;
        let mut report_wanted = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::I64) => time = Some(Message::decode(reader)?),
                (2, FieldType::STRUCT) => this_node = Some(Message::decode(reader)?),
                (3, FieldType::STRUCT) => primary_node = Some(Message::decode(reader)?),
                (4, FieldType::BOOL) => is_master = Some(Message::decode(reader)?),
                (5, FieldType::BOOL) => allowed = Some(Message::decode(reader)?),
                (6, FieldType::STRUCT) => hp_this_node = Some(Message::decode(reader)?),
                (7, FieldType::STRUCT) => hp_primary_node = Some(Message::decode(reader)?),
                (100, FieldType::BOOL) => report_wanted = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            time: time.unwrap_or_default(),
            this_node: this_node.unwrap_or_default(),
            primary_node: primary_node.unwrap_or_default(),
            is_master: is_master.unwrap_or_default(),
            allowed: allowed.unwrap_or_default(),
            hp_this_node,
            hp_primary_node,
            report_wanted,
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.time.encode_field(out, 1);
        self.this_node.encode_field(out, 2);
        self.primary_node.encode_field(out, 3);
        self.is_master.encode_field(out, 4);
        self.allowed.encode_field(out, 5);
        if let Some(value) = &self.hp_this_node {
            value.encode_field(out, 6);
        }
        if let Some(value) = &self.hp_primary_node {
            value.encode_field(out, 7);
        }
        if let Some(value) = &self.report_wanted {
            value.encode_field(out, 100);
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
            + self.report_wanted.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
    }
}
