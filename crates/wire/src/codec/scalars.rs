//! Numbers, booleans and strings.

use bytes::{BufMut, BytesMut};

use super::{
    DecodeError, FIELD_HEADER_LEN, FieldType, Message, Reader, encode_bytes, encode_bytes_field,
};

macro_rules! number {
    ($number:ty, $field_type:ident) => {
        impl Message for $number {
            const FIELD_TYPE: FieldType = FieldType::$field_type;
            const MIN_LEN: usize = size_of::<$number>();

            #[inline]
            fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
                Ok(Self::from_be_bytes(reader.array()?))
            }

            #[inline]
            fn encode(&self, out: &mut BytesMut) {
                out.put_slice(&self.to_be_bytes());
            }

            #[inline]
            fn encode_field(&self, out: &mut BytesMut, id: i16) {
                let mut field = [0; FIELD_HEADER_LEN + size_of::<$number>()];
                field[0] = Self::FIELD_TYPE.0;
                field[1..FIELD_HEADER_LEN].copy_from_slice(&id.to_be_bytes());
                field[FIELD_HEADER_LEN..].copy_from_slice(&self.to_be_bytes());
                out.put_slice(&field);
            }

            #[inline]
            fn encoded_len_hint(&self) -> usize {
                Self::MIN_LEN
            }
        }
    };
}

number!(i8, BYTE);
number!(i16, I16);
number!(i32, I32);
number!(i64, I64);
number!(f64, DOUBLE);

impl Message for bool {
    const FIELD_TYPE: FieldType = FieldType::BOOL;
    const MIN_LEN: usize = 1;

    #[inline]
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let [byte] = reader.array()?;
        Ok(byte != 0)
    }

    #[inline]
    fn encode(&self, out: &mut BytesMut) {
        out.put_u8(u8::from(*self));
    }

    #[inline]
    fn encode_field(&self, out: &mut BytesMut, id: i16) {
        let [high, low] = id.to_be_bytes();
        out.put_slice(&[Self::FIELD_TYPE.0, high, low, u8::from(*self)]);
    }

    #[inline]
    fn encoded_len_hint(&self) -> usize {
        Self::MIN_LEN
    }
}

impl Message for String {
    const FIELD_TYPE: FieldType = FieldType::STRING;
    const MIN_LEN: usize = 4;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match std::str::from_utf8(reader.byte_slice()?) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => Err(DecodeError::InvalidUtf8),
        }
    }

    #[inline]
    fn encode(&self, out: &mut BytesMut) {
        encode_bytes(out, self.as_bytes());
    }

    #[inline]
    fn encode_field(&self, out: &mut BytesMut, id: i16) {
        encode_bytes_field(out, Self::FIELD_TYPE, id, self.as_bytes());
    }

    #[inline]
    fn encoded_len_hint(&self) -> usize {
        Self::MIN_LEN + self.len()
    }
}
