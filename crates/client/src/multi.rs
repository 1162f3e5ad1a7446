//! Operations on several records of one hash key: each is one request and atomic.

use bytes::Bytes;
use pegasus_common::StorageStatus;
use pegasus_wire::rrdb::{
    CountResponse, KeyValue, MultiGetRequest, MultiGetResponse, MultiPutRequest,
    MultiRemoveRequest, MultiRemoveResponse, UpdateResponse,
};

use crate::error::ClientError;
use crate::operation::Operation;
use crate::options::{Direction, MultiGetOptions, Ttl, Values};
use crate::table::{Table, Target};

/// A record of a known hash key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SortKeyValue {
    /// Its sort key.
    pub sort_key: Bytes,
    /// Its value; empty where values were not asked for.
    pub value: Bytes,
}

/// Whether an answer holds everything that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// It does.
    Complete,
    /// A limit ended it. More records may exist, but need not.
    Partial,
}

/// The answer of the `multi_get` family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MultiGetResult {
    /// By keys: in the order of the request, absent ones left out. By range: ascending.
    pub records: Vec<SortKeyValue>,
    /// Whether a limit ended it.
    pub completeness: Completeness,
}

impl Table {
    /// Writes several records at once, with one time to live. The last of equal sort keys wins.
    ///
    /// # Errors
    /// [`ClientError::InvalidArgument`] for an empty hash key or no records; others see
    /// [`ClientError`].
    pub async fn multi_set(
        &self,
        hash_key: &[u8],
        records: impl IntoIterator<Item = (Bytes, Bytes)>,
        ttl: Ttl,
    ) -> Result<(), ClientError> {
        let operation = Operation::MULTI_SET;
        let (hash_key, target) = self.whole_hash_key(operation, hash_key)?;
        let kvs = records.into_iter().map(|(key, value)| KeyValue {
            key,
            value,
            ..KeyValue::default()
        });
        let request = MultiPutRequest {
            hash_key,
            kvs: kvs.collect(),
            expire_ts_seconds: ttl.expire_ts_seconds(),
        };
        if request.kvs.is_empty() {
            return Err(self.invalid(operation, "there is nothing to write"));
        }
        let answer: UpdateResponse = self.execute(operation, target, &request).await?;
        self.check(operation, answer.error)
    }

    /// Reads the records with the given sort keys; of the options, only limits and
    /// [`MultiGetOptions::values`] count. Without sort keys, reads the whole hash key.
    ///
    /// # Errors
    /// [`ClientError::InvalidArgument`] for an empty hash key; others see [`ClientError`].
    pub async fn multi_get(
        &self,
        hash_key: &[u8],
        sort_keys: Vec<Bytes>,
        options: &MultiGetOptions,
    ) -> Result<MultiGetResult, ClientError> {
        let (hash_key, target) = self.whole_hash_key(Operation::MULTI_GET, hash_key)?;
        let request = MultiGetRequest {
            hash_key,
            sort_keys,
            // With keys it is ignored; without, the first sort key must not be left out.
            start_inclusive: true,
            max_kv_count: options.max_count,
            max_kv_size: options.max_bytes,
            no_value: options.values == Values::Omitted,
            ..MultiGetRequest::default()
        };
        self.multi_get_request(target, &request).await
    }

    /// Reads the records of a range of sort keys; an empty stop is the end of the hash key.
    ///
    /// To page, continue from the last sort key with an exclusive start. A page without records
    /// that is [`Completeness::Partial`] ends paging: use a scanner then.
    ///
    /// # Errors
    /// [`ClientError::InvalidArgument`] for an empty hash key; others see [`ClientError`].
    pub async fn multi_get_range(
        &self,
        hash_key: &[u8],
        start_sort_key: &[u8],
        stop_sort_key: &[u8],
        options: &MultiGetOptions,
    ) -> Result<MultiGetResult, ClientError> {
        let (hash_key, target) = self.whole_hash_key(Operation::MULTI_GET, hash_key)?;
        let request = MultiGetRequest {
            hash_key,
            sort_keys: Vec::new(),
            max_kv_count: options.max_count,
            max_kv_size: options.max_bytes,
            no_value: options.values == Values::Omitted,
            start_sortkey: Bytes::copy_from_slice(start_sort_key),
            stop_sortkey: Bytes::copy_from_slice(stop_sort_key),
            start_inclusive: options.start.is_inclusive(),
            stop_inclusive: options.stop.is_inclusive(),
            sort_key_filter_type: options.filter.wire_type(),
            sort_key_filter_pattern: options.filter.pattern.clone(),
            reverse: options.direction == Direction::Reverse,
        };
        self.multi_get_request(target, &request).await
    }

    async fn multi_get_request(
        &self,
        target: Target,
        request: &MultiGetRequest,
    ) -> Result<MultiGetResult, ClientError> {
        let operation = Operation::MULTI_GET;
        let answer: MultiGetResponse = self.execute(operation, target, request).await?;
        let completeness = if answer.error == StorageStatus::Incomplete.code() {
            Completeness::Partial
        } else {
            self.check(operation, answer.error)?;
            Completeness::Complete
        };
        let records = answer.kvs.into_iter().map(|record| SortKeyValue {
            sort_key: record.key,
            value: record.value,
        });
        Ok(MultiGetResult {
            records: records.collect(),
            completeness,
        })
    }

    /// Deletes several records at once and returns how many were named, existing or not.
    ///
    /// # Errors
    /// [`ClientError::InvalidArgument`] for an empty hash key or no sort keys; others see
    /// [`ClientError`].
    pub async fn multi_del(
        &self,
        hash_key: &[u8],
        sort_keys: Vec<Bytes>,
    ) -> Result<u64, ClientError> {
        let operation = Operation::MULTI_DEL;
        let (hash_key, target) = self.whole_hash_key(operation, hash_key)?;
        if sort_keys.is_empty() {
            return Err(self.invalid(operation, "there is nothing to delete"));
        }
        let request = MultiRemoveRequest {
            hash_key,
            sort_keys,
            // The server ignores it.
            max_count: 0,
        };
        let answer: MultiRemoveResponse = self.execute(operation, target, &request).await?;
        self.check(operation, answer.error)?;
        u64::try_from(answer.count)
            .map_err(|_| self.protocol(operation, "the server counted below zero"))
    }

    /// Counts the records of a hash key.
    ///
    /// # Errors
    /// [`ClientError::Protocol`] when the server gave up counting because it took too long; others
    /// see [`ClientError`].
    pub async fn sort_key_count(&self, hash_key: &[u8]) -> Result<u64, ClientError> {
        let operation = Operation::SORT_KEY_COUNT;
        let (hash_key, target) = self.whole_hash_key(operation, hash_key)?;
        let answer: CountResponse = self.execute(operation, target, &hash_key).await?;
        self.check(operation, answer.error)?;
        u64::try_from(answer.count).map_err(|_| {
            self.protocol(operation, "the hash key takes the server too long to count")
        })
    }
}
