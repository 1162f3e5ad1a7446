//! One replica on its way back: what its storage holds, and the records of the log on top of it.

use std::sync::Arc;

use pegasus_common::Ballot;
use pegasus_engine::AppliedMutation;
use pegasus_engine::ApplyError;
use pegasus_engine::Engine;
use pegasus_engine::FlushMode;
use pegasus_log::Record;
use pegasus_log::RecoveryReport;
use pegasus_pacifica::DigestAt;
use pegasus_pacifica::Mutation;
use pegasus_pacifica::Replay;
use pegasus_pacifica::ReplayError;
use pegasus_pacifica::Replayed;
use pegasus_pacifica::Standing;
use tracing::error;
use tracing::info;
use tracing::warn;

use super::Opening;
use super::host;
use super::with_causes;
use crate::disk::ReplicaDirectory;
use crate::disk::StoredAppInfo;
use crate::hosted_replica::HostedReplica;
use crate::hosted_replica::applied_mutation;

/// Committed mutations that are given to storage at once.
const REPLAY_RUN_MAX: usize = 256;

/// One replica while its log is read.
pub(super) struct Recovering {
    directory: ReplicaDirectory,
    engine: Arc<Engine>,
    app: StoredAppInfo,
    prepared_max: u32,
    replay: Replay,
    /// Proven committed, not yet given to storage.
    committed: Vec<Replayed>,
    problem: Option<String>,
}

impl Recovering {
    pub(super) fn new(
        directory: ReplicaDirectory,
        engine: Engine,
        app: StoredAppInfo,
        opening: &Opening,
    ) -> Self {
        let applied = engine.applied();
        let at = DigestAt {
            decree: applied.decree,
            digest: applied.digest,
        };
        let prepared_max = opening.options.prepared_max;
        Self {
            directory,
            engine: Arc::new(engine),
            app,
            prepared_max,
            replay: Replay::new(at, prepared_max),
            committed: Vec::new(),
            problem: None,
        }
    }

    pub(super) fn on_record(&mut self, record: Record) {
        if self.problem.is_some() {
            return;
        }
        let result = match record {
            Record::Mutation(record) => {
                let mutation = Mutation {
                    ballot: record.ballot,
                    decree: record.decree,
                    timestamp_us: record.timestamp_us,
                    last_committed: record.last_committed,
                    checksum: record.checksum,
                    payload: record.payload,
                };
                self.replay.on_mutation(mutation, &mut self.committed)
            }
            Record::Ballot { ballot, .. } => self.replay.on_ballot(ballot),
            // Earlier records belong to a replica of this partition that was dropped before the
            // present one was made.
            Record::Forget { .. } => self.start_over(Ballot::ZERO),
            Record::Reset { ballot, .. } => self.start_over(ballot),
        };
        let applied = match result {
            Ok(()) if self.committed.len() < REPLAY_RUN_MAX => return,
            Ok(()) => self.apply(),
            Err(error) => Err(error.to_string()),
        };
        if let Err(problem) = applied {
            self.problem = Some(problem);
        }
    }

    fn start_over(&mut self, ballot: Ballot) -> Result<(), ReplayError> {
        let applied = self.engine.applied();
        let at = DigestAt {
            decree: applied.decree,
            digest: applied.digest,
        };
        self.replay = Replay::new(at, self.prepared_max);
        self.committed.clear();
        self.replay.on_ballot(ballot)
    }

    fn apply(&mut self) -> Result<(), String> {
        let run: Vec<AppliedMutation> = self
            .committed
            .drain(..)
            .map(|replayed| applied_mutation(&replayed.mutation, replayed.digest))
            .collect();
        apply_waiting(&self.engine, &run)
    }

    pub(super) fn finish(
        mut self,
        opening: &Opening,
        disk: usize,
        report: &RecoveryReport,
    ) -> Option<HostedReplica> {
        let gpid = self.directory.gpid;
        if self.problem.is_none() {
            self.problem = self.apply().err();
        }
        if let Some(problem) = &self.problem {
            error!(%gpid, problem, path = %self.directory.path.display(),
                "the replica's log does not fit its storage: it is not loaded");
            return None;
        }
        let standing = if report.proven_complete(gpid) {
            Standing::Proven
        } else {
            Standing::Unproven
        };
        if standing == Standing::Unproven {
            warn!(%gpid, "replica may lack writes that it acknowledged: it stays out of the group");
        }
        self.replay.on_stored_ballot(self.engine.applied().ballot);
        let recovered = self.replay.finish(standing);
        info!(%gpid, ballot = %recovered.ballot, committed = %recovered.committed.decree,
            uncommitted = recovered.mutations.len(), "replica loaded");
        Some(host(opening, disk, gpid, self.engine, &self.app, recovered))
    }
}

/// Applies while nobody else needs the thread: waits out write stalls.
fn apply_waiting(engine: &Engine, run: &[AppliedMutation]) -> Result<(), String> {
    loop {
        match engine.apply(run) {
            Ok(_) => return Ok(()),
            // A stall ends with a flush: waiting for one is waiting for the condition.
            Err(ApplyError::Stalled) => engine
                .flush(FlushMode::Wait)
                .map_err(|error| with_causes(&error))?,
            Err(error) => return Err(with_causes(&error)),
        }
    }
}
