//! The hand-written types of `idl/base.thrift`: announced as structs, encoded as raw content
//! (wire-protocol.md section 4.2). `task_code` is a plain [`String`] whose field the generator
//! announces as a struct.

use bytes::{BufMut, Bytes, BytesMut};
use pegasus_common::{ErrorCode, Gpid, HostPort, RpcAddress};

use super::{DecodeError, FieldType, Message, Reader};

/// Appends a length and bytes. More than 2 GiB are cut: lengths are `i32`.
#[inline]
pub(crate) fn encode_bytes(out: &mut BytesMut, bytes: &[u8]) {
    let (len, kept) = encodable(bytes);
    out.put_i32(len);
    out.put_slice(kept);
}

/// Appends a field that holds a length and bytes; the same as its header and [`encode_bytes`].
#[inline]
pub(crate) fn encode_bytes_field(out: &mut BytesMut, field_type: FieldType, id: i16, bytes: &[u8]) {
    let (len, kept) = encodable(bytes);
    let [high, low] = id.to_be_bytes();
    let [a, b, c, d] = len.to_be_bytes();
    out.put_slice(&[field_type.0, high, low, a, b, c, d]);
    out.put_slice(kept);
}

fn encodable(bytes: &[u8]) -> (i32, &[u8]) {
    match i32::try_from(bytes.len()) {
        Ok(len) => (len, bytes),
        Err(_) => (i32::MAX, &bytes[..i32::MAX as usize]),
    }
}

/// `blob`.
impl Message for Bytes {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = 4;

    #[inline]
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.bytes()
    }

    #[inline]
    fn encode(&self, out: &mut BytesMut) {
        encode_bytes(out, self);
    }

    #[inline]
    fn encode_field(&self, out: &mut BytesMut, id: i16) {
        encode_bytes_field(out, Self::FIELD_TYPE, id, self);
    }

    #[inline]
    fn encoded_len_hint(&self) -> usize {
        Self::MIN_LEN + self.len()
    }
}

/// A name on the wire. One that this version does not know becomes [`ErrorCode::Unknown`], as
/// upstream's reader has it.
impl Message for ErrorCode {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = 4;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let name = reader.byte_slice()?;
        if name == Self::Ok.name().as_bytes() {
            return Ok(Self::Ok);
        }
        let known = std::str::from_utf8(name).ok().and_then(Self::from_name);
        Ok(known.unwrap_or(Self::Unknown))
    }

    #[inline]
    fn encode(&self, out: &mut BytesMut) {
        encode_bytes(out, self.name().as_bytes());
    }

    #[inline]
    fn encode_field(&self, out: &mut BytesMut, id: i16) {
        encode_bytes_field(out, Self::FIELD_TYPE, id, self.name().as_bytes());
    }

    #[inline]
    fn encoded_len_hint(&self) -> usize {
        Self::MIN_LEN + self.name().len()
    }
}

impl Message for Gpid {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = 8;

    #[inline]
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self::from_u64(u64::from_be_bytes(reader.array()?)))
    }

    #[inline]
    fn encode(&self, out: &mut BytesMut) {
        out.put_u64(self.to_u64());
    }

    #[inline]
    fn encoded_len_hint(&self) -> usize {
        Self::MIN_LEN
    }
}

impl Message for RpcAddress {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = 8;

    #[inline]
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self::from_u64(u64::from_be_bytes(reader.array()?)))
    }

    #[inline]
    fn encode(&self, out: &mut BytesMut) {
        out.put_u64(self.to_u64());
    }

    #[inline]
    fn encoded_len_hint(&self) -> usize {
        Self::MIN_LEN
    }
}

/// Type byte of a host name or address in a `host_port`; 0 is "no server", 2 a group, which nothing
/// here sends or can use.
const HOST_TYPE_NAMED: u8 = 1;
const HOST_TYPE_INVALID: u8 = 0;

impl Message for HostPort {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = 7;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let host = String::decode(reader)?;
        let port = u16::from_be_bytes(reader.array()?);
        let [host_type] = reader.array()?;
        if host_type == HOST_TYPE_NAMED && !host.is_empty() {
            Ok(Self { host, port })
        } else {
            Ok(Self::default())
        }
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_bytes(out, self.host.as_bytes());
        out.put_u16(self.port);
        out.put_u8(if self.is_valid() {
            HOST_TYPE_NAMED
        } else {
            HOST_TYPE_INVALID
        });
    }

    fn encoded_len_hint(&self) -> usize {
        Self::MIN_LEN + self.host.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_error_names_are_read_as_unknown() {
        let mut reader = Reader::borrowed(b"\0\0\0\x06ERR_XX\0\0\0\x01\xff");
        assert_eq!(ErrorCode::decode(&mut reader), Ok(ErrorCode::Unknown));
        assert_eq!(ErrorCode::decode(&mut reader), Ok(ErrorCode::Unknown));
    }

    #[test]
    fn host_groups_are_read_as_no_server() {
        let mut reader = Reader::borrowed(b"\0\0\0\x01a\0\x50\x02");
        assert_eq!(HostPort::decode(&mut reader), Ok(HostPort::default()));
        assert_eq!(reader.remaining(), 0);
    }

    #[test]
    fn a_port_without_a_host_is_read_as_no_server() {
        let mut reader = Reader::borrowed(b"\0\0\0\0\x21\x76\x01");
        assert_eq!(HostPort::decode(&mut reader), Ok(HostPort::default()));
    }
}
