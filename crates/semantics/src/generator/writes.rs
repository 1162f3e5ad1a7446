//! Writes.

use bytes::Bytes;
use pegasus_wire::rrdb::{
    CasCheckType, CheckAndMutateRequest, CheckAndSetRequest, IncrRequest, KeyValue,
    MultiPutRequest, MultiRemoveRequest, Mutate, MutateOperation, UpdateRequest,
};
use rand::Rng as _;

use super::Generator;
use crate::keys;
use crate::partition::Partition;
use crate::request::Request;

const INCREMENTS: [i64; 6] = [0, 1, -1, i64::MAX, i64::MIN, 1_000];

impl Generator {
    pub(super) fn put(&mut self, now: u32) -> Request {
        Request::Put(UpdateRequest {
            key: self.raw_key(),
            value: self.value(),
            expire_ts_seconds: self.expire_ts(now),
            ..UpdateRequest::default()
        })
    }

    pub(super) fn multi_put(&mut self, now: u32) -> Request {
        let sort_keys = self.sort_keys(6);
        let pairs = sort_keys.into_iter().map(|key| KeyValue {
            key,
            value: self.value(),
            expire_ts_seconds: Some(1),
        });
        Request::MultiPut(MultiPutRequest {
            kvs: pairs.collect(),
            hash_key: self.hash_key(),
            expire_ts_seconds: self.expire_ts(now),
        })
    }

    pub(super) fn multi_remove(&mut self) -> Request {
        Request::MultiRemove(MultiRemoveRequest {
            hash_key: self.hash_key(),
            sort_keys: self.sort_keys(4),
            max_count: self.one_of(&[0, 1, 100, -1]),
        })
    }

    pub(super) fn incr(&mut self, now: u32) -> Request {
        let increment = if self.coin() {
            self.random.random_range(-50..50)
        } else {
            self.one_of(&INCREMENTS)
        };
        Request::Incr(IncrRequest {
            key: self.raw_key(),
            increment,
            expire_ts_seconds: match self.below(3) {
                0 => self.expire_ts(now),
                1 => -1,
                _ => 0,
            },
        })
    }

    pub(super) fn check_and_set(&mut self, partition: &Partition, now: u32) -> Request {
        let (hash_key, check_sort_key) = (self.hash_key(), self.sort_key());
        let check_operand = self.operand(partition, &hash_key, &check_sort_key, now);
        Request::CheckAndSet(CheckAndSetRequest {
            hash_key,
            check_sort_key,
            check_type: self.check_type(),
            check_operand,
            set_diff_sort_key: self.coin(),
            set_sort_key: self.sort_key(),
            set_value: self.value(),
            set_expire_ts_seconds: self.expire_ts(now),
            return_check_value: self.coin(),
        })
    }

    pub(super) fn check_and_mutate(&mut self, partition: &Partition, now: u32) -> Request {
        let (hash_key, check_sort_key) = (self.hash_key(), self.sort_key());
        let check_operand = self.operand(partition, &hash_key, &check_sort_key, now);
        let sort_keys = self.sort_keys(5);
        let mutates = sort_keys.into_iter().map(|sort_key| Mutate {
            operation: MutateOperation(match self.below(60) {
                0 => 2,
                1..40 => 0,
                _ => 1,
            }),
            sort_key,
            value: self.value(),
            set_expire_ts_seconds: self.expire_ts(now),
        });
        Request::CheckAndMutate(CheckAndMutateRequest {
            mutate_list: mutates.collect(),
            hash_key,
            check_sort_key,
            check_type: self.check_type(),
            check_operand,
            return_check_value: self.coin(),
        })
    }

    /// Now and then an unknown one.
    fn check_type(&mut self) -> CasCheckType {
        CasCheckType(self.random.random_range(-1..19))
    }

    /// Often something of the value that it is compared with.
    fn operand(
        &mut self,
        partition: &Partition,
        hash_key: &[u8],
        sort_key: &[u8],
        now: u32,
    ) -> Bytes {
        let raw_key = keys::raw(hash_key, sort_key);
        let value = raw_key.and_then(|raw_key| partition.value(&raw_key, now).cloned());
        match (value, self.below(4)) {
            (Some(value), 0) => value,
            (Some(value), 1 | 2) => {
                let middle = self.random.random_range(0..=value.len());
                if self.coin() {
                    value.slice(..middle)
                } else {
                    value.slice(middle..)
                }
            }
            _ => self.value(),
        }
    }
}
