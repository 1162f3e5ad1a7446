//! I8: the same decree has the same bytes on every replica. Each replica folds what it commits into
//! one number; members compare the numbers of a common decree at group checks.

use std::collections::VecDeque;

use pegasus_common::Decree;

use crate::mutation::Mutation;

/// The digest of everything through one decree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct DigestAt {
    /// The last decree that is folded in.
    pub decree: Decree,
    /// The digest; 0 at decree 0.
    pub digest: u64,
}

impl DigestAt {
    /// The digest through the next mutation. Ballots do not count: they differ between replicas.
    #[must_use]
    pub fn then(self, mutation: &Mutation) -> Self {
        self.then_parts(mutation.decree, mutation.timestamp_us, mutation.checksum)
    }

    #[must_use]
    #[allow(clippy::cast_sign_loss, reason = "only the bits matter")]
    fn then_parts(self, decree: Decree, timestamp_us: i64, checksum: u32) -> Self {
        debug_assert_eq!(decree, self.decree.next(), "digests are taken in order");
        let mut digest = scramble(self.digest ^ decree.0 as u64);
        digest = scramble(digest ^ timestamp_us as u64);
        digest = scramble(digest ^ u64::from(checksum));
        Self { decree, digest }
    }
}

/// A bijection of 64 bits in which every input bit reaches every output bit (the finaliser of
/// SplitMix64), so that different histories stay different.
fn scramble(value: u64) -> u64 {
    let mut bits = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// The newest digest and a bounded number of earlier ones.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RollingDigest {
    newest: DigestAt,
    earlier: VecDeque<DigestAt>,
    earlier_max: usize,
}

impl RollingDigest {
    /// Continues from what is already committed, keeping up to `earlier_max` older digests.
    #[must_use]
    pub fn new(newest: DigestAt, earlier_max: usize) -> Self {
        Self {
            newest,
            earlier: VecDeque::new(),
            earlier_max,
        }
    }

    /// The digest of everything committed.
    #[must_use]
    pub fn newest(&self) -> DigestAt {
        self.newest
    }

    /// Folds in the mutation that has just been committed.
    pub fn advance(&mut self, mutation: &Mutation) -> DigestAt {
        if self.earlier_max > 0 {
            if self.earlier.len() == self.earlier_max {
                self.earlier.pop_front();
            }
            self.earlier.push_back(self.newest);
        }
        debug_assert!(self.earlier.len() <= self.earlier_max, "bounded");
        self.newest = self.newest.then(mutation);
        self.newest
    }

    /// Compares with another replica's digest. `None`: this one has no digest of that decree, because
    /// it is not there yet, or was there too long ago.
    #[must_use]
    pub fn agrees_with(&self, other: DigestAt) -> Option<bool> {
        if other.decree == self.newest.decree {
            return Some(other == self.newest);
        }
        let oldest = self.earlier.front()?.decree;
        if other.decree < oldest || other.decree > self.newest.decree {
            return None;
        }
        debug_assert!(oldest < self.newest.decree, "digests are kept in order");
        let index = usize::try_from(other.decree.distance_from(oldest)).ok()?;
        self.earlier.get(index).map(|mine| *mine == other)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use pegasus_common::Ballot;

    use super::*;

    fn mutation(decree: i64, payload: &'static [u8]) -> Mutation {
        Mutation {
            ballot: Ballot(1),
            decree: Decree(decree),
            timestamp_us: decree,
            last_committed: Decree(0),
            checksum: Mutation::checksum_of(payload),
            payload: Bytes::from_static(payload),
        }
    }

    #[test]
    fn the_digest_depends_on_bytes_and_order_but_not_on_ballots() {
        let start = DigestAt::default();
        let a = start.then(&mutation(1, b"a"));
        assert_ne!(a, start.then(&mutation(1, b"b")));
        assert_eq!(a, start.then(&mutation(1, b"a").under(Ballot(9))));
    }

    #[test]
    fn recent_decrees_can_be_compared_and_others_are_unknown() {
        let mut digest = RollingDigest::new(DigestAt::default(), 2);
        let seen: Vec<DigestAt> = (1..=4)
            .map(|d| digest.advance(&mutation(d, b"x")))
            .collect();
        assert_eq!(digest.agrees_with(seen[3]), Some(true));
        assert_eq!(digest.agrees_with(seen[1]), Some(true));
        assert_eq!(digest.agrees_with(seen[0]), None);
        let wrong = DigestAt {
            digest: 7,
            ..seen[2]
        };
        assert_eq!(digest.agrees_with(wrong), Some(false));
        let ahead = DigestAt {
            decree: Decree(5),
            digest: 0,
        };
        assert_eq!(digest.agrees_with(ahead), None);
    }
}
