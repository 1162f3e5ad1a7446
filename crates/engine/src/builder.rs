//! Collects the effects of one turn's writes into the payload of one mutation.

use bytes::{Bytes, BytesMut};
use pegasus_common::value::{self, ExpireTs, TimeTag};

use crate::payload::{self, HEADER_LEN, Record, Records};
use crate::record_index::RecordIndex;

/// What [`MutationBuilder::finish`] gives: effects ready to be proposed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EncodedMutation {
    /// Format of [`crate::payload`].
    pub payload: Bytes,
    /// How many records it has. With zero the host may choose not to propose it.
    pub record_count: u32,
}

/// Accumulates effects in the order of evaluation. Later operations of the same turn see the effects
/// of earlier ones.
pub struct MutationBuilder {
    payload: BytesMut,
    record_count: u32,
    /// Knows the records in front of `indexed_len`. Filled only when somebody looks something up:
    /// turns without atomic operations never pay for it.
    index: RecordIndex<usize>,
    indexed_len: usize,
}

impl Default for MutationBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl MutationBuilder {
    /// An empty builder; holds no memory yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            payload: BytesMut::new(),
            record_count: 0,
            index: RecordIndex::new(),
            indexed_len: 0,
        }
    }

    /// Whether there is no effect yet.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.record_count == 0
    }

    /// Number of effects so far.
    #[must_use]
    pub const fn record_count(&self) -> u32 {
        self.record_count
    }

    /// Bytes of the payload so far: the host closes a mutation before it grows too large.
    #[must_use]
    pub fn payload_len(&self) -> usize {
        self.payload.len()
    }

    /// Ends the mutation and starts the next one.
    pub fn finish(&mut self) -> EncodedMutation {
        let record_count = std::mem::take(&mut self.record_count);
        payload::set_record_count(&mut self.payload, record_count);
        self.index.clear();
        self.indexed_len = 0;
        EncodedMutation {
            payload: self.payload.split().freeze(),
            record_count,
        }
    }

    /// Appends a put of `user_data` under the key whose pieces are given.
    pub(crate) fn put(
        &mut self,
        key: &[&[u8]],
        expire_ts: ExpireTs,
        time_tag: TimeTag,
        user_data: &[u8],
    ) {
        self.begin_record();
        let header = value::header(expire_ts, time_tag);
        payload::append_put(&mut self.payload, key, &[&header, user_data]);
    }

    /// Appends a delete of the key whose pieces are given.
    pub(crate) fn delete(&mut self, key: &[&[u8]]) {
        self.begin_record();
        payload::append_delete(&mut self.payload, key);
    }

    /// The effect that this turn already has on a key, if any.
    pub(crate) fn find(&mut self, raw_key: &[u8]) -> Option<Record<'_>> {
        self.index_new_records();
        let records = self.payload.get(HEADER_LEN..).unwrap_or_default();
        let offset = self.index.find(raw_key, |offset| key_at(records, offset))?;
        Records::at(records, offset)
    }

    fn begin_record(&mut self) {
        if self.payload.is_empty() {
            payload::begin(&mut self.payload);
        }
        self.record_count += 1;
    }

    fn index_new_records(&mut self) {
        let records = self.payload.get(HEADER_LEN..).unwrap_or_default();
        let fresh = records.get(self.indexed_len..).unwrap_or_default();
        for (offset, record) in Records::new(fresh).filter_map(Result::ok) {
            let location = self.indexed_len + offset;
            self.index
                .insert(record.key(), location, |at| key_at(records, at));
        }
        self.indexed_len = records.len();
    }
}

fn key_at(records: &[u8], offset: usize) -> &[u8] {
    Records::at(records, offset).map_or(&[], |record| record.key())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::PayloadView;

    #[test]
    fn the_newest_effect_of_the_turn_is_found() {
        let mut builder = MutationBuilder::new();
        assert_eq!(builder.find(b"\0\0a"), None);
        builder.put(&[b"\0\0", b"a"], ExpireTs::NEVER, TimeTag(0), b"1");
        builder.put(&[b"\0\0", b"b"], ExpireTs::NEVER, TimeTag(0), b"2");
        assert!(
            matches!(builder.find(b"\0\0a"), Some(Record::Put { stored, .. })
            if stored.ends_with(b"1"))
        );
        builder.delete(&[b"\0\0a"]);
        assert_eq!(
            builder.find(b"\0\0a"),
            Some(Record::Delete { key: b"\0\0a" })
        );
        assert_eq!(builder.find(b"\0\0c"), None);
    }

    #[test]
    fn finishing_gives_a_valid_payload_and_starts_anew() {
        let mut builder = MutationBuilder::new();
        assert_eq!(builder.finish(), EncodedMutation::default());
        builder.delete(&[b"\0\0a"]);
        let mutation = builder.finish();
        assert_eq!(
            PayloadView::parse(&mutation.payload)
                .unwrap()
                .record_count(),
            1
        );
        assert!(builder.is_empty());
        assert_eq!(builder.find(b"\0\0a"), None);
    }
}
