//! Deletes a range of sort keys: a scan of the keys, and deletions in batches. Not atomic.

use bytes::Bytes;

use crate::error::ClientError;
use crate::options::{ScanOptions, Values};
use crate::table::Table;

/// Sort keys of one deletion.
const KEYS_PER_REQUEST: usize = 100;

impl Table {
    /// Deletes the records of a range of sort keys and returns how many. An empty stop is the end
    /// of the hash key; of the options, the bounds and the sort key filter count.
    ///
    /// # Errors
    /// The first failure; batches before it stay deleted. See [`ClientError`].
    pub async fn del_range(
        &self,
        hash_key: &[u8],
        start_sort_key: &[u8],
        stop_sort_key: &[u8],
        options: &ScanOptions,
    ) -> Result<u64, ClientError> {
        let options = options.clone().values(Values::Omitted);
        let mut scanner = self.hash_scanner(hash_key, start_sort_key, stop_sort_key, &options)?;
        let mut batch: Vec<Bytes> = Vec::with_capacity(KEYS_PER_REQUEST);
        let mut deleted = 0;
        while let Some(record) = scanner.next().await {
            batch.push(record?.sort_key);
            if batch.len() == KEYS_PER_REQUEST {
                deleted += self.multi_del(hash_key, std::mem::take(&mut batch)).await?;
            }
        }
        if !batch.is_empty() {
            deleted += self.multi_del(hash_key, batch).await?;
        }
        Ok(deleted)
    }
}
