//! incr (data-semantics.md section 5.5).

use std::cmp::Ordering;

use pegasus_common::StorageStatus;
use pegasus_common::value::ExpireTs;
use pegasus_wire::rrdb::IncrRequest;

use super::{Evaluator, LiveRecord, NeedsRead, WriteReply, integer, is_raw_key};
use crate::current_values::CurrentValues;

impl<C: CurrentValues> Evaluator<'_, C> {
    pub(super) fn incr(&mut self, request: &IncrRequest) -> Result<WriteReply, NeedsRead> {
        let rejected = |status, new_value| Ok(WriteReply::Incr { status, new_value });
        if !is_raw_key(&request.key) {
            return rejected(StorageStatus::InvalidArgument, 0);
        }
        let record = match self.read(&request.key)? {
            Ok(record) => record,
            Err(status) => return rejected(status, 0),
        };
        let Some(old_value) = number_in(record.as_ref()) else {
            return rejected(StorageStatus::InvalidArgument, 0);
        };
        let Some(new_value) = old_value.checked_add(request.increment) else {
            return rejected(StorageStatus::InvalidArgument, old_value);
        };
        let expire_ts = new_expiry(record.as_ref(), request.expire_ts_seconds);
        self.append_put(&[&request.key], expire_ts, new_value.to_string().as_bytes());
        Ok(WriteReply::Incr {
            status: StorageStatus::Ok,
            new_value,
        })
    }
}

/// The number to add to: 0 for a record that is absent or empty, `None` when it is no number.
fn number_in(record: Option<&LiveRecord>) -> Option<i64> {
    match record {
        Some(record) if !record.user_data.is_empty() => integer::parse(&record.user_data),
        _ => Some(0),
    }
}

/// Zero keeps the expiry, a negative number clears it, a positive one replaces it.
fn new_expiry(record: Option<&LiveRecord>, requested_s: i32) -> ExpireTs {
    match requested_s.cmp(&0) {
        Ordering::Greater => ExpireTs::from_wire(requested_s),
        Ordering::Equal => record.map_or(ExpireTs::NEVER, |record| record.expire_ts),
        Ordering::Less => ExpireTs::NEVER,
    }
}
