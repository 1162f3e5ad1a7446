//! Passing over fields that this version does not know.

use super::{DecodeError, FieldType, Reader};

/// How deep an unknown field may nest. Our own messages stay below 8.
const DEPTH_LIMIT: u32 = 64;

impl Reader<'_> {
    /// Passes over one value. A field of one of the six hand-written types cannot be told from a
    /// real struct, so skipping one misreads what follows it (module documentation).
    ///
    /// # Errors
    /// When the value is malformed, of an unknown type, or nests too deep.
    #[cold]
    pub fn skip(&mut self, field_type: FieldType) -> Result<(), DecodeError> {
        self.skip_nested(field_type, DEPTH_LIMIT)
    }

    fn skip_nested(&mut self, field_type: FieldType, depth: u32) -> Result<(), DecodeError> {
        if let Some(len) = fixed_len(field_type) {
            return self.take(len).map(drop);
        }
        let depth = depth
            .checked_sub(1)
            .ok_or(DecodeError::TooDeep(DEPTH_LIMIT))?;
        match field_type {
            FieldType::STRING => self.byte_slice().map(drop),
            FieldType::STRUCT => {
                while let Some(field) = self.field()? {
                    self.skip_nested(field.field_type, depth)?;
                }
                Ok(())
            }
            FieldType::LIST | FieldType::SET => {
                let element_type = self.element_type()?;
                let count = self.size()?;
                self.skip_elements(&[element_type], count, depth)
            }
            FieldType::MAP => {
                let key_and_value = [self.element_type()?, self.element_type()?];
                let count = self.size()?;
                self.skip_elements(&key_and_value, count, depth)
            }
            FieldType(unknown) => Err(DecodeError::UnknownType(unknown)),
        }
    }

    /// Every value takes at least one byte, so the loop ends with the input whatever `count` says.
    fn skip_elements(
        &mut self,
        types: &[FieldType],
        count: usize,
        depth: u32,
    ) -> Result<(), DecodeError> {
        for _ in 0..count {
            for &element_type in types {
                self.skip_nested(element_type, depth)?;
            }
        }
        Ok(())
    }
}

/// The length of a type whose values all have the same one.
const fn fixed_len(field_type: FieldType) -> Option<usize> {
    match field_type {
        FieldType::BOOL | FieldType::BYTE => Some(1),
        FieldType::I16 => Some(2),
        FieldType::I32 => Some(4),
        FieldType::I64 | FieldType::DOUBLE => Some(8),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_passed_over_exactly() {
        let cases: [(FieldType, &[u8]); 8] = [
            (FieldType::BOOL, b"\x01"),
            (FieldType::I16, b"\0\x01"),
            (FieldType::DOUBLE, b"\0\0\0\0\0\0\0\0"),
            (FieldType::STRING, b"\0\0\0\x02ab"),
            (FieldType::STRUCT, b"\x0b\0\x07\0\0\0\x01a\x02\0\x08\x01\0"),
            (FieldType::LIST, b"\x08\0\0\0\x02\0\0\0\x01\0\0\0\x02"),
            (FieldType::SET, b"\x0c\0\0\0\x02\0\0"),
            (FieldType::MAP, b"\x0b\x08\0\0\0\x01\0\0\0\x01k\0\0\0\x01"),
        ];
        for (field_type, content) in cases {
            let mut reader = Reader::borrowed(content);
            reader.skip(field_type).unwrap();
            assert_eq!(reader.remaining(), 0, "{field_type:?}");
            for cut in 0..content.len() {
                let mut reader = Reader::borrowed(&content[..cut]);
                assert!(reader.skip(field_type).is_err(), "{field_type:?} at {cut}");
            }
        }
    }

    #[test]
    fn deep_nesting_is_refused_and_not_followed() {
        let nested = b"\x0c\0\x01".repeat(1_000);
        let error = Reader::borrowed(&nested).skip(FieldType::STRUCT);
        assert_eq!(error, Err(DecodeError::TooDeep(DEPTH_LIMIT)));
    }

    #[test]
    fn unknown_types_are_named() {
        let error = Reader::borrowed(b"\0").skip(FieldType(21));
        assert_eq!(error, Err(DecodeError::UnknownType(21)));
    }
}
