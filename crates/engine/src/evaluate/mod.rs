//! Turns write requests into effects: pure decisions, made once, on the primary, in order.
//!
//! Every operation, the atomic ones too, becomes puts and deletes with timestamps and expiry already
//! decided; all replicas apply the same bytes. The rules are data-semantics.md section 5.
//!
//! Invariants: an operation that is rejected, or that needs a read first, leaves the builder
//! unchanged; no input makes evaluation panic.

mod check;
mod conditional;
mod incr;
mod integer;
mod unconditional;

use bytes::Bytes;
use pegasus_common::value::{self, ExpireTs, TimeTag};
use pegasus_common::{StorageStatus, key};
use pegasus_wire::rrdb::{
    CheckAndMutateRequest, CheckAndSetRequest, IncrRequest, MultiPutRequest, MultiRemoveRequest,
    UpdateRequest,
};

use crate::builder::MutationBuilder;
use crate::current_values::{CurrentValues, Lookup};

/// A write request, as decoded from the wire.
#[derive(Clone, Copy, Debug)]
pub enum WriteOperation<'a> {
    /// Store one value.
    Put(&'a UpdateRequest),
    /// Delete one raw key.
    Remove(&'a [u8]),
    /// Store several values of one hash key.
    MultiPut(&'a MultiPutRequest),
    /// Delete several sort keys of one hash key.
    MultiRemove(&'a MultiRemoveRequest),
    /// Add to a number.
    Incr(&'a IncrRequest),
    /// Store one value if a condition holds.
    CheckAndSet(&'a CheckAndSetRequest),
    /// Change several values if a condition holds.
    CheckAndMutate(&'a CheckAndMutateRequest),
}

/// The clocks of one mutation, read once by the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EvaluationTime {
    /// The mutation's timestamp: microseconds since the Unix epoch, strictly increasing.
    pub timestamp_us: u64,
    /// Seconds since 2016-01-01 UTC: decides what has expired.
    pub now_epoch_s: u32,
}

/// What a table or cluster adds to each write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriteSettings {
    /// Table environment `default_ttl`, seconds; 0 = none.
    pub default_ttl_s: u32,
    /// This cluster's id in a duplication group, at most 127.
    pub cluster_id: u8,
}

/// What the client is told, apart from the fields that the host adds (table, partition, decree,
/// server).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteReply {
    /// put, remove and `multi_put`.
    Update {
        /// The `error` field.
        status: StorageStatus,
    },
    /// `multi_remove`.
    MultiRemove {
        /// The `error` field.
        status: StorageStatus,
        /// Sort keys in the request; 0 unless successful.
        count: i64,
    },
    /// incr.
    Incr {
        /// The `error` field.
        status: StorageStatus,
        /// The result; after an overflow the old value; 0 after other errors.
        new_value: i64,
    },
    /// `check_and_set`.
    CheckAndSet(CheckReply),
    /// `check_and_mutate`.
    CheckAndMutate(CheckReply),
}

impl WriteReply {
    /// The `error` field of the response.
    #[must_use]
    pub const fn status(&self) -> StorageStatus {
        match self {
            Self::Update { status }
            | Self::MultiRemove { status, .. }
            | Self::Incr { status, .. }
            | Self::CheckAndSet(CheckReply { status, .. })
            | Self::CheckAndMutate(CheckReply { status, .. }) => *status,
        }
    }
}

/// The answer of the two check operations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckReply {
    /// The `error` field: `TryAgain` when the check did not pass.
    pub status: StorageStatus,
    /// Whether the request asked for the checked value.
    pub check_value_returned: bool,
    /// Whether it asked and there is one.
    pub check_value_exist: bool,
    /// The checked value, if asked for.
    pub check_value: Bytes,
}

/// What evaluation came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evaluation {
    /// Decided. The reply may be sent when everything proposed up to now has committed.
    Done(WriteReply),
    /// The current value of this raw key must be brought into the cache first; nothing has
    /// happened yet. The host reads it off the shard's thread and evaluates again, before any later
    /// operation of the replica. The read only warms the cache: its result may be out of date by
    /// then. After repeated misses evaluate with [`crate::ReadTier::All`].
    NeedsRead(Vec<u8>),
}

/// Evaluates one operation: appends its effects to `builder` and gives its reply.
pub fn evaluate(
    builder: &mut MutationBuilder,
    operation: WriteOperation<'_>,
    current: &mut impl CurrentValues,
    time: EvaluationTime,
    settings: WriteSettings,
) -> Evaluation {
    let mut evaluator = Evaluator {
        builder,
        current,
        time,
        settings,
    };
    let reply = match operation {
        WriteOperation::Put(request) => Ok(WriteReply::Update {
            status: evaluator.put(request),
        }),
        WriteOperation::Remove(raw_key) => Ok(WriteReply::Update {
            status: evaluator.remove(raw_key),
        }),
        WriteOperation::MultiPut(request) => Ok(WriteReply::Update {
            status: evaluator.multi_put(request),
        }),
        WriteOperation::MultiRemove(request) => Ok(evaluator.multi_remove(request)),
        WriteOperation::Incr(request) => evaluator.incr(request),
        WriteOperation::CheckAndSet(request) => evaluator
            .check_and_set(request)
            .map(WriteReply::CheckAndSet),
        WriteOperation::CheckAndMutate(request) => evaluator
            .check_and_mutate(request)
            .map(WriteReply::CheckAndMutate),
    };
    match reply {
        Ok(reply) => Evaluation::Done(reply),
        Err(NeedsRead(raw_key)) => Evaluation::NeedsRead(raw_key),
    }
}

/// The raw key whose value is not at hand.
struct NeedsRead(Vec<u8>);

/// One evaluation under way.
struct Evaluator<'a, C> {
    builder: &'a mut MutationBuilder,
    current: &'a mut C,
    time: EvaluationTime,
    settings: WriteSettings,
}

/// A record as operations see it: expired ones do not exist.
struct LiveRecord {
    expire_ts: ExpireTs,
    user_data: Bytes,
}

impl<C: CurrentValues> Evaluator<'_, C> {
    /// The live record under a raw key; the inner error is the storage's.
    fn read(
        &mut self,
        raw_key: &[u8],
    ) -> Result<Result<Option<LiveRecord>, StorageStatus>, NeedsRead> {
        let lookup = match self.builder.find(raw_key) {
            Some(record) => record.into(),
            None => self.current.get(raw_key),
        };
        match lookup {
            Lookup::Value(stored) => Ok(self.live(&stored)),
            Lookup::Absent => Ok(Ok(None)),
            Lookup::NotCached => Err(NeedsRead(raw_key.to_vec())),
            Lookup::Failed(status) => Ok(Err(status)),
        }
    }

    fn live(&self, stored: &Bytes) -> Result<Option<LiveRecord>, StorageStatus> {
        let value = value::split(stored).map_err(|_| StorageStatus::Corruption)?;
        let is_live = !value.expire_ts.is_expired(self.time.now_epoch_s);
        Ok(is_live.then(|| LiveRecord {
            expire_ts: value.expire_ts,
            user_data: stored.slice(value::HEADER_LEN..),
        }))
    }

    /// Appends a put; the table's default TTL applies to records that would never expire.
    fn append_put(&mut self, key: &[&[u8]], expire_ts: ExpireTs, user_data: &[u8]) {
        let expire_ts = expire_ts.or_default(self.settings.default_ttl_s, self.time.now_epoch_s);
        let time_tag = TimeTag::of_put(self.time.timestamp_us, self.settings.cluster_id);
        self.builder.put(key, expire_ts, time_tag, user_data);
    }
}

/// Raw keys come from the network: checked before anything else.
fn is_raw_key(bytes: &[u8]) -> bool {
    key::split(bytes).is_ok()
}
