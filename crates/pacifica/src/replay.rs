//! [`Replay`]: what a replica's log leaves after a crash.
//!
//! The records of one replica, folded in the order in which they were appended, give the prepare list
//! that it had, by the same rules. What the log proves committed is handed out to be applied at
//! once, so that memory holds little more than the window.

use std::collections::VecDeque;

use pegasus_common::{Ballot, Decree};

use crate::digest::DigestAt;
use crate::mutation::Mutation;
use crate::recovered::{Recovered, Standing};

/// The log of one replica contradicts itself or storage: part of it is lost or foreign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// Records are missing.
    #[error("the log jumps from decree {after} to {found}")]
    Hole {
        /// The last decree before the hole.
        after: Decree,
        /// The decree found next.
        found: Decree,
    },
    /// A record replaces a committed mutation by another write.
    #[error("decree {decree} is committed, but the log holds two different writes for it")]
    Diverged {
        /// The decree.
        decree: Decree,
    },
    /// Ballots only grow along a log.
    #[error("a record of ballot {found} follows one of ballot {after}")]
    BallotsShrink {
        /// The ballot before.
        after: Ballot,
        /// The ballot found.
        found: Ballot,
    },
    /// The record is damaged although its place in the log is right.
    #[error("the mutation of decree {decree} does not match its checksum")]
    Damaged {
        /// The decree.
        decree: Decree,
    },
}

/// A committed mutation for the driver to apply, with the digest to store beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// What to apply; always the next decree.
    pub mutation: Mutation,
    /// The rolling digest through it.
    pub digest: DigestAt,
}

/// The log of one replica, on its way into a [`Recovered`].
#[derive(Clone, Debug)]
pub struct Replay {
    ballot: Ballot,
    applied: Decree,
    committed: DigestAt,
    entries: VecDeque<Mutation>,
    stale_through: Decree,
    latest_timestamp_us: i64,
    remembered_max: usize,
    ballots: CommittedBallots,
}

/// What proved the mutations committed that storage does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CommittedBallots {
    /// Records of the ballot that they have themselves.
    Same,
    /// For some of them a record of a later ballot.
    Crossed,
}

impl Replay {
    /// Begins with what storage holds. `prepared_max` is the option of that name: two records of one
    /// decree never lie further apart.
    #[must_use]
    pub fn new(applied: DigestAt, prepared_max: u32) -> Self {
        Self {
            ballot: Ballot::ZERO,
            applied: applied.decree,
            committed: applied,
            entries: VecDeque::new(),
            stale_through: Decree::ZERO,
            latest_timestamp_us: 0,
            remembered_max: usize::try_from(prepared_max).unwrap_or(usize::MAX),
            ballots: CommittedBallots::Same,
        }
    }

    /// The next record is a ballot. (Also what the head of a segment says of this replica.)
    ///
    /// # Errors
    /// Never for a sound log.
    pub fn on_ballot(&mut self, ballot: Ballot) -> Result<(), ReplayError> {
        if ballot < self.ballot {
            return Err(ReplayError::BallotsShrink {
                after: self.ballot,
                found: ballot,
            });
        }
        self.ballot = ballot;
        Ok(())
    }

    /// After the last record: storage holds a mutation of this ballot. The log may have let its
    /// record go. Storage may also have been flushed long after most of what the log still has was
    /// written, so this says nothing about the ballots of the records.
    pub fn on_stored_ballot(&mut self, ballot: Ballot) {
        self.ballot = self.ballot.max(ballot);
    }

    /// Storage holds a mutation of this time, whose record the log may have let go.
    pub fn on_stored_timestamp(&mut self, timestamp_us: i64) {
        self.latest_timestamp_us = self.latest_timestamp_us.max(timestamp_us);
    }

    /// The next record is a mutation. What it proves committed is pushed to `out`, in decree order,
    /// and must be applied before the replica is opened.
    ///
    /// # Errors
    /// The log is no continuation of what storage holds, or contradicts itself.
    pub fn on_mutation(
        &mut self,
        mutation: Mutation,
        out: &mut Vec<Replayed>,
    ) -> Result<(), ReplayError> {
        self.on_ballot(mutation.ballot)?;
        if !mutation.is_intact() {
            return Err(ReplayError::Damaged {
                decree: mutation.decree,
            });
        }
        self.latest_timestamp_us = self.latest_timestamp_us.max(mutation.timestamp_us);
        self.commit_through(mutation.last_committed, mutation.ballot, out);
        self.place(mutation)?;
        self.forget_old();
        debug_assert!(
            self.committed.decree >= self.applied,
            "the commit point never shrinks"
        );
        Ok(())
    }

    /// The largest ballot so far.
    #[must_use]
    pub fn ballot(&self) -> Ballot {
        self.ballot
    }

    /// What is proven committed so far.
    #[must_use]
    pub fn committed(&self) -> DigestAt {
        self.committed
    }

    /// Whether a record of a later ballot proved a mutation committed that was logged under an earlier
    /// one. That is right in a log without a hole, where a mutation that was replaced has a second
    /// record. In a log that has lost records of this replica nobody can tell: the second record may be
    /// what is lost, and then another write was chosen.
    #[must_use]
    pub fn rests_on_every_record(&self) -> bool {
        self.ballots == CommittedBallots::Crossed
    }

    fn prepared(&self) -> Decree {
        self.entries.back().map_or(self.applied, |last| last.decree)
    }

    fn place(&mut self, mut mutation: Mutation) -> Result<(), ReplayError> {
        let decree = mutation.decree;
        let reach = self.prepared().max(self.applied);
        if decree > reach.next() {
            return Err(ReplayError::Hole {
                after: reach,
                found: decree,
            });
        }
        if decree > self.prepared().next() {
            // Storage bridges the hole.
            self.entries.clear();
        }
        let is_kept = self
            .index_of(decree)
            .and_then(|index| self.entries.get(index));
        let is_same = is_kept.map(|entry| {
            entry.timestamp_us == mutation.timestamp_us && entry.checksum == mutation.checksum
        });
        if is_same == Some(false) && decree > self.applied && decree <= self.committed.decree {
            return Err(ReplayError::Diverged { decree });
        }
        if decree <= self.applied {
            mutation.payload.clear();
        }
        if decree < self.prepared() {
            self.stale_through = self.stale_through.max(self.prepared());
        }
        match (self.index_of(decree), is_same) {
            (Some(index), Some(true)) => self.entries[index] = mutation,
            (Some(index), _) => {
                debug_assert!(index <= self.entries.len(), "no hole");
                self.entries.truncate(index);
                self.entries.push_back(mutation);
            }
            (None, _) if self.entries.is_empty() => self.entries.push_back(mutation),
            // Older than everything remembered: `PrepareList::release_limit` keeps the records of
            // each decree for which this would matter.
            (None, _) => {}
        }
        Ok(())
    }

    fn index_of(&self, decree: Decree) -> Option<usize> {
        let first = self.entries.front()?.decree;
        if decree < first {
            return None;
        }
        usize::try_from(decree.distance_from(first)).ok()
    }

    /// Hands out what a record of ballot `by` proves committed.
    fn commit_through(&mut self, target: Decree, by: Ballot, out: &mut Vec<Replayed>) {
        while self.committed.decree < target {
            let next = self.index_of(self.committed.decree.next());
            let Some(entry) = next.and_then(|index| self.entries.get_mut(index)) else {
                return;
            };
            let mutation = entry.clone();
            entry.payload.clear();
            if mutation.ballot < by {
                self.ballots = CommittedBallots::Crossed;
            }
            self.committed = self.committed.then(&mutation);
            debug_assert_eq!(
                self.committed.decree, mutation.decree,
                "handed out in order"
            );
            out.push(Replayed {
                mutation,
                digest: self.committed,
            });
        }
    }

    /// Committed entries are remembered without payload, and not for ever.
    fn forget_old(&mut self) {
        while self.entries.len() > self.remembered_max
            && self
                .entries
                .front()
                .is_some_and(|first| first.decree <= self.committed.decree)
        {
            self.entries.pop_front();
        }
    }

    /// The end of the log.
    #[must_use]
    pub fn finish(self, standing: Standing) -> Recovered {
        let committed = self.committed.decree;
        let is_ahead = self.stale_through > committed;
        let entries = self.entries.into_iter();
        let mutations: Vec<Mutation> = entries.filter(|entry| entry.decree > committed).collect();
        debug_assert!(
            mutations
                .first()
                .is_none_or(|first| first.decree == committed.next())
        );
        debug_assert!(mutations.iter().all(|entry| entry.ballot <= self.ballot));
        debug_assert!(
            mutations.iter().all(Mutation::is_intact),
            "payloads are still there"
        );
        Recovered {
            ballot: self.ballot,
            committed: self.committed,
            stale_through: if is_ahead {
                self.stale_through
            } else {
                Decree::ZERO
            },
            mutations,
            standing,
            latest_timestamp_us: self.latest_timestamp_us,
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn record(ballot: i64, decree: i64, committed: i64, payload: &'static [u8]) -> Mutation {
        Mutation {
            ballot: Ballot(ballot),
            decree: Decree(decree),
            timestamp_us: decree,
            last_committed: Decree(committed),
            checksum: Mutation::checksum_of(payload),
            payload: Bytes::from_static(payload),
        }
    }

    fn replay(applied: i64, records: Vec<Mutation>) -> Result<(Vec<i64>, Recovered), ReplayError> {
        let start = DigestAt {
            decree: Decree(applied),
            digest: 1,
        };
        let (mut replay, mut out) = (Replay::new(start, 16), Vec::new());
        for mutation in records {
            replay.on_mutation(mutation, &mut out)?;
        }
        let applied = out
            .iter()
            .map(|replayed| replayed.mutation.decree.0)
            .collect();
        Ok((applied, replay.finish(Standing::Proven)))
    }

    #[test]
    fn what_is_proven_committed_is_applied_and_the_rest_is_kept() {
        let records = vec![
            record(1, 1, 0, b"a"),
            record(1, 2, 0, b"b"),
            record(1, 3, 2, b"c"),
        ];
        let (applied, recovered) = replay(1, records).unwrap();
        assert_eq!(applied, [2]);
        assert_eq!(recovered.committed.decree, Decree(2));
        assert_eq!(recovered.mutations, [record(1, 3, 2, b"c")]);
        assert_eq!(recovered.ballot, Ballot(1));
    }

    #[test]
    fn storage_may_know_a_larger_ballot_than_the_records_that_the_log_still_has() {
        let start = DigestAt {
            decree: Decree(3),
            digest: 1,
        };
        let (mut replay, mut out) = (Replay::new(start, 16), Vec::new());
        for decree in 1..=2 {
            let old = record(1, decree, decree - 1, b"a");
            replay.on_mutation(old, &mut out).unwrap();
        }
        replay.on_stored_ballot(Ballot(7));
        replay.on_stored_ballot(Ballot(2));
        let recovered = replay.finish(Standing::Proven);
        assert_eq!(recovered.ballot, Ballot(7));
        assert_eq!(recovered.committed.decree, Decree(3));
        assert_eq!((out.len(), recovered.mutations.len()), (0, 0));
    }

    #[test]
    fn the_newest_time_is_known_whichever_of_log_and_storage_has_it() {
        let start = DigestAt {
            decree: Decree(3),
            digest: 1,
        };
        let mut replay = Replay::new(start, 16);
        replay.on_stored_timestamp(30);
        assert_eq!(
            replay.clone().finish(Standing::Proven).latest_timestamp_us,
            30
        );
        let later = Mutation {
            timestamp_us: 40,
            ..record(1, 4, 3, b"a")
        };
        replay.on_mutation(later, &mut Vec::new()).unwrap();
        replay.on_stored_timestamp(30);
        assert_eq!(replay.finish(Standing::Proven).latest_timestamp_us, 40);
    }

    #[test]
    fn void_records_are_dropped_even_if_storage_has_passed_the_one_replaced() {
        let records = vec![
            record(1, 1, 0, b"a"),
            record(1, 2, 0, b"b"),
            record(2, 1, 0, b"x"),
        ];
        let (_, recovered) = replay(1, records).unwrap();
        assert_eq!(recovered.mutations, []);
        assert_eq!(recovered.stale_through, Decree(2));
    }

    #[test]
    fn what_only_a_log_without_a_hole_proves_is_known() {
        let start = DigestAt {
            decree: Decree(0),
            digest: 1,
        };
        let rests = |records: Vec<Mutation>| {
            let mut replay = Replay::new(start, 16);
            for record in records {
                replay.on_mutation(record, &mut Vec::new()).unwrap();
            }
            replay.rests_on_every_record()
        };
        let old = record(1, 1, 0, b"a");
        let replacing = record(2, 1, 0, b"b");
        let next = record(2, 2, 1, b"c");
        assert!(!rests(vec![old.clone(), replacing, next.clone()]));
        assert!(rests(vec![old, next]), "the replacing one may be lost");
        assert!(!rests(vec![record(1, 1, 0, b"a"), record(1, 2, 1, b"b")]));
    }

    #[test]
    fn entries_behind_one_proposed_again_stay() {
        let records = vec![
            record(1, 1, 0, b"a"),
            record(1, 2, 0, b"b"),
            record(2, 1, 0, b"a"),
        ];
        let (_, recovered) = replay(0, records).unwrap();
        assert_eq!(
            recovered.mutations,
            [record(2, 1, 0, b"a"), record(1, 2, 0, b"b")]
        );
    }

    #[test]
    fn holes_damage_and_contradictions_are_reported() {
        let hole = replay(0, vec![record(1, 2, 0, b"a")]).unwrap_err();
        assert_eq!(
            hole,
            ReplayError::Hole {
                after: Decree(0),
                found: Decree(2)
            }
        );
        let damaged = Mutation {
            checksum: 0,
            ..record(1, 1, 0, b"a")
        };
        assert_eq!(
            replay(0, vec![damaged]).unwrap_err(),
            ReplayError::Damaged { decree: Decree(1) }
        );
        let shrink = vec![record(2, 1, 0, b"a"), record(1, 2, 0, b"a")];
        assert!(matches!(
            replay(0, shrink),
            Err(ReplayError::BallotsShrink { .. })
        ));
        let two = vec![
            record(1, 1, 0, b"a"),
            record(1, 2, 1, b"b"),
            record(2, 1, 0, b"x"),
        ];
        assert_eq!(
            replay(0, two).unwrap_err(),
            ReplayError::Diverged { decree: Decree(1) }
        );
    }
}
