//! Names of the IDL as Rust spells them.

/// Words that may be field names in the IDL but not in Rust.
const KEYWORDS: &[&str] = &[
    "type", "match", "ref", "move", "use", "where", "loop", "final",
];

/// `read_response` becomes `ReadResponse`.
pub fn type_name(idl: &str) -> String {
    idl.split('_').map(capitalised).collect()
}

/// A field name that Rust accepts.
pub fn field_name(idl: &str) -> String {
    if KEYWORDS.contains(&idl) {
        format!("r#{idl}")
    } else {
        idl.to_owned()
    }
}

/// `fl_steady` becomes `FL_STEADY`.
pub fn constant_name(idl: &str) -> String {
    idl.to_ascii_uppercase()
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_ascii_uppercase().to_string() + letters.as_str()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_rust() {
        assert_eq!(type_name("check_and_set_request"), "CheckAndSetRequest");
        assert_eq!(field_name("type"), "r#type");
        assert_eq!(field_name("kvs"), "kvs");
        assert_eq!(constant_name("fl_steady"), "FL_STEADY");
    }
}
