//! `multi_get`, by sort keys or by range (data-semantics.md sections 6.5 and 6.6).

use pegasus_common::{StorageStatus, key, value};
use pegasus_wire::rrdb::{MultiGetRequest, MultiGetResponse};
use rust_rocksdb::DBRawIterator;

use super::iterator::{self, Scope};
use super::limiter::{Budget, Limiter};
use super::pairs::PairBuffer;
use super::pattern::Pattern;
use super::range::{Bound, KeyRange, Position};
use super::{Found, ReadAt, ReadOutcome, ReadTier};
use crate::rocks::{Database, Engine};

impl Engine {
    /// Reads several records of one hash key.
    pub fn multi_get(
        &self,
        request: &MultiGetRequest,
        at: ReadAt,
    ) -> ReadOutcome<MultiGetResponse> {
        let pattern = Pattern::from_wire(
            request.sort_key_filter_type,
            &request.sort_key_filter_pattern[..],
        );
        let Some(pattern) = pattern else {
            return failed(StorageStatus::InvalidArgument);
        };
        if request.sort_keys.is_empty() {
            match range_of(request, &pattern) {
                None => failed(StorageStatus::InvalidArgument),
                Some(range) if range.is_empty() => failed(StorageStatus::Ok),
                Some(range) => self.multi_get_range(request, &pattern, &range, at),
            }
        } else {
            self.multi_get_keys(request, at)
        }
    }

    fn multi_get_keys(
        &self,
        request: &MultiGetRequest,
        at: ReadAt,
    ) -> ReadOutcome<MultiGetResponse> {
        let mut limiter = Limiter::start(Budget {
            visited_max: None,
            ..self.multi_get_budget(request)
        });
        let mut pairs = PairBuffer::default();
        let mut raw_key = Vec::new();
        for sort_key in &request.sort_keys {
            if limiter.is_late() {
                return done(StorageStatus::Incomplete, pairs);
            }
            limiter.visited();
            raw_key.clear();
            if key::encode_into(&request.hash_key, sort_key, &mut raw_key).is_err() {
                return failed(StorageStatus::InvalidArgument);
            }
            let value = match self.get(&raw_key, at) {
                ReadOutcome::NeedsDisk => return ReadOutcome::NeedsDisk,
                ReadOutcome::Done(Found::Failed(status)) => return failed(status),
                ReadOutcome::Done(Found::Absent) => continue,
                ReadOutcome::Done(Found::Value(value)) => value,
            };
            // Only a further record makes the answer partial.
            if limiter.is_full() {
                return done(StorageStatus::Incomplete, pairs);
            }
            let returned: &[u8] = if request.no_value { &[] } else { &value };
            pairs.push(sort_key, returned, None);
            limiter.returned(sort_key.len() + returned.len());
        }
        done(StorageStatus::Ok, pairs)
    }

    fn multi_get_range(
        &self,
        request: &MultiGetRequest,
        pattern: &Pattern<&[u8]>,
        range: &KeyRange,
        at: ReadAt,
    ) -> ReadOutcome<MultiGetResponse> {
        let limiter = Limiter::start(self.multi_get_budget(request));
        let end = key::prefix(&range.start).ok().and_then(key::successor);
        // Backwards RocksDB offers no confinement to a prefix: past the first record of the hash
        // key the walk meets the one before it, as upstream's does.
        let scope = match (&end, request.reverse) {
            (Some(end), false) => Scope::HashKey { end },
            _ => Scope::Partition,
        };
        let walk = Walk {
            request,
            pattern,
            range,
            database: &self.database,
            records: iterator::iterate(&self.database, scope, at.tier),
            limiter,
            pairs: PairBuffer::default(),
        };
        walk.run(at)
    }

    fn count_max(&self, request: &MultiGetRequest) -> u32 {
        let limit = self.limits.multi_get_count_max;
        match u32::try_from(request.max_kv_count) {
            Ok(asked @ 1..) => asked.min(limit),
            _ => limit,
        }
    }

    fn multi_get_budget(&self, request: &MultiGetRequest) -> Budget {
        let limit = self.limits.answer_bytes_max;
        let bytes_max = match u64::try_from(request.max_kv_size) {
            Ok(asked @ 1..) if limit == 0 => asked,
            Ok(asked @ 1..) => asked.min(limit),
            _ => limit,
        };
        Budget {
            visited_max: Some(self.limits.multi_get_count_max),
            returned_max: self.count_max(request),
            bytes_max,
            sampling_base: self.limits.multi_get_count_max,
            time_max: self.iteration_time_max(),
        }
    }
}

/// The keys that a request asks for; `None` when its hash key is too long.
fn range_of(request: &MultiGetRequest, pattern: &Pattern<&[u8]>) -> Option<KeyRange> {
    let hash_key = &request.hash_key;
    let (stop, stop_bound) = if request.stop_sortkey.is_empty() {
        (
            key::successor(&key::encode(hash_key, b"").ok()?)?,
            Bound::Exclusive,
        )
    } else {
        (
            key::encode(hash_key, &request.stop_sortkey).ok()?,
            request.stop_inclusive.into(),
        )
    };
    let mut range = KeyRange {
        start: key::encode(hash_key, &request.start_sortkey).ok()?,
        start_bound: request.start_inclusive.into(),
        stop,
        stop_bound,
    };
    if let Some(prefix) = pattern.required_prefix() {
        let start = key::encode(hash_key, prefix).ok()?;
        range.lower_stop(key::successor(&start)?);
        range.raise_start(start);
    }
    Some(range)
}

/// One walk through a range.
struct Walk<'a> {
    request: &'a MultiGetRequest,
    pattern: &'a Pattern<&'a [u8]>,
    range: &'a KeyRange,
    database: &'a Database,
    records: DBRawIterator<'a>,
    limiter: Limiter,
    pairs: PairBuffer,
}

/// What a step of a walk found.
enum Step {
    More,
    RangeEnd,
}

impl Walk<'_> {
    fn run(mut self, at: ReadAt) -> ReadOutcome<MultiGetResponse> {
        let (mut at_start, mut is_complete) = (true, false);
        if self.request.reverse {
            self.records.seek_for_prev(&self.range.stop);
        } else {
            self.records.seek(&self.range.start);
        }
        while !is_complete && self.limiter.admits() && self.records.valid() {
            match self.step(at_start, at) {
                Ok(Step::More) => self.advance(),
                Ok(Step::RangeEnd) => is_complete = true,
                Err(status) => return failed(status),
            }
            at_start = false;
        }
        self.finish(is_complete, at.tier)
    }

    fn advance(&mut self) {
        if self.request.reverse {
            self.records.prev();
        } else {
            self.records.next();
        }
    }

    /// Visits the record under the iterator.
    fn step(&mut self, at_start: bool, at: ReadAt) -> Result<Step, StorageStatus> {
        let Some((raw_key, stored)) = self.records.item() else {
            return Ok(Step::RangeEnd);
        };
        let (position, is_excluded) = if self.request.reverse {
            (
                self.range.position_downwards(raw_key),
                self.range.is_excluded_stop(raw_key),
            )
        } else {
            (
                self.range.position_upwards(raw_key),
                self.range.is_excluded_start(raw_key),
            )
        };
        if position == Position::Outside {
            return Ok(Step::RangeEnd);
        }
        if at_start && is_excluded {
            return Ok(Step::More);
        }
        self.limiter.visited();
        let value = value::split(stored).map_err(|_| StorageStatus::Corruption)?;
        let parts = key::split(raw_key).map_err(|_| StorageStatus::Corruption)?;
        let is_live = !value.expire_ts.is_expired(at.now_epoch_s);
        if is_live && self.pattern.passes(parts.sort_key) {
            let returned = if self.request.no_value {
                &[]
            } else {
                value.user_data
            };
            self.pairs.push(parts.sort_key, returned, None);
            self.limiter.returned(parts.sort_key.len() + returned.len());
        }
        Ok(if position == Position::Last {
            Step::RangeEnd
        } else {
            Step::More
        })
    }

    fn finish(self, is_complete: bool, tier: ReadTier) -> ReadOutcome<MultiGetResponse> {
        let status = match iterator::status(self.database, &self.records, tier) {
            None => return ReadOutcome::NeedsDisk,
            Some(StorageStatus::Ok) if !is_complete && self.records.valid() => {
                StorageStatus::Incomplete
            }
            Some(StorageStatus::Ok) => StorageStatus::Ok,
            Some(status) => return failed(status),
        };
        done(status, self.pairs).map(|mut response| {
            if self.request.reverse {
                response.kvs.reverse();
            }
            response
        })
    }
}

fn done(status: StorageStatus, pairs: PairBuffer) -> ReadOutcome<MultiGetResponse> {
    ReadOutcome::Done(MultiGetResponse {
        error: status.code(),
        kvs: pairs.into_pairs(),
        ..MultiGetResponse::default()
    })
}

fn failed(status: StorageStatus) -> ReadOutcome<MultiGetResponse> {
    done(status, PairBuffer::default())
}
