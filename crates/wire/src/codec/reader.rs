//! The cursor that all decoding goes through. Every read checks what is left first.

use bytes::Bytes;

use super::{DecodeError, FieldType};

/// How many bytes of container memory one byte of input may ask for. The hungriest honest message,
/// a list of empty blobs, takes 8.
const MEMORY_PER_INPUT_BYTE: usize = 16;
/// Container memory that even the shortest input may ask for, in bytes.
const MEMORY_FLOOR: usize = 4096;

/// Type and id of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldHeader {
    /// Id, as declared in the IDL.
    pub id: i16,
    /// Type of the content that follows.
    pub field_type: FieldType,
}

/// A position in an encoded message.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    owner: Option<&'a Bytes>,
    container_memory: usize,
}

impl<'a> Reader<'a> {
    /// Reads `message`; blobs become slices of it that share its memory.
    #[inline]
    #[must_use]
    pub fn new(message: &'a Bytes) -> Self {
        Self {
            owner: Some(message),
            ..Self::borrowed(message)
        }
    }

    /// Reads bytes that somebody else owns; blobs become copies.
    #[inline]
    #[must_use]
    pub fn borrowed(message: &'a [u8]) -> Self {
        Self {
            rest: message,
            owner: None,
            container_memory: message
                .len()
                .saturating_mul(MEMORY_PER_INPUT_BYTE)
                .saturating_add(MEMORY_FLOOR),
        }
    }

    /// Bytes that are left.
    #[inline]
    #[must_use]
    pub const fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Takes the next `count` bytes.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] when fewer are left.
    #[inline]
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        match self.rest.split_at_checked(count) {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(taken)
            }
            None => Err(DecodeError::truncated(count, self.rest.len())),
        }
    }

    /// Takes the next `N` bytes as an array.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] when fewer are left.
    #[inline]
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        match self.rest.split_first_chunk::<N>() {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(*taken)
            }
            None => Err(DecodeError::truncated(N, self.rest.len())),
        }
    }

    /// Takes an `i32` that counts bytes or elements.
    ///
    /// # Errors
    /// When it is cut or negative.
    #[inline]
    pub fn size(&mut self) -> Result<usize, DecodeError> {
        let size = i32::from_be_bytes(self.array()?);
        usize::try_from(size).map_err(|_| DecodeError::NegativeSize(size))
    }

    /// Takes a length and that many bytes, borrowed from the message.
    ///
    /// # Errors
    /// When it is cut or its length is negative.
    #[inline]
    pub fn byte_slice(&mut self) -> Result<&'a [u8], DecodeError> {
        let len = self.size()?;
        self.take(len)
    }

    /// Takes a length and that many bytes, sharing the message's memory where it has an owner.
    ///
    /// # Errors
    /// When it is cut or its length is negative.
    #[inline]
    pub fn bytes(&mut self) -> Result<Bytes, DecodeError> {
        let taken = self.byte_slice()?;
        Ok(match self.owner {
            Some(owner) => {
                let end = owner.len() - self.rest.len();
                owner.slice(end - taken.len()..end)
            }
            None => Bytes::copy_from_slice(taken),
        })
    }

    /// Takes a field's header; `None` is the end of the struct.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`].
    #[inline]
    pub fn field(&mut self) -> Result<Option<FieldHeader>, DecodeError> {
        if let Some((&[field_type, high, low], rest)) = self.rest.split_first_chunk()
            && field_type != FieldType::STOP.0
        {
            self.rest = rest;
            return Ok(Some(FieldHeader {
                id: i16::from_be_bytes([high, low]),
                field_type: FieldType(field_type),
            }));
        }
        self.end_of_struct()
    }

    /// Takes the type byte of a container's elements and checks it later, in
    /// [`Reader::expect_elements`]: an empty container may name any type.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`].
    #[inline]
    pub fn element_type(&mut self) -> Result<FieldType, DecodeError> {
        let [element_type] = self.array()?;
        Ok(FieldType(element_type))
    }

    /// Checks that `count` elements, each of at least `min_len` bytes here and `memory_len` bytes
    /// in memory, can be what they claim, before anything is allocated for them.
    ///
    /// # Errors
    /// When the message is too short for them, or when they would take far more memory than it.
    pub fn expect_elements(
        &mut self,
        count: usize,
        min_len: usize,
        memory_len: usize,
    ) -> Result<(), DecodeError> {
        let needed = count.saturating_mul(min_len);
        if needed > self.rest.len() {
            return Err(DecodeError::truncated(needed, self.rest.len()));
        }
        let memory = count.saturating_mul(memory_len);
        self.container_memory = self
            .container_memory
            .checked_sub(memory)
            .ok_or(DecodeError::TooManyElements)?;
        Ok(())
    }

    fn end_of_struct(&mut self) -> Result<Option<FieldHeader>, DecodeError> {
        match self.rest.split_first() {
            Some((&0, rest)) => {
                self.rest = rest;
                Ok(None)
            }
            _ => Err(DecodeError::truncated(
                super::FIELD_HEADER_LEN,
                self.rest.len(),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blobs_share_the_memory_of_their_message() {
        let message = Bytes::from_static(b"\0\0\0\x03abc\0\0\0\0");
        let mut reader = Reader::new(&message);
        let blob = reader.bytes().unwrap();
        assert_eq!(blob, "abc");
        assert_eq!(blob.as_ptr(), message[4..].as_ptr());
        assert!(reader.bytes().unwrap().is_empty());
        assert_eq!(reader.remaining(), 0);
    }

    #[test]
    fn sizes_are_checked_before_they_are_believed() {
        let mut reader = Reader::borrowed(b"\xff\xff\xff\xff");
        assert_eq!(reader.byte_slice(), Err(DecodeError::NegativeSize(-1)));
        let mut reader = Reader::borrowed(b"\x7f\xff\xff\xffab");
        let error = reader.byte_slice().unwrap_err();
        assert_eq!(error, DecodeError::truncated(i32::MAX as usize, 2));
    }

    #[test]
    fn a_struct_may_end_with_its_last_byte() {
        let mut reader = Reader::borrowed(b"\x08\0\x01\0");
        let header = reader.field().unwrap().unwrap();
        assert_eq!((header.id, header.field_type), (1, FieldType::I32));
        assert_eq!(reader.field(), Ok(None));
        assert!(reader.field().is_err());
    }

    #[test]
    fn tiny_elements_cannot_ask_for_much_memory() {
        let input = [0; 1000];
        let mut reader = Reader::borrowed(&input);
        assert_eq!(reader.expect_elements(1000, 1, 16), Ok(()));
        let error = reader.expect_elements(1000, 1, 16).unwrap_err();
        assert_eq!(error, DecodeError::TooManyElements);
    }
}
