//! The data operations as the client's machinery sees them.

use pegasus_common::{Decree, Gpid};
use pegasus_wire::rrdb::{
    BatchGetResponse, CheckAndMutateResponse, CheckAndSetResponse, CountResponse, IncrResponse,
    MultiGetResponse, MultiRemoveResponse, ReadResponse, ScanResponse, TtlResponse, UpdateResponse,
};
use pegasus_wire::{Message, TaskCode};

use crate::retry::Repeat;

/// One kind of operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Operation {
    /// For error messages.
    pub(crate) name: &'static str,
    pub(crate) code: TaskCode,
    pub(crate) repeat: Repeat,
    pub(crate) access: Access,
}

/// Whether an operation changes data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

const fn read(name: &'static str, code: TaskCode) -> Operation {
    Operation {
        name,
        code,
        repeat: Repeat::Harmless,
        access: Access::Read,
    }
}

const fn write(name: &'static str, code: TaskCode, repeat: Repeat) -> Operation {
    Operation {
        name,
        code,
        repeat,
        access: Access::Write,
    }
}

impl Operation {
    pub(crate) const SET: Self = write("set", TaskCode::Put, Repeat::Harmless);
    pub(crate) const DEL: Self = write("del", TaskCode::Remove, Repeat::Harmless);
    pub(crate) const INCR: Self = write("incr", TaskCode::Incr, Repeat::Harmful);
    pub(crate) const MULTI_SET: Self = write("multi_set", TaskCode::MultiPut, Repeat::Harmless);
    pub(crate) const MULTI_DEL: Self = write("multi_del", TaskCode::MultiRemove, Repeat::Harmless);
    pub(crate) const CHECK_AND_SET: Self =
        write("check_and_set", TaskCode::CheckAndSet, Repeat::Harmful);
    pub(crate) const CHECK_AND_MUTATE: Self = write(
        "check_and_mutate",
        TaskCode::CheckAndMutate,
        Repeat::Harmful,
    );
    pub(crate) const GET: Self = read("get", TaskCode::Get);
    pub(crate) const TTL: Self = read("ttl", TaskCode::Ttl);
    pub(crate) const MULTI_GET: Self = read("multi_get", TaskCode::MultiGet);
    pub(crate) const BATCH_GET: Self = read("batch_get", TaskCode::BatchGet);
    pub(crate) const SORT_KEY_COUNT: Self = read("sort_key_count", TaskCode::SortkeyCount);
    pub(crate) const GET_SCANNER: Self = read("scan", TaskCode::GetScanner);
    /// Its context serves once: after a failure the scanner opens a new one instead.
    pub(crate) const SCAN: Self = Self {
        repeat: Repeat::Harmful,
        ..read("scan", TaskCode::Scan)
    };
}

/// Who answered an operation, and where a write stands in its partition's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The partition.
    pub gpid: Gpid,
    /// Position of the write; `None` for reads.
    pub decree: Option<Decree>,
    /// The server, as it names itself.
    pub server: String,
}

/// What all data responses have.
pub(crate) trait DataResponse: Message {
    fn answered(&self) -> Answered;
}

macro_rules! data_responses {
    (reads: $($read:ident),*; writes: $($write:ident),*) => {
        $(impl DataResponse for $read {
            fn answered(&self) -> Answered {
                Answered {
                    gpid: Gpid::new(self.app_id, self.partition_index),
                    decree: None,
                    server: self.server.clone(),
                }
            }
        })*
        $(impl DataResponse for $write {
            fn answered(&self) -> Answered {
                Answered {
                    gpid: Gpid::new(self.app_id, self.partition_index),
                    decree: Some(Decree(self.decree)),
                    server: self.server.clone(),
                }
            }
        })*
    };
}

data_responses!(
    reads: ReadResponse, TtlResponse, CountResponse, MultiGetResponse, BatchGetResponse, ScanResponse;
    writes: UpdateResponse, MultiRemoveResponse, IncrResponse, CheckAndSetResponse,
        CheckAndMutateResponse
);
