//! Answers and scans of the thing under test, as the model has them.

use std::collections::BTreeMap;

use pegasus_wire::rrdb::{
    BatchGetResponse, CheckAndMutateResponse, CheckAndSetResponse, CountResponse, IncrResponse,
    MultiGetResponse, MultiRemoveResponse, ReadResponse, ScanResponse, TtlResponse, UpdateResponse,
};

use crate::answer::{Answer, Next};

/// No scan has this number.
const UNKNOWN_SCAN: i64 = -77;

macro_rules! answers {
    ($($response:ident -> $answer:ident { $($field:ident: $of:ident),* };)*) => {
        $(impl From<$response> for Answer {
            fn from(found: $response) -> Self {
                Self::$answer { $($field: found.$of),* }
            }
        })*
    };
}

answers! {
    UpdateResponse -> Written { error: error };
    MultiRemoveResponse -> Removed { error: error, count: count };
    IncrResponse -> Incremented { error: error, new_value: new_value };
    CheckAndSetResponse -> Checked {
        error: error, is_returned: check_value_returned, exists: check_value_exist, value: check_value
    };
    CheckAndMutateResponse -> Checked {
        error: error, is_returned: check_value_returned, exists: check_value_exist, value: check_value
    };
    ReadResponse -> Value { error: error, value: value };
    TtlResponse -> Ttl { error: error, ttl_seconds: ttl_seconds };
    CountResponse -> Count { error: error, count: count };
    BatchGetResponse -> Found { error: error, data: data };
    MultiGetResponse -> Records { error: error, records: kvs };
}

/// The scans of the thing under test, by the model's numbers.
#[derive(Clone, Debug, Default)]
pub struct ServedScans(BTreeMap<i64, i64>);

impl ServedScans {
    /// The number of the model's scan there, which is about to be used or to end; one that nobody has
    /// where there is no such scan.
    pub fn take(&mut self, scan: i64) -> i64 {
        self.0.remove(&scan).unwrap_or(UNKNOWN_SCAN)
    }

    /// A batch with the number that the model expects. Only a positive number is that of a scan:
    /// clients clear none with a negative one.
    pub fn batch(&mut self, found: ScanResponse, expected: &Answer) -> Answer {
        let expected = match expected {
            Answer::Batch { next, .. } => *next,
            _ => Next::Failed,
        };
        let next = match (found.context_id, expected) {
            (-1, _) => Next::Finished,
            (0, _) => Next::Failed,
            (context_id @ 1.., Next::Scan(number)) => {
                self.0.insert(number, context_id);
                Next::Scan(number)
            }
            (context_id, _) => Next::Scan(context_id),
        };
        Answer::Batch {
            error: found.error,
            records: found.kvs,
            count: found.kv_count,
            next,
        }
    }
}
