//! Clients' operations in the form of the wire and of the engine, and back: what a client library and
//! a server's read path do.

use bytes::{Bytes, BytesMut};
use pegasus_common::clock::{PEGASUS_EPOCH_UNIX_SECONDS, WallMicros};
use pegasus_common::{ErrorCode, StorageStatus, key, value};
use pegasus_history::key_value::{Answer, Check, Operation, SubWrite, Text};
use pegasus_replica::DecodedWrite;
use pegasus_wire::TaskCode;
use pegasus_wire::frame::ResponseFrame;
use pegasus_wire::rrdb;

use crate::disk::storage_model::Snapshot;
use crate::time::WALL_START_US;

/// Answers of the simulated server are no larger.
const FRAME_BYTES_MAX: usize = 1 << 20;

/// What an absolute second of the simulation is on the wire; 0 stays "never".
#[must_use]
pub fn expire_ts(second: u64) -> i32 {
    if second == 0 {
        return 0;
    }
    let start = WALL_START_US / 1_000_000 - PEGASUS_EPOCH_UNIX_SECONDS;
    let absolute = start + i64::try_from(second).unwrap_or(0);
    i32::try_from(absolute).unwrap_or(i32::MAX)
}

fn raw_key(hash_key: &str, sort_key: &str) -> Bytes {
    let encoded = key::encode(hash_key.as_bytes(), sort_key.as_bytes());
    encoded.expect("simulated keys are short").into()
}

fn bytes_of(text: &Text) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

/// The write that an operation is; `None` for a read.
#[must_use]
pub fn write_of(hash_key: &str, operation: &Operation, expires_at: u64) -> Option<DecodedWrite> {
    let hash = || Bytes::copy_from_slice(hash_key.as_bytes());
    Some(match operation {
        Operation::Get { .. } | Operation::GetAll | Operation::Count => return None,
        Operation::Set {
            sort_key, value, ..
        } => DecodedWrite::Put(rrdb::UpdateRequest {
            key: raw_key(hash_key, sort_key),
            value: bytes_of(value),
            expire_ts_seconds: expire_ts(expires_at),
            ..rrdb::UpdateRequest::default()
        }),
        Operation::Delete { sort_key } => DecodedWrite::Remove(raw_key(hash_key, sort_key)),
        Operation::MultiSet { records } => DecodedWrite::MultiPut(rrdb::MultiPutRequest {
            hash_key: hash(),
            kvs: records.iter().map(pair).collect(),
            expire_ts_seconds: 0,
        }),
        Operation::MultiDelete { sort_keys } => {
            DecodedWrite::MultiRemove(rrdb::MultiRemoveRequest {
                hash_key: hash(),
                sort_keys: sort_keys.iter().map(bytes_of).collect(),
                ..rrdb::MultiRemoveRequest::default()
            })
        }
        Operation::Increment { sort_key, by } => DecodedWrite::Incr(rrdb::IncrRequest {
            key: raw_key(hash_key, sort_key),
            increment: *by,
            expire_ts_seconds: 0,
        }),
        Operation::CheckAndSet {
            check_sort_key,
            check,
            sort_key,
            value,
        } => {
            let (check_type, check_operand) = wire_check(check);
            DecodedWrite::CheckAndSet(rrdb::CheckAndSetRequest {
                hash_key: hash(),
                check_sort_key: bytes_of(check_sort_key),
                check_type,
                check_operand,
                set_diff_sort_key: check_sort_key != sort_key,
                set_sort_key: bytes_of(sort_key),
                set_value: bytes_of(value),
                set_expire_ts_seconds: 0,
                return_check_value: true,
            })
        }
        Operation::CheckAndMutate {
            check_sort_key,
            check,
            writes,
        } => {
            let (check_type, check_operand) = wire_check(check);
            DecodedWrite::CheckAndMutate(rrdb::CheckAndMutateRequest {
                hash_key: hash(),
                check_sort_key: bytes_of(check_sort_key),
                check_type,
                check_operand,
                mutate_list: writes.iter().map(wire_mutate).collect(),
                return_check_value: true,
            })
        }
    })
}

fn pair((sort_key, value): &(Text, Text)) -> rrdb::KeyValue {
    rrdb::KeyValue {
        key: bytes_of(sort_key),
        value: bytes_of(value),
        ..rrdb::KeyValue::default()
    }
}

fn wire_check(check: &Check) -> (rrdb::CasCheckType, Bytes) {
    match check {
        Check::Absent => (rrdb::CasCheckType::CT_VALUE_NOT_EXIST, Bytes::new()),
        Check::Present => (rrdb::CasCheckType::CT_VALUE_EXIST, Bytes::new()),
        Check::ValueIs(value) => (rrdb::CasCheckType::CT_VALUE_BYTES_EQUAL, bytes_of(value)),
    }
}

fn wire_mutate(write: &SubWrite) -> rrdb::Mutate {
    match write {
        SubWrite::Set { sort_key, value } => rrdb::Mutate {
            operation: rrdb::MutateOperation::MO_PUT,
            sort_key: bytes_of(sort_key),
            value: bytes_of(value),
            set_expire_ts_seconds: 0,
        },
        SubWrite::Delete { sort_key } => rrdb::Mutate {
            operation: rrdb::MutateOperation::MO_DELETE,
            sort_key: bytes_of(sort_key),
            ..rrdb::Mutate::default()
        },
    }
}

/// The name under which an operation's answer is sent.
#[must_use]
pub fn code_of(operation: &Operation) -> TaskCode {
    match operation {
        Operation::Get { .. } => TaskCode::Get,
        Operation::GetAll => TaskCode::MultiGet,
        Operation::Count => TaskCode::SortkeyCount,
        Operation::Set { .. } => TaskCode::Put,
        Operation::Delete { .. } => TaskCode::Remove,
        Operation::MultiSet { .. } => TaskCode::MultiPut,
        Operation::MultiDelete { .. } => TaskCode::MultiRemove,
        Operation::Increment { .. } => TaskCode::Incr,
        Operation::CheckAndSet { .. } => TaskCode::CheckAndSet,
        Operation::CheckAndMutate { .. } => TaskCode::CheckAndMutate,
    }
}

/// What a frame that answers a write says.
///
/// # Errors
/// The error code in the frame's header.
pub fn answer_of(operation: &Operation, mut frame: BytesMut) -> Result<Answer, ErrorCode> {
    let frame = ResponseFrame::split_from(&mut frame, FRAME_BYTES_MAX)
        .ok()
        .flatten()
        .expect("a server sends whole frames");
    if !frame.error.is_ok() {
        return Err(frame.error);
    }
    let known = "a server sends what its client can read";
    let status = |number: i32| StorageStatus::from_code(number).expect(known);
    Ok(match operation {
        Operation::Increment { .. } => {
            let response: rrdb::IncrResponse = frame.decode().expect(known);
            match status(response.error) {
                StorageStatus::Ok => Answer::Number(response.new_value),
                StorageStatus::InvalidArgument => Answer::InvalidArgument,
                other => panic!("incr answered {other:?}"),
            }
        }
        Operation::CheckAndSet { .. } => {
            let response: rrdb::CheckAndSetResponse = frame.decode().expect(known);
            let found = response.check_value_exist.then_some(response.check_value);
            check_answer(status(response.error), found)
        }
        Operation::CheckAndMutate { .. } => {
            let response: rrdb::CheckAndMutateResponse = frame.decode().expect(known);
            let found = response.check_value_exist.then_some(response.check_value);
            check_answer(status(response.error), found)
        }
        Operation::MultiDelete { .. } => {
            let response: rrdb::MultiRemoveResponse = frame.decode().expect(known);
            assert_eq!(status(response.error), StorageStatus::Ok, "multi_remove");
            Answer::Done
        }
        _ => {
            let response: rrdb::UpdateResponse = frame.decode().expect(known);
            assert_eq!(status(response.error), StorageStatus::Ok, "update");
            Answer::Done
        }
    })
}

fn check_answer(status: StorageStatus, found: Option<Bytes>) -> Answer {
    match status {
        StorageStatus::Ok => Answer::Passed,
        StorageStatus::TryAgain => Answer::Refused {
            found: found.map(|value| text(&value)),
        },
        other => panic!("a check answered {other:?}"),
    }
}

fn text(bytes: &[u8]) -> Text {
    Text::from(std::str::from_utf8(bytes).expect("only text is written"))
}

/// What a read finds in a storage, by the wall clock of the server.
#[must_use]
pub fn read(stored: &Snapshot, hash_key: &str, operation: &Operation, now: WallMicros) -> Answer {
    let now_s = now.to_epoch_seconds().0;
    let live = |stored: &Bytes| {
        let parts = value::split(stored).expect("only whole values are stored");
        let is_live = !parts.expire_ts.is_expired(now_s);
        is_live.then(|| text(&stored[value::HEADER_LEN..]))
    };
    if let Operation::Get { sort_key } = operation {
        let found = stored.data.get(&raw_key(hash_key, sort_key));
        return Answer::Value(found.and_then(live));
    }
    let prefix = raw_key(hash_key, "");
    let records = stored
        .data
        .range(prefix.clone()..)
        .take_while(|(key, _)| key.starts_with(&prefix))
        .filter_map(|(key, stored)| Some((text(&key[prefix.len()..]), live(stored)?)))
        .collect::<std::collections::BTreeMap<_, _>>();
    match operation {
        Operation::Count => Answer::Count(records.len() as u64),
        _ => Answer::Records(records),
    }
}
