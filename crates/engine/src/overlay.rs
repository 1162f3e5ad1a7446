//! What is proposed but not yet applied: atomic operations read it before they read RocksDB.

use std::collections::VecDeque;

use bytes::Bytes;
use pegasus_common::Decree;

use crate::payload::{HEADER_LEN, Record, Records};
use crate::record_index::RecordIndex;

/// The effects of mutations between "proposed" and "applied", newest first in effect.
///
/// It is bounded by the window of the replication pipeline. The keys are indexed only when a lookup
/// comes: a replica that sees no atomic operations pays one queue push per mutation.
pub struct Overlay {
    in_flight: VecDeque<InFlight>,
    /// Position number of the first in `in_flight`; positions are never reused.
    first_position: u64,
    /// Mutations before this position are in `index`.
    indexed_position: u64,
    index: RecordIndex<Location>,
}

struct InFlight {
    decree: Decree,
    payload: Bytes,
}

#[derive(Clone, Copy)]
struct Location {
    position: u64,
    offset: usize,
}

impl Default for Overlay {
    fn default() -> Self {
        Self::new()
    }
}

impl Overlay {
    /// Nothing in flight.
    #[must_use]
    pub fn new() -> Self {
        Self {
            in_flight: VecDeque::new(),
            first_position: 0,
            indexed_position: 0,
            index: RecordIndex::new(),
        }
    }

    /// Adds a mutation that has been proposed, or inherited by a new primary. Decrees ascend.
    pub fn insert(&mut self, decree: Decree, payload: Bytes) {
        debug_assert!(
            self.in_flight
                .back()
                .is_none_or(|last| last.decree < decree),
            "mutations enter the overlay in decree order"
        );
        self.in_flight.push_back(InFlight { decree, payload });
    }

    /// Drops every mutation up to and including `decree`: RocksDB has them now.
    pub fn applied(&mut self, decree: Decree) {
        while self
            .in_flight
            .front()
            .is_some_and(|first| first.decree <= decree)
        {
            self.unindex_first();
            self.in_flight.pop_front();
            self.first_position += 1;
        }
        self.indexed_position = self.indexed_position.max(self.first_position);
    }

    /// Forgets everything: the replica is no longer primary.
    pub fn clear(&mut self) {
        self.first_position += self.in_flight.len() as u64;
        self.indexed_position = self.first_position;
        self.in_flight.clear();
        self.index.clear();
    }

    /// Mutations in flight.
    #[must_use]
    pub fn len(&self) -> usize {
        self.in_flight.len()
    }

    /// Whether nothing is in flight.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.in_flight.is_empty()
    }

    /// The newest effect in flight on a key, if any.
    pub fn find(&mut self, raw_key: &[u8]) -> Option<Record<'_>> {
        if self.in_flight.is_empty() {
            return None;
        }
        self.index_new_mutations();
        let store = Store {
            in_flight: &self.in_flight,
            first_position: self.first_position,
        };
        let location = self
            .index
            .find(raw_key, |location| store.key_at(location))?;
        store.record_at(location)
    }

    fn index_new_mutations(&mut self) {
        let store = Store {
            in_flight: &self.in_flight,
            first_position: self.first_position,
        };
        while let Some(records) = store.records(self.indexed_position) {
            for (offset, record) in Records::new(records).filter_map(Result::ok) {
                let location = Location {
                    position: self.indexed_position,
                    offset,
                };
                self.index
                    .insert(record.key(), location, |location| store.key_at(location));
            }
            self.indexed_position += 1;
        }
    }

    fn unindex_first(&mut self) {
        let position = self.first_position;
        if position >= self.indexed_position {
            return;
        }
        let store = Store {
            in_flight: &self.in_flight,
            first_position: position,
        };
        for (_, record) in
            Records::new(store.records(position).unwrap_or_default()).filter_map(Result::ok)
        {
            self.index.remove_if(
                record.key(),
                |location| store.key_at(location),
                |location| location.position == position,
            );
        }
        debug_assert!(
            self.in_flight.len() > 1 || self.index.len() == 0,
            "entries are left behind"
        );
    }
}

/// Reads records by location; apart from [`Overlay`] so that its index can change meanwhile.
#[derive(Clone, Copy)]
struct Store<'a> {
    in_flight: &'a VecDeque<InFlight>,
    first_position: u64,
}

impl<'a> Store<'a> {
    fn records(self, position: u64) -> Option<&'a [u8]> {
        let index = usize::try_from(position.checked_sub(self.first_position)?).ok()?;
        let payload = &self.in_flight.get(index)?.payload;
        Some(payload.get(HEADER_LEN..).unwrap_or_default())
    }

    fn record_at(self, location: Location) -> Option<Record<'a>> {
        Records::at(self.records(location.position)?, location.offset)
    }

    fn key_at(self, location: Location) -> &'a [u8] {
        self.record_at(location).map_or(&[], |record| record.key())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builder::MutationBuilder;
    use pegasus_common::value::{ExpireTs, TimeTag};
    use std::collections::BTreeMap;

    fn puts(pairs: &[(u8, u8)]) -> Bytes {
        let mut builder = MutationBuilder::new();
        for (key, value) in pairs {
            builder.put(&[&[0, 0, *key]], ExpireTs::NEVER, TimeTag(0), &[*value]);
        }
        builder.finish().payload
    }

    fn last_byte(overlay: &mut Overlay, key: u8) -> Option<u8> {
        match overlay.find(&[0, 0, key]) {
            Some(Record::Put { stored, .. }) => stored.last().copied(),
            _ => None,
        }
    }

    #[test]
    fn newer_effects_hide_older_ones_until_applied() {
        let mut overlay = Overlay::new();
        overlay.insert(Decree(1), puts(&[(1, 10), (2, 20)]));
        assert_eq!(last_byte(&mut overlay, 1), Some(10));
        overlay.insert(Decree(2), puts(&[(1, 11)]));
        assert_eq!(last_byte(&mut overlay, 1), Some(11));
        overlay.applied(Decree(1));
        assert_eq!(last_byte(&mut overlay, 1), Some(11));
        assert_eq!(last_byte(&mut overlay, 2), None);
        overlay.applied(Decree(2));
        assert!(overlay.is_empty());
        assert_eq!(last_byte(&mut overlay, 1), None);
    }

    #[test]
    fn mutations_without_records_pass_through() {
        let mut overlay = Overlay::new();
        overlay.insert(Decree(1), Bytes::new());
        overlay.insert(Decree(2), puts(&[(1, 1)]));
        assert_eq!(last_byte(&mut overlay, 1), Some(1));
        overlay.clear();
        assert_eq!(last_byte(&mut overlay, 1), None);
    }

    proptest::proptest! {
        #[test]
        fn it_agrees_with_a_list_of_maps(
            steps in proptest::collection::vec(
                (0_u8..4, proptest::collection::vec((0_u8..6, 0_u8..), 0..5)), 1..60),
        ) {
            let mut overlay = Overlay::new();
            let mut model: VecDeque<(i64, BTreeMap<u8, u8>)> = VecDeque::new();
            let mut next = 1;
            for (action, pairs) in steps {
                match action {
                    0 | 1 => {
                        overlay.insert(Decree(next), puts(&pairs));
                        model.push_back((next, pairs.into_iter().collect()));
                        next += 1;
                    }
                    2 => if let Some((decree, _)) = model.pop_front() {
                        overlay.applied(Decree(decree));
                    },
                    _ => for key in 0..6 {
                        let expected =
                            model.iter().rev().find_map(|(_, map)| map.get(&key).copied());
                        proptest::prop_assert_eq!(last_byte(&mut overlay, key), expected);
                    },
                }
                proptest::prop_assert_eq!(overlay.len(), model.len());
            }
        }
    }
}
