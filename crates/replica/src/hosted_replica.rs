//! One replica on its shard: the state machine, the storage, and the client writes in between.
//!
//! A write arrives, is evaluated against storage and everything in flight, and waits in `staged`. At
//! the end of the turn all staged effects become one mutation (design.md section 4). Its answers wait
//! in `in_flight` until the mutation is applied. Effects that concern the world outside (log, peers,
//! meta server) are given to the shard.

mod belief;

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use pegasus_common::Ballot;
use pegasus_common::Decree;
use pegasus_common::ErrorCode;
use pegasus_common::Gpid;
use pegasus_common::clock::WallMicros;
use pegasus_engine::AppliedMutation;
use pegasus_engine::ApplyError;
use pegasus_engine::Engine;
use pegasus_engine::Evaluation;
use pegasus_engine::EvaluationTime;
use pegasus_engine::InFlightValues;
use pegasus_engine::MutationBuilder;
use pegasus_engine::Overlay;
use pegasus_engine::ReadTier;
use pegasus_engine::WriteSettings;
use pegasus_engine::evaluate;
use pegasus_pacifica::DigestAt;
use pegasus_pacifica::Effects;
use pegasus_pacifica::Mutation;
use pegasus_pacifica::Replica;
use pegasus_pacifica::ReplicaStatus;
use pegasus_pacifica::WriteRefusal;
use pegasus_wire::layer2::AppInfo;
use tracing::error;

use self::belief::Belief;
use crate::answers::AnswerSink;
use crate::client_rules::ClientRules;
use crate::client_rules::storage_settings;
use crate::instance::ReplicaInstance;
use crate::router::Readability;
use crate::router::ReplicaHandle;
use crate::storage::ReplicaStorage;
use crate::write_request::ArrivedWrite;
use crate::write_request::EvaluatedWrite;
use crate::write_request::ReplyEncoder;

/// Most mutations that one RocksDB write takes.
const APPLY_RUN_MAX: usize = 64;
/// Writes that may wait behind one whose value is being read from disk.
const WAITING_WRITES_MAX: usize = 10_000;
/// Committed mutations that storage has not taken yet, because it stalls; past this, client writes
/// are refused.
const APPLY_BACKLOG_MAX: usize = 1_000;

/// What of the server's configuration concerns each replica.
#[derive(Clone, Copy, Debug)]
pub struct HostingLimits {
    /// Staged effects past this are proposed at once.
    pub mutation_bytes_max: usize,
}

/// One replica. The server's storage is [`Engine`]; a simulator has another.
pub struct HostedReplica<S = Engine> {
    /// What other threads see of it.
    pub handle: Arc<ReplicaHandle<S>>,
    app: AppInfo,
    /// Which of the server's data directories has it.
    pub disk: usize,
    /// The replication state machine.
    pub machine: Replica,
    limits: HostingLimits,
    builder: MutationBuilder,
    /// Timestamp of the mutation that is being built.
    building_timestamp_us: Option<u64>,
    staged: Vec<EvaluatedWrite>,
    overlay: Overlay,
    in_flight: VecDeque<InFlight>,
    /// Writes behind one that waits for a read; empty unless `is_reading`.
    waiting: VecDeque<ArrivedWrite>,
    is_reading: bool,
    to_apply: VecDeque<(Mutation, DigestAt)>,
    encoder: ReplyEncoder,
    settings: WriteSettings,
    belief: Belief,
}

impl<S: ReplicaStorage> fmt::Debug for HostedReplica<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostedReplica")
            .field("gpid", &self.gpid())
            .field("status", &self.machine.status())
            .finish_non_exhaustive()
    }
}

struct InFlight {
    decree: Decree,
    writes: Vec<EvaluatedWrite>,
}

/// What staging a write came to.
#[derive(Debug, PartialEq, Eq)]
pub enum Staged {
    /// It is evaluated and staged, refused, or waits its turn.
    Taken,
    /// The value of this raw key must be brought into the block cache; then `on_key_cached`.
    NeedsRead(Vec<u8>),
}

impl<S: ReplicaStorage> HostedReplica<S> {
    /// Ties the parts together. `server` is how clients know this server.
    #[must_use]
    pub fn new(
        handle: Arc<ReplicaHandle<S>>,
        app: AppInfo,
        disk: usize,
        machine: Replica,
        server: &str,
        limits: HostingLimits,
    ) -> Self {
        let encoder = ReplyEncoder::new(handle.gpid, server);
        let belief = Belief::new(&machine);
        let mut replica = Self {
            handle,
            app: AppInfo::default(),
            disk,
            machine,
            limits,
            builder: MutationBuilder::new(),
            building_timestamp_us: None,
            staged: Vec::new(),
            overlay: Overlay::new(),
            in_flight: VecDeque::new(),
            waiting: VecDeque::new(),
            is_reading: false,
            to_apply: VecDeque::new(),
            encoder,
            settings: WriteSettings::default(),
            belief,
        };
        replica.set_app(app);
        replica
    }

    /// Its table.
    #[must_use]
    pub const fn app(&self) -> &AppInfo {
        &self.app
    }

    /// Its table is described anew: its environments take effect.
    pub fn set_app(&mut self, app: AppInfo) {
        if self.app == app {
            return;
        }
        let gpid = self.gpid();
        let settings = storage_settings(&app, gpid);
        self.settings.default_ttl_s = settings.default_ttl_s;
        self.handle.engine.change_settings(settings);
        self.handle.publish_rules(ClientRules::of(&app, gpid));
        self.app = app;
    }

    /// Which partition.
    #[must_use]
    pub fn gpid(&self) -> Gpid {
        self.handle.gpid
    }

    /// Which of the partition's replicas that this process has had.
    #[must_use]
    pub fn instance(&self) -> ReplicaInstance {
        ReplicaInstance {
            gpid: self.gpid(),
            life: self.machine.life(),
        }
    }

    /// Whether client writes wait for the end of the turn.
    #[must_use]
    pub fn has_staged(&self) -> bool {
        !self.staged.is_empty()
    }

    /// Takes a client's write.
    pub fn stage(
        &mut self,
        write: ArrivedWrite,
        now: WallMicros,
        answers: &mut impl AnswerSink,
        effects: &mut Effects,
    ) -> Staged {
        if let Some(refusal) = self.refusal() {
            answers.fail(write.requester, refusal);
            return Staged::Taken;
        }
        if self.is_reading {
            if self.waiting.len() >= WAITING_WRITES_MAX {
                answers.fail(write.requester, ErrorCode::Busy);
            } else {
                self.waiting.push_back(write);
            }
            return Staged::Taken;
        }
        self.evaluate(write, ReadTier::CacheOnly, now, answers, effects)
    }

    /// The key that a write waited for has been read. It is evaluated whatever the cache holds by
    /// now, then those that waited behind it.
    pub fn on_key_cached(
        &mut self,
        now: WallMicros,
        answers: &mut impl AnswerSink,
        effects: &mut Effects,
    ) -> Staged {
        self.is_reading = false;
        let mut tier = ReadTier::All;
        while let Some(write) = self.waiting.pop_front() {
            if let Some(refusal) = self.refusal() {
                answers.fail(write.requester, refusal);
                continue;
            }
            let staged = self.evaluate(write, tier, now, answers, effects);
            if staged != Staged::Taken {
                return staged;
            }
            tier = ReadTier::CacheOnly;
        }
        Staged::Taken
    }

    fn refusal(&self) -> Option<ErrorCode> {
        if self.to_apply.len() >= APPLY_BACKLOG_MAX {
            return Some(ErrorCode::Busy);
        }
        match self.machine.admit_write() {
            Ok(()) => None,
            // The pipeline is full: this turn's mutation may still grow.
            Err(WriteRefusal::WindowFull)
                if self.builder.payload_len() < self.limits.mutation_bytes_max =>
            {
                None
            }
            Err(refusal) => Some(refusal.error_code()),
        }
    }

    fn evaluate(
        &mut self,
        write: ArrivedWrite,
        tier: ReadTier,
        now: WallMicros,
        answers: &mut impl AnswerSink,
        effects: &mut Effects,
    ) -> Staged {
        let timestamp_us = self.timestamp_of_next_mutation(now);
        let mut current = InFlightValues::new(&mut self.overlay, &*self.handle.engine, tier);
        let evaluation = evaluate(
            &mut self.builder,
            write.write.operation(),
            &mut current,
            EvaluationTime {
                timestamp_us,
                now_epoch_s: now.to_epoch_seconds().0,
            },
            self.settings,
        );
        match evaluation {
            Evaluation::Done(reply) => {
                self.staged.push(EvaluatedWrite {
                    requester: write.requester,
                    reply,
                });
                if self.builder.payload_len() >= self.limits.mutation_bytes_max {
                    self.propose(answers, effects);
                }
                Staged::Taken
            }
            Evaluation::NeedsRead(raw_key) => {
                self.waiting.push_front(write);
                self.is_reading = true;
                Staged::NeedsRead(raw_key)
            }
        }
    }

    /// Wall time, but beyond every timestamp that this partition has seen: time does not run
    /// backwards after a fail-over.
    fn timestamp_of_next_mutation(&mut self, now: WallMicros) -> u64 {
        let latest = self.machine.latest_timestamp_us();
        *self.building_timestamp_us.get_or_insert_with(|| {
            u64::try_from(now.0.max(latest.saturating_add(1))).unwrap_or_default()
        })
    }

    /// The end of the turn: what is staged becomes one mutation.
    pub fn propose(&mut self, answers: &mut impl AnswerSink, effects: &mut Effects) {
        if self.staged.is_empty() {
            return;
        }
        if self.builder.is_empty() {
            // These answers are reads: what they were decided on must be the present state (I4).
            match self.machine.admit_read() {
                Ok(()) => self.answer_without_effect(answers),
                Err(refusal) => self.refuse_staged(refusal.error_code(), answers),
            }
            return;
        }
        match self.machine.admit_write() {
            Ok(()) => {}
            // The pipeline is full: the next commit makes room.
            Err(WriteRefusal::WindowFull) => return,
            Err(refusal) => return self.refuse_staged(refusal.error_code(), answers),
        }
        let payload = self.builder.finish().payload;
        let timestamp_us = self.building_timestamp_us.take().unwrap_or_default();
        let timestamp_us = i64::try_from(timestamp_us).unwrap_or(i64::MAX);
        match self.machine.propose(timestamp_us, payload.clone(), effects) {
            Ok(decree) => {
                self.overlay.insert(decree, payload);
                let writes = std::mem::take(&mut self.staged);
                self.in_flight.push_back(InFlight { decree, writes });
            }
            Err(refusal) => self.refuse_staged(refusal.error_code(), answers),
        }
    }

    /// Nothing of this turn changes anything: the answers hold as soon as what they were decided
    /// after has committed.
    fn answer_without_effect(&mut self, answers: &mut impl AnswerSink) {
        self.building_timestamp_us = None;
        if let Some(last) = self.in_flight.back_mut() {
            last.writes.append(&mut self.staged);
            return;
        }
        let decree = self.machine.committed();
        for EvaluatedWrite { requester, reply } in self.staged.drain(..) {
            answers.answer(requester, |out| {
                self.encoder.encode(out, requester.to, decree, &reply);
            });
        }
    }

    fn refuse_staged(&mut self, error: ErrorCode, answers: &mut impl AnswerSink) {
        self.builder = MutationBuilder::new();
        self.building_timestamp_us = None;
        for write in self.staged.drain(..) {
            answers.fail(write.requester, error);
        }
    }

    /// A committed mutation is to be applied in its turn.
    pub fn commit(&mut self, mutation: Mutation, digest: DigestAt) {
        self.to_apply.push_back((mutation, digest));
    }

    /// Gives committed mutations to storage, and answers their writes. Stops when storage stalls; it
    /// is called again when the stall has passed.
    pub fn apply_committed(&mut self, answers: &mut impl AnswerSink, effects: &mut Effects) {
        while !self.to_apply.is_empty() {
            let run: Vec<AppliedMutation> = self
                .to_apply
                .iter()
                .take(APPLY_RUN_MAX)
                .map(|(mutation, digest)| applied_mutation(mutation, *digest))
                .collect();
            let count = run.len();
            match self.handle.engine.apply(&run) {
                Ok(()) => {
                    let last = self.to_apply.drain(..count).next_back();
                    if let Some((mutation, _)) = last {
                        self.on_applied(mutation.decree, answers);
                    }
                }
                Err(ApplyError::Stalled | ApplyError::SpaceExhausted) => return,
                Err(failure) => {
                    error!(gpid = %self.gpid(), error = %failure, "storage failed: replica closed");
                    self.to_apply.clear();
                    // What is committed is not visible here and never will be: like everything else
                    // in flight its outcome is for the next primary to tell.
                    self.refuse_all(answers);
                    self.machine.on_apply_failed(effects);
                    return;
                }
            }
        }
    }

    fn on_applied(&mut self, decree: Decree, answers: &mut impl AnswerSink) {
        self.overlay.applied(decree);
        self.machine.on_applied(decree);
        while self
            .in_flight
            .front()
            .is_some_and(|first| first.decree <= decree)
        {
            let Some(InFlight { decree, writes }) = self.in_flight.pop_front() else {
                return;
            };
            for EvaluatedWrite { requester, reply } in writes {
                answers.answer(requester, |out| {
                    self.encoder.encode(out, requester.to, decree, &reply);
                });
            }
        }
        self.publish();
    }

    /// The group counts on the replica. The log is to say so as soon as
    /// [`HostedReplica::take_due_vouch`] gives a ballot for it.
    pub fn vouch_when_flushed(&mut self) {
        self.belief.begin();
    }

    /// Whether the log could vouch for the replica if storage were flushed now.
    #[must_use]
    pub fn vouch_waits_for_flush(&self) -> bool {
        self.belief.waits_for_flush(&self.machine)
    }

    /// Storage has flushed everything through `flushed`. If the log is to vouch for the replica now, the
    /// ballot for that.
    #[must_use]
    pub fn take_due_vouch(&mut self, flushed: Decree) -> Option<Ballot> {
        self.belief.take_due(&self.machine, flushed)
    }

    /// Whether storage has refused committed mutations for now.
    #[must_use]
    pub fn has_apply_backlog(&self) -> bool {
        !self.to_apply.is_empty()
    }

    /// The replica is no longer the primary. What was not proposed yet has surely not happened; the
    /// outcome of what is in flight is unknown here, since the next primary may commit it, so its
    /// clients get the one answer that does not invite them to repeat an `incr`.
    pub fn refuse_after(&mut self, committed: Decree, answers: &mut impl AnswerSink) {
        self.refuse_staged(ErrorCode::InvalidState, answers);
        while let Some(write) = self.waiting.pop_front() {
            answers.fail(write.requester, ErrorCode::InvalidState);
        }
        let keep = self
            .in_flight
            .partition_point(|entry| entry.decree <= committed);
        for entry in self.in_flight.drain(keep..) {
            for write in entry.writes {
                answers.fail(write.requester, ErrorCode::Timeout);
            }
        }
        self.overlay.clear();
    }

    /// Publishes what other threads may read now.
    pub fn publish(&self) {
        let readability = match self.machine.readable_in() {
            Some(term) => Readability::AllReads(term),
            None if self.machine.status() == ReplicaStatus::Secondary => Readability::BackupReads,
            None => Readability::Closed,
        };
        self.handle.publish(readability);
        self.handle
            .publish_progress(self.machine.ballot().0, self.machine.committed());
    }

    /// The replica leaves this server: nobody here will answer its writes.
    pub fn refuse_all(&mut self, answers: &mut impl AnswerSink) {
        self.refuse_after(Decree::ZERO, answers);
    }
}

/// The engine's form of a committed mutation.
pub(crate) fn applied_mutation(mutation: &Mutation, digest: DigestAt) -> AppliedMutation {
    AppliedMutation {
        decree: mutation.decree,
        digest: digest.digest,
        ballot: mutation.ballot,
        timestamp_us: u64::try_from(mutation.timestamp_us).unwrap_or_default(),
        payload: mutation.payload.clone(),
    }
}

#[cfg(test)]
mod tests;
