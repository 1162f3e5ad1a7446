//! Lists, sets and maps. Nothing is allocated for a count that the rest of the message cannot hold.

use std::collections::{BTreeMap, BTreeSet};

use bytes::{BufMut, BytesMut};

use super::{DecodeError, FieldType, Message, Reader};

/// Element type and count.
const SEQUENCE_HEADER_LEN: usize = 5;
/// Key type, value type and count.
const MAP_HEADER_LEN: usize = 6;

impl<T: Message> Message for Vec<T> {
    const FIELD_TYPE: FieldType = FieldType::LIST;
    const MIN_LEN: usize = SEQUENCE_HEADER_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let count = decode_sequence_header::<T>(reader)?;
        let mut elements = Self::with_capacity(count);
        for _ in 0..count {
            elements.push(T::decode(reader)?);
        }
        Ok(elements)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_sequence_header::<T>(out, self.len());
        for element in self {
            element.encode(out);
        }
    }

    fn encoded_len_hint(&self) -> usize {
        self.iter().fold(SEQUENCE_HEADER_LEN, |len, element| {
            len + element.encoded_len_hint()
        })
    }
}

impl<T: Message + Ord> Message for BTreeSet<T> {
    const FIELD_TYPE: FieldType = FieldType::SET;
    const MIN_LEN: usize = SEQUENCE_HEADER_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let count = decode_sequence_header::<T>(reader)?;
        let mut elements = Self::new();
        for _ in 0..count {
            elements.insert(T::decode(reader)?);
        }
        Ok(elements)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_sequence_header::<T>(out, self.len());
        for element in self {
            element.encode(out);
        }
    }

    fn encoded_len_hint(&self) -> usize {
        self.iter().fold(SEQUENCE_HEADER_LEN, |len, element| {
            len + element.encoded_len_hint()
        })
    }
}

impl<K: Message + Ord, V: Message> Message for BTreeMap<K, V> {
    const FIELD_TYPE: FieldType = FieldType::MAP;
    const MIN_LEN: usize = MAP_HEADER_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let key_type = reader.element_type()?;
        let value_type = reader.element_type()?;
        let count = reader.size()?;
        let mut entries = Self::new();
        if count == 0 {
            return Ok(entries);
        }
        check_element_type(key_type, K::FIELD_TYPE)?;
        check_element_type(value_type, V::FIELD_TYPE)?;
        reader.expect_elements(count, K::MIN_LEN + V::MIN_LEN, size_of::<(K, V)>())?;
        for _ in 0..count {
            let key = K::decode(reader)?;
            entries.insert(key, V::decode(reader)?);
        }
        Ok(entries)
    }

    fn encode(&self, out: &mut BytesMut) {
        out.put_slice(&[K::FIELD_TYPE.0, V::FIELD_TYPE.0]);
        out.put_i32(encodable_count(self.len()));
        for (key, value) in self {
            key.encode(out);
            value.encode(out);
        }
    }

    fn encoded_len_hint(&self) -> usize {
        self.iter().fold(MAP_HEADER_LEN, |len, (key, value)| {
            len + key.encoded_len_hint() + value.encoded_len_hint()
        })
    }
}

/// Reads element type and count of a list or set. An empty one may name any type.
fn decode_sequence_header<T: Message>(reader: &mut Reader<'_>) -> Result<usize, DecodeError> {
    let element_type = reader.element_type()?;
    let count = reader.size()?;
    if count > 0 {
        check_element_type(element_type, T::FIELD_TYPE)?;
        reader.expect_elements(count, T::MIN_LEN, size_of::<T>())?;
    }
    Ok(count)
}

fn encode_sequence_header<T: Message>(out: &mut BytesMut, count: usize) {
    out.put_u8(T::FIELD_TYPE.0);
    out.put_i32(encodable_count(count));
}

/// A count as the wire has it. Two thousand million elements do not fit a frame, so the bound is
/// never met.
fn encodable_count(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

fn check_element_type(found: FieldType, expected: FieldType) -> Result<(), DecodeError> {
    if found == expected {
        Ok(())
    } else {
        Err(DecodeError::ElementType {
            expected: expected.0,
            found: found.0,
        })
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn decode<T: Message>(input: &[u8]) -> Result<T, DecodeError> {
        T::decode(&mut Reader::borrowed(input))
    }

    #[test]
    fn an_empty_container_may_name_any_type() {
        assert_eq!(decode::<Vec<i32>>(&[0, 0, 0, 0, 0]), Ok(vec![]));
        let empty = decode::<BTreeMap<String, String>>(&[0, 0, 0, 0, 0, 0]);
        assert_eq!(empty, Ok(BTreeMap::new()));
    }

    #[test]
    fn claims_are_refused_before_memory_is_taken() {
        let error = decode::<Vec<i64>>(b"\x0a\x7f\xff\xff\xff\0\0").unwrap_err();
        assert!(matches!(error, DecodeError::Truncated { .. }), "{error}");
        let error = decode::<Vec<Bytes>>(b"\x0c\xff\xff\xff\xff").unwrap_err();
        assert_eq!(error, DecodeError::NegativeSize(-1));
    }

    #[test]
    fn elements_of_another_type_are_refused() {
        let error = decode::<Vec<i32>>(b"\x0a\0\0\0\x01\0\0\0\0\0\0\0\0").unwrap_err();
        let expected = DecodeError::ElementType {
            expected: FieldType::I32.0,
            found: FieldType::I64.0,
        };
        assert_eq!(error, expected);
    }
}
