//! What a replica needs of its storage while it takes part in replication. The server's is
//! [`Engine`]; a simulator puts a model in its place.

use pegasus_engine::AppliedMutation;
use pegasus_engine::ApplyError;
use pegasus_engine::Engine;
use pegasus_engine::StoredValues;
use pegasus_engine::TableSettings;

/// One replica's storage as its owner uses it. Reads of clients are not here: they need more, and
/// go to the storage itself.
pub trait ReplicaStorage: StoredValues + Send + Sync + 'static {
    /// Applies committed mutations, which continue exactly where storage is.
    ///
    /// # Errors
    /// Nothing of the run has been applied: [`ApplyError::Stalled`] and
    /// [`ApplyError::SpaceExhausted`] pass by themselves, everything else is the end of this
    /// replica.
    fn apply(&self, run: &[AppliedMutation]) -> Result<(), ApplyError>;

    /// The table's settings have changed.
    fn change_settings(&self, settings: TableSettings);
}

impl ReplicaStorage for Engine {
    fn apply(&self, run: &[AppliedMutation]) -> Result<(), ApplyError> {
        Engine::apply(self, run).map(|_| ())
    }

    fn change_settings(&self, settings: TableSettings) {
        self.settings().set(settings);
    }
}
