//! The Thrift message header at the begin of a body: type, name and sequence id, in the strict form
//! (version first) or the old one (name first).

use bytes::{BufMut, BytesMut};

use super::FrameError;
use crate::codec::{DecodeError, Reader, encode_bytes};

/// High half of the first word of the strict form.
const STRICT_VERSION: u32 = 0x8001_0000;
const STRICT_VERSION_MASK: u32 = 0xffff_0000;

/// Thrift's message types, as far as anybody here sends them.
pub(super) const CALL: u8 = 1;
pub(super) const REPLY: u8 = 2;
pub(super) const ONEWAY: u8 = 4;

/// A message header, borrowed from its body.
#[derive(Clone, Copy, Debug)]
pub(super) struct MessageHeader<'a> {
    pub message_type: u8,
    pub name: &'a [u8],
    pub seqid: i32,
}

impl<'a> MessageHeader<'a> {
    /// Reads the header; the reader then stands at the begin of the argument or result.
    #[inline]
    pub(super) fn decode(reader: &mut Reader<'a>) -> Result<Self, FrameError> {
        let first = u32::from_be_bytes(reader.array().map_err(FrameError::MessageHeader)?);
        if first & STRICT_VERSION_MASK == STRICT_VERSION {
            let [.., message_type] = first.to_be_bytes();
            Self::decode_strict(reader, message_type).map_err(FrameError::MessageHeader)
        } else if let Ok(name_len) = usize::try_from(first.cast_signed()) {
            Self::decode_old(reader, name_len).map_err(FrameError::MessageHeader)
        } else {
            Err(FrameError::MessageVersion(first))
        }
    }

    fn decode_strict(reader: &mut Reader<'a>, message_type: u8) -> Result<Self, DecodeError> {
        let name = reader.byte_slice()?;
        let seqid = i32::from_be_bytes(reader.array()?);
        Ok(Self {
            message_type,
            name,
            seqid,
        })
    }

    #[cold]
    fn decode_old(reader: &mut Reader<'a>, name_len: usize) -> Result<Self, DecodeError> {
        let name = reader.take(name_len)?;
        let [message_type] = reader.array()?;
        let seqid = i32::from_be_bytes(reader.array()?);
        Ok(Self {
            message_type,
            name,
            seqid,
        })
    }

    /// Appends the header in strict form.
    pub(super) fn encode(&self, out: &mut BytesMut) {
        out.put_u32(STRICT_VERSION | u32::from(self.message_type));
        encode_bytes(out, self.name);
        out.put_i32(self.seqid);
    }

    /// Bytes that [`MessageHeader::encode`] appends, for the longest name.
    pub(super) const MAX_ENCODED_LEN: usize = 4 + 4 + super::MAX_NAME_LEN + 4;
}
