//! Random operations on a table through the Rust client, each compared with a model.

mod conditional;
mod many_records;

use std::time::Duration;

use bytes::Bytes;
use pegasus_client::{
    ClientError, Completeness, Direction, MultiGetOptions, RecordKey, SortKeyValue, Table,
    TimeToLive, Values,
};
use pegasus_common::StorageStatus;

use crate::random_inputs::RandomInputs;
use crate::table_model::{InvalidArgument, ModelRecord, TableModel};

/// No test runs as long.
const TEST_SECONDS_MAX: u64 = 600;
/// Kinds of operations below.
const KINDS: u32 = 20;

/// Plays random operations on a table that nobody else writes, and compares every answer with what
/// data-semantics.md says. The same seed gives the same operations.
#[derive(Debug)]
pub struct RandomOperations {
    table: Table,
    model: TableModel,
    random: RandomInputs,
}

impl RandomOperations {
    /// The table must be empty.
    #[must_use]
    pub fn new(table: Table, seed: u64) -> Self {
        Self {
            table,
            model: TableModel::default(),
            random: RandomInputs::new(seed),
        }
    }

    /// How many records the table should hold now.
    #[must_use]
    pub fn record_count(&self) -> usize {
        self.model.records.len()
    }

    /// Plays so many operations.
    ///
    /// # Panics
    /// An answer differs from the model's, or an operation fails.
    pub async fn play(&mut self, count: u32) {
        for _ in 0..count {
            let kind = self.random.below(KINDS);
            self.play_one(kind).await.unwrap_or_else(|error| {
                panic!("the cluster refuses operation kind {kind}: {error}")
            });
        }
    }

    async fn play_one(&mut self, kind: u32) -> Result<(), ClientError> {
        match kind {
            0 | 1 => self.set().await,
            2 => self.get().await,
            3 => self.del().await,
            4 => self.ttl_and_exist().await,
            5 | 6 => self.incr().await,
            7 => self.multi_set().await,
            8 => self.multi_get().await,
            9 | 10 => self.multi_get_range().await,
            11 => self.multi_del().await,
            12 => self.sort_key_count().await,
            13 | 14 => self.check_and_set().await,
            15 => self.check_and_mutate().await,
            16 => self.compare_exchange().await,
            17 => self.batch().await,
            18 => self.hash_scan_or_del_range().await,
            _ => self.full_scan().await,
        }
    }

    async fn set(&mut self) -> Result<(), ClientError> {
        let (key, value) = (self.random.record_key(), self.random.value());
        let ttl = self.random.ttl();
        let RecordKey { hash_key, sort_key } = &key;
        self.table
            .set_with_ttl(hash_key, sort_key, value.clone(), ttl)
            .await?;
        self.model.set(key, value, ttl);
        Ok(())
    }

    async fn get(&mut self) -> Result<(), ClientError> {
        let key = self.random.record_key();
        let value = self.table.get(&key.hash_key, &key.sort_key).await?;
        assert_eq!(value, self.model.value(&key), "get {key:?}");
        Ok(())
    }

    async fn del(&mut self) -> Result<(), ClientError> {
        let key = self.random.record_key();
        self.table.del(&key.hash_key, &key.sort_key).await?;
        self.model.records.remove(&key);
        Ok(())
    }

    async fn ttl_and_exist(&mut self) -> Result<(), ClientError> {
        let key = self.random.record_key();
        let RecordKey { hash_key, sort_key } = &key;
        let expected = self.model.get(&key);
        let exists = self.table.exist(hash_key, sort_key).await?;
        assert_eq!(exists, expected.is_some(), "exist {key:?}");
        let ttl = self.table.ttl(hash_key, sort_key).await?;
        let is_right = match (expected.map(|record| record.ttl), ttl) {
            (None, TimeToLive::NotFound) | (Some(None), TimeToLive::Forever) => true,
            (Some(Some(written)), TimeToLive::Remaining(left)) => {
                let written = Duration::from_secs(u64::from(written));
                left <= written && left + Duration::from_secs(TEST_SECONDS_MAX) >= written
            }
            _ => false,
        };
        assert!(is_right, "ttl {key:?} is {ttl:?} instead of {expected:?}");
        Ok(())
    }

    async fn incr(&mut self) -> Result<(), ClientError> {
        let key = self.random.record_key();
        let (increment, ttl) = (self.random.increment(), self.random.incr_ttl());
        let RecordKey { hash_key, sort_key } = &key;
        let before = self.model.value(&key);
        let sum = self.table.incr(hash_key, sort_key, increment, ttl).await;
        let expected = self.model.incr(&key, increment, ttl);
        let what = format!("incr {key:?} of {before:?} by {increment}");
        assert_eq!(or_invalid(sum)?, expected, "{what}");
        Ok(())
    }

    async fn multi_set(&mut self) -> Result<(), ClientError> {
        let hash_key = self.random.hash_key();
        let sort_keys = self.random.sort_keys(6);
        let ttl = self.random.ttl();
        let records: Vec<(Bytes, Bytes)> = sort_keys
            .into_iter()
            .map(|sort_key| (sort_key, self.random.value()))
            .collect();
        self.table
            .multi_set(&hash_key, records.clone(), ttl)
            .await?;
        for (sort_key, value) in records {
            let hash_key = hash_key.clone();
            self.model.set(RecordKey { hash_key, sort_key }, value, ttl);
        }
        Ok(())
    }

    async fn multi_get(&mut self) -> Result<(), ClientError> {
        let hash_key = self.random.hash_key();
        let sort_keys = self.random.sort_keys(12);
        let limits = self.limits();
        let found = sort_keys.iter().filter_map(|sort_key| {
            let key = record_key(&hash_key, sort_key);
            Some((sort_key.clone(), self.model.get(&key)?.clone()))
        });
        let (expected, ended) = limits.take(found.collect());
        let options = limits.options();
        let result = self.table.multi_get(&hash_key, sort_keys.clone(), &options);
        let result = result.await?;
        let what = format!("multi_get {hash_key:?} {sort_keys:?} {limits:?}");
        assert_eq!(pairs(&result.records), expected, "{what}");
        let partial = result.completeness == Completeness::Partial;
        assert_eq!(partial, ended == Ended::Early, "{what}");
        Ok(())
    }

    async fn multi_get_range(&mut self) -> Result<(), ClientError> {
        let hash_key = self.random.hash_key();
        let (range, limits) = (self.random.range(), self.limits());
        let is_reverse = self.random.coin();
        let mut found = self.model.range(&hash_key, &range);
        let mut options = limits
            .options()
            .start(range.start_bound)
            .stop(range.stop_bound)
            .sort_key_filter(range.pattern.filter());
        if is_reverse {
            found.reverse();
            options = options.direction(Direction::Reverse);
        }
        let (mut expected, ended) = limits.take(found);
        if is_reverse {
            expected.reverse();
        }
        let result = self
            .table
            .multi_get_range(&hash_key, &range.start, &range.stop, &options)
            .await?;
        let what = format!("multi_get_range {hash_key:?} {range:?} {limits:?} {is_reverse}");
        assert_eq!(pairs(&result.records), expected, "{what}");
        match ended {
            Ended::Early => assert_eq!(result.completeness, Completeness::Partial, "{what}"),
            // The server may or may not see that nothing is left.
            Ended::AtLimit => {}
            Ended::Before => assert_eq!(result.completeness, Completeness::Complete, "{what}"),
        }
        Ok(())
    }

    async fn multi_del(&mut self) -> Result<(), ClientError> {
        let (hash_key, sort_keys) = (self.random.hash_key(), self.random.sort_keys(5));
        let count = self.table.multi_del(&hash_key, sort_keys.clone()).await?;
        assert_eq!(count, sort_keys.len() as u64, "multi_del {sort_keys:?}");
        for sort_key in &sort_keys {
            self.model.records.remove(&record_key(&hash_key, sort_key));
        }
        Ok(())
    }

    async fn sort_key_count(&mut self) -> Result<(), ClientError> {
        let hash_key = self.random.hash_key();
        let count = self.table.sort_key_count(&hash_key).await?;
        let expected = self.model.of_hash_key(&hash_key).len();
        assert_eq!(count, expected as u64, "sort_key_count {hash_key:?}");
        Ok(())
    }
}

/// Limits of one `multi_get`.
#[derive(Debug)]
struct Limits {
    max_count: u32,
    max_bytes: u32,
    values: Values,
}

/// Where a limited read stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    /// A record is left out.
    Early,
    /// Exactly the records that exist reach a limit.
    AtLimit,
    /// No limit is reached.
    Before,
}

impl RandomOperations {
    fn limits(&mut self) -> Limits {
        let mut sometimes = |max| match self.random.coin() {
            true => 1 + self.random.below(max),
            false => 0,
        };
        Limits {
            max_count: sometimes(6),
            max_bytes: sometimes(100),
            values: self.random.values(),
        }
    }
}

impl Limits {
    fn options(&self) -> MultiGetOptions {
        MultiGetOptions::new()
            .max_count(self.max_count)
            .max_bytes(self.max_bytes)
            .values(self.values)
    }

    /// The first records, within the limits.
    fn take(&self, records: Vec<(Bytes, ModelRecord)>) -> (Vec<(Bytes, Bytes)>, Ended) {
        let mut taken = Vec::new();
        let mut bytes = 0;
        let reached = |count: usize, bytes: usize| {
            let reaches = |limit: u32, amount: usize| limit > 0 && amount >= limit as usize;
            reaches(self.max_count, count) || reaches(self.max_bytes, bytes)
        };
        for (sort_key, record) in records {
            if reached(taken.len(), bytes) {
                return (taken, Ended::Early);
            }
            let value = match self.values {
                Values::Fetched => record.value,
                Values::Omitted => Bytes::new(),
            };
            bytes += sort_key.len() + value.len();
            taken.push((sort_key, value));
        }
        let at_limit = reached(taken.len(), bytes);
        (
            taken,
            if at_limit {
                Ended::AtLimit
            } else {
                Ended::Before
            },
        )
    }
}

fn record_key(hash_key: &Bytes, sort_key: &Bytes) -> RecordKey {
    RecordKey {
        hash_key: hash_key.clone(),
        sort_key: sort_key.clone(),
    }
}

fn pairs(records: &[SortKeyValue]) -> Vec<(Bytes, Bytes)> {
    let records = records.iter();
    records
        .map(|record| (record.sort_key.clone(), record.value.clone()))
        .collect()
}

/// Tells the status "invalid argument" from other failures.
fn or_invalid<T>(
    result: Result<T, ClientError>,
) -> Result<Result<T, InvalidArgument>, ClientError> {
    match result {
        Err(error) if error.storage_status() == Some(StorageStatus::InvalidArgument) => {
            Ok(Err(InvalidArgument))
        }
        other => other.map(Ok),
    }
}
