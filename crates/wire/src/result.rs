//! The result in a response: a struct with one field, id 0, around the real value.

use bytes::{Bytes, BytesMut};

use crate::argument::{decode_wrapped, encode_wrapped};
use crate::codec::{DecodeError, FIELD_HEADER_LEN, Message, Reader, STOP_LEN};

/// Field id of a result.
const RESULT_ID: i16 = 0;

/// Reads the result of a response; its blobs share the memory of `body`.
///
/// # Errors
/// When `body` is no wrapper around such a value; an empty body has none.
pub fn decode<M: Message>(body: &Bytes) -> Result<M, DecodeError> {
    decode_wrapped(&mut Reader::new(body))
}

/// Appends the result of a response.
pub fn encode<M: Message>(result: &M, out: &mut BytesMut) {
    encode_wrapped(RESULT_ID, result, out);
}

/// Bytes that [`encode`] appends.
pub fn encoded_len_hint<M: Message>(result: &M) -> usize {
    FIELD_HEADER_LEN + result.encoded_len_hint() + STOP_LEN
}
