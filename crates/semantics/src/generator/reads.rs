//! Reads of several records.

use bytes::Bytes;
use pegasus_wire::rrdb::{BatchGetRequest, FullKey, GetScannerRequest, MultiGetRequest};

use super::Generator;
use crate::keys;
use crate::request::Request;

impl Generator {
    pub(super) fn batch_get(&mut self) -> Request {
        let count = self.below(6);
        let keys = (0..count).map(|_| FullKey {
            hash_key: self.hash_key(),
            sort_key: self.sort_key(),
        });
        Request::BatchGet(BatchGetRequest {
            keys: keys.collect(),
        })
    }

    pub(super) fn multi_get(&mut self) -> Request {
        let (sort_key_filter_type, sort_key_filter_pattern) = self.filter();
        let sort_keys = if self.one_in(3) {
            self.sort_keys(8)
        } else {
            Vec::new()
        };
        Request::MultiGet(MultiGetRequest {
            hash_key: self.hash_key(),
            sort_keys,
            max_kv_count: self.limit(),
            max_kv_size: self.limit().saturating_mul(4),
            no_value: self.one_in(4),
            start_sortkey: self.sort_key(),
            stop_sortkey: self.sort_key(),
            start_inclusive: self.coin(),
            stop_inclusive: self.coin(),
            sort_key_filter_type,
            sort_key_filter_pattern,
            reverse: self.coin(),
        })
    }

    pub(super) fn get_scanner(&mut self) -> Request {
        let (hash_key_filter_type, hash_key_filter_pattern) = self.filter();
        let (sort_key_filter_type, sort_key_filter_pattern) = self.filter();
        let (start_key, stop_key) = self.scan_range();
        Request::GetScanner(GetScannerRequest {
            start_key,
            stop_key,
            start_inclusive: self.coin(),
            stop_inclusive: self.coin(),
            batch_size: self.limit(),
            no_value: self.one_in(4),
            hash_key_filter_type,
            hash_key_filter_pattern,
            sort_key_filter_type,
            sort_key_filter_pattern,
            validate_partition_hash: self.one_of(&[None, Some(false), Some(true)]),
            return_expire_ts: self.one_of(&[None, Some(false), Some(true)]),
            full_scan: self.one_of(&[None, Some(false), Some(true)]),
            only_return_count: self.one_of(&[None, None, Some(false), Some(true)]),
        })
    }

    /// As clients ask: one hash key, the whole partition, one that was interrupted; and anything.
    fn scan_range(&mut self) -> (Bytes, Bytes) {
        let start = self.raw_key();
        match self.below(5) {
            0 => {
                let whole = Bytes::from_static(b"\x00\x00");
                (whole, Bytes::from_static(b"\xff\xff"))
            }
            1 => (start, Bytes::from_static(b"\xff\xff")),
            2 | 3 => {
                let prefix = keys::split(&start).and_then(|(hash_key, _)| keys::raw(hash_key, b""));
                let stop = prefix.and_then(|prefix| keys::next(&prefix));
                (start, Bytes::from(stop.unwrap_or_default()))
            }
            _ => (start, self.raw_key()),
        }
    }
}
