//! Finds the latest effect on a key among encoded records, without holding the keys a second time:
//! it stores where a record is, and reads the key there.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

/// Maps raw keys to the location `L` of the newest record about them.
///
/// Every method takes `key_at`, which reads the key of a record at a location.
pub(crate) struct RecordIndex<L> {
    entries: HashTable<Entry<L>>,
    hasher: RandomState,
}

struct Entry<L> {
    hash: u64,
    location: L,
}

impl<L: Copy> RecordIndex<L> {
    pub(crate) fn new() -> Self {
        Self {
            entries: HashTable::new(),
            hasher: RandomState::default(),
        }
    }

    /// Makes `location` the newest record of `key`.
    pub(crate) fn insert<'a>(&mut self, key: &[u8], location: L, key_at: impl Fn(L) -> &'a [u8]) {
        let hash = self.hasher.hash_one(key);
        match self
            .entries
            .find_mut(hash, |entry| key_at(entry.location) == key)
        {
            Some(entry) => entry.location = location,
            None => {
                let entry = Entry { hash, location };
                self.entries.insert_unique(hash, entry, |entry| entry.hash);
            }
        }
    }

    /// The newest record of `key`.
    pub(crate) fn find<'a>(&self, key: &[u8], key_at: impl Fn(L) -> &'a [u8]) -> Option<L> {
        let hash = self.hasher.hash_one(key);
        let entry = self
            .entries
            .find(hash, |entry| key_at(entry.location) == key)?;
        Some(entry.location)
    }

    /// Forgets `key` if its newest record satisfies `condition`.
    pub(crate) fn remove_if<'a>(
        &mut self,
        key: &[u8],
        key_at: impl Fn(L) -> &'a [u8],
        condition: impl Fn(L) -> bool,
    ) {
        let hash = self.hasher.hash_one(key);
        let matches = |entry: &Entry<L>| condition(entry.location) && key_at(entry.location) == key;
        if let Ok(entry) = self.entries.find_entry(hash, matches) {
            entry.remove();
        }
    }

    /// Forgets everything; keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }

    /// How many keys are known.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }
}
