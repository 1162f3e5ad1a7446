//! Splits a command line into tokens of bytes, as upstream's shell does (tools-and-apis.md
//! section 2): double quotes with C escapes, single quotes with `\'` alone, `""` is an empty token.
//!
//! One addition: outside quotes, `\xHH`, `\n`, `\r`, `\t`, `\\`, `\"`, `\'` and `\ ` are escapes too; any
//! other backslash stands for itself.

use std::iter::{Copied, Peekable};
use std::slice::Iter;

/// The line cannot be split.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// A quote was opened and not closed.
    #[error("invalid argument: the {quote} opened at column {column} is not closed")]
    Unbalanced {
        /// The quote.
        quote: char,
        /// Where it was opened, from 1.
        column: usize,
    },
    /// Text follows a closing quote without a space.
    #[error("invalid argument: a closing quote must be followed by a space (column {column})")]
    TextAfterQuote {
        /// Where the text starts, from 1.
        column: usize,
    },
}

/// The tokens of `line`. An empty line has none.
///
/// # Errors
/// Unbalanced quotes, or text directly behind a closing quote.
pub fn split(line: impl AsRef<[u8]>) -> Result<Vec<Vec<u8>>, SplitError> {
    let mut scanner = Scanner {
        bytes: line.as_ref().iter().copied().peekable(),
        column: 0,
    };
    let mut tokens = Vec::new();
    loop {
        while scanner.peek().is_some_and(|b| b.is_ascii_whitespace()) {
            scanner.next();
        }
        match scanner.peek() {
            None => return Ok(tokens),
            Some(quote @ (b'"' | b'\'')) => tokens.push(scanner.quoted(quote)?),
            Some(_) => tokens.push(scanner.bare()),
        }
    }
}

struct Scanner<'a> {
    bytes: Peekable<Copied<Iter<'a, u8>>>,
    column: usize,
}

impl Scanner<'_> {
    fn peek(&mut self) -> Option<u8> {
        self.bytes.peek().copied()
    }

    fn next(&mut self) -> Option<u8> {
        self.column += 1;
        self.bytes.next()
    }

    fn quoted(&mut self, quote: u8) -> Result<Vec<u8>, SplitError> {
        let opened = self.column + 1;
        self.next();
        let mut token = Vec::new();
        loop {
            match self.next() {
                None => {
                    return Err(SplitError::Unbalanced {
                        quote: char::from(quote),
                        column: opened,
                    });
                }
                Some(byte) if byte == quote => break,
                Some(b'\\') if quote == b'"' => token.extend(self.double_quote_escape()),
                Some(b'\\') if self.peek() == Some(b'\'') => token.extend(self.next()),
                Some(byte) => token.push(byte),
            }
        }
        match self.peek() {
            Some(byte) if !byte.is_ascii_whitespace() => Err(SplitError::TextAfterQuote {
                column: self.column + 1,
            }),
            _ => Ok(token),
        }
    }

    /// After a backslash in double quotes; an unknown escape is the character itself.
    fn double_quote_escape(&mut self) -> Option<u8> {
        match self.next()? {
            b'n' => Some(b'\n'),
            b'r' => Some(b'\r'),
            b't' => Some(b'\t'),
            b'b' => Some(8),
            b'a' => Some(7),
            b'x' => Some(self.hexadecimal().unwrap_or(b'x')),
            other => Some(other),
        }
    }

    fn bare(&mut self) -> Vec<u8> {
        let mut token = Vec::new();
        while let Some(byte) = self.peek() {
            if byte.is_ascii_whitespace() {
                break;
            }
            self.next();
            if byte == b'\\' {
                self.bare_escape(&mut token);
            } else {
                token.push(byte);
            }
        }
        token
    }

    fn bare_escape(&mut self, token: &mut Vec<u8>) {
        let plain = match self.peek() {
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(byte @ (b'\\' | b'"' | b'\'' | b' ')) => byte,
            Some(b'x') => {
                self.next();
                match self.hexadecimal() {
                    Some(byte) => token.push(byte),
                    None => token.extend_from_slice(b"\\x"),
                }
                return;
            }
            _ => return token.push(b'\\'),
        };
        self.next();
        token.push(plain);
    }

    /// Two hexadecimal digits, taken only if both are there.
    fn hexadecimal(&mut self) -> Option<u8> {
        let mut ahead = self.bytes.clone();
        let high = char::from(ahead.next()?).to_digit(16)?;
        let low = char::from(ahead.next()?).to_digit(16)?;
        self.next();
        self.next();
        u8::try_from(high * 16 + low).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<Vec<u8>> {
        split(line).unwrap()
    }

    #[test]
    fn splits_on_white_space_and_keeps_empty_quoted_tokens() {
        assert_eq!(words("  get  h1\t\"\" "), vec![&b"get"[..], b"h1", b""]);
        assert_eq!(words("   "), Vec::<Vec<u8>>::new());
    }

    #[test]
    fn double_quotes_take_c_escapes() {
        assert_eq!(
            words(r#""a b\x00\xfF\n\"\\\q""#),
            vec![b"a b\x00\xff\n\"\\q".to_vec()]
        );
        assert_eq!(words(r#""\xZ1""#), vec![b"xZ1".to_vec()]);
    }

    #[test]
    fn single_quotes_are_literal_but_for_the_quote() {
        assert_eq!(words(r"'a\n\'b'"), vec![br"a\n'b".to_vec()]);
    }

    #[test]
    fn bare_tokens_take_hexadecimal_bytes() {
        assert_eq!(
            words(r"k\x00\x1 \d \n"),
            vec![b"k\x00\\x1".to_vec(), br"\d".to_vec(), b"\n".to_vec()]
        );
    }

    #[test]
    fn errors_name_the_column() {
        assert_eq!(
            split("set \"a").unwrap_err(),
            SplitError::Unbalanced {
                quote: '"',
                column: 5
            }
        );
        assert_eq!(
            split("'a'b").unwrap_err(),
            SplitError::TextAfterQuote { column: 4 }
        );
    }

    #[test]
    fn utf8_passes_unchanged() {
        assert_eq!(words("é \"ü\""), vec!["é".as_bytes(), "ü".as_bytes()]);
    }
}
