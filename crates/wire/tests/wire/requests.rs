//! Request frames of the official Python, Go, Java and Node.js clients.

use bytes::{Bytes, BytesMut};
use pegasus_common::Gpid;
use pegasus_wire::frame::{
    CallKind, OutgoingRequest, RequestFrame, RequestName, RequestView, request,
};
use pegasus_wire::{TaskCode, argument};
use serde_json::Value;

use crate::expected::{check_message, is_message};
use crate::recorded::{hex, text, vectors};

const LIMIT: usize = 1 << 20;

fn frame_of(bytes: &Bytes) -> RequestFrame {
    let mut received = BytesMut::from(&bytes[..]);
    let frame = RequestFrame::split_from(&mut received, LIMIT)
        .unwrap()
        .unwrap();
    assert!(received.is_empty());
    frame
}

/// The type of an RPC's argument.
fn argument_type(code: TaskCode) -> &'static str {
    match code {
        TaskCode::Get | TaskCode::Ttl | TaskCode::Remove | TaskCode::SortkeyCount => "Blob",
        TaskCode::ClearScanner => "I64",
        TaskCode::Put => "UpdateRequest",
        TaskCode::MultiPut => "MultiPutRequest",
        TaskCode::MultiGet => "MultiGetRequest",
        TaskCode::MultiRemove => "MultiRemoveRequest",
        TaskCode::BatchGet => "BatchGetRequest",
        TaskCode::Incr => "IncrRequest",
        TaskCode::CheckAndSet => "CheckAndSetRequest",
        TaskCode::CheckAndMutate => "CheckAndMutateRequest",
        TaskCode::GetScanner => "GetScannerRequest",
        TaskCode::Scan => "ScanRequest",
        TaskCode::QueryConfig => "QueryCfgRequest",
        TaskCode::Negotiation => "NegotiationRequest",
        other => panic!("no vector should hold {other}"),
    }
}

fn check_head(frame: &RequestFrame, vector: &Value) {
    let number = |member: &str| vector[member].as_i64();
    let head = frame.head;
    assert_eq!(frame.name.as_bytes(), text(vector, "op").as_bytes());
    assert_eq!(i64::from(head.seqid), number("seqid").unwrap());
    assert_eq!(head.kind, CallKind::Call);
    assert_eq!(
        i64::from(head.timeout_ms),
        number("timeout_ms").unwrap_or(0)
    );
    assert_eq!(head.is_backup_request, vector["is_backup_request"] == true);
    if let Some(hash) = vector["partition_hash"].as_str() {
        assert_eq!(head.partition_hash, u64::from_str_radix(hash, 16).unwrap());
    }
    if let (Some(app_id), Some(index)) = (number("app_id"), number("partition_index")) {
        assert_eq!(i64::from(head.gpid.app_id.0), app_id);
        assert_eq!(i64::from(head.gpid.partition_index.0), index);
    }
    if head.gpid.app_id.0 >= 0 {
        assert_eq!(head.thread_hash, head.gpid.thread_hash());
    }
}

#[test]
fn every_frame_of_the_official_clients_is_understood() {
    for vector in vectors("requests.json") {
        let bytes = hex(&vector, "hex");
        let frame = frame_of(&bytes);
        check_head(&frame, &vector);
        let body_offset = usize::try_from(vector["body_offset"].as_u64().unwrap()).unwrap();
        assert_eq!(frame.head.body_len, bytes.len() - body_offset);

        let code = frame
            .name
            .code()
            .expect("official clients send known names");
        check_message(argument_type(code), &frame.argument, None);
        if argument_type(code) == "Blob" {
            let owned: Bytes = frame.decode().unwrap();
            assert_eq!(argument::blob(&frame.argument), Ok(&owned[..]));
        }
    }
}

#[test]
fn our_client_sends_what_the_official_ones_send() {
    let mut compared = 0;
    for vector in vectors("requests.json") {
        let bytes = hex(&vector, "hex");
        let frame = frame_of(&bytes);
        // Java always sends version 1 headers, we do for backup requests only.
        if vector["header_version"] == 1 && !frame.head.is_backup_request {
            continue;
        }
        let outgoing = OutgoingRequest {
            code: frame.name.code().unwrap(),
            gpid: frame.head.gpid,
            timeout_ms: frame.head.timeout_ms,
            partition_hash: frame.head.partition_hash,
            is_backup_request: frame.head.is_backup_request,
            seqid: frame.head.seqid,
            kind: frame.head.kind,
        };
        let mut encoded = BytesMut::new();
        request::encode_with(&mut encoded, &outgoing, frame.argument.len(), |out| {
            out.extend_from_slice(&frame.argument);
        });
        assert_eq!(encoded, bytes, "{vector}");
        compared += 1;
    }
    let there_are_vectors = !vectors("requests.json").is_empty();
    assert!(
        !there_are_vectors || compared > 30,
        "only {compared} compared"
    );
}

#[test]
fn a_get_is_written_as_go_writes_it() {
    let outgoing = OutgoingRequest {
        gpid: Gpid::new(2, 5),
        partition_hash: 0xb136_b82b_96d0_c625,
        ..OutgoingRequest::to_process(TaskCode::Get, 2, 1000)
    };
    let mut encoded = BytesMut::new();
    request::encode(
        &mut encoded,
        &outgoing,
        &Bytes::from_static(b"\0\x03hk1sk1"),
    );
    let expected = concat!(
        "54484654000000000000003000000000",
        "0000002d000000000000000200000005",
        "000003e800003de3b136b82b96d0c625",
        "80010001000000115250435f52524442",
        "5f525244425f474554000000020c0001",
        "000000080003686b31736b3100"
    );
    assert_eq!(encoded, crate::recorded::unhex(expected));
    for vector in vectors("requests.json") {
        if vector["client"] == "go" && vector["op"] == TaskCode::Get.name() {
            assert_eq!(encoded, hex(&vector, "hex"));
        }
    }
}

#[test]
fn a_cut_frame_waits_and_a_cut_argument_is_refused() {
    for vector in vectors("requests.json") {
        let bytes = hex(&vector, "hex");
        for cut in 0..bytes.len() {
            let mut received = BytesMut::from(&bytes[..cut]);
            assert_eq!(
                RequestFrame::split_from(&mut received, LIMIT),
                Ok(None),
                "at {cut}"
            );
            assert_eq!(received, bytes[..cut]);
        }
        let frame = frame_of(&bytes);
        let name = argument_type(frame.name.code().unwrap());
        for cut in 0..frame.argument.len() {
            let argument = frame.argument.slice(..cut);
            assert!(!is_message(name, &argument), "{name} cut at {cut}");
            assert!(name != "Blob" || argument::blob(&argument).is_err());
        }
    }
}

#[test]
fn frames_are_split_one_by_one_whatever_follows() {
    let mut received = BytesMut::new();
    for seqid in 1..=3 {
        let call = OutgoingRequest::to_process(TaskCode::Beacon, seqid, 0);
        request::encode(&mut received, &call, &Bytes::from_static(b"key"));
    }
    received.truncate(received.len() - 1);
    for seqid in 1..=2 {
        let frame = RequestFrame::split_from(&mut received, LIMIT)
            .unwrap()
            .unwrap();
        assert_eq!(frame.head.seqid, seqid);
        assert_eq!(frame.decode::<Bytes>().unwrap(), "key");
    }
    assert_eq!(RequestFrame::split_from(&mut received, LIMIT), Ok(None));
}

#[test]
fn the_old_message_header_and_unknown_names_are_understood() {
    let body = b"\0\0\0\x05RPC_X\x04\0\0\0\x09\x0c\0\x01\0\0\0\x01k\0";
    let mut received = BytesMut::from(&b"THFT\0\0\0\0\0\0\0\x30\0\0\0\0"[..]);
    received.extend_from_slice(&u32::try_from(body.len()).unwrap().to_be_bytes());
    received.extend_from_slice(&[0; 28]);
    received.extend_from_slice(body);

    let view = RequestView::parse(&received, LIMIT).unwrap().unwrap();
    assert_eq!((view.code, view.name), (None, &b"RPC_X"[..]));
    assert_eq!((view.head.kind, view.head.seqid), (CallKind::Oneway, 9));
    assert_eq!(argument::blob(view.argument), Ok(&b"k"[..]));
    assert_eq!(view.frame_len, received.len());
    let frame = RequestFrame::split_from(&mut received, LIMIT)
        .unwrap()
        .unwrap();
    assert_eq!(
        frame.name,
        RequestName::Unknown(Bytes::from_static(b"RPC_X"))
    );
}
