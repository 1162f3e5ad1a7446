//! put, remove, `multi_put`, `multi_remove` (data-semantics.md sections 5.1 to 5.4).

use pegasus_common::value::ExpireTs;
use pegasus_common::{StorageStatus, key};
use pegasus_wire::rrdb::{MultiPutRequest, MultiRemoveRequest, UpdateRequest};

use super::{Evaluator, WriteReply, is_raw_key};
use crate::current_values::CurrentValues;

impl<C: CurrentValues> Evaluator<'_, C> {
    pub(super) fn put(&mut self, request: &UpdateRequest) -> StorageStatus {
        if !is_raw_key(&request.key) {
            return StorageStatus::InvalidArgument;
        }
        let expire_ts = ExpireTs::from_wire(request.expire_ts_seconds);
        self.append_put(&[&request.key], expire_ts, &request.value);
        StorageStatus::Ok
    }

    pub(super) fn remove(&mut self, raw_key: &[u8]) -> StorageStatus {
        if !is_raw_key(raw_key) {
            return StorageStatus::InvalidArgument;
        }
        self.builder.delete(&[raw_key]);
        StorageStatus::Ok
    }

    pub(super) fn multi_put(&mut self, request: &MultiPutRequest) -> StorageStatus {
        let Ok(length) = key::length_prefix(&request.hash_key) else {
            return StorageStatus::InvalidArgument;
        };
        if request.kvs.is_empty() {
            return StorageStatus::InvalidArgument;
        }
        // One expiry for all: the one inside each key_value is ignored.
        let expire_ts = ExpireTs::from_wire(request.expire_ts_seconds);
        for pair in &request.kvs {
            self.append_put(
                &[&length, &request.hash_key, &pair.key],
                expire_ts,
                &pair.value,
            );
        }
        StorageStatus::Ok
    }

    pub(super) fn multi_remove(&mut self, request: &MultiRemoveRequest) -> WriteReply {
        let length = key::length_prefix(&request.hash_key);
        let count = i64::try_from(request.sort_keys.len());
        let (Ok(length), Ok(count), false) = (length, count, request.sort_keys.is_empty()) else {
            return WriteReply::MultiRemove {
                status: StorageStatus::InvalidArgument,
                count: 0,
            };
        };
        for sort_key in &request.sort_keys {
            self.builder.delete(&[&length, &request.hash_key, sort_key]);
        }
        // What was asked for, not what existed: Java's client compares it with its own list.
        WriteReply::MultiRemove {
            status: StorageStatus::Ok,
            count,
        }
    }
}
