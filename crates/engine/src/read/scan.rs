//! `get_scanner`, `scan`, `clear_scanner` (data-semantics.md section 7).

use std::time::{Duration, Instant};

use pegasus_common::value::{self, Value};
use pegasus_common::{StorageStatus, key};
use pegasus_wire::rrdb::{GetScannerRequest, KeyValue, ScanRequest, ScanResponse};

use super::ReadTier;
use super::iterator::{self, OwnedIterator, Scope};
use super::limiter::{Budget, Limiter};
use super::pairs::PairBuffer;
use super::pattern::Pattern;
use super::range::{KeyRange, Position};
use crate::rocks::Engine;
use crate::settings::PartitionShare;

/// The context id of a scan that is over.
const CONTEXT_ID_COMPLETED: i64 = -1;
/// The context id in answers that carry an error.
const CONTEXT_ID_NONE: i64 = 0;
/// Above every key: the stop key of clients that scan a whole partition. Java, Go and Python do not
/// say `full_scan`, and after a lost context they start again in the middle; without this rule such
/// a scan would end with the hash key where it starts (wire-protocol.md section 11.8).
const STOP_OF_FULL_SCANS: &[u8] = &[0xff, 0xff];

/// A scan between two batches.
pub(super) struct Scan {
    records: OwnedIterator,
    plan: ScanPlan,
    /// Whether the next record may be the excluded start key.
    at_start: bool,
}

/// What a scan looks for.
struct ScanPlan {
    range: KeyRange,
    hash_key_pattern: Pattern<Vec<u8>>,
    sort_key_pattern: Pattern<Vec<u8>>,
    batch_count: u32,
    content: Content,
    returns_expire_ts: bool,
    validates_partition: bool,
}

/// What a scan returns of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    KeyAndValue,
    Key,
    CountOnly,
}

impl Engine {
    /// Opens a scan and reads its first batch. Waits for the disk: call it on the read pool.
    pub fn get_scanner(
        &self,
        request: &GetScannerRequest,
        now_epoch_s: u32,
        now: Instant,
    ) -> ScanResponse {
        let Some(plan) = self.plan(request) else {
            return failed(StorageStatus::InvalidArgument);
        };
        if plan.range.is_empty() {
            // Upstream answers context id 0 here, and clients then ask for context 0 in vain and
            // start over.
            return completed(&plan);
        }
        let end = confinement(request, &plan);
        let scope = match &end {
            Some(end) if plan.range.start >= *end => return completed(&plan),
            Some(end) => Scope::HashKey { end },
            None => Scope::Partition,
        };
        let mut records = OwnedIterator::open(&self.database, scope);
        records.with_dependent_mut(|_, records| records.seek(&plan.range.start));
        let scan = Scan {
            records,
            plan,
            at_start: true,
        };
        self.read_batch(scan, self.limits.scan_count_max, now_epoch_s, now)
    }

    /// Reads the next batch of a scan. Waits for the disk: call it on the read pool.
    pub fn scan(&self, request: &ScanRequest, now_epoch_s: u32, now: Instant) -> ScanResponse {
        let scan = self.contexts.lock().take(request.context_id, now);
        match scan {
            Some(scan) => {
                let visited_max = scan.plan.batch_count;
                self.read_batch(scan, visited_max, now_epoch_s, now)
            }
            None => failed(StorageStatus::NotFound),
        }
    }

    /// Forgets a scan, if it is still known.
    pub fn clear_scanner(&self, context_id: i64) {
        self.contexts.lock().remove(context_id);
    }

    /// Forgets the scans that nobody has continued for five minutes; gives how many. The host calls
    /// it now and then: scans pin old data.
    pub fn expire_contexts(&self, now: Instant) -> usize {
        self.contexts.lock().expire(now)
    }

    /// The time that one range read may take now.
    pub(super) fn iteration_time_max(&self) -> Option<Duration> {
        match self.settings.get().iteration_time_max {
            Some(time) => (!time.is_zero()).then_some(time),
            None => self.limits.time_max,
        }
    }

    /// `None` when the request makes no sense.
    fn plan(&self, request: &GetScannerRequest) -> Option<ScanPlan> {
        let hash_key_pattern = Pattern::from_wire(
            request.hash_key_filter_type,
            request.hash_key_filter_pattern.to_vec(),
        )?;
        let sort_key_pattern = Pattern::from_wire(
            request.sort_key_filter_type,
            request.sort_key_filter_pattern.to_vec(),
        )?;
        key::split(&request.start_key).ok()?;
        let mut range = KeyRange {
            start: request.start_key.to_vec(),
            start_bound: request.start_inclusive.into(),
            stop: request.stop_key.to_vec(),
            stop_bound: request.stop_inclusive.into(),
        };
        if let Some(prefix) = hash_key_pattern.required_prefix() {
            // The length stands first, so this only skips hash keys that are too short.
            range.raise_start(key::encode(prefix, b"").ok()?);
        }
        let limit = self.limits.scan_count_max;
        let batch_count = match u32::try_from(request.batch_size) {
            Ok(asked @ 1..) => asked.min(limit),
            _ => limit,
        };
        let content = match (request.only_return_count.unwrap_or(false), request.no_value) {
            (true, _) => Content::CountOnly,
            (false, true) => Content::Key,
            (false, false) => Content::KeyAndValue,
        };
        Some(ScanPlan {
            range,
            hash_key_pattern,
            sort_key_pattern,
            batch_count,
            content,
            returns_expire_ts: request.return_expire_ts.unwrap_or(false),
            validates_partition: request.validate_partition_hash.unwrap_or(true),
        })
    }

    fn read_batch(
        &self,
        mut scan: Scan,
        visited_max: u32,
        now_epoch_s: u32,
        now: Instant,
    ) -> ScanResponse {
        let mut limiter = Limiter::start(Budget {
            visited_max: Some(visited_max),
            returned_max: scan.plan.batch_count,
            bytes_max: self.limits.answer_bytes_max,
            sampling_base: visited_max,
            time_max: self.iteration_time_max(),
        });
        let share = self
            .settings
            .get()
            .partition
            .filter(|_| scan.plan.validates_partition);
        let batch = Batch {
            now_epoch_s,
            share,
            pairs: PairBuffer::default(),
        };
        let (pairs, end) = match scan.read(&mut limiter, batch) {
            Ok(batch) => batch,
            Err(status) => return failed(status),
        };
        if end == BatchEnd::Paused {
            limiter.check_time();
        }
        let mut response = scan.plan.response(pairs, limiter.returned_count());
        if limiter.overran() {
            response.error = StorageStatus::Incomplete.code();
            response.context_id = CONTEXT_ID_NONE;
        } else if end == BatchEnd::Paused {
            response.context_id = self.contexts.lock().put(scan, now);
        }
        response
    }
}

/// Why a batch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BatchEnd {
    /// There is no further record.
    Finished,
    /// A limit was reached before the end.
    Paused,
}

/// One batch under way.
struct Batch {
    now_epoch_s: u32,
    share: Option<PartitionShare>,
    pairs: PairBuffer,
}

impl Scan {
    fn read(
        &mut self,
        limiter: &mut Limiter,
        mut batch: Batch,
    ) -> Result<(PairBuffer, BatchEnd), StorageStatus> {
        let Self {
            records,
            plan,
            at_start,
        } = self;
        records.with_dependent_mut(|database, records| {
            while limiter.admits()
                && let Some((raw_key, stored)) = records.item()
            {
                let position = plan.range.position_upwards(raw_key);
                if position == Position::Outside {
                    return Ok((batch.pairs, BatchEnd::Finished));
                }
                if !std::mem::take(at_start) || !plan.range.is_excluded_start(raw_key) {
                    limiter.visited();
                    plan.visit(raw_key, stored, limiter, &mut batch)?;
                }
                if position == Position::Last {
                    return Ok((batch.pairs, BatchEnd::Finished));
                }
                records.next();
            }
            match iterator::status(database, records, ReadTier::All) {
                Some(StorageStatus::Ok) if records.valid() => Ok((batch.pairs, BatchEnd::Paused)),
                Some(StorageStatus::Ok) => Ok((batch.pairs, BatchEnd::Finished)),
                other => Err(other.unwrap_or(StorageStatus::Incomplete)),
            }
        })
    }
}

impl ScanPlan {
    /// Takes a record into the batch if the scan is for it.
    fn visit(
        &self,
        raw_key: &[u8],
        stored: &[u8],
        limiter: &mut Limiter,
        batch: &mut Batch,
    ) -> Result<(), StorageStatus> {
        let value = value::split(stored).map_err(|_| StorageStatus::Corruption)?;
        let parts = key::split(raw_key).map_err(|_| StorageStatus::Corruption)?;
        let is_wanted = !value.expire_ts.is_expired(batch.now_epoch_s)
            && batch.share.is_none_or(|share| share.contains(raw_key))
            && self.hash_key_pattern.passes(parts.hash_key)
            && self.sort_key_pattern.passes(parts.sort_key);
        if is_wanted {
            let len = self.push(raw_key, value, &mut batch.pairs);
            limiter.returned(len);
        }
        Ok(())
    }

    /// Gives the bytes that the record adds to the answer.
    fn push(&self, raw_key: &[u8], value: Value<'_>, pairs: &mut PairBuffer) -> usize {
        let user_data = match self.content {
            Content::CountOnly => return 0,
            Content::Key => &[],
            Content::KeyAndValue => value.user_data,
        };
        let expire_ts = self.returns_expire_ts.then_some(value.expire_ts.to_wire());
        pairs.push(raw_key, user_data, expire_ts);
        raw_key.len() + user_data.len()
    }

    /// The answer with a batch, as if it were the last one.
    fn response(&self, pairs: PairBuffer, returned: u32) -> ScanResponse {
        let kvs: Vec<KeyValue> = pairs.into_pairs();
        let kv_count = (self.content == Content::CountOnly)
            .then_some(i32::try_from(returned).unwrap_or(i32::MAX));
        ScanResponse {
            kvs,
            kv_count,
            context_id: CONTEXT_ID_COMPLETED,
            ..ScanResponse::default()
        }
    }
}

/// Where the hash key of the start key ends, unless the scan is for the whole partition. The stop
/// key alone does not confine a scan: Python's lacks the length prefix (wire-protocol.md 11.6).
fn confinement(request: &GetScannerRequest, plan: &ScanPlan) -> Option<Vec<u8>> {
    let is_full = request.full_scan.unwrap_or(false) || plan.range.stop == STOP_OF_FULL_SCANS;
    let hash_key_prefix = key::prefix(&request.start_key).ok()?;
    if is_full || hash_key_prefix.len() == key::LENGTH_PREFIX {
        return None;
    }
    key::successor(hash_key_prefix)
}

fn completed(plan: &ScanPlan) -> ScanResponse {
    plan.response(PairBuffer::default(), 0)
}

fn failed(status: StorageStatus) -> ScanResponse {
    let error = status.code();
    ScanResponse {
        error,
        context_id: CONTEXT_ID_NONE,
        ..ScanResponse::default()
    }
}
