//! Requests that kill a server of the original, and more of their kind, in every framing: each gets a
//! clear error, its connection goes on, and nothing else changes.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};
use pegasus_client::PartitionMembers;
use pegasus_common::{ErrorCode, Gpid, StorageStatus, key, partition_hash};
use pegasus_rpc::{SessionOptions, SessionPool};
use pegasus_tests::membership::{members, patient_client};
use pegasus_tests::raw_frames::{Framing, RawConnection};
use pegasus_tests::{Node, Onebox, OneboxOptions, client_runtime, settled_digest};
use pegasus_wire::frame::{RequestHead, ResponseFrame};
use pegasus_wire::meta_admin::{
    ConfigurationCreateAppRequest, ConfigurationCreateAppResponse, CreateAppOptions,
};
use pegasus_wire::rrdb::{
    BatchGetRequest, CasCheckType, CheckAndMutateRequest, CheckAndSetRequest, FilterType, FullKey,
    GetScannerRequest, IncrRequest, KeyValue, MultiGetRequest, MultiPutRequest, MultiRemoveRequest,
    Mutate, MutateOperation, ScanRequest, ScanResponse, UpdateRequest, UpdateType,
};
use pegasus_wire::{Message, TaskCode, argument};
use tokio::runtime::Runtime;

const INVALID_ARGUMENT: Expected = Expected::Storage(StorageStatus::InvalidArgument);
const INVALID_DATA: Expected = Expected::Header(ErrorCode::InvalidData);
/// The hash key of what is in the table before; also that of most requests.
const HASH_KEY: &[u8] = b"hash";

/// What a request is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    /// An error of the storage, in the result.
    Storage(StorageStatus),
    /// An error in the frame's header.
    Header(ErrorCode),
}

/// A request that nobody should send.
struct Hostile {
    what: String,
    code: TaskCode,
    argument: Bytes,
    expected: Expected,
}

fn hostile(what: &str, code: TaskCode, argument: Bytes, expected: Expected) -> Hostile {
    Hostile {
        what: what.to_owned(),
        code,
        argument,
        expected,
    }
}

fn encoded<M: Message>(message: &M) -> Bytes {
    let mut out = BytesMut::new();
    argument::encode(message, &mut out);
    out.freeze()
}

fn raw_key(sort_key: &[u8]) -> Bytes {
    key::encode(HASH_KEY, sort_key).expect("a short key").into()
}

/// Bytes that are no raw key.
fn broken_keys() -> [(&'static str, Bytes); 4] {
    [
        ("an empty raw key", Bytes::new()),
        ("a raw key of one byte", Bytes::from_static(b"\0")),
        (
            "a hash key beyond the end",
            Bytes::from_static(b"\0\x09key"),
        ),
        ("a hash key of 65,535 bytes", vec![0xff; 65_537].into()),
    ]
}

fn broken_raw_keys() -> Vec<Hostile> {
    let mut requests = Vec::new();
    for (what, raw_key) in broken_keys() {
        let blob = encoded(&raw_key);
        let put = UpdateRequest {
            key: raw_key.clone(),
            value: Bytes::from_static(b"value"),
            ..UpdateRequest::default()
        };
        let incr = IncrRequest {
            key: raw_key.clone(),
            increment: 1,
            ..IncrRequest::default()
        };
        let scan = GetScannerRequest {
            start_key: raw_key,
            stop_key: Bytes::from_static(b"\xff\xff"),
            ..GetScannerRequest::default()
        };
        for (code, argument) in [
            (TaskCode::Get, blob.clone()),
            (TaskCode::Ttl, blob.clone()),
            (TaskCode::Remove, blob),
            (TaskCode::Put, encoded(&put)),
            (TaskCode::Incr, encoded(&incr)),
            (TaskCode::GetScanner, encoded(&scan)),
        ] {
            requests.push(hostile(what, code, argument, INVALID_ARGUMENT));
        }
    }
    requests
}

fn hash_keys_that_are_too_long() -> Vec<Hostile> {
    let hash_key = Bytes::from(vec![b'h'; 65_535]);
    let pair = KeyValue {
        key: Bytes::from_static(b"s"),
        ..KeyValue::default()
    };
    let full_key = FullKey {
        hash_key: hash_key.clone(),
        sort_key: Bytes::new(),
    };
    let arguments = [
        (
            TaskCode::MultiGet,
            encoded(&MultiGetRequest {
                hash_key: hash_key.clone(),
                ..MultiGetRequest::default()
            }),
        ),
        (
            TaskCode::MultiPut,
            encoded(&MultiPutRequest {
                hash_key: hash_key.clone(),
                kvs: vec![pair],
                ..MultiPutRequest::default()
            }),
        ),
        (
            TaskCode::MultiRemove,
            encoded(&MultiRemoveRequest {
                hash_key: hash_key.clone(),
                sort_keys: vec![Bytes::new()],
                ..MultiRemoveRequest::default()
            }),
        ),
        (
            TaskCode::CheckAndSet,
            encoded(&CheckAndSetRequest {
                hash_key: hash_key.clone(),
                ..CheckAndSetRequest::default()
            }),
        ),
        (
            TaskCode::CheckAndMutate,
            encoded(&CheckAndMutateRequest {
                hash_key: hash_key.clone(),
                mutate_list: vec![Mutate::default()],
                ..CheckAndMutateRequest::default()
            }),
        ),
        (TaskCode::SortkeyCount, encoded(&hash_key)),
        (
            TaskCode::BatchGet,
            encoded(&BatchGetRequest {
                keys: vec![full_key],
            }),
        ),
    ];
    let what = "a hash key of 65,535 bytes";
    let requests = arguments.into_iter();
    requests
        .map(|(code, argument)| hostile(what, code, argument, INVALID_ARGUMENT))
        .collect()
}

fn unknown_enums() -> Vec<Hostile> {
    let filter = FilterType(77);
    let arguments = [
        (
            "a filter on sort keys",
            TaskCode::MultiGet,
            encoded(&MultiGetRequest {
                hash_key: Bytes::from_static(HASH_KEY),
                sort_key_filter_type: filter,
                ..MultiGetRequest::default()
            }),
        ),
        (
            "a filter on hash keys",
            TaskCode::GetScanner,
            encoded(&GetScannerRequest {
                start_key: raw_key(b""),
                hash_key_filter_type: filter,
                ..GetScannerRequest::default()
            }),
        ),
        (
            "a check",
            TaskCode::CheckAndSet,
            encoded(&CheckAndSetRequest {
                hash_key: Bytes::from_static(HASH_KEY),
                check_type: CasCheckType(-1),
                ..CheckAndSetRequest::default()
            }),
        ),
        (
            "a change",
            TaskCode::CheckAndMutate,
            encoded(&CheckAndMutateRequest {
                hash_key: Bytes::from_static(HASH_KEY),
                mutate_list: vec![Mutate {
                    operation: MutateOperation(99),
                    ..Mutate::default()
                }],
                ..CheckAndMutateRequest::default()
            }),
        ),
    ];
    let requests = arguments.into_iter();
    requests
        .map(|(what, code, argument)| hostile(what, code, argument, INVALID_ARGUMENT))
        .collect()
}

/// One good request for each code of a client's, which the requests below are made of.
fn good_arguments() -> Vec<(TaskCode, Bytes)> {
    let hash_key = Bytes::from_static(HASH_KEY);
    let sort_keys = vec![Bytes::from_static(b"s")];
    let pair = KeyValue {
        key: Bytes::from_static(b"s"),
        value: Bytes::from_static(b"v"),
        ..KeyValue::default()
    };
    vec![
        (TaskCode::Get, encoded(&raw_key(b"s"))),
        (TaskCode::Ttl, encoded(&raw_key(b"s"))),
        (TaskCode::Remove, encoded(&raw_key(b"s"))),
        (TaskCode::SortkeyCount, encoded(&hash_key)),
        (TaskCode::Scan, encoded(&ScanRequest { context_id: 1 })),
        (
            TaskCode::Put,
            encoded(&UpdateRequest {
                key: raw_key(b"s"),
                ..UpdateRequest::default()
            }),
        ),
        (
            TaskCode::Incr,
            encoded(&IncrRequest {
                key: raw_key(b"s"),
                ..IncrRequest::default()
            }),
        ),
        (
            TaskCode::MultiPut,
            encoded(&MultiPutRequest {
                hash_key: hash_key.clone(),
                kvs: vec![pair],
                ..MultiPutRequest::default()
            }),
        ),
        (
            TaskCode::MultiGet,
            encoded(&MultiGetRequest {
                hash_key: hash_key.clone(),
                sort_keys: sort_keys.clone(),
                ..MultiGetRequest::default()
            }),
        ),
        (
            TaskCode::MultiRemove,
            encoded(&MultiRemoveRequest {
                hash_key: hash_key.clone(),
                sort_keys,
                ..MultiRemoveRequest::default()
            }),
        ),
        (
            TaskCode::BatchGet,
            encoded(&BatchGetRequest {
                keys: vec![FullKey::default()],
            }),
        ),
        (
            TaskCode::CheckAndSet,
            encoded(&CheckAndSetRequest {
                hash_key: hash_key.clone(),
                ..CheckAndSetRequest::default()
            }),
        ),
        (
            TaskCode::CheckAndMutate,
            encoded(&CheckAndMutateRequest {
                hash_key,
                mutate_list: vec![Mutate::default()],
                ..CheckAndMutateRequest::default()
            }),
        ),
        (
            TaskCode::GetScanner,
            encoded(&GetScannerRequest {
                start_key: raw_key(b""),
                ..GetScannerRequest::default()
            }),
        ),
    ]
}

/// Arguments that are none: nothing, an empty struct, another type, cut anywhere, with lengths and counts
/// that are negative or overrun the body.
fn arguments_that_are_none() -> Vec<Hostile> {
    const LIST: u8 = 15;
    let mut requests = Vec::new();
    for (code, good) in good_arguments() {
        let mut add = |what: &str, argument: &[u8]| {
            let argument = Bytes::copy_from_slice(argument);
            requests.push(hostile(what, code, argument, INVALID_DATA));
        };
        add("no argument", b"");
        add("an empty argument struct", b"\0");
        add("an argument of another type", b"\x08\0\x01\0\0\0\x07\0");
        add(
            "an argument under another id",
            &[&good[..1], b"\0\x07", b"\0"].concat(),
        );
        for length in 0..good.len() {
            add("a cut argument", &good[..length]);
        }
        for size in [u32::MAX, 0x8000_0000, 0x7fff_ffff, 1_000_000] {
            let size = size.to_be_bytes();
            for at in list_counts(&good, LIST) {
                let mut changed = good.to_vec();
                changed[at..at + 4].copy_from_slice(&size);
                add("a list of an impossible count", &changed);
            }
            if is_of_a_blob(code) {
                add(
                    "a blob of an impossible length",
                    &[&good[..3], &size, &good[7..]].concat(),
                );
            }
        }
    }
    requests
}

fn is_of_a_blob(code: TaskCode) -> bool {
    use TaskCode::{Get, Remove, SortkeyCount, Ttl};
    matches!(code, Get | Ttl | Remove | SortkeyCount)
}

/// Where the counts of lists stand: behind a field header and the type of the elements, in arguments
/// whose other bytes do not look like it.
fn list_counts(argument: &[u8], list: u8) -> Vec<usize> {
    let is_list = |at: &usize| {
        argument[*at] == list
            && argument[at + 1] == 0
            && argument[at + 3] == 12
            && argument[at + 4] == 0
    };
    (0..argument.len().saturating_sub(8))
        .filter(is_list)
        .map(|at| at + 4)
        .collect()
}

/// A cluster, and what its table holds.
struct Stage {
    runtime: Runtime,
    onebox: Onebox,
    nodes: Vec<Node>,
    pool: SessionPool,
    members: Vec<PartitionMembers>,
}

/// Number and digest of the records of each partition.
type Content = BTreeMap<Gpid, (i64, i64)>;

impl Stage {
    fn start() -> Self {
        let onebox = Onebox::start(OneboxOptions::default());
        let runtime = client_runtime();
        let (pool, members) = runtime.block_on(async {
            let cluster = patient_client(&onebox).await;
            let table = cluster.table("temp").await.expect("the table exists");
            for number in 0..64_u32 {
                let value = Bytes::copy_from_slice(&number.to_be_bytes());
                let set = table.set(&number.to_be_bytes(), b"s", value.clone()).await;
                set.expect("a normal client writes");
                let set = table.set(HASH_KEY, &number.to_be_bytes(), value).await;
                set.expect("a normal client writes");
            }
            let members = members(&cluster, "temp").await;
            (SessionPool::new(SessionOptions::default()), members)
        });
        Self {
            nodes: onebox.nodes(),
            runtime,
            onebox,
            pool,
            members,
        }
    }

    fn content(&self) -> Content {
        self.runtime.block_on(async {
            let mut content = Content::new();
            for members in &self.members {
                let found = settled_digest(&self.pool, members).await;
                content.insert(members.gpid, (found.record_count, found.digest));
            }
            content
        })
    }

    /// The primary of the partition that [`HASH_KEY`] is in, and a head for requests to it.
    fn target(&self) -> (String, RequestHead) {
        let count = u32::try_from(self.members.len()).expect("eight partitions");
        let hash = partition_hash::of_parts(HASH_KEY, b"");
        let index = partition_hash::partition_index(hash, count);
        let members = &self.members[index as usize];
        let primary = members.primary.expect("every partition serves");
        let head = RequestHead {
            gpid: members.gpid,
            timeout_ms: 10_000,
            thread_hash: members.gpid.thread_hash(),
            ..RequestHead::default()
        };
        (primary.to_string(), head)
    }

    fn meta_address(&self) -> String {
        self.onebox.meta_list()
    }

    /// The same processes live, and none has panicked.
    fn check_processes(&self) {
        for (before, now) in self.nodes.iter().zip(self.onebox.nodes()) {
            assert_eq!((before.pid, true), (now.pid, now.alive), "{}", now.name);
        }
        assert_eq!(self.onebox.panics(), Vec::<String>::new());
    }
}

/// Sends the requests over one connection for each framing, which must survive them all.
fn check_answers(address: &str, head: &RequestHead, requests: &[Hostile]) {
    for framing in Framing::ALL {
        let mut connection = RawConnection::open(address, framing);
        for (seqid, request) in (1..).zip(requests) {
            let head = RequestHead { seqid, ..*head };
            let name = request.code.name().as_bytes();
            let what = format!("{framing:?} {}: {}", request.code, request.what);
            let answer = connection.ask(name, &head, &request.argument);
            let answer = answer.unwrap_or_else(|| panic!("{what}: closed"));
            assert_eq!(answer.seqid, seqid, "{what}");
            assert_eq!(outcome(&answer), request.expected, "{what}");
        }
    }
}

/// The error of an answer: that of the header, or what the result begins with.
fn outcome(answer: &ResponseFrame) -> Expected {
    /// Field 0 is a struct, whose field 1 is a number.
    const BEGIN: &[u8] = b"\x0c\0\0\x08\0\x01";
    if !answer.error.is_ok() {
        return Expected::Header(answer.error);
    }
    let error = answer
        .body
        .strip_prefix(BEGIN)
        .and_then(<[u8]>::first_chunk);
    let error = i32::from_be_bytes(*error.expect("a result that begins with its error"));
    let known = StorageStatus::from_code(error);
    Expected::Storage(known.unwrap_or_else(|| panic!("storage error {error}")))
}

#[test]
fn requests_that_kill_an_original_server_are_answered_with_an_error() {
    let stage = Stage::start();
    let before = stage.content();
    let (address, head) = stage.target();
    for requests in [
        broken_raw_keys(),
        hash_keys_that_are_too_long(),
        unknown_enums(),
        arguments_that_are_none(),
    ] {
        check_answers(&address, &head, &requests);
    }
    fields_that_come_twice_count_once(&address, &head);
    wrong_hashes_are_refused(&address, &head);
    a_filter_with_a_start_key_is_answered(&address, &head);
    tables_of_other_kinds_are_refused(&stage.meta_address());
    assert_eq!(stage.content(), before);
    stage.check_processes();
    puts_of_hidden_types_are_answered(&address, &head);
    stage.check_processes();
}

/// The last of equal fields counts, and a field that nobody knows does not, as for every Thrift reader.
fn fields_that_come_twice_count_once(address: &str, head: &RequestHead) {
    use TaskCode::{BatchGet, Get, GetScanner, MultiGet, SortkeyCount, Ttl};
    const UNKNOWN_FIELD: &[u8] = b"\x08\0\x63\0\0\0\x07";
    for framing in Framing::ALL {
        let mut connection = RawConnection::open(address, framing);
        for (code, good) in good_arguments() {
            if !matches!(
                code,
                Get | Ttl | SortkeyCount | MultiGet | BatchGet | GetScanner
            ) {
                continue;
            }
            let (stop, fields) = good.split_last().expect("a struct ends");
            let twice = [fields, fields, &[*stop]].concat();
            let with_unknown = [fields, UNKNOWN_FIELD, &[*stop]].concat();
            let mut ask = |argument: &[u8]| {
                let answer = connection.ask(code.name().as_bytes(), head, argument);
                answer.expect("an answer").body
            };
            let expected = ask(&good);
            assert_eq!(ask(&twice), expected, "{framing:?} {code}");
            assert_eq!(ask(&with_unknown), expected, "{framing:?} {code}");
        }
    }
}

/// The original aborts on a wrong hash of partition or thread in single writes.
fn wrong_hashes_are_refused(address: &str, head: &RequestHead) {
    let put = encoded(&UpdateRequest {
        key: raw_key(b"s"),
        ..UpdateRequest::default()
    });
    let remove = encoded(&raw_key(b"s"));
    let right = partition_hash::of_parts(HASH_KEY, b"s");
    for framing in Framing::ALL {
        let mut connection = RawConnection::open(address, framing);
        for (code, argument) in [(TaskCode::Put, &put), (TaskCode::Remove, &remove)] {
            let mut ask = |head: RequestHead| {
                let answer = connection.ask(code.name().as_bytes(), &head, argument);
                outcome(&answer.expect("an answer"))
            };
            let refused = Expected::Header(ErrorCode::InvalidParameters);
            let of_another_key = RequestHead {
                partition_hash: right ^ 1,
                ..*head
            };
            assert_eq!(ask(of_another_key), refused, "{framing:?} {code}");
            // Version 1 has no thread hash.
            if framing != Framing::Thrift1 {
                let of_another_thread = RequestHead {
                    thread_hash: head.thread_hash ^ 1,
                    partition_hash: right,
                    ..*head
                };
                assert_eq!(ask(of_another_thread), refused, "{framing:?} {code}");
            }
        }
    }
}

/// The original aborts on a prefix filter on hash keys together with a start hash key.
fn a_filter_with_a_start_key_is_answered(address: &str, head: &RequestHead) {
    let scan = encoded(&GetScannerRequest {
        start_key: raw_key(b""),
        stop_key: Bytes::from_static(b"\xff\xff"),
        start_inclusive: true,
        hash_key_filter_type: FilterType(2),
        hash_key_filter_pattern: Bytes::from_static(b"hash key that is longer"),
        ..GetScannerRequest::default()
    });
    for framing in Framing::ALL {
        let mut connection = RawConnection::open(address, framing);
        let name = TaskCode::GetScanner.name().as_bytes();
        let answer = connection.ask(name, head, &scan).expect("an answer");
        let found: ScanResponse = answer.decode().expect("a result");
        assert_eq!((found.error, found.kvs.len()), (0, 0), "{framing:?}");
        assert_eq!(found.context_id, -1, "{framing:?}");
    }
}

/// The original aborts on a table that is not stateful, or of an unknown type.
fn tables_of_other_kinds_are_refused(address: &str) {
    let good = CreateAppOptions {
        partition_count: 4,
        replica_count: 3,
        app_type: "pegasus".to_owned(),
        is_stateful: true,
        ..CreateAppOptions::default()
    };
    let stateless = CreateAppOptions {
        is_stateful: false,
        ..good.clone()
    };
    let of_another_type = CreateAppOptions {
        app_type: "no such type".to_owned(),
        ..good
    };
    for framing in Framing::ALL {
        for options in [&stateless, &of_another_type] {
            let request = ConfigurationCreateAppRequest {
                app_name: "hostile".to_owned(),
                options: options.clone(),
            };
            let mut connection = RawConnection::open(address, framing);
            let name = TaskCode::CreateApp.name().as_bytes();
            let answer = connection.ask(name, &RequestHead::default(), &encoded(&request));
            let answer: ConfigurationCreateAppResponse = answer
                .expect("an answer")
                .decode()
                .expect("a result of the meta server");
            assert_eq!(answer.err, ErrorCode::InvalidParameters, "{framing:?}");
        }
    }
}

/// The original applies a put with one of the internal types and never answers it.
fn puts_of_hidden_types_are_answered(address: &str, head: &RequestHead) {
    for framing in Framing::ALL {
        let mut connection = RawConnection::open(address, framing);
        for hidden in 1..=4_i32 {
            let put = encoded(&UpdateRequest {
                key: raw_key(b"s"),
                r#type: Some(UpdateType(hidden)),
                ..UpdateRequest::default()
            });
            let answer = connection.ask(TaskCode::Put.name().as_bytes(), head, &put);
            let outcome = outcome(&answer.expect("an answer"));
            assert_eq!(
                outcome,
                Expected::Storage(StorageStatus::Ok),
                "type {hidden}"
            );
        }
    }
}
