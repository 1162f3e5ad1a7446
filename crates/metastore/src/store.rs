//! The interface: [`MetadataStore`].

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::leadership::{Epoch, Leadership};
use crate::transaction::{Entry, Transaction, Version};

/// A future behind a trait object.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Largest transaction that every implementation takes, in bytes of keys and values
/// ([`Transaction::size_bytes`]). A table of 4,096 partitions needs about 1.5 MB.
pub const TRANSACTION_BYTES_MAX: usize = 16 << 20;

/// An ordered, durable, transactional key space with a fenced leadership.
///
/// The implementations may be one member of a group (Raft, ZooKeeper) or the whole store. Futures
/// may be dropped at any time: a read is then given up, and a commit may still take effect.
pub trait MetadataStore: Send + Sync {
    /// Reads one key. Sees everything that any member acknowledged before the call. A member that
    /// does not lead may refuse.
    ///
    /// # Errors
    /// The store cannot be reached or has failed.
    fn get(&self, key: Bytes) -> BoxFuture<'_, Result<Option<Entry>, StoreError>>;

    /// Reads keys in ascending order of bytes, at most `limit`. Pages are not one snapshot: only
    /// the leader, who knows its own writes, may put them together.
    ///
    /// # Errors
    /// The store cannot be reached or has failed.
    fn scan(&self, range: ScanRange, limit: usize)
    -> BoxFuture<'_, Result<Vec<Entry>, StoreError>>;

    /// Makes a transaction durable. Returns the version of every value that it wrote.
    ///
    /// Commits under way at the same time may take effect in any order.
    ///
    /// # Errors
    /// See [`CommitError`]; only [`CommitError::Indeterminate`] leaves open whether it happened.
    fn commit(
        &self,
        epoch: Epoch,
        transaction: Transaction,
    ) -> BoxFuture<'_, Result<Version, CommitError>>;

    /// This member's view of the leadership, and its changes.
    fn leadership(&self) -> watch::Receiver<Leadership>;

    /// Whether this member was the only leader, in the reign of `epoch`, not longer ago than
    /// [`MetadataStore::overlap`]. Unlike the view of [`MetadataStore::leadership`] it is never wrong,
    /// also in a process that stood still; to be asked before each answer that others rely on.
    fn surely_leads(&self, epoch: Epoch) -> bool;

    /// For so long, at most, [`MetadataStore::surely_leads`] holds for a leader after another one was
    /// elected, by the clock of any member.
    fn overlap(&self) -> Duration;

    /// Stands for election until [`MetadataStore::resign`]. The outcome shows in
    /// [`MetadataStore::leadership`]. Standing twice is no error.
    ///
    /// # Errors
    /// The store cannot be reached or has failed.
    fn campaign(&self) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Gives up the leadership of `epoch` and stands no more. Later commits with it fail. An epoch
    /// that has passed already is no error.
    ///
    /// # Errors
    /// The store cannot be reached or has failed.
    fn resign(&self, epoch: Epoch) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Ends this member: nothing of it runs on, and what it keeps is free for another process. Every
    /// later call fails.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// Which keys a scan covers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScanRange {
    /// Only keys that begin with this.
    pub prefix: Bytes,
    /// Only keys after this one: the last key of the page before.
    pub after: Option<Bytes>,
}

impl ScanRange {
    /// All keys that begin with `prefix`.
    #[must_use]
    pub fn of_prefix(prefix: impl Into<Bytes>) -> Self {
        Self {
            prefix: prefix.into(),
            after: None,
        }
    }
}

/// A store that cannot answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Now; a later attempt may succeed.
    #[error("the metadata store cannot be reached: {reason}")]
    Unavailable {
        /// What was tried and what happened.
        reason: String,
    },
    /// For good: this process must not go on with the store.
    #[error("the metadata store has failed: {reason}")]
    Failed {
        /// The first error.
        reason: String,
    },
}

/// Why a transaction was not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum CommitError {
    /// The committer does not lead any more. Nothing changed.
    #[error("epoch {epoch} has passed, the store is at epoch {current}")]
    Deposed {
        /// The committer's epoch.
        epoch: Epoch,
        /// The largest epoch that the store knows.
        current: Epoch,
    },
    /// A precondition did not hold. Nothing changed.
    #[error("a precondition on key {key:?} does not hold, its version is {found:?}")]
    PreconditionFailed {
        /// The key.
        key: Bytes,
        /// Its version, if it has a value.
        found: Option<Version>,
    },
    /// The transaction is over [`TRANSACTION_BYTES_MAX`]. Nothing changed.
    #[error("the transaction has {size_bytes} bytes, the limit is {TRANSACTION_BYTES_MAX}")]
    TooLarge {
        /// Its size.
        size_bytes: usize,
    },
    /// The answer is missing: it may have happened, or may happen yet. The committer must give up
    /// its leadership and read everything again.
    #[error("nobody knows whether the transaction took effect: {reason}")]
    Indeterminate {
        /// What happened.
        reason: String,
    },
    /// The store has failed for good. Whether the transaction survives is unknown.
    #[error("the metadata store has failed: {reason}")]
    Failed {
        /// The first error.
        reason: String,
    },
}
