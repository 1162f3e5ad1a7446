//! Where evaluation reads the value that an atomic operation starts from.

use bytes::Bytes;
use pegasus_common::StorageStatus;

use crate::overlay::Overlay;
use crate::payload::Record;
use crate::read::ReadTier;
use crate::rocks::Engine;

/// What is known of a key's current value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// The stored value with its header, perhaps expired.
    Value(Bytes),
    /// There is none.
    Absent,
    /// It may be on disk, where this source may not look now.
    NotCached,
    /// The storage failed.
    Failed(StorageStatus),
}

impl From<Record<'_>> for Lookup {
    fn from(record: Record<'_>) -> Self {
        match record {
            Record::Put { stored, .. } => Self::Value(Bytes::copy_from_slice(stored)),
            Record::Delete { .. } => Self::Absent,
        }
    }
}

/// A source of current values: everything that was proposed before this turn.
pub trait CurrentValues {
    /// The current value of a raw key.
    fn get(&mut self, raw_key: &[u8]) -> Lookup;
}

/// Storage that is asked for the value of one key: [`Engine`], or a simulator's model of it.
pub trait StoredValues {
    /// The applied value of a raw key. With [`ReadTier::CacheOnly`] it never blocks; with
    /// [`ReadTier::All`] it never gives [`Lookup::NotCached`].
    fn lookup(&self, raw_key: &[u8], tier: ReadTier) -> Lookup;
}

impl StoredValues for Engine {
    fn lookup(&self, raw_key: &[u8], tier: ReadTier) -> Lookup {
        Engine::lookup(self, raw_key, tier)
    }
}

/// The source of a primary: mutations in flight, then storage.
pub struct InFlightValues<'a, S> {
    overlay: &'a mut Overlay,
    storage: &'a S,
    tier: ReadTier,
}

impl<'a, S: StoredValues> InFlightValues<'a, S> {
    /// With [`ReadTier::CacheOnly`] a lookup never blocks; with [`ReadTier::All`] it never gives
    /// [`Lookup::NotCached`].
    pub const fn new(overlay: &'a mut Overlay, storage: &'a S, tier: ReadTier) -> Self {
        Self {
            overlay,
            storage,
            tier,
        }
    }
}

impl<S: StoredValues> CurrentValues for InFlightValues<'_, S> {
    fn get(&mut self, raw_key: &[u8]) -> Lookup {
        match self.overlay.find(raw_key) {
            Some(record) => record.into(),
            None => self.storage.lookup(raw_key, self.tier),
        }
    }
}
