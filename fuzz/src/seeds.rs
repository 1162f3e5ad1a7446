//! Inputs to begin with, made by our own encoders: one function for each target.

use bytes::{Bytes, BytesMut};
use pegasus_common::config::{Detail, to_toml};
use pegasus_common::{Ballot, Decree, ErrorCode, Gpid, key};
use pegasus_log::{MutationRecord, Record};
use pegasus_meta::cluster_state::ClusterState;
use pegasus_meta::config::MetaServerConfig;
use pegasus_meta::dump::Dump;
use pegasus_replica::ReplicaServerConfig;
use pegasus_wire::frame::{
    CallKind, OutgoingRequest, ReplyTo, RequestHead, rdsn, request, response,
};
use pegasus_wire::rrdb::{
    BatchGetRequest, CheckAndMutateRequest, CheckAndSetRequest, FilterType, FullKey,
    GetScannerRequest, IncrRequest, KeyValue, MultiGetRequest, MultiPutRequest, MultiRemoveRequest,
    Mutate, ScanRequest, UpdateRequest,
};
use pegasus_wire::{Message, TaskCode};

use crate::input::of_parts;
use crate::messages::{MESSAGES, encoded};
use crate::targets::reads::READS;
use crate::targets::writes::WRITES;

type Seeds = Vec<Vec<u8>>;

fn blob(bytes: &[u8]) -> Bytes {
    Bytes::copy_from_slice(bytes)
}

fn raw_key(hash_key: &[u8], sort_key: &[u8]) -> Bytes {
    key::encode(hash_key, sort_key)
        .expect("a short hash key")
        .into()
}

/// An input whose first byte chooses.
fn chosen(choice: usize, rest: &[u8]) -> Vec<u8> {
    let choice = u8::try_from(choice).expect("fewer than 256 choices");
    [&[choice], rest].concat()
}

/// The position of a code among the choices of a target.
fn at(code: TaskCode, choices: &[TaskCode]) -> usize {
    let position = choices.iter().position(|choice| *choice == code);
    position.expect("the target has the code")
}

fn pair(key: &[u8], value: &[u8]) -> KeyValue {
    KeyValue {
        key: blob(key),
        value: blob(value),
        ..KeyValue::default()
    }
}

/// Every write, with all of its fields filled.
fn write_arguments() -> Vec<(TaskCode, Bytes)> {
    let changes = |value: &[u8]| Mutate {
        sort_key: blob(b"n"),
        value: blob(value),
        ..Mutate::default()
    };
    vec![
        (
            TaskCode::Put,
            encoded(&UpdateRequest {
                key: raw_key(b"h", b"s"),
                value: blob(b"value"),
                expire_ts_seconds: 5,
                ..UpdateRequest::default()
            }),
        ),
        (TaskCode::Remove, encoded(&raw_key(b"h", b"s"))),
        (
            TaskCode::MultiPut,
            encoded(&MultiPutRequest {
                hash_key: blob(b"h"),
                kvs: vec![pair(b"a", b"1"), pair(b"a", b"2")],
                expire_ts_seconds: 7,
            }),
        ),
        (
            TaskCode::MultiRemove,
            encoded(&MultiRemoveRequest {
                hash_key: blob(b"h"),
                sort_keys: vec![blob(b"a"), blob(b"")],
                ..MultiRemoveRequest::default()
            }),
        ),
        (
            TaskCode::Incr,
            encoded(&IncrRequest {
                key: raw_key(b"h", b"n"),
                increment: -1,
                ..IncrRequest::default()
            }),
        ),
        (
            TaskCode::CheckAndSet,
            encoded(&CheckAndSetRequest {
                hash_key: blob(b"h"),
                check_sort_key: blob(b"t"),
                check_operand: blob(b"text"),
                set_diff_sort_key: true,
                set_sort_key: blob(b"s"),
                set_value: blob(b"new"),
                return_check_value: true,
                ..CheckAndSetRequest::default()
            }),
        ),
        (
            TaskCode::CheckAndMutate,
            encoded(&CheckAndMutateRequest {
                hash_key: blob(b"h"),
                check_sort_key: blob(b"n"),
                mutate_list: vec![changes(b"1"), changes(b"2")],
                ..CheckAndMutateRequest::default()
            }),
        ),
    ]
}

/// Every read, with all of its fields filled.
fn read_arguments() -> Vec<(TaskCode, Bytes)> {
    let full_key = |hash_key: &[u8], sort_key: &[u8]| FullKey {
        hash_key: blob(hash_key),
        sort_key: blob(sort_key),
    };
    let range = MultiGetRequest {
        hash_key: blob(b"hash"),
        max_kv_count: 3,
        max_kv_size: 100,
        start_sortkey: blob(b""),
        stop_sortkey: blob(b"\xff"),
        start_inclusive: true,
        stop_inclusive: true,
        sort_key_filter_type: FilterType(2),
        sort_key_filter_pattern: blob(b"a"),
        reverse: true,
        ..MultiGetRequest::default()
    };
    let scan = GetScannerRequest {
        start_key: raw_key(b"", b""),
        stop_key: blob(b"\xff\xff"),
        start_inclusive: true,
        batch_size: 2,
        hash_key_filter_type: FilterType(2),
        hash_key_filter_pattern: blob(b"a"),
        validate_partition_hash: Some(true),
        return_expire_ts: Some(true),
        full_scan: Some(true),
        ..GetScannerRequest::default()
    };
    let keys = MultiGetRequest {
        hash_key: blob(b"hash"),
        sort_keys: vec![blob(b"a"), blob(b"missing"), blob(b"a")],
        ..MultiGetRequest::default()
    };
    let records = BatchGetRequest {
        keys: vec![full_key(b"hash", b"a"), full_key(b"", b"")],
    };
    vec![
        (TaskCode::Get, encoded(&raw_key(b"hash", b"a"))),
        (TaskCode::Ttl, encoded(&raw_key(b"a", b""))),
        (TaskCode::MultiGet, encoded(&range)),
        (TaskCode::MultiGet, encoded(&keys)),
        (TaskCode::BatchGet, encoded(&records)),
        (TaskCode::SortkeyCount, encoded(&blob(b"hash"))),
        (TaskCode::GetScanner, encoded(&scan)),
        (TaskCode::Scan, encoded(&ScanRequest { context_id: 7 })),
        (TaskCode::ClearScanner, encoded(&7_i64)),
    ]
}

/// A request frame.
fn frame(code: TaskCode, argument: &[u8], is_backup_request: bool) -> Vec<u8> {
    let mut out = BytesMut::new();
    let head = OutgoingRequest {
        code,
        gpid: Gpid::new(2, 5),
        timeout_ms: 1_000,
        partition_hash: 0xb136_b82b_96d0_c625,
        is_backup_request,
        seqid: 2,
        kind: CallKind::Call,
    };
    request::encode_with(&mut out, &head, argument.len(), |out| {
        out.extend_from_slice(argument);
    });
    out.to_vec()
}

/// A native frame with the same content.
fn native_frame(code: TaskCode, argument: &[u8]) -> Vec<u8> {
    let head = RequestHead {
        gpid: Gpid::new(2, 5),
        timeout_ms: 1_000,
        partition_hash: 0xb136_b82b_96d0_c625,
        seqid: 2,
        ..RequestHead::default()
    };
    let mut out = BytesMut::new();
    rdsn::encode_request(&mut out, code.name().as_bytes(), &head, argument);
    out.to_vec()
}

/// Streams of frames in both versions of the header.
#[must_use]
pub fn thrift_frames() -> Seeds {
    let arguments = write_arguments().into_iter().chain(read_arguments());
    arguments
        .map(|(code, argument)| {
            let both = [frame(code, &argument, false), frame(code, &argument, true)];
            chosen(3, &both.concat())
        })
        .collect()
}

/// Streams of native frames.
#[must_use]
pub fn native_frames() -> Seeds {
    let arguments = write_arguments().into_iter().chain(read_arguments());
    arguments
        .map(|(code, argument)| chosen(3, &native_frame(code, &argument).repeat(2)))
        .collect()
}

/// Answers with a result, with an error, and with both.
#[must_use]
pub fn responses() -> Seeds {
    let to = ReplyTo {
        name: TaskCode::Get.into(),
        seqid: 2,
    };
    let mut out = BytesMut::new();
    response::encode_ok(&mut out, &to, &pair(b"k", b"v"));
    response::encode_error(&mut out, &to, ErrorCode::Busy);
    response::encode_with_body(&mut out, &to, ErrorCode::InvalidState, &7_i32);
    vec![chosen(3, &out)]
}

/// Each message with its defaults, and requests with content.
#[must_use]
pub fn messages() -> Seeds {
    let defaults = MESSAGES.iter().enumerate();
    let mut seeds: Seeds = defaults
        .map(|(index, kind)| chosen(index, &(kind.sample)()))
        .collect();
    for (_, argument) in write_arguments().into_iter().chain(read_arguments()) {
        seeds.extend(
            (0..MESSAGES.len())
                .step_by(5)
                .map(|index| chosen(index, &argument)),
        );
    }
    seeds
}

/// Each request with its default argument; as none has a default of its own type here, with all that
/// messages between servers have.
#[must_use]
pub fn peer_messages() -> Seeds {
    use pegasus_wire::replication::{
        CheckpointOffer, GroupCheckRequest, GroupCheckResponse, LearnRequest, LearnResponse,
        PrepareAck, PrepareRequest,
    };
    fn of<M: Message + Default>(code: TaskCode) -> Vec<u8> {
        chosen(at(code, TaskCode::ALL), &encoded(&M::default()))
    }
    let payload = b"\x01\0\0\0\x01\0\0\0\x00\x03\0\x01h";
    vec![
        of::<PrepareRequest>(TaskCode::Prepare),
        of::<PrepareAck>(TaskCode::PrepareAcknowledge),
        of::<GroupCheckRequest>(TaskCode::GroupCheck),
        of::<GroupCheckRequest>(TaskCode::AddLearner),
        of::<GroupCheckResponse>(TaskCode::GroupCheckReply),
        of::<LearnRequest>(TaskCode::Learn),
        of::<LearnResponse>(TaskCode::LearnReply),
        of::<CheckpointOffer>(TaskCode::CheckpointOffer),
        chosen(0, payload),
    ]
}

/// Every write.
#[must_use]
pub fn writes() -> Seeds {
    let arguments = write_arguments().into_iter();
    arguments
        .map(|(code, argument)| chosen(at(code, &WRITES), &argument))
        .collect()
}

/// Every read.
#[must_use]
pub fn reads() -> Seeds {
    let arguments = read_arguments().into_iter();
    arguments
        .map(|(code, argument)| chosen(at(code, &READS), &argument))
        .collect()
}

/// Requests to every page.
#[must_use]
pub fn http() -> Seeds {
    [
        "GET /configs HTTP/1.1\r\nHost: x\r\n\r\nGET /nothing HTTP/1.0\r\n\r\n",
        "GET /config?name=network.address HTTP/1.1\r\nConnection: close\r\n\r\n",
        "GET /updateConfig?a=%41 HTTP/1.1\r\n\r\n",
        "POST //a///b HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    ]
    .into_iter()
    .map(|request| chosen(7, request.as_bytes()))
    .collect()
}

/// A log of two segments: the first has a whole batch of one sector.
#[must_use]
pub fn log() -> Seeds {
    let gpid = Gpid::new(2, 5);
    let mutation = Record::Mutation(MutationRecord {
        gpid,
        ballot: Ballot(3),
        decree: Decree(4),
        timestamp_us: 5,
        last_committed: Decree(3),
        checksum: 0,
        payload: Bytes::new(),
    });
    let others = [
        Record::Reset {
            gpid,
            ballot: Ballot(3),
            decree: Decree(3),
        },
        mutation,
        Record::Vouch {
            gpid,
            ballot: Ballot(3),
        },
        Record::Forget { gpid },
    ];
    let content = pegasus_log::fuzzing::content_of(&others);
    let batch = pegasus_log::fuzzing::batch_of(&others);
    vec![
        of_parts(&[&content]),
        of_parts(&[&batch, &batch]),
        of_parts(&[&batch[..batch.len() / 2], &batch]),
    ]
}

/// A new member, one with a snapshot and a log, and one with a damaged end.
#[must_use]
pub fn metadata_store() -> Seeds {
    let (base, batch) = pegasus_metastore::embedded::fuzzing::samples().expect("samples");
    vec![
        of_parts(&[b"", b""]),
        of_parts(&[&base, b""]),
        of_parts(&[&base, b"", &batch]),
        of_parts(&[&base, b"MBAT\0\0\0\0", &batch, &batch]),
    ]
}

/// Questions of every kind, and an answer.
#[must_use]
pub fn group_messages() -> Seeds {
    pegasus_metastore::embedded::fuzzing::sample_messages().expect("samples")
}

/// A table with one partition.
#[must_use]
pub fn catalogue() -> Seeds {
    const TABLE: &str = r#"{"format_version":1,"status":"app_status::AS_AVAILABLE",
        "app_type":"pegasus","app_name":"temp","app_id":1,"partition_count":1,"envs":{},
        "is_stateful":1,"max_replica_count":3,"expire_second":0,"create_second":0,"drop_second":0,
        "init_partition_count":-1,"atomic_idempotent":0}"#;
    const PARTITION: &str = r#"{"format_version":1,"pid":"1.0","ballot":3,"max_replica_count":3,
        "primary":"127.0.0.1:34801","secondaries":["127.0.0.1:34802"],"last_drops":[],
        "last_committed_decree":0,"partition_flags":0}"#;
    let dump = Dump::of(&ClusterState::default(), "cluster", 1_700_000_000);
    vec![
        of_parts(&[
            b"apps/1",
            TABLE.as_bytes(),
            b"apps/1/0",
            PARTITION.as_bytes(),
        ]),
        dump.to_json().into_bytes(),
    ]
}

/// The small files' content, and one whole file.
#[must_use]
pub fn replica_files() -> Seeds {
    [
        r#"{"app_id":2,"app_name":"temp","partition_count":8,"max_replica_count":3}"#,
        r#"{"from":"127.0.0.1:34801","checkpoint_id":7,"decree":5,"digest":1,
            "files":[{"name":"1.sst","size":3}]}"#,
        "pegasus-fuzz 1 00000000\n{}",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into()
}

/// Both servers' files, and a change.
#[must_use]
pub fn config() -> Seeds {
    vec![
        to_toml(&ReplicaServerConfig::default(), Detail::All).into_bytes(),
        to_toml(&MetaServerConfig::default(), Detail::All).into_bytes(),
        b"network.max_connections=17".to_vec(),
        b"[network]\nmax_frame_bytes = 0x10000\naddress = \"127.0.0.1:1\"\n".to_vec(),
    ]
}

/// One of each.
#[must_use]
pub fn texts() -> Seeds {
    [
        "2.5",
        "127.0.0.1:34601",
        "localhost:34601",
        "ERR_BUSY",
        TaskCode::Get.name(),
    ]
    .map(|text| text.as_bytes().to_vec())
    .into_iter()
    .chain([raw_key(b"hash", b"sort").to_vec()])
    .collect()
}
