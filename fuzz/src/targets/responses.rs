//! What a client, or a server that asks another one, receives.

use bytes::BytesMut;
use pegasus_wire::frame::{FrameError, ReplyTo, ResponseFrame, response};

use super::thrift_frames::FRAME_BYTES_MAX;
use crate::input::{Input, pieces};
use crate::memory::MemoryBound;

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
    for answer in &at_once.0 {
        if let Some(code) = answer.code {
            let to = ReplyTo {
                name: code.into(),
                seqid: answer.seqid,
            };
            check_sent_on(&to, answer);
        }
    }
}

/// The answers of a stream, and why it had to end.
fn split<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<ResponseFrame>, Option<FrameError>) {
    let mut received = BytesMut::new();
    let mut answers = Vec::new();
    for piece in pieces {
        received.extend_from_slice(piece);
        loop {
            let before = received.len();
            match ResponseFrame::split_from(&mut received, FRAME_BYTES_MAX) {
                Ok(Some(answer)) => {
                    assert!(received.len() < before, "a frame takes bytes");
                    answers.push(answer);
                }
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(received.len(), before, "an error takes nothing");
                    return (answers, Some(error));
                }
            }
        }
    }
    (answers, None)
}

/// What is given on is read as it was, but for errors that clients may not see; those are replaced
/// once and then stay.
fn check_sent_on(to: &ReplyTo, answer: &ResponseFrame) {
    let sent = |answer: &ResponseFrame| {
        let mut out = BytesMut::new();
        response::encode_with(&mut out, to, answer.error, answer.body.len(), |out| {
            out.extend_from_slice(&answer.body);
        });
        let frame = ResponseFrame::split_from(&mut out, usize::MAX);
        frame.expect("a frame").expect("a whole one")
    };
    let once = sent(answer);
    assert_eq!(
        (once.code, once.seqid, &once.body),
        (answer.code, answer.seqid, &answer.body)
    );
    assert_eq!(sent(&once), once);
}
