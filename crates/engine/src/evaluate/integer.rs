//! Integers in user data, read as the original server reads them: C `strtoll` with base 0 over the
//! whole text (data-semantics.md section 5.5).

/// The number that `text` is: optional leading white space, optional sign, then decimal digits, or
/// `0x` and hexadecimal digits, or `0` and octal digits. `None` for anything else, also for trailing
/// characters of any kind and for numbers outside 64 bits.
pub(crate) fn parse(text: &[u8]) -> Option<i64> {
    let text = without_leading_blanks(text);
    let (is_negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    let (radix, digits) = match digits {
        [b'0', b'x' | b'X', digits @ ..] => (16, digits),
        [b'0', _, ..] => (8, &digits[1..]),
        digits => (10, digits),
    };
    if digits.is_empty() {
        return None;
    }
    // Downwards, because the least number has no positive twin.
    let mut negated = 0_i64;
    for &digit in digits {
        let digit = char::from(digit).to_digit(radix)?;
        negated = negated
            .checked_mul(i64::from(radix))?
            .checked_sub(i64::from(digit))?;
    }
    if is_negative {
        Some(negated)
    } else {
        negated.checked_neg()
    }
}

/// Drops what C's `isspace` calls white space; Rust's own notion lacks the vertical tab.
fn without_leading_blanks(text: &[u8]) -> &[u8] {
    let mut rest = text;
    while let [b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r', tail @ ..] = rest {
        rest = tail;
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_vectors;

    #[test]
    fn numbers_match_the_c_library() {
        for vector in test_vectors::load("semantics.json")["int_parse"]
            .as_array()
            .unwrap()
        {
            let text = test_vectors::hex(&vector["text_hex"]);
            assert_eq!(parse(&text), vector["value"].as_i64(), "{vector}");
        }
    }

    #[test]
    fn vertical_tab_is_blank_and_zero_is_zero() {
        assert_eq!(parse(b"\x0b\x0c7"), Some(7));
        assert_eq!(parse(b"0"), Some(0));
        assert_eq!(parse(b"00012"), Some(10));
    }
}
