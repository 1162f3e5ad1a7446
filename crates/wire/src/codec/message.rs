//! What can stand on the wire.

use bytes::{BufMut, BytesMut};

use super::{DecodeError, FieldType, Reader};

/// Bytes in front of a field's content: type byte and `i16` id.
pub const FIELD_HEADER_LEN: usize = 3;
/// Bytes that end a struct.
pub const STOP_LEN: usize = 1;

/// A value with a Thrift encoding: the generated structs and enums, and the plain types that their
/// fields have.
pub trait Message: Sized {
    /// The type byte that announces this value.
    const FIELD_TYPE: FieldType;
    /// The fewest bytes that any value takes; at least 1. Bounds what a list may claim.
    const MIN_LEN: usize;

    /// Reads one value. A struct takes its fields in any order, the last of duplicates wins, a
    /// missing one keeps its default, and an unknown one is skipped.
    ///
    /// # Errors
    /// When the bytes are no such value; the reader's position is then undefined.
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError>;

    /// Appends the value. Never fails; a string or blob above 2 GiB, which no frame can bring in,
    /// is cut there.
    fn encode(&self, out: &mut BytesMut);

    /// Appends the value as the field `id` of a struct. Overridden where header and value can be
    /// appended as one piece, which is most of the cost of encoding small fields.
    #[inline]
    fn encode_field(&self, out: &mut BytesMut, id: i16) {
        encode_field_header(out, Self::FIELD_TYPE, id);
        self.encode(out);
    }

    /// How many bytes [`Message::encode`] appends, to reserve them at once.
    fn encoded_len_hint(&self) -> usize;
}

/// Appends the header of one field.
#[inline]
pub fn encode_field_header(out: &mut BytesMut, field_type: FieldType, id: i16) {
    let [high, low] = id.to_be_bytes();
    out.put_slice(&[field_type.0, high, low]);
}

/// Appends the end of a struct.
#[inline]
pub fn encode_stop(out: &mut BytesMut) {
    out.put_u8(FieldType::STOP.0);
}
