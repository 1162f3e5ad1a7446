//! Errors of opening, flushing and copying a replica's storage.

use std::io;
use std::path::PathBuf;

use pegasus_common::StorageStatus;

use crate::rocks::{is_out_of_space, storage_status};

/// Why an engine could not do what the host asked.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// RocksDB failed.
    #[error("cannot {action} {path}")]
    RocksDb {
        /// What was tried.
        action: &'static str,
        /// The replica's data directory, or the checkpoint's.
        path: PathBuf,
        /// RocksDB's text.
        source: rust_rocksdb::Error,
    },
    /// The operating system failed.
    #[error("cannot {action} {path}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The checkpoint's directory.
        path: PathBuf,
        /// The refusal.
        source: io::Error,
    },
    /// There should be a database and there is none: never an empty start.
    #[error("{path} holds no database although the replica exists")]
    Missing {
        /// The replica's data directory.
        path: PathBuf,
    },
    /// There should be none and there is one.
    #[error("{path} already holds a database")]
    AlreadyExists {
        /// The replica's data directory.
        path: PathBuf,
    },
    /// The meta column family, or a record in it, is missing or unreadable.
    #[error("database {path} has broken metadata: {what}")]
    BrokenMetadata {
        /// The replica's data directory.
        path: PathBuf,
        /// Which part.
        what: &'static str,
    },
    /// Written by a newer version.
    #[error("database {path} has data version {version}: this server knows only 1")]
    UnknownDataVersion {
        /// The replica's data directory.
        path: PathBuf,
        /// What it says.
        version: String,
    },
}

impl EngineError {
    /// Whether the disk was full: the same may succeed when it has space.
    #[must_use]
    pub fn is_out_of_space(&self) -> bool {
        match self {
            Self::RocksDb { source, .. } => is_out_of_space(source),
            Self::Io { source, .. } => source.kind() == io::ErrorKind::StorageFull,
            _ => false,
        }
    }

    /// The number that describes the error best.
    #[must_use]
    pub fn status(&self) -> StorageStatus {
        match self {
            Self::RocksDb { source, .. } => storage_status(source),
            Self::Io { .. } => StorageStatus::IoError,
            Self::Missing { .. } => StorageStatus::NotFound,
            Self::AlreadyExists { .. } => StorageStatus::InvalidArgument,
            Self::BrokenMetadata { .. } => StorageStatus::Corruption,
            Self::UnknownDataVersion { .. } => StorageStatus::NotSupported,
        }
    }
}
