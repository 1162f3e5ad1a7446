//! Reads of clients against a storage with records of every awkward kind.

use std::time::Instant;

use bytes::Bytes;
use pegasus_common::StorageStatus;
use pegasus_engine::{Engine, ReadAt, ReadOutcome, ReadTier};
use pegasus_wire::rrdb::{GetScannerRequest, ScanRequest, ScanResponse};
use pegasus_wire::{Message, TaskCode, argument};

use crate::input::Input;
use crate::memory::MemoryBound;
use crate::targets::storage::{self, NOW_S};

/// The requests that read.
pub const READS: [TaskCode; 8] = [
    TaskCode::Get,
    TaskCode::Ttl,
    TaskCode::MultiGet,
    TaskCode::BatchGet,
    TaskCode::SortkeyCount,
    TaskCode::GetScanner,
    TaskCode::Scan,
    TaskCode::ClearScanner,
];
/// No scan of the few records takes more batches.
const BATCHES_MAX: usize = 1_000;

/// First byte: which request the rest is the argument of.
pub fn run(input: &[u8]) {
    let mut input = Input::new(input);
    let code = input.one_of(&READS);
    let body = Bytes::copy_from_slice(input.rest());
    storage::with(|engine| MemoryBound::BUFFERS.check(body.len(), || read(engine, code, &body)));
}

/// Reads; a request that is none is not read.
fn read(engine: &Engine, code: TaskCode, body: &Bytes) -> Option<()> {
    let at = ReadAt {
        now_epoch_s: NOW_S,
        tier: ReadTier::All,
    };
    match code {
        TaskCode::Get => done(&engine.get(argument::blob(body).ok()?, at)),
        TaskCode::Ttl => done(&engine.ttl(argument::blob(body).ok()?, at)),
        TaskCode::MultiGet => done(&engine.multi_get(&argument::decode(body).ok()?, at)),
        TaskCode::BatchGet => done(&engine.batch_get(&argument::decode(body).ok()?, at)),
        TaskCode::SortkeyCount => done(&engine.sortkey_count(argument::blob(body).ok()?, at)),
        TaskCode::GetScanner => scan_to_the_end(engine, &argument::decode(body).ok()?),
        TaskCode::Scan => {
            let request: ScanRequest = argument::decode(body).ok()?;
            engine.scan(&request, NOW_S, Instant::now());
        }
        _ => engine.clear_scanner(i64::decode(&mut pegasus_wire::Reader::borrowed(body)).ok()?),
    }
    Some(())
}

fn done<T>(outcome: &ReadOutcome<T>) {
    assert!(
        matches!(outcome, ReadOutcome::Done(_)),
        "the disk may be read"
    );
}

/// Every scan ends, in the order of keys and without repetition.
fn scan_to_the_end(engine: &Engine, request: &GetScannerRequest) {
    let mut response = engine.get_scanner(request, NOW_S, Instant::now());
    let mut last = Bytes::new();
    for _ in 0..BATCHES_MAX {
        check_order(&response, &mut last);
        if response.context_id <= 0 {
            return;
        }
        assert_eq!(response.error, StorageStatus::Ok.code(), "{request:?}");
        let next = ScanRequest {
            context_id: response.context_id,
        };
        response = engine.scan(&next, NOW_S, Instant::now());
    }
    panic!("a scan without end: {request:?}");
}

fn check_order(response: &ScanResponse, last: &mut Bytes) {
    for record in &response.kvs {
        assert!(record.key > *last, "{response:?}");
        last.clone_from(&record.key);
    }
}
