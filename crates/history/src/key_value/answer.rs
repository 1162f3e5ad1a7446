//! What can be answered.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::Text;

/// What can be answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// To writes without a result.
    Done,
    /// To `Get`; `None` if there is no record.
    Value(Option<Text>),
    /// To `GetAll`.
    Records(BTreeMap<Text, Text>),
    /// To `Count`.
    Count(u64),
    /// To `Increment`: the new value.
    Number(i64),
    /// To `Increment` of what is no integer or would leave its range: nothing was written.
    InvalidArgument,
    /// To the check operations: the check passed, the write was done.
    Passed,
    /// To the check operations: the check failed, nothing was written.
    Refused {
        /// The value that was checked, if there was one.
        found: Option<Text>,
    },
}

fn or_absent(value: Option<&Text>) -> &str {
    value.map_or("(absent)", |value| value)
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("done"),
            Self::Value(value) => f.write_str(or_absent(value.as_ref())),
            Self::Records(records) => f.debug_map().entries(records).finish(),
            Self::Count(count) => write!(f, "{count} records"),
            Self::Number(number) => write!(f, "{number}"),
            Self::InvalidArgument => f.write_str("invalid argument"),
            Self::Passed => f.write_str("passed"),
            Self::Refused { found } => write!(f, "refused, found {}", or_absent(found.as_ref())),
        }
    }
}
