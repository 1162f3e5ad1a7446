//! Numbers as keys. The same number is the same record in every run, so that one run can load what
//! another reads.

/// Digits of a key number.
const DIGITS: usize = 16;
const HASH_KEY_PREFIX: &[u8; 4] = b"user";

/// How record numbers become keys: consecutive numbers share a hash key.
#[derive(Clone, Copy, Debug)]
pub struct KeySpace {
    records: u64,
    sort_keys_per_hash_key: u64,
}

/// A hash key: `user` and 16 digits.
pub type HashKey = [u8; HASH_KEY_PREFIX.len() + DIGITS];
/// A sort key: 16 digits.
pub type SortKey = [u8; DIGITS];

impl KeySpace {
    /// `records` of them, `sort_keys_per_hash_key` under each hash key.
    #[must_use]
    pub fn new(records: u64, sort_keys_per_hash_key: u64) -> Self {
        Self {
            records,
            sort_keys_per_hash_key: sort_keys_per_hash_key.max(1),
        }
    }

    /// How many there were at the start.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.records
    }

    /// How many hash keys there were at the start.
    #[must_use]
    pub fn hash_keys(&self) -> u64 {
        self.records.div_ceil(self.sort_keys_per_hash_key)
    }

    /// The hash key of a record.
    #[must_use]
    pub fn hash_key(&self, record: u64) -> HashKey {
        let mut key = [0; HASH_KEY_PREFIX.len() + DIGITS];
        let (prefix, digits) = key.split_at_mut(HASH_KEY_PREFIX.len());
        prefix.copy_from_slice(HASH_KEY_PREFIX);
        write_digits(record / self.sort_keys_per_hash_key, digits);
        key
    }

    /// The sort key of a record.
    #[must_use]
    pub fn sort_key(&self, record: u64) -> SortKey {
        let mut key = [0; DIGITS];
        write_digits(record % self.sort_keys_per_hash_key, &mut key);
        key
    }
}

fn write_digits(mut number: u64, digits: &mut [u8]) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consecutive_records_share_a_hash_key() {
        let space = KeySpace::new(250, 100);
        assert_eq!(&space.hash_key(99), b"user0000000000000000");
        assert_eq!(&space.hash_key(100), b"user0000000000000001");
        assert_eq!(&space.sort_key(142), b"0000000000000042");
        assert_eq!(space.hash_keys(), 3);
    }
}
