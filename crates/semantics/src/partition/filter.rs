//! Filters on hash keys and sort keys (data-semantics.md section 4).

use pegasus_wire::rrdb::FilterType;

/// A filter that makes sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    All,
    Anywhere,
    Prefix,
    Postfix,
}

impl Filter {
    pub fn of(filter_type: FilterType) -> Option<Self> {
        match filter_type.0 {
            0 => Some(Self::All),
            1 => Some(Self::Anywhere),
            2 => Some(Self::Prefix),
            3 => Some(Self::Postfix),
            _ => None,
        }
    }

    pub fn passes(self, key: &[u8], pattern: &[u8]) -> bool {
        if pattern.is_empty() {
            return true;
        }
        match self {
            Self::All => true,
            Self::Anywhere => key.windows(pattern.len()).any(|part| part == pattern),
            Self::Prefix => key.starts_with(pattern),
            Self::Postfix => key.ends_with(pattern),
        }
    }
}
