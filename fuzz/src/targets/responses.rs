//! What a client, or a server that asks another one, receives.

use bytes::BytesMut;
use pegasus_wire::frame::{ReplyTo, ResponseFrame, response};

use super::thrift_frames::FRAME_BYTES_MAX;
use crate::input::Input;
use crate::stream;

/// First byte: how the rest, a stream, is cut into pieces.
pub fn run(input: &[u8]) {
    let mut input = Input::new(input);
    let pattern = input.byte();
    let stream = input.rest();
    let answers = stream::frames(stream, pattern, |received, _| {
        ResponseFrame::split_from(received, FRAME_BYTES_MAX)
    });
    for answer in &answers {
        if let Some(code) = answer.code {
            let to = ReplyTo {
                name: code.into(),
                seqid: answer.seqid,
            };
            check_sent_on(&to, answer);
        }
    }
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
