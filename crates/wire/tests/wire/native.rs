//! Native frames, against bytes that were built from upstream's layout of the header.

use bytes::{Bytes, BytesMut};
use pegasus_common::{ErrorCode, Gpid, RpcAddress};
use pegasus_wire::TaskCode;
use pegasus_wire::frame::rdsn::{self, RDSN_HEADER_LEN};
use pegasus_wire::frame::{
    FrameError, RdsnHeader, RequestFrame, RequestHead, RequestName, ResponseFrame,
};
use pegasus_wire::layer2::QueryCfgRequest;
use serde_json::Value;

use crate::recorded::{hex, vectors};

const LIMIT: usize = 1 << 20;

fn native_vectors() -> Option<[Bytes; 5]> {
    let vectors: Vec<Value> = vectors("native_rdsn.json");
    let frames: Vec<Bytes> = vectors.iter().map(|vector| hex(vector, "hex")).collect();
    frames.try_into().ok()
}

fn split(bytes: &[u8]) -> Result<Option<(RequestFrame, RdsnHeader)>, FrameError> {
    rdsn::split_from(&mut BytesMut::from(bytes), LIMIT, 7)
}

#[test]
fn requests_are_understood() {
    let Some([get, checked, _, query, _]) = native_vectors() else {
        return;
    };
    for bytes in [&get, &checked] {
        let (request, header) = split(bytes).unwrap().unwrap();
        assert_eq!(request.name, RequestName::Known(TaskCode::Get));
        assert_eq!(request.head.seqid, 7);
        assert_eq!(request.head.gpid, Gpid::new(2, 5));
        assert_eq!(request.head.timeout_ms, 5_000);
        assert_eq!(request.head.thread_hash, Gpid::new(2, 5).thread_hash());
        assert!(!request.head.is_backup_request);
        assert_eq!(request.decode::<Bytes>().unwrap(), &b"\0\x03hk1sk1"[..]);
        assert_eq!(header.from_address().to_string(), "10.0.0.9:34700");
    }
    let (request, _) = split(&query).unwrap().unwrap();
    assert_eq!(request.name, RequestName::Known(TaskCode::QueryConfig));
    let query: QueryCfgRequest = request.decode().unwrap();
    assert_eq!(
        (&query.app_name[..], query.partition_indices.len()),
        ("temp", 0)
    );
}

#[test]
fn an_answer_has_the_header_of_its_request() {
    let Some([get, checked, answer, ..]) = native_vectors() else {
        return;
    };
    let me = RpcAddress::from_u64(u64::from_le_bytes(answer[112..120].try_into().unwrap()));
    let given = ResponseFrame {
        error: ErrorCode::Ok,
        code: Some(TaskCode::Get),
        seqid: 7,
        body: answer.slice(RDSN_HEADER_LEN..),
    };
    for request in [get, checked] {
        let (_, header) = split(&request).unwrap().unwrap();
        let mut out = BytesMut::new();
        header.encode_answer(&mut out, me, &given);
        assert_eq!(out, answer);
    }
}

#[test]
fn a_frame_is_taken_whole_or_not_at_all() {
    let Some([get, ..]) = native_vectors() else {
        return;
    };
    for len in 0..get.len() {
        let mut received = BytesMut::from(&get[..len]);
        assert_eq!(rdsn::split_from(&mut received, LIMIT, 1), Ok(None));
        assert_eq!(received.len(), len);
    }
    let mut two = BytesMut::from(&[&get[..], &get[..]].concat()[..]);
    assert!(rdsn::split_from(&mut two, LIMIT, 1).unwrap().is_some());
    assert_eq!(two, get);
}

#[test]
fn what_is_wrong_with_a_frame_is_named() {
    let Some([get, checked, answer, ..]) = native_vectors() else {
        return;
    };
    let changed = |frame: &Bytes, offset: usize, byte: u8| {
        let mut bytes = frame.to_vec();
        bytes[offset] = byte;
        split(&bytes).unwrap_err()
    };
    assert_eq!(changed(&get, 0, b'T'), FrameError::Magic(*b"TDSN"));
    assert_eq!(changed(&get, 4, 1), FrameError::HeaderVersion(1));
    assert_eq!(changed(&get, 8, 191), FrameError::NativeHeaderLength(191));
    assert_eq!(changed(&get, 104, 0xc1), FrameError::NativeFormat(3));
    let too_large = changed(&get, 19, 0xff);
    assert!(matches!(too_large, FrameError::TooLarge { .. }));
    assert_eq!(
        changed(&checked, 30, 9),
        FrameError::NativeChecksum("header")
    );
    let last = checked.len() - 2;
    assert_eq!(
        changed(&checked, last, b'?'),
        FrameError::NativeChecksum("body")
    );
    assert_eq!(split(&answer), Err(FrameError::NativeAnswer));
}

#[test]
fn an_unknown_name_is_repeated_with_its_error() {
    let Some([get, ..]) = native_vectors() else {
        return;
    };
    let mut bytes = get.to_vec();
    bytes[40..48].copy_from_slice(b"RPC_WHAT");
    bytes[48..88].fill(0);
    let (request, header) = split(&bytes).unwrap().unwrap();
    assert_eq!(request.name.as_bytes(), b"RPC_WHAT");
    let given = ResponseFrame {
        error: ErrorCode::HandlerNotFound,
        code: None,
        seqid: 7,
        body: Bytes::new(),
    };
    let mut out = BytesMut::new();
    header.encode_answer(&mut out, RpcAddress::INVALID, &given);
    assert_eq!(&out[40..53], b"RPC_WHAT_ACK\0");
    assert_eq!(&out[136..158], b"ERR_HANDLER_NOT_FOUND\0");
    assert_eq!(out.len(), RDSN_HEADER_LEN);
}

#[test]
fn what_a_client_sends_is_understood_and_its_answer_too() {
    let head = RequestHead {
        gpid: Gpid::new(2, 5),
        timeout_ms: 5_000,
        thread_hash: 7,
        partition_hash: u64::MAX,
        is_backup_request: true,
        seqid: -3,
        ..RequestHead::default()
    };
    let argument = Bytes::from_static(b"\x0c\0\x01\0\0\0\x01k\0");
    let mut sent = BytesMut::new();
    rdsn::encode_request(&mut sent, b"RPC_RRDB_RRDB_GET", &head, &argument);
    let (request, header) = split(&sent).unwrap().unwrap();
    let expected = RequestHead {
        seqid: 7,
        body_len: argument.len(),
        ..head
    };
    assert_eq!((request.head, &request.argument), (expected, &argument));
    assert_eq!(request.name, RequestName::Known(TaskCode::Get));
    let given = ResponseFrame {
        error: ErrorCode::Busy,
        code: Some(TaskCode::Get),
        seqid: -3,
        body: Bytes::from_static(b"body"),
    };
    let mut out = BytesMut::new();
    header.encode_answer(&mut out, RpcAddress::INVALID, &given);
    for cut in 0..out.len() {
        let mut received = BytesMut::from(&out[..cut]);
        assert_eq!(rdsn::split_answer_from(&mut received, LIMIT), Ok(None));
    }
    assert_eq!(rdsn::split_answer_from(&mut out, LIMIT), Ok(Some(given)));
    assert!(out.is_empty());
}
