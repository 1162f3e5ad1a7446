//! [`StateMachine`]: the key space that the group's log makes, and its snapshots.

use std::io;
use std::marker::PhantomData;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, TryStreamExt as _};
use openraft::storage::{EntryResponder, RaftStateMachine, Snapshot};
use openraft::{AsyncRuntime, EntryPayload, OptionalSend, RaftSnapshotBuilder};
use parking_lot::{Mutex, RwLock};
use serde::{Deserialize, Serialize};

use super::content::{Record, StoredSnapshot};
use super::journal::Journal;
use super::log_storage::append_and_flush;
use super::types::{Command, GroupTypes, LogId, Outcome, SnapshotMeta, StoredMembership};
use crate::key_space::{KeySpace, Stored};
use crate::leadership::Epoch;
use crate::transaction::Version;

/// What the log has made so far.
#[derive(Debug, Default)]
pub(super) struct Applied {
    pub keys: KeySpace,
    pub last: Option<LogId>,
    pub membership: StoredMembership,
}

impl Applied {
    fn execute(&mut self, command: Command) -> Outcome {
        match command {
            Command::Reign => {
                self.keys.epoch = self.keys.epoch.next();
                Outcome::Reign(self.keys.epoch)
            }
            Command::Resign { epoch } => {
                if epoch == self.keys.epoch {
                    self.keys.epoch = epoch.next();
                }
                Outcome::Resigned
            }
            Command::Commit { epoch, transaction } => {
                Outcome::Commit(self.keys.commit(epoch, &transaction))
            }
        }
    }
}

/// The state machine of one member. Readers share what it has applied.
pub struct StateMachine<R> {
    applied: Arc<RwLock<Applied>>,
    snapshot: Arc<Mutex<Option<StoredSnapshot>>>,
    journal: Arc<dyn Journal>,
    runtime: PhantomData<fn() -> R>,
}

impl<R> Clone for StateMachine<R> {
    fn clone(&self) -> Self {
        Self {
            applied: Arc::clone(&self.applied),
            snapshot: Arc::clone(&self.snapshot),
            journal: Arc::clone(&self.journal),
            runtime: PhantomData,
        }
    }
}

impl<R> StateMachine<R> {
    /// The state of the journal's snapshot; the log makes the rest.
    ///
    /// # Errors
    /// The snapshot is malformed behind its right checksum.
    pub(super) fn new(
        snapshot: Option<StoredSnapshot>,
        journal: Arc<dyn Journal>,
    ) -> Result<Self, Malformed> {
        let applied = match &snapshot {
            Some(snapshot) => Applied {
                keys: decode(&snapshot.state)?,
                last: snapshot.meta.last_log_id,
                membership: snapshot.meta.last_membership.clone(),
            },
            None => Applied::default(),
        };
        Ok(Self {
            applied: Arc::new(RwLock::new(applied)),
            snapshot: Arc::new(Mutex::new(snapshot)),
            journal,
            runtime: PhantomData,
        })
    }

    pub(super) fn applied(&self) -> Arc<RwLock<Applied>> {
        Arc::clone(&self.applied)
    }

    async fn keep(&self, snapshot: StoredSnapshot) -> io::Result<()> {
        append_and_flush(&*self.journal, Record::Snapshot(snapshot.clone())).await?;
        *self.snapshot.lock() = Some(snapshot);
        Ok(())
    }
}

impl<R: AsyncRuntime> RaftStateMachine<GroupTypes<R>> for StateMachine<R> {
    type SnapshotData = Bytes;
    type SnapshotBuilder = Self;

    async fn applied_state(&mut self) -> io::Result<(Option<LogId>, StoredMembership)> {
        let applied = self.applied.read();
        Ok((applied.last, applied.membership.clone()))
    }

    async fn apply<S>(&mut self, mut entries: S) -> io::Result<()>
    where
        S: Stream<Item = io::Result<EntryResponder<GroupTypes<R>>>> + Unpin + OptionalSend,
    {
        while let Some((entry, responder)) = entries.try_next().await? {
            let mut applied = self.applied.write();
            applied.last = Some(entry.log_id);
            let outcome = match entry.payload {
                EntryPayload::Blank => Outcome::Nothing,
                EntryPayload::Normal(command) => applied.execute(command),
                EntryPayload::Membership(membership) => {
                    applied.membership = StoredMembership::new(Some(entry.log_id), membership);
                    Outcome::Nothing
                }
            };
            drop(applied);
            if let Some(responder) = responder {
                responder.send(outcome);
            }
        }
        Ok(())
    }

    async fn get_snapshot_builder(&mut self) -> Self {
        self.clone()
    }

    async fn install_snapshot(&mut self, meta: &SnapshotMeta, state: Bytes) -> io::Result<()> {
        let keys = decode(&state).map_err(io::Error::other)?;
        let meta = meta.clone();
        let snapshot = StoredSnapshot {
            meta: meta.clone(),
            state,
        };
        self.keep(snapshot).await?;
        *self.applied.write() = Applied {
            keys,
            last: meta.last_log_id,
            membership: meta.last_membership,
        };
        Ok(())
    }

    async fn get_current_snapshot(&mut self) -> io::Result<Option<GroupSnapshot>> {
        let snapshot = self.snapshot.lock().clone();
        Ok(snapshot.map(|StoredSnapshot { meta, state }| Snapshot {
            meta,
            snapshot: state,
        }))
    }
}

/// A snapshot as the consensus hands it around.
pub(super) type GroupSnapshot =
    Snapshot<super::types::CommittedLeaderId, super::types::MemberId, openraft::BasicNode, Bytes>;

impl<R: AsyncRuntime> RaftSnapshotBuilder<GroupTypes<R>> for StateMachine<R> {
    type SnapshotData = Bytes;

    async fn build_snapshot(&mut self) -> io::Result<GroupSnapshot> {
        let (meta, state) = {
            let applied = self.applied.read();
            let meta = SnapshotMeta {
                last_log_id: applied.last,
                last_membership: applied.membership.clone(),
            };
            (meta, Bytes::from(encode(&applied.keys)?))
        };
        let snapshot = StoredSnapshot {
            meta: meta.clone(),
            state: state.clone(),
        };
        self.keep(snapshot).await?;
        Ok(Snapshot {
            meta,
            snapshot: state,
        })
    }
}

/// A key space as a snapshot has it.
#[derive(Serialize, Deserialize)]
struct Image {
    epoch: Epoch,
    version: Version,
    entries: Vec<(Bytes, Version, Bytes)>,
}

impl Image {
    fn of(keys: &KeySpace) -> Self {
        let entry = |(key, stored): (&Bytes, &Stored)| {
            let value = stored.value.clone();
            (key.clone(), stored.version, value)
        };
        Self {
            epoch: keys.epoch,
            version: keys.version,
            entries: keys.entries.iter().map(entry).collect(),
        }
    }
}

/// A snapshot that is none.
#[derive(Debug, thiserror::Error)]
#[error("a snapshot of the metadata is malformed: {0}")]
pub struct Malformed(#[from] postcard::Error);

pub(super) fn encode(keys: &KeySpace) -> io::Result<Vec<u8>> {
    postcard::to_stdvec(&Image::of(keys)).map_err(io::Error::other)
}

pub(super) fn decode(state: &[u8]) -> Result<KeySpace, Malformed> {
    let image: Image = postcard::from_bytes(state)?;
    let stored = |(key, version, value)| (key, Stored { version, value });
    Ok(KeySpace {
        epoch: image.epoch,
        version: image.version,
        entries: image.entries.into_iter().map(stored).collect(),
    })
}
