//! Scans (data-semantics.md section 7), with what docs/compatibility.md says of empty ranges and of the
//! stop key of whole scans.

use std::sync::Arc;

use bytes::Bytes;
use pegasus_wire::rrdb::{GetScannerRequest, KeyValue};

use super::filter::Filter;
use super::{Partition, Record, Records};
use crate::answer::{Answer, INVALID_ARGUMENT, NOT_FOUND, Next, OK};
use crate::keys;

/// Above every key.
const STOP_OF_WHOLE_SCANS: &[u8] = &[0xff, 0xff];

/// A scan under way.
#[derive(Debug)]
pub(super) struct Scan {
    request: GetScannerRequest,
    /// What was there when it began.
    records: Arc<Records>,
    /// The next key to visit, or one before it.
    position: Vec<u8>,
    /// Whether a record at the position itself is passed over.
    skips_position: bool,
    /// The scan stays within keys that begin so.
    prefix: Vec<u8>,
    batch_count: usize,
    hash_key_filter: Filter,
    sort_key_filter: Filter,
}

fn failed(error: i32) -> Answer {
    Answer::Batch {
        error,
        records: Vec::new(),
        count: None,
        next: Next::Failed,
    }
}

impl Partition {
    pub(super) fn get_scanner(&mut self, request: &GetScannerRequest, now: u32) -> Answer {
        match self.begin(request) {
            None => failed(INVALID_ARGUMENT),
            Some(scan) => self.batch(scan, self.rules.limits.scan_count, now),
        }
    }

    pub(super) fn scan(&mut self, number: i64, now: u32) -> Answer {
        match self.scans.remove(&number) {
            None => failed(NOT_FOUND),
            Some(scan) => {
                let visited_max = scan.batch_count;
                self.batch(scan, visited_max, now)
            }
        }
    }

    pub(super) fn clear_scanner(&mut self, number: i64) -> Answer {
        self.scans.remove(&number);
        Answer::Silence
    }

    /// `None` when the request makes no sense.
    fn begin(&self, request: &GetScannerRequest) -> Option<Scan> {
        let hash_key_filter = Filter::of(request.hash_key_filter_type)?;
        let sort_key_filter = Filter::of(request.sort_key_filter_type)?;
        let (hash_key, _) = keys::split(&request.start_key)?;
        let is_whole = request.full_scan == Some(true)
            || request.stop_key == STOP_OF_WHOLE_SCANS
            || hash_key.is_empty();
        let prefix = if is_whole {
            Vec::new()
        } else {
            keys::raw(hash_key, b"")?
        };
        let mut position = request.start_key.to_vec();
        let mut skips_position = !request.start_inclusive;
        let pattern = &request.hash_key_filter_pattern;
        if hash_key_filter == Filter::Prefix && !pattern.is_empty() {
            let first = keys::raw(pattern, b"")?;
            if first > position {
                position = first;
                skips_position = false;
            }
        }
        let own = self.rules.limits.scan_count;
        let asked = usize::try_from(request.batch_size).unwrap_or(0);
        Some(Scan {
            request: request.clone(),
            records: Arc::clone(&self.records),
            position,
            skips_position,
            prefix,
            batch_count: if asked > 0 { asked.min(own) } else { own },
            hash_key_filter,
            sort_key_filter,
        })
    }

    fn batch(&mut self, mut scan: Scan, visited_max: usize, now: u32) -> Answer {
        let (mut visited, mut matched, mut records) = (0, 0_usize, Vec::new());
        let (mut bytes, bytes_max) = (0, self.rules.limits.answer_bytes);
        let mut pause = None;
        let all = Arc::clone(&scan.records);
        for (raw_key, record) in scan.ahead(&all) {
            if visited >= visited_max || matched >= scan.batch_count || bytes >= bytes_max {
                pause = Some(raw_key.clone());
                break;
            }
            if scan.is_past(raw_key) {
                break;
            }
            visited += 1;
            if record.is_live(now) && self.shows(&scan, raw_key) {
                matched += 1;
                if let Some(pair) = scan.shown(raw_key, record) {
                    bytes += pair.key.len() + pair.value.len();
                    records.push(pair);
                }
            }
            if scan.request.stop_inclusive && *raw_key == scan.request.stop_key {
                break;
            }
        }
        let counts = scan.request.only_return_count == Some(true);
        let next = match pause {
            None => Next::Finished,
            Some(position) => {
                scan.position = position;
                scan.skips_position = false;
                self.last_scan += 1;
                self.scans.insert(self.last_scan, scan);
                Next::Scan(self.last_scan)
            }
        };
        Answer::Batch {
            error: OK,
            records,
            count: counts.then(|| i32::try_from(matched).unwrap_or(i32::MAX)),
            next,
        }
    }

    fn shows(&self, scan: &Scan, raw_key: &[u8]) -> bool {
        let request = &scan.request;
        let Some((hash_key, sort_key)) = keys::split(raw_key) else {
            return false;
        };
        let is_foreign = self
            .rules
            .share
            .is_some_and(|share| !share.contains(raw_key));
        !(is_foreign && request.validate_partition_hash != Some(false))
            && (scan.hash_key_filter).passes(hash_key, &request.hash_key_filter_pattern)
            && (scan.sort_key_filter).passes(sort_key, &request.sort_key_filter_pattern)
    }
}

impl Scan {
    /// What an iterator meets from here on, in the range or behind it.
    fn ahead<'a>(&self, all: &'a Records) -> impl Iterator<Item = (&'a Vec<u8>, &'a Record)> {
        let (position, prefix) = (self.position.clone(), self.prefix.clone());
        let skipped = self.skips_position.then(|| position.clone());
        // A range that ends before it begins has nothing, not even to stop at.
        let stop = &self.request.stop_key[..];
        let is_empty = &position[..] > stop
            || (position == stop && (self.skips_position || !self.request.stop_inclusive));
        all.range(position..)
            .take_while(move |(key, _)| !is_empty && key.starts_with(&prefix))
            .filter(move |(key, _)| skipped.as_ref() != Some(key))
    }

    fn is_past(&self, raw_key: &[u8]) -> bool {
        let stop = &self.request.stop_key[..];
        raw_key > stop || (raw_key == stop && !self.request.stop_inclusive)
    }

    fn shown(&self, raw_key: &[u8], record: &Record) -> Option<KeyValue> {
        let request = &self.request;
        let value = (!request.no_value).then(|| record.data.clone());
        let shows_expiry = request.return_expire_ts == Some(true);
        (request.only_return_count != Some(true)).then(|| KeyValue {
            key: Bytes::copy_from_slice(raw_key),
            value: value.unwrap_or_default(),
            expire_ts_seconds: shows_expiry.then(|| record.expire_ts.cast_signed()),
        })
    }
}
