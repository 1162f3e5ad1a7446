//! [`EmbeddedStore`]: the store that the meta servers keep among themselves. Each member has a
//! directory; a change takes effect when a majority has made it durable (Raft, by the crate
//! `openraft`). A group of one is a valid, durable store.
//!
//! | Module | Holds |
//! |---|---|
//! | [`journal`] | a member's durable records: group commit, one thread, one directory |
//! | `framing`, `base`, `recovery` | their bytes, and reading them after any end |
//! | [`content`] | what the records make: promise, log, snapshot |
//! | `log_storage`, `state_machine` | the same as the consensus sees it |
//! | `message`, [`network`], `answering` | what members say to each other |
//! | `formation`, [`membership`] | how a group comes into being, and how its members change |
//! | `campaign` | when a member wants to lead |
//! | `options` | the times of a group |
//! | `reign`, `contact`, `evidence` | who leads, and for how long that is sure |
//! | [`ServerStore`] | a member on tokio |
//!
//! The consensus runs on any runtime that `openraft` knows: tokio in a server, simulated time in the
//! simulator.

mod answering;
mod base;
mod campaign;
mod contact;
pub mod content;
mod directory;
mod evidence;
mod formation;
mod framing;
pub mod fuzzing;
pub mod journal;
mod log_storage;
mod medium;
pub mod membership;
mod message;
pub mod network;
mod options;
mod recovery;
mod reign;
mod server_store;
mod state_machine;
pub mod types;

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use openraft::errors::{ClientWriteError, InitializeError, LinearizableReadError, RaftError};
use openraft::{AsyncRuntime, BasicNode, Raft, ReadPolicy};
use parking_lot::{Mutex, RwLock};
use pegasus_common::clock::MonotonicMillis;
use pegasus_common::directory_lock::DirectoryLockError;
use tokio::sync::{Mutex as AsyncMutex, Semaphore, watch};

use answering::{Answering, Consensus};
use campaign::{CampaignTimes, Campaigner};
use content::Content;
use evidence::Evidence;
use journal::Journal;
use log_storage::LogStorage;
use network::{Link, Network};
pub use options::GroupOptions;
use reign::ReignKeeper;
pub use server_store::{ServerStore, ServerStoreError};
use state_machine::{Applied, Malformed, StateMachine};
use types::{Command, MemberId, Outcome};

use crate::leadership::{Epoch, Leadership};
use crate::planted::{self, PlantedBug};
use crate::store::{
    BoxFuture, CommitError, MetadataStore, ScanRange, StoreError, TRANSACTION_BYTES_MAX,
};
use crate::transaction::{Entry, Transaction, Version};

/// Commits under way at a member; further ones wait.
const COMMITS_UNDER_WAY_MAX: usize = 1024;
/// How long a read waits for the majority.
const READ_PATIENCE: Duration = Duration::from_secs(2);
/// How long the others may take to hear that a reign is over.
const RESIGN_PATIENCE: Duration = Duration::from_secs(1);
/// How often a read looks whether there is a leader by now.
const LEADER_POLL: Duration = Duration::from_millis(10);

/// Why a directory cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process, or another store in this one, has it open, or it cannot be locked.
    #[error("metadata store {0}")]
    Lock(#[from] DirectoryLockError),
    /// A file that must be there is not, or files are there that no crash can leave.
    #[error("{} is no complete metadata store: {reason}", path.display())]
    Incomplete {
        /// The directory.
        path: PathBuf,
        /// What is missing.
        reason: String,
    },
    /// Bytes that were durable once are not what was written.
    #[error("{} is corrupt at byte {offset}: {reason}", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Where the damage begins.
        offset: u64,
        /// What is wrong.
        reason: String,
    },
    /// The file was written by another version.
    #[error("{} has format version {found}, this version reads {known}", path.display())]
    OtherFormat {
        /// The file.
        path: PathBuf,
        /// Its format version.
        found: u32,
        /// The one that is known here.
        known: u32,
    },
    /// The operating system refused.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// The refusal.
        source: std::io::Error,
    },
}

/// Reads a member's clock.
pub type Clock = Arc<dyn Fn() -> MonotonicMillis + Send + Sync>;

/// What a member is made of.
pub struct GroupParts {
    /// What its journal held when it was opened.
    pub content: Content,
    /// Its journal.
    pub journal: Arc<dyn Journal>,
    /// Its way to the others.
    pub link: Arc<dyn Link>,
    /// Its clock.
    pub clock: Clock,
    /// The group's times.
    pub options: GroupOptions,
}

/// Why a member does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its settings make no sense.
    #[error("the settings of the metadata group are wrong: {0}")]
    Settings(#[from] openraft::ConfigError),
    /// Its content names no member.
    #[error("the journal of the metadata store does not say which member it is")]
    Nameless,
    /// Its snapshot cannot be read.
    #[error(transparent)]
    Snapshot(#[from] Malformed),
    /// The consensus has stopped.
    #[error("the metadata group cannot be joined: {0}")]
    Consensus(String),
}

/// What a member wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stance {
    /// It has not said so yet.
    Undecided,
    /// It lets others reign.
    StandsBack,
    /// It reigns whenever the consensus makes it the leader.
    Stands,
    /// It is being closed.
    Leaves,
}

/// One member of the group.
pub struct EmbeddedStore<R: AsyncRuntime> {
    me: MemberId,
    raft: Consensus<R>,
    answering: Answering<R>,
    applied: Arc<RwLock<Applied>>,
    link: Arc<dyn Link>,
    journal: Arc<dyn Journal>,
    stance: watch::Sender<Stance>,
    view: watch::Receiver<Leadership>,
    evidence: Evidence,
    silence_max: Duration,
    commits: Semaphore,
    /// Held by the change of members that is under way.
    changes: AsyncMutex<()>,
}

impl<R: AsyncRuntime> std::fmt::Debug for EmbeddedStore<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EmbeddedStore")
            .field("member", &self.me)
            .finish_non_exhaustive()
    }
}

impl<R: AsyncRuntime> EmbeddedStore<R> {
    /// Starts a member on the runtime that polls this.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start(parts: GroupParts) -> Result<Self, StartError> {
        let me = parts.content.member.ok_or(StartError::Nameless)?;
        let config = Arc::new(parts.options.config().validate()?);
        let machine =
            StateMachine::new(parts.content.snapshot.clone(), Arc::clone(&parts.journal))?;
        let applied = machine.applied();
        let log = LogStorage::new(parts.content, Arc::clone(&parts.journal));
        let evidence = Evidence::new(me, Arc::clone(&parts.clock), Arc::clone(&applied));
        let silence_max = Duration::from_millis(parts.options.silence_max_ms);
        let heartbeat = Duration::from_millis(parts.options.heartbeat_ms);
        let network = Network {
            me,
            link: Arc::clone(&parts.link),
            clock: parts.clock,
            contact: evidence.contact(),
            silence_max,
            runtime: PhantomData,
        };
        let raft = Raft::new(me, config, network, log, machine).await;
        let raft: Consensus<R> = raft.map_err(|fatal| StartError::Consensus(fatal.to_string()))?;
        let (stance, stance_seen) = watch::channel(Stance::Undecided);
        let (view_sender, view) = watch::channel(Leadership::UNKNOWN);
        let keeper = ReignKeeper {
            me,
            raft: raft.clone(),
            stance: stance_seen,
            view: view_sender,
            evidence: evidence.clone(),
            tick: heartbeat,
            silence_max: silence_max * 2,
            offered: None,
        };
        drop(R::spawn(keeper.run()));
        let campaigner = Campaigner {
            me,
            raft: raft.clone(),
            times: CampaignTimes {
                silence_max,
                heartbeat,
                spread: Duration::from_millis(parts.options.spread_ms),
            },
            contact: evidence.contact(),
        };
        drop(R::spawn(campaigner.run()));
        Ok(Self {
            me,
            answering: Answering {
                me,
                raft: raft.clone(),
                receiving: Mutex::new(None),
            },
            raft,
            applied,
            link: parts.link,
            journal: parts.journal,
            stance,
            view,
            evidence,
            silence_max,
            commits: Semaphore::new(COMMITS_UNDER_WAY_MAX),
            changes: AsyncMutex::new(()),
        })
    }

    /// Who this is.
    #[must_use]
    pub const fn member(&self) -> MemberId {
        self.me
    }

    /// Makes a new group of members that have never been in one; `addresses` says where each
    /// listens. One member does it, once. A member that is in a group already stays in it.
    async fn form_group(&self, addresses: BTreeMap<MemberId, String>) -> Result<(), StoreError> {
        let node = |(id, address)| (id, BasicNode::new(address));
        let members: BTreeMap<_, _> = addresses.into_iter().map(node).collect();
        match self.raft.initialize(members).await {
            Ok(()) | Err(RaftError::APIError(InitializeError::NotAllowed(_))) => Ok(()),
            Err(error) => Err(StoreError::Failed {
                reason: error.to_string(),
            }),
        }
    }

    /// Answers a message of another member. Never fails: what is wrong is said in the answer.
    pub async fn answer(&self, message: &[u8]) -> Bytes {
        self.answering.answer(message).await
    }

    async fn leave(&self) {
        self.stance.send_replace(Stance::Leaves);
        if let Err(error) = self.raft.shutdown().await {
            tracing::warn!(%error, "the metadata group was not left cleanly");
        }
        self.journal.close();
    }

    fn deposed(&self, epoch: Epoch) -> CommitError {
        let current = self.applied.read().keys.epoch;
        CommitError::Deposed { epoch, current }
    }

    async fn write(&self, epoch: Epoch, transaction: Transaction) -> Result<Version, CommitError> {
        let size_bytes = transaction.size_bytes();
        if let Some(reason) = self.evidence.failure() {
            return Err(CommitError::Failed { reason });
        }
        let is_heeded = !planted::is(PlantedBug::DeposedLeaderWrites);
        if self.view.borrow().epoch() != Some(epoch) && is_heeded {
            return Err(self.deposed(epoch));
        }
        if size_bytes > TRANSACTION_BYTES_MAX {
            return Err(CommitError::TooLarge { size_bytes });
        }
        // The semaphore is never closed.
        let _under_way = self.commits.acquire().await;
        let command = Command::Commit { epoch, transaction };
        let reason = match self.raft.client_write(command).await {
            Ok(written) => match written.data {
                Outcome::Commit(outcome) => return outcome,
                other => format!("the outcome is one of another command: {other:?}"),
            },
            Err(RaftError::APIError(ClientWriteError::ForwardToLeader(_))) => {
                return Err(self.deposed(epoch));
            }
            Err(RaftError::APIError(error)) => error.to_string(),
            Err(RaftError::Fatal(fatal)) => {
                let reason = self.evidence.failure().unwrap_or_else(|| fatal.to_string());
                return Err(CommitError::Failed { reason });
            }
        };
        Err(CommitError::Indeterminate { reason })
    }

    /// Waits until this member has applied everything that was acknowledged before.
    async fn catch_up(&self) -> Result<(), StoreError> {
        let unavailable = |reason: String| StoreError::Unavailable { reason };
        if let Some(reason) = self.evidence.failure() {
            return Err(StoreError::Failed { reason });
        }
        let sure = async {
            loop {
                match self.raft.ensure_linearizable(ReadPolicy::ReadIndex).await {
                    Err(RaftError::APIError(LinearizableReadError::ForwardToLeader(forward)))
                        if forward.leader_id.is_none_or(|leader| leader == self.me) =>
                    {
                        R::sleep(LEADER_POLL).await;
                    }
                    outcome => return outcome,
                }
            }
        };
        match R::timeout(READ_PATIENCE, sure).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(RaftError::APIError(error))) => Err(unavailable(error.to_string())),
            Ok(Err(RaftError::Fatal(fatal))) => Err(StoreError::Failed {
                reason: fatal.to_string(),
            }),
            Err(_) => Err(unavailable(format!(
                "no majority of the group answered in {READ_PATIENCE:?}"
            ))),
        }
    }

    async fn end_reign(&self, epoch: Epoch) -> Result<(), StoreError> {
        if self.view.borrow().epoch() != Some(epoch) {
            return Ok(());
        }
        self.stance.send_replace(Stance::StandsBack);
        // Others may be gone already. Then nobody needs to hear of it: here the reign is over.
        let written = self.raft.client_write(Command::Resign { epoch });
        match R::timeout(RESIGN_PATIENCE, written).await {
            Ok(Err(RaftError::Fatal(fatal))) => {
                let reason = fatal.to_string();
                return Err(StoreError::Failed { reason });
            }
            Ok(Ok(_) | Err(RaftError::APIError(_))) | Err(_) => {}
        }
        let shown = self
            .view
            .clone()
            .wait_for(|view| view.epoch() != Some(epoch))
            .await
            .is_ok();
        if !shown {
            let reason = self
                .evidence
                .failure()
                .unwrap_or_else(|| "it was closed".to_owned());
            return Err(StoreError::Failed { reason });
        }
        Ok(())
    }
}

impl<R: AsyncRuntime> MetadataStore for EmbeddedStore<R> {
    fn get(&self, key: Bytes) -> BoxFuture<'_, Result<Option<Entry>, StoreError>> {
        Box::pin(async move {
            self.catch_up().await?;
            Ok(self.applied.read().keys.get(&key))
        })
    }

    fn scan(
        &self,
        range: ScanRange,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Entry>, StoreError>> {
        Box::pin(async move {
            self.catch_up().await?;
            Ok(self.applied.read().keys.scan(&range, limit))
        })
    }

    fn commit(
        &self,
        epoch: Epoch,
        transaction: Transaction,
    ) -> BoxFuture<'_, Result<Version, CommitError>> {
        Box::pin(self.write(epoch, transaction))
    }

    fn leadership(&self) -> watch::Receiver<Leadership> {
        self.view.clone()
    }

    fn surely_leads(&self, epoch: Epoch) -> bool {
        if self.view.borrow().epoch() != Some(epoch) {
            return false;
        }
        let term = self.evidence.reign_term();
        let silence = term.and_then(|term| self.evidence.silence(term));
        silence.is_some_and(|silence| silence <= self.silence_max)
    }

    fn overlap(&self) -> Duration {
        // Another member's clock may run 5 % faster.
        self.silence_max + self.silence_max / 20
    }

    fn campaign(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        if self.evidence.failure().is_none() {
            self.stance.send_replace(Stance::Stands);
        }
        let failure = self
            .evidence
            .failure()
            .map(|reason| StoreError::Failed { reason });
        Box::pin(std::future::ready(failure.map_or(Ok(()), Err)))
    }

    fn resign(&self, epoch: Epoch) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.end_reign(epoch))
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.leave())
    }
}

#[cfg(test)]
mod tests;
