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
    /// The largest decree that was read.
    newest_read: Decree,
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
            newest_read: Decree::ZERO,
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
        self.newest_read = self.newest_read.max(mutation.decree);
        self.commit_through(mutation.last_committed, mutation.ballot, out);
        self.place(mutation)?;
        self.forget_old();
        debug_assert!(
            self.committed.decree >= self.applied,
            "the commit point never shrinks"
        );
        Ok(())
    }

    /// The next record is a mutation that comes after something that does not fit.
    pub fn on_disbelieved(&mut self, decree: Decree) {
        self.newest_read = self.newest_read.max(decree);
    }

    /// Of all that was read only the ballot counts, since it cannot be told what it means: the replica
    /// is as its storage has it, `stored`. The records stay in the log, void, until storage has passed
    /// them ([`crate::Replica::void_through`]).
    pub fn give_up(&mut self, stored: DigestAt) {
        let prepared_max = u32::try_from(self.remembered_max).unwrap_or(u32::MAX);
        *self = Self {
            ballot: self.ballot,
            stale_through: self.newest_read,
            newest_read: self.newest_read,
            ..Self::new(stored, prepared_max)
        };
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
mod tests;
