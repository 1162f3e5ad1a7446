//! The records of all keys.

use std::collections::BTreeMap;

use crate::moment::Moment;
use crate::record::{ClientId, Outcome, Record};

/// The records of all keys, in the order of sending within each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histories<O, A> {
    keys: BTreeMap<String, Vec<Record<O, A>>>,
}

/// An operation that is under way.
#[derive(Clone, Debug)]
pub struct Ticket {
    key: String,
    index: usize,
}

impl<O, A> Default for Histories<O, A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<O, A> Histories<O, A> {
    /// Nothing has happened.
    #[must_use]
    pub fn new() -> Self {
        Self {
            keys: BTreeMap::new(),
        }
    }

    /// An operation is sent. Until [`Histories::finish`] its outcome is unknown.
    pub fn begin(
        &mut self,
        key: impl Into<String>,
        client: ClientId,
        now: Moment,
        operation: O,
    ) -> Ticket {
        let key = key.into();
        let records = self.keys.entry(key.clone()).or_default();
        records.push(Record {
            client,
            invoked: now,
            returned: None,
            operation,
            outcome: Outcome::Unknown,
        });
        Ticket {
            index: records.len() - 1,
            key,
        }
    }

    /// An operation has ended.
    pub fn finish(&mut self, ticket: Ticket, now: Moment, outcome: Outcome<A>) {
        let Ticket { key, index } = ticket;
        let records = self.keys.get_mut(&key);
        if let Some(record) = records.and_then(|records| records.get_mut(index)) {
            record.returned = Some(now);
            record.outcome = outcome;
        }
    }

    /// Takes a record that is complete. Records may come in any order.
    pub fn push(&mut self, key: impl Into<String>, record: Record<O, A>) {
        self.keys.entry(key.into()).or_default().push(record);
    }

    /// Takes all records of another collection.
    pub fn append(&mut self, other: Self) {
        for (key, records) in other.keys {
            self.keys.entry(key).or_default().extend(records);
        }
    }

    /// The records of a key.
    #[must_use]
    pub fn of(&self, key: &str) -> &[Record<O, A>] {
        self.keys.get(key).map_or(&[], Vec::as_slice)
    }

    /// Every key with its records.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[Record<O, A>])> {
        self.keys
            .iter()
            .map(|(key, records)| (key.as_str(), records.as_slice()))
    }

    /// The number of records of all keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.values().map(Vec::len).sum()
    }

    /// Whether nothing has happened.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}
