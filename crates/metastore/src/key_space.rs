//! The state that every implementation in this crate applies transactions to: [`KeySpace`].

use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;

use crate::leadership::Epoch;
use crate::planted::{self, PlantedBug};
use crate::store::{CommitError, ScanRange, TRANSACTION_BYTES_MAX};
use crate::transaction::{Entry, Operation, Precondition, Transaction, Version};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    pub version: Version,
    pub value: Bytes,
}

/// All keys with their values, the last version and the last epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeySpace {
    pub entries: BTreeMap<Bytes, Stored>,
    pub version: Version,
    pub epoch: Epoch,
}

impl KeySpace {
    pub fn get(&self, key: &Bytes) -> Option<Entry> {
        let stored = self.entries.get(key)?;
        Some(entry(key, stored))
    }

    pub fn scan(&self, range: &ScanRange, limit: usize) -> Vec<Entry> {
        let start = match &range.after {
            Some(after) if *after >= range.prefix => Bound::Excluded(after.clone()),
            _ => Bound::Included(range.prefix.clone()),
        };
        self.entries
            .range((start, Bound::Unbounded))
            .take_while(|(key, _)| key.starts_with(&range.prefix))
            .take(limit)
            .map(|(key, stored)| entry(key, stored))
            .collect()
    }

    /// Does a transaction of the reign of `epoch`, or refuses it and changes nothing.
    pub fn commit(
        &mut self,
        epoch: Epoch,
        transaction: &Transaction,
    ) -> Result<Version, CommitError> {
        let current = self.epoch;
        let is_heeded = !planted::is(PlantedBug::DeposedLeaderWrites);
        if epoch != current && is_heeded {
            return Err(CommitError::Deposed { epoch, current });
        }
        let size_bytes = transaction.size_bytes();
        if size_bytes > TRANSACTION_BYTES_MAX {
            return Err(CommitError::TooLarge { size_bytes });
        }
        for precondition in &transaction.preconditions {
            self.check(precondition)?;
        }
        let version = self.version.next();
        self.apply(version, &transaction.operations);
        Ok(version)
    }

    fn check(&self, precondition: &Precondition) -> Result<(), CommitError> {
        let key = precondition.key();
        let found = self.entries.get(key).map(|stored| stored.version);
        let holds = match precondition {
            Precondition::Absent { .. } => found.is_none(),
            Precondition::VersionIs { version, .. } => found == Some(*version),
        };
        if holds {
            Ok(())
        } else {
            let key = key.clone();
            Err(CommitError::PreconditionFailed { key, found })
        }
    }

    /// Applies operations that were checked before.
    pub fn apply(&mut self, version: Version, operations: &[Operation]) {
        debug_assert!(
            version > self.version,
            "version {version} after {}",
            self.version
        );
        self.version = version;
        for operation in operations {
            match operation {
                Operation::Put { key, value } => {
                    let value = value.clone();
                    self.entries.insert(key.clone(), Stored { version, value });
                }
                Operation::Delete { key } => {
                    self.entries.remove(key);
                }
            }
        }
    }
}

fn entry(key: &Bytes, stored: &Stored) -> Entry {
    Entry {
        key: key.clone(),
        value: stored.value.clone(),
        version: stored.version,
    }
}
