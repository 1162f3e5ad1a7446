//! One option: what is known about it, and how its value is read and written.

use std::fmt;
use std::ops::RangeInclusive;
use std::path::PathBuf;

/// Everything that a reader of the configuration reference needs to know about one option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionInfo {
    /// The key in its section. Its last word is the unit.
    pub key: &'static str,
    /// The type in words, for example "integer".
    pub value_type: String,
    /// The value without a configuration file, in TOML.
    pub default: String,
    /// The permitted range, in Rust's notation, where there is one.
    pub range: Option<String>,
    /// The meaning: the doc comment of the declaration.
    pub description: &'static str,
    /// Whether a running server takes a new value.
    pub mutability: Mutability,
}

/// When a change of an option takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutability {
    /// At the next start.
    Fixed,
    /// At once, through `/updateConfig`.
    Mutable,
}

/// A value as somebody gave it, before it is known whether it fits.
#[derive(Clone, Debug, PartialEq)]
pub enum Given {
    /// `true` or `false`.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A number with a fraction.
    Float(f64),
    /// A quoted string.
    Text(String),
    /// A list of values.
    List(Vec<Given>),
    /// Text without quotes, from a command or a URL: may mean any of the others.
    Unquoted(String),
    /// Something that no option takes (a date, a table); the text names it.
    Other(&'static str),
}

impl Given {
    /// What it is, in words, for an error message.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Boolean(value) => format!("the boolean {value}"),
            Self::Integer(value) => format!("the integer {value}"),
            Self::Float(value) => format!("the number {value}"),
            Self::Text(value) => format!("the string \"{value}\""),
            Self::List(_) => "a list".to_owned(),
            Self::Unquoted(value) => format!("'{value}'"),
            Self::Other(name) => format!("a {name}"),
        }
    }
}

/// Why a section does not take a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The section has no such key.
    UnknownKey,
    /// The value has another type; what was expected, in words.
    WrongType {
        /// For example "an integer".
        expected: String,
    },
    /// The value has the right type but is outside of the permitted range.
    OutOfRange {
        /// The range in Rust's notation, for example `1..=3600`.
        allowed: String,
    },
}

/// A permitted range in Rust's notation. Its type makes the range's literals ones of the option's
/// type.
#[must_use]
pub fn describe_range<T: fmt::Debug>(range: &RangeInclusive<T>) -> String {
    format!("{range:?}")
}

/// A type that an option may have.
pub trait OptionValue: Sized {
    /// The type in words, for the reference: "integer", "`fsync` or `os`".
    fn type_name() -> String;

    /// Takes a given value, or `None` if it does not fit the type.
    fn from_given(given: &Given) -> Option<Self>;

    /// The value as it would stand in a TOML file.
    fn to_toml(&self) -> String;
}

impl OptionValue for bool {
    fn type_name() -> String {
        "boolean".to_owned()
    }

    fn from_given(given: &Given) -> Option<Self> {
        match given {
            Given::Boolean(value) => Some(*value),
            Given::Unquoted(text) => text.parse().ok(),
            _ => None,
        }
    }

    fn to_toml(&self) -> String {
        self.to_string()
    }
}

macro_rules! integer_options {
    ($($type:ty),*) => {$(
        impl OptionValue for $type {
            fn type_name() -> String {
                "integer".to_owned()
            }

            fn from_given(given: &Given) -> Option<Self> {
                match given {
                    Given::Integer(value) => Self::try_from(*value).ok(),
                    Given::Unquoted(text) => text.parse().ok(),
                    _ => None,
                }
            }

            fn to_toml(&self) -> String {
                self.to_string()
            }
        }
    )*};
}

integer_options!(u8, u16, u32, u64, usize, i32, i64);

impl OptionValue for f64 {
    fn type_name() -> String {
        "number".to_owned()
    }

    fn from_given(given: &Given) -> Option<Self> {
        let value = match given {
            Given::Float(value) => *value,
            // Exact for every whole number that anybody configures (below 2^53).
            #[allow(clippy::cast_precision_loss)]
            Given::Integer(value) => *value as Self,
            Given::Unquoted(text) => text.parse().ok()?,
            _ => return None,
        };
        value.is_finite().then_some(value)
    }

    fn to_toml(&self) -> String {
        format!("{self:?}")
    }
}

impl OptionValue for String {
    fn type_name() -> String {
        "string".to_owned()
    }

    fn from_given(given: &Given) -> Option<Self> {
        match given {
            Given::Text(text) | Given::Unquoted(text) => Some(text.clone()),
            _ => None,
        }
    }

    fn to_toml(&self) -> String {
        quote(self)
    }
}

impl OptionValue for PathBuf {
    fn type_name() -> String {
        "path".to_owned()
    }

    fn from_given(given: &Given) -> Option<Self> {
        String::from_given(given).map(Self::from)
    }

    fn to_toml(&self) -> String {
        quote(&self.to_string_lossy())
    }
}

/// A list of strings; one string with commas, as upstream's files have it, is the same list.
impl OptionValue for Vec<String> {
    fn type_name() -> String {
        "list of strings".to_owned()
    }

    fn from_given(given: &Given) -> Option<Self> {
        match given {
            Given::List(items) => items
                .iter()
                .map(|item| match item {
                    Given::Text(text) => Some(text.clone()),
                    _ => None,
                })
                .collect(),
            Given::Text(text) | Given::Unquoted(text) => Some(
                text.split(',')
                    .map(str::trim)
                    .filter(|item| !item.is_empty())
                    .map(str::to_owned)
                    .collect(),
            ),
            _ => None,
        }
    }

    fn to_toml(&self) -> String {
        let items: Vec<String> = self.iter().map(|item| quote(item)).collect();
        format!("[{}]", items.join(", "))
    }
}

/// A TOML basic string.
fn quote(text: &str) -> String {
    use std::fmt::Write as _;
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            control if control.is_control() => {
                // Writing to a String cannot fail.
                let _ = write!(quoted, "\\u{:04X}", u32::from(control));
            }
            plain => quoted.push(plain),
        }
    }
    quoted.push('"');
    quoted
}

/// Declares an option type with a few named values.
///
/// ```
/// pegasus_common::config_choice! {
///     /// When a write counts as safe on one server.
///     Durability {
///         /// After the disk's flush.
///         Fsync = "fsync",
///         /// After the operating system has it.
///         Os = "os",
///     }
/// }
/// assert_eq!(Durability::Os.name(), "os");
/// ```
#[macro_export]
macro_rules! config_choice {
    (
        $(#[doc = $doc:literal])+
        $name:ident {
            $( $(#[doc = $variant_doc:literal])+ $variant:ident = $text:literal, )+
        }
    ) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $( $(#[doc = $variant_doc])+ $variant, )+
        }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name in configuration files.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $( Self::$variant => $text, )+
                }
            }

            /// The value of a name, if there is one.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $( $text => Some(Self::$variant), )+
                    _ => None,
                }
            }
        }

        impl $crate::config::OptionValue for $name {
            fn type_name() -> String {
                let names: Vec<String> =
                    Self::ALL.iter().map(|value| format!("`{}`", value.name())).collect();
                format!("one of {}", names.join(", "))
            }

            fn from_given(given: &$crate::config::Given) -> Option<Self> {
                match given {
                    $crate::config::Given::Text(text)
                    | $crate::config::Given::Unquoted(text) => Self::from_name(text),
                    _ => None,
                }
            }

            fn to_toml(&self) -> String {
                format!("\"{}\"", self.name())
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}
