//! What an operation can end with.

use pegasus_common::{ErrorCode, StorageStatus};
use pegasus_rpc::{CallError, RequestFate};

/// Failure of an operation on a table, of an administrative call, or of finding the cluster.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ClientError {
    /// The list of meta servers is empty or not readable.
    #[error("bad list of meta servers '{list}': {reason}")]
    MetaList {
        /// As given.
        list: String,
        /// What is wrong.
        reason: String,
    },
    /// No meta server answered in time.
    #[error("{call}: no leading meta server found in {list}: {last}")]
    NoLeader {
        /// What was asked.
        call: &'static str,
        /// Who was asked.
        list: String,
        /// The last failure.
        last: String,
    },
    /// A meta server refused an administrative call.
    #[error("{call}: the meta server answered {code}{}", hint_suffix(hint))]
    Meta {
        /// What was asked.
        call: &'static str,
        /// Why it was refused.
        code: ErrorCode,
        /// The server's explanation, often empty.
        hint: String,
    },
    /// The table cannot be used: it does not exist, is being created, or its description makes no
    /// sense.
    #[error("table '{table}': {reason}")]
    Table {
        /// Its name.
        table: String,
        /// Why.
        reason: TableProblem,
    },
    /// An argument that no server would accept.
    #[error("{operation} on table '{table}': {reason}")]
    InvalidArgument {
        /// The table.
        table: String,
        /// The operation.
        operation: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// The servers could not be asked, or refused.
    #[error("{operation} on table '{table}': {source}{}", fate_suffix(*fate))]
    Call {
        /// The table.
        table: String,
        /// The operation.
        operation: &'static str,
        /// Whether a write may have been, or may yet be, executed.
        fate: WriteFate,
        /// The last failure.
        source: CallError,
    },
    /// The partition had no primary until the deadline.
    #[error("{operation} on table '{table}': partition {partition} has no primary now")]
    NoPrimary {
        /// The table.
        table: String,
        /// The operation.
        operation: &'static str,
        /// The partition.
        partition: i32,
    },
    /// The storage layer refused or failed.
    #[error("{operation} on table '{table}': storage status {status} ({})", status_name(*status))]
    Storage {
        /// The table.
        table: String,
        /// The operation.
        operation: &'static str,
        /// A RocksDB status code; [`StorageStatus::from_code`] names it.
        status: i32,
    },
    /// An answer that contradicts itself or the request.
    #[error("{operation} on table '{table}': {reason}")]
    Protocol {
        /// The table.
        table: String,
        /// The operation.
        operation: &'static str,
        /// What is wrong.
        reason: &'static str,
    },
}

/// Why a table cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableProblem {
    /// The meta server does not know it.
    #[error("no such table")]
    NotFound,
    /// The meta server's answer.
    #[error("{0}")]
    Refused(ErrorCode),
    /// The description of its partitions is not usable.
    #[error("unusable description: {0}")]
    Malformed(&'static str),
}

/// What is known of a failed operation's effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteFate {
    /// It had none, or was a read.
    NotExecuted,
    /// The effect of a write is unknown: it may have happened, or may yet.
    Unknown,
}

impl ClientError {
    /// Whether a write that failed so may have been executed all the same.
    #[must_use]
    pub fn write_fate(&self) -> WriteFate {
        match self {
            Self::Call { fate, .. } => *fate,
            Self::Protocol { .. } => WriteFate::Unknown,
            _ => WriteFate::NotExecuted,
        }
    }

    /// The storage status, if the storage layer answered.
    #[must_use]
    pub fn storage_status(&self) -> Option<StorageStatus> {
        match self {
            Self::Storage { status, .. } => StorageStatus::from_code(*status),
            _ => None,
        }
    }

    /// The nearest code of the framework.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::MetaList { .. } | Self::InvalidArgument { .. } => ErrorCode::InvalidParameters,
            Self::NoLeader { .. } => ErrorCode::NetworkFailure,
            Self::Meta { code, .. } => *code,
            Self::Table { reason, .. } => match reason {
                TableProblem::NotFound => ErrorCode::ObjectNotFound,
                TableProblem::Refused(code) => *code,
                TableProblem::Malformed(_) => ErrorCode::InvalidData,
            },
            Self::Call { source, .. } => source.code(),
            Self::NoPrimary { .. } => ErrorCode::InvalidState,
            Self::Storage { .. } => ErrorCode::LocalAppFailure,
            Self::Protocol { .. } => ErrorCode::InvalidData,
        }
    }
}

impl From<RequestFate> for WriteFate {
    fn from(fate: RequestFate) -> Self {
        match fate {
            RequestFate::NotSent => Self::NotExecuted,
            RequestFate::MayHaveArrived => Self::Unknown,
        }
    }
}

fn hint_suffix(hint: &str) -> String {
    if hint.is_empty() {
        String::new()
    } else {
        format!(" ({hint})")
    }
}

fn fate_suffix(fate: WriteFate) -> &'static str {
    match fate {
        WriteFate::NotExecuted => "",
        WriteFate::Unknown => "; the write may have been executed",
    }
}

fn status_name(status: i32) -> &'static str {
    use StorageStatus as S;
    match StorageStatus::from_code(status) {
        Some(S::Ok) => "ok",
        Some(S::NotFound) => "not found",
        Some(S::Corruption) => "corruption",
        Some(S::NotSupported) => "not supported",
        Some(S::InvalidArgument) => "invalid argument",
        Some(S::IoError) => "I/O error",
        Some(S::MergeInProgress) => "merge in progress",
        Some(S::Incomplete) => "incomplete",
        Some(S::ShutdownInProgress) => "shutdown in progress",
        Some(S::TimedOut) => "timed out",
        Some(S::Aborted) => "aborted",
        Some(S::Busy) => "busy",
        Some(S::Expired) => "expired",
        Some(S::TryAgain) => "try again",
        Some(S::CompactionTooLarge) => "compaction too large",
        Some(S::ColumnFamilyDropped) => "column family dropped",
        None => "unknown to this version",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_name_table_operation_and_reason() {
        let error = ClientError::Storage {
            table: "temp".to_owned(),
            operation: "incr",
            status: 4,
        };
        assert_eq!(
            error.to_string(),
            "incr on table 'temp': storage status 4 (invalid argument)"
        );
        assert_eq!(error.storage_status(), Some(StorageStatus::InvalidArgument));
        assert_eq!(error.write_fate(), WriteFate::NotExecuted);
    }

    #[test]
    fn every_status_has_a_name() {
        for status in StorageStatus::ALL {
            assert_ne!(status_name(status.code()), status_name(99));
        }
    }
}
