//! Integers in values, as C's `strtoll` with base 0 reads a whole string (data-semantics.md 5.5).

/// The number, if all of the text is one.
pub fn parse(text: &[u8]) -> Option<i64> {
    let blanks = text
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r'))
        .count();
    let text = text.get(blanks..)?;
    let (is_negative, digits) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        (b'+', rest) => (false, rest),
        _ => (false, text),
    };
    let (base, digits) = match digits {
        [b'0', b'x' | b'X', rest @ ..] => (16, rest),
        [b'0', rest @ ..] if !rest.is_empty() => (8, rest),
        _ => (10, digits),
    };
    if digits.is_empty() {
        return None;
    }
    let mut value = 0_i128;
    for digit in digits {
        let digit = char::from(*digit).to_digit(base)?;
        value = (value * i128::from(base) + i128::from(digit)).min(1 << 100);
    }
    i64::try_from(if is_negative { -value } else { value }).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
            .collect()
    }

    #[test]
    fn numbers_are_read_as_the_c_library_does() {
        let shared = std::env::var("PEGASUS_SHARED")
            .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared").to_owned());
        let path = format!("{shared}/reference/vectors/semantics.json");
        let vectors: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let cases = vectors["int_parse"].as_array().unwrap();
        assert!(cases.len() > 20);
        for case in cases {
            let text = bytes(case["text_hex"].as_str().unwrap());
            assert_eq!(parse(&text), case["value"].as_i64(), "{case}");
        }
    }
}
