//! get and ttl.

use std::ops::Deref;

use pegasus_common::value::{self, ExpireTs};
use pegasus_common::{StorageStatus, key};
use pegasus_wire::rrdb::TtlResponse;
use rust_rocksdb::DBPinnableSlice;

use super::{ReadAt, ReadOutcome};
use crate::rocks::Engine;

/// User data where RocksDB holds it, a cached block or a memtable: the reply is encoded from there.
/// Keep it only for that long, since it pins the block.
pub struct PinnedValue<'a> {
    /// At least as long as the value header.
    stored: DBPinnableSlice<'a>,
    /// When the record ends.
    pub expire_ts: ExpireTs,
}

impl Deref for PinnedValue<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.stored.get(value::HEADER_LEN..).unwrap_or_default()
    }
}

/// What a point read found.
pub enum Found<'a> {
    /// A live record.
    Value(PinnedValue<'a>),
    /// No record, or an expired one.
    Absent,
    /// The key is malformed, or the storage failed.
    Failed(StorageStatus),
}

impl Found<'_> {
    /// The `error` field of the response.
    #[must_use]
    pub const fn status(&self) -> StorageStatus {
        match self {
            Self::Value(_) => StorageStatus::Ok,
            Self::Absent => StorageStatus::NotFound,
            Self::Failed(status) => *status,
        }
    }

    /// The `value` field of the response: empty unless there is a record.
    #[must_use]
    pub fn user_data(&self) -> &[u8] {
        match self {
            Self::Value(value) => value,
            Self::Absent | Self::Failed(_) => &[],
        }
    }
}

impl Engine {
    /// Reads one record by its raw key.
    pub fn get(&self, raw_key: &[u8], at: ReadAt) -> ReadOutcome<Found<'_>> {
        if key::split(raw_key).is_err() {
            return ReadOutcome::Done(Found::Failed(StorageStatus::InvalidArgument));
        }
        self.database
            .stored(raw_key, at.tier)
            .map(|read| match read {
                Ok(Some(stored)) => live(stored, at.now_epoch_s),
                Ok(None) => Found::Absent,
                Err(status) => Found::Failed(status),
            })
    }

    /// Reads how long a record still lives.
    pub fn ttl(&self, raw_key: &[u8], at: ReadAt) -> ReadOutcome<TtlResponse> {
        self.get(raw_key, at).map(|found| TtlResponse {
            error: found.status().code(),
            ttl_seconds: match &found {
                Found::Value(value) => value.expire_ts.ttl_seconds(at.now_epoch_s),
                Found::Absent | Found::Failed(_) => 0,
            },
            ..TtlResponse::default()
        })
    }
}

fn live(stored: DBPinnableSlice<'_>, now_s: u32) -> Found<'_> {
    match value::split(&stored) {
        Ok(value) if value.expire_ts.is_expired(now_s) => Found::Absent,
        Ok(value) => {
            let expire_ts = value.expire_ts;
            Found::Value(PinnedValue { stored, expire_ts })
        }
        Err(_) => Found::Failed(StorageStatus::Corruption),
    }
}
