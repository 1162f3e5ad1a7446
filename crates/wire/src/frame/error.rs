//! Why a connection must be closed.

use crate::codec::DecodeError;

/// What was wrong with a frame. After any of these the position of the next frame is unknown, so
/// the connection is closed without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The frame does not begin as the first one of its connection did.
    #[error("frame begins with {0:02x?} and not with THFT or RDSN")]
    Magic([u8; 4]),
    /// The header has a version other than 0 and 1.
    #[error("unknown header version {0}")]
    HeaderVersion(u32),
    /// A version 0 header claims a length other than 48.
    #[error("header claims {0} bytes and not 48")]
    HeaderLength(u32),
    /// A native header claims a length other than 192.
    #[error("native header claims {0} bytes and not 192")]
    NativeHeaderLength(u32),
    /// A native frame is an answer, and nothing was asked.
    #[error("native frame is an answer and no request")]
    NativeAnswer,
    /// The body of a native frame is not in Thrift's binary form.
    #[error("native frame has serialization format {0} and not 1, Thrift binary")]
    NativeFormat(u64),
    /// A native frame has changed on its way.
    #[error("the {0} of a native frame does not fit its checksum")]
    NativeChecksum(&'static str),
    /// The frame is longer than the receiver takes. Found before the body has arrived.
    #[error("frame of {len} bytes is above the limit of {limit}")]
    TooLarge {
        /// Length of the whole frame, in bytes, as claimed.
        len: u64,
        /// The limit.
        limit: usize,
    },
    /// A response claims to be shorter than its own length field.
    #[error("response claims a length of {0} bytes")]
    ResponseLength(i32),
    /// The routing fields of a version 1 header are malformed.
    #[error("malformed request meta: {0}")]
    Meta(DecodeError),
    /// The message header at the begin of the body is malformed or cut.
    #[error("malformed message header: {0}")]
    MessageHeader(DecodeError),
    /// The message header is in strict form, with a version that nobody has defined.
    #[error("message header has the version {0:#010x}")]
    MessageVersion(u32),
    /// The message is of another type than expected: call or oneway in requests, reply in responses.
    #[error("unexpected message type {0}")]
    MessageType(u8),
}
