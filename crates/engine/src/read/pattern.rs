//! Filters on hash keys and sort keys.

use memchr::memmem;
use pegasus_wire::rrdb::FilterType;

/// How a pattern is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Anywhere,
    Prefix,
    Postfix,
}

/// A filter of a request. Every key passes one without type or without bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern<B> {
    place: Option<Place>,
    bytes: B,
}

impl<B: AsRef<[u8]>> Pattern<B> {
    /// `None` when the type has no meaning.
    pub(super) fn from_wire(filter_type: FilterType, bytes: B) -> Option<Self> {
        let place = match filter_type.0 {
            0 => None,
            1 => Some(Place::Anywhere),
            2 => Some(Place::Prefix),
            3 => Some(Place::Postfix),
            _ => return None,
        };
        Some(Self { place, bytes })
    }

    /// What every passing key must begin with, if that is what the filter asks for.
    pub(super) fn required_prefix(&self) -> Option<&[u8]> {
        let bytes = self.bytes.as_ref();
        (self.place == Some(Place::Prefix) && !bytes.is_empty()).then_some(bytes)
    }

    /// Whether a key passes.
    pub(super) fn passes(&self, key: &[u8]) -> bool {
        let bytes = self.bytes.as_ref();
        match self.place {
            None => true,
            Some(Place::Anywhere) => memmem::find(key, bytes).is_some(),
            Some(Place::Prefix) => key.starts_with(bytes),
            Some(Place::Postfix) => key.ends_with(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(filter_type: i32, pattern: &[u8], key: &[u8]) -> bool {
        Pattern::from_wire(FilterType(filter_type), pattern)
            .unwrap()
            .passes(key)
    }

    #[test]
    fn each_type_compares_its_place() {
        assert!(passes(0, b"zz", b"abc"));
        assert!(passes(1, b"b", b"abc") && !passes(1, b"ac", b"abc"));
        assert!(passes(2, b"ab", b"abc") && !passes(2, b"b", b"abc"));
        assert!(passes(3, b"bc", b"abc") && !passes(3, b"b", b"abc"));
        assert!(!passes(1, b"abcd", b"abc"));
        for filter_type in 0..=3 {
            assert!(passes(filter_type, b"", b"") && passes(filter_type, b"", b"abc"));
        }
    }

    #[test]
    fn unknown_types_are_refused() {
        assert_eq!(Pattern::from_wire(FilterType(4), b""), None);
        assert_eq!(Pattern::from_wire(FilterType(-1), b""), None);
    }
}
