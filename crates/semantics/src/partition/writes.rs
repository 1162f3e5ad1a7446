//! Writes without a condition (data-semantics.md sections 5.1 to 5.5).

use bytes::Bytes;
use pegasus_wire::rrdb::{IncrRequest, MultiPutRequest, MultiRemoveRequest, UpdateRequest};

use super::Partition;
use crate::answer::{Answer, INVALID_ARGUMENT, OK};
use crate::{integer, keys};

impl Partition {
    pub(super) fn put(&mut self, request: &UpdateRequest, now: u32) -> Answer {
        if keys::split(&request.key).is_none() {
            return Answer::Written {
                error: INVALID_ARGUMENT,
            };
        }
        let expire_ts = request.expire_ts_seconds.cast_unsigned();
        self.store(request.key.to_vec(), expire_ts, request.value.clone(), now);
        Answer::Written { error: OK }
    }

    pub(super) fn remove(&mut self, raw_key: &[u8]) -> Answer {
        if keys::split(raw_key).is_none() {
            return Answer::Written {
                error: INVALID_ARGUMENT,
            };
        }
        self.delete(raw_key);
        Answer::Written { error: OK }
    }

    pub(super) fn multi_put(&mut self, request: &MultiPutRequest, now: u32) -> Answer {
        if request.kvs.is_empty() || keys::raw(&request.hash_key, b"").is_none() {
            return Answer::Written {
                error: INVALID_ARGUMENT,
            };
        }
        for pair in &request.kvs {
            if let Some(raw_key) = keys::raw(&request.hash_key, &pair.key) {
                let expire_ts = request.expire_ts_seconds.cast_unsigned();
                self.store(raw_key, expire_ts, pair.value.clone(), now);
            }
        }
        Answer::Written { error: OK }
    }

    pub(super) fn multi_remove(&mut self, request: &MultiRemoveRequest) -> Answer {
        if request.sort_keys.is_empty() || keys::raw(&request.hash_key, b"").is_none() {
            let (error, count) = (INVALID_ARGUMENT, 0);
            return Answer::Removed { error, count };
        }
        for sort_key in &request.sort_keys {
            if let Some(raw_key) = keys::raw(&request.hash_key, sort_key) {
                self.delete(&raw_key);
            }
        }
        Answer::Removed {
            error: OK,
            count: i64::try_from(request.sort_keys.len()).unwrap_or(i64::MAX),
        }
    }

    pub(super) fn incr(&mut self, request: &IncrRequest, now: u32) -> Answer {
        let refused = |new_value| Answer::Incremented {
            error: INVALID_ARGUMENT,
            new_value,
        };
        if keys::split(&request.key).is_none() {
            return refused(0);
        }
        let old = self.live(&request.key, now);
        let number = match old {
            Some(record) if !record.data.is_empty() => integer::parse(&record.data),
            _ => Some(0),
        };
        let Some(number) = number else {
            return refused(0);
        };
        let Some(new_value) = number.checked_add(request.increment) else {
            return refused(number);
        };
        let expire_ts = match request.expire_ts_seconds {
            ..0 => 0,
            0 => old.map_or(0, |record| record.expire_ts),
            asked => asked.cast_unsigned(),
        };
        let text = Bytes::from(new_value.to_string());
        self.store(request.key.to_vec(), expire_ts, text, now);
        Answer::Incremented {
            error: OK,
            new_value,
        }
    }
}
