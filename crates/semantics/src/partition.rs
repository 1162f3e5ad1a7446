//! [`Partition`]: the records of one partition, in memory.

mod conditional;
mod filter;
mod multi_get;
mod point_reads;
mod scans;
mod writes;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use crate::answer::Answer;
use crate::keys;
use crate::request::Request;
use scans::Scan;

/// What the table and the server say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// `default_ttl`, seconds; 0 is none.
    pub default_ttl_s: u32,
    /// Which keys scans may show, where the table says that it matters.
    pub share: Option<Share>,
    /// How much one request may take.
    pub limits: Limits,
}

/// The part of a table's keys that one partition has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// The partition.
    pub index: u32,
    /// Partitions of the table.
    pub count: u32,
}

/// Limits of range reads (data-semantics.md section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Records that one `multi_get` visits or returns.
    pub multi_get_count: usize,
    /// Bytes that one read of several records returns; the last one may go beyond.
    pub answer_bytes: usize,
    /// Records of a batch of a scan.
    pub scan_count: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            multi_get_count: 3_000,
            answer_bytes: 30 << 20,
            scan_count: 1_000,
        }
    }
}

/// A stored value.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Record {
    /// Seconds since 2016; 0 is never.
    expire_ts: u32,
    data: Bytes,
}

impl Record {
    /// A record that ends now has ended.
    const fn is_live(&self, now: u32) -> bool {
        self.expire_ts == 0 || self.expire_ts > now
    }
}

/// What is stored, also what has expired: only storage forgets it.
type Records = BTreeMap<Vec<u8>, Record>;

/// One partition.
#[derive(Debug, Default)]
pub struct Partition {
    rules: Rules,
    /// Shared with the scans under way, which go on seeing what was there when they began.
    records: Arc<Records>,
    scans: BTreeMap<i64, Scan>,
    last_scan: i64,
}

impl Partition {
    /// Nothing is stored.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            ..Self::default()
        }
    }

    /// Carries a request out. `now` is in seconds since 2016.
    pub fn answer(&mut self, request: &Request, now: u32) -> Answer {
        match request {
            Request::Put(request) => self.put(request, now),
            Request::Remove(raw_key) => self.remove(raw_key),
            Request::MultiPut(request) => self.multi_put(request, now),
            Request::MultiRemove(request) => self.multi_remove(request),
            Request::Incr(request) => self.incr(request, now),
            Request::CheckAndSet(request) => self.check_and_set(request, now),
            Request::CheckAndMutate(request) => self.check_and_mutate(request, now),
            Request::Get(raw_key) => self.get(raw_key, now),
            Request::Ttl(raw_key) => self.ttl(raw_key, now),
            Request::SortkeyCount(hash_key) => self.sortkey_count(hash_key, now),
            Request::BatchGet(request) => self.batch_get(request, now),
            Request::MultiGet(request) => self.multi_get(request, now),
            Request::GetScanner(request) => self.get_scanner(request, now),
            Request::Scan(scan) => self.scan(*scan, now),
            Request::ClearScanner(scan) => self.clear_scanner(*scan),
        }
    }

    /// The partition was moved or its server restarted: no scan is known any more.
    pub fn forget_scans(&mut self) {
        self.scans.clear();
    }

    /// Records, live or not.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether nothing is stored.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Scans under way.
    #[must_use]
    pub fn scan_count(&self) -> usize {
        self.scans.len()
    }

    /// The value of a live record.
    #[must_use]
    pub fn value(&self, raw_key: &[u8], now: u32) -> Option<&Bytes> {
        self.live(raw_key, now).map(|record| &record.data)
    }

    fn live(&self, raw_key: &[u8], now: u32) -> Option<&Record> {
        let record = self.records.get(raw_key);
        record.filter(|record| record.is_live(now))
    }

    fn store(&mut self, raw_key: Vec<u8>, expire_ts: u32, data: Bytes, now: u32) {
        let expire_ts = match (expire_ts, self.rules.default_ttl_s) {
            (0, 1..) => now.saturating_add(self.rules.default_ttl_s),
            _ => expire_ts,
        };
        let record = Record { expire_ts, data };
        Arc::make_mut(&mut self.records).insert(raw_key, record);
    }

    fn delete(&mut self, raw_key: &[u8]) {
        if self.records.contains_key(raw_key) {
            Arc::make_mut(&mut self.records).remove(raw_key);
        }
    }
}

impl Share {
    fn contains(self, raw_key: &[u8]) -> bool {
        keys::split(raw_key).is_some_and(|(hash_key, sort_key)| {
            let hash = keys::partition_hash(hash_key, sort_key);
            hash % u64::from(self.count) == u64::from(self.index)
        })
    }
}
