//! Replays what a real Apache Pegasus answered (`reference/golden`) against eight engines.

#![allow(
    clippy::unwrap_used,
    reason = "a test may panic in its helper functions too"
)]

#[allow(dead_code, reason = "each test uses its part")]
mod support;

use std::collections::{BTreeSet, HashMap};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::time::Instant;

use bytes::Bytes;
use pegasus_engine::{Engine, OpenMode, ReadAt, ReadTier, WriteOperation, WriteReply};
use pegasus_wire::rrdb::*;
use pegasus_wire::{argument, result};
use serde_json::Value;
use support::Replica;

/// When the recording was made: absolute times in it refer to this (seconds since 2016).
const RECORDED_AT_S: u32 = 343_690_398;
/// Sections that are about stored data alone.
const SECTIONS: [&str; 11] = [
    "basic",
    "ttl",
    "multi_put",
    "multi_remove",
    "multi_get",
    "batch_get",
    "incr",
    "check_and_set",
    "check_and_mutate",
    "scan",
    "update_type",
];

fn transcript() -> impl Iterator<Item = Value> {
    let shared = std::env::var_os("PEGASUS_SHARED").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")),
        PathBuf::from,
    );
    let path = shared.join("reference/golden/golden.jsonl.gz");
    let file = std::fs::File::open(&path)
        .unwrap_or_else(|error| panic!("cannot open {}: {error}", path.display()));
    BufReader::new(flate2::read::GzDecoder::new(file))
        .lines()
        .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
}

fn hex(text: &Value) -> Vec<u8> {
    hex_of(text.as_str().unwrap())
}

fn hex_of(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|start| u8::from_str_radix(&text[start..start + 2], 16).unwrap())
        .collect()
}

struct Replay {
    replicas: Vec<Replica>,
    /// Context ids that we gave out, by record.
    contexts: HashMap<i64, i64>,
    /// Scans of a whole partition under way, by the record that continues them.
    whole_scans: HashMap<i64, WholeScan>,
    now_s: u32,
}

/// A scan of a whole partition. The transcript is an excerpt: the partition of the recording had
/// records whose writes were left out, so batches cannot be compared, but what all batches together
/// say of the keys that we do have can.
struct WholeScan {
    ours: BTreeSet<Bytes>,
    known: BTreeSet<Bytes>,
    recorded: BTreeSet<Bytes>,
}

impl Replay {
    /// The argument with times and context ids of this run.
    fn argument(&self, record: &Value) -> Bytes {
        let mut args = hex(&record["args"]);
        for substitution in record["subs"].as_array().unwrap() {
            let offset = usize::try_from(substitution[0].as_u64().unwrap()).unwrap();
            let number = substitution[2].as_i64().unwrap();
            if substitution[1] == "expire" {
                let expire_ts = i32::try_from(i64::from(self.now_s) + number).unwrap();
                args[offset..offset + 4].copy_from_slice(&expire_ts.to_be_bytes());
            } else {
                let context_id = self.contexts[&number];
                args[offset..offset + 8].copy_from_slice(&context_id.to_be_bytes());
            }
        }
        Bytes::from(args)
    }

    fn at(&self) -> ReadAt {
        ReadAt {
            now_epoch_s: self.now_s,
            tier: ReadTier::All,
        }
    }

    /// Our answer and the recorded one, both without what the host fills in, as text.
    fn answers(&mut self, record: &Value) -> (String, String) {
        let args = self.argument(record);
        let expected = Bytes::from(record["resp_hex"].as_str().map_or_else(Vec::new, hex_of));
        let replica = usize::try_from(record["pidx"].as_u64().unwrap()).unwrap();
        let at = self.at();
        let replica = &mut self.replicas[replica];
        replica.now_epoch_s = at.now_epoch_s;
        let engine = &replica.engine;
        macro_rules! read {
            ($request:ty, $response:ty, $read:expr) => {{
                let request: $request = argument::decode(&args).unwrap();
                let found: $response = $read(&request);
                let mut recorded: $response = result::decode(&expected).unwrap();
                recorded.app_id = 0;
                recorded.partition_index = 0;
                recorded.server.clear();
                (format!("{found:?}"), format!("{recorded:?}"))
            }};
        }
        match record["code"]
            .as_str()
            .unwrap()
            .trim_start_matches("RPC_RRDB_RRDB_")
        {
            "GET" => read!(Bytes, ReadResponse, |key: &Bytes| {
                let found = engine.get(key, at).done().unwrap();
                ReadResponse {
                    error: found.status().code(),
                    value: Bytes::copy_from_slice(found.user_data()),
                    ..ReadResponse::default()
                }
            }),
            "TTL" => {
                read!(Bytes, TtlResponse, |key: &Bytes| engine
                    .ttl(key, at)
                    .done()
                    .unwrap())
            }
            "SORTKEY_COUNT" => read!(Bytes, CountResponse, |key: &Bytes| engine
                .sortkey_count(key, at)
                .done()
                .unwrap()),
            "MULTI_GET" => read!(MultiGetRequest, MultiGetResponse, |request| engine
                .multi_get(request, at)
                .done()
                .unwrap()),
            "BATCH_GET" => read!(BatchGetRequest, BatchGetResponse, |request| engine
                .batch_get(request, at)
                .done()
                .unwrap()),
            "GET_SCANNER" | "SCAN" => self.scan_answers(record, &args, &expected),
            code => write_answers(replica, code, &args, &expected),
        }
    }

    fn scan_answers(&mut self, record: &Value, args: &Bytes, expected: &Bytes) -> (String, String) {
        let mut recorded: ScanResponse = result::decode(expected).unwrap();
        if let Some(answers) = self.whole_scan_answers(record, args, &recorded) {
            return answers;
        }
        let engine = self.engine(record);
        let mut found = if record["code"] == "RPC_RRDB_RRDB_SCAN" {
            engine.scan(&argument::decode(args).unwrap(), self.now_s, Instant::now())
        } else {
            engine.get_scanner(&argument::decode(args).unwrap(), self.now_s, Instant::now())
        };
        self.contexts
            .insert(record["i"].as_i64().unwrap(), found.context_id);
        recorded.app_id = 0;
        recorded.partition_index = 0;
        recorded.server.clear();
        // An empty range: upstream answers 0, which clients take for a context. Ours is "completed".
        let is_empty_range = recorded.error == 0 && recorded.context_id == 0;
        for response in [&mut found, &mut recorded] {
            let is_over = response.context_id == -1 || is_empty_range;
            response.context_id = if is_over { -1 } else { 1 };
            for pair in &mut response.kvs {
                pair.expire_ts_seconds = pair.expire_ts_seconds.map(|expire_ts| expire_ts.min(1));
            }
        }
        (format!("{found:?}"), format!("{recorded:?}"))
    }

    /// `None` when the record is no part of a scan of a whole partition.
    fn whole_scan_answers(
        &mut self,
        record: &Value,
        args: &Bytes,
        recorded: &ScanResponse,
    ) -> Option<(String, String)> {
        let mut scan = if record["code"] == "RPC_RRDB_RRDB_SCAN" {
            self.whole_scans.remove(&record["subs"][0][2].as_i64()?)?
        } else {
            let request: GetScannerRequest = argument::decode(args).unwrap();
            if request.start_key[..] != [0, 0] || recorded.error != 0 {
                return None;
            }
            let everything = GetScannerRequest {
                start_key: request.start_key.clone(),
                stop_key: request.stop_key.clone(),
                start_inclusive: true,
                ..GetScannerRequest::default()
            };
            WholeScan {
                ours: self.keys_of(
                    record,
                    &GetScannerRequest {
                        only_return_count: None,
                        ..request
                    },
                ),
                known: self.keys_of(record, &everything),
                recorded: BTreeSet::new(),
            }
        };
        scan.recorded
            .extend(recorded.kvs.iter().map(|pair| pair.key.clone()));
        if recorded.context_id != -1 || recorded.kv_count.is_some() {
            let number = record["i"].as_i64()?;
            self.contexts.insert(number, 0);
            self.whole_scans.insert(number, scan);
            return Some(Default::default());
        }
        let recorded: BTreeSet<_> = scan.recorded.intersection(&scan.known).collect();
        Some((format!("{:?}", scan.ours), format!("{recorded:?}")))
    }

    /// Every key that a scan finds.
    fn keys_of(&self, record: &Value, request: &GetScannerRequest) -> BTreeSet<Bytes> {
        let engine = self.engine(record);
        let mut response = engine.get_scanner(request, self.now_s, Instant::now());
        let mut keys = BTreeSet::new();
        loop {
            assert_eq!(response.error, 0);
            keys.extend(response.kvs.into_iter().map(|pair| pair.key));
            if response.context_id == -1 {
                return keys;
            }
            let request = ScanRequest {
                context_id: response.context_id,
            };
            response = engine.scan(&request, self.now_s, Instant::now());
        }
    }

    fn engine(&self, record: &Value) -> &Engine {
        &self.replicas[usize::try_from(record["pidx"].as_u64().unwrap()).unwrap()].engine
    }
}

fn write_answers(
    replica: &mut Replica,
    code: &str,
    args: &Bytes,
    expected: &Bytes,
) -> (String, String) {
    macro_rules! write {
        ($request:ty, $response:ty, $operation:expr) => {{
            let request: $request = argument::decode(args).unwrap();
            let reply = replica.write($operation(&request));
            let recorded: $response = result::decode(expected).unwrap();
            (reply, recorded)
        }};
    }
    fn status_only(reply: &WriteReply, error: i32) -> (String, String) {
        (reply.status().code().to_string(), error.to_string())
    }
    match code {
        "PUT" => {
            let request: UpdateRequest = argument::decode(args).unwrap();
            let reply = replica.write(WriteOperation::Put(&request));
            // Upstream never answers a put that carries an internal type; ours does.
            let recorded = result::decode::<UpdateResponse>(expected).unwrap_or_default();
            status_only(&reply, recorded.error)
        }
        "REMOVE" => {
            let raw_key: Bytes = argument::decode(args).unwrap();
            let reply = replica.write(WriteOperation::Remove(&raw_key));
            let recorded: UpdateResponse = result::decode(expected).unwrap();
            status_only(&reply, recorded.error)
        }
        "MULTI_PUT" => {
            let (reply, recorded) =
                write!(MultiPutRequest, UpdateResponse, WriteOperation::MultiPut);
            status_only(&reply, recorded.error)
        }
        "MULTI_REMOVE" => {
            let (reply, recorded) = write!(
                MultiRemoveRequest,
                MultiRemoveResponse,
                WriteOperation::MultiRemove
            );
            let WriteReply::MultiRemove { status, count } = reply else {
                panic!("{reply:?}")
            };
            (
                format!("{} {count}", status.code()),
                format!("{} {}", recorded.error, recorded.count),
            )
        }
        "INCR" => {
            let (reply, recorded) = write!(IncrRequest, IncrResponse, WriteOperation::Incr);
            let WriteReply::Incr { status, new_value } = reply else {
                panic!("{reply:?}")
            };
            (
                format!("{} {new_value}", status.code()),
                format!("{} {}", recorded.error, recorded.new_value),
            )
        }
        "CHECK_AND_SET" => {
            let (reply, recorded) = write!(
                CheckAndSetRequest,
                CheckAndSetResponse,
                WriteOperation::CheckAndSet
            );
            let WriteReply::CheckAndSet(check) = reply else {
                panic!("{reply:?}")
            };
            let found = (
                check.status.code(),
                check.check_value_returned,
                check.check_value_exist,
                check.check_value,
            );
            let recorded = (
                recorded.error,
                recorded.check_value_returned,
                recorded.check_value_exist,
                recorded.check_value,
            );
            (format!("{found:?}"), format!("{recorded:?}"))
        }
        other => panic!("unexpected operation {other}"),
    }
}

#[test]
fn the_answers_of_the_original_server_are_ours() {
    let dir = tempfile::tempdir().unwrap();
    let shared = support::shared();
    let replicas = (0..8)
        .map(|index| {
            let path = dir.path().join(index.to_string());
            Replica::open(&shared, &path, OpenMode::Create)
        })
        .collect();
    let mut replay = Replay {
        replicas,
        contexts: HashMap::new(),
        whole_scans: HashMap::new(),
        now_s: RECORDED_AT_S,
    };
    let (mut compared, mut differences) = (0, Vec::new());
    for record in transcript() {
        let is_data = SECTIONS.contains(&record["sec"].as_str().unwrap())
            // Upstream applies puts with an internal type without ever answering them.
            && (record["rpc_err"] == "ERR_OK" || record["sec"] == "update_type")
            && record["hdr_version"].is_null();
        if !is_data {
            continue;
        }
        if record["case"] == "after expiry" {
            replay.now_s = RECORDED_AT_S + 5;
        }
        let (found, recorded) = replay.answers(&record);
        compared += 1;
        if found != recorded {
            let (number, case) = (&record["i"], &record["case"]);
            differences.push(format!(
                "record {number} ({case}): {}\n  ours {found}\n  recorded {recorded}",
                record["req"]
            ));
        }
    }
    assert!(compared > 5000, "only {compared} records were compared");
    let shown = differences
        .iter()
        .take(10)
        .cloned()
        .collect::<Vec<_>>()
        .join("\n");
    assert!(
        differences.is_empty(),
        "{} of {compared} differ:\n{shown}",
        differences.len()
    );
}
