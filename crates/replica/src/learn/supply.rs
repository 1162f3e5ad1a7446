//! What a primary's server does for a learner that lacks more than the primary has in memory: it
//! reads committed mutations from the log, or else makes a checkpoint. Runs on the learning pool's
//! threads; the result goes to the replica's shard.

use std::fs;
use std::sync::Arc;

use pegasus_common::Decree;
use pegasus_common::RpcAddress;
use pegasus_common::clock::WallMicros;
use pegasus_log::LogReader;
use pegasus_log::MutationRecord;
use pegasus_pacifica::CheckpointId;
use pegasus_pacifica::CheckpointOffer;
use pegasus_pacifica::DigestAt;
use pegasus_pacifica::LearnSignature;
use pegasus_pacifica::Mutation;
use tracing::info;
use tracing::warn;

use super::message::LearnEvent;
use super::message::Supply;
use super::shelf::Checkpoint;
use super::shelf::CheckpointFile;
use super::shelf::Taker;
use crate::disk::ReplicaDirectory;
use crate::instance::ReplicaInstance;
use crate::node::Node;
use crate::router::ReplicaHandle;
use crate::shard::ShardMessage;

/// One learner's want.
pub struct SupplyJob {
    /// The server.
    pub node: Arc<Node>,
    /// The primary.
    pub handle: Arc<ReplicaHandle>,
    /// Which replica asks; nothing is told to another.
    pub instance: ReplicaInstance,
    /// In which data directory the primary is.
    pub disk: usize,
    /// The learner.
    pub to: RpcAddress,
    /// Its attempt.
    pub signature: LearnSignature,
    /// What it wants.
    pub want: Want,
}

/// What a learner lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// Mutations, or a checkpoint where the log has let them go.
    After {
        /// What it has.
        after: Decree,
        /// What is committed: no more than that may be given.
        through: Decree,
    },
    /// A checkpoint: what it has is not the group's history.
    Checkpoint,
}

/// Tells the shard that the job has ended, however it has.
struct SupplyNotice {
    node: Arc<Node>,
    instance: ReplicaInstance,
    to: RpcAddress,
    signature: LearnSignature,
    supply: Supply,
}

impl Drop for SupplyNotice {
    fn drop(&mut self) {
        let event = LearnEvent::Supplied {
            instance: self.instance,
            to: self.to,
            signature: self.signature,
            supply: std::mem::take(&mut self.supply),
        };
        self.node
            .send_to_owner(self.instance.gpid, ShardMessage::Learn(event));
    }
}

impl SupplyJob {
    /// Hands the job to the learning pool. Where that is full nothing happens: the learner will ask
    /// again.
    pub fn submit(self) {
        let node = Arc::clone(&self.node);
        let notice = SupplyNotice {
            node: Arc::clone(&node),
            instance: self.instance,
            to: self.to,
            signature: self.signature,
            supply: Supply::Nothing,
        };
        // A job that is refused, or panics, drops the notice.
        let _ = node.learning.pool.submit(move || {
            let mut notice = notice;
            notice.supply = self.run();
        });
    }

    fn run(&self) -> Supply {
        let gpid = self.instance.gpid;
        let reader = self.node.disks[self.disk].log.reader();
        if let Want::After { after, through } = self.want {
            let bytes_max = self.node.config.replication.learn_log_bytes_max;
            match reader.mutations(gpid, after, through, bytes_max) {
                Ok(Some(records)) => {
                    return Supply::Mutations(records.into_iter().map(mutation).collect());
                }
                Ok(None) => {}
                Err(error) => warn!(%gpid, %error, "the log cannot supply a learner"),
            }
        }
        match self.checkpoint(&reader) {
            Ok(Some(offer)) => Supply::Checkpoint(offer),
            Ok(None) => Supply::Nothing,
            Err(error) => {
                warn!(%gpid, %error, "a checkpoint for a learner cannot be made");
                Supply::Nothing
            }
        }
    }

    /// A checkpoint from which the log leads on: one that stands there, or a new one. `None`: there
    /// are too many now.
    fn checkpoint(&self, reader: &LogReader) -> Result<Option<CheckpointOffer>, SupplyError> {
        let gpid = self.instance.gpid;
        let shelf = &self.node.learning.shelf;
        let taker = Taker {
            node: self.to,
            signature: self.signature,
        };
        let leads_on = |checkpoint: &Checkpoint| {
            let decree = checkpoint.at.decree;
            let next = reader.mutations(gpid, decree, decree.next(), 1);
            // Nothing after it is as good: the log keeps what comes from here on.
            decree >= self.handle.progress().1 || matches!(next, Ok(Some(_)))
        };
        if let Some(checkpoint) = shelf.share(gpid, taker, leads_on) {
            return Ok(Some(offer(&checkpoint)));
        }
        let Some(room) = shelf.room() else {
            return Ok(None);
        };
        let checkpoint = self.make_checkpoint()?;
        self.node.metrics.learning.checkpoints.increment();
        info!(%gpid, decree = %checkpoint.at.decree, learner = %self.to,
            "checkpoint made for a learner");
        let offer = offer(&checkpoint);
        shelf.add(room, gpid, Arc::new(checkpoint), taker);
        Ok(Some(offer))
    }

    fn make_checkpoint(&self) -> Result<Checkpoint, SupplyError> {
        let id = WallMicros::now().0;
        let directory = ReplicaDirectory::around(&self.handle).checkpoint(id);
        if let Some(parent) = directory.parent() {
            fs::create_dir_all(parent)?;
        }
        let made = self.handle.engine.checkpoint(&directory)?;
        let files = made.files.into_iter();
        Ok(Checkpoint {
            id: CheckpointId(id),
            disk: self.disk,
            at: DigestAt {
                decree: made.mark.decree,
                digest: made.mark.digest,
            },
            files: files
                .map(|file| CheckpointFile {
                    name: file.name,
                    size: file.bytes,
                })
                .collect(),
            directory,
        })
    }
}

/// A learner cannot be supplied from storage.
#[derive(Debug, thiserror::Error)]
enum SupplyError {
    #[error(transparent)]
    Engine(#[from] pegasus_engine::EngineError),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

fn offer(checkpoint: &Checkpoint) -> CheckpointOffer {
    CheckpointOffer {
        id: checkpoint.id,
        at: checkpoint.at,
    }
}

/// The state machine's form of a record.
#[must_use]
pub fn mutation(record: MutationRecord) -> Mutation {
    Mutation {
        ballot: record.ballot,
        decree: record.decree,
        timestamp_us: record.timestamp_us,
        last_committed: record.last_committed,
        checksum: record.checksum,
        payload: record.payload,
    }
}
