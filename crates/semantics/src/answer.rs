//! [`Answer`]: what a request is answered, without what only the host knows (table, partition, server
//! name, decree).

use bytes::Bytes;
use pegasus_wire::rrdb::{FullData, KeyValue};

/// Success.
pub const OK: i32 = 0;
/// There is no such record, or no such scan.
pub const NOT_FOUND: i32 = 1;
/// The request makes no sense.
pub const INVALID_ARGUMENT: i32 = 4;
/// There may be more.
pub const INCOMPLETE: i32 = 7;
/// The condition does not hold.
pub const TRY_AGAIN: i32 = 13;

/// An answer. `error` is the storage's code (wire-protocol.md section 8.3).
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// To `put`, `remove` and `multi_put`.
    Written {
        /// The code.
        error: i32,
    },
    /// To `multi_remove`.
    Removed {
        /// The code.
        error: i32,
        /// How many sort keys were asked for.
        count: i64,
    },
    /// To `incr`.
    Incremented {
        /// The code.
        error: i32,
        /// The sum, or what stands there instead.
        new_value: i64,
    },
    /// To `check_and_set` and `check_and_mutate`.
    Checked {
        /// The code.
        error: i32,
        /// Whether the checked value was asked for.
        is_returned: bool,
        /// Whether there is one.
        exists: bool,
        /// It.
        value: Bytes,
    },
    /// To `get`.
    Value {
        /// The code.
        error: i32,
        /// The value, or nothing.
        value: Bytes,
    },
    /// To `ttl`.
    Ttl {
        /// The code.
        error: i32,
        /// What is left, in seconds; -1 is for ever.
        ttl_seconds: i32,
    },
    /// To `sortkey_count`.
    Count {
        /// The code.
        error: i32,
        /// Live records.
        count: i64,
    },
    /// To `batch_get`.
    Found {
        /// The code.
        error: i32,
        /// What was found, in the order of the request.
        data: Vec<FullData>,
    },
    /// To `multi_get`.
    Records {
        /// The code.
        error: i32,
        /// Sort keys and values.
        records: Vec<KeyValue>,
    },
    /// To `get_scanner` and `scan`.
    Batch {
        /// The code.
        error: i32,
        /// Raw keys and values.
        records: Vec<KeyValue>,
        /// How many matched, where only that was asked for.
        count: Option<i32>,
        /// How it goes on.
        next: Next,
    },
    /// To `clear_scanner`, which nobody answers.
    Silence,
}

/// How a scan goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// There is nothing more.
    Finished,
    /// It can be asked for more by this number.
    Scan(i64),
    /// It has failed.
    Failed,
}
