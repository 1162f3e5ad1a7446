//! What the values of environments look like.

use std::fmt;

use super::{ClientDenial, ReadSizeLimit, Throttling};

/// The form of a value. As text it is what an administrator is told to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grammar {
    /// `true` or `false`, in any case of letters.
    Boolean,
    /// A decimal number of 32 bits.
    Int32(Allowed),
    /// A decimal number of 64 bits.
    Int64(Allowed),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A [`Throttling`].
    Throttling,
    /// A [`ReadSizeLimit`].
    ReadSizeLimit,
    /// A [`ClientDenial`].
    ClientDenial,
    /// Anything.
    Text,
}

/// Which numbers are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// This one and all above.
    AtLeast(i64),
    /// From the first to the second, both included.
    Within(i64, i64),
    /// -1, or this one and all above.
    MinusOneOrAtLeast(i64),
}

impl Grammar {
    /// Whether a value has this form.
    #[must_use]
    pub fn allows(self, value: &str) -> bool {
        match self {
            Self::Boolean => ["true", "false"]
                .iter()
                .any(|word| value.eq_ignore_ascii_case(word)),
            Self::Int32(allowed) => value
                .parse::<i32>()
                .is_ok_and(|number| allowed.allows(number.into())),
            Self::Int64(allowed) => value.parse().is_ok_and(|number| allowed.allows(number)),
            Self::Choice(words) => words.contains(&value),
            Self::Throttling => value.parse::<Throttling>().is_ok(),
            Self::ReadSizeLimit => value.parse::<ReadSizeLimit>().is_ok(),
            Self::ClientDenial => value.parse::<ClientDenial>().is_ok(),
            Self::Text => true,
        }
    }
}

impl fmt::Display for Grammar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean => f.write_str("true | false"),
            Self::Int32(allowed) => write!(f, "a number of 32 bits, {allowed}"),
            Self::Int64(allowed) => write!(f, "a number of 64 bits, {allowed}"),
            Self::Choice(words) => f.write_str(&words.join(" | ")),
            Self::Throttling => f.write_str(
                "<units>[K|M]*<delay|reject>*<milliseconds>, or one of each with a comma between",
            ),
            Self::ReadSizeLimit => f.write_str(
                "<bytes>[K|M] above 0, or <bytes>[K|M]*reject*<milliseconds> with bytes above 0",
            ),
            Self::ClientDenial => f.write_str("<timeout|reconfig>*<all|write|read>"),
            Self::Text => f.write_str("any text"),
        }
    }
}

impl Allowed {
    fn allows(self, number: i64) -> bool {
        match self {
            Self::AtLeast(least) => number >= least,
            Self::Within(least, most) => (least..=most).contains(&number),
            Self::MinusOneOrAtLeast(least) => number == -1 || number >= least,
        }
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(least) => write!(f, ">= {least}"),
            Self::Within(least, most) => write!(f, "in [{least}, {most}]"),
            Self::MinusOneOrAtLeast(least) => write!(f, "-1 or >= {least}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_takes_its_values_and_no_others() {
        let word = Grammar::Choice(&["force", "skip"]);
        let small = Grammar::Int32(Allowed::AtLeast(0));
        let large = Grammar::Int64(Allowed::MinusOneOrAtLeast(1));
        let range = Grammar::Int64(Allowed::Within(1, 10));
        let table: [(Grammar, &[&str], &[&str]); 6] = [
            (
                Grammar::Boolean,
                &["true", "False", "TRUE"],
                &["", "1", "yes", "true "],
            ),
            (
                small,
                &["0", "2147483647"],
                &["-1", "2147483648", "1.0", "", " 1", "1s", "0x10"],
            ),
            (
                large,
                &["-1", "1", "9223372036854775807"],
                &["0", "-2", "9223372036854775808"],
            ),
            (range, &["1", "10"], &["0", "11"]),
            (word, &["force", "skip"], &["", "Force", "force,skip"]),
            (Grammar::Text, &["", "anything"], &[]),
        ];
        for (grammar, good, bad) in table {
            for value in good {
                assert!(grammar.allows(value), "{grammar:?} {value:?}");
            }
            for value in bad {
                assert!(!grammar.allows(value), "{grammar:?} {value:?}");
            }
        }
    }

    #[test]
    fn the_text_says_what_is_allowed() {
        let text = Grammar::Int32(Allowed::AtLeast(0)).to_string();
        assert_eq!(text, "a number of 32 bits, >= 0");
        assert_eq!(Grammar::Choice(&["a", "b"]).to_string(), "a | b");
    }
}
