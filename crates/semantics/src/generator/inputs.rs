//! Keys, values, times and filters.

use bytes::Bytes;
use pegasus_wire::rrdb::FilterType;
use rand::Rng as _;

use super::{Clock, Generator};
use crate::keys::{self, HASH_KEY_END};

/// Prefixes of each other, runs of 0xff, zeros, and nothing.
const HASH_KEYS: [&[u8]; 9] = [
    b"",
    b"a",
    b"a\x00",
    b"ab",
    b"\x00",
    b"\xff",
    b"\xff\xff",
    b"\xff\xff\xff",
    b"a hash key of some length \xfe\xff",
];
/// Sort keys are made of these.
const SORT_KEY_BYTES: [u8; 4] = [0x00, b'a', 0xfe, 0xff];
/// What integers look like, and what they do not look like.
const NUMBERS: [&[u8]; 20] = [
    b"0",
    b"1",
    b"17",
    b"-5",
    b"+7",
    b" 7",
    b"\t\n 8",
    b"0x10",
    b"0XfF",
    b"-0x1",
    b"010",
    b"00012",
    b"9223372036854775807",
    b"-9223372036854775808",
    b"9223372036854775808",
    b"7 ",
    b"08",
    b"0x",
    b"1.0",
    b"-",
];
const RAW_KEYS_THAT_ARE_NONE: [&[u8]; 6] = [
    b"",
    b"\x00",
    b"\x00\x01",
    b"\x00\x05abcd",
    b"\xff\xff",
    b"\xff\xfeabc",
];

impl Generator {
    /// Also the empty one, the longest one, and one that is too long.
    pub(super) fn hash_key(&mut self) -> Bytes {
        match self.below(1_000) {
            0 => Bytes::from(vec![b'x'; HASH_KEY_END - 1]),
            1 => Bytes::from(vec![b'x'; HASH_KEY_END]),
            _ => self.bytes_of(&HASH_KEYS),
        }
    }

    /// One of 85, or a long one.
    pub(super) fn sort_key(&mut self) -> Bytes {
        if self.one_in(2_000) {
            return Bytes::from(vec![0xff; 70_000]);
        }
        let length = self.below(4);
        (0..length).map(|_| self.one_of(&SORT_KEY_BYTES)).collect()
    }

    pub(super) fn sort_keys(&mut self, max: u32) -> Vec<Bytes> {
        let count = self.below(max + 1);
        (0..count).map(|_| self.sort_key()).collect()
    }

    /// Now and then something else.
    pub(super) fn raw_key(&mut self) -> Bytes {
        if self.one_in(50) {
            return self.bytes_of(&RAW_KEYS_THAT_ARE_NONE);
        }
        let (hash_key, sort_key) = (self.hash_key(), self.sort_key());
        match keys::raw(&hash_key, &sort_key) {
            Some(raw_key) => Bytes::from(raw_key),
            None => Bytes::from([&[0xff, 0xff], &hash_key[..], &sort_key].concat()),
        }
    }

    pub(super) fn value(&mut self) -> Bytes {
        match self.below(10) {
            0..5 => self.bytes_of(&NUMBERS),
            5 => Bytes::new(),
            _ => {
                let length = self.below(40);
                (0..length).map(|_| self.random.random::<u8>()).collect()
            }
        }
    }

    /// Never, soon, now, past, and what only unsigned numbers can say.
    pub(super) fn expire_ts(&mut self, now: u32) -> i32 {
        let (past, soon) = match self.clock {
            Clock::Stepped => (self.below(60), 1 + self.below(8)),
            Clock::Running => (1_000 + self.below(60), 1_000_000 + self.below(60)),
        };
        match self.below(10) {
            0..4 => 0,
            4 => self.one_of(&[-1, i32::MIN, i32::MAX]),
            5 | 6 => (now - past).cast_signed(),
            _ => (now + soon).cast_signed(),
        }
    }

    pub(super) fn filter(&mut self) -> (FilterType, Bytes) {
        let filter_type = match self.below(12) {
            0 => self.one_of(&[-1, 4, i32::MAX]),
            1..4 => 1,
            4..7 => 2,
            7..9 => 3,
            _ => 0,
        };
        let pattern = match self.below(4) {
            0 => Bytes::new(),
            1 => self.hash_key(),
            _ => self.sort_key(),
        };
        (FilterType(filter_type), pattern)
    }

    /// A limit of a request: mostly small.
    pub(super) fn limit(&mut self) -> i32 {
        match self.below(6) {
            0 => self.one_of(&[i32::MIN, -1, 0, i32::MAX]),
            1 => 0,
            2 => 1,
            _ => self.random.random_range(1..30),
        }
    }
}
