//! Operations on many records: batches, scans, deletion of ranges.

use bytes::Bytes;
use futures_util::StreamExt as _;
use pegasus_client::{ClientError, NewRecord, Record, RecordKey, ScanOptions, Scanner, Values};

use super::{RandomOperations, record_key};
use crate::table_model::ModelRecord;

impl RandomOperations {
    pub(super) async fn batch(&mut self) -> Result<(), ClientError> {
        let count = 1 + self.random.below(8);
        let keys: Vec<RecordKey> = (0..count).map(|_| self.random.record_key()).collect();
        match self.random.below(3) {
            0 => {
                // Requests run side by side, so that equal keys would race.
                let mut records: Vec<NewRecord> = Vec::new();
                for key in keys {
                    if records.iter().all(|record| record.key != key) {
                        let (value, ttl) = (self.random.value(), self.random.ttl());
                        records.push(NewRecord { key, value, ttl });
                    }
                }
                for outcome in self.table.batch_set(records.clone()).await {
                    outcome?;
                }
                for record in records {
                    self.model.set(record.key, record.value, record.ttl);
                }
            }
            1 => {
                for outcome in self.table.batch_del(keys.clone()).await {
                    outcome?;
                }
                for key in &keys {
                    self.model.records.remove(key);
                }
            }
            _ => {
                let values = self.table.batch_get(&keys).await?;
                let expected: Vec<_> = keys.iter().map(|key| self.model.value(key)).collect();
                assert_eq!(values, expected, "batch_get {keys:?}");
            }
        }
        Ok(())
    }

    pub(super) async fn hash_scan_or_del_range(&mut self) -> Result<(), ClientError> {
        let (hash_key, range) = (self.random.hash_key(), self.random.range());
        let values = self.random.values();
        let options = self
            .scan_options(values)
            .start(range.start_bound)
            .stop(range.stop_bound)
            .sort_key_filter(range.pattern.filter());
        let expected = self.model.range(&hash_key, &range);
        let what = format!("{hash_key:?} {range:?} {values:?}");
        if self.random.below(3) == 0 {
            let deleted = self
                .table
                .del_range(&hash_key, &range.start, &range.stop, &options)
                .await?;
            assert_eq!(deleted, expected.len() as u64, "del_range {what}");
            for (sort_key, _) in &expected {
                self.model.records.remove(&record_key(&hash_key, sort_key));
            }
            return Ok(());
        }
        let mut scanner =
            self.table
                .hash_scanner(&hash_key, &range.start, &range.stop, &options)?;
        let mut found = Vec::new();
        while let Some(record) = scanner.next().await {
            found.push(record?);
        }
        let expected = expected
            .into_iter()
            .map(|(sort_key, record)| (record_key(&hash_key, &sort_key), record));
        let what = format!("hash_scanner {what}");
        compare(&found, expected.collect(), values, &what);
        Ok(())
    }

    pub(super) async fn full_scan(&mut self) -> Result<(), ClientError> {
        let (hash_keys, sort_keys) = (self.random.pattern(), self.random.pattern());
        let values = self.random.values();
        let options = self
            .scan_options(values)
            .hash_key_filter(hash_keys.filter())
            .sort_key_filter(sort_keys.filter());
        let scanners = if self.random.coin() {
            vec![self.table.full_scanner(&options)]
        } else {
            let max = 1 + self.random.below(10);
            self.table.full_scanners(max, &options)
        };
        let mut found = Vec::new();
        for scanner in scanners {
            found.extend(all(scanner).await?);
        }
        found.sort_by(|a, b| (&a.hash_key, &a.sort_key).cmp(&(&b.hash_key, &b.sort_key)));
        let expected = self.model.records.iter().filter(|(key, _)| {
            hash_keys.accepts(&key.hash_key) && sort_keys.accepts(&key.sort_key)
        });
        let expected = expected.map(|(key, record)| (key.clone(), record.clone()));
        let what = format!("full scan {hash_keys:?} {sort_keys:?} {values:?}");
        compare(&found, expected.collect(), values, &what);
        Ok(())
    }

    /// Small batches, so that scans need many.
    fn scan_options(&mut self, values: Values) -> ScanOptions {
        let batch_size = 1 + self.random.below(9);
        ScanOptions::new()
            .batch_size(batch_size)
            .values(values)
            .with_expiry()
    }
}

/// As a stream.
async fn all(scanner: Scanner) -> Result<Vec<Record>, ClientError> {
    let mut stream = scanner.into_stream();
    let mut records = Vec::new();
    while let Some(record) = stream.next().await {
        records.push(record?);
    }
    Ok(records)
}

/// Keys, values and whether they expire.
fn compare(found: &[Record], expected: Vec<(RecordKey, ModelRecord)>, values: Values, what: &str) {
    let found: Vec<_> = found
        .iter()
        .map(|record| {
            let key = record_key(&record.hash_key, &record.sort_key);
            let expires = record.expire_ts_seconds.map(|at| at > 0);
            (key, record.value.clone(), expires)
        })
        .collect();
    let expected: Vec<_> = expected
        .into_iter()
        .map(|(key, record)| {
            let value = match values {
                Values::Fetched => record.value,
                Values::Omitted => Bytes::new(),
            };
            (key, value, Some(record.ttl.is_some()))
        })
        .collect();
    assert_eq!(found, expected, "{what}");
}
