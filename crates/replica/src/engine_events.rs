//! What RocksDB's threads report about one replica, on its way to the replica's shard.

use pegasus_common::Decree;
use pegasus_engine::BackgroundFailure;
use pegasus_engine::EngineListener;
use pegasus_engine::StallState;
use pegasus_rpc::MailboxSender;

use crate::instance::ReplicaInstance;
use crate::open_storages::OpenStorage;
use crate::shard::ShardMessage;

/// Sends a replica's storage events to its shard. It lives as long as the database.
#[derive(Debug)]
pub struct EngineEvents {
    instance: ReplicaInstance,
    shard: MailboxSender<ShardMessage>,
    _open: OpenStorage,
}

impl EngineEvents {
    /// For a replica that the shard behind `shard` owns.
    #[must_use]
    pub fn new(
        instance: ReplicaInstance,
        shard: MailboxSender<ShardMessage>,
        open: OpenStorage,
    ) -> Self {
        Self {
            instance,
            shard,
            _open: open,
        }
    }
}

impl EngineListener for EngineEvents {
    fn on_flushed(&self, decree: Decree) {
        let flushed = ShardMessage::Flushed(self.instance, decree);
        self.shard.send(flushed);
    }

    fn on_background_error(&self, failure: BackgroundFailure) {
        let failed = ShardMessage::StorageFailed(self.instance, failure);
        self.shard.send(failed);
    }

    fn on_stall_changed(&self, state: StallState) {
        let changed = ShardMessage::StallChanged(self.instance, state);
        self.shard.send(changed);
    }
}
