//! Why bytes are not the message that they should be.

/// What was wrong with an encoded message. Carries no bytes of it, so it can be logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The input ends inside a value.
    #[error("message is cut: {needed} bytes expected, {remaining} left")]
    Truncated {
        /// Bytes that the next value takes at least.
        needed: usize,
        /// Bytes that are there.
        remaining: usize,
    },
    /// A string, list, set or map claims a negative size.
    #[error("message claims the negative size {0}")]
    NegativeSize(i32),
    /// A `string` field is not UTF-8.
    #[error("string is not UTF-8")]
    InvalidUtf8,
    /// A type byte that the protocol does not have.
    #[error("unknown type byte {0}")]
    UnknownType(u8),
    /// A non-empty container holds another type than its field is declared with.
    #[error("container holds elements of type {found} where {expected} was expected")]
    ElementType {
        /// Type byte of the declaration.
        expected: u8,
        /// Type byte in the message.
        found: u8,
    },
    /// An unknown field nests deeper than any message of ours.
    #[error("fields nest deeper than {0} levels")]
    TooDeep(u32),
    /// The containers hold so many tiny elements that they would take many times the memory of the
    /// message itself.
    #[error("containers of the message would take far more memory than the message")]
    TooManyElements,
    /// The wrapper struct holds no field 0 or 1 of the expected type.
    #[error("message has no argument of the expected type")]
    MissingArgument,
}

impl DecodeError {
    #[cold]
    pub(crate) const fn truncated(needed: usize, remaining: usize) -> Self {
        Self::Truncated { needed, remaining }
    }
}
