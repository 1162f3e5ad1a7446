//! A replica that is being made or replaced: while this stands, the shard keeps its hands off the
//! partition.

use std::sync::Arc;
use std::time::Duration;

use pegasus_common::Ballot;
use pegasus_common::Decree;
use pegasus_common::Gpid;
use tokio::sync::oneshot;

use super::message::LearnEvent;
use crate::load::Opening;
use crate::node::Node;
use crate::open_storages::OpenStorages;
use crate::shard::ShardMessage;

/// Reads that still use a database end within this time.
const CLOSING_TIME_MAX: Duration = Duration::from_secs(60);

/// A construction site. When it is dropped the shard hears that it has ended, however it has.
pub struct Construction {
    node: Arc<Node>,
    storages: Arc<OpenStorages>,
    gpid: Gpid,
}

/// The shard or the log did not do its part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConstructionError {
    /// The database of the replica before is still in use.
    #[error("the old database is still in use after {CLOSING_TIME_MAX:?}")]
    StillOpen,
    /// The log has failed, or the server is stopping.
    #[error("the log could not be told")]
    LogFailed,
}

impl Construction {
    /// The shard has been told, or tells itself.
    #[must_use]
    pub fn new(node: &Arc<Node>, opening: &Opening, gpid: Gpid) -> Self {
        Self {
            node: Arc::clone(node),
            storages: Arc::clone(&opening.storages),
            gpid,
        }
    }

    /// Which partition.
    #[must_use]
    pub fn gpid(&self) -> Gpid {
        self.gpid
    }

    /// Waits until no database of the partition is open.
    ///
    /// # Errors
    /// One stays open for too long.
    pub async fn old_is_closed(&self) -> Result<(), ConstructionError> {
        let closed = self.storages.closed(self.gpid);
        tokio::time::timeout(CLOSING_TIME_MAX, closed)
            .await
            .map_err(|_| ConstructionError::StillOpen)
    }

    /// Makes void what a log has of the partition, and waits until that is safe.
    ///
    /// # Errors
    /// The log fails.
    pub async fn reset_log(
        &self,
        disk: usize,
        ballot: Ballot,
        decree: Decree,
    ) -> Result<(), ConstructionError> {
        let (done, is_done) = oneshot::channel();
        self.tell(LearnEvent::ResetLog {
            gpid: self.gpid,
            disk,
            ballot,
            decree,
            done,
        });
        is_done.await.map_err(|_| ConstructionError::LogFailed)
    }

    /// Tells the shard of the partition.
    pub fn tell(&self, event: LearnEvent) {
        self.node
            .send_to_owner(self.gpid, ShardMessage::Learn(event));
    }
}

impl Drop for Construction {
    fn drop(&mut self) {
        self.tell(LearnEvent::ConstructionEnded(self.gpid));
    }
}
