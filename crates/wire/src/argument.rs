//! The argument of a request: a struct with one field around the real value.
//!
//! Official clients use field id 1, native ones 0; both are accepted (wire-protocol.md section
//! 11.15). Bytes after the wrapper are ignored, as upstream does.

use bytes::{Bytes, BytesMut};

use crate::codec::{
    DecodeError, FIELD_HEADER_LEN, FieldType, Message, Reader, STOP_LEN, encode_stop,
};

/// Field id of the argument in requests that we send.
const ARGUMENT_ID: i16 = 1;

/// Reads the argument of a request; its blobs share the memory of `body`.
///
/// # Errors
/// When `body` is no wrapper around such a value.
pub fn decode<M: Message>(body: &Bytes) -> Result<M, DecodeError> {
    decode_wrapped(&mut Reader::new(body))
}

/// Reads the argument of `get`, `ttl`, `remove` or `sortkey_count` (a raw key or a hash key) in
/// place: no allocation, no reference count.
///
/// # Errors
/// When `body` is no wrapper around a blob.
#[inline]
pub fn blob(body: &[u8]) -> Result<&[u8], DecodeError> {
    // What every client sends: exactly one field and the end.
    if let Some((&[type_byte, 0, 0 | 1, a, b, c, d], rest)) = body.split_first_chunk()
        && type_byte == FieldType::STRUCT.0
        && let Ok(len) = usize::try_from(i32::from_be_bytes([a, b, c, d]))
        && let Some((blob, [0, ..])) = rest.split_at_checked(len)
    {
        return Ok(blob);
    }
    blob_between_other_fields(body)
}

/// The general case of [`blob`], for whatever Thrift allows beyond what clients send.
#[cold]
fn blob_between_other_fields(body: &[u8]) -> Result<&[u8], DecodeError> {
    let mut reader = Reader::borrowed(body);
    let mut found = None;
    while let Some(field) = reader.field()? {
        match (field.id, field.field_type) {
            (0 | 1, FieldType::STRUCT) => found = Some(reader.byte_slice()?),
            _ => reader.skip(field.field_type)?,
        }
    }
    found.ok_or(DecodeError::MissingArgument)
}

/// Appends the argument of a request.
pub fn encode<M: Message>(argument: &M, out: &mut BytesMut) {
    encode_wrapped(ARGUMENT_ID, argument, out);
}

/// Bytes that [`encode`] appends.
pub fn encoded_len_hint<M: Message>(argument: &M) -> usize {
    FIELD_HEADER_LEN + argument.encoded_len_hint() + STOP_LEN
}

/// Reads the value in field 0 or 1 of a wrapper struct.
pub(crate) fn decode_wrapped<M: Message>(reader: &mut Reader<'_>) -> Result<M, DecodeError> {
    let mut found = None;
    while let Some(field) = reader.field()? {
        if matches!(field.id, 0 | 1) && field.field_type == M::FIELD_TYPE {
            found = Some(M::decode(reader)?);
        } else {
            reader.skip(field.field_type)?;
        }
    }
    found.ok_or(DecodeError::MissingArgument)
}

/// Appends a wrapper struct with one field.
pub(crate) fn encode_wrapped<M: Message>(id: i16, value: &M, out: &mut BytesMut) {
    value.encode_field(out, id);
    encode_stop(out);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_is_read_in_place_under_either_id() {
        for id in [0, 1] {
            let body = [12, 0, id, 0, 0, 0, 2, b'a', b'b', 0];
            assert_eq!(blob(&body), Ok(&b"ab"[..]));
            assert_eq!(
                decode::<Bytes>(&Bytes::copy_from_slice(&body)),
                Ok(Bytes::from_static(b"ab"))
            );
            for cut in 0..body.len() {
                assert!(blob(&body[..cut]).is_err(), "cut at {cut}");
            }
        }
    }

    #[test]
    fn unknown_fields_around_the_argument_are_skipped() {
        let body = b"\x08\0\x05\0\0\0\x09\x0c\0\x01\0\0\0\x02ab\x0b\0\x02\0\0\0\0\0";
        assert_eq!(blob(body), Ok(&b"ab"[..]));
        assert_eq!(
            decode::<Bytes>(&Bytes::from_static(body)),
            Ok(Bytes::from_static(b"ab"))
        );
    }

    #[test]
    fn an_argument_of_another_type_is_missing() {
        let number = b"\x0a\0\x01\0\0\0\0\0\0\0\x07\0";
        assert_eq!(blob(number), Err(DecodeError::MissingArgument));
        assert_eq!(decode::<i64>(&Bytes::from_static(number)), Ok(7));
        assert_eq!(blob(b"\0"), Err(DecodeError::MissingArgument));
    }
}
