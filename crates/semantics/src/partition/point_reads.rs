//! `get`, `ttl`, `sortkey_count`, `batch_get` (data-semantics.md sections 6.1 to 6.4).

use bytes::Bytes;
use pegasus_wire::rrdb::{BatchGetRequest, FullData};

use super::Partition;
use crate::answer::{Answer, INCOMPLETE, INVALID_ARGUMENT, NOT_FOUND, OK};
use crate::keys;

impl Partition {
    pub(super) fn get(&self, raw_key: &[u8], now: u32) -> Answer {
        if keys::split(raw_key).is_none() {
            let (error, value) = (INVALID_ARGUMENT, Bytes::new());
            return Answer::Value { error, value };
        }
        match self.live(raw_key, now) {
            Some(record) => Answer::Value {
                error: OK,
                value: record.data.clone(),
            },
            None => Answer::Value {
                error: NOT_FOUND,
                value: Bytes::new(),
            },
        }
    }

    pub(super) fn ttl(&self, raw_key: &[u8], now: u32) -> Answer {
        let answer = |error, ttl_seconds| Answer::Ttl { error, ttl_seconds };
        if keys::split(raw_key).is_none() {
            return answer(INVALID_ARGUMENT, 0);
        }
        match self.live(raw_key, now) {
            None => answer(NOT_FOUND, 0),
            Some(record) if record.expire_ts == 0 => answer(OK, -1),
            // Later than 2084: the wire's number is too small for it.
            Some(record) => answer(OK, (record.expire_ts - now).cast_signed()),
        }
    }

    pub(super) fn sortkey_count(&self, hash_key: &[u8], now: u32) -> Answer {
        let Some(prefix) = keys::raw(hash_key, b"") else {
            let (error, count) = (INVALID_ARGUMENT, 0);
            return Answer::Count { error, count };
        };
        let of_hash_key = self.records.range(prefix.clone()..);
        let count = of_hash_key
            .take_while(|(raw_key, _)| raw_key.starts_with(&prefix))
            .filter(|(_, record)| record.is_live(now))
            .count();
        Answer::Count {
            error: OK,
            count: i64::try_from(count).unwrap_or(i64::MAX),
        }
    }

    pub(super) fn batch_get(&self, request: &BatchGetRequest, now: u32) -> Answer {
        let refused = Answer::Found {
            error: INVALID_ARGUMENT,
            data: Vec::new(),
        };
        if request.keys.is_empty() {
            return refused;
        }
        let (mut data, mut bytes) = (Vec::new(), 0);
        for key in &request.keys {
            if bytes >= self.rules.limits.answer_bytes {
                let error = INCOMPLETE;
                return Answer::Found { error, data };
            }
            let Some(raw_key) = keys::raw(&key.hash_key, &key.sort_key) else {
                return refused;
            };
            if let Some(record) = self.live(&raw_key, now) {
                bytes += raw_key.len() + record.data.len();
                data.push(FullData {
                    hash_key: key.hash_key.clone(),
                    sort_key: key.sort_key.clone(),
                    value: record.data.clone(),
                });
            }
        }
        Answer::Found { error: OK, data }
    }
}
