//! Frames in a stream of bytes, as a connection receives them.

use std::fmt::Debug;

use bytes::BytesMut;
use pegasus_wire::frame::FrameError;

use crate::input::pieces;
use crate::memory::MemoryBound;

/// The frames of a stream that `split_from` takes off its front; it is told how many came before. All at
/// once and in the pieces of `pattern` they must be the same, and take no more memory than bytes allow.
///
/// # Panics
/// They are not: a bug.
pub fn frames<F: Debug + PartialEq>(
    stream: &[u8],
    pattern: u8,
    split_from: impl Fn(&mut BytesMut, usize) -> Result<Option<F>, FrameError>,
) -> Vec<F> {
    let (at_once, in_pieces) = MemoryBound::VALUES.check(stream.len(), || {
        let at_once = split([stream].into_iter(), &split_from);
        (at_once, split(pieces(stream, pattern), &split_from))
    });
    assert_eq!(at_once, in_pieces, "pieces make a difference");
    at_once.0
}

/// The frames, and why the stream had to end.
fn split<'a, F>(
    pieces: impl Iterator<Item = &'a [u8]>,
    split_from: impl Fn(&mut BytesMut, usize) -> Result<Option<F>, FrameError>,
) -> (Vec<F>, Option<FrameError>) {
    let mut received = BytesMut::new();
    let mut frames = Vec::new();
    for piece in pieces {
        received.extend_from_slice(piece);
        loop {
            let before = received.len();
            match split_from(&mut received, frames.len()) {
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
