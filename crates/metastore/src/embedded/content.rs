//! [`Content`]: what a member must not forget, and the [`Record`]s that make it.

use std::collections::VecDeque;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::types::{Entry, LogId, MemberId, SnapshotMeta, Vote};

/// One change of a member's durable memory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Record {
    /// The member's id. The first record of its life.
    Member(MemberId),
    /// Its promise.
    Vote(Vote),
    /// The next entry of the log.
    Entry(Entry),
    /// The entries after this one go; all of them, if it is none.
    Truncate(Option<LogId>),
    /// The entries up to this one go: a snapshot covers them.
    Purge(LogId),
    /// So far the group is known to have agreed. May be late.
    Committed(Option<LogId>),
    /// The state machine as of some entry. Replaces an earlier snapshot.
    Snapshot(StoredSnapshot),
}

/// The state machine as of one entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredSnapshot {
    /// What it covers.
    pub meta: SnapshotMeta,
    /// The state, as `Applied` encodes it.
    pub state: Bytes,
}

/// Everything that a member keeps across a restart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Content {
    /// Who it is; `None` only before its first record.
    pub member: Option<MemberId>,
    /// Its last promise.
    pub vote: Option<Vote>,
    /// How far the group is known to have agreed.
    pub committed: Option<LogId>,
    /// The last entry that is gone because a snapshot covers it.
    pub purged: Option<LogId>,
    /// The entries after it, without gaps.
    pub entries: VecDeque<Entry>,
    /// The last snapshot.
    pub snapshot: Option<StoredSnapshot>,
}

/// A record that cannot follow the ones before it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// The log would have a gap.
    #[error("entry {found} where {expected} should be")]
    Gap {
        /// Index of the entry.
        found: u64,
        /// The index that follows the last one.
        expected: u64,
    },
    /// A promise was taken back.
    #[error("a promise to an earlier candidate after one to a later")]
    VoteGoesBack,
    /// A member cannot change into another.
    #[error("a second member in one directory")]
    SecondMember,
}

impl Content {
    /// The index of the entry to come.
    #[must_use]
    pub fn next_index(&self) -> u64 {
        self.last_log_id().map_or(0, |last| last.index + 1)
    }

    /// The last entry, present or purged.
    #[must_use]
    pub fn last_log_id(&self) -> Option<LogId> {
        let last = self.entries.back().map(|entry| entry.log_id);
        last.or(self.purged)
    }

    /// Whether the member has never taken part in anything.
    #[must_use]
    pub fn is_pristine(&self) -> bool {
        self.vote.is_none() && self.next_index() == 0 && self.snapshot.is_none()
    }

    /// Makes one change.
    ///
    /// # Errors
    /// It cannot follow what was before; nothing changed.
    pub fn apply(&mut self, record: Record) -> Result<(), Misfit> {
        match record {
            Record::Member(_) if self.member.is_some() => return Err(Misfit::SecondMember),
            Record::Member(id) => self.member = Some(id),
            Record::Vote(vote) => {
                if self.vote.is_some_and(|before| vote < before) {
                    return Err(Misfit::VoteGoesBack);
                }
                self.vote = Some(vote);
            }
            Record::Entry(entry) => {
                let (found, expected) = (entry.log_id.index, self.next_index());
                // The consensus decides where a log begins; after that it has no gaps.
                if found != expected && self.last_log_id().is_some() {
                    return Err(Misfit::Gap { found, expected });
                }
                self.entries.push_back(entry);
            }
            Record::Truncate(last) => {
                let next = last.map_or(0, |last| last.index + 1);
                while self.entries.back().is_some_and(|e| e.log_id.index >= next) {
                    self.entries.pop_back();
                }
            }
            Record::Purge(last) => {
                if self.purged.is_none_or(|purged| purged.index < last.index) {
                    while self
                        .entries
                        .front()
                        .is_some_and(|e| e.log_id.index <= last.index)
                    {
                        self.entries.pop_front();
                    }
                    self.purged = Some(last);
                }
            }
            Record::Committed(committed) => self.committed = committed,
            Record::Snapshot(snapshot) => self.snapshot = Some(snapshot),
        }
        Ok(())
    }

    /// The records that make the same content from nothing.
    pub fn records(&self) -> impl Iterator<Item = Record> + '_ {
        let head = [
            self.member.map(Record::Member),
            self.vote.map(Record::Vote),
            self.snapshot.clone().map(Record::Snapshot),
            self.purged.map(Record::Purge),
        ];
        let entries = self.entries.iter().cloned().map(Record::Entry);
        let committed = self
            .committed
            .map(|committed| Record::Committed(Some(committed)));
        head.into_iter().flatten().chain(entries).chain(committed)
    }
}

#[cfg(test)]
mod tests {
    use openraft::EntryPayload;
    use openraft::vote::RaftLeaderIdExt as _;

    use super::*;
    use crate::embedded::types::LeaderId;

    pub fn log_id(term: u64, index: u64) -> LogId {
        LogId::new(LeaderId::new_committed(term, MemberId(1)), index)
    }

    fn entry(term: u64, index: u64) -> Record {
        let payload = EntryPayload::Blank;
        let log_id = log_id(term, index);
        Record::Entry(Entry { log_id, payload })
    }

    fn of(records: impl IntoIterator<Item = Record>) -> Content {
        let mut content = Content::default();
        for record in records {
            content.apply(record).unwrap();
        }
        content
    }

    #[test]
    fn the_log_grows_at_its_end_and_goes_at_both() {
        let mut content = of((0..10).map(|index| entry(1, index)));
        content.apply(Record::Truncate(Some(log_id(1, 6)))).unwrap();
        content.apply(Record::Purge(log_id(1, 2))).unwrap();
        assert_eq!(content.entries.len(), 4);
        assert_eq!(content.next_index(), 7);
        assert_eq!(content.last_log_id(), Some(log_id(1, 6)));
        let gap = Misfit::Gap {
            found: 8,
            expected: 7,
        };
        assert_eq!(content.apply(entry(2, 8)), Err(gap));
        content.apply(entry(2, 7)).unwrap();
        // A snapshot from elsewhere covers more than the log has.
        content.apply(Record::Purge(log_id(2, 20))).unwrap();
        assert_eq!(content.last_log_id(), Some(log_id(2, 20)));
        content.apply(Record::Purge(log_id(2, 10))).unwrap();
        assert_eq!(content.next_index(), 21);
    }

    #[test]
    fn promises_are_not_taken_back() {
        let mut content = of([Record::Member(MemberId(7))]);
        assert!(content.is_pristine());
        content
            .apply(Record::Vote(Vote::new(3, MemberId(7))))
            .unwrap();
        content
            .apply(Record::Vote(Vote::new_committed(3, MemberId(7))))
            .unwrap();
        let back = content.apply(Record::Vote(Vote::new(2, MemberId(8))));
        assert_eq!(back, Err(Misfit::VoteGoesBack));
        let second = content.apply(Record::Member(MemberId(8)));
        assert_eq!(second, Err(Misfit::SecondMember));
        assert!(!content.is_pristine());
    }

    #[test]
    fn its_records_make_the_same_content() {
        let mut content = of([
            Record::Member(MemberId(7)),
            Record::Vote(Vote::new(3, MemberId(7))),
        ]);
        for index in 0..9 {
            content.apply(entry(1, index)).unwrap();
        }
        let snapshot = StoredSnapshot {
            meta: SnapshotMeta {
                last_log_id: Some(log_id(1, 5)),
                ..SnapshotMeta::default()
            },
            state: Bytes::from_static(b"state"),
        };
        content.apply(Record::Snapshot(snapshot)).unwrap();
        content.apply(Record::Purge(log_id(1, 3))).unwrap();
        content
            .apply(Record::Committed(Some(log_id(1, 8))))
            .unwrap();
        assert_eq!(of(content.records()), content);
    }
}
