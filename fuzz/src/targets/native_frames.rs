//! The receive buffer of a native connection, and the answers on it.

use bytes::{Bytes, BytesMut};
use pegasus_common::{ErrorCode, RpcAddress};
use pegasus_wire::frame::rdsn::{self, RDSN_HEADER_LEN};
use pegasus_wire::frame::{FrameError, RdsnHeader, RequestFrame, ResponseFrame};

use super::thrift_frames::FRAME_BYTES_MAX;
use crate::input::Input;
use crate::stream;

/// First byte: how the rest, a stream, is cut into pieces.
pub fn run(input: &[u8]) {
    let mut input = Input::new(input);
    let pattern = input.byte();
    let stream = input.rest();
    let requests = stream::frames(stream, pattern, |received, before| {
        let seqid = i32::try_from(before).expect("few requests");
        rdsn::split_from(received, FRAME_BYTES_MAX, seqid)
    });
    for (request, header) in requests {
        check_answer(&request, header);
    }
}

/// An answer is as long as it says, and nobody takes it for a request.
fn check_answer(request: &RequestFrame, header: RdsnHeader) {
    let body = Bytes::from_static(b"\0");
    let answer = ResponseFrame {
        error: ErrorCode::Busy,
        code: request.name.code(),
        seqid: request.head.seqid,
        body: body.clone(),
    };
    let mut out = BytesMut::new();
    header.encode_answer(&mut out, RpcAddress::INVALID, &answer);
    assert_eq!(out.len(), RDSN_HEADER_LEN + body.len());
    let received = rdsn::split_answer_from(&mut out.clone(), usize::MAX);
    let received = received.expect("a frame").expect("a whole one");
    assert_eq!((received.error, received.body), (answer.error, body));
    let refused = rdsn::split_from(&mut out, FRAME_BYTES_MAX, 0);
    assert!(
        matches!(refused, Err(FrameError::NativeAnswer)),
        "{refused:?}"
    );
}
