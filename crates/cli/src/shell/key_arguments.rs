//! Arguments that select records: keys, ranges, filters.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use bytes::Bytes;
use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser, ValueParser};
use pegasus_client::{Bound, Filter};

/// Keys, values and patterns are bytes, whatever they are on screen.
pub(super) fn bytes() -> ValueParser {
    let parser = OsStringValueParser::new();
    ValueParser::new(parser.map(|text: OsString| Bytes::from(text.into_vec())))
}

/// A hash key.
#[derive(Debug, Args)]
pub struct HashKeyArgs {
    /// Which hash key
    #[arg(value_parser = bytes(), allow_hyphen_values = true)]
    pub hash_key: Bytes,
}

/// The two keys of a record.
#[derive(Debug, Args)]
pub struct RecordArgs {
    /// Its hash key
    #[arg(value_parser = bytes(), allow_hyphen_values = true)]
    pub hash_key: Bytes,
    /// Its sort key; "" is the empty one
    #[arg(value_parser = bytes(), allow_hyphen_values = true)]
    pub sort_key: Bytes,
}

/// A range of sort keys.
#[derive(Debug, Args)]
pub struct RangeArgs {
    /// Which hash key
    #[arg(value_parser = bytes())]
    pub hash_key: Bytes,
    /// First sort key; "" is the first of all
    #[arg(value_parser = bytes())]
    pub start_sort_key: Bytes,
    /// Last sort key; "" is the end of the hash key
    #[arg(value_parser = bytes())]
    pub stop_sort_key: Bytes,
    /// Whether the first sort key belongs to the range
    #[arg(short = 'a', long = "start_inclusive", default_value_t = true, action = clap::ArgAction::Set)]
    pub start_inclusive: bool,
    /// Whether the last sort key belongs to the range
    #[arg(short = 'b', long = "stop_inclusive", default_value_t = false, action = clap::ArgAction::Set)]
    pub stop_inclusive: bool,
}

impl RangeArgs {
    /// How the range begins and ends.
    #[must_use]
    pub fn bounds(&self) -> (Bound, Bound) {
        let bound = |inclusive| {
            if inclusive {
                Bound::Inclusive
            } else {
                Bound::Exclusive
            }
        };
        (bound(self.start_inclusive), bound(self.stop_inclusive))
    }
}

/// How a pattern is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Match {
    /// Contains the pattern.
    Anywhere,
    /// Begins with the pattern.
    Prefix,
    /// Ends with the pattern.
    Postfix,
    /// Equals the pattern.
    Exact,
}

impl Match {
    /// Whether `text` matches.
    #[must_use]
    pub fn accepts(self, pattern: &[u8], text: &[u8]) -> bool {
        match self {
            Self::Anywhere => {
                pattern.is_empty() || text.windows(pattern.len()).any(|part| part == pattern)
            }
            Self::Prefix => text.starts_with(pattern),
            Self::Postfix => text.ends_with(pattern),
            Self::Exact => text == pattern,
        }
    }

    /// The filter that the server applies. It has no exact match; the prefix comes closest, and the
    /// rest is done here.
    #[must_use]
    pub fn server_filter(self, pattern: Bytes) -> Filter {
        match self {
            Self::Anywhere => Filter::anywhere(pattern),
            Self::Prefix | Self::Exact => Filter::prefix(pattern),
            Self::Postfix => Filter::postfix(pattern),
        }
    }
}

/// A filter of sort keys.
#[derive(Debug, Args)]
pub struct SortKeyFilterArgs {
    /// How the sort key pattern is meant
    #[arg(
        short = 's',
        long = "sort_key_filter_type",
        value_enum,
        requires = "sort_key_filter_pattern"
    )]
    pub sort_key_filter_type: Option<Match>,
    /// Sort keys that match alone
    #[arg(short = 'y', long = "sort_key_filter_pattern", value_parser = bytes(), requires = "sort_key_filter_type")]
    pub sort_key_filter_pattern: Option<Bytes>,
}

impl SortKeyFilterArgs {
    /// What the server is asked.
    #[must_use]
    pub fn server_filter(&self) -> Filter {
        match (self.sort_key_filter_type, &self.sort_key_filter_pattern) {
            (Some(kind), Some(pattern)) => kind.server_filter(pattern.clone()),
            _ => Filter::default(),
        }
    }

    /// What is left to check here.
    #[must_use]
    pub fn accepts(&self, sort_key: &[u8]) -> bool {
        match (self.sort_key_filter_type, &self.sort_key_filter_pattern) {
            (Some(Match::Exact), Some(pattern)) => sort_key == pattern,
            _ => true,
        }
    }
}
