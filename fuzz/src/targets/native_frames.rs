//! The receive buffer of a native connection, and the answers on it.

use bytes::{Bytes, BytesMut};
use pegasus_common::{ErrorCode, RpcAddress};
use pegasus_wire::frame::rdsn::{self, RDSN_HEADER_LEN};
use pegasus_wire::frame::{FrameError, RdsnHeader, RequestFrame, ResponseFrame};

use super::thrift_frames::FRAME_BYTES_MAX;
use crate::input::{Input, pieces};
use crate::memory::MemoryBound;

type Split = (Vec<(RequestFrame, RdsnHeader)>, Option<FrameError>);

/// First byte: how the rest, a stream, is cut into pieces.
pub fn run(input: &[u8]) {
    let mut input = Input::new(input);
    let pattern = input.byte();
    let stream = input.rest();
    let (at_once, in_pieces) = MemoryBound::VALUES.check(stream.len(), || {
        let at_once = split([stream].into_iter());
        (at_once, split(pieces(stream, pattern)))
    });
    assert_eq!(at_once, in_pieces, "pieces make a difference");
    for (request, header) in at_once.0 {
        check_answer(&request, header);
    }
}

/// The requests of a stream, and why it had to end.
fn split<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Split {
    let mut received = BytesMut::new();
    let mut requests = Vec::new();
    for piece in pieces {
        received.extend_from_slice(piece);
        loop {
            let before = received.len();
            let seqid = i32::try_from(requests.len()).expect("few requests");
            match rdsn::split_from(&mut received, FRAME_BYTES_MAX, seqid) {
                Ok(Some(request)) => {
                    assert!(received.len() < before, "a frame takes bytes");
                    requests.push(request);
                }
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(received.len(), before, "an error takes nothing");
                    return (requests, Some(error));
                }
            }
        }
    }
    (requests, None)
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
