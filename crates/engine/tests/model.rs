//! Random operations against the engine and against a plain map, compared step by step.

#![allow(
    clippy::unwrap_used,
    reason = "a test may panic in its helper functions too"
)]

#[allow(dead_code, reason = "each test uses its part")]
mod support;

use std::collections::BTreeMap;
use std::time::Instant;

use bytes::Bytes;
use pegasus_common::key;
use pegasus_engine::{
    CloseMode, FlushMode, Found, OpenMode, ReadAt, ReadOutcome, ReadTier, Shared, WriteOperation,
    WriteReply,
};
use pegasus_wire::rrdb::{
    CasCheckType, CheckAndMutateRequest, CheckAndSetRequest, FilterType, GetScannerRequest,
    IncrRequest, KeyValue, MultiGetRequest, MultiPutRequest, MultiRemoveRequest, Mutate,
    MutateOperation, ScanRequest, UpdateRequest,
};
use proptest::collection::vec;
use proptest::prelude::*;
use support::Replica;

/// What the map holds of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stored {
    expire_ts: u32,
    data: Vec<u8>,
}

/// A step of a test.
#[derive(Clone, Debug)]
enum Step {
    Put(Key, Vec<u8>, Expiry),
    Remove(Key),
    MultiPut(u8, Vec<(u8, Vec<u8>)>, Expiry),
    MultiRemove(u8, Vec<u8>),
    Incr(Key, i64, Expiry),
    CheckAndSet(Key, Check, u8, Vec<u8>),
    CheckAndMutate(Key, Check, Vec<(u8, Option<Vec<u8>>)>),
    /// Ends the turn: the effects go into flight.
    Propose,
    /// Applies what is in flight.
    Commit,
    Flush,
    Pass(u32),
    ReadAll,
    MultiGet(Range),
    Scan(Range),
}

/// Few keys, so that operations meet.
type Key = (u8, u8);

/// Seconds from now; `None` = no expiry.
type Expiry = Option<u8>;

#[derive(Clone, Debug)]
struct Check {
    check_type: i32,
    operand: Vec<u8>,
}

#[derive(Clone, Debug)]
struct Range {
    hash: u8,
    start: u8,
    stop: Option<u8>,
    start_inclusive: bool,
    stop_inclusive: bool,
    count_max: i32,
    filter: i32,
    pattern: Vec<u8>,
    reverse: bool,
    no_value: bool,
}

fn key_strategy() -> impl Strategy<Value = Key> {
    (0..3_u8, 0..6_u8)
}

fn value_strategy() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(Vec::new()),
        (-20..20_i64).prop_map(|number| number.to_string().into_bytes()),
        Just(b"9223372036854775807".to_vec()),
        vec(any::<u8>(), 0..4),
    ]
}

fn expiry_strategy() -> impl Strategy<Value = Expiry> {
    proptest::option::of(0..20_u8)
}

fn check_strategy() -> impl Strategy<Value = Check> {
    (-1..19_i32, value_strategy()).prop_map(|(check_type, operand)| Check {
        check_type,
        operand,
    })
}

fn range_strategy() -> impl Strategy<Value = Range> {
    (
        (
            0..3_u8,
            0..7_u8,
            proptest::option::of(0..7_u8),
            any::<bool>(),
            any::<bool>(),
        ),
        (
            -1..5_i32,
            0..4_i32,
            prop_oneof![Just(vec![]), vec(0..7_u8, 1)],
        ),
        (any::<bool>(), any::<bool>()),
    )
        .prop_map(
            |(ends, (count_max, filter, pattern), (reverse, no_value))| Range {
                hash: ends.0,
                start: ends.1,
                stop: ends.2,
                start_inclusive: ends.3,
                stop_inclusive: ends.4,
                count_max,
                filter,
                pattern,
                reverse,
                no_value,
            },
        )
}

fn step_strategy() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (key_strategy(), value_strategy(), expiry_strategy())
            .prop_map(|(key, value, expiry)| Step::Put(key, value, expiry)),
        1 => key_strategy().prop_map(Step::Remove),
        3 => (0..3_u8, vec((0..6_u8, value_strategy()), 0..5), expiry_strategy())
            .prop_map(|(hash, pairs, expiry)| Step::MultiPut(hash, pairs, expiry)),
        1 => (0..3_u8, vec(0..6_u8, 0..4)).prop_map(|(hash, keys)| Step::MultiRemove(hash, keys)),
        4 => (key_strategy(), -30..30_i64, expiry_strategy())
            .prop_map(|(key, increment, expiry)| Step::Incr(key, increment, expiry)),
        3 => (key_strategy(), check_strategy(), 0..6_u8, value_strategy())
            .prop_map(|(key, check, set, value)| Step::CheckAndSet(key, check, set, value)),
        3 => (
            key_strategy(),
            check_strategy(),
            vec((0..6_u8, proptest::option::of(value_strategy())), 0..4),
        )
            .prop_map(|(key, check, mutates)| Step::CheckAndMutate(key, check, mutates)),
        3 => Just(Step::Propose),
        3 => Just(Step::Commit),
        1 => Just(Step::Flush),
        2 => (0..10_u32).prop_map(Step::Pass),
        1 => Just(Step::ReadAll),
        4 => range_strategy().prop_map(Step::MultiGet),
        3 => range_strategy().prop_map(Step::Scan),
    ]
}

/// Hash key 0 is empty; the others end in `ff`, where successors are delicate.
fn hash_key(hash: u8) -> Bytes {
    match hash {
        0 => Bytes::new(),
        hash => Bytes::from(vec![hash, 0xff]),
    }
}

fn sort_key(sort: u8) -> Bytes {
    match sort {
        0 => Bytes::new(),
        6 => Bytes::from_static(&[0xff]),
        sort => Bytes::from(vec![sort / 2, sort]),
    }
}

fn raw_key(key: Key) -> Bytes {
    Bytes::from(key::encode(&hash_key(key.0), &sort_key(key.1)).unwrap())
}

/// The engine and the map.
struct Comparison {
    replica: Replica,
    map: BTreeMap<Vec<u8>, Stored>,
}

impl Comparison {
    fn expire_ts(&self, expiry: Expiry) -> i32 {
        expiry.map_or(0, |seconds| {
            i32::try_from(self.replica.now_epoch_s + u32::from(seconds)).unwrap()
        })
    }

    fn live(&self, raw_key: &[u8]) -> Option<&Stored> {
        let now = self.replica.now_epoch_s;
        self.map
            .get(raw_key)
            .filter(|stored| stored.expire_ts == 0 || stored.expire_ts > now)
    }

    fn set(&mut self, raw_key: &[u8], data: &[u8], expire_ts: i32) {
        let expire_ts = expire_ts.cast_unsigned();
        self.map.insert(
            raw_key.to_vec(),
            Stored {
                expire_ts,
                data: data.to_vec(),
            },
        );
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Put(key, value, expiry) => self.put(key, value, expiry),
            Step::Remove(key) => {
                let raw_key = raw_key(key);
                let reply = self.replica.evaluate(WriteOperation::Remove(&raw_key));
                assert_eq!(reply.status().code(), 0);
                self.map.remove(&raw_key[..]);
            }
            Step::MultiPut(hash, pairs, expiry) => self.multi_put(hash, &pairs, expiry),
            Step::MultiRemove(hash, sort_keys) => self.multi_remove(hash, &sort_keys),
            Step::Incr(key, increment, expiry) => self.incr(key, increment, expiry),
            Step::CheckAndSet(key, check, set, value) => {
                self.check_and_set(key, &check, set, value);
            }
            Step::CheckAndMutate(key, check, mutates) => {
                self.check_and_mutate(key, &check, mutates);
            }
            Step::Propose => self.replica.propose(),
            Step::Commit => self.replica.commit(),
            Step::Flush => self.replica.engine.flush(FlushMode::Wait).unwrap(),
            Step::Pass(seconds) => self.replica.now_epoch_s += seconds,
            Step::ReadAll => self.settled(Self::read_all),
            Step::MultiGet(range) => self.settled(|comparison| comparison.multi_get(&range)),
            Step::Scan(range) => self.settled(|comparison| comparison.scan(&range)),
        }
    }

    /// Reads see what is applied, so everything is applied first.
    fn settled(&mut self, read: impl FnOnce(&Self)) {
        self.replica.propose();
        self.replica.commit();
        read(self);
    }

    fn put(&mut self, key: Key, value: Vec<u8>, expiry: Expiry) {
        let request = UpdateRequest {
            key: raw_key(key),
            value: Bytes::from(value),
            expire_ts_seconds: self.expire_ts(expiry),
            ..UpdateRequest::default()
        };
        let reply = self.replica.evaluate(WriteOperation::Put(&request));
        assert_eq!(reply.status().code(), 0);
        self.set(&request.key, &request.value, request.expire_ts_seconds);
    }

    fn multi_put(&mut self, hash: u8, pairs: &[(u8, Vec<u8>)], expiry: Expiry) {
        let kvs = pairs.iter().map(|(sort, value)| KeyValue {
            key: sort_key(*sort),
            value: Bytes::from(value.clone()),
            expire_ts_seconds: Some(1),
        });
        let request = MultiPutRequest {
            hash_key: hash_key(hash),
            kvs: kvs.collect(),
            expire_ts_seconds: self.expire_ts(expiry),
        };
        let reply = self.replica.evaluate(WriteOperation::MultiPut(&request));
        assert_eq!(reply.status().code(), if pairs.is_empty() { 4 } else { 0 });
        for (sort, value) in pairs {
            self.set(&raw_key((hash, *sort)), value, request.expire_ts_seconds);
        }
    }

    fn multi_remove(&mut self, hash: u8, sort_keys: &[u8]) {
        let request = MultiRemoveRequest {
            hash_key: hash_key(hash),
            sort_keys: sort_keys.iter().map(|sort| sort_key(*sort)).collect(),
            max_count: 0,
        };
        let reply = self.replica.evaluate(WriteOperation::MultiRemove(&request));
        let WriteReply::MultiRemove { status, count } = reply else {
            panic!("{reply:?}")
        };
        let expected = (if sort_keys.is_empty() { 4 } else { 0 }, sort_keys.len());
        assert_eq!((status.code(), usize::try_from(count).unwrap()), expected);
        for sort in sort_keys {
            self.map.remove(&raw_key((hash, *sort))[..]);
        }
    }

    fn incr(&mut self, key: Key, increment: i64, expiry: Expiry) {
        let request = IncrRequest {
            key: raw_key(key),
            increment,
            expire_ts_seconds: self.expire_ts(expiry),
        };
        let reply = self.replica.evaluate(WriteOperation::Incr(&request));
        let WriteReply::Incr { status, new_value } = reply else {
            panic!("{reply:?}")
        };
        let old = self.live(&request.key).cloned();
        let number = match &old {
            Some(stored) if !stored.data.is_empty() => plain_number(&stored.data),
            _ => Some(0),
        };
        // The full grammar has its own test; here only what is surely no number, or plain decimal.
        let Some(number) = number else {
            if status.code() == 0 {
                self.set(&request.key, new_value.to_string().as_bytes(), 0);
                let expire_ts = new_expire_ts(request.expire_ts_seconds, old.as_ref());
                self.map.get_mut(&request.key[..]).unwrap().expire_ts = expire_ts;
            }
            return;
        };
        match number.checked_add(increment) {
            Some(sum) => {
                assert_eq!((status.code(), new_value), (0, sum));
                let expire_ts = new_expire_ts(request.expire_ts_seconds, old.as_ref());
                self.set(
                    &request.key,
                    sum.to_string().as_bytes(),
                    expire_ts.cast_signed(),
                );
            }
            None => assert_eq!((status.code(), new_value), (4, number)),
        }
    }

    fn check_and_set(&mut self, key: Key, check: &Check, set: u8, value: Vec<u8>) {
        let request = CheckAndSetRequest {
            hash_key: hash_key(key.0),
            check_sort_key: sort_key(key.1),
            check_type: CasCheckType(check.check_type),
            check_operand: Bytes::from(check.operand.clone()),
            set_diff_sort_key: set != key.1,
            set_sort_key: sort_key(set),
            set_value: Bytes::from(value),
            set_expire_ts_seconds: 0,
            return_check_value: true,
        };
        let reply = self.replica.evaluate(WriteOperation::CheckAndSet(&request));
        let WriteReply::CheckAndSet(reply) = reply else {
            panic!("{reply:?}")
        };
        self.compare_check(key, check, &reply);
        if reply.status.code() == 0 {
            self.set(&raw_key((key.0, set)), &request.set_value, 0);
        }
    }

    fn check_and_mutate(&mut self, key: Key, check: &Check, mutates: Vec<(u8, Option<Vec<u8>>)>) {
        let mutate_list = mutates.iter().map(|(sort, value)| Mutate {
            operation: MutateOperation(i32::from(value.is_none())),
            sort_key: sort_key(*sort),
            value: value.clone().map_or_else(Bytes::new, Bytes::from),
            set_expire_ts_seconds: 0,
        });
        let request = CheckAndMutateRequest {
            hash_key: hash_key(key.0),
            check_sort_key: sort_key(key.1),
            check_type: CasCheckType(check.check_type),
            check_operand: Bytes::from(check.operand.clone()),
            mutate_list: mutate_list.collect(),
            return_check_value: true,
        };
        let reply = self
            .replica
            .evaluate(WriteOperation::CheckAndMutate(&request));
        let WriteReply::CheckAndMutate(reply) = reply else {
            panic!("{reply:?}")
        };
        if mutates.is_empty() {
            assert_eq!(reply.status.code(), 4);
            return;
        }
        self.compare_check(key, check, &reply);
        if reply.status.code() == 0 {
            for (sort, value) in mutates {
                match value {
                    Some(value) => self.set(&raw_key((key.0, sort)), &value, 0),
                    None => drop(self.map.remove(&raw_key((key.0, sort))[..])),
                }
            }
        }
    }

    /// The checked value comes back whatever the verdict; existence checks are judged here again
    /// (the others by the vectors).
    fn compare_check(&self, key: Key, check: &Check, reply: &pegasus_engine::CheckReply) {
        if !(0..=17).contains(&check.check_type) {
            assert_eq!(
                (reply.status.code(), reply.check_value_returned),
                (4, false)
            );
            return;
        }
        let value = self.live(&raw_key(key)).map(|stored| &stored.data[..]);
        assert!(reply.check_value_returned);
        assert_eq!(
            reply.check_value_exist.then_some(&reply.check_value[..]),
            value
        );
        let operand = &check.operand[..];
        let expected = match (check.check_type, value) {
            (0, _) => Some(true),
            (1, value) => Some(value.is_none()),
            (2, value) => Some(value.is_none_or(<[u8]>::is_empty)),
            (_, None) => Some(false),
            (3, Some(_)) => Some(true),
            (4, Some(value)) => Some(!value.is_empty()),
            (8, Some(value)) => Some(value < operand),
            (10, Some(value)) => Some(value == operand),
            (11, Some(value)) => Some(value >= operand),
            _ => None,
        };
        if let Some(passes) = expected {
            assert_eq!(reply.status.code(), if passes { 0 } else { 13 });
        }
    }

    fn read_all(&self) {
        let at = ReadAt {
            now_epoch_s: self.replica.now_epoch_s,
            tier: ReadTier::All,
        };
        for hash in 0..3 {
            let mut count = 0;
            for sort in 0..6 {
                let raw_key = raw_key((hash, sort));
                let expected = self.live(&raw_key);
                count += i64::from(expected.is_some());
                match self.replica.engine.get(&raw_key, at) {
                    ReadOutcome::Done(Found::Value(value)) => {
                        assert_eq!(Some(&value[..]), expected.map(|stored| &stored.data[..]));
                        assert_eq!(
                            Some(value.expire_ts.0),
                            expected.map(|stored| stored.expire_ts)
                        );
                    }
                    ReadOutcome::Done(Found::Absent) => assert_eq!(expected, None),
                    _ => panic!("cannot read"),
                }
            }
            let found = self
                .replica
                .engine
                .sortkey_count(&hash_key(hash), at)
                .done()
                .unwrap();
            assert_eq!((found.error, found.count), (0, count));
        }
    }

    /// Live records of the range that pass its filter, in order, without any limit.
    fn expected(&self, range: &Range) -> Vec<(Vec<u8>, Vec<u8>)> {
        let start = raw_key((range.hash, range.start));
        let stop = range
            .stop
            .filter(|stop| *stop != 0)
            .map(|stop| raw_key((range.hash, stop)));
        let prefix = raw_key((range.hash, 0));
        let is_inside = |raw_key: &[u8]| {
            let after_start =
                raw_key > &start[..] || (range.start_inclusive && raw_key == &start[..]);
            let before_stop = stop.as_ref().is_none_or(|stop| {
                raw_key < &stop[..] || (range.stop_inclusive && raw_key == &stop[..])
            });
            raw_key.starts_with(&prefix) && after_start && before_stop
        };
        let passes = |sort_key: &[u8]| match range.filter {
            1 => {
                range.pattern.is_empty()
                    || sort_key
                        .windows(range.pattern.len())
                        .any(|part| part == range.pattern)
            }
            2 => sort_key.starts_with(&range.pattern),
            3 => sort_key.ends_with(&range.pattern),
            _ => true,
        };
        self.map
            .iter()
            .filter(|(raw_key, _)| is_inside(raw_key) && self.live(raw_key).is_some())
            .map(|(raw_key, stored)| (raw_key[prefix.len()..].to_vec(), stored.data.clone()))
            .filter(|(sort_key, _)| passes(sort_key))
            .map(|(sort_key, data)| (sort_key, if range.no_value { Vec::new() } else { data }))
            .collect()
    }

    fn multi_get(&self, range: &Range) {
        let at = ReadAt {
            now_epoch_s: self.replica.now_epoch_s,
            tier: ReadTier::All,
        };
        let request = MultiGetRequest {
            hash_key: hash_key(range.hash),
            max_kv_count: range.count_max,
            no_value: range.no_value,
            start_sortkey: sort_key(range.start),
            stop_sortkey: range.stop.map_or_else(Bytes::new, sort_key),
            start_inclusive: range.start_inclusive,
            stop_inclusive: range.stop_inclusive,
            sort_key_filter_type: FilterType(range.filter),
            sort_key_filter_pattern: Bytes::from(range.pattern.clone()),
            reverse: range.reverse,
            ..MultiGetRequest::default()
        };
        let found = self.replica.engine.multi_get(&request, at).done().unwrap();
        let mut expected = self.expected(range);
        let limit = usize::try_from(range.count_max).unwrap_or(0);
        if limit > 0 && expected.len() >= limit {
            if expected.len() > limit {
                assert_eq!(found.error, 7, "more is there");
            }
            let surplus = expected.len() - limit;
            expected = if range.reverse {
                expected.split_off(surplus)
            } else {
                expected[..limit].to_vec()
            };
        } else {
            assert_eq!(found.error, 0);
        }
        assert_eq!(pairs(found.kvs, 0), expected);
    }

    fn scan(&self, range: &Range) {
        let prefix = raw_key((range.hash, 0));
        // An empty hash key would mean the whole partition.
        if range.hash == 0 {
            return;
        }
        let stop = range
            .stop
            .filter(|stop| *stop != 0)
            .map(|stop| raw_key((range.hash, stop)));
        let request = GetScannerRequest {
            start_key: raw_key((range.hash, range.start)),
            start_inclusive: range.start_inclusive,
            stop_inclusive: stop.is_some() && range.stop_inclusive,
            stop_key: stop.unwrap_or_else(|| Bytes::from(key::successor(&prefix).unwrap())),
            batch_size: range.count_max,
            no_value: range.no_value,
            sort_key_filter_type: FilterType(range.filter),
            sort_key_filter_pattern: Bytes::from(range.pattern.clone()),
            ..GetScannerRequest::default()
        };
        let (engine, now_s) = (&self.replica.engine, self.replica.now_epoch_s);
        let mut found = Vec::new();
        let mut batch = engine.get_scanner(&request, now_s, Instant::now());
        loop {
            assert_eq!(batch.error, 0);
            found.extend(pairs(batch.kvs, prefix.len()));
            if batch.context_id == -1 {
                break;
            }
            let next = ScanRequest {
                context_id: batch.context_id,
            };
            batch = engine.scan(&next, now_s, Instant::now());
        }
        assert_eq!(found, self.expected(range));
        assert_eq!(engine.stats().scan_contexts, 0);
    }
}

fn pairs(kvs: Vec<KeyValue>, prefix_len: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
    kvs.into_iter()
        .map(|pair| (pair.key[prefix_len..].to_vec(), pair.value.to_vec()))
        .collect()
}

/// A number as incr itself writes it.
fn plain_number(text: &[u8]) -> Option<i64> {
    let number: i64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    (number.to_string().as_bytes() == text).then_some(number)
}

fn new_expire_ts(requested: i32, old: Option<&Stored>) -> u32 {
    match requested {
        0 => old.map_or(0, |stored| stored.expire_ts),
        requested => requested.cast_unsigned(),
    }
}

fn run(shared: &Shared, steps: Vec<Step>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rdb");
    let replica = Replica::open(shared, &path, OpenMode::Create);
    let mut comparison = Comparison {
        replica,
        map: BTreeMap::new(),
    };
    for step in steps {
        comparison.step(step);
    }
    comparison.settled(Comparison::read_all);
    // After a restart everything flushed is the same.
    let Comparison { replica, map } = comparison;
    let now_epoch_s = replica.now_epoch_s;
    let digest = replica.engine.digest_of_all(now_epoch_s).unwrap();
    replica.engine.close(CloseMode::Flush).unwrap();
    let mut replica = Replica::open(shared, &path, OpenMode::MustExist);
    replica.now_epoch_s = now_epoch_s;
    assert_eq!(replica.engine.digest_of_all(now_epoch_s).unwrap(), digest);
    Comparison { replica, map }.read_all();
}

#[test]
fn the_engine_agrees_with_a_map() {
    let shared = support::shared();
    let config = ProptestConfig {
        cases: 40,
        ..ProptestConfig::default()
    };
    proptest!(config, |(steps in vec(step_strategy(), 1..120))| run(&shared, steps));
}
