//! One replica on its way back: what its storage holds, and the records of the log on top of it.
//!
//! What the log proves committed is applied in runs while the log is read. But where an earlier replica
//! of the partition may have left records in the same log ([`ReplicaDirectory::begins_at_reset`]),
//! nothing is applied before the log has been read to its end: a `Reset` may still follow, and then
//! everything before it is void. So it is from the first mutation on that only a log without a hole proves
//! committed ([`Replay::rests_on_every_record`]).

use pegasus_common::Ballot;
use pegasus_engine::AppliedMutation;
use pegasus_log::Record;
use pegasus_log::RecoveryReport;
use pegasus_pacifica::Recovered;
use pegasus_pacifica::Replay;
use pegasus_pacifica::ReplayError;
use pegasus_pacifica::Replayed;
use pegasus_pacifica::Standing;
use tracing::error;
use tracing::info;
use tracing::warn;

use super::Opening;
use super::catching_up::WhenFull;
use super::catching_up::apply_patiently;
use super::catching_up::catch_up;
use super::opening::OpenedStorage;
use super::opening::host;
use super::with_causes;
use crate::disk::Aside;
use crate::disk::Disk;
use crate::disk::ReplicaDirectory;
use crate::hosted_replica::HostedReplica;
use crate::hosted_replica::applied_mutation;
use crate::learn::supply::mutation;

/// Committed mutations that are given to storage at once.
const REPLAY_RUN_MAX: usize = 256;
/// Bytes of committed mutations that wait for the end of the log. Beyond it they are read again.
const WAITING_BYTES_MAX: usize = 16 << 20;

/// What happens to mutations that the log proves committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Committing {
    /// They are applied in runs.
    Applied,
    /// They wait: a `Reset` may still make them void, or a hole in the log make them doubtful.
    Waiting,
    /// They were too many to wait: they will be read from the log again.
    Dropped,
}

/// One replica while its log is read.
pub(super) struct Recovering {
    directory: ReplicaDirectory,
    opened: OpenedStorage,
    disk: usize,
    prepared_max: u32,
    replay: Replay,
    committing: Committing,
    /// Proven committed, not yet given to storage.
    committed: Vec<Replayed>,
    committed_bytes: usize,
    /// So many of `committed` are in `committed_bytes`.
    committed_counted: usize,
    reset: SeenReset,
    vouched: Vouched,
    standing: Standing,
    problem: Option<String>,
}

/// Whether the log that was read still has the end of an earlier life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SeenReset {
    Yes,
    No,
}

/// Whether the log says that the group counts on the replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Vouched {
    Yes,
    No,
}

impl Recovering {
    pub(super) fn new(
        directory: ReplicaDirectory,
        opened: OpenedStorage,
        disk: usize,
        prepared_max: u32,
    ) -> Self {
        let committing = if directory.begins_at_reset() {
            Committing::Waiting
        } else {
            Committing::Applied
        };
        Self {
            replay: Replay::new(opened.at(), prepared_max),
            directory,
            opened,
            disk,
            prepared_max,
            committing,
            committed: Vec::new(),
            committed_bytes: 0,
            committed_counted: 0,
            reset: SeenReset::No,
            vouched: Vouched::No,
            standing: Standing::Unproven,
            problem: None,
        }
    }

    pub(super) fn directory(&self) -> &ReplicaDirectory {
        &self.directory
    }

    /// The largest ballot that is known.
    pub(super) fn ballot(&self) -> Ballot {
        self.replay.ballot()
    }

    pub(super) fn on_record(&mut self, record: Record) {
        let result = match record {
            // Everything before is void, also what was wrong with it.
            Record::Forget { .. } => self.start_over(Ballot::ZERO),
            Record::Reset { ballot, .. } => {
                self.reset = SeenReset::Yes;
                self.start_over(ballot)
            }
            Record::Mutation(record) if self.problem.is_some() => {
                return self.replay.on_disbelieved(record.decree);
            }
            _ if self.problem.is_some() => return,
            Record::Mutation(record) => {
                let mutation = mutation(record);
                let result = self.replay.on_mutation(mutation, &mut self.committed);
                if self.committing == Committing::Applied && self.replay.rests_on_every_record() {
                    self.committing = Committing::Waiting;
                }
                result
            }
            Record::Ballot { ballot, .. } => self.replay.on_ballot(ballot),
            Record::Vouch { ballot, .. } => {
                self.vouched = Vouched::Yes;
                self.replay.on_ballot(ballot)
            }
        };
        let applied = result
            .map_err(|error| error.to_string())
            .and_then(|()| self.relieve());
        if let Err(problem) = applied {
            self.problem = Some(problem);
        }
    }

    fn start_over(&mut self, ballot: Ballot) -> Result<(), ReplayError> {
        self.replay = Replay::new(self.opened.at(), self.prepared_max);
        self.forget_committed();
        self.problem = None;
        self.vouched = Vouched::No;
        if self.committing == Committing::Dropped {
            self.committing = Committing::Waiting;
        }
        self.replay.on_ballot(ballot)
    }

    fn forget_committed(&mut self) {
        self.committed.clear();
        self.committed_bytes = 0;
        self.committed_counted = 0;
    }

    /// What was read is not believed.
    fn give_up(&mut self) {
        self.replay.give_up(self.opened.at());
        self.forget_committed();
        self.committing = Committing::Waiting;
        self.problem = None;
    }

    /// Keeps what waits small.
    fn relieve(&mut self) -> Result<(), String> {
        match self.committing {
            Committing::Applied if self.committed.len() >= REPLAY_RUN_MAX => self.apply(),
            Committing::Applied => Ok(()),
            Committing::Dropped => {
                self.forget_committed();
                Ok(())
            }
            Committing::Waiting => {
                // Only what is new: hundreds of thousands may wait.
                let added = &self.committed[self.committed_counted..];
                let payloads = added.iter().map(|entry| entry.mutation.payload.len());
                self.committed_bytes += payloads.sum::<usize>();
                self.committed_counted = self.committed.len();
                if self.committed_bytes > WAITING_BYTES_MAX {
                    self.committing = Committing::Dropped;
                    self.forget_committed();
                }
                Ok(())
            }
        }
    }

    fn apply(&mut self) -> Result<(), String> {
        let run: Vec<AppliedMutation> = self
            .committed
            .drain(..)
            .map(|replayed| applied_mutation(&replayed.mutation, replayed.digest))
            .collect();
        run.chunks(REPLAY_RUN_MAX)
            .try_for_each(|run| apply_patiently(&self.opened.engine, run, WhenFull::Wait))
            .map_err(|error| with_causes(&error))
    }

    /// There are no more records.
    pub(super) fn log_ended(&mut self, report: &RecoveryReport) {
        let is_complete = report.proven_complete(self.directory.gpid);
        let has_learned = !self.directory.is_learning() || self.vouched == Vouched::Yes;
        if is_complete && has_learned {
            self.standing = Standing::Proven;
        }
        // The reset may be among what the log has lost: what was read may be of an earlier life.
        let is_of_unknown_life =
            !is_complete && self.directory.begins_at_reset() && self.reset == SeenReset::No;
        let is_ambiguous =
            report.may_have_hole(self.directory.gpid) && self.replay.rests_on_every_record();
        if is_of_unknown_life || is_ambiguous {
            warn!(gpid = %self.directory.gpid,
                "the log has lost records, and what it has left is ambiguous: only what storage holds counts");
            self.give_up();
        }
        self.replay
            .on_stored_ballot(self.opened.engine.applied().ballot);
        self.replay.on_stored_timestamp(self.opened.timestamp_us());
    }

    /// It is not needed: another data directory has a newer one.
    pub(super) fn put_aside(self) {
        let Self {
            directory, opened, ..
        } = self;
        // Closed first: an open database writes to paths.
        drop(opened);
        match directory.put_aside(Aside::Error) {
            Ok(path) => warn!(gpid = %directory.gpid, path = %path.display(),
                "another data directory has a newer replica: put aside"),
            Err(error) => warn!(gpid = %directory.gpid, %error, "replica cannot be put aside"),
        }
    }

    pub(super) fn finish(mut self, opening: &Opening, disks: &[Disk]) -> Option<HostedReplica> {
        let gpid = self.directory.gpid;
        if self.problem.is_none() {
            self.problem = self.apply_rest(&disks[self.disk]).err();
        }
        if let Some(problem) = &self.problem {
            error!(%gpid, problem, path = %self.directory.path.display(),
                "the replica's log does not fit its storage: it is not loaded");
            return None;
        }
        self.settle_markers();
        if self.standing == Standing::Unproven {
            warn!(%gpid, "replica may lack writes that it acknowledged: it stays out of the group");
        }
        let recovered: Recovered = self.replay.finish(self.standing);
        info!(%gpid, ballot = %recovered.ballot, committed = %recovered.committed.decree,
            uncommitted = recovered.mutations.len(), "replica loaded");
        Some(host(opening, self.disk, self.opened, recovered))
    }

    /// Nothing is void any more: what the log proves committed is applied.
    fn apply_rest(&mut self, disk: &Disk) -> Result<(), String> {
        if self.committing == Committing::Dropped {
            return self.read_again(disk);
        }
        self.apply()
    }

    fn read_again(&self, disk: &Disk) -> Result<(), String> {
        let log = (&disk.log.reader(), self.directory.gpid);
        let (at, through) = (self.opened.at(), self.replay.committed());
        catch_up(&self.opened.engine, log, at, through, WhenFull::Wait)
            .map_err(|error| with_causes(&error))
    }

    /// Markers in the directory that have served their purpose go.
    fn settle_markers(&self) {
        let directory = &self.directory;
        if self.standing == Standing::Unproven {
            return;
        }
        let mut result = directory.unmark_learning();
        if self.reset == SeenReset::No {
            // The log has let it go, and so everything before it.
            result = result.and(directory.forget_reset());
        }
        if let Err(error) = result {
            warn!(gpid = %directory.gpid, %error, "a marker of no more use stays");
        }
    }
}
