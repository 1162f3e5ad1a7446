//! What RocksDB's threads report about one replica, on its way to the replica's shard.

use pegasus_common::Decree;
use pegasus_common::Gpid;
use pegasus_engine::BackgroundFailure;
use pegasus_engine::EngineListener;
use pegasus_engine::StallState;
use pegasus_rpc::MailboxSender;

use crate::shard::ShardMessage;

/// Sends a replica's storage events to its shard.
#[derive(Debug)]
pub struct EngineEvents {
    gpid: Gpid,
    shard: MailboxSender<ShardMessage>,
}

impl EngineEvents {
    /// For the replica of `gpid`, owned by the shard behind `shard`.
    #[must_use]
    pub fn new(gpid: Gpid, shard: MailboxSender<ShardMessage>) -> Self {
        Self { gpid, shard }
    }
}

impl EngineListener for EngineEvents {
    fn on_flushed(&self, decree: Decree) {
        self.shard.send(ShardMessage::Flushed(self.gpid, decree));
    }

    fn on_background_error(&self, failure: BackgroundFailure) {
        self.shard
            .send(ShardMessage::StorageFailed(self.gpid, failure));
    }

    fn on_stall_changed(&self, state: StallState) {
        self.shard
            .send(ShardMessage::StallChanged(self.gpid, state));
    }
}
