//! Random keys, values and options: few enough keys to meet again, and of every awkward kind.

use bytes::Bytes;
use pegasus_client::{Bound, CheckKind, IncrTtl, RecordKey, Ttl, Values};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use crate::table_model::{Pattern, SortKeyRange};

/// Hash keys that are not empty.
const HASH_KEYS: [&[u8]; 6] = [
    b"a",
    b"a\x00",
    b"\x00",
    b"\xff\xff",
    b"\xf0\x9f\x98\x80",
    b"a longer hash key\xfe",
];
/// Sort keys are made of these.
const SORT_KEY_BYTES: [u8; 3] = [0, b'a', 0xff];
/// Values that integer operations take or refuse.
const NUMBERS: [&str; 14] = [
    "0",
    "17",
    "-5",
    "0x10",
    "010",
    " 7",
    "+7",
    "9223372036854775807",
    "-9223372036854775808",
    "7 ",
    "08",
    "1.0",
    "-",
    "",
];
const CHECK_KINDS: [CheckKind; 18] = [
    CheckKind::NoCheck,
    CheckKind::NotExist,
    CheckKind::NotExistOrEmpty,
    CheckKind::Exist,
    CheckKind::NotEmpty,
    CheckKind::MatchAnywhere,
    CheckKind::MatchPrefix,
    CheckKind::MatchPostfix,
    CheckKind::BytesLess,
    CheckKind::BytesLessOrEqual,
    CheckKind::BytesEqual,
    CheckKind::BytesGreaterOrEqual,
    CheckKind::BytesGreater,
    CheckKind::IntLess,
    CheckKind::IntLessOrEqual,
    CheckKind::IntEqual,
    CheckKind::IntGreaterOrEqual,
    CheckKind::IntGreater,
];

#[derive(Debug)]
pub(crate) struct RandomInputs(StdRng);

impl RandomInputs {
    pub(crate) fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    /// Below `end`.
    pub(crate) fn below(&mut self, end: u32) -> u32 {
        self.0.random_range(0..end)
    }

    pub(crate) fn coin(&mut self) -> bool {
        self.0.random()
    }

    fn one_of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.0.random_range(0..choices.len())].clone()
    }

    pub(crate) fn hash_key(&mut self) -> Bytes {
        Bytes::from_static(self.one_of(&HASH_KEYS))
    }

    /// One of 40.
    pub(crate) fn sort_key(&mut self) -> Bytes {
        let length = self.below(4);
        (0..length).map(|_| self.one_of(&SORT_KEY_BYTES)).collect()
    }

    pub(crate) fn sort_keys(&mut self, max: u32) -> Vec<Bytes> {
        let count = 1 + self.below(max);
        (0..count).map(|_| self.sort_key()).collect()
    }

    /// Also with the empty hash key, which operations on single records allow.
    pub(crate) fn record_key(&mut self) -> RecordKey {
        let hash_key = match self.below(8) {
            0 => Bytes::new(),
            _ => self.hash_key(),
        };
        RecordKey {
            hash_key,
            sort_key: self.sort_key(),
        }
    }

    pub(crate) fn value(&mut self) -> Bytes {
        if self.coin() {
            return Bytes::from_static(self.one_of(&NUMBERS).as_bytes());
        }
        let length = self.below(60);
        (0..length).map(|_| self.0.random::<u8>()).collect()
    }

    /// Longer than any test.
    pub(crate) fn ttl(&mut self) -> Ttl {
        match self.below(2) {
            0 => Ttl::Forever,
            _ => Ttl::seconds(10_000 + self.below(1_000_000)),
        }
    }

    pub(crate) fn incr_ttl(&mut self) -> IncrTtl {
        match self.below(4) {
            0 => IncrTtl::Clear,
            1 => IncrTtl::Set(self.ttl()),
            _ => IncrTtl::Keep,
        }
    }

    pub(crate) fn increment(&mut self) -> i64 {
        match self.below(5) {
            0 => self.one_of(&[i64::MAX, i64::MIN, 0]),
            _ => self.0.random_range(-100..100),
        }
    }

    pub(crate) fn check_kind(&mut self) -> CheckKind {
        self.one_of(&CHECK_KINDS)
    }

    /// Often something of the value that it is compared with.
    pub(crate) fn operand(&mut self, value: Option<Bytes>) -> Bytes {
        match (value, self.below(4)) {
            (Some(value), 0) => value,
            (Some(value), 1) if !value.is_empty() => {
                let middle = self.0.random_range(0..value.len());
                if self.coin() {
                    value.slice(..middle)
                } else {
                    value.slice(middle..)
                }
            }
            _ => self.value(),
        }
    }

    pub(crate) fn values(&mut self) -> Values {
        self.one_of(&[Values::Fetched, Values::Omitted])
    }

    pub(crate) fn pattern(&mut self) -> Pattern {
        let part = self.sort_key();
        match self.below(5) {
            0 => Pattern::Anywhere(part),
            1 => Pattern::Prefix(part),
            2 => Pattern::Postfix(part),
            _ => Pattern::All,
        }
    }

    /// Also empty and inverted ones.
    pub(crate) fn range(&mut self) -> SortKeyRange {
        let bounds = [Bound::Inclusive, Bound::Exclusive];
        SortKeyRange {
            start: self.sort_key(),
            stop: self.sort_key(),
            start_bound: self.one_of(&bounds),
            stop_bound: self.one_of(&bounds),
            pattern: self.pattern(),
        }
    }
}
