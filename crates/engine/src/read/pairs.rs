//! Collects the records of an answer in one buffer, so that each costs no allocation of its own.

use bytes::Bytes;
use pegasus_wire::rrdb::KeyValue;

/// Keys and values one behind the other, and where each ends.
#[derive(Debug, Default)]
pub(super) struct PairBuffer {
    bytes: Vec<u8>,
    pairs: Vec<PairEnd>,
}

#[derive(Debug)]
struct PairEnd {
    key_end: usize,
    value_end: usize,
    expire_ts_seconds: Option<i32>,
}

impl PairBuffer {
    pub(super) fn push(&mut self, key: &[u8], value: &[u8], expire_ts_seconds: Option<i32>) {
        self.bytes.extend_from_slice(key);
        let key_end = self.bytes.len();
        self.bytes.extend_from_slice(value);
        self.pairs.push(PairEnd {
            key_end,
            value_end: self.bytes.len(),
            expire_ts_seconds,
        });
    }

    /// The records in the order in which they were pushed.
    pub(super) fn into_pairs(self) -> Vec<KeyValue> {
        let bytes = Bytes::from(self.bytes);
        let mut start = 0;
        let mut pairs = Vec::with_capacity(self.pairs.len());
        for pair in self.pairs {
            pairs.push(KeyValue {
                key: bytes.slice(start..pair.key_end),
                value: bytes.slice(pair.key_end..pair.value_end),
                expire_ts_seconds: pair.expire_ts_seconds,
            });
            start = pair.value_end;
        }
        pairs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_come_back_in_order() {
        let mut buffer = PairBuffer::default();
        buffer.push(b"k1", b"v1", None);
        buffer.push(b"", b"", Some(7));
        buffer.push(b"k3", b"", None);
        let pairs = buffer.into_pairs();
        let keys: Vec<_> = pairs.iter().map(|pair| &pair.key[..]).collect();
        assert_eq!(keys, [&b"k1"[..], b"", b"k3"]);
        assert_eq!(&pairs[0].value[..], b"v1");
        assert_eq!(pairs[1].expire_ts_seconds, Some(7));
    }
}
