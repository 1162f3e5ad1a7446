//! One server's mutation log in memory: group commit that takes its time, and what each kind of
//! crash leaves of it. The twin of `pegasus-log` together with a shard's lane into it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use pegasus_common::{Ballot, Decree, Gpid};
use pegasus_pacifica::Mutation;

use crate::planted::{self, DriverBug};
use crate::random::Random;

/// What the log holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogRecord {
    /// A mutation was prepared.
    Mutation(Mutation),
    /// A durable ballot.
    Ballot(Ballot),
    /// What came before is void: a new replica begins, or a checkpoint takes its place.
    Reset(Ballot),
    /// What was doubtful is settled by the meta server's decision.
    Vouch(Ballot),
    /// The replica was dropped.
    Forget,
}

impl LogRecord {
    /// The ballot of the record.
    #[must_use]
    pub fn ballot(&self) -> Ballot {
        match self {
            Self::Mutation(mutation) => mutation.ballot,
            Self::Ballot(ballot) | Self::Reset(ballot) | Self::Vouch(ballot) => *ballot,
            Self::Forget => Ballot::ZERO,
        }
    }

    /// Whether what came before is void.
    #[must_use]
    pub fn begins_anew(&self) -> bool {
        matches!(self, Self::Reset(_) | Self::Forget)
    }

    /// Whether earlier doubts about the replica end with this record.
    fn settles(&self) -> bool {
        matches!(self, Self::Reset(_) | Self::Vouch(_) | Self::Forget)
    }
}

/// Whose record it is: a replica, and which of its lives on this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Writer {
    /// The partition.
    pub gpid: Gpid,
    /// The hosted replica, so that a late report does not reach its successor.
    pub instance: u64,
}

#[derive(Clone, Debug)]
struct Entry {
    writer: Writer,
    record: LogRecord,
    /// Which process has written it.
    run: u64,
    /// For a vouch: whether its process began with a doubt about the replica.
    settles_earlier_runs: bool,
    /// A bit of it has changed on disk: recovery will see that.
    is_damaged: bool,
}

/// A record that is safe now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Safe {
    /// Whose.
    pub writer: Writer,
    /// What.
    pub record: LogRecord,
}

/// When a record counts as safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// When it is flushed.
    Fsync,
    /// When the operating system has it: a power loss may take it.
    Os,
}

/// What ended the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrashKind {
    /// The process alone: the operating system keeps what it was given.
    Process,
    /// The machine: what was not flushed is lost, or a part of it.
    PowerLoss,
}

/// What recovery finds.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Per replica, the ballot that the released part had, then its readable records in order.
    pub records: BTreeMap<Gpid, (Ballot, Vec<LogRecord>)>,
}

/// The log.
#[derive(Debug)]
pub struct LogModel {
    durability: Durability,
    /// How often it was opened.
    run: u64,
    /// Written, oldest first.
    entries: VecDeque<Entry>,
    /// So many of `entries` survive a power loss.
    flushed: usize,
    /// Ballots of the records that were released.
    heads: BTreeMap<Gpid, Ballot>,
    /// Whose completeness is in doubt since an earlier recovery.
    doubts: BTreeSet<Gpid>,
    /// On its way to the disk.
    writing: Vec<Entry>,
    /// In the process's memory.
    staged: Vec<Entry>,
    released: BTreeMap<Gpid, Decree>,
}

impl LogModel {
    /// A new log.
    #[must_use]
    pub fn new(durability: Durability) -> Self {
        Self {
            durability,
            run: 0,
            entries: VecDeque::new(),
            flushed: 0,
            heads: BTreeMap::new(),
            doubts: BTreeSet::new(),
            writing: Vec::new(),
            staged: Vec::new(),
            released: BTreeMap::new(),
        }
    }

    /// Stages a record.
    pub fn append(&mut self, writer: Writer, record: LogRecord) {
        self.staged.push(Entry {
            writer,
            record,
            run: self.run,
            settles_earlier_runs: false,
            is_damaged: false,
        });
    }

    /// Records that nobody has written yet.
    #[must_use]
    pub fn staged(&self) -> usize {
        self.staged.len()
    }

    /// Whether a write is under way.
    #[must_use]
    pub fn is_writing(&self) -> bool {
        !self.writing.is_empty()
    }

    /// Whether the log may not have everything yet that a replica has appended.
    #[must_use]
    pub fn has_under_way(&self, writer: Writer) -> bool {
        let mut under_way = self.writing.iter().chain(&self.staged);
        under_way.any(|entry| entry.writer == writer)
    }

    /// Starts to write what is staged, if the disk is free and there is something. Returns whether
    /// a write has begun; the caller says when it ends.
    pub fn begin_write(&mut self) -> bool {
        if self.is_writing() || self.staged.is_empty() {
            return false;
        }
        self.writing = std::mem::take(&mut self.staged);
        true
    }

    /// The write has ended: what is safe now, in order.
    pub fn end_write(&mut self) -> Vec<Safe> {
        let mut written = std::mem::take(&mut self.writing);
        let safe = written.iter().map(|entry| Safe {
            writer: entry.writer,
            record: entry.record.clone(),
        });
        let safe = safe.collect();
        let flushed_before = self.entries.len();
        for entry in written.iter_mut().filter(|entry| entry.record.settles()) {
            entry.settles_earlier_runs = self.doubts.remove(&entry.writer.gpid);
        }
        self.entries.extend(written);
        if self.durability == Durability::Fsync {
            self.flushed = match planted::is(DriverBug::AckBeforeFlush) {
                true => flushed_before,
                false => self.entries.len(),
            };
        }
        safe
    }

    /// The operating system has flushed by itself.
    pub fn flush_in_background(&mut self) {
        self.flushed = self.entries.len();
    }

    /// Storage has everything of this replica through `decree`: the oldest records may go.
    pub fn release(&mut self, gpid: Gpid, decree: Decree) {
        let known = self.released.entry(gpid).or_insert(decree);
        *known = decree.max(*known);
        while self.flushed > 0 && self.entries.front().is_some_and(|first| self.may_go(first)) {
            let Some(entry) = self.entries.pop_front() else {
                return;
            };
            self.flushed -= 1;
            let head = self.heads.entry(entry.writer.gpid).or_default();
            *head = entry.record.ballot().max(*head);
        }
    }

    fn may_go(&self, entry: &Entry) -> bool {
        match &entry.record {
            LogRecord::Mutation(mutation) => self
                .released
                .get(&entry.writer.gpid)
                .is_some_and(|released| mutation.decree <= *released),
            _ => true,
        }
    }

    /// The replica's directory was replaced or is gone: nothing of it is flushed any more.
    pub fn forget_released(&mut self, gpid: Gpid) {
        self.released.remove(&gpid);
    }

    /// The process has ended: what was on its way to the disk may be there in part.
    pub fn crash(&mut self, kind: CrashKind, random: &mut Random) {
        self.staged.clear();
        let writing = std::mem::take(&mut self.writing);
        let may_lose = self.durability == Durability::Os || planted::is(DriverBug::AckBeforeFlush);
        if kind == CrashKind::PowerLoss && may_lose {
            let lost = random.index(self.entries.len() - self.flushed + 1);
            self.entries.truncate(self.entries.len() - lost);
            if lost > 0 {
                // Nothing behind a hole in a file was written.
                self.flushed = self.entries.len();
                return;
            }
        }
        let survivors = random.index(writing.len() + 1);
        self.entries.extend(writing.into_iter().take(survivors));
        self.flushed = self.entries.len();
        // A replica's release is what its storage says after the restart.
        self.released.clear();
    }

    /// A bit of some record flips. Returns whose, if there is a record.
    pub fn damage(&mut self, random: &mut Random) -> Option<Gpid> {
        if self.flushed == 0 {
            return None;
        }
        let entry = &mut self.entries[random.index(self.flushed)];
        entry.is_damaged = true;
        Some(entry.writer.gpid)
    }

    /// Whether it is doubtful that this replica still has all that it acknowledged.
    #[must_use]
    pub fn doubts(&self, gpid: Gpid) -> bool {
        let mut damaged_runs: Vec<u64> = Vec::new();
        let own = self.entries.iter().filter(|it| it.writer.gpid == gpid);
        for entry in own {
            if entry.is_damaged {
                damaged_runs.push(entry.run);
            } else if entry.record.begins_anew()
                || entry.record.settles() && planted::is(DriverBug::VouchSettlesAll)
            {
                damaged_runs.clear();
            } else if entry.settles_earlier_runs {
                // Damage of before and after cannot be told apart in the segments of earlier runs.
                damaged_runs.retain(|run| *run >= entry.run);
            }
        }
        !damaged_runs.is_empty() || self.doubts.contains(&gpid)
    }

    /// The machine has rebooted and nothing was flushed for sure: everybody is in doubt.
    pub fn doubt_everybody(&mut self, gpids: impl IntoIterator<Item = Gpid>) {
        self.doubts.extend(gpids);
    }

    /// Reads the log after a restart.
    pub fn recover(&mut self) -> Found {
        let mut found = Found::default();
        for (gpid, ballot) in &self.heads {
            found.records.insert(*gpid, (*ballot, Vec::new()));
        }
        let gpids: BTreeSet<Gpid> = self.entries.iter().map(|entry| entry.writer.gpid).collect();
        for gpid in gpids {
            if self.doubts(gpid) {
                self.doubts.insert(gpid);
            }
        }
        for entry in self.entries.iter().filter(|entry| !entry.is_damaged) {
            let (_, records) = found.records.entry(entry.writer.gpid).or_default();
            records.push(entry.record.clone());
        }
        // What was unreadable once is not read again.
        let readable = self.entries.drain(..).filter(|entry| !entry.is_damaged);
        self.entries = readable.collect();
        self.flushed = self.entries.len();
        self.run += 1;
        found
    }

    /// The committed mutations of a replica after `after` and through `through`, for a learner: of
    /// each decree the last record. `None` if the log does not reach back so far.
    #[must_use]
    pub fn mutations(
        &self,
        gpid: Gpid,
        after: Decree,
        through: Decree,
        count_max: usize,
    ) -> Option<Vec<Mutation>> {
        // Indexed by the distance from the first decree that is wanted: learners ask for this often.
        let first = after.next();
        let wanted = usize::try_from(through.0 - after.0).unwrap_or(0);
        let mut last: Vec<Option<&Mutation>> = vec![None; wanted.min(count_max)];
        for entry in self
            .entries
            .iter()
            .filter(|entry| entry.writer.gpid == gpid)
        {
            match &entry.record {
                LogRecord::Mutation(mutation) if !entry.is_damaged => {
                    let distance = usize::try_from(mutation.decree.0 - first.0);
                    if let Some(slot) = distance.ok().and_then(|at| last.get_mut(at)) {
                        *slot = Some(mutation);
                    }
                }
                record if record.begins_anew() => last.fill(None),
                _ => {}
            }
        }
        let unbroken = last.into_iter().map_while(|found| found.cloned());
        let found: Vec<Mutation> = unbroken.collect();
        (!found.is_empty()).then_some(found)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    const WRITER: Writer = Writer {
        gpid: Gpid::new(1, 0),
        instance: 1,
    };

    fn mutation(ballot: i64, decree: i64) -> LogRecord {
        LogRecord::Mutation(Mutation {
            ballot: Ballot(ballot),
            decree: Decree(decree),
            timestamp_us: ballot,
            last_committed: Decree(0),
            checksum: Mutation::checksum_of(b""),
            payload: Bytes::new(),
        })
    }

    fn log_of(records: impl IntoIterator<Item = LogRecord>) -> LogModel {
        let mut log = LogModel::new(Durability::Fsync);
        for record in records {
            log.append(WRITER, record);
        }
        assert!(log.begin_write());
        log.end_write();
        log
    }

    #[test]
    fn what_is_safe_survives_everything() {
        let mut log = log_of([mutation(1, 1), mutation(1, 2)]);
        log.append(WRITER, mutation(1, 3));
        log.crash(CrashKind::PowerLoss, &mut Random::new(1));
        let found = log.recover();
        assert_eq!(
            found.records[&WRITER.gpid].1,
            [mutation(1, 1), mutation(1, 2)]
        );
        assert!(!log.doubts(WRITER.gpid));
    }

    #[test]
    fn damage_is_remembered_until_it_is_settled() {
        let mut log = log_of([mutation(1, 1)]);
        assert_eq!(log.damage(&mut Random::new(1)), Some(WRITER.gpid));
        assert!(log.recover().records.is_empty());
        assert!(log.doubts(WRITER.gpid));
        log.append(WRITER, LogRecord::Vouch(Ballot(2)));
        log.begin_write();
        assert!(log.doubts(WRITER.gpid), "not safe yet");
        log.end_write();
        assert!(!log.doubts(WRITER.gpid));
    }

    #[test]
    fn a_vouch_settles_damage_in_what_earlier_processes_wrote_and_no_other() {
        let mut log = log_of([mutation(1, 1), mutation(1, 2)]);
        log.entries[0].is_damaged = true;
        log.recover();
        for record in [mutation(2, 3), LogRecord::Vouch(Ballot(2))] {
            log.append(WRITER, record);
        }
        log.begin_write();
        log.end_write();
        log.entries[0].is_damaged = true;
        log.recover();
        assert!(!log.doubts(WRITER.gpid), "as the real log has it");
        log.entries[0].is_damaged = true;
        log.recover();
        assert!(
            log.doubts(WRITER.gpid),
            "written by the process that vouched"
        );
    }

    #[test]
    fn the_last_record_of_a_decree_is_supplied() {
        let log = log_of([
            mutation(1, 1),
            mutation(1, 2),
            mutation(2, 1),
            mutation(2, 2),
        ]);
        let supplied = log.mutations(WRITER.gpid, Decree(0), Decree(2), 9).unwrap();
        assert!(supplied.iter().all(|mutation| mutation.ballot == Ballot(2)));
        let log = log_of([mutation(1, 5)]);
        assert_eq!(log.mutations(WRITER.gpid, Decree(3), Decree(9), 9), None);
    }

    #[test]
    fn released_records_leave_their_ballot() {
        let mut log = log_of([mutation(3, 1), mutation(3, 2)]);
        log.release(WRITER.gpid, Decree(1));
        log.release(WRITER.gpid, Decree(2));
        assert_eq!(log.recover().records[&WRITER.gpid], (Ballot(3), Vec::new()));
    }
}
