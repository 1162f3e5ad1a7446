//! Error names as they travel in response headers and in `err` fields (wire-protocol.md section 8.1).

use std::fmt;
use std::str::FromStr;

macro_rules! error_codes {
    (client: [$($client:ident = $client_name:literal,)*] server: [$($server:ident = $server_name:literal,)*]) => {
        /// A framework or replica error. Only its *name* is ever on the wire.
        ///
        /// The first 78 are known to every released client. The others are for our own servers and
        /// tools: a Java, Go or Python client breaks on a name that it does not know, so
        /// [`ErrorCode::for_clients`] stands before every answer to one.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs, reason = "the name on the wire, given beside each, is the meaning")]
        pub enum ErrorCode {
            #[default]
            $($client,)*
            $($server,)*
        }

        impl ErrorCode {
            /// Every code, in upstream's order of registration.
            pub const ALL: &'static [Self] = &[$(Self::$client,)* $(Self::$server,)*];

            /// The name on the wire.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$client => $client_name,)*
                    $(Self::$server => $server_name,)*
                }
            }

            /// The code of a name from the wire, if it is known.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($client_name => Some(Self::$client),)*
                    $($server_name => Some(Self::$server),)*
                    _ => None,
                }
            }
        }
    };
}

error_codes! {
    client: [
    Ok = "ERR_OK",
    Unknown = "ERR_UNKNOWN",
    ServiceNotFound = "ERR_SERVICE_NOT_FOUND",
    ServiceAlreadyRunning = "ERR_SERVICE_ALREADY_RUNNING",
    IoPending = "ERR_IO_PENDING",
    Timeout = "ERR_TIMEOUT",
    ServiceNotActive = "ERR_SERVICE_NOT_ACTIVE",
    Busy = "ERR_BUSY",
    NetworkInitFailed = "ERR_NETWORK_INIT_FAILED",
    ForwardToOthers = "ERR_FORWARD_TO_OTHERS",
    ObjectNotFound = "ERR_OBJECT_NOT_FOUND",
    HandlerNotFound = "ERR_HANDLER_NOT_FOUND",
    LearnFileFailed = "ERR_LEARN_FILE_FAILED",
    GetLearnStateFailed = "ERR_GET_LEARN_STATE_FAILED",
    InvalidVersion = "ERR_INVALID_VERSION",
    InvalidParameters = "ERR_INVALID_PARAMETERS",
    CapacityExceeded = "ERR_CAPACITY_EXCEEDED",
    InvalidState = "ERR_INVALID_STATE",
    InactiveState = "ERR_INACTIVE_STATE",
    NotEnoughMember = "ERR_NOT_ENOUGH_MEMBER",
    FileOperationFailed = "ERR_FILE_OPERATION_FAILED",
    HandleEof = "ERR_HANDLE_EOF",
    WrongChecksum = "ERR_WRONG_CHECKSUM",
    InvalidData = "ERR_INVALID_DATA",
    InvalidHandle = "ERR_INVALID_HANDLE",
    IncompleteData = "ERR_INCOMPLETE_DATA",
    VersionOutdated = "ERR_VERSION_OUTDATED",
    PathNotFound = "ERR_PATH_NOT_FOUND",
    PathAlreadyExist = "ERR_PATH_ALREADY_EXIST",
    AddressAlreadyUsed = "ERR_ADDRESS_ALREADY_USED",
    StateFreezed = "ERR_STATE_FREEZED",
    LocalAppFailure = "ERR_LOCAL_APP_FAILURE",
    BindIocpFailed = "ERR_BIND_IOCP_FAILED",
    NetworkStartFailed = "ERR_NETWORK_START_FAILED",
    NotImplemented = "ERR_NOT_IMPLEMENTED",
    CheckpointFailed = "ERR_CHECKPOINT_FAILED",
    WrongTiming = "ERR_WRONG_TIMING",
    NoNeedOperate = "ERR_NO_NEED_OPERATE",
    Corruption = "ERR_CORRUPTION",
    TryAgain = "ERR_TRY_AGAIN",
    ClusterNotFound = "ERR_CLUSTER_NOT_FOUND",
    ClusterAlreadyExist = "ERR_CLUSTER_ALREADY_EXIST",
    ServiceAlreadyExist = "ERR_SERVICE_ALREADY_EXIST",
    Injected = "ERR_INJECTED",
    ReplicationFailure = "ERR_REPLICATION_FAILURE",
    AppExist = "ERR_APP_EXIST",
    AppNotExist = "ERR_APP_NOT_EXIST",
    BusyCreating = "ERR_BUSY_CREATING",
    BusyDropping = "ERR_BUSY_DROPPING",
    NetworkFailure = "ERR_NETWORK_FAILURE",
    UnderRecovery = "ERR_UNDER_RECOVERY",
    LearnerNotFound = "ERR_LEARNER_NOT_FOUND",
    OperationDisabled = "ERR_OPERATION_DISABLED",
    Expired = "ERR_EXPIRED",
    LockAlreadyExist = "ERR_LOCK_ALREADY_EXIST",
    HoldByOthers = "ERR_HOLD_BY_OTHERS",
    RecursiveLock = "ERR_RECURSIVE_LOCK",
    NoOwner = "ERR_NO_OWNER",
    NodeAlreadyExist = "ERR_NODE_ALREADY_EXIST",
    InconsistentState = "ERR_INCONSISTENT_STATE",
    ArrayIndexOutOfRange = "ERR_ARRAY_INDEX_OUT_OF_RANGE",
    DirNotEmpty = "ERR_DIR_NOT_EMPTY",
    FsInternal = "ERR_FS_INTERNAL",
    IgnoreBadData = "ERR_IGNORE_BAD_DATA",
    AppDropped = "ERR_APP_DROPPED",
    MockInternal = "ERR_MOCK_INTERNAL",
    ZookeeperOperation = "ERR_ZOOKEEPER_OPERATION",
    ChildRegistered = "ERR_CHILD_REGISTERED",
    IngestionFailed = "ERR_INGESTION_FAILED",
    Unauthenticated = "ERR_UNAUTHENTICATED",
    Krb5Internal = "ERR_KRB5_INTERNAL",
    SaslInternal = "ERR_SASL_INTERNAL",
    SaslIncomplete = "ERR_SASL_INCOMPLETE",
    AclDeny = "ERR_ACL_DENY",
    Splitting = "ERR_SPLITTING",
    ParentPartitionMisused = "ERR_PARENT_PARTITION_MISUSED",
    ChildNotReady = "ERR_CHILD_NOT_READY",
    DiskInsufficient = "ERR_DISK_INSUFFICIENT",
    ]
    server: [
    RetryExhausted = "ERR_RETRY_EXHAUSTED",
    SyncRangerPoliciesFailed = "ERR_SYNC_RANGER_POLICIES_FAILED",
    RangerParseAcl = "ERR_RANGER_PARSE_ACL",
    RangerPoliciesNoNeedUpdate = "ERR_RANGER_POLICIES_NO_NEED_UPDATE",
    RdbCorruption = "ERR_RDB_CORRUPTION",
    DiskIoError = "ERR_DISK_IO_ERROR",
    CurlFailed = "ERR_CURL_FAILED",
    DupExist = "ERR_DUP_EXIST",
    HttpError = "ERR_HTTP_ERROR",
    NotMatched = "ERR_NOT_MATCHED",
    ]
}

impl ErrorCode {
    /// Whether every released THFT client knows the name.
    #[must_use]
    pub fn is_known_to_clients(self) -> bool {
        self <= Self::DiskInsufficient
    }

    /// The nearest code that every released client knows.
    #[must_use]
    pub fn for_clients(self) -> Self {
        match self {
            known if known.is_known_to_clients() => known,
            Self::RdbCorruption | Self::DiskIoError => Self::LocalAppFailure,
            Self::RetryExhausted => Self::Timeout,
            _ => Self::Unknown,
        }
    }

    /// Whether this is success.
    #[must_use]
    pub fn is_ok(self) -> bool {
        self == Self::Ok
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl std::error::Error for ErrorCode {}

/// A name that no version has registered.
#[derive(Debug, thiserror::Error)]
#[error("'{name}' is no error code known to this version")]
pub struct UnknownErrorName {
    name: String,
}

impl FromStr for ErrorCode {
    type Err = UnknownErrorName;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::from_name(name).ok_or_else(|| UnknownErrorName {
            name: name.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_fit_the_header() {
        for &code in ErrorCode::ALL {
            assert_eq!(ErrorCode::from_name(code.name()), Some(code));
            assert!(
                code.name().len() <= 47,
                "{code} is too long for a response header"
            );
            assert!(code.for_clients().is_known_to_clients(), "{code}");
        }
        assert_eq!(ErrorCode::from_name("ERR_NO_SUCH"), None);
    }

    #[test]
    fn released_clients_know_exactly_the_first_78() {
        let known = ErrorCode::ALL
            .iter()
            .filter(|code| code.is_known_to_clients())
            .count();
        assert_eq!(known, 78);
    }
}
