//! [`PrepareList`]: the mutations from the oldest one kept to the newest one prepared, without holes.

use std::collections::VecDeque;

use pegasus_common::{Ballot, Decree};

use crate::mutation::Mutation;

/// How many committed mutations are kept for peers that missed some.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HistoryLimits {
    /// At most so many.
    pub mutations_max: usize,
    /// At most so many payload bytes.
    pub bytes_max: usize,
}

/// A place in the log of one replica. Records are appended in this order: ballots only grow, and
/// decrees grow under one ballot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogPosition {
    /// The ballot of the record.
    pub ballot: Ballot,
    /// Its decree.
    pub decree: Decree,
}

impl LogPosition {
    /// Where the record of a mutation is.
    #[must_use]
    pub fn of(mutation: &Mutation) -> Self {
        Self {
            ballot: mutation.ballot,
            decree: mutation.decree,
        }
    }
}

/// The mutations that a replica has in memory.
///
/// Decrees are consecutive. Above the commit point ballots need not be in order: after a change of
/// primary, an entry proposed again stands before entries of the older ballot that the new primary
/// has not proposed again yet. Those must stay: the old primary may have committed them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PrepareList {
    entries: VecDeque<Mutation>,
    committed: Decree,
    logged: Decree,
    log_safe: LogPosition,
    stale_through: Decree,
    committed_bytes: usize,
    uncommitted_bytes: usize,
    limits: HistoryLimits,
}

impl PrepareList {
    /// The list after a restart: `mutations` follow `committed` without a hole and are in the log.
    /// Those that do not fit are left out (`stale_through`: see [`PrepareList::stale_through`]).
    #[must_use]
    pub fn new(
        committed: Decree,
        mutations: Vec<Mutation>,
        stale_through: Decree,
        limits: HistoryLimits,
    ) -> Self {
        let mut expected = committed;
        let entries: VecDeque<Mutation> = mutations
            .into_iter()
            .take_while(|mutation| {
                expected = expected.next();
                mutation.decree == expected
            })
            .collect();
        let logged = entries.back().map_or(committed, |last| last.decree);
        let log_safe = entries.iter().map(LogPosition::of).max();
        Self {
            uncommitted_bytes: entries.iter().map(|entry| entry.payload.len()).sum(),
            entries,
            committed,
            logged,
            log_safe: log_safe.unwrap_or_default(),
            stale_through,
            committed_bytes: 0,
            limits,
        }
    }

    /// Everything through here is chosen, and was handed out by [`PrepareList::commit_next`].
    #[must_use]
    pub fn committed(&self) -> Decree {
        self.committed
    }

    /// The newest decree.
    #[must_use]
    pub fn prepared(&self) -> Decree {
        self.entries
            .back()
            .map_or(self.committed, |last| last.decree)
    }

    /// Everything through here is safe in the own log, with the ballot that it has here.
    #[must_use]
    pub fn logged(&self) -> Decree {
        self.logged
    }

    /// The oldest decree kept; the next one to come when nothing is kept.
    #[must_use]
    pub fn first(&self) -> Decree {
        let next = self.committed.next();
        self.entries.front().map_or(next, |first| first.decree)
    }

    /// The log may hold records of older ballots, above the commit point and through this decree,
    /// that are void because an entry before them was replaced. Zero: there are none.
    #[must_use]
    pub fn stale_through(&self) -> Decree {
        self.stale_through
    }

    /// Payload bytes above the commit point.
    #[must_use]
    pub fn uncommitted_bytes(&self) -> usize {
        self.uncommitted_bytes
    }

    /// All entries, in decree order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Mutation> {
        self.entries.iter()
    }

    /// The entry of a decree, if it is kept.
    #[must_use]
    pub fn get(&self, decree: Decree) -> Option<&Mutation> {
        self.entries.get(self.index_of(decree)?)
    }

    fn index_of(&self, decree: Decree) -> Option<usize> {
        let first = self.entries.front()?.decree;
        if decree < first {
            return None;
        }
        usize::try_from(decree.distance_from(first)).ok()
    }

    /// The entries after `decree`, or `None` if the one right after it is no longer kept.
    #[must_use]
    pub fn after(&self, decree: Decree) -> Option<impl Iterator<Item = &Mutation>> {
        if decree.next() < self.first() {
            return None;
        }
        let skipped = self.index_of(decree.next()).unwrap_or(0);
        Some(self.entries.iter().skip(skipped))
    }

    /// Puts in a mutation from the primary of the present ballot: the next one, or one that replaces
    /// an entry of an older ballot.
    ///
    /// If the entry was the same write, the entries behind it stay. Otherwise the new primary never
    /// had it, so neither it nor anything behind it was committed: they were made for a past that
    /// did not happen, and are dropped.
    pub fn accept(&mut self, mutation: Mutation) {
        let decree = mutation.decree;
        let prepared = self.prepared();
        debug_assert!(decree > self.committed, "{decree} is committed already");
        debug_assert!(decree <= prepared.next(), "{decree} leaves a hole");
        self.logged = self.logged.min(decree.previous());
        self.uncommitted_bytes += mutation.payload.len();
        if decree > prepared {
            self.entries.push_back(mutation);
            return;
        }
        if decree < prepared {
            self.stale_through = self.stale_through.max(prepared);
        }
        let index = self
            .index_of(decree)
            .expect("above the commit point nothing is trimmed");
        let entry = &mut self.entries[index];
        debug_assert!(entry.ballot < mutation.ballot, "replaced under one ballot");
        if entry.is_same_write(&mutation) {
            self.uncommitted_bytes -= entry.payload.len();
            *entry = mutation;
        } else {
            let dropped = self.entries.drain(index..);
            self.uncommitted_bytes -= dropped.map(|entry| entry.payload.len()).sum::<usize>();
            self.entries.push_back(mutation);
        }
    }

    /// Forgets the entries above the commit point: a planted bug.
    #[cfg(feature = "planted")]
    pub(crate) fn forget_uncommitted(&mut self) {
        while self
            .entries
            .pop_back_if(|entry| entry.decree > self.committed)
            .is_some()
        {}
        self.uncommitted_bytes = 0;
        self.logged = self.committed;
    }

    /// The own log is safe through this place.
    pub fn note_log_safe(&mut self, position: LogPosition) {
        self.log_safe = self.log_safe.max(position);
        let after = self.index_of(self.logged.next()).unwrap_or(0);
        for entry in self.entries.iter().skip(after) {
            if LogPosition::of(entry) > self.log_safe {
                break;
            }
            debug_assert_eq!(entry.decree, self.logged.next(), "logged without a hole");
            self.logged = entry.decree;
        }
    }

    /// Moves the commit point by one; `None` if nothing is prepared beyond it.
    pub fn commit_next(&mut self) -> Option<Mutation> {
        let mutation = self.get(self.committed.next())?.clone();
        debug_assert!(mutation.decree <= self.logged, "committed but not logged");
        self.committed = mutation.decree;
        self.uncommitted_bytes -= mutation.payload.len();
        self.committed_bytes += mutation.payload.len();
        if self.committed >= self.stale_through {
            self.stale_through = Decree::ZERO;
        }
        self.trim();
        Some(mutation)
    }

    fn trim(&mut self) {
        while let Some(first) = self.entries.front() {
            let kept = self.committed.next().distance_from(first.decree);
            let in_limits = kept <= self.limits.mutations_max as u64
                && self.committed_bytes <= self.limits.bytes_max;
            if first.decree > self.committed || in_limits {
                return;
            }
            self.committed_bytes -= first.payload.len();
            self.entries.pop_front();
        }
    }

    /// How far the log may be released at most, whatever storage has flushed. `None`: no limit.
    ///
    /// Replay tells void records from valid ones by comparing the two records of a decree that was
    /// replaced (see [`PrepareList::accept`]). So while void records may lie ahead, both records of
    /// the newest committed decree must stay. The next writes end that.
    #[must_use]
    pub fn release_limit(&self) -> Option<Decree> {
        (self.committed < self.stale_through).then(|| self.committed.previous())
    }

    /// Entries above the commit point.
    #[must_use]
    pub fn uncommitted_count(&self) -> u64 {
        self.prepared().distance_from(self.committed)
    }

    /// Panics in debug builds if the list contradicts itself.
    pub(crate) fn check(&self) {
        debug_assert!(
            self.committed <= self.prepared(),
            "I1: committed > prepared"
        );
        debug_assert!(self.committed <= self.logged, "committed but not logged");
        debug_assert!(self.logged <= self.prepared(), "logged but not prepared");
        debug_assert!(
            self.first() <= self.committed.next(),
            "a hole above the commit point"
        );
        debug_assert!(
            self.stale_through == Decree::ZERO || self.stale_through > self.committed,
            "void records below the commit point need no attention"
        );
        if cfg!(debug_assertions) {
            self.check_entries();
        }
    }

    fn check_entries(&self) {
        let (mut committed_bytes, mut uncommitted_bytes) = (0, 0);
        let mut expected = self.first();
        for entry in &self.entries {
            debug_assert_eq!(entry.decree, expected, "I1: decrees are consecutive");
            debug_assert!(
                entry.last_committed < entry.decree,
                "commit point ahead of itself"
            );
            if entry.decree <= self.logged && entry.decree > self.committed {
                debug_assert!(
                    LogPosition::of(entry) <= self.log_safe,
                    "logged is not safe"
                );
            }
            if entry.decree > self.committed {
                uncommitted_bytes += entry.payload.len();
            } else {
                committed_bytes += entry.payload.len();
            }
            expected = expected.next();
        }
        debug_assert_eq!(committed_bytes, self.committed_bytes, "history bytes");
        debug_assert_eq!(uncommitted_bytes, self.uncommitted_bytes, "window bytes");
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn mutation(ballot: i64, decree: i64, payload: &'static [u8]) -> Mutation {
        Mutation {
            ballot: Ballot(ballot),
            decree: Decree(decree),
            timestamp_us: decree,
            last_committed: Decree(0),
            checksum: Mutation::checksum_of(payload),
            payload: Bytes::from_static(payload),
        }
    }

    fn list_of(mutations: Vec<Mutation>) -> PrepareList {
        let limits = HistoryLimits {
            mutations_max: 2,
            bytes_max: 100,
        };
        PrepareList::new(Decree(0), mutations, Decree(0), limits)
    }

    fn safe(list: &mut PrepareList, ballot: i64, decree: i64) {
        list.note_log_safe(LogPosition {
            ballot: Ballot(ballot),
            decree: Decree(decree),
        });
        list.check();
    }

    #[test]
    fn only_what_is_logged_under_its_ballot_counts_as_logged() {
        let mut list = list_of(vec![mutation(1, 1, b"a"), mutation(1, 2, b"b")]);
        assert_eq!(list.logged(), Decree(2));
        list.accept(mutation(2, 1, b"a"));
        assert_eq!((list.logged(), list.prepared()), (Decree(0), Decree(2)));
        safe(&mut list, 1, 2);
        assert_eq!(list.logged(), Decree(0), "an old report");
        safe(&mut list, 2, 1);
        assert_eq!(
            list.logged(),
            Decree(2),
            "the entry behind it was logged long ago"
        );
    }

    #[test]
    fn another_write_drops_what_followed_the_old_one() {
        let mut list = list_of(vec![mutation(1, 1, b"a"), mutation(1, 2, b"b")]);
        list.accept(mutation(2, 1, b"other"));
        assert_eq!(list.prepared(), Decree(1));
        assert_eq!(list.release_limit(), Some(Decree(0)));
        list.accept(mutation(2, 2, b"c"));
        safe(&mut list, 2, 2);
        list.commit_next();
        assert_eq!(list.release_limit(), Some(Decree(0)));
        list.commit_next();
        assert_eq!(
            list.release_limit(),
            None,
            "every void record was overtaken"
        );
    }

    #[test]
    fn history_is_bounded_and_gaps_in_it_are_known() {
        let mut list = list_of(Vec::new());
        for decree in 1..=5 {
            list.accept(mutation(1, decree, b"abc"));
        }
        safe(&mut list, 1, 5);
        for _ in 0..4 {
            list.commit_next();
        }
        assert_eq!(list.first(), Decree(3));
        assert!(list.after(Decree(1)).is_none());
        assert_eq!(list.after(Decree(2)).unwrap().count(), 3);
        assert_eq!(list.after(Decree(9)).unwrap().count(), 0);
        assert_eq!(list.uncommitted_bytes(), 3);
    }

    #[test]
    fn mutations_behind_a_hole_are_not_recovered() {
        let list = list_of(vec![mutation(1, 1, b"a"), mutation(1, 3, b"c")]);
        assert_eq!(list.prepared(), Decree(1));
    }
}
