//! [`LocalStore`]: the durable store of a single meta server, one directory with a log and a
//! snapshot. It is what `embedded` means for a group of one; the bytes are described in
//! `docs/formats/metastore.md`.
//!
//! One thread, the [`writer`], owns the log: it takes every commit that is waiting, writes them as
//! one batch, flushes once, and only then lets readers see them. A failed write or flush fails the
//! store for good, because nobody can know what the disk holds after it.

mod directory;
pub mod fuzzing;
mod medium;
mod record;
mod recovery;
mod snapshot;
mod writer;

use std::future::ready;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::{Mutex, RwLock};
use pegasus_common::directory_lock::DirectoryLockError;
use pegasus_common::predecessor::PREDECESSOR_PATIENCE;
use tokio::sync::{mpsc, oneshot, watch};

use crate::key_space::KeySpace;
use crate::leadership::{Epoch, Leadership};
use crate::store::{BoxFuture, CommitError, MetadataStore, ScanRange, StoreError};
use crate::transaction::{Entry, Transaction, Version};
use directory::Directory;
use medium::{FileMedium, OpenMedium};
use writer::{Command, Writer};

/// Settings of a [`LocalStore`].
#[derive(Clone, Copy, Debug)]
pub struct LocalOptions {
    /// A snapshot is written when the log has more bytes than this and than the last snapshot.
    pub log_bytes_max: u64,
    /// Commits that may wait for the writer; further ones wait at the caller.
    pub waiting_commits_max: usize,
    /// A batch takes no more commits when it has this many bytes.
    pub batch_bytes_max: usize,
    /// How long another process that has the directory may take to end.
    pub predecessor_patience: Duration,
}

impl Default for LocalOptions {
    fn default() -> Self {
        Self {
            log_bytes_max: 8 << 20,
            waiting_commits_max: 1024,
            batch_bytes_max: 4 << 20,
            predecessor_patience: PREDECESSOR_PATIENCE,
        }
    }
}

/// Why a directory cannot be opened as a store.
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
    /// The file was written by a newer version.
    #[error("{} has format version {found}, this version reads up to {known}", path.display())]
    NewerFormat {
        /// The file.
        path: PathBuf,
        /// Its format version.
        found: u32,
        /// The newest one that is known here.
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

/// What the writer shares with readers.
#[derive(Debug, Default)]
struct Shared {
    keys: RwLock<KeySpace>,
    failure: Mutex<Option<String>>,
}

impl Shared {
    fn healthy(&self) -> Result<(), StoreError> {
        match &*self.failure.lock() {
            Some(reason) => Err(StoreError::Failed {
                reason: reason.clone(),
            }),
            None => Ok(()),
        }
    }

    fn failure_reason(&self) -> String {
        let reason = self.failure.lock().clone();
        reason.unwrap_or_else(|| "the writer has ended".to_owned())
    }
}

/// A durable store with one member, which leads whenever it stands for election.
#[derive(Debug)]
pub struct LocalStore {
    shared: Arc<Shared>,
    view: watch::Receiver<Leadership>,
    /// `None` only while the store is being dropped.
    commands: Option<mpsc::Sender<Command>>,
    writer: Option<JoinHandle<()>>,
}

impl LocalStore {
    /// Opens the store in `path`, creating it if the directory is missing or empty.
    ///
    /// # Errors
    /// See [`OpenError`]. Damage is never repaired silently: only a batch whose write was cut short
    /// by a crash, which nobody was told of, is taken away.
    pub fn open(path: &Path, options: LocalOptions) -> Result<Self, OpenError> {
        let medium: OpenMedium = Box::new(|file| Box::new(FileMedium::new(file)));
        Self::open_with(path, options, medium)
    }

    fn open_with(path: &Path, options: LocalOptions, open: OpenMedium) -> Result<Self, OpenError> {
        let directory = Directory::lock(path, options.predecessor_patience)?;
        let recovered = recovery::recover(&directory)?;
        let shared = Arc::new(Shared {
            keys: RwLock::new(recovered.keys),
            failure: Mutex::new(None),
        });
        let (view_sender, view) = watch::channel(Leadership::UNKNOWN);
        let (commands, waiting) = mpsc::channel(options.waiting_commits_max.max(1));
        let writer = Writer {
            directory,
            options,
            shared: Arc::clone(&shared),
            view: view_sender,
            log: open(recovered.log.file),
            open,
            generation: recovered.log.generation,
            next_batch: recovered.log.next_batch,
            log_bytes: recovered.log.bytes,
            snapshot_bytes: recovered.snapshot_bytes,
            leading: None,
        };
        let writer = std::thread::Builder::new()
            .name("metastore".to_owned())
            .spawn(move || writer.run(waiting))
            .map_err(|source| OpenError::Io {
                action: "start the writer thread of",
                path: path.to_owned(),
                source,
            })?;
        Ok(Self {
            shared,
            view,
            commands: Some(commands),
            writer: Some(writer),
        })
    }

    /// Hands a command to the writer and waits for its answer; `None` when the writer has ended.
    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Option<T> {
        let (answer, answered) = oneshot::channel();
        let commands = self.commands.as_ref()?;
        commands.send(command(answer)).await.ok()?;
        answered.await.ok()
    }

    fn writer_ended(&self) -> StoreError {
        StoreError::Failed {
            reason: self.shared.failure_reason(),
        }
    }
}

impl Drop for LocalStore {
    fn drop(&mut self) {
        // The writer finishes what was handed over and then ends.
        self.commands = None;
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::error!("the writer of the metadata store has panicked");
        }
    }
}

impl MetadataStore for LocalStore {
    fn get(&self, key: Bytes) -> BoxFuture<'_, Result<Option<Entry>, StoreError>> {
        let healthy = self.shared.healthy();
        Box::pin(ready(healthy.map(|()| self.shared.keys.read().get(&key))))
    }

    fn scan(
        &self,
        range: ScanRange,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Entry>, StoreError>> {
        let healthy = self.shared.healthy();
        Box::pin(ready(
            healthy.map(|()| self.shared.keys.read().scan(&range, limit)),
        ))
    }

    fn commit(
        &self,
        epoch: Epoch,
        transaction: Transaction,
    ) -> BoxFuture<'_, Result<Version, CommitError>> {
        Box::pin(async move {
            let asked = self.ask(|answer| Command::Commit {
                epoch,
                transaction,
                answer,
            });
            asked.await.unwrap_or_else(|| {
                Err(CommitError::Failed {
                    reason: self.shared.failure_reason(),
                })
            })
        })
    }

    fn leadership(&self) -> watch::Receiver<Leadership> {
        self.view.clone()
    }

    fn campaign(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let asked = self.ask(|answer| Command::Campaign { answer }).await;
            asked.unwrap_or_else(|| Err(self.writer_ended()))
        })
    }

    fn resign(&self, epoch: Epoch) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let asked = self.ask(|answer| Command::Resign { epoch, answer }).await;
            asked.unwrap_or_else(|| Err(self.writer_ended()))
        })
    }
}

#[cfg(test)]
mod tests;
