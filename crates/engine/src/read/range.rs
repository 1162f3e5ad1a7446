//! Ranges of raw keys.

use std::cmp::Ordering;

/// Whether an end of a range belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bound {
    Inclusive,
    Exclusive,
}

impl From<bool> for Bound {
    /// The flag of a request.
    fn from(is_inclusive: bool) -> Self {
        if is_inclusive {
            Self::Inclusive
        } else {
            Self::Exclusive
        }
    }
}

/// From `start` to `stop`, both raw keys, though `stop` may be any bytes: it is only compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeyRange {
    pub(super) start: Vec<u8>,
    pub(super) start_bound: Bound,
    pub(super) stop: Vec<u8>,
    pub(super) stop_bound: Bound,
}

/// Where a key lies relative to a range's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Position {
    /// Not at the end yet.
    Inside,
    /// The very end, and it belongs to the range.
    Last,
    /// Past the range.
    Outside,
}

impl KeyRange {
    /// Raises the start to `key` if that is later; it then belongs to the range.
    pub(super) fn raise_start(&mut self, key: Vec<u8>) {
        if key > self.start {
            self.start = key;
            self.start_bound = Bound::Inclusive;
        }
    }

    /// Lowers the stop to `key` unless it is earlier already; it then is outside.
    pub(super) fn lower_stop(&mut self, key: Vec<u8>) {
        if key <= self.stop {
            self.stop = key;
            self.stop_bound = Bound::Exclusive;
        }
    }

    /// Whether no key can be in it.
    pub(super) fn is_empty(&self) -> bool {
        match self.start.cmp(&self.stop) {
            Ordering::Less => false,
            Ordering::Equal => {
                (self.start_bound, self.stop_bound) != (Bound::Inclusive, Bound::Inclusive)
            }
            Ordering::Greater => true,
        }
    }

    /// Where a key is for a walk upwards.
    pub(super) fn position_upwards(&self, key: &[u8]) -> Position {
        position(key.cmp(&self.stop), self.stop_bound)
    }

    /// Where a key is for a walk downwards.
    pub(super) fn position_downwards(&self, key: &[u8]) -> Position {
        position(key.cmp(&self.start).reverse(), self.start_bound)
    }

    /// Whether a key is the start and does not belong to the range.
    pub(super) fn is_excluded_start(&self, key: &[u8]) -> bool {
        self.start_bound == Bound::Exclusive && key == self.start
    }

    /// Whether a key is the stop and does not belong to the range.
    pub(super) fn is_excluded_stop(&self, key: &[u8]) -> bool {
        self.stop_bound == Bound::Exclusive && key == self.stop
    }
}

const fn position(towards_end: Ordering, bound: Bound) -> Position {
    match (towards_end, bound) {
        (Ordering::Less, _) => Position::Inside,
        (Ordering::Equal, Bound::Inclusive) => Position::Last,
        (Ordering::Equal, Bound::Exclusive) | (Ordering::Greater, _) => Position::Outside,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(start: &[u8], start_bound: Bound, stop: &[u8], stop_bound: Bound) -> KeyRange {
        KeyRange {
            start: start.to_vec(),
            start_bound,
            stop: stop.to_vec(),
            stop_bound,
        }
    }

    #[test]
    fn equal_ends_need_both_to_be_inclusive() {
        use Bound::{Exclusive, Inclusive};
        assert!(!range(b"a", Inclusive, b"a", Inclusive).is_empty());
        assert!(range(b"a", Exclusive, b"a", Inclusive).is_empty());
        assert!(range(b"a", Inclusive, b"a", Exclusive).is_empty());
        assert!(range(b"b", Inclusive, b"a", Inclusive).is_empty());
        assert!(!range(b"a", Exclusive, b"b", Exclusive).is_empty());
    }

    #[test]
    fn narrowing_moves_only_inwards() {
        use Bound::{Exclusive, Inclusive};
        let mut narrowed = range(b"b", Exclusive, b"y", Inclusive);
        narrowed.raise_start(b"a".to_vec());
        narrowed.lower_stop(b"z".to_vec());
        assert_eq!(narrowed, range(b"b", Exclusive, b"y", Inclusive));
        narrowed.raise_start(b"c".to_vec());
        narrowed.lower_stop(b"y".to_vec());
        assert_eq!(narrowed, range(b"c", Inclusive, b"y", Exclusive));
    }

    #[test]
    fn positions_follow_the_direction_of_the_walk() {
        let both = range(b"b", Bound::Exclusive, b"d", Bound::Inclusive);
        assert_eq!(both.position_upwards(b"c"), Position::Inside);
        assert_eq!(both.position_upwards(b"d"), Position::Last);
        assert_eq!(both.position_upwards(b"e"), Position::Outside);
        assert_eq!(both.position_downwards(b"c"), Position::Inside);
        assert_eq!(both.position_downwards(b"b"), Position::Outside);
        assert!(both.is_excluded_start(b"b") && !both.is_excluded_stop(b"d"));
    }
}
