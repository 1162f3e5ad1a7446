//! `sortkey_count` (data-semantics.md section 6.3).

use pegasus_common::{StorageStatus, key, value};
use pegasus_wire::rrdb::CountResponse;

use super::iterator::{self, Scope};
use super::limiter::{Budget, Limiter};
use super::{ReadAt, ReadOutcome};
use crate::rocks::Engine;

/// The count that tells "too slow" while the error says success.
const COUNT_UNKNOWN: i64 = -1;

impl Engine {
    /// Counts the live records of a hash key.
    pub fn sortkey_count(&self, hash_key: &[u8], at: ReadAt) -> ReadOutcome<CountResponse> {
        let range = key::encode(hash_key, b"")
            .ok()
            .and_then(|start| key::successor(&start).map(|end| (start, end)));
        let Some((start, end)) = range else {
            return ReadOutcome::Done(response(StorageStatus::InvalidArgument, 0));
        };
        let mut limiter = Limiter::start(Budget {
            visited_max: None,
            returned_max: u32::MAX,
            bytes_max: 0,
            sampling_base: self.limits.scan_count_max,
            time_max: self.iteration_time_max(),
        });
        let mut records = iterator::iterate(&self.database, Scope::HashKey { end: &end }, at.tier);
        records.seek(&start);
        let mut count = 0;
        while limiter.admits()
            && let Some((_, stored)) = records.item()
        {
            limiter.visited();
            match value::split(stored) {
                Ok(value) if value.expire_ts.is_expired(at.now_epoch_s) => {}
                Ok(_) => count += 1,
                Err(_) => return ReadOutcome::Done(response(StorageStatus::Corruption, 0)),
            }
            records.next();
        }
        match iterator::status(&self.database, &records, at.tier) {
            None => ReadOutcome::NeedsDisk,
            Some(StorageStatus::Ok) if limiter.overran() => {
                ReadOutcome::Done(response(StorageStatus::Ok, COUNT_UNKNOWN))
            }
            Some(StorageStatus::Ok) => ReadOutcome::Done(response(StorageStatus::Ok, count)),
            Some(status) => ReadOutcome::Done(response(status, 0)),
        }
    }
}

fn response(status: StorageStatus, count: i64) -> CountResponse {
    CountResponse {
        error: status.code(),
        count,
        ..CountResponse::default()
    }
}
