//! Response frames as the official server writes them and the official clients read them.

use bytes::{Bytes, BytesMut};
use pegasus_common::{ErrorCode, HostPort, RpcAddress};
use pegasus_wire::frame::{ReadResult, ReplyTo, RequestName, ResponseFrame, response};
use pegasus_wire::layer2::{PartitionConfiguration, QueryCfgResponse};
use pegasus_wire::security::NegotiationStatus;
use pegasus_wire::{TaskCode, rrdb};
use serde_json::{Value, json};

use crate::expected::{check_message, is_message};
use crate::recorded::{hex, text, vectors};

const LIMIT: usize = 1 << 20;

fn frame_of(bytes: &Bytes) -> ResponseFrame {
    let mut received = BytesMut::from(&bytes[..]);
    let frame = ResponseFrame::split_from(&mut received, LIMIT)
        .unwrap()
        .unwrap();
    assert!(received.is_empty());
    frame
}

fn reply_to(vector: &Value) -> ReplyTo {
    let name = text(vector, "op");
    let seqid = i32::try_from(vector["seqid"].as_i64().unwrap()).unwrap();
    let unknown = || RequestName::Unknown(Bytes::copy_from_slice(name.as_bytes()));
    ReplyTo {
        name: TaskCode::from_name(name.as_bytes()).map_or_else(unknown, RequestName::Known),
        seqid,
    }
}

fn result_type(code: TaskCode) -> Option<&'static str> {
    Some(match code {
        TaskCode::Get => "ReadResponse",
        TaskCode::Ttl => "TtlResponse",
        TaskCode::SortkeyCount => "CountResponse",
        TaskCode::Put | TaskCode::MultiPut | TaskCode::Remove => "UpdateResponse",
        TaskCode::MultiGet => "MultiGetResponse",
        TaskCode::MultiRemove => "MultiRemoveResponse",
        TaskCode::BatchGet => "BatchGetResponse",
        TaskCode::Incr => "IncrResponse",
        TaskCode::CheckAndSet => "CheckAndSetResponse",
        TaskCode::CheckAndMutate => "CheckAndMutateResponse",
        TaskCode::GetScanner | TaskCode::Scan => "ScanResponse",
        TaskCode::Negotiation => "NegotiationResponse",
        TaskCode::QueryConfig => "QueryCfgResponse",
        _ => return None,
    })
}

/// The vector's own notation as [`crate::expected`] has it.
fn described(vector: &Value) -> Value {
    let mut fields = vector["fields"].clone();
    for member in ["value", "check_value"] {
        if let Some(digits) = fields[format!("{member}_hex")].as_str() {
            fields[member] = json!(format!("x:{digits}"));
        }
    }
    let blob = |digits: &Value| json!(format!("x:{}", digits.as_str().unwrap()));
    if let Some(kvs) = fields["kvs"].as_array() {
        fields["kvs"] = kvs
            .iter()
            .map(|kv| json!({"key": blob(&kv[0]), "value": blob(&kv[1]), "expire_ts_seconds": kv[2]}))
            .collect();
    }
    if let Some(data) = fields["data"].as_array() {
        fields["data"] = data
            .iter()
            .map(|full| {
                let (hash_key, sort_key) = (blob(&full[0]), blob(&full[1]));
                json!({"hash_key": hash_key, "sort_key": sort_key, "value": blob(&full[2])})
            })
            .collect();
    }
    if text(vector, "desc") == "last batch" {
        // The file leaves the record of this batch out.
        fields["kvs"] = json!([{"key": "x:0003686b31736b31", "value": "x:7631"}]);
    }
    if let Some(status) = fields["status"].as_str() {
        fields["status"] = json!(NegotiationStatus::from_name(status).unwrap().0);
    }
    if let Some(msg) = fields["msg"].as_str() {
        let digits: String = msg.bytes().map(|byte| format!("{byte:02x}")).collect();
        fields["msg"] = json!(format!("x:{digits}"));
    }
    for (member, usual) in [
        ("app_id", json!(2)),
        ("partition_index", json!(5)),
        ("server", json!("replica-0.example.com:34801")),
    ] {
        if fields[member].is_null() {
            fields[member] = usual;
        }
    }
    fields
}

#[test]
fn every_frame_is_read_and_written_as_recorded() {
    for vector in vectors("responses.json") {
        let bytes = hex(&vector, "hex");
        let frame = frame_of(&bytes);
        let to = reply_to(&vector);
        assert_eq!(frame.error.name(), text(&vector, "error"));
        assert_eq!((frame.seqid, frame.code), (to.seqid, to.name.code()));

        let result = frame.code.and_then(result_type);
        // Routing answers are described in outline only, and have tests of their own.
        let result = result.filter(|name| frame.error.is_ok() && *name != "QueryCfgResponse");
        if let Some(name) = result {
            check_message(name, &frame.body, Some(&described(&vector)));
        }
        let mut encoded = BytesMut::new();
        response::encode_with(&mut encoded, &to, frame.error, frame.body.len(), |out| {
            out.extend_from_slice(&frame.body);
        });
        assert_eq!(encoded, bytes, "{vector}");
    }
}

#[test]
fn errors_without_result_have_an_empty_body() {
    let mut compared = 0;
    for vector in vectors("responses.json") {
        let bytes = hex(&vector, "hex");
        let frame = frame_of(&bytes);
        if !frame.error.is_ok() && frame.body.is_empty() {
            let mut encoded = BytesMut::new();
            response::encode_error(&mut encoded, &reply_to(&vector), frame.error);
            assert_eq!(encoded, bytes);
            assert!(frame.decode::<rrdb::ReadResponse>().is_err());
            compared += 1;
        }
    }
    assert!(compared == 3 || vectors("responses.json").is_empty());
}

#[test]
fn a_read_is_written_from_borrowed_parts_as_from_a_message() {
    for vector in vectors("responses.json") {
        let bytes = hex(&vector, "hex");
        let frame = frame_of(&bytes);
        if frame.code != Some(TaskCode::Get) || !frame.error.is_ok() {
            continue;
        }
        let message: rrdb::ReadResponse = frame.decode().unwrap();
        let (mut from_parts, mut from_message) = (BytesMut::new(), BytesMut::new());
        let read = ReadResult {
            error: message.error,
            value: &message.value,
            app_id: message.app_id,
            partition_index: message.partition_index,
            server: &message.server,
        };
        response::encode_read(&mut from_parts, &reply_to(&vector), &read);
        response::encode_ok(&mut from_message, &reply_to(&vector), &message);
        assert_eq!(from_parts, bytes);
        assert_eq!(from_message, bytes);
    }
}

#[test]
fn a_found_value_is_answered_as_the_protocol_notes_show() {
    let to = ReplyTo {
        name: RequestName::Known(TaskCode::Get),
        seqid: 8,
    };
    let read = ReadResult {
        error: 0,
        value: b"v1",
        app_id: 2,
        partition_index: 5,
        server: "s:1",
    };
    let mut encoded = BytesMut::new();
    response::encode_read(&mut encoded, &to, &read);
    let expected = concat!(
        "0000005c000000064552525f4f4b8001000200000015",
        "5250435f525244425f525244425f4745545f41434b00000008",
        "0c00000800010000000",
        "00c0002000000027631080003000000020800040000000",
        "50b000600000003733a310000"
    );
    assert_eq!(encoded, crate::recorded::unhex(expected));
}

fn query_cfg_results() -> Vec<(Bytes, QueryCfgResponse)> {
    let vectors = vectors("responses.json").into_iter();
    vectors
        .map(|vector| frame_of(&hex(&vector, "hex")))
        .filter(|frame| frame.code == Some(TaskCode::QueryConfig))
        .map(|frame| (frame.body.clone(), frame.decode().unwrap()))
        .collect()
}

#[test]
fn routing_answers_are_read_with_and_without_host_names() {
    let results = query_cfg_results();
    let Some(with_names) = results.first() else {
        return;
    };
    let address = |text: &str| text.parse::<RpcAddress>().unwrap();
    let first = &with_names.1.partitions[0];
    assert_eq!(first.primary, address("10.0.0.1:34801"));
    assert_eq!(
        first.secondaries,
        ["10.0.0.2:34801", "10.0.0.3:34801"].map(address)
    );
    let name = HostPort {
        host: "replica-0.example.com".to_owned(),
        port: 34801,
    };
    assert_eq!(first.hp_primary, Some(name));
    assert_eq!((first.ballot, first.last_committed_decree), (7, 1000));
    assert_eq!(first.hp_secondaries.as_ref().map(Vec::len), Some(2));
    assert_eq!(first.hp_last_drops, Some(vec![]));

    let without = |partition: &PartitionConfiguration| PartitionConfiguration {
        hp_primary: None,
        hp_secondaries: None,
        hp_last_drops: None,
        ..partition.clone()
    };
    let without_names: Vec<_> = with_names.1.partitions.iter().map(without).collect();
    assert_eq!(results[1].1.partitions, without_names);
    assert_eq!(results[3].1.err, ErrorCode::ForwardToOthers);
    assert_eq!(
        results[3].1.partitions[0].primary,
        address("10.0.0.21:34601")
    );
    assert_eq!(results[5].1.partitions[2].ballot, -1);
}

#[test]
fn routing_answers_are_written_as_recorded() {
    for (body, message) in query_cfg_results() {
        let mut encoded = BytesMut::new();
        pegasus_wire::result::encode(&message, &mut encoded);
        assert_eq!(encoded, body);
        assert_eq!(
            encoded.len(),
            pegasus_wire::result::encoded_len_hint(&message)
        );
    }
}

#[test]
fn a_cut_frame_waits_and_a_cut_result_is_refused() {
    for vector in vectors("responses.json") {
        let bytes = hex(&vector, "hex");
        for cut in 0..bytes.len() {
            let mut received = BytesMut::from(&bytes[..cut]);
            assert_eq!(
                ResponseFrame::split_from(&mut received, LIMIT),
                Ok(None),
                "at {cut}"
            );
        }
        let frame = frame_of(&bytes);
        let Some(name) = frame.code.and_then(result_type) else {
            continue;
        };
        for cut in 0..frame.body.len() {
            assert!(
                !is_message(name, &frame.body.slice(..cut)),
                "{name} cut at {cut}"
            );
        }
    }
}

#[test]
fn errors_that_clients_do_not_know_stay_between_servers() {
    let visible = |code: TaskCode| {
        let mut encoded = BytesMut::new();
        let to = ReplyTo {
            name: RequestName::Known(code),
            seqid: 1,
        };
        response::encode_error(&mut encoded, &to, ErrorCode::DiskIoError);
        ResponseFrame::split_from(&mut encoded, LIMIT)
            .unwrap()
            .unwrap()
            .error
    };
    assert_eq!(visible(TaskCode::Put), ErrorCode::LocalAppFailure);
    assert_eq!(visible(TaskCode::CreateReplica), ErrorCode::DiskIoError);
}
