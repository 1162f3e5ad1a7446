//! Why a call to another server failed, and whether that server may have executed it.

use std::sync::Arc;
use std::time::Duration;

use pegasus_common::{ErrorCode, RpcAddress};
use pegasus_wire::DecodeError;

/// What the other side may have seen of a request that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestFate {
    /// Not a complete request: it was certainly not executed.
    NotSent,
    /// All of it was handed to the network: it may have been executed, or may yet be.
    MayHaveArrived,
}

/// Why a connection ended.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CloseReason {
    /// The other side closed it.
    #[error("closed by the other side")]
    ClosedByPeer,
    /// This side dropped every handle to it.
    #[error("closed by this side")]
    ClosedHere,
    /// The socket failed.
    #[error("{0}")]
    Socket(Arc<std::io::Error>),
    /// What arrived is no answer.
    #[error("broken answer: {0}")]
    BrokenFrame(Arc<str>),
}

/// Why a call has no answer, or a refusal for an answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CallError {
    /// No connection could be made, now or a moment ago (see `SessionPool` for its back-off).
    #[error("cannot connect to {server}: {reason}")]
    Connect {
        /// Whom.
        server: RpcAddress,
        /// What the system said.
        reason: Arc<str>,
    },
    /// The connection broke before the answer.
    #[error("connection to {server} lost: {reason}")]
    ConnectionLost {
        /// Whose.
        server: RpcAddress,
        /// Whether the request had left.
        fate: RequestFate,
        /// What happened.
        reason: CloseReason,
    },
    /// No answer in time. A late one is ignored.
    #[error("no answer from {server} within {} ms", timeout.as_millis())]
    Timeout {
        /// Whose.
        server: RpcAddress,
        /// Whether the request had left.
        fate: RequestFate,
        /// How long the caller waited.
        timeout: Duration,
    },
    /// The session's limit of calls or of unsent bytes is reached.
    #[error("too many calls to {server} in flight (limit: {limit})")]
    Overloaded {
        /// Whom the calls wait for.
        server: RpcAddress,
        /// The limit, in calls or bytes.
        limit: usize,
    },
    /// The answer's header says that the request was not served.
    #[error("{server} answered {code}")]
    Refused {
        /// Who.
        server: RpcAddress,
        /// Why.
        code: ErrorCode,
    },
    /// The answer's body is not what the call returns.
    #[error("answer of {server} cannot be decoded: {source}")]
    MalformedAnswer {
        /// Whose.
        server: RpcAddress,
        /// What is wrong.
        source: DecodeError,
    },
}

impl CallError {
    /// What may have become of the request. A refusal counts as [`RequestFate::MayHaveArrived`]:
    /// which codes promise that nothing was done is for the caller of that operation to know.
    #[must_use]
    pub fn fate(&self) -> RequestFate {
        match self {
            Self::Connect { .. } | Self::Overloaded { .. } => RequestFate::NotSent,
            Self::ConnectionLost { fate, .. } | Self::Timeout { fate, .. } => *fate,
            Self::Refused { .. } | Self::MalformedAnswer { .. } => RequestFate::MayHaveArrived,
        }
    }

    /// The nearest code of the framework.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Connect { .. } | Self::ConnectionLost { .. } => ErrorCode::NetworkFailure,
            Self::Timeout { .. } => ErrorCode::Timeout,
            Self::Overloaded { .. } => ErrorCode::Busy,
            Self::Refused { code, .. } => *code,
            Self::MalformedAnswer { .. } => ErrorCode::InvalidData,
        }
    }
}
