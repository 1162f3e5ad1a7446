//! The writer thread: group commit, epochs, and the change of generation.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};

use super::directory::Directory;
use super::medium::{Medium, OpenMedium};
use super::record::{BatchWriter, FILE_HEADER_BYTES};
use super::{LocalOptions, OpenError, Shared, recovery, snapshot};
use crate::key_space::Staging;
use crate::leadership::{Epoch, Leadership};
use crate::store::{CommitError, StoreError};
use crate::transaction::{Operation, Transaction, Version};

/// What others ask of the writer.
pub(super) enum Command {
    Commit {
        epoch: Epoch,
        transaction: Transaction,
        answer: oneshot::Sender<Result<Version, CommitError>>,
    },
    Campaign {
        answer: oneshot::Sender<Result<(), StoreError>>,
    },
    Resign {
        epoch: Epoch,
        answer: oneshot::Sender<Result<(), StoreError>>,
    },
}

/// An answer that waits for the batch to be durable.
enum Waiting {
    Commit {
        version: Version,
        operations: Vec<Operation>,
        answer: oneshot::Sender<Result<Version, CommitError>>,
    },
    Election {
        epoch: Epoch,
        outcome: Election,
        answer: oneshot::Sender<Result<(), StoreError>>,
    },
}

/// What a new epoch means for this member.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Election {
    Won,
    Resigned,
}

pub(super) struct Writer {
    pub directory: Directory,
    pub options: LocalOptions,
    pub shared: Arc<Shared>,
    pub view: watch::Sender<Leadership>,
    pub log: Box<dyn Medium>,
    pub open: OpenMedium,
    pub generation: u64,
    pub next_batch: u64,
    pub log_bytes: u64,
    pub snapshot_bytes: u64,
    /// The epoch of this member's reign.
    pub leading: Option<Epoch>,
}

impl Writer {
    /// Serves until every handle is gone or the disk fails.
    pub fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        while let Some(first) = commands.blocking_recv() {
            let failed = match self.serve_batch(first, &mut commands) {
                Ok(()) => self.change_generation_if_due().err(),
                Err((error, waiting)) => {
                    self.fail(&format!("writing the log failed: {error}"));
                    self.refuse(waiting);
                    return self.refuse_all(&mut commands);
                }
            };
            if let Some(error) = failed {
                self.fail(&describe(&error));
                return self.refuse_all(&mut commands);
            }
        }
    }

    /// Takes what is waiting, makes it durable with one write and one flush, and answers.
    fn serve_batch(
        &mut self,
        first: Command,
        commands: &mut mpsc::Receiver<Command>,
    ) -> Result<(), (std::io::Error, Vec<Waiting>)> {
        let mut staging = Staging::default();
        let mut batch = BatchWriter::default();
        let mut waiting = Vec::new();
        let mut next = Some(first);
        while let Some(command) = next {
            self.stage(command, &mut staging, &mut batch, &mut waiting);
            next = if batch.body_bytes() < self.options.batch_bytes_max {
                commands.try_recv().ok()
            } else {
                None
            };
        }
        if !waiting.is_empty() {
            let bytes = batch.finish(self.next_batch, self.log_bytes);
            let written = self.log.append(&bytes);
            if let Err(error) = written.and_then(|()| self.log.flush_to_disk()) {
                return Err((error, waiting));
            }
            self.next_batch += 1;
            self.log_bytes += bytes.len() as u64;
            self.publish(waiting);
        }
        Ok(())
    }

    fn stage(
        &mut self,
        command: Command,
        staging: &mut Staging,
        batch: &mut BatchWriter,
        waiting: &mut Vec<Waiting>,
    ) {
        match command {
            Command::Commit {
                epoch,
                transaction,
                answer,
            } => match self.check(epoch, &transaction, staging) {
                Ok(version) => {
                    let operations = transaction.operations;
                    batch.add_transaction(version, &operations);
                    waiting.push(Waiting::Commit {
                        version,
                        operations,
                        answer,
                    });
                }
                Err(error) => drop(answer.send(Err(error))),
            },
            Command::Campaign { answer } if self.leading.is_some() => {
                drop(answer.send(Ok(())));
            }
            Command::Resign { epoch, answer } if self.leading != Some(epoch) => {
                drop(answer.send(Ok(())));
            }
            Command::Campaign { answer } => {
                let epoch = self.raise_epoch(staging, batch);
                self.leading = Some(epoch);
                let outcome = Election::Won;
                waiting.push(Waiting::Election {
                    epoch,
                    outcome,
                    answer,
                });
            }
            Command::Resign { answer, .. } => {
                let epoch = self.raise_epoch(staging, batch);
                self.leading = None;
                let outcome = Election::Resigned;
                waiting.push(Waiting::Election {
                    epoch,
                    outcome,
                    answer,
                });
            }
        }
    }

    fn check(
        &self,
        epoch: Epoch,
        transaction: &Transaction,
        staging: &mut Staging,
    ) -> Result<Version, CommitError> {
        let keys = self.shared.keys.read();
        if self.leading == Some(epoch) {
            staging.stage(&keys, epoch, transaction)
        } else {
            let current = staging.epoch(&keys);
            Err(CommitError::Deposed { epoch, current })
        }
    }

    fn raise_epoch(&self, staging: &mut Staging, batch: &mut BatchWriter) -> Epoch {
        let epoch = staging.raise_epoch(&self.shared.keys.read());
        batch.add_epoch(epoch);
        epoch
    }

    /// Lets readers see the batch, and tells those who wait. Nobody listening is no error.
    fn publish(&self, waiting: Vec<Waiting>) {
        let mut keys = self.shared.keys.write();
        for item in &waiting {
            match item {
                Waiting::Commit {
                    version,
                    operations,
                    ..
                } => keys.apply(*version, operations),
                Waiting::Election { epoch, .. } => keys.epoch = *epoch,
            }
        }
        drop(keys);
        for item in waiting {
            match item {
                Waiting::Commit {
                    version, answer, ..
                } => drop(answer.send(Ok(version))),
                Waiting::Election {
                    epoch,
                    outcome,
                    answer,
                } => {
                    self.view.send_replace(match outcome {
                        Election::Won => Leadership::Leader { epoch },
                        Election::Resigned => Leadership::UNKNOWN,
                    });
                    drop(answer.send(Ok(())));
                }
            }
        }
    }

    /// Starts a new log with a snapshot before it when the log has grown past its bound.
    fn change_generation_if_due(&mut self) -> Result<(), OpenError> {
        let bound = self.options.log_bytes_max.max(self.snapshot_bytes);
        if self.log_bytes <= bound {
            return Ok(());
        }
        let (old, new) = (self.generation, self.generation + 1);
        recovery::create_log(&self.directory, new)?;
        let keys = self.shared.keys.read();
        let mut snapshot_bytes = 0;
        self.directory
            .publish(&self.directory.snapshot_path(new), |out| {
                snapshot_bytes = snapshot::write(out, new, self.next_batch, &keys)?;
                Ok(())
            })?;
        drop(keys);
        self.log = (self.open)(recovery::open_log(&self.directory.log_path(new))?);
        self.generation = new;
        self.log_bytes = FILE_HEADER_BYTES as u64;
        self.snapshot_bytes = snapshot_bytes;
        self.directory.remove(&self.directory.log_path(old))?;
        self.directory.remove(&self.directory.snapshot_path(old))?;
        self.directory.sync()
    }

    /// From here on nothing is written: after a failed write or flush nobody knows what the disk
    /// holds, and a flush that succeeds later proves nothing about the pages before it.
    fn fail(&self, reason: &str) {
        tracing::error!(
            directory = %self.directory.path().display(),
            reason,
            "the metadata store has failed and refuses everything from now on"
        );
        *self.shared.failure.lock() = Some(reason.to_owned());
        self.view.send_replace(Leadership::UNKNOWN);
    }

    fn refuse(&self, waiting: Vec<Waiting>) {
        let reason = self.shared.failure_reason();
        for item in waiting {
            let reason = reason.clone();
            match item {
                Waiting::Commit { answer, .. } => {
                    drop(answer.send(Err(CommitError::Failed { reason })));
                }
                Waiting::Election { answer, .. } => {
                    drop(answer.send(Err(StoreError::Failed { reason })));
                }
            }
        }
    }

    fn refuse_all(&self, commands: &mut mpsc::Receiver<Command>) {
        while let Some(command) = commands.blocking_recv() {
            let reason = self.shared.failure_reason();
            match command {
                Command::Commit { answer, .. } => {
                    drop(answer.send(Err(CommitError::Failed { reason })));
                }
                Command::Campaign { answer } | Command::Resign { answer, .. } => {
                    drop(answer.send(Err(StoreError::Failed { reason })));
                }
            }
        }
    }
}

/// An error with its cause, in one line.
fn describe(error: &OpenError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
