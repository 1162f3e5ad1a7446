//! [`Request`]: one request of the data API.

use bytes::Bytes;
use pegasus_wire::rrdb::{
    BatchGetRequest, CheckAndMutateRequest, CheckAndSetRequest, GetScannerRequest, IncrRequest,
    MultiGetRequest, MultiPutRequest, MultiRemoveRequest, UpdateRequest,
};

/// A request, in the wire's form. Only scans are named differently: by the number that the model
/// gave them.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// `put`.
    Put(UpdateRequest),
    /// `remove`, with a raw key.
    Remove(Bytes),
    /// `multi_put`.
    MultiPut(MultiPutRequest),
    /// `multi_remove`.
    MultiRemove(MultiRemoveRequest),
    /// `incr`.
    Incr(IncrRequest),
    /// `check_and_set`.
    CheckAndSet(CheckAndSetRequest),
    /// `check_and_mutate`.
    CheckAndMutate(CheckAndMutateRequest),
    /// `get`, with a raw key.
    Get(Bytes),
    /// `ttl`, with a raw key.
    Ttl(Bytes),
    /// `sortkey_count`, with a hash key.
    SortkeyCount(Bytes),
    /// `batch_get`.
    BatchGet(BatchGetRequest),
    /// `multi_get`.
    MultiGet(MultiGetRequest),
    /// `get_scanner`.
    GetScanner(GetScannerRequest),
    /// `scan`: the next batch of the scan with this number.
    Scan(i64),
    /// `clear_scanner`: the scan with this number is not wanted any more.
    ClearScanner(i64),
}

impl Request {
    /// The name of its kind.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Put(_) => "put",
            Self::Remove(_) => "remove",
            Self::MultiPut(_) => "multi_put",
            Self::MultiRemove(_) => "multi_remove",
            Self::Incr(_) => "incr",
            Self::CheckAndSet(_) => "check_and_set",
            Self::CheckAndMutate(_) => "check_and_mutate",
            Self::Get(_) => "get",
            Self::Ttl(_) => "ttl",
            Self::SortkeyCount(_) => "sortkey_count",
            Self::BatchGet(_) => "batch_get",
            Self::MultiGet(_) => "multi_get",
            Self::GetScanner(_) => "get_scanner",
            Self::Scan(_) => "scan",
            Self::ClearScanner(_) => "clear_scanner",
        }
    }
}
