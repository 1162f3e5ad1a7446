//! The receive buffer of a Thrift connection: frames with both headers, in any pieces.

use bytes::BytesMut;
use pegasus_wire::frame::{
    FrameError, OutgoingRequest, Protocol, RequestFrame, RequestHead, RequestView, request,
};

use crate::input::{Input, pieces};
use crate::memory::MemoryBound;

/// Small, so that frames beyond it are met.
pub const FRAME_BYTES_MAX: usize = 64 << 10;

/// First byte: how the rest, a stream, is cut into pieces.
pub fn run(input: &[u8]) {
    let mut input = Input::new(input);
    let pattern = input.byte();
    let stream = input.rest();
    assert_eq!(Protocol::detect(stream).is_none(), stream.len() < 4);
    let (at_once, in_pieces) = MemoryBound::VALUES.check(stream.len(), || {
        let at_once = split([stream].into_iter());
        (at_once, split(pieces(stream, pattern)))
    });
    assert_eq!(at_once, in_pieces, "pieces make a difference");
    let (frames, _) = at_once;
    let first = RequestView::parse(stream, FRAME_BYTES_MAX);
    let first = first.ok().flatten().map(|view| (view.head, view.code));
    let expected = frames.first().map(|frame| (frame.head, frame.name.code()));
    assert_eq!(first, expected, "looking and taking differ");
    for frame in &frames {
        check_sent_on(frame);
    }
}

/// The frames of a stream, and why it had to end.
fn split<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<RequestFrame>, Option<FrameError>) {
    let mut received = BytesMut::new();
    let mut frames = Vec::new();
    for piece in pieces {
        received.extend_from_slice(piece);
        loop {
            let before = received.len();
            match RequestFrame::split_from(&mut received, FRAME_BYTES_MAX) {
                Ok(Some(frame)) => {
                    assert!(received.len() < before, "a frame takes bytes");
                    frames.push(frame);
                }
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(received.len(), before, "an error takes nothing");
                    return (frames, Some(error));
                }
            }
        }
    }
    (frames, None)
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
