//! Operations on one record.

use std::time::Duration;

use bytes::Bytes;
use pegasus_wire::rrdb::{
    IncrRequest, IncrResponse, ReadResponse, TtlResponse, UpdateRequest, UpdateResponse,
};

use crate::error::ClientError;
use crate::operation::Operation;
use crate::options::{IncrTtl, Ttl};
use crate::table::Table;

/// How long a record has still to live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeToLive {
    /// It does not expire.
    Forever,
    /// Whole seconds, at least 1.
    Remaining(Duration),
    /// There is no such record.
    NotFound,
}

impl Table {
    /// Writes a record that does not expire.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn set(
        &self,
        hash_key: &[u8],
        sort_key: &[u8],
        value: impl Into<Bytes>,
    ) -> Result<(), ClientError> {
        self.set_with_ttl(hash_key, sort_key, value, Ttl::Forever)
            .await
    }

    /// Writes a record.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn set_with_ttl(
        &self,
        hash_key: &[u8],
        sort_key: &[u8],
        value: impl Into<Bytes>,
        ttl: Ttl,
    ) -> Result<(), ClientError> {
        let (key, target) = self.raw_key(Operation::SET, hash_key, sort_key)?;
        let request = UpdateRequest {
            key,
            value: value.into(),
            expire_ts_seconds: ttl.expire_ts_seconds(),
            ..UpdateRequest::default()
        };
        let answer: UpdateResponse = self.execute(Operation::SET, target, &request).await?;
        self.check(Operation::SET, answer.error)
    }

    /// Reads a record's value; `None` if there is none.
    ///
    /// The value shares a receive buffer of up to 32 KiB (or its own size, if larger) with its
    /// neighbours: copy it before keeping many small ones for long.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn get(
        &self,
        hash_key: &[u8],
        sort_key: &[u8],
    ) -> Result<Option<Bytes>, ClientError> {
        let (key, target) = self.raw_key(Operation::GET, hash_key, sort_key)?;
        let answer: ReadResponse = self.execute(Operation::GET, target, &key).await?;
        let found = self.check_found(Operation::GET, answer.error)?;
        Ok(found.then_some(answer.value))
    }

    /// Deletes a record, whether or not it exists.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn del(&self, hash_key: &[u8], sort_key: &[u8]) -> Result<(), ClientError> {
        let (key, target) = self.raw_key(Operation::DEL, hash_key, sort_key)?;
        let answer: UpdateResponse = self.execute(Operation::DEL, target, &key).await?;
        self.check(Operation::DEL, answer.error)
    }

    /// Whether a record exists.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn exist(&self, hash_key: &[u8], sort_key: &[u8]) -> Result<bool, ClientError> {
        Ok(self.ttl(hash_key, sort_key).await? != TimeToLive::NotFound)
    }

    /// How long a record has still to live.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn ttl(&self, hash_key: &[u8], sort_key: &[u8]) -> Result<TimeToLive, ClientError> {
        let (key, target) = self.raw_key(Operation::TTL, hash_key, sort_key)?;
        let answer: TtlResponse = self.execute(Operation::TTL, target, &key).await?;
        if !self.check_found(Operation::TTL, answer.error)? {
            return Ok(TimeToLive::NotFound);
        }
        // Negative: -1 for none. Dates beyond 2084 also come as negative numbers, and are as good
        // as none.
        Ok(
            u64::try_from(answer.ttl_seconds).map_or(TimeToLive::Forever, |seconds| {
                TimeToLive::Remaining(Duration::from_secs(seconds))
            }),
        )
    }

    /// Adds to the integer in a record's value, an absent one counting as 0, and returns the sum.
    /// Never repeated once it may have been executed.
    ///
    /// # Errors
    /// [`ClientError::Storage`] with "invalid argument" when the value is no integer or the sum
    /// overflows; others see [`ClientError`].
    pub async fn incr(
        &self,
        hash_key: &[u8],
        sort_key: &[u8],
        increment: i64,
        ttl: IncrTtl,
    ) -> Result<i64, ClientError> {
        let (key, target) = self.raw_key(Operation::INCR, hash_key, sort_key)?;
        let request = IncrRequest {
            key,
            increment,
            expire_ts_seconds: ttl.expire_ts_seconds(),
        };
        let answer: IncrResponse = self.execute(Operation::INCR, target, &request).await?;
        self.check(Operation::INCR, answer.error)?;
        Ok(answer.new_value)
    }
}
