//! The receive buffer of a Thrift connection: frames with both headers, in any pieces.

use bytes::BytesMut;
use pegasus_wire::frame::{
    OutgoingRequest, Protocol, RequestFrame, RequestHead, RequestView, request,
};

use crate::input::Input;
use crate::stream;

/// Small, so that frames beyond it are met.
pub const FRAME_BYTES_MAX: usize = 64 << 10;

/// First byte: how the rest, a stream, is cut into pieces.
pub fn run(input: &[u8]) {
    let mut input = Input::new(input);
    let pattern = input.byte();
    let stream = input.rest();
    assert_eq!(Protocol::detect(stream).is_none(), stream.len() < 4);
    let frames = stream::frames(stream, pattern, |received, _| {
        RequestFrame::split_from(received, FRAME_BYTES_MAX)
    });
    let first = RequestView::parse(stream, FRAME_BYTES_MAX);
    let first = first.ok().flatten().map(|view| (view.head, view.code));
    let expected = frames.first().map(|frame| (frame.head, frame.name.code()));
    assert_eq!(first, expected, "looking and taking differ");
    for frame in &frames {
        check_sent_on(frame);
    }
}

/// A frame that is written as it was read is read as it was.
fn check_sent_on(frame: &RequestFrame) {
    let Some(code) = frame.name.code() else {
        return;
    };
    let head = frame.head;
    let outgoing = OutgoingRequest {
        code,
        gpid: head.gpid,
        timeout_ms: head.timeout_ms,
        partition_hash: head.partition_hash,
        is_backup_request: head.is_backup_request,
        seqid: head.seqid,
        kind: head.kind,
    };
    let mut out = BytesMut::new();
    request::encode_with(&mut out, &outgoing, frame.argument.len(), |out| {
        out.extend_from_slice(&frame.argument);
    });
    let again = RequestFrame::split_from(&mut out, usize::MAX);
    let again = again.expect("a frame").expect("a whole one");
    let expected = RequestHead {
        // Of our own: the right one, and a strict message header, whatever was received.
        thread_hash: head.gpid.thread_hash(),
        body_len: again.head.body_len,
        ..head
    };
    assert_eq!((again.head, &again.argument), (expected, &frame.argument));
    assert!(out.is_empty());
}
