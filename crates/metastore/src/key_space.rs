//! The state that every implementation in this crate applies transactions to: [`KeySpace`], and
//! [`Staging`], the effects of a batch that is not durable yet.

use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;

use crate::leadership::Epoch;
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

/// Transactions on top of a [`KeySpace`] that readers must not see before they are durable.
#[derive(Debug, Default)]
pub(crate) struct Staging {
    /// Versions of the keys that the staged transactions touch; `None` for deleted ones.
    touched: BTreeMap<Bytes, Option<Version>>,
    version: Option<Version>,
    epoch: Option<Epoch>,
}

impl Staging {
    /// The epoch after everything staged.
    pub fn epoch(&self, base: &KeySpace) -> Epoch {
        self.epoch.unwrap_or(base.epoch)
    }

    /// Stages a new epoch: from now on the older ones are refused.
    pub fn raise_epoch(&mut self, base: &KeySpace) -> Epoch {
        let epoch = self.epoch(base).next();
        self.epoch = Some(epoch);
        epoch
    }

    /// Checks a transaction against the base and everything staged before, and stages it.
    pub fn stage(
        &mut self,
        base: &KeySpace,
        epoch: Epoch,
        transaction: &Transaction,
    ) -> Result<Version, CommitError> {
        let current = self.epoch(base);
        if epoch != current {
            return Err(CommitError::Deposed { epoch, current });
        }
        let size_bytes = transaction.size_bytes();
        if size_bytes > TRANSACTION_BYTES_MAX {
            return Err(CommitError::TooLarge { size_bytes });
        }
        for precondition in &transaction.preconditions {
            self.check(base, precondition)?;
        }
        let version = self.version.unwrap_or(base.version).next();
        self.version = Some(version);
        for operation in &transaction.operations {
            let after = matches!(operation, Operation::Put { .. }).then_some(version);
            self.touched.insert(operation.key().clone(), after);
        }
        Ok(version)
    }

    fn check(&self, base: &KeySpace, precondition: &Precondition) -> Result<(), CommitError> {
        let key = precondition.key();
        let found = match self.touched.get(key) {
            Some(staged) => *staged,
            None => base.entries.get(key).map(|stored| stored.version),
        };
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
}
