//! The name in a request's message header.

use bytes::Bytes;

use crate::task_code::TaskCode;

/// Longest name that goes out, in bytes: upstream keeps names in 48 bytes with a zero at the end.
pub const MAX_NAME_LEN: usize = 47;

/// Suffix of names in responses.
const ACK_SUFFIX: &[u8] = b"_ACK";

/// The RPC that a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestName {
    /// One that this version speaks.
    Known(TaskCode),
    /// Any other; kept because the error answer repeats it.
    Unknown(Bytes),
}

impl RequestName {
    /// The task code, unless the name is unknown.
    #[must_use]
    pub const fn code(&self) -> Option<TaskCode> {
        match self {
            Self::Known(code) => Some(*code),
            Self::Unknown(_) => None,
        }
    }

    /// The name as bytes; an unknown one need not be text.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Known(code) => code.name().as_bytes(),
            Self::Unknown(name) => name,
        }
    }

    /// Calls `write` with the name in the response: the request's with `_ACK`, at most
    /// [`MAX_NAME_LEN`] bytes.
    pub(super) fn with_ack_name<R>(&self, write: impl FnOnce(&[u8]) -> R) -> R {
        match self {
            Self::Known(code) => write(code.ack_name().as_bytes()),
            Self::Unknown(name) => {
                let mut ack = [0; MAX_NAME_LEN];
                let mut len = 0;
                for (to, from) in ack.iter_mut().zip(name.iter().chain(ACK_SUFFIX)) {
                    *to = *from;
                    len += 1;
                }
                write(&ack[..len])
            }
        }
    }
}

impl From<TaskCode> for RequestName {
    fn from(code: TaskCode) -> Self {
        Self::Known(code)
    }
}

impl std::fmt::Display for RequestName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Known(code) => code.fmt(f),
            Self::Unknown(name) => {
                let shown = &name[..name.len().min(MAX_NAME_LEN)];
                write!(f, "{}", shown.escape_ascii())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ack_of(name: &'static [u8]) -> Vec<u8> {
        RequestName::Unknown(Bytes::from_static(name)).with_ack_name(<[u8]>::to_vec)
    }

    #[test]
    fn unknown_names_are_repeated_and_cut() {
        assert_eq!(ack_of(b"RPC_X"), b"RPC_X_ACK");
        let long = &[b'n'; 45];
        assert_eq!(ack_of(long), [&long[..], b"_A"].concat());
        assert_eq!(ack_of(&[b'n'; 60]), [b'n'; MAX_NAME_LEN]);
    }

    #[test]
    fn strange_names_are_shown_escaped_and_short() {
        let name = RequestName::Unknown(Bytes::from(vec![b'\n'; 100]));
        assert_eq!(name.to_string(), "\\n".repeat(MAX_NAME_LEN));
    }
}
