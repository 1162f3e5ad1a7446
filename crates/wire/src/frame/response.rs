//! Responses: written straight into a connection's output buffer, or split off a receive buffer.
//!
//! Layout: `i32` total length that counts itself, error name as string, strict message header of type
//! reply with the request's name and `_ACK`, then the result in field 0 or nothing
//! (wire-protocol.md section 3).

use bytes::{Buf, BufMut, Bytes, BytesMut};
use pegasus_common::ErrorCode;

use super::cursor::u32_at;
use super::message_header::{MessageHeader, REPLY};
use super::{FrameError, RequestName};
use crate::codec::{
    DecodeError, FIELD_HEADER_LEN, FieldType, Message, Reader, encode_bytes, encode_bytes_field,
    encode_field_header, encode_stop,
};
use crate::result;
use crate::task_code::TaskCode;

/// Bytes of the length at the begin of a response.
const LENGTH_LEN: usize = 4;
/// Everything but the result, rounded up.
const MAX_ENVELOPE_LEN: usize =
    LENGTH_LEN + 4 + super::MAX_NAME_LEN + MessageHeader::MAX_ENCODED_LEN;

/// Which request an answer belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyTo {
    /// Name of the request.
    pub name: RequestName,
    /// Its number.
    pub seqid: i32,
}

impl ReplyTo {
    /// The code to put on the wire: a name that released clients do not know breaks them, so only
    /// our own servers get it.
    fn visible(&self, error: ErrorCode) -> ErrorCode {
        match self.name.code() {
            Some(code) if code.kind().is_between_servers() => error,
            _ => error.for_clients(),
        }
    }
}

/// Appends a successful answer.
pub fn encode_ok<M: Message>(out: &mut BytesMut, to: &ReplyTo, result: &M) {
    encode_with_body(out, to, ErrorCode::Ok, result);
}

/// Appends an answer that names an error and has no result. Clients look no further than the error.
/// An error that released clients do not know is replaced by the nearest one that they do, unless
/// the request is one that only servers send.
pub fn encode_error(out: &mut BytesMut, to: &ReplyTo, error: ErrorCode) {
    encode_with(out, to, error, 0, |_| {});
}

/// Appends an answer that names an error and has a result all the same, as upstream does when it
/// throttles reads by size.
pub fn encode_with_body<M: Message>(
    out: &mut BytesMut,
    to: &ReplyTo,
    error: ErrorCode,
    result: &M,
) {
    encode_with(out, to, error, result::encoded_len_hint(result), |out| {
        result::encode(result, out);
    });
}

/// Appends an answer whose result, wrapper included, `write_result` appends; it takes about
/// `result_len` bytes.
pub fn encode_with(
    out: &mut BytesMut,
    to: &ReplyTo,
    error: ErrorCode,
    result_len: usize,
    write_result: impl FnOnce(&mut BytesMut),
) {
    out.reserve(MAX_ENVELOPE_LEN + result_len);
    let begin = out.len();
    out.put_i32(0);
    encode_bytes(out, to.visible(error).name().as_bytes());
    to.name.with_ack_name(|name| {
        MessageHeader {
            message_type: REPLY,
            name,
            seqid: to.seqid,
        }
        .encode(out);
    });
    write_result(out);
    let len = i32::try_from(out.len() - begin).unwrap_or(i32::MAX);
    out[begin..begin + LENGTH_LEN].copy_from_slice(&len.to_be_bytes());
}

/// A `read_response` whose value and server are borrowed, so that a value goes from the storage's
/// memory into the output buffer and nowhere else.
#[derive(Clone, Copy, Debug)]
pub struct ReadResult<'a> {
    /// Storage status.
    pub error: i32,
    /// The stored value.
    pub value: &'a [u8],
    /// Table that was read.
    pub app_id: i32,
    /// Partition that was read.
    pub partition_index: i32,
    /// `address:port` of the answering server.
    pub server: &'a str,
}

/// Appends a successful answer to `get`; the bytes are those of
/// [`ReadResponse`](crate::rrdb::ReadResponse) in [`encode_ok`].
pub fn encode_read(out: &mut BytesMut, to: &ReplyTo, read: &ReadResult<'_>) {
    /// Six field headers and two stop bytes, three numbers and two lengths.
    const FIXED_LEN: usize = 6 * FIELD_HEADER_LEN + 2 + 3 * 4 + 2 * 4;
    let result_len = FIXED_LEN + read.value.len() + read.server.len();
    encode_with(out, to, ErrorCode::Ok, result_len, |out| {
        encode_field_header(out, FieldType::STRUCT, 0);
        read.error.encode_field(out, 1);
        encode_bytes_field(out, FieldType::STRUCT, 2, read.value);
        read.app_id.encode_field(out, 3);
        read.partition_index.encode_field(out, 4);
        encode_bytes_field(out, FieldType::STRING, 6, read.server.as_bytes());
        encode_stop(out);
        encode_stop(out);
    });
}

/// One answer, taken out of the receive buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseFrame {
    /// Outcome at the level of framework and replica; a name that this version does not know is
    /// [`ErrorCode::Unknown`].
    pub error: ErrorCode,
    /// The RPC that is answered, if this version speaks it.
    pub code: Option<TaskCode>,
    /// Number of the request.
    pub seqid: i32,
    /// The result in its wrapper, or nothing; shares the receive buffer's memory.
    pub body: Bytes,
}

impl ResponseFrame {
    /// Splits one complete response of at most `limit` bytes off the begin of `received`; `None`
    /// means that more must arrive, and nothing was taken.
    ///
    /// # Errors
    /// When no response can begin like this, or it is too large; the connection must be closed, and
    /// nothing was taken.
    pub fn split_from(received: &mut BytesMut, limit: usize) -> Result<Option<Self>, FrameError> {
        let Some(len) = response_len(received, limit)? else {
            return Ok(None);
        };
        let Some(frame) = received.get(..len) else {
            return Ok(None);
        };
        let mut reader = Reader::borrowed(&frame[LENGTH_LEN..]);
        let error = ErrorCode::decode(&mut reader).map_err(FrameError::MessageHeader)?;
        let message = MessageHeader::decode(&mut reader)?;
        if message.message_type != REPLY {
            return Err(FrameError::MessageType(message.message_type));
        }
        let (code, seqid) = (TaskCode::from_ack_name(message.name), message.seqid);
        let body_offset = len - reader.remaining();
        let mut body = received.split_to(len).freeze();
        body.advance(body_offset);
        Ok(Some(Self {
            error,
            code,
            seqid,
            body,
        }))
    }

    /// Reads the result; its blobs share the receive buffer's memory. Means something only when
    /// [`ResponseFrame::error`] is ok.
    ///
    /// # Errors
    /// When there is none, or it is no such message.
    pub fn decode<M: Message>(&self) -> Result<M, DecodeError> {
        result::decode(&self.body)
    }
}

/// The claimed length, if it has arrived and is acceptable.
fn response_len(received: &[u8], limit: usize) -> Result<Option<usize>, FrameError> {
    let Some(claimed) = u32_at(received, 0) else {
        return Ok(None);
    };
    match usize::try_from(claimed.cast_signed()) {
        Ok(len) if len > limit => Err(FrameError::TooLarge {
            len: u64::from(claimed),
            limit,
        }),
        Ok(len) if len >= LENGTH_LEN => Ok(Some(len)),
        _ => Err(FrameError::ResponseLength(claimed.cast_signed())),
    }
}
