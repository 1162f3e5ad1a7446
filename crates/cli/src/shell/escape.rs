//! Bytes as text: keys and values of any content, printable on a terminal and typed back in.

use std::fmt::Write as _;

/// Which bytes an output escapes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EscapeMode {
    /// Printable ASCII stays; quotes, backslashes and everything else are escaped.
    #[default]
    Unprintable,
    /// Every byte becomes `\xHH`.
    All,
}

/// The C-style form of `bytes`, without quotes around it. Typing it inside double quotes gives the
/// same bytes again.
#[must_use]
pub fn escape(bytes: &[u8], mode: EscapeMode) -> String {
    let mut text = String::with_capacity(bytes.len() + 8);
    for &byte in bytes {
        match (mode, byte) {
            (EscapeMode::Unprintable, b'\n') => text.push_str("\\n"),
            (EscapeMode::Unprintable, b'\r') => text.push_str("\\r"),
            (EscapeMode::Unprintable, b'\t') => text.push_str("\\t"),
            (EscapeMode::Unprintable, b'"') => text.push_str("\\\""),
            (EscapeMode::Unprintable, b'\\') => text.push_str("\\\\"),
            (EscapeMode::Unprintable, b' '..=b'~') => text.push(char::from(byte)),
            _ => {
                let _ = write!(text, "\\x{byte:02X}");
            }
        }
    }
    text
}

/// [`escape`] between double quotes.
#[must_use]
pub fn quote(bytes: &[u8], mode: EscapeMode) -> String {
    format!("\"{}\"", escape(bytes, mode))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::tokens::split;

    #[test]
    fn printable_text_stays_and_the_rest_is_hexadecimal() {
        assert_eq!(
            escape(b"a b\x00\xff\n\"\\", EscapeMode::Unprintable),
            "a b\\x00\\xFF\\n\\\"\\\\"
        );
        assert_eq!(escape(b"a\n", EscapeMode::All), "\\x61\\x0A");
    }

    #[test]
    fn every_byte_can_be_typed_back() {
        let every: Vec<u8> = (0..=255).collect();
        for mode in [EscapeMode::Unprintable, EscapeMode::All] {
            assert_eq!(split(quote(&every, mode)).unwrap(), vec![every.clone()]);
        }
    }
}
