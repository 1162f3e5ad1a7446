//! What a table should hold, and answer, according to data-semantics.md sections 5 to 7: written
//! from that text alone, without the code of the servers.

use std::collections::BTreeMap;

use bytes::Bytes;
use pegasus_client::{Bound, CheckKind, Filter, IncrTtl, RecordKey, Ttl};

/// A record. Nothing of it expires while a test runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ModelRecord {
    pub(crate) value: Bytes,
    /// Seconds to live when it was written.
    pub(crate) ttl: Option<u32>,
}

/// A condition on keys, as the model and the client have it.
#[derive(Clone, Debug)]
pub(crate) enum Pattern {
    All,
    Anywhere(Bytes),
    Prefix(Bytes),
    Postfix(Bytes),
}

impl Pattern {
    pub(crate) fn accepts(&self, key: &[u8]) -> bool {
        match self {
            Self::All => true,
            Self::Anywhere(part) => contains(key, part),
            Self::Prefix(part) => key.starts_with(part),
            Self::Postfix(part) => key.ends_with(part),
        }
    }

    pub(crate) fn filter(&self) -> Filter {
        match self {
            Self::All => Filter::default(),
            Self::Anywhere(part) => Filter::anywhere(part.clone()),
            Self::Prefix(part) => Filter::prefix(part.clone()),
            Self::Postfix(part) => Filter::postfix(part.clone()),
        }
    }
}

/// Some sort keys of one hash key.
#[derive(Clone, Debug)]
pub(crate) struct SortKeyRange {
    pub(crate) start: Bytes,
    /// Empty for the end of the hash key.
    pub(crate) stop: Bytes,
    pub(crate) start_bound: Bound,
    pub(crate) stop_bound: Bound,
    pub(crate) pattern: Pattern,
}

impl SortKeyRange {
    fn holds(&self, sort_key: &Bytes) -> bool {
        let behind_start = match self.start_bound {
            Bound::Inclusive => *sort_key >= self.start,
            Bound::Exclusive => *sort_key > self.start,
        };
        let before_stop = match self.stop_bound {
            _ if self.stop.is_empty() => true,
            Bound::Inclusive => *sort_key <= self.stop,
            Bound::Exclusive => *sort_key < self.stop,
        };
        behind_start && before_stop && self.pattern.accepts(sort_key)
    }
}

/// The server's status 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InvalidArgument;

#[derive(Debug, Default)]
pub(crate) struct TableModel {
    pub(crate) records: BTreeMap<RecordKey, ModelRecord>,
}

impl TableModel {
    pub(crate) fn get(&self, key: &RecordKey) -> Option<&ModelRecord> {
        self.records.get(key)
    }

    pub(crate) fn value(&self, key: &RecordKey) -> Option<Bytes> {
        self.get(key).map(|record| record.value.clone())
    }

    pub(crate) fn set(&mut self, key: RecordKey, value: Bytes, ttl: Ttl) {
        let ttl = seconds(ttl);
        self.records.insert(key, ModelRecord { value, ttl });
    }

    /// The new value.
    pub(crate) fn incr(
        &mut self,
        key: &RecordKey,
        increment: i64,
        ttl: IncrTtl,
    ) -> Result<i64, InvalidArgument> {
        let old = self.records.get(key);
        let number = match old {
            None => 0,
            Some(record) if record.value.is_empty() => 0,
            Some(record) => integer(&record.value).ok_or(InvalidArgument)?,
        };
        let sum = number.checked_add(increment).ok_or(InvalidArgument)?;
        let ttl = match ttl {
            IncrTtl::Keep => old.and_then(|record| record.ttl),
            IncrTtl::Clear => None,
            IncrTtl::Set(ttl) => seconds(ttl),
        };
        let value = Bytes::from(sum.to_string());
        self.records.insert(key.clone(), ModelRecord { value, ttl });
        Ok(sum)
    }

    /// Whether a check passes.
    pub(crate) fn check(
        &self,
        key: &RecordKey,
        kind: CheckKind,
        operand: &[u8],
    ) -> Result<bool, InvalidArgument> {
        let value = self.get(key).map(|record| record.value.as_ref());
        let Some(value) = value else {
            use CheckKind::{NoCheck, NotExist, NotExistOrEmpty};
            return Ok(matches!(kind, NoCheck | NotExist | NotExistOrEmpty));
        };
        let integers = || match (integer(value), integer(operand)) {
            (Some(value), Some(operand)) => Ok(value.cmp(&operand)),
            _ => Err(InvalidArgument),
        };
        Ok(match kind {
            CheckKind::NoCheck | CheckKind::Exist => true,
            CheckKind::NotExist => false,
            CheckKind::NotExistOrEmpty => value.is_empty(),
            CheckKind::NotEmpty => !value.is_empty(),
            CheckKind::MatchAnywhere => contains(value, operand),
            CheckKind::MatchPrefix => value.starts_with(operand),
            CheckKind::MatchPostfix => value.ends_with(operand),
            CheckKind::BytesLess => value < operand,
            CheckKind::BytesLessOrEqual => value <= operand,
            CheckKind::BytesEqual => value == operand,
            CheckKind::BytesGreaterOrEqual => value >= operand,
            CheckKind::BytesGreater => value > operand,
            CheckKind::IntLess => integers()?.is_lt(),
            CheckKind::IntLessOrEqual => integers()?.is_le(),
            CheckKind::IntEqual => integers()?.is_eq(),
            CheckKind::IntGreaterOrEqual => integers()?.is_ge(),
            CheckKind::IntGreater => integers()?.is_gt(),
        })
    }

    /// Sort keys and records of one hash key, ascending.
    pub(crate) fn of_hash_key(&self, hash_key: &Bytes) -> Vec<(Bytes, ModelRecord)> {
        let all = self.records.iter();
        all.filter(|(key, _)| key.hash_key == hash_key)
            .map(|(key, record)| (key.sort_key.clone(), record.clone()))
            .collect()
    }

    pub(crate) fn range(
        &self,
        hash_key: &Bytes,
        range: &SortKeyRange,
    ) -> Vec<(Bytes, ModelRecord)> {
        let mut records = self.of_hash_key(hash_key);
        records.retain(|(sort_key, _)| range.holds(sort_key));
        records
    }
}

fn seconds(ttl: Ttl) -> Option<u32> {
    match ttl {
        Ttl::Forever => None,
        Ttl::After(ttl) => u32::try_from(ttl.as_secs()).ok(),
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    part.is_empty() || text.windows(part.len()).any(|window| window == part)
}

/// A whole text as C's `strtoll` with base 0 reads it.
fn integer(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    let text = text.trim_start_matches([' ', '\t', '\n', '\x0b', '\x0c', '\r']);
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let hexadecimal = digits.strip_prefix("0x").or(digits.strip_prefix("0X"));
    let (digits, radix) = match hexadecimal {
        Some(digits) => (digits, 16),
        None if digits.starts_with('0') => (digits, 8),
        None => (digits, 10),
    };
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return None;
    }
    let magnitude = i128::from_str_radix(digits, radix).ok()?;
    i64::try_from(if is_negative { -magnitude } else { magnitude }).ok()
}

#[cfg(test)]
mod tests {
    use super::integer;

    #[test]
    fn integers_are_read_as_c_does() {
        for (text, value) in [("0x10", 16), (" -010", -8), ("+7", 7), ("0", 0)] {
            assert_eq!(integer(text.as_bytes()), Some(value), "{text}");
        }
        for text in ["", "08", "0x", "1.0", "7 ", "- 7", "9223372036854775808"] {
            assert_eq!(integer(text.as_bytes()), None, "{text}");
        }
    }
}
