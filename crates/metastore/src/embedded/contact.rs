//! [`Contact`]: how lately a leader was surely the leader.
//!
//! An answer of a member to a message of the leader proves that the member had not promised itself to
//! a later leader when the message was sent. So at the sending time that a majority has answered to,
//! nobody else could have been elected (Ongaro's thesis, section 6.4.1).

use std::collections::{BTreeMap, BTreeSet};

use pegasus_common::clock::MonotonicMillis;

use super::types::MemberId;

/// What a leader knows of the others' answers in one term.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contact {
    term: u64,
    /// When the last message was sent that a member answered.
    answered: BTreeMap<MemberId, MonotonicMillis>,
    /// The last term in which this member stood and another one did not vote for it.
    refused: Option<u64>,
}

impl Contact {
    /// A member has answered, in `term`, a message that was sent at `sent`.
    pub fn answered(&mut self, term: u64, member: MemberId, sent: MonotonicMillis) {
        if term > self.term {
            self.term = term;
            self.answered.clear();
        }
        if term == self.term {
            let last = self.answered.entry(member).or_insert(sent);
            *last = sent.max(*last);
        }
    }

    /// Another member does not vote for this one in `term`.
    pub fn refused(&mut self, term: u64) {
        self.refused = self.refused.max(Some(term));
    }

    /// Whether another member has refused its vote in `term`.
    #[must_use]
    pub fn was_refused(&self, term: u64) -> bool {
        self.refused == Some(term)
    }

    /// Which of these members has answered the latest message in `term`.
    pub fn last_heard(&self, term: u64, of: impl Iterator<Item = MemberId>) -> Option<MemberId> {
        let heard = of.filter_map(|member| Some((self.answered.get(&member)?, member)));
        let last = heard.max().map(|(_, member)| member);
        last.filter(|_| term == self.term)
    }

    /// The last time at which `me` was surely the only leader, in `term`, of a group with these
    /// majorities; `None` if it never was, as far as it knows.
    #[must_use]
    pub fn confirmed(
        &self,
        term: u64,
        me: MemberId,
        configs: &[BTreeSet<MemberId>],
        now: MonotonicMillis,
    ) -> Option<MonotonicMillis> {
        let of_majority = |voters: &BTreeSet<MemberId>| {
            let mut times: Vec<_> = voters
                .iter()
                .filter_map(|voter| match *voter {
                    voter if voter == me => Some(now),
                    voter if term == self.term => self.answered.get(&voter).copied(),
                    _ => None,
                })
                .collect();
            times.sort_unstable_by(|a, b| b.cmp(a));
            times.get(voters.len() / 2).copied()
        };
        let times: Option<Vec<_>> = configs.iter().map(of_majority).collect();
        times?.into_iter().min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: MemberId = MemberId(1);

    fn voters<const N: usize>(ids: [u64; N]) -> BTreeSet<MemberId> {
        ids.into_iter().map(MemberId).collect()
    }

    fn at(millis: u64) -> MonotonicMillis {
        MonotonicMillis(millis)
    }

    #[test]
    fn the_time_is_that_of_a_majority_of_every_config() {
        let mut contact = Contact::default();
        let three = [voters([1, 2, 3])];
        assert_eq!(
            contact.confirmed(1, ME, &[voters([1])], at(50)),
            Some(at(50))
        );
        assert_eq!(contact.confirmed(1, ME, &three, at(50)), None);
        contact.answered(1, MemberId(3), at(10));
        contact.answered(1, MemberId(3), at(30));
        contact.answered(1, MemberId(3), at(20));
        assert_eq!(contact.confirmed(1, ME, &three, at(50)), Some(at(30)));
        contact.answered(1, MemberId(2), at(40));
        assert_eq!(contact.confirmed(1, ME, &three, at(50)), Some(at(40)));
        let five = voters([1, 2, 3, 4, 5]);
        assert_eq!(
            contact.confirmed(1, ME, std::slice::from_ref(&five), at(50)),
            Some(at(30))
        );
        let joint = [voters([1, 2, 3]), voters([1, 4, 5])];
        assert_eq!(contact.confirmed(1, ME, &joint, at(50)), None);
        contact.answered(1, MemberId(4), at(25));
        assert_eq!(contact.confirmed(1, ME, &joint, at(50)), Some(at(25)));
    }

    #[test]
    fn answers_of_an_earlier_term_prove_nothing() {
        let mut contact = Contact::default();
        let three = [voters([1, 2, 3])];
        contact.answered(1, MemberId(2), at(10));
        assert_eq!(contact.confirmed(2, ME, &three, at(50)), None);
        contact.answered(2, MemberId(3), at(20));
        contact.answered(1, MemberId(2), at(30));
        assert_eq!(contact.confirmed(2, ME, &three, at(50)), Some(at(20)));
    }

    #[test]
    fn a_leader_that_is_being_removed_needs_the_others() {
        let mut contact = Contact::default();
        let others = [voters([2, 3, 4])];
        contact.answered(1, MemberId(2), at(10));
        assert_eq!(contact.confirmed(1, ME, &others, at(50)), None);
        contact.answered(1, MemberId(3), at(20));
        assert_eq!(contact.confirmed(1, ME, &others, at(50)), Some(at(10)));
    }
}
