//! A digest of everything that a replica would answer, to compare replicas.

use pegasus_common::{partition_hash, value};

use super::engine::Engine;
use super::open::reads;
use crate::error::EngineError;

/// Digest of all live records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ContentDigest {
    /// Depends on every (raw key, user data, expiry) and on their order; not on time tags, which
    /// tell when a value was written and not what it is.
    pub digest: u64,
    /// Records in it.
    pub record_count: u64,
}

/// An odd constant with well-spread bits (2^64 divided by the golden ratio).
const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

impl ContentDigest {
    fn add(&mut self, raw_key: &[u8], value: value::Value<'_>) {
        for part in [
            partition_hash::crc64(raw_key),
            raw_key.len() as u64,
            partition_hash::crc64(value.user_data),
            value.user_data.len() as u64,
            u64::from(value.expire_ts.0),
        ] {
            self.digest = (self.digest ^ part)
                .wrapping_mul(MULTIPLIER)
                .rotate_left(29);
        }
        self.record_count += 1;
    }
}

impl Engine {
    /// Reads every record, so it blocks for long; for tests and operators. Records expired at
    /// `now_epoch_s` (seconds since 2016) are left out: replicas may have dropped them or not.
    ///
    /// # Errors
    /// When the storage cannot be read.
    pub fn digest_of_all(&self, now_epoch_s: u32) -> Result<ContentDigest, EngineError> {
        let mut options = reads(rust_rocksdb::ReadTier::All);
        options.set_total_order_seek(true);
        options.fill_cache(false);
        let mut records = self.database.db.raw_iterator_opt(options);
        let mut digest = ContentDigest::default();
        records.seek_to_first();
        while let Some((raw_key, stored)) = records.item() {
            let value = value::split(stored).map_err(|_| {
                self.database
                    .broken("a stored value is shorter than its header")
            })?;
            if !value.expire_ts.is_expired(now_epoch_s) {
                digest.add(raw_key, value);
            }
            records.next();
        }
        records
            .status()
            .map_err(|source| self.database.failed("read all records of", source))?;
        Ok(digest)
    }
}
