//! Native frames: what upstream's C++ clients, shell and servers speak (wire-protocol.md section 5).
//!
//! A header of 192 bytes, little-endian, then the argument or result in its wrapper struct, without
//! a message header. An answer's header is the request's with a few fields changed, so the header of
//! each request is kept until it is answered ([`RdsnHeader`]). Everything behind the framing sees
//! such a request as it sees any other: [`split_from`] gives a [`RequestFrame`] with a number of the
//! connection's, and [`RdsnHeader::encode_answer`] takes the answer as a Thrift client would get it.
//! [`encode_request`] and [`split_answer_from`] are the client's half, for tests and tools: our own
//! servers and clients speak Thrift frames.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use pegasus_common::{ErrorCode, Gpid, RpcAddress};

use super::request::{CallKind, RequestFrame, RequestHead};
use super::{FrameError, MAX_NAME_LEN, RequestName, ResponseFrame};
use crate::task_code::TaskCode;

/// Length of the header, in bytes.
pub const RDSN_HEADER_LEN: usize = 192;

const MAGIC: [u8; 4] = *b"RDSN";
/// Bytes of a name or error name, with the zero at its end.
const TEXT_LEN: usize = MAX_NAME_LEN + 1;

/// Where the fields of the header begin.
mod at {
    pub const VERSION: usize = 4;
    pub const HEADER_LEN: usize = 8;
    pub const HEADER_CRC: usize = 12;
    pub const BODY_LEN: usize = 16;
    pub const BODY_CRC: usize = 20;
    pub const ID: usize = 24;
    pub const NAME: usize = 40;
    pub const CODE: usize = 88;
    pub const GPID: usize = 96;
    pub const CONTEXT: usize = 104;
    pub const FROM: usize = 112;
    pub const TIMEOUT: usize = 120;
    pub const THREAD_HASH: usize = 124;
    pub const PARTITION_HASH: usize = 128;
    pub const ERROR_NAME: usize = 136;
    pub const ERROR_CODE: usize = 184;
}

const CONTEXT_IS_REQUEST: u64 = 1;
const CONTEXT_FORMAT_SHIFT: u32 = 6;
const CONTEXT_FORMAT_MASK: u64 = 0xf;
const FORMAT_THRIFT_BINARY: u64 = 1;
const CONTEXT_IS_BACKUP_REQUEST: u64 = 1 << 11;

/// The header of a request that waits for its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RdsnHeader(Box<[u8; RDSN_HEADER_LEN]>);

/// Splits one complete request of at most `limit` bytes off the begin of `received`; `None` means that
/// more must arrive, and nothing was taken. The request gets the number `seqid`, by which its
/// answer will name it.
///
/// # Errors
/// When no request can begin like this, it is too large, or a checksum does not fit; the connection
/// must be closed, and nothing was taken.
pub fn split_from(
    received: &mut BytesMut,
    limit: usize,
    seqid: i32,
) -> Result<Option<(RequestFrame, RdsnHeader)>, FrameError> {
    let Some((header, body)) = whole_frame(received, limit)? else {
        return Ok(None);
    };
    check(header, body)?;
    let header = RdsnHeader(Box::new(*header));
    let body_len = body.len();
    let argument = take_body(received, body_len);
    let request = RequestFrame {
        head: header.head(seqid, argument.len()),
        name: header.name(),
        argument,
    };
    Ok(Some((request, header)))
}

/// Appends a request with this name and argument, without checksums. What is no part of a native header
/// (the kind of call, lengths) is not taken from `head`.
pub fn encode_request(out: &mut BytesMut, name: &[u8], head: &RequestHead, argument: &[u8]) {
    let mut header = [0; RDSN_HEADER_LEN];
    let header_len = u32::try_from(RDSN_HEADER_LEN).unwrap_or(u32::MAX);
    let body_len = u32::try_from(argument.len()).unwrap_or(u32::MAX);
    let backup = if head.is_backup_request {
        CONTEXT_IS_BACKUP_REQUEST
    } else {
        0
    };
    let context = CONTEXT_IS_REQUEST | FORMAT_THRIFT_BINARY << CONTEXT_FORMAT_SHIFT | backup;
    put(&mut header, 0, &MAGIC);
    put(&mut header, at::HEADER_LEN, &header_len.to_le_bytes());
    put(&mut header, at::BODY_LEN, &body_len.to_le_bytes());
    put(&mut header, at::ID, &head.seqid.to_le_bytes());
    put_text(&mut header, at::NAME, name);
    put(&mut header, at::GPID, &head.gpid.to_u64().to_le_bytes());
    put(&mut header, at::CONTEXT, &context.to_le_bytes());
    put(&mut header, at::TIMEOUT, &head.timeout_ms.to_le_bytes());
    put(
        &mut header,
        at::THREAD_HASH,
        &head.thread_hash.to_le_bytes(),
    );
    let hash = head.partition_hash.to_le_bytes();
    put(&mut header, at::PARTITION_HASH, &hash);
    out.reserve(RDSN_HEADER_LEN + argument.len());
    out.put_slice(&header);
    out.put_slice(argument);
}

/// Splits one complete answer of at most `limit` bytes off the begin of `received`; `None` means that
/// more must arrive, and nothing was taken.
///
/// # Errors
/// When no frame can begin like this, or it is too large; nothing was taken.
pub fn split_answer_from(
    received: &mut BytesMut,
    limit: usize,
) -> Result<Option<ResponseFrame>, FrameError> {
    let Some((header, body)) = whole_frame(received, limit)? else {
        return Ok(None);
    };
    let body_len = body.len();
    let error = std::str::from_utf8(text_at(header, at::ERROR_NAME));
    let answer = ResponseFrame {
        error: error
            .ok()
            .and_then(ErrorCode::from_name)
            .unwrap_or(ErrorCode::Unknown),
        code: TaskCode::from_ack_name(text_at(header, at::NAME)),
        seqid: u32_at(header, at::ID).cast_signed(),
        body: Bytes::new(),
    };
    let body = take_body(received, body_len);
    Ok(Some(ResponseFrame { body, ..answer }))
}

/// A native header, and what follows it in the frame.
type HeaderAndBody<'a> = (&'a [u8; RDSN_HEADER_LEN], &'a [u8]);

/// The frame at the begin of `received`, once all of it has arrived.
fn whole_frame(received: &[u8], limit: usize) -> Result<Option<HeaderAndBody<'_>>, FrameError> {
    let frame_len = frame_len(received, limit)?;
    let frame = frame_len.and_then(|len| received.get(..len));
    Ok(frame.and_then(<[u8]>::split_first_chunk))
}

/// Takes a frame with such a body off the begin of `received` and drops its header.
fn take_body(received: &mut BytesMut, body_len: usize) -> Bytes {
    received.advance(RDSN_HEADER_LEN);
    received.split_to(body_len).freeze()
}

/// The length of the whole frame, as soon as it can be told.
fn frame_len(received: &[u8], limit: usize) -> Result<Option<usize>, FrameError> {
    let Some(magic) = received.first_chunk::<4>() else {
        return Ok(None);
    };
    if *magic != MAGIC {
        return Err(FrameError::Magic(*magic));
    }
    let (Some(version), Some(header_len), Some(body_len)) = (
        u32_in(received, at::VERSION),
        u32_in(received, at::HEADER_LEN),
        u32_in(received, at::BODY_LEN),
    ) else {
        return Ok(None);
    };
    if version != 0 {
        return Err(FrameError::HeaderVersion(version));
    }
    if usize::try_from(header_len) != Ok(RDSN_HEADER_LEN) {
        return Err(FrameError::NativeHeaderLength(header_len));
    }
    let len = u64::from(header_len) + u64::from(body_len);
    match usize::try_from(len) {
        Ok(fitting) if fitting <= limit => Ok(Some(fitting)),
        _ => Err(FrameError::TooLarge { len, limit }),
    }
}

/// Checks what a complete frame says about itself. A checksum of zero is none.
fn check(header: &[u8; RDSN_HEADER_LEN], body: &[u8]) -> Result<(), FrameError> {
    let context = u64_at(header, at::CONTEXT);
    if context & CONTEXT_IS_REQUEST == 0 {
        return Err(FrameError::NativeAnswer);
    }
    let format = context >> CONTEXT_FORMAT_SHIFT & CONTEXT_FORMAT_MASK;
    if format != FORMAT_THRIFT_BINARY {
        return Err(FrameError::NativeFormat(format));
    }
    let header_crc = u32_at(header, at::HEADER_CRC);
    if header_crc != 0 {
        let mut without = *header;
        put(&mut without, at::HEADER_CRC, &[0; 4]);
        if crc32c::crc32c(&without) != header_crc {
            return Err(FrameError::NativeChecksum("header"));
        }
    }
    let body_crc = u32_at(header, at::BODY_CRC);
    if body_crc != 0 && crc32c::crc32c(body) != body_crc {
        return Err(FrameError::NativeChecksum("body"));
    }
    Ok(())
}

impl RdsnHeader {
    fn head(&self, seqid: i32, body_len: usize) -> RequestHead {
        let header = &self.0;
        RequestHead {
            gpid: Gpid::new(
                u32_at(header, at::GPID).cast_signed(),
                u32_at(header, at::GPID + 4).cast_signed(),
            ),
            timeout_ms: u32::try_from(u32_at(header, at::TIMEOUT).cast_signed()).unwrap_or(0),
            thread_hash: u32_at(header, at::THREAD_HASH).cast_signed(),
            partition_hash: u64_at(header, at::PARTITION_HASH),
            is_backup_request: u64_at(header, at::CONTEXT) & CONTEXT_IS_BACKUP_REQUEST != 0,
            seqid,
            kind: CallKind::Call,
            body_len,
        }
    }

    fn name(&self) -> RequestName {
        let name = text_at(&self.0, at::NAME);
        match TaskCode::from_name(name) {
            Some(code) => RequestName::Known(code),
            None => RequestName::Unknown(Bytes::copy_from_slice(name)),
        }
    }

    /// Where the sender says that it listens; clients have no such place and give a port below 1024.
    #[must_use]
    pub fn from_address(&self) -> RpcAddress {
        RpcAddress::from_u64(u64_at(&self.0, at::FROM))
    }

    /// Appends `answer` as the server at `from` gives it: the request's header with a few fields
    /// changed, and the result.
    pub fn encode_answer(mut self, out: &mut BytesMut, from: RpcAddress, answer: &ResponseFrame) {
        let name = self.name();
        let header = &mut *self.0;
        put(header, at::HEADER_CRC, &[0; 4]);
        let body_len = u32::try_from(answer.body.len()).unwrap_or(u32::MAX);
        put(header, at::BODY_LEN, &body_len.to_le_bytes());
        put(header, at::BODY_CRC, &[0; 4]);
        name.with_ack_name(|name| put_text(header, at::NAME, name));
        put(header, at::CODE, &[0; 8]);
        let context = u64_at(header, at::CONTEXT) & !CONTEXT_IS_REQUEST;
        put(header, at::CONTEXT, &context.to_le_bytes());
        put(header, at::FROM, &from.to_u64().to_le_bytes());
        put_text(header, at::ERROR_NAME, answer.error.name().as_bytes());
        put(header, at::ERROR_CODE, &[0; 8]);
        out.reserve(RDSN_HEADER_LEN + answer.body.len());
        out.put_slice(header);
        out.put_slice(&answer.body);
    }
}

fn put(header: &mut [u8; RDSN_HEADER_LEN], offset: usize, field: &[u8]) {
    header[offset..offset + field.len()].copy_from_slice(field);
}

/// Writes a text and zeros behind it.
fn put_text(header: &mut [u8; RDSN_HEADER_LEN], offset: usize, text: &[u8]) {
    let field = &mut header[offset..offset + TEXT_LEN];
    field.fill(0);
    let len = text.len().min(MAX_NAME_LEN);
    field[..len].copy_from_slice(&text[..len]);
}

/// A text up to its first zero.
fn text_at(header: &[u8; RDSN_HEADER_LEN], offset: usize) -> &[u8] {
    let field = &header[offset..offset + TEXT_LEN];
    let len = field.iter().position(|byte| *byte == 0);
    &field[..len.unwrap_or(MAX_NAME_LEN)]
}

/// The field at `offset`, if it has arrived.
fn u32_in(received: &[u8], offset: usize) -> Option<u32> {
    let field = received.get(offset..)?.first_chunk()?;
    Some(u32::from_le_bytes(*field))
}

fn u32_at(header: &[u8; RDSN_HEADER_LEN], offset: usize) -> u32 {
    u32_in(header, offset).unwrap_or(0)
}

fn u64_at(header: &[u8; RDSN_HEADER_LEN], offset: usize) -> u64 {
    let low = u64::from(u32_at(header, offset));
    low | u64::from(u32_at(header, offset + 4)) << 32
}
