//! A replica's storage in memory, with what a crash leaves of it: the twin of the engine.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use pegasus_engine::payload::{PayloadView, Record};
use pegasus_engine::{
    AppliedMark, AppliedMutation, ApplyError, Lookup, ReadTier, StoredValues, TableSettings,
};
use pegasus_pacifica::DigestAt;
use pegasus_replica::ReplicaStorage;

/// Everything that a storage holds, at one decree. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The last mutation in it.
    pub mark: AppliedMark,
    /// Stored values by raw key.
    pub data: Arc<BTreeMap<Bytes, Bytes>>,
}

impl Snapshot {
    /// The time of the last mutation.
    #[must_use]
    pub fn timestamp_us(&self) -> i64 {
        i64::try_from(self.mark.timestamp_us).unwrap_or_default()
    }

    /// Decree and digest of the last mutation.
    #[must_use]
    pub fn at(&self) -> DigestAt {
        DigestAt {
            decree: self.mark.decree,
            digest: self.mark.digest,
        }
    }
}

/// Whether the storage takes writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Health {
    /// It does.
    #[default]
    Good,
    /// It refuses them until its flushes have caught up.
    Stalled,
    /// It has failed for good.
    Broken,
}

/// The storage of one open replica.
#[derive(Debug, Default)]
pub struct ModelStorage {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    newest: Snapshot,
    health: Health,
}

impl ModelStorage {
    /// Opens what a directory holds.
    #[must_use]
    pub fn open(found: Snapshot) -> Arc<Self> {
        let state = State {
            newest: found,
            health: Health::Good,
        };
        Arc::new(Self {
            state: Mutex::new(state),
        })
    }

    /// Everything applied so far.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.state.lock().newest.clone()
    }

    /// Changes how it behaves.
    pub fn set_health(&self, health: Health) {
        self.state.lock().health = health;
    }

    /// How it behaves.
    #[must_use]
    pub fn health(&self) -> Health {
        self.state.lock().health
    }

    /// The stored value of a raw key.
    #[must_use]
    pub fn get(&self, raw_key: &[u8]) -> Option<Bytes> {
        self.state.lock().newest.data.get(raw_key).cloned()
    }
}

impl StoredValues for ModelStorage {
    fn lookup(&self, raw_key: &[u8], _: ReadTier) -> Lookup {
        self.get(raw_key).map_or(Lookup::Absent, Lookup::Value)
    }
}

impl ReplicaStorage for ModelStorage {
    /// They concern reads of ranges and compactions, and there are none here.
    fn change_settings(&self, _: TableSettings) {}

    fn apply(&self, run: &[AppliedMutation]) -> Result<(), ApplyError> {
        let mut state = self.state.lock();
        let applied = state.newest.mark.decree;
        match (state.health, run.first()) {
            (Health::Stalled, _) => return Err(ApplyError::Stalled),
            // A disk that refuses and a host that has lost its place mean the same to the host.
            (Health::Broken, Some(first)) => {
                let found = first.decree;
                return Err(ApplyError::OutOfOrder { applied, found });
            }
            _ => {}
        }
        for mutation in run {
            state.newest.apply(mutation)?;
        }
        Ok(())
    }
}

impl Snapshot {
    fn apply(&mut self, mutation: &AppliedMutation) -> Result<(), ApplyError> {
        let decree = mutation.decree;
        if decree != self.mark.decree.next() {
            return Err(ApplyError::OutOfOrder {
                applied: self.mark.decree,
                found: decree,
            });
        }
        if !mutation.payload.is_empty() {
            let view = PayloadView::parse(&mutation.payload)
                .map_err(|source| ApplyError::Malformed { decree, source })?;
            let data = Arc::make_mut(&mut self.data);
            for record in view.records() {
                match record {
                    Record::Put { key, stored } => {
                        data.insert(Bytes::copy_from_slice(key), Bytes::copy_from_slice(stored));
                    }
                    Record::Delete { key } => {
                        data.remove(key);
                    }
                }
            }
        }
        self.mark = AppliedMark {
            decree,
            digest: mutation.digest,
            ballot: mutation.ballot,
            timestamp_us: mutation.timestamp_us,
        };
        Ok(())
    }
}
