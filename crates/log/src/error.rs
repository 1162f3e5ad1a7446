//! What can go wrong with a log.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pegasus_common::directory_lock::DirectoryLockError;

use crate::record::Record;

/// Why a log could not be opened. The directory is left as it was found.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The operating system refused something.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The refusal.
        source: io::Error,
    },
    /// Another process, or another log of this one, holds the directory.
    #[error(transparent)]
    Lock(#[from] DirectoryLockError),
    /// The host says that there was a log, and there is none.
    #[error("{} should hold a mutation log and does not", path.display())]
    Missing {
        /// The directory.
        path: PathBuf,
    },
    /// There are segments but no marker, or a marker but no segments: part of the log is gone.
    #[error("the mutation log in {} lacks its {lacking}", path.display())]
    Incomplete {
        /// The directory.
        path: PathBuf,
        /// What is gone.
        lacking: &'static str,
    },
    /// Both copies of the marker are unreadable.
    #[error("the marker {} is damaged in both copies", path.display())]
    MarkerDamaged {
        /// The marker file.
        path: PathBuf,
    },
    /// A newer release wrote this.
    #[error("{} has format version {version}, this release reads up to {supported}", path.display())]
    UnsupportedVersion {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u32,
        /// The newest version that this release knows.
        supported: u32,
    },
    /// A record of a kind or version that this release does not know, with a valid checksum.
    #[error(
        "{} has a record of unknown kind {kind} version {version} in the batch at byte {offset}: \
         was it written by a newer release?",
        path.display()
    )]
    UnknownRecord {
        /// The segment.
        path: PathBuf,
        /// Start of the batch in the file, in bytes.
        offset: u64,
        /// The kind byte.
        kind: u8,
        /// The version byte.
        version: u8,
    },
    /// Bytes with valid checksums that make no sense: a fault of the program that wrote them.
    #[error("{} has a malformed {what} in the batch at byte {offset}", path.display())]
    Malformed {
        /// The segment.
        path: PathBuf,
        /// Start of the batch in the file, in bytes.
        offset: u64,
        /// What did not make sense.
        what: &'static str,
    },
    /// The options contradict themselves.
    #[error("log option {option}: {problem}")]
    BadOption {
        /// The field of [`crate::LogOptions`].
        option: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
}

impl OpenError {
    /// Puts the action and the file around an operating system's refusal.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }
}

/// Why a log failed for good. Cheap to clone: every producer gets one.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the mutation log failed: cannot {action} {}", path.display())]
pub struct LogFailure {
    /// What was tried.
    pub action: &'static str,
    /// The file or directory.
    pub path: PathBuf,
    /// The refusal.
    pub source: Arc<io::Error>,
    remedy: Remedy,
}

/// What helps against a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Remedy {
    /// Space on the disk, then the same again.
    Space,
    /// Nothing.
    None,
}

impl LogFailure {
    /// A flush was refused. Nothing helps, not even if the disk was full: the operating system may
    /// have dropped what it could not write, and call the next flush a success.
    pub(crate) fn of_flush(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let failure = Self::new("flush", path);
        move |source| Self {
            remedy: Remedy::None,
            ..failure(source)
        }
    }

    /// Whether the same can be done once the disk has space again.
    pub(crate) fn is_for_want_of_space(&self) -> bool {
        self.remedy == Remedy::Space
    }

    pub(crate) fn new(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self {
            action,
            path,
            remedy: match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Remedy::Space,
                _ => Remedy::None,
            },
            source: Arc::new(source),
        }
    }
}

/// Why a submission was not taken.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// As many bytes wait as the queue may hold. Try again after the next `on_safe`.
    #[error("the mutation log's queue is full")]
    Full(Vec<Record>),
    /// The disk is full: the log waits for space to go on with what it has taken. Nothing is lost;
    /// try again later.
    #[error("the mutation log waits for space on its disk")]
    NoSpace(Vec<Record>),
    /// One record is larger than the format allows ([`crate::Record::BYTES_MAX`]).
    #[error("a record of {bytes} bytes is larger than a mutation log can hold")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// The log failed earlier and takes nothing any more.
    #[error(transparent)]
    Failed(#[from] LogFailure),
    /// The log was closed.
    #[error("the mutation log is closed")]
    Closed,
}
