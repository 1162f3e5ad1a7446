//! `multi_get` (data-semantics.md sections 6.5 and 6.6).

use std::ops::Bound;

use bytes::Bytes;
use pegasus_wire::rrdb::{KeyValue, MultiGetRequest};

use super::filter::Filter;
use super::{Partition, Record};
use crate::answer::{Answer, INCOMPLETE, INVALID_ARGUMENT, OK};
use crate::keys;

/// A limit of a request, where it has one.
fn limit(asked: i32) -> Option<usize> {
    usize::try_from(asked).ok().filter(|&asked| asked > 0)
}

fn answer(error: i32, records: Vec<KeyValue>) -> Answer {
    Answer::Records { error, records }
}

impl Partition {
    pub(super) fn multi_get(&self, request: &MultiGetRequest, now: u32) -> Answer {
        let filter = Filter::of(request.sort_key_filter_type);
        let prefix = keys::raw(&request.hash_key, b"");
        let (Some(filter), Some(prefix)) = (filter, prefix) else {
            return answer(INVALID_ARGUMENT, Vec::new());
        };
        if request.sort_keys.is_empty() {
            self.multi_get_range(request, filter, &prefix, now)
        } else {
            self.multi_get_keys(request, &prefix, now)
        }
    }

    fn count_max(&self, request: &MultiGetRequest) -> usize {
        let own = self.rules.limits.multi_get_count;
        limit(request.max_kv_count).map_or(own, |asked| asked.min(own))
    }

    fn bytes_max(&self, request: &MultiGetRequest) -> usize {
        let own = self.rules.limits.answer_bytes;
        limit(request.max_kv_size).map_or(own, |asked| asked.min(own))
    }

    fn multi_get_keys(&self, request: &MultiGetRequest, prefix: &[u8], now: u32) -> Answer {
        let mut records = Vec::new();
        let (mut bytes, bytes_max) = (0, self.bytes_max(request));
        for sort_key in &request.sort_keys {
            let raw_key = [prefix, sort_key].concat();
            let Some(record) = self.live(&raw_key, now) else {
                continue;
            };
            if bytes >= bytes_max || records.len() >= self.count_max(request) {
                return answer(INCOMPLETE, records);
            }
            let pair = shown(request, sort_key, record);
            bytes += pair.key.len() + pair.value.len();
            records.push(pair);
        }
        answer(OK, records)
    }

    fn multi_get_range(
        &self,
        request: &MultiGetRequest,
        filter: Filter,
        prefix: &[u8],
        now: u32,
    ) -> Answer {
        let Some(range) = Range::of(request, filter, prefix) else {
            return answer(OK, Vec::new());
        };
        let limits = self.rules.limits;
        let bytes_max = self.bytes_max(request);
        let (mut visited, mut bytes, mut records) = (0, 0, Vec::new());
        let mut error = OK;
        for (raw_key, record) in self.walk(&range, request.reverse, prefix) {
            let is_over = records.len() >= self.count_max(request)
                || visited >= limits.multi_get_count
                || bytes >= bytes_max;
            if is_over {
                error = INCOMPLETE;
                break;
            }
            if !range.contains(raw_key) {
                break;
            }
            visited += 1;
            let sort_key = &raw_key[prefix.len()..];
            if record.is_live(now) && filter.passes(sort_key, &request.sort_key_filter_pattern) {
                let pair = shown(request, sort_key, record);
                bytes += pair.key.len() + pair.value.len();
                records.push(pair);
            }
            if range.ends_with(raw_key, request.reverse) {
                break;
            }
        }
        if request.reverse {
            records.reverse();
        }
        answer(error, records)
    }

    /// Where an iterator goes from the range's begin on: forward to the end of the hash key, backward
    /// to the begin of the partition. It may leave the range.
    fn walk<'a>(
        &'a self,
        range: &Range,
        reverse: bool,
        prefix: &'a [u8],
    ) -> Box<dyn Iterator<Item = (&'a [u8], &'a Record)> + 'a> {
        let all = &self.records;
        if reverse {
            let until = (Bound::Unbounded, range.stop.as_ref().map(|key| &key[..]));
            let items = all.range::<[u8], _>(until).rev();
            Box::new(items.map(|(key, record)| (&key[..], record)))
        } else {
            let from = (range.start.as_ref().map(|key| &key[..]), Bound::Unbounded);
            let items = all.range::<[u8], _>(from);
            let items = items.take_while(move |(key, _)| key.starts_with(prefix));
            Box::new(items.map(|(key, record)| (&key[..], record)))
        }
    }
}

fn shown(request: &MultiGetRequest, sort_key: &[u8], record: &Record) -> KeyValue {
    let value = (!request.no_value).then(|| record.data.clone());
    KeyValue {
        key: Bytes::copy_from_slice(sort_key),
        value: value.unwrap_or_default(),
        expire_ts_seconds: None,
    }
}

/// A range of raw keys that is not empty.
struct Range {
    start: Bound<Vec<u8>>,
    stop: Bound<Vec<u8>>,
}

impl Range {
    fn of(request: &MultiGetRequest, filter: Filter, prefix: &[u8]) -> Option<Self> {
        let mut start = (
            [prefix, &request.start_sortkey].concat(),
            request.start_inclusive,
        );
        let mut stop = if request.stop_sortkey.is_empty() {
            (keys::next(prefix)?, false)
        } else {
            (
                [prefix, &request.stop_sortkey].concat(),
                request.stop_inclusive,
            )
        };
        let pattern = &request.sort_key_filter_pattern;
        if filter == Filter::Prefix && !pattern.is_empty() {
            let first = [prefix, pattern].concat();
            let behind = keys::next(&first)?;
            if first > start.0 {
                start = (first, true);
            }
            if behind <= stop.0 {
                stop = (behind, false);
            }
        }
        let is_empty = start.0 > stop.0 || (start.0 == stop.0 && !(start.1 && stop.1));
        let bound = |(key, is_inclusive)| {
            if is_inclusive {
                Bound::Included(key)
            } else {
                Bound::Excluded(key)
            }
        };
        (!is_empty).then(|| Self {
            start: bound(start),
            stop: bound(stop),
        })
    }

    fn contains(&self, raw_key: &[u8]) -> bool {
        let after_start = match &self.start {
            Bound::Included(start) => raw_key >= &start[..],
            Bound::Excluded(start) => raw_key > &start[..],
            Bound::Unbounded => true,
        };
        let before_stop = match &self.stop {
            Bound::Included(stop) => raw_key <= &stop[..],
            Bound::Excluded(stop) => raw_key < &stop[..],
            Bound::Unbounded => true,
        };
        after_start && before_stop
    }

    /// Whether the key is the range's very end in this direction.
    fn ends_with(&self, raw_key: &[u8], reverse: bool) -> bool {
        let end = if reverse { &self.start } else { &self.stop };
        matches!(end, Bound::Included(end) if raw_key == &end[..])
    }
}
