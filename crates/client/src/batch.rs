//! Many records of many hash keys: as few requests as partitions allow, and no atomicity.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream;
use pegasus_common::partition_hash;
use pegasus_wire::rrdb::{BatchGetRequest, BatchGetResponse, FullKey};

use crate::error::ClientError;
use crate::operation::Operation;
use crate::options::Ttl;
use crate::table::{Table, Target};

/// Keys of one `batch_get` request, which has no limit of its own on the server.
const KEYS_PER_REQUEST: usize = 500;
/// Requests under way at once.
const CONCURRENCY: usize = 32;

/// A record's two keys.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordKey {
    /// Decides the partition.
    pub hash_key: Bytes,
    /// Distinguishes and orders the records of a hash key.
    pub sort_key: Bytes,
}

/// A record to write.
#[derive(Clone, Debug)]
pub struct NewRecord {
    /// Its keys.
    pub key: RecordKey,
    /// Its value.
    pub value: Bytes,
    /// Its time to live.
    pub ttl: Ttl,
}

impl Table {
    /// Reads many records: one request for each partition (and 500 keys). The values are in the
    /// order of the keys; `None` where there is no record.
    ///
    /// # Errors
    /// The first failure; see [`ClientError`].
    pub async fn batch_get(&self, keys: &[RecordKey]) -> Result<Vec<Option<Bytes>>, ClientError> {
        let operation = Operation::BATCH_GET;
        let mut by_partition: BTreeMap<u32, (u64, Vec<FullKey>)> = BTreeMap::new();
        let count = self.partitions().count();
        for key in keys {
            let (_, target) = self.raw_key(operation, &key.hash_key, &key.sort_key)?;
            let Target::Hash(hash) = target else {
                unreachable!("records are routed by their hash");
            };
            let partition = partition_hash::partition_index(hash, count);
            let (_, keys) = by_partition.entry(partition).or_insert((hash, Vec::new()));
            keys.push(FullKey {
                hash_key: key.hash_key.clone(),
                sort_key: key.sort_key.clone(),
            });
        }
        let requests = by_partition.into_values().flat_map(|(hash, keys)| {
            let chunks: Vec<_> = keys.chunks(KEYS_PER_REQUEST).map(<[_]>::to_vec).collect();
            chunks.into_iter().map(move |keys| (hash, keys))
        });
        let mut answers = stream::iter(requests)
            .map(|(hash, keys)| self.batch_get_request(hash, keys))
            .buffer_unordered(CONCURRENCY);
        let mut values = HashMap::new();
        while let Some(answer) = answers.next().await {
            for record in answer?.data {
                values.insert((record.hash_key, record.sort_key), record.value);
            }
        }
        let value_of = |key: &RecordKey| {
            let value = values.get(&(key.hash_key.clone(), key.sort_key.clone()));
            value.cloned()
        };
        Ok(keys.iter().map(value_of).collect())
    }

    async fn batch_get_request(
        &self,
        hash: u64,
        keys: Vec<FullKey>,
    ) -> Result<BatchGetResponse, ClientError> {
        let operation = Operation::BATCH_GET;
        let request = BatchGetRequest { keys };
        let answer: BatchGetResponse = self
            .execute(operation, Target::Hash(hash), &request)
            .await?;
        self.check(operation, answer.error)?;
        Ok(answer)
    }

    /// Writes many records, each with a request of its own, 32 at a time. The outcomes are in the
    /// order of the records.
    pub async fn batch_set(&self, records: Vec<NewRecord>) -> Vec<Result<(), ClientError>> {
        stream::iter(records)
            .map(|record| async move {
                let key = record.key;
                self.set_with_ttl(&key.hash_key, &key.sort_key, record.value, record.ttl)
                    .await
            })
            .buffered(CONCURRENCY)
            .collect()
            .await
    }

    /// Deletes many records, each with a request of its own, 32 at a time. The outcomes are in the
    /// order of the keys.
    pub async fn batch_del(&self, keys: Vec<RecordKey>) -> Vec<Result<(), ClientError>> {
        stream::iter(keys)
            .map(|key| async move { self.del(&key.hash_key, &key.sort_key).await })
            .buffered(CONCURRENCY)
            .collect()
            .await
    }
}
