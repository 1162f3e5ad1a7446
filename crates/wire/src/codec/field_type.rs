//! The type byte of a field, list element, map key or map value.

/// A Thrift type byte. A transparent number, because an unknown one must reach the error message
/// and because the decoder matches it together with the field id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FieldType(pub u8);

impl FieldType {
    /// End of a struct; has no id and no content.
    pub const STOP: Self = Self(0);
    /// One byte, zero is false.
    pub const BOOL: Self = Self(2);
    /// One signed byte.
    pub const BYTE: Self = Self(3);
    /// IEEE 754, eight bytes.
    pub const DOUBLE: Self = Self(4);
    /// Two bytes.
    pub const I16: Self = Self(6);
    /// Four bytes; also every enum.
    pub const I32: Self = Self(8);
    /// Eight bytes.
    pub const I64: Self = Self(10);
    /// `i32` length and bytes.
    pub const STRING: Self = Self(11);
    /// Fields up to a stop byte, or the raw content of one of the six hand-written types.
    pub const STRUCT: Self = Self(12);
    /// Key type, value type, `i32` count, pairs.
    pub const MAP: Self = Self(13);
    /// Element type, `i32` count, elements.
    pub const SET: Self = Self(14);
    /// Element type, `i32` count, elements.
    pub const LIST: Self = Self(15);
}
