//! Requests: split off a receive buffer, or written by a client.

use bytes::{Buf, Bytes, BytesMut};
use pegasus_common::Gpid;

use super::header::{FrameLayout, Routing, patch_body_len};
use super::message_header::{CALL, MessageHeader, ONEWAY};
use super::{FrameError, ReplyTo, RequestName};
use crate::argument;
use crate::codec::{DecodeError, Message, Reader};
use crate::task_code::TaskCode;

/// Whether the sender waits for an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CallKind {
    /// It does.
    #[default]
    Call,
    /// It does not. (Upstream answers nevertheless, and official clients never send these.)
    Oneway,
}

/// Everything of a request but its name and argument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestHead {
    /// Which partition; a table of 0 or less means the process itself.
    pub gpid: Gpid,
    /// Milliseconds that the client waits; 0 is unknown. No hard deadline: Go truncates it.
    pub timeout_ms: u32,
    /// [`Gpid::thread_hash`] of the partition, if the client is right. Absent in version 1 headers
    /// and then computed.
    pub thread_hash: i32,
    /// Hash of the key; the partition index in whole-table scans; 0 is unknown.
    pub partition_hash: u64,
    /// Whether a secondary may answer.
    pub is_backup_request: bool,
    /// The client's number for the request; its answer repeats it.
    pub seqid: i32,
    /// Whether an answer is expected.
    pub kind: CallKind,
    /// Length of the body, in bytes: what `max_allowed_write_size` bounds.
    pub body_len: usize,
}

/// One complete request at the begin of a receive buffer, borrowed from it.
#[derive(Clone, Copy, Debug)]
pub struct RequestView<'a> {
    /// Routing and numbering.
    pub head: RequestHead,
    /// The RPC, if this version speaks it.
    pub code: Option<TaskCode>,
    /// The name as sent; need not be text.
    pub name: &'a [u8],
    /// Everything after the message header: see [`crate::argument`].
    pub argument: &'a [u8],
    /// Bytes that the frame takes in the buffer.
    pub frame_len: usize,
    argument_offset: usize,
}

impl<'a> RequestView<'a> {
    /// Looks for a complete frame of at most `limit` bytes at the begin of `received`; `None` means
    /// that more must arrive.
    ///
    /// # Errors
    /// When no frame can begin like this, or it is too large; the connection must be closed.
    #[inline]
    pub fn parse(received: &'a [u8], limit: usize) -> Result<Option<Self>, FrameError> {
        let Some(layout) = FrameLayout::parse(received, limit)? else {
            return Ok(None);
        };
        let Some(frame) = received.get(..layout.frame_len) else {
            return Ok(None);
        };
        let routing = Routing::parse(frame, layout)?;
        let body = &frame[layout.body_offset..];
        let mut reader = Reader::borrowed(body);
        let message = MessageHeader::decode(&mut reader)?;
        let kind = match message.message_type {
            CALL => CallKind::Call,
            ONEWAY => CallKind::Oneway,
            other => return Err(FrameError::MessageType(other)),
        };
        let argument_offset = frame.len() - reader.remaining();
        Ok(Some(Self {
            head: RequestHead {
                gpid: routing.gpid,
                timeout_ms: routing.timeout_ms,
                thread_hash: routing.thread_hash,
                partition_hash: routing.partition_hash,
                is_backup_request: routing.is_backup_request,
                seqid: message.seqid,
                kind,
                body_len: body.len(),
            },
            code: TaskCode::from_name(message.name),
            name: message.name,
            argument: &frame[argument_offset..],
            frame_len: layout.frame_len,
            argument_offset,
        }))
    }

    /// How to address the answer. Copies an unknown name.
    #[must_use]
    pub fn reply_to(&self) -> ReplyTo {
        ReplyTo {
            name: self.owned_name(),
            seqid: self.head.seqid,
        }
    }

    fn owned_name(&self) -> RequestName {
        match self.code {
            Some(code) => RequestName::Known(code),
            None => {
                // No answer repeats more than this of it.
                let kept = self.name.len().min(super::MAX_NAME_LEN);
                RequestName::Unknown(Bytes::copy_from_slice(&self.name[..kept]))
            }
        }
    }
}

/// The RPC of the request at the begin of `received`, of which no more than the header and the name need
/// have arrived; `None` also where that is no Thrift frame or no RPC of this version.
#[must_use]
pub fn code_at_begin(received: &[u8]) -> Option<TaskCode> {
    let layout = FrameLayout::parse(received, usize::MAX).ok()??;
    let body = received.get(layout.body_offset..)?;
    let message = MessageHeader::decode(&mut Reader::borrowed(body)).ok()?;
    TaskCode::from_name(message.name)
}

/// One request, taken out of the receive buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestFrame {
    /// Routing and numbering.
    pub head: RequestHead,
    /// The RPC.
    pub name: RequestName,
    /// Everything after the message header, sharing the receive buffer's memory.
    pub argument: Bytes,
}

impl RequestFrame {
    /// Splits one complete frame of at most `limit` bytes off the begin of `received`; `None` means
    /// that more must arrive, and nothing was taken.
    ///
    /// # Errors
    /// As [`RequestView::parse`]; nothing was taken.
    pub fn split_from(received: &mut BytesMut, limit: usize) -> Result<Option<Self>, FrameError> {
        let Some(view) = RequestView::parse(received, limit)? else {
            return Ok(None);
        };
        let (head, name) = (view.head, view.owned_name());
        let (frame_len, argument_offset) = (view.frame_len, view.argument_offset);
        let mut argument = received.split_to(frame_len).freeze();
        argument.advance(argument_offset);
        Ok(Some(Self {
            head,
            name,
            argument,
        }))
    }

    /// How to address the answer.
    #[must_use]
    pub fn reply_to(&self) -> ReplyTo {
        ReplyTo {
            name: self.name.clone(),
            seqid: self.head.seqid,
        }
    }

    /// Reads the argument; its blobs share the receive buffer's memory.
    ///
    /// # Errors
    /// When the argument is no such message.
    pub fn decode<M: Message>(&self) -> Result<M, DecodeError> {
        argument::decode(&self.argument)
    }
}

/// What a client says about a request that it sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutgoingRequest {
    /// The RPC.
    pub code: TaskCode,
    /// Which partition; the default for calls to a process.
    pub gpid: Gpid,
    /// Milliseconds that the sender waits; 0 is unknown.
    pub timeout_ms: u32,
    /// Hash of the key; the partition index in whole-table scans.
    pub partition_hash: u64,
    /// Whether a secondary may answer.
    pub is_backup_request: bool,
    /// Number that the answer repeats.
    pub seqid: i32,
    /// Whether an answer is expected.
    pub kind: CallKind,
}

impl OutgoingRequest {
    /// A call to a process and not to a partition: no routing.
    #[must_use]
    pub fn to_process(code: TaskCode, seqid: i32, timeout_ms: u32) -> Self {
        Self {
            code,
            gpid: Gpid::default(),
            timeout_ms,
            partition_hash: 0,
            is_backup_request: false,
            seqid,
            kind: CallKind::Call,
        }
    }
}

/// Appends a whole request frame: version 0 without checksums, or version 1 for a backup request,
/// which version 0 cannot express.
pub fn encode<M: Message>(out: &mut BytesMut, request: &OutgoingRequest, argument: &M) {
    encode_with(out, request, argument::encoded_len_hint(argument), |out| {
        argument::encode(argument, out);
    });
}

/// Appends a whole request frame whose argument, wrapper included, `write_argument` appends; it
/// takes about `argument_len` bytes.
pub fn encode_with(
    out: &mut BytesMut,
    request: &OutgoingRequest,
    argument_len: usize,
    write_argument: impl FnOnce(&mut BytesMut),
) {
    /// Header of either version, rounded up.
    const MAX_HEADER_LEN: usize = 64;
    out.reserve(MAX_HEADER_LEN + MessageHeader::MAX_ENCODED_LEN + argument_len);
    let begin = out.len();
    let routing = Routing {
        gpid: request.gpid,
        timeout_ms: request.timeout_ms,
        thread_hash: request.gpid.thread_hash(),
        partition_hash: request.partition_hash,
        is_backup_request: request.is_backup_request,
    };
    let layout = routing.encode(out);
    let message = MessageHeader {
        message_type: match request.kind {
            CallKind::Call => CALL,
            CallKind::Oneway => ONEWAY,
        },
        name: request.code.name().as_bytes(),
        seqid: request.seqid,
    };
    message.encode(out);
    write_argument(out);
    patch_body_len(&mut out[begin..], layout);
}
