// Made by pegasus-idl-generator from idl/; do not edit.

//! The data operations of a table: requests that clients send to replica servers, and the answers.
//! A raw key is a u16 length, the hash key of that length, and the sort key. `expire_ts_seconds` is
//! seconds since 2016-01-01 UTC, and 0 means never. The `error` of a response is a storage status
//! (wire-protocol.md section 8.3); the meaning of each operation is in data-semantics.md.

use bytes::{Bytes, BytesMut};

use crate::codec::wire_enum;
use crate::codec::FIELD_HEADER_LEN;
use crate::codec::{DecodeError, FieldType, Message, Reader, STOP_LEN, encode_stop};

wire_enum! {
    /// How a filter pattern selects hash keys or sort keys.
    FilterType {
        /// Everything passes.
        FT_NO_FILTER = 0, "FT_NO_FILTER";
        /// The key contains the pattern.
        FT_MATCH_ANYWHERE = 1, "FT_MATCH_ANYWHERE";
        /// The key begins with the pattern.
        FT_MATCH_PREFIX = 2, "FT_MATCH_PREFIX";
        /// The key ends with the pattern.
        FT_MATCH_POSTFIX = 3, "FT_MATCH_POSTFIX";
    }
}

wire_enum! {
    /// The condition of check_and_set and check_and_mutate on the record at the check sort key.
    CasCheckType {
        /// Always passes.
        CT_NO_CHECK = 0, "CT_NO_CHECK";
        /// There is no record.
        CT_VALUE_NOT_EXIST = 1, "CT_VALUE_NOT_EXIST";
        /// There is no record or its value is empty.
        CT_VALUE_NOT_EXIST_OR_EMPTY = 2, "CT_VALUE_NOT_EXIST_OR_EMPTY";
        /// There is a record.
        CT_VALUE_EXIST = 3, "CT_VALUE_EXIST";
        /// There is a record and its value is not empty.
        CT_VALUE_NOT_EMPTY = 4, "CT_VALUE_NOT_EMPTY";
        /// The value contains the operand.
        CT_VALUE_MATCH_ANYWHERE = 5, "CT_VALUE_MATCH_ANYWHERE";
        /// The value begins with the operand.
        CT_VALUE_MATCH_PREFIX = 6, "CT_VALUE_MATCH_PREFIX";
        /// The value ends with the operand.
        CT_VALUE_MATCH_POSTFIX = 7, "CT_VALUE_MATCH_POSTFIX";
        /// As bytes, the value is less than the operand.
        CT_VALUE_BYTES_LESS = 8, "CT_VALUE_BYTES_LESS";
        /// As bytes, the value is at most the operand.
        CT_VALUE_BYTES_LESS_OR_EQUAL = 9, "CT_VALUE_BYTES_LESS_OR_EQUAL";
        /// As bytes, the value is the operand.
        CT_VALUE_BYTES_EQUAL = 10, "CT_VALUE_BYTES_EQUAL";
        /// As bytes, the value is at least the operand.
        CT_VALUE_BYTES_GREATER_OR_EQUAL = 11, "CT_VALUE_BYTES_GREATER_OR_EQUAL";
        /// As bytes, the value is greater than the operand.
        CT_VALUE_BYTES_GREATER = 12, "CT_VALUE_BYTES_GREATER";
        /// As decimal integer, the value is less than the operand.
        CT_VALUE_INT_LESS = 13, "CT_VALUE_INT_LESS";
        /// As decimal integer, the value is at most the operand.
        CT_VALUE_INT_LESS_OR_EQUAL = 14, "CT_VALUE_INT_LESS_OR_EQUAL";
        /// As decimal integer, the value is the operand.
        CT_VALUE_INT_EQUAL = 15, "CT_VALUE_INT_EQUAL";
        /// As decimal integer, the value is at least the operand.
        CT_VALUE_INT_GREATER_OR_EQUAL = 16, "CT_VALUE_INT_GREATER_OR_EQUAL";
        /// As decimal integer, the value is greater than the operand.
        CT_VALUE_INT_GREATER = 17, "CT_VALUE_INT_GREATER";
    }
}

wire_enum! {
    /// What one step of check_and_mutate does.
    MutateOperation {
        /// Writes a record.
        MO_PUT = 0, "MO_PUT";
        /// Removes a record.
        MO_DELETE = 1, "MO_DELETE";
    }
}

wire_enum! {
    /// Which atomic operation a put stands for. Upstream servers use it among themselves only.
    UpdateType {
        /// A plain put.
        UT_PUT = 0, "UT_PUT";
        /// The outcome of incr.
        UT_INCR = 1, "UT_INCR";
        /// The outcome of check_and_set.
        UT_CHECK_AND_SET = 2, "UT_CHECK_AND_SET";
        /// A put of check_and_mutate.
        UT_CHECK_AND_MUTATE_PUT = 3, "UT_CHECK_AND_MUTATE_PUT";
        /// A removal of check_and_mutate.
        UT_CHECK_AND_MUTATE_REMOVE = 4, "UT_CHECK_AND_MUTATE_REMOVE";
    }
}

/// Argument of RPC_RRDB_RRDB_PUT: writes one record.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UpdateRequest {
    /// Raw key.
    pub key: Bytes,
    /// What to store.
    pub value: Bytes,
    /// When the record expires.
    pub expire_ts_seconds: i32,
    /// Never sent by clients.
    pub r#type: Option<UpdateType>,
    /// Never sent by clients.
    pub check_value_returned: Option<bool>,
    /// Never sent by clients.
    pub check_value_exist: Option<bool>,
    /// Never sent by clients.
    pub check_value: Option<Bytes>,
}

impl Message for UpdateRequest {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut key = None;
        let mut value = None;
        let mut expire_ts_seconds = None;
        let mut r#type = None;
        let mut check_value_returned = None;
        let mut check_value_exist = None;
        let mut check_value = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => key = Some(Message::decode(reader)?),
                (2, FieldType::STRUCT) => value = Some(Message::decode(reader)?),
                (3, FieldType::I32) => expire_ts_seconds = Some(Message::decode(reader)?),
                (4, FieldType::I32) => r#type = Some(Message::decode(reader)?),
                (5, FieldType::BOOL) => check_value_returned = Some(Message::decode(reader)?),
                (6, FieldType::BOOL) => check_value_exist = Some(Message::decode(reader)?),
                (7, FieldType::STRUCT) => check_value = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            key: key.unwrap_or_default(),
            value: value.unwrap_or_default(),
            expire_ts_seconds: expire_ts_seconds.unwrap_or_default(),
            r#type,
            check_value_returned,
            check_value_exist,
            check_value,
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.key.encode_field(out, 1);
        self.value.encode_field(out, 2);
        self.expire_ts_seconds.encode_field(out, 3);
        if let Some(value) = &self.r#type {
            value.encode_field(out, 4);
        }
        if let Some(value) = &self.check_value_returned {
            value.encode_field(out, 5);
        }
        if let Some(value) = &self.check_value_exist {
            value.encode_field(out, 6);
        }
        if let Some(value) = &self.check_value {
            value.encode_field(out, 7);
        }
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.key.encoded_len_hint()
            + FIELD_HEADER_LEN + self.value.encoded_len_hint()
            + FIELD_HEADER_LEN + self.expire_ts_seconds.encoded_len_hint()
            + self.r#type.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
            + self.check_value_returned.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
            + self.check_value_exist.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
            + self.check_value.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
    }
}

/// Answer to put, multi_put and remove.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UpdateResponse {
    /// Storage status.
    pub error: i32,
    /// Table that was written.
    pub app_id: i32,
    /// Partition that was written.
    pub partition_index: i32,
    /// Decree of the mutation.
    pub decree: i64,
    /// `address:port` of the answering server.
    pub server: String,
}

impl Message for UpdateResponse {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut error = None;
        let mut app_id = None;
        let mut partition_index = None;
        let mut decree = None;
        let mut server = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::I32) => error = Some(Message::decode(reader)?),
                (2, FieldType::I32) => app_id = Some(Message::decode(reader)?),
                (3, FieldType::I32) => partition_index = Some(Message::decode(reader)?),
                (4, FieldType::I64) => decree = Some(Message::decode(reader)?),
                (5, FieldType::STRING) => server = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            error: error.unwrap_or_default(),
            app_id: app_id.unwrap_or_default(),
            partition_index: partition_index.unwrap_or_default(),
            decree: decree.unwrap_or_default(),
            server: server.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.error.encode_field(out, 1);
        self.app_id.encode_field(out, 2);
        self.partition_index.encode_field(out, 3);
        self.decree.encode_field(out, 4);
        self.server.encode_field(out, 5);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.error.encoded_len_hint()
            + FIELD_HEADER_LEN + self.app_id.encoded_len_hint()
            + FIELD_HEADER_LEN + self.partition_index.encoded_len_hint()
            + FIELD_HEADER_LEN + self.decree.encoded_len_hint()
            + FIELD_HEADER_LEN + self.server.encoded_len_hint()
    }
}

/// Answer to get.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReadResponse {
    /// Storage status; 1 when there is no such record.
    pub error: i32,
    /// The stored value.
    pub value: Bytes,
    /// Table that was read.
    pub app_id: i32,
    /// Partition that was read.
    pub partition_index: i32,
    /// `address:port` of the answering server.
    pub server: String,
}

impl Message for ReadResponse {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut error = None;
        let mut value = None;
        let mut app_id = None;
        let mut partition_index = None;
        let mut server = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::I32) => error = Some(Message::decode(reader)?),
                (2, FieldType::STRUCT) => value = Some(Message::decode(reader)?),
                (3, FieldType::I32) => app_id = Some(Message::decode(reader)?),
                (4, FieldType::I32) => partition_index = Some(Message::decode(reader)?),
                (6, FieldType::STRING) => server = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            error: error.unwrap_or_default(),
            value: value.unwrap_or_default(),
            app_id: app_id.unwrap_or_default(),
            partition_index: partition_index.unwrap_or_default(),
            server: server.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.error.encode_field(out, 1);
        self.value.encode_field(out, 2);
        self.app_id.encode_field(out, 3);
        self.partition_index.encode_field(out, 4);
        self.server.encode_field(out, 6);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.error.encoded_len_hint()
            + FIELD_HEADER_LEN + self.value.encoded_len_hint()
            + FIELD_HEADER_LEN + self.app_id.encoded_len_hint()
            + FIELD_HEADER_LEN + self.partition_index.encoded_len_hint()
            + FIELD_HEADER_LEN + self.server.encoded_len_hint()
    }
}

/// Answer to ttl.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TtlResponse {
    /// Storage status; 1 when there is no such record.
    pub error: i32,
    /// Seconds that are left; -1 when the record never expires.
    pub ttl_seconds: i32,
    /// Table that was read.
    pub app_id: i32,
    /// Partition that was read.
    pub partition_index: i32,
    /// `address:port` of the answering server.
    pub server: String,
}

impl Message for TtlResponse {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut error = None;
        let mut ttl_seconds = None;
        let mut app_id = None;
        let mut partition_index = None;
        let mut server = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::I32) => error = Some(Message::decode(reader)?),
                (2, FieldType::I32) => ttl_seconds = Some(Message::decode(reader)?),
                (3, FieldType::I32) => app_id = Some(Message::decode(reader)?),
                (4, FieldType::I32) => partition_index = Some(Message::decode(reader)?),
                (6, FieldType::STRING) => server = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            error: error.unwrap_or_default(),
            ttl_seconds: ttl_seconds.unwrap_or_default(),
            app_id: app_id.unwrap_or_default(),
            partition_index: partition_index.unwrap_or_default(),
            server: server.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.error.encode_field(out, 1);
        self.ttl_seconds.encode_field(out, 2);
        self.app_id.encode_field(out, 3);
        self.partition_index.encode_field(out, 4);
        self.server.encode_field(out, 6);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.error.encoded_len_hint()
            + FIELD_HEADER_LEN + self.ttl_seconds.encoded_len_hint()
            + FIELD_HEADER_LEN + self.app_id.encoded_len_hint()
            + FIELD_HEADER_LEN + self.partition_index.encoded_len_hint()
            + FIELD_HEADER_LEN + self.server.encoded_len_hint()
    }
}

/// Answer to sortkey_count.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CountResponse {
    /// Storage status.
    pub error: i32,
    /// Live records under the hash key; -1 when counting hit a limit.
    pub count: i64,
    /// Table that was read.
    pub app_id: i32,
    /// Partition that was read.
    pub partition_index: i32,
    /// `address:port` of the answering server.
    pub server: String,
}

impl Message for CountResponse {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut error = None;
        let mut count = None;
        let mut app_id = None;
        let mut partition_index = None;
        let mut server = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::I32) => error = Some(Message::decode(reader)?),
                (2, FieldType::I64) => count = Some(Message::decode(reader)?),
                (3, FieldType::I32) => app_id = Some(Message::decode(reader)?),
                (4, FieldType::I32) => partition_index = Some(Message::decode(reader)?),
                (6, FieldType::STRING) => server = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            error: error.unwrap_or_default(),
            count: count.unwrap_or_default(),
            app_id: app_id.unwrap_or_default(),
            partition_index: partition_index.unwrap_or_default(),
            server: server.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.error.encode_field(out, 1);
        self.count.encode_field(out, 2);
        self.app_id.encode_field(out, 3);
        self.partition_index.encode_field(out, 4);
        self.server.encode_field(out, 6);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.error.encoded_len_hint()
            + FIELD_HEADER_LEN + self.count.encoded_len_hint()
            + FIELD_HEADER_LEN + self.app_id.encoded_len_hint()
            + FIELD_HEADER_LEN + self.partition_index.encoded_len_hint()
            + FIELD_HEADER_LEN + self.server.encoded_len_hint()
    }
}

/// A record without its hash key. In scan answers `key` is the raw key, elsewhere the sort key.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeyValue {
    /// Sort key or raw key.
    pub key: Bytes,
    /// The stored value.
    pub value: Bytes,
    /// Only in scans that asked for it.
    pub expire_ts_seconds: Option<i32>,
}

impl Message for KeyValue {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut key = None;
        let mut value = None;
        let mut expire_ts_seconds = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => key = Some(Message::decode(reader)?),
                (2, FieldType::STRUCT) => value = Some(Message::decode(reader)?),
                (3, FieldType::I32) => expire_ts_seconds = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            key: key.unwrap_or_default(),
            value: value.unwrap_or_default(),
            expire_ts_seconds,
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.key.encode_field(out, 1);
        self.value.encode_field(out, 2);
        if let Some(value) = &self.expire_ts_seconds {
            value.encode_field(out, 3);
        }
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.key.encoded_len_hint()
            + FIELD_HEADER_LEN + self.value.encoded_len_hint()
            + self.expire_ts_seconds.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
    }
}

/// Argument of RPC_RRDB_RRDB_MULTI_PUT: writes records of one hash key, all or none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MultiPutRequest {
    /// Hash key of all records.
    pub hash_key: Bytes,
    /// Sort keys and values.
    pub kvs: Vec<KeyValue>,
    /// When the records expire.
    pub expire_ts_seconds: i32,
}

impl Message for MultiPutRequest {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut hash_key = None;
        let mut kvs = None;
        let mut expire_ts_seconds = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => hash_key = Some(Message::decode(reader)?),
                (2, FieldType::LIST) => kvs = Some(Message::decode(reader)?),
                (3, FieldType::I32) => expire_ts_seconds = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            hash_key: hash_key.unwrap_or_default(),
            kvs: kvs.unwrap_or_default(),
            expire_ts_seconds: expire_ts_seconds.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.hash_key.encode_field(out, 1);
        self.kvs.encode_field(out, 2);
        self.expire_ts_seconds.encode_field(out, 3);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.hash_key.encoded_len_hint()
            + FIELD_HEADER_LEN + self.kvs.encoded_len_hint()
            + FIELD_HEADER_LEN + self.expire_ts_seconds.encoded_len_hint()
    }
}

/// Argument of RPC_RRDB_RRDB_MULTI_REMOVE: removes records of one hash key, all or none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MultiRemoveRequest {
    /// Hash key of all records.
    pub hash_key: Bytes,
    /// Which records to remove.
    pub sort_keys: Vec<Bytes>,
    /// Ignored.
    pub max_count: i64,
}

impl Message for MultiRemoveRequest {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut hash_key = None;
        let mut sort_keys = None;
        let mut max_count = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => hash_key = Some(Message::decode(reader)?),
                (2, FieldType::LIST) => sort_keys = Some(Message::decode(reader)?),
                (3, FieldType::I64) => max_count = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            hash_key: hash_key.unwrap_or_default(),
            sort_keys: sort_keys.unwrap_or_default(),
            max_count: max_count.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.hash_key.encode_field(out, 1);
        self.sort_keys.encode_field(out, 2);
        self.max_count.encode_field(out, 3);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.hash_key.encoded_len_hint()
            + FIELD_HEADER_LEN + self.sort_keys.encoded_len_hint()
            + FIELD_HEADER_LEN + self.max_count.encoded_len_hint()
    }
}

/// Answer to multi_remove.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MultiRemoveResponse {
    /// Storage status.
    pub error: i32,
    /// Sort keys that were in the request.
    pub count: i64,
    /// Table that was written.
    pub app_id: i32,
    /// Partition that was written.
    pub partition_index: i32,
    /// Decree of the mutation.
    pub decree: i64,
    /// `address:port` of the answering server.
    pub server: String,
}

impl Message for MultiRemoveResponse {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut error = None;
        let mut count = None;
        let mut app_id = None;
        let mut partition_index = None;
        let mut decree = None;
        let mut server = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::I32) => error = Some(Message::decode(reader)?),
                (2, FieldType::I64) => count = Some(Message::decode(reader)?),
                (3, FieldType::I32) => app_id = Some(Message::decode(reader)?),
                (4, FieldType::I32) => partition_index = Some(Message::decode(reader)?),
                (5, FieldType::I64) => decree = Some(Message::decode(reader)?),
                (6, FieldType::STRING) => server = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            error: error.unwrap_or_default(),
            count: count.unwrap_or_default(),
            app_id: app_id.unwrap_or_default(),
            partition_index: partition_index.unwrap_or_default(),
            decree: decree.unwrap_or_default(),
            server: server.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.error.encode_field(out, 1);
        self.count.encode_field(out, 2);
        self.app_id.encode_field(out, 3);
        self.partition_index.encode_field(out, 4);
        self.decree.encode_field(out, 5);
        self.server.encode_field(out, 6);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.error.encoded_len_hint()
            + FIELD_HEADER_LEN + self.count.encoded_len_hint()
            + FIELD_HEADER_LEN + self.app_id.encoded_len_hint()
            + FIELD_HEADER_LEN + self.partition_index.encoded_len_hint()
            + FIELD_HEADER_LEN + self.decree.encoded_len_hint()
            + FIELD_HEADER_LEN + self.server.encoded_len_hint()
    }
}

/// Argument of RPC_RRDB_RRDB_MULTI_GET: reads records of one hash key, by sort keys or by range.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MultiGetRequest {
    /// Hash key of all records.
    pub hash_key: Bytes,
    /// Records to read; empty means a range.
    pub sort_keys: Vec<Bytes>,
    /// Most records to return; 0 or less means no limit.
    pub max_kv_count: i32,
    /// Most bytes to return; 0 or less means no limit.
    pub max_kv_size: i32,
    /// Leave the values out.
    pub no_value: bool,
    /// Begin of the range.
    pub start_sortkey: Bytes,
    /// End of the range; empty means the end of the hash key.
    pub stop_sortkey: Bytes,
    /// Whether `start_sortkey` itself belongs to the range.
    pub start_inclusive: bool,
    /// Whether `stop_sortkey` itself belongs to the range.
    pub stop_inclusive: bool,
    /// How `sort_key_filter_pattern` selects.
    pub sort_key_filter_type: FilterType,
    /// Pattern on sort keys of the range.
    pub sort_key_filter_pattern: Bytes,
    /// Take records from the end of the range.
    pub reverse: bool,
}

impl Message for MultiGetRequest {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut hash_key = None;
        let mut sort_keys = None;
        let mut max_kv_count = None;
        let mut max_kv_size = None;
        let mut no_value = None;
        let mut start_sortkey = None;
        let mut stop_sortkey = None;
        let mut start_inclusive = None;
        let mut stop_inclusive = None;
        let mut sort_key_filter_type = None;
        let mut sort_key_filter_pattern = None;
        let mut reverse = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => hash_key = Some(Message::decode(reader)?),
                (2, FieldType::LIST) => sort_keys = Some(Message::decode(reader)?),
                (3, FieldType::I32) => max_kv_count = Some(Message::decode(reader)?),
                (4, FieldType::I32) => max_kv_size = Some(Message::decode(reader)?),
                (5, FieldType::BOOL) => no_value = Some(Message::decode(reader)?),
                (6, FieldType::STRUCT) => start_sortkey = Some(Message::decode(reader)?),
                (7, FieldType::STRUCT) => stop_sortkey = Some(Message::decode(reader)?),
                (8, FieldType::BOOL) => start_inclusive = Some(Message::decode(reader)?),
                (9, FieldType::BOOL) => stop_inclusive = Some(Message::decode(reader)?),
                (10, FieldType::I32) => sort_key_filter_type = Some(Message::decode(reader)?),
                (11, FieldType::STRUCT) => sort_key_filter_pattern = Some(Message::decode(reader)?),
                (12, FieldType::BOOL) => reverse = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            hash_key: hash_key.unwrap_or_default(),
            sort_keys: sort_keys.unwrap_or_default(),
            max_kv_count: max_kv_count.unwrap_or_default(),
            max_kv_size: max_kv_size.unwrap_or_default(),
            no_value: no_value.unwrap_or_default(),
            start_sortkey: start_sortkey.unwrap_or_default(),
            stop_sortkey: stop_sortkey.unwrap_or_default(),
            start_inclusive: start_inclusive.unwrap_or_default(),
            stop_inclusive: stop_inclusive.unwrap_or_default(),
            sort_key_filter_type: sort_key_filter_type.unwrap_or_default(),
            sort_key_filter_pattern: sort_key_filter_pattern.unwrap_or_default(),
            reverse: reverse.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.hash_key.encode_field(out, 1);
        self.sort_keys.encode_field(out, 2);
        self.max_kv_count.encode_field(out, 3);
        self.max_kv_size.encode_field(out, 4);
        self.no_value.encode_field(out, 5);
        self.start_sortkey.encode_field(out, 6);
        self.stop_sortkey.encode_field(out, 7);
        self.start_inclusive.encode_field(out, 8);
        self.stop_inclusive.encode_field(out, 9);
        self.sort_key_filter_type.encode_field(out, 10);
        self.sort_key_filter_pattern.encode_field(out, 11);
        self.reverse.encode_field(out, 12);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.hash_key.encoded_len_hint()
            + FIELD_HEADER_LEN + self.sort_keys.encoded_len_hint()
            + FIELD_HEADER_LEN + self.max_kv_count.encoded_len_hint()
            + FIELD_HEADER_LEN + self.max_kv_size.encoded_len_hint()
            + FIELD_HEADER_LEN + self.no_value.encoded_len_hint()
            + FIELD_HEADER_LEN + self.start_sortkey.encoded_len_hint()
            + FIELD_HEADER_LEN + self.stop_sortkey.encoded_len_hint()
            + FIELD_HEADER_LEN + self.start_inclusive.encoded_len_hint()
            + FIELD_HEADER_LEN + self.stop_inclusive.encoded_len_hint()
            + FIELD_HEADER_LEN + self.sort_key_filter_type.encoded_len_hint()
            + FIELD_HEADER_LEN + self.sort_key_filter_pattern.encoded_len_hint()
            + FIELD_HEADER_LEN + self.reverse.encoded_len_hint()
    }
}

/// Answer to multi_get.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MultiGetResponse {
    /// Storage status; 7 when a limit stopped it.
    pub error: i32,
    /// Records in ascending order of sort key.
    pub kvs: Vec<KeyValue>,
    /// Table that was read.
    pub app_id: i32,
    /// Partition that was read.
    pub partition_index: i32,
    /// `address:port` of the answering server.
    pub server: String,
}

impl Message for MultiGetResponse {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut error = None;
        let mut kvs = None;
        let mut app_id = None;
        let mut partition_index = None;
        let mut server = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::I32) => error = Some(Message::decode(reader)?),
                (2, FieldType::LIST) => kvs = Some(Message::decode(reader)?),
                (3, FieldType::I32) => app_id = Some(Message::decode(reader)?),
                (4, FieldType::I32) => partition_index = Some(Message::decode(reader)?),
                (6, FieldType::STRING) => server = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            error: error.unwrap_or_default(),
            kvs: kvs.unwrap_or_default(),
            app_id: app_id.unwrap_or_default(),
            partition_index: partition_index.unwrap_or_default(),
            server: server.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.error.encode_field(out, 1);
        self.kvs.encode_field(out, 2);
        self.app_id.encode_field(out, 3);
        self.partition_index.encode_field(out, 4);
        self.server.encode_field(out, 6);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.error.encoded_len_hint()
            + FIELD_HEADER_LEN + self.kvs.encoded_len_hint()
            + FIELD_HEADER_LEN + self.app_id.encoded_len_hint()
            + FIELD_HEADER_LEN + self.partition_index.encoded_len_hint()
            + FIELD_HEADER_LEN + self.server.encoded_len_hint()
    }
}

/// Names one record.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FullKey {
    /// Its hash key.
    pub hash_key: Bytes,
    /// Its sort key.
    pub sort_key: Bytes,
}

impl Message for FullKey {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut hash_key = None;
        let mut sort_key = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => hash_key = Some(Message::decode(reader)?),
                (2, FieldType::STRUCT) => sort_key = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            hash_key: hash_key.unwrap_or_default(),
            sort_key: sort_key.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.hash_key.encode_field(out, 1);
        self.sort_key.encode_field(out, 2);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.hash_key.encoded_len_hint()
            + FIELD_HEADER_LEN + self.sort_key.encoded_len_hint()
    }
}

/// Argument of RPC_RRDB_RRDB_BATCH_GET: reads records of one partition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BatchGetRequest {
    /// Which records to read.
    pub keys: Vec<FullKey>,
}

impl Message for BatchGetRequest {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut keys = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::LIST) => keys = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            keys: keys.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.keys.encode_field(out, 1);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.keys.encoded_len_hint()
    }
}

/// One record.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FullData {
    /// Its hash key.
    pub hash_key: Bytes,
    /// Its sort key.
    pub sort_key: Bytes,
    /// The stored value.
    pub value: Bytes,
}

impl Message for FullData {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut hash_key = None;
        let mut sort_key = None;
        let mut value = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => hash_key = Some(Message::decode(reader)?),
                (2, FieldType::STRUCT) => sort_key = Some(Message::decode(reader)?),
                (3, FieldType::STRUCT) => value = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            hash_key: hash_key.unwrap_or_default(),
            sort_key: sort_key.unwrap_or_default(),
            value: value.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.hash_key.encode_field(out, 1);
        self.sort_key.encode_field(out, 2);
        self.value.encode_field(out, 3);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.hash_key.encoded_len_hint()
            + FIELD_HEADER_LEN + self.sort_key.encoded_len_hint()
            + FIELD_HEADER_LEN + self.value.encoded_len_hint()
    }
}

/// Answer to batch_get.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BatchGetResponse {
    /// Storage status.
    pub error: i32,
    /// The records that exist.
    pub data: Vec<FullData>,
    /// Table that was read.
    pub app_id: i32,
    /// Partition that was read.
    pub partition_index: i32,
    /// `address:port` of the answering server.
    pub server: String,
}

impl Message for BatchGetResponse {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut error = None;
        let mut data = None;
        let mut app_id = None;
        let mut partition_index = None;
        let mut server = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::I32) => error = Some(Message::decode(reader)?),
                (2, FieldType::LIST) => data = Some(Message::decode(reader)?),
                (3, FieldType::I32) => app_id = Some(Message::decode(reader)?),
                (4, FieldType::I32) => partition_index = Some(Message::decode(reader)?),
                (6, FieldType::STRING) => server = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            error: error.unwrap_or_default(),
            data: data.unwrap_or_default(),
            app_id: app_id.unwrap_or_default(),
            partition_index: partition_index.unwrap_or_default(),
            server: server.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.error.encode_field(out, 1);
        self.data.encode_field(out, 2);
        self.app_id.encode_field(out, 3);
        self.partition_index.encode_field(out, 4);
        self.server.encode_field(out, 6);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.error.encoded_len_hint()
            + FIELD_HEADER_LEN + self.data.encoded_len_hint()
            + FIELD_HEADER_LEN + self.app_id.encoded_len_hint()
            + FIELD_HEADER_LEN + self.partition_index.encoded_len_hint()
            + FIELD_HEADER_LEN + self.server.encoded_len_hint()
    }
}

/// Argument of RPC_RRDB_RRDB_INCR: adds to a record that holds a decimal integer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IncrRequest {
    /// Raw key.
    pub key: Bytes,
    /// What to add.
    pub increment: i64,
    /// 0 keeps the expiry, -1 clears it, above 0 sets it.
    pub expire_ts_seconds: i32,
}

impl Message for IncrRequest {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut key = None;
        let mut increment = None;
        let mut expire_ts_seconds = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => key = Some(Message::decode(reader)?),
                (2, FieldType::I64) => increment = Some(Message::decode(reader)?),
                (3, FieldType::I32) => expire_ts_seconds = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            key: key.unwrap_or_default(),
            increment: increment.unwrap_or_default(),
            expire_ts_seconds: expire_ts_seconds.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.key.encode_field(out, 1);
        self.increment.encode_field(out, 2);
        self.expire_ts_seconds.encode_field(out, 3);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.key.encoded_len_hint()
            + FIELD_HEADER_LEN + self.increment.encoded_len_hint()
            + FIELD_HEADER_LEN + self.expire_ts_seconds.encoded_len_hint()
    }
}

/// Answer to incr.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IncrResponse {
    /// Storage status.
    pub error: i32,
    /// Value after the addition.
    pub new_value: i64,
    /// Table that was written.
    pub app_id: i32,
    /// Partition that was written.
    pub partition_index: i32,
    /// Decree of the mutation.
    pub decree: i64,
    /// `address:port` of the answering server.
    pub server: String,
}

impl Message for IncrResponse {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut error = None;
        let mut new_value = None;
        let mut app_id = None;
        let mut partition_index = None;
        let mut decree = None;
        let mut server = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::I32) => error = Some(Message::decode(reader)?),
                (2, FieldType::I64) => new_value = Some(Message::decode(reader)?),
                (3, FieldType::I32) => app_id = Some(Message::decode(reader)?),
                (4, FieldType::I32) => partition_index = Some(Message::decode(reader)?),
                (5, FieldType::I64) => decree = Some(Message::decode(reader)?),
                (6, FieldType::STRING) => server = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            error: error.unwrap_or_default(),
            new_value: new_value.unwrap_or_default(),
            app_id: app_id.unwrap_or_default(),
            partition_index: partition_index.unwrap_or_default(),
            decree: decree.unwrap_or_default(),
            server: server.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.error.encode_field(out, 1);
        self.new_value.encode_field(out, 2);
        self.app_id.encode_field(out, 3);
        self.partition_index.encode_field(out, 4);
        self.decree.encode_field(out, 5);
        self.server.encode_field(out, 6);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.error.encoded_len_hint()
            + FIELD_HEADER_LEN + self.new_value.encoded_len_hint()
            + FIELD_HEADER_LEN + self.app_id.encoded_len_hint()
            + FIELD_HEADER_LEN + self.partition_index.encoded_len_hint()
            + FIELD_HEADER_LEN + self.decree.encoded_len_hint()
            + FIELD_HEADER_LEN + self.server.encoded_len_hint()
    }
}

/// Argument of RPC_RRDB_RRDB_CHECK_AND_SET: writes a record if another of its hash key passes a check.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CheckAndSetRequest {
    /// Hash key of both records.
    pub hash_key: Bytes,
    /// Record to check.
    pub check_sort_key: Bytes,
    /// The condition.
    pub check_type: CasCheckType,
    /// What the condition compares with.
    pub check_operand: Bytes,
    /// Whether to write `set_sort_key` and not `check_sort_key`.
    pub set_diff_sort_key: bool,
    /// Record to write.
    pub set_sort_key: Bytes,
    /// What to store.
    pub set_value: Bytes,
    /// When the record expires.
    pub set_expire_ts_seconds: i32,
    /// Whether the answer shall hold the checked value.
    pub return_check_value: bool,
}

impl Message for CheckAndSetRequest {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut hash_key = None;
        let mut check_sort_key = None;
        let mut check_type = None;
        let mut check_operand = None;
        let mut set_diff_sort_key = None;
        let mut set_sort_key = None;
        let mut set_value = None;
        let mut set_expire_ts_seconds = None;
        let mut return_check_value = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => hash_key = Some(Message::decode(reader)?),
                (2, FieldType::STRUCT) => check_sort_key = Some(Message::decode(reader)?),
                (3, FieldType::I32) => check_type = Some(Message::decode(reader)?),
                (4, FieldType::STRUCT) => check_operand = Some(Message::decode(reader)?),
                (5, FieldType::BOOL) => set_diff_sort_key = Some(Message::decode(reader)?),
                (6, FieldType::STRUCT) => set_sort_key = Some(Message::decode(reader)?),
                (7, FieldType::STRUCT) => set_value = Some(Message::decode(reader)?),
                (8, FieldType::I32) => set_expire_ts_seconds = Some(Message::decode(reader)?),
                (9, FieldType::BOOL) => return_check_value = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            hash_key: hash_key.unwrap_or_default(),
            check_sort_key: check_sort_key.unwrap_or_default(),
            check_type: check_type.unwrap_or_default(),
            check_operand: check_operand.unwrap_or_default(),
            set_diff_sort_key: set_diff_sort_key.unwrap_or_default(),
            set_sort_key: set_sort_key.unwrap_or_default(),
            set_value: set_value.unwrap_or_default(),
            set_expire_ts_seconds: set_expire_ts_seconds.unwrap_or_default(),
            return_check_value: return_check_value.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.hash_key.encode_field(out, 1);
        self.check_sort_key.encode_field(out, 2);
        self.check_type.encode_field(out, 3);
        self.check_operand.encode_field(out, 4);
        self.set_diff_sort_key.encode_field(out, 5);
        self.set_sort_key.encode_field(out, 6);
        self.set_value.encode_field(out, 7);
        self.set_expire_ts_seconds.encode_field(out, 8);
        self.return_check_value.encode_field(out, 9);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.hash_key.encoded_len_hint()
            + FIELD_HEADER_LEN + self.check_sort_key.encoded_len_hint()
            + FIELD_HEADER_LEN + self.check_type.encoded_len_hint()
            + FIELD_HEADER_LEN + self.check_operand.encoded_len_hint()
            + FIELD_HEADER_LEN + self.set_diff_sort_key.encoded_len_hint()
            + FIELD_HEADER_LEN + self.set_sort_key.encoded_len_hint()
            + FIELD_HEADER_LEN + self.set_value.encoded_len_hint()
            + FIELD_HEADER_LEN + self.set_expire_ts_seconds.encoded_len_hint()
            + FIELD_HEADER_LEN + self.return_check_value.encoded_len_hint()
    }
}

/// Answer to check_and_set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CheckAndSetResponse {
    /// Storage status; 13 when the check did not pass.
    pub error: i32,
    /// Whether the next two fields mean anything.
    pub check_value_returned: bool,
    /// Whether the checked record exists.
    pub check_value_exist: bool,
    /// Value of the checked record before the operation.
    pub check_value: Bytes,
    /// Table that was written.
    pub app_id: i32,
    /// Partition that was written.
    pub partition_index: i32,
    /// Decree of the mutation.
    pub decree: i64,
    /// `address:port` of the answering server.
    pub server: String,
}

impl Message for CheckAndSetResponse {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut error = None;
        let mut check_value_returned = None;
        let mut check_value_exist = None;
        let mut check_value = None;
        let mut app_id = None;
        let mut partition_index = None;
        let mut decree = None;
        let mut server = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::I32) => error = Some(Message::decode(reader)?),
                (2, FieldType::BOOL) => check_value_returned = Some(Message::decode(reader)?),
                (3, FieldType::BOOL) => check_value_exist = Some(Message::decode(reader)?),
                (4, FieldType::STRUCT) => check_value = Some(Message::decode(reader)?),
                (5, FieldType::I32) => app_id = Some(Message::decode(reader)?),
                (6, FieldType::I32) => partition_index = Some(Message::decode(reader)?),
                (7, FieldType::I64) => decree = Some(Message::decode(reader)?),
                (8, FieldType::STRING) => server = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            error: error.unwrap_or_default(),
            check_value_returned: check_value_returned.unwrap_or_default(),
            check_value_exist: check_value_exist.unwrap_or_default(),
            check_value: check_value.unwrap_or_default(),
            app_id: app_id.unwrap_or_default(),
            partition_index: partition_index.unwrap_or_default(),
            decree: decree.unwrap_or_default(),
            server: server.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.error.encode_field(out, 1);
        self.check_value_returned.encode_field(out, 2);
        self.check_value_exist.encode_field(out, 3);
        self.check_value.encode_field(out, 4);
        self.app_id.encode_field(out, 5);
        self.partition_index.encode_field(out, 6);
        self.decree.encode_field(out, 7);
        self.server.encode_field(out, 8);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.error.encoded_len_hint()
            + FIELD_HEADER_LEN + self.check_value_returned.encoded_len_hint()
            + FIELD_HEADER_LEN + self.check_value_exist.encoded_len_hint()
            + FIELD_HEADER_LEN + self.check_value.encoded_len_hint()
            + FIELD_HEADER_LEN + self.app_id.encoded_len_hint()
            + FIELD_HEADER_LEN + self.partition_index.encoded_len_hint()
            + FIELD_HEADER_LEN + self.decree.encoded_len_hint()
            + FIELD_HEADER_LEN + self.server.encoded_len_hint()
    }
}

/// One step of check_and_mutate.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mutate {
    /// Put or delete.
    pub operation: MutateOperation,
    /// Record to write or remove.
    pub sort_key: Bytes,
    /// What to store, for a put.
    pub value: Bytes,
    /// When the record expires, for a put.
    pub set_expire_ts_seconds: i32,
}

impl Message for Mutate {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut operation = None;
        let mut sort_key = None;
        let mut value = None;
        let mut set_expire_ts_seconds = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::I32) => operation = Some(Message::decode(reader)?),
                (2, FieldType::STRUCT) => sort_key = Some(Message::decode(reader)?),
                (3, FieldType::STRUCT) => value = Some(Message::decode(reader)?),
                (4, FieldType::I32) => set_expire_ts_seconds = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            operation: operation.unwrap_or_default(),
            sort_key: sort_key.unwrap_or_default(),
            value: value.unwrap_or_default(),
            set_expire_ts_seconds: set_expire_ts_seconds.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.operation.encode_field(out, 1);
        self.sort_key.encode_field(out, 2);
        self.value.encode_field(out, 3);
        self.set_expire_ts_seconds.encode_field(out, 4);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.operation.encoded_len_hint()
            + FIELD_HEADER_LEN + self.sort_key.encoded_len_hint()
            + FIELD_HEADER_LEN + self.value.encoded_len_hint()
            + FIELD_HEADER_LEN + self.set_expire_ts_seconds.encoded_len_hint()
    }
}

/// Argument of RPC_RRDB_RRDB_CHECK_AND_MUTATE: applies steps if a record of the hash key passes a check.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CheckAndMutateRequest {
    /// Hash key of all records.
    pub hash_key: Bytes,
    /// Record to check.
    pub check_sort_key: Bytes,
    /// The condition.
    pub check_type: CasCheckType,
    /// What the condition compares with.
    pub check_operand: Bytes,
    /// Steps, in order.
    pub mutate_list: Vec<Mutate>,
    /// Whether the answer shall hold the checked value.
    pub return_check_value: bool,
}

impl Message for CheckAndMutateRequest {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut hash_key = None;
        let mut check_sort_key = None;
        let mut check_type = None;
        let mut check_operand = None;
        let mut mutate_list = None;
        let mut return_check_value = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => hash_key = Some(Message::decode(reader)?),
                (2, FieldType::STRUCT) => check_sort_key = Some(Message::decode(reader)?),
                (3, FieldType::I32) => check_type = Some(Message::decode(reader)?),
                (4, FieldType::STRUCT) => check_operand = Some(Message::decode(reader)?),
                (5, FieldType::LIST) => mutate_list = Some(Message::decode(reader)?),
                (6, FieldType::BOOL) => return_check_value = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            hash_key: hash_key.unwrap_or_default(),
            check_sort_key: check_sort_key.unwrap_or_default(),
            check_type: check_type.unwrap_or_default(),
            check_operand: check_operand.unwrap_or_default(),
            mutate_list: mutate_list.unwrap_or_default(),
            return_check_value: return_check_value.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.hash_key.encode_field(out, 1);
        self.check_sort_key.encode_field(out, 2);
        self.check_type.encode_field(out, 3);
        self.check_operand.encode_field(out, 4);
        self.mutate_list.encode_field(out, 5);
        self.return_check_value.encode_field(out, 6);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.hash_key.encoded_len_hint()
            + FIELD_HEADER_LEN + self.check_sort_key.encoded_len_hint()
            + FIELD_HEADER_LEN + self.check_type.encoded_len_hint()
            + FIELD_HEADER_LEN + self.check_operand.encoded_len_hint()
            + FIELD_HEADER_LEN + self.mutate_list.encoded_len_hint()
            + FIELD_HEADER_LEN + self.return_check_value.encoded_len_hint()
    }
}

/// Answer to check_and_mutate.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CheckAndMutateResponse {
    /// Storage status; 13 when the check did not pass.
    pub error: i32,
    /// Whether the next two fields mean anything.
    pub check_value_returned: bool,
    /// Whether the checked record exists.
    pub check_value_exist: bool,
    /// Value of the checked record before the operation.
    pub check_value: Bytes,
    /// Table that was written.
    pub app_id: i32,
    /// Partition that was written.
    pub partition_index: i32,
    /// Decree of the mutation.
    pub decree: i64,
    /// `address:port` of the answering server.
    pub server: String,
}

impl Message for CheckAndMutateResponse {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut error = None;
        let mut check_value_returned = None;
        let mut check_value_exist = None;
        let mut check_value = None;
        let mut app_id = None;
        let mut partition_index = None;
        let mut decree = None;
        let mut server = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::I32) => error = Some(Message::decode(reader)?),
                (2, FieldType::BOOL) => check_value_returned = Some(Message::decode(reader)?),
                (3, FieldType::BOOL) => check_value_exist = Some(Message::decode(reader)?),
                (4, FieldType::STRUCT) => check_value = Some(Message::decode(reader)?),
                (5, FieldType::I32) => app_id = Some(Message::decode(reader)?),
                (6, FieldType::I32) => partition_index = Some(Message::decode(reader)?),
                (7, FieldType::I64) => decree = Some(Message::decode(reader)?),
                (8, FieldType::STRING) => server = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            error: error.unwrap_or_default(),
            check_value_returned: check_value_returned.unwrap_or_default(),
            check_value_exist: check_value_exist.unwrap_or_default(),
            check_value: check_value.unwrap_or_default(),
            app_id: app_id.unwrap_or_default(),
            partition_index: partition_index.unwrap_or_default(),
            decree: decree.unwrap_or_default(),
            server: server.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.error.encode_field(out, 1);
        self.check_value_returned.encode_field(out, 2);
        self.check_value_exist.encode_field(out, 3);
        self.check_value.encode_field(out, 4);
        self.app_id.encode_field(out, 5);
        self.partition_index.encode_field(out, 6);
        self.decree.encode_field(out, 7);
        self.server.encode_field(out, 8);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.error.encoded_len_hint()
            + FIELD_HEADER_LEN + self.check_value_returned.encoded_len_hint()
            + FIELD_HEADER_LEN + self.check_value_exist.encoded_len_hint()
            + FIELD_HEADER_LEN + self.check_value.encoded_len_hint()
            + FIELD_HEADER_LEN + self.app_id.encoded_len_hint()
            + FIELD_HEADER_LEN + self.partition_index.encoded_len_hint()
            + FIELD_HEADER_LEN + self.decree.encoded_len_hint()
            + FIELD_HEADER_LEN + self.server.encoded_len_hint()
    }
}

/// Argument of RPC_RRDB_RRDB_GET_SCANNER: opens a scan over a range of raw keys and reads its first batch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GetScannerRequest {
    /// Begin of the range, a raw key.
    pub start_key: Bytes,
    /// End of the range, a raw key; empty means the end of the partition.
    pub stop_key: Bytes,
    /// Whether `start_key` itself belongs to the range.
    pub start_inclusive: bool,
    /// Whether `stop_key` itself belongs to the range.
    pub stop_inclusive: bool,
    /// Most records per batch.
    pub batch_size: i32,
    /// Leave the values out.
    pub no_value: bool,
    /// How `hash_key_filter_pattern` selects.
    pub hash_key_filter_type: FilterType,
    /// Pattern on hash keys.
    pub hash_key_filter_pattern: Bytes,
    /// How `sort_key_filter_pattern` selects.
    pub sort_key_filter_type: FilterType,
    /// Pattern on sort keys.
    pub sort_key_filter_pattern: Bytes,
    /// Leave out records that a split moved away; missing means true.
    pub validate_partition_hash: Option<bool>,
    /// Return the expiry of each record.
    pub return_expire_ts: Option<bool>,
    /// The scan may leave the hash key of `start_key`.
    pub full_scan: Option<bool>,
    /// Return counts and no records.
    /// Readers take a missing one as `false`.
    pub only_return_count: Option<bool>,
}

impl Message for GetScannerRequest {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut start_key = None;
        let mut stop_key = None;
        let mut start_inclusive = None;
        let mut stop_inclusive = None;
        let mut batch_size = None;
        let mut no_value = None;
        let mut hash_key_filter_type = None;
        let mut hash_key_filter_pattern = None;
        let mut sort_key_filter_type = None;
        let mut sort_key_filter_pattern = None;
        let mut validate_partition_hash = None;
        let mut return_expire_ts = None;
        let mut full_scan = None;
        let mut only_return_count = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRUCT) => start_key = Some(Message::decode(reader)?),
                (2, FieldType::STRUCT) => stop_key = Some(Message::decode(reader)?),
                (3, FieldType::BOOL) => start_inclusive = Some(Message::decode(reader)?),
                (4, FieldType::BOOL) => stop_inclusive = Some(Message::decode(reader)?),
                (5, FieldType::I32) => batch_size = Some(Message::decode(reader)?),
                (6, FieldType::BOOL) => no_value = Some(Message::decode(reader)?),
                (7, FieldType::I32) => hash_key_filter_type = Some(Message::decode(reader)?),
                (8, FieldType::STRUCT) => hash_key_filter_pattern = Some(Message::decode(reader)?),
                (9, FieldType::I32) => sort_key_filter_type = Some(Message::decode(reader)?),
                (10, FieldType::STRUCT) => sort_key_filter_pattern = Some(Message::decode(reader)?),
                (11, FieldType::BOOL) => validate_partition_hash = Some(Message::decode(reader)?),
                (12, FieldType::BOOL) => return_expire_ts = Some(Message::decode(reader)?),
                (13, FieldType::BOOL) => full_scan = Some(Message::decode(reader)?),
                (14, FieldType::BOOL) => only_return_count = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            start_key: start_key.unwrap_or_default(),
            stop_key: stop_key.unwrap_or_default(),
            start_inclusive: start_inclusive.unwrap_or_default(),
            stop_inclusive: stop_inclusive.unwrap_or_default(),
            batch_size: batch_size.unwrap_or_default(),
            no_value: no_value.unwrap_or_default(),
            hash_key_filter_type: hash_key_filter_type.unwrap_or_default(),
            hash_key_filter_pattern: hash_key_filter_pattern.unwrap_or_default(),
            sort_key_filter_type: sort_key_filter_type.unwrap_or_default(),
            sort_key_filter_pattern: sort_key_filter_pattern.unwrap_or_default(),
            validate_partition_hash,
            return_expire_ts,
            full_scan,
            only_return_count,
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.start_key.encode_field(out, 1);
        self.stop_key.encode_field(out, 2);
        self.start_inclusive.encode_field(out, 3);
        self.stop_inclusive.encode_field(out, 4);
        self.batch_size.encode_field(out, 5);
        self.no_value.encode_field(out, 6);
        self.hash_key_filter_type.encode_field(out, 7);
        self.hash_key_filter_pattern.encode_field(out, 8);
        self.sort_key_filter_type.encode_field(out, 9);
        self.sort_key_filter_pattern.encode_field(out, 10);
        if let Some(value) = &self.validate_partition_hash {
            value.encode_field(out, 11);
        }
        if let Some(value) = &self.return_expire_ts {
            value.encode_field(out, 12);
        }
        if let Some(value) = &self.full_scan {
            value.encode_field(out, 13);
        }
        if let Some(value) = &self.only_return_count {
            value.encode_field(out, 14);
        }
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.start_key.encoded_len_hint()
            + FIELD_HEADER_LEN + self.stop_key.encoded_len_hint()
            + FIELD_HEADER_LEN + self.start_inclusive.encoded_len_hint()
            + FIELD_HEADER_LEN + self.stop_inclusive.encoded_len_hint()
            + FIELD_HEADER_LEN + self.batch_size.encoded_len_hint()
            + FIELD_HEADER_LEN + self.no_value.encoded_len_hint()
            + FIELD_HEADER_LEN + self.hash_key_filter_type.encoded_len_hint()
            + FIELD_HEADER_LEN + self.hash_key_filter_pattern.encoded_len_hint()
            + FIELD_HEADER_LEN + self.sort_key_filter_type.encoded_len_hint()
            + FIELD_HEADER_LEN + self.sort_key_filter_pattern.encoded_len_hint()
            + self.validate_partition_hash.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
            + self.return_expire_ts.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
            + self.full_scan.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
            + self.only_return_count.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
    }
}

/// Argument of RPC_RRDB_RRDB_SCAN: reads the next batch of a scan.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScanRequest {
    /// Id from the previous answer.
    pub context_id: i64,
}

impl Message for ScanRequest {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut context_id = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::I64) => context_id = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            context_id: context_id.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.context_id.encode_field(out, 1);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.context_id.encoded_len_hint()
    }
}

/// Answer to get_scanner and scan.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScanResponse {
    /// Storage status; 1 when the context is gone.
    pub error: i32,
    /// Records in ascending order of raw key.
    pub kvs: Vec<KeyValue>,
    /// Id for the next batch; -1 when the scan is complete.
    pub context_id: i64,
    /// Table that was read.
    pub app_id: i32,
    /// Partition that was read.
    pub partition_index: i32,
    /// `address:port` of the answering server.
    pub server: String,
    /// Records of the batch, where only the count was asked for.
    pub kv_count: Option<i32>,
}

impl Message for ScanResponse {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut error = None;
        let mut kvs = None;
        let mut context_id = None;
        let mut app_id = None;
        let mut partition_index = None;
        let mut server = None;
        let mut kv_count = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::I32) => error = Some(Message::decode(reader)?),
                (2, FieldType::LIST) => kvs = Some(Message::decode(reader)?),
                (3, FieldType::I64) => context_id = Some(Message::decode(reader)?),
                (4, FieldType::I32) => app_id = Some(Message::decode(reader)?),
                (5, FieldType::I32) => partition_index = Some(Message::decode(reader)?),
                (6, FieldType::STRING) => server = Some(Message::decode(reader)?),
                (7, FieldType::I32) => kv_count = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            error: error.unwrap_or_default(),
            kvs: kvs.unwrap_or_default(),
            context_id: context_id.unwrap_or_default(),
            app_id: app_id.unwrap_or_default(),
            partition_index: partition_index.unwrap_or_default(),
            server: server.unwrap_or_default(),
            kv_count,
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.error.encode_field(out, 1);
        self.kvs.encode_field(out, 2);
        self.context_id.encode_field(out, 3);
        self.app_id.encode_field(out, 4);
        self.partition_index.encode_field(out, 5);
        self.server.encode_field(out, 6);
        if let Some(value) = &self.kv_count {
            value.encode_field(out, 7);
        }
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.error.encoded_len_hint()
            + FIELD_HEADER_LEN + self.kvs.encoded_len_hint()
            + FIELD_HEADER_LEN + self.context_id.encoded_len_hint()
            + FIELD_HEADER_LEN + self.app_id.encoded_len_hint()
            + FIELD_HEADER_LEN + self.partition_index.encoded_len_hint()
            + FIELD_HEADER_LEN + self.server.encoded_len_hint()
            + self.kv_count.as_ref().map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())
    }
}
