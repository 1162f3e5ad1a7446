//! The state of one shard: its replicas, and what each input does to them. No task, no lock and no
//! mailbox stands between a connection and a replica of the same shard.

use std::collections::HashMap;
use std::collections::HashSet;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use bytes::Bytes;
use foldhash::fast::FixedState;
use pegasus_common::Ballot;
use pegasus_common::Decree;
use pegasus_common::ErrorCode;
use pegasus_common::Gpid;
use pegasus_common::RpcAddress;
use pegasus_common::clock::MonotonicMillis;
use pegasus_common::clock::WallMicros;
use pegasus_engine::FlushMode;
use pegasus_engine::ReadAt;
use pegasus_engine::ReadTier;
use pegasus_pacifica::Effects;
use pegasus_pacifica::Lease;
use pegasus_pacifica::ReplicaStatus;
use pegasus_rpc::MailboxSender;
use pegasus_wire::TaskCode;
use pegasus_wire::frame::RequestHead;
use tracing::error;
use tracing::warn;

use super::exits::Exits;
use super::learning::LearningDesk;
use super::log_lane::Logged;
use super::message::ShardMessage;
use crate::answers::AnswerSink;
use crate::answers::Answers;
use crate::client_rules::Access;
use crate::client_rules::Rejection;
use crate::hosted_replica::HostedReplica;
use crate::hosted_replica::Staged;
use crate::instance::ReplicaInstance;
use crate::peer_messages::PeerMessage;
use crate::router::ReplicaHandle;
use crate::write_request::ArrivedWrite;
use crate::write_request::DecodedWrite;
use crate::write_request::EFFECT_BYTES_MAX;
use crate::write_request::Requester;

/// A turn with this many bytes for the logs is ended early.
const FLUSH_EARLY_BYTES: usize = 4 << 20;

/// Replicas and ways out of one shard.
pub struct Core {
    pub(super) replicas: HashMap<Gpid, Box<HostedReplica>, FixedState>,
    pub(super) exits: Exits,
    effects: Effects,
    /// Replicas with staged writes, to be proposed at the end of the turn.
    staged: Vec<Gpid>,
    /// Replicas whose storage has refused committed mutations for now.
    backlog: HashSet<Gpid, FixedState>,
    turn: Option<TurnClock>,
    pub(super) lease: Lease,
    pub(super) learning: LearningDesk,
}

/// Tells the shard that a write need wait no longer, however the read has ended: refused, panicked or
/// done.
struct KeyCachedNotice {
    instance: ReplicaInstance,
    shard: MailboxSender<ShardMessage>,
}

impl Drop for KeyCachedNotice {
    fn drop(&mut self) {
        self.shard.send(ShardMessage::KeyCached(self.instance));
    }
}

/// The clocks, read once in each turn.
#[derive(Clone, Copy, Debug)]
struct TurnClock {
    wall: WallMicros,
    monotonic: MonotonicMillis,
}

impl Core {
    /// A shard without replicas.
    #[must_use]
    pub fn new(exits: Exits) -> Self {
        Self {
            replicas: HashMap::default(),
            exits,
            effects: Effects::new(),
            staged: Vec::new(),
            backlog: HashSet::default(),
            turn: None,
            lease: Lease::NotHeld,
            learning: LearningDesk::default(),
        }
    }

    fn clock(&mut self) -> TurnClock {
        *self.turn.get_or_insert_with(|| TurnClock {
            wall: WallMicros::now(),
            monotonic: MonotonicMillis::now(),
        })
    }

    /// The monotonic clock of this turn.
    pub fn now(&mut self) -> MonotonicMillis {
        self.clock().monotonic
    }

    /// Calls `input` on a replica and carries out what it leads to. `None` if this shard has no such
    /// replica.
    pub(super) fn with_replica<R>(
        &mut self,
        gpid: Gpid,
        input: impl FnOnce(&mut HostedReplica, &mut Answers<'_>, &mut Effects) -> R,
    ) -> Option<R> {
        let replica = self.replicas.get_mut(&gpid)?;
        let mut effects = mem::take(&mut self.effects);
        let result = input(replica, &mut self.exits.answers(), &mut effects);
        self.exits.carry_out(replica, &mut effects);
        self.effects = effects;
        if replica.has_staged() {
            self.staged.push(gpid);
        }
        if replica.has_apply_backlog() {
            self.backlog.insert(gpid);
        }
        if replica.machine.status() == ReplicaStatus::Error {
            self.on_replica_failed(gpid);
        }
        Some(result)
    }

    /// The same, but only for that very replica: none that stood here before, none that came after.
    pub(super) fn with_instance<R>(
        &mut self,
        instance: ReplicaInstance,
        input: impl FnOnce(&mut HostedReplica, &mut Answers<'_>, &mut Effects) -> R,
    ) -> Option<R> {
        let present = self.replicas.get(&instance.gpid)?.instance();
        if present != instance {
            return None;
        }
        self.with_replica(instance.gpid, input)
    }

    pub(super) fn with_each_replica(
        &mut self,
        mut input: impl FnMut(&mut HostedReplica, &mut Answers<'_>, &mut Effects),
    ) {
        let gpids: Vec<Gpid> = self.replicas.keys().copied().collect();
        for gpid in gpids {
            self.with_replica(gpid, &mut input);
        }
    }

    /// A client's write for a replica of this shard.
    pub fn on_write(
        &mut self,
        head: RequestHead,
        code: TaskCode,
        argument: &Bytes,
        requester: Requester,
    ) {
        match self.try_write(head, code, argument, requester) {
            Ok(()) => {}
            Err(Rejection::Error(error)) => self.exits.answers().fail(requester, error),
            Err(Rejection::Silence) => self.exits.answers().leave_unanswered(requester),
        }
        self.end_turn_if_large();
    }

    fn try_write(
        &mut self,
        head: RequestHead,
        code: TaskCode,
        argument: &Bytes,
        requester: Requester,
    ) -> Result<(), Rejection> {
        let gpid = head.gpid;
        let replica = self.replicas.get(&gpid).ok_or(ErrorCode::ObjectNotFound)?;
        let rules = replica.handle.rules();
        rules.admit(Access::Write, head.partition_hash)?;
        let (disk, status) = (replica.disk, replica.machine.status());
        let size_max = self.exits.node.write_size_max.load(Ordering::Relaxed);
        if size_max > 0 && u64::try_from(head.body_len).unwrap_or(u64::MAX) > size_max {
            return Err(ErrorCode::InvalidData.into());
        }
        let write = DecodedWrite::decode(code, argument).map_err(|problem| {
            warn!(%gpid, %code, error = %problem, "malformed write refused");
            ErrorCode::InvalidData
        })?;
        let write = write.ok_or(ErrorCode::HandlerNotFound)?;
        if write.effect_bytes_max() > EFFECT_BYTES_MAX {
            warn!(%gpid, %code, "write refused: its effect is too large for one mutation");
            return Err(ErrorCode::InvalidData.into());
        }
        if !write.hashes_fit(&head) {
            return Err(ErrorCode::InvalidParameters.into());
        }
        // What the lease is at this moment, the replica knows before it looks at the write (I4).
        self.check_lease();
        // Clients do not look for the primary after this refusal: it is for the primary to give.
        if status == ReplicaStatus::Primary
            && let Some(refusal) = self.exits.node.disks[disk].write_refusal()
        {
            return Err(refusal.into());
        }
        if self.exits.lanes[disk].is_clogged() {
            return Err(ErrorCode::Busy.into());
        }
        let now = self.clock().wall;
        let arrived = ArrivedWrite { write, requester };
        let staged = self.with_replica(gpid, |replica, answers, effects| {
            replica.stage(arrived, now, answers, effects)
        });
        self.read_ahead(gpid, staged);
        Ok(())
    }

    /// Brings a value into the block cache that an atomic write waits for.
    fn read_ahead(&mut self, gpid: Gpid, staged: Option<Staged>) {
        let Some(Staged::NeedsRead(raw_key)) = staged else {
            return;
        };
        let Some(replica) = self.replicas.get(&gpid) else {
            return;
        };
        let handle = Arc::clone(&replica.handle);
        let shard = self.exits.node.shards[self.exits.index].clone();
        let instance = replica.instance();
        let notice = KeyCachedNotice { instance, shard };
        let job = move || {
            let _notice = notice;
            // Only the cache matters: what is read may be out of date by the time it is used.
            let (now_epoch_s, tier) = (0, ReadTier::All);
            drop(handle.engine.get(&raw_key, ReadAt { now_epoch_s, tier }));
        };
        // A full pool drops the job, and the notice with it: the write then reads for itself.
        let _ = self.exits.node.read_pool.submit(job);
    }

    /// The value that a replica's next write waits for is in the block cache.
    pub fn on_key_cached(&mut self, instance: ReplicaInstance) {
        let now = self.clock().wall;
        let staged = self.with_instance(instance, |replica, answers, effects| {
            replica.on_key_cached(now, answers, effects)
        });
        self.read_ahead(instance.gpid, staged);
    }

    /// A replication message for a replica of this shard.
    pub fn on_peer_message(&mut self, message: PeerMessage) {
        if !self.replicas.contains_key(&message.gpid) {
            return self.on_message_for_absent(message);
        }
        let PeerMessage {
            gpid,
            from,
            message,
            ..
        } = message;
        self.with_replica(gpid, |replica, _, effects| {
            replica.machine.on_message(from, message, effects);
        });
        self.end_turn_if_large();
    }

    /// Messages of or to a server may have been lost: a link was made anew.
    pub fn on_peer_connected(&mut self, peer: RpcAddress) {
        self.with_each_replica(|replica, _, effects| {
            replica.machine.on_peer_connected(peer, effects);
        });
    }

    /// The log of a disk holds everything through a ticket.
    pub fn on_log_safe(&mut self, disk: usize, ticket: u64) {
        for logged in self.exits.lanes[disk].on_safe(ticket) {
            match logged {
                Logged::Mutation {
                    instance,
                    ballot,
                    decree,
                } => {
                    self.with_instance(instance, |replica, _, effects| {
                        replica.machine.on_log_safe(ballot, decree, effects);
                    });
                }
                Logged::Ballot { instance, ballot } => {
                    self.with_instance(instance, |replica, _, effects| {
                        replica.machine.on_ballot_safe(ballot, effects);
                        replica.publish();
                    });
                }
                Logged::Vouch(instance) => self.on_vouch_safe(instance),
                Logged::Reset(gpid) => self.on_reset_safe(gpid),
            }
        }
    }

    /// The log of a disk has failed: its replicas can promise nothing more.
    pub fn on_log_failed(&mut self, disk: usize, reason: &str) {
        self.exits.node.disks[disk].health.on_failure();
        error!(
            disk = self.exits.node.disks[disk].tag,
            reason, "mutation log failed"
        );
        self.with_each_replica(|replica, _, effects| {
            if replica.disk == disk {
                replica.machine.on_log_failed(effects);
                replica.publish();
            }
        });
        self.learning.give_up_resets(disk);
    }

    /// A replica's storage has everything through `decree` on disk.
    pub fn on_flushed(&mut self, instance: ReplicaInstance, decree: Decree) {
        let released = self.with_instance(instance, |replica, _, _| {
            replica.machine.on_durable(decree);
            (replica.disk, replica.take_due_vouch(decree))
        });
        let Some((disk, vouch)) = released else {
            return;
        };
        if let Some(ballot) = vouch {
            self.exits.lanes[disk].vouch(instance, ballot);
        }
        self.release_log(instance.gpid);
    }

    /// Flushes replicas on which the group counts, so that the log can say so.
    pub fn flush_for_vouches(&mut self) {
        let waiting: Vec<Arc<ReplicaHandle>> = self
            .replicas
            .values()
            .filter(|replica| replica.vouch_waits_for_flush())
            .map(|replica| Arc::clone(&replica.handle))
            .collect();
        for handle in waiting {
            if let Err(error) = handle.engine.flush(FlushMode::Background) {
                warn!(gpid = %handle.gpid, %error, "a replica that is counted on cannot be flushed");
            }
            // Perhaps there is nothing to flush: then nobody reports it.
            let instance = self.replicas.get(&handle.gpid).map(|it| it.instance());
            if let Some(instance) = instance {
                self.on_flushed(instance, handle.engine.flushed());
            }
        }
    }

    /// Lets the log go of what storage has and nobody else needs.
    fn release_log(&self, gpid: Gpid) {
        let Some(replica) = self.replicas.get(&gpid) else {
            return;
        };
        let flushed = replica.handle.engine.flushed();
        let released = match replica.machine.log_release_limit() {
            Some(limit) => limit.min(flushed),
            None => flushed,
        };
        let log = &self.exits.node.disks[replica.disk].log;
        log.set_flushed(gpid, released);
    }

    /// The log is too large because of these replicas.
    pub fn on_log_pinned(&mut self, gpids: &[Gpid]) {
        for replica in gpids.iter().filter_map(|gpid| self.replicas.get(gpid)) {
            if let Err(problem) = replica.handle.engine.flush(FlushMode::Background) {
                warn!(gpid = %replica.gpid(), error = %problem, "flush for the log's sake failed");
            }
            // Also where there is nothing to flush: what kept the log may have gone meanwhile.
            self.release_log(replica.gpid());
        }
    }

    /// Storage that had stalled may take writes again.
    pub fn retry_backlog(&mut self) {
        for gpid in mem::take(&mut self.backlog) {
            self.with_replica(gpid, |replica, answers, effects| {
                replica.apply_committed(answers, effects);
            });
        }
    }

    /// A replica's storage failed in the background: it can apply nothing more.
    pub fn on_storage_failed(&mut self, instance: ReplicaInstance) {
        self.with_instance(instance, |replica, _, effects| {
            replica.machine.on_apply_failed(effects);
            replica.publish();
        });
    }

    /// Takes a replica in.
    pub fn install(&mut self, replica: Box<HostedReplica>) {
        let (gpid, lease) = (replica.gpid(), self.lease);
        self.exits.node.router.insert([Arc::clone(&replica.handle)]);
        self.replicas.insert(gpid, replica);
        self.with_replica(gpid, |replica, _, effects| {
            replica.machine.on_lease(lease, effects);
            replica.publish();
        });
        self.release_log(gpid);
    }

    /// Takes a replica in that was born with its partition.
    pub fn begin(&mut self, replica: Box<HostedReplica>) {
        let (gpid, lane) = (replica.gpid(), &mut self.exits.lanes[replica.disk]);
        lane.reset(gpid, Ballot::ZERO, Decree::ZERO);
        self.install(replica);
    }

    /// Tells secondaries what no prepare has told them, above all the latest commits.
    pub fn notice_commits(&mut self) {
        self.with_each_replica(|replica, _, effects| {
            if replica.machine.wants_group_check() {
                replica.machine.on_group_check_timer(effects);
            }
        });
    }

    /// The regular group check of every primary.
    pub fn check_groups(&mut self) {
        self.with_each_replica(|replica, _, effects| {
            replica.machine.on_group_check_timer(effects);
        });
    }

    /// Asks the meta server again for what it has not answered.
    pub fn repeat_requests(&mut self) {
        self.with_each_replica(|replica, _, effects| {
            replica.machine.on_reconfiguration_timer(effects);
        });
    }

    /// Drops scan contexts that nobody has used for long.
    pub fn expire_scan_contexts(&mut self) {
        let now = Instant::now();
        for replica in self.replicas.values() {
            replica.handle.engine.expire_contexts(now);
        }
    }

    /// The end of the turn: staged writes become mutations, and everything staged is handed over.
    pub fn end_turn(&mut self) {
        if !self.staged.is_empty() {
            // The process may have been stopped since this turn looked at the clock.
            self.turn = None;
            self.check_lease();
        }
        for gpid in mem::take(&mut self.staged) {
            let Some(replica) = self.replicas.get_mut(&gpid) else {
                continue;
            };
            let mut effects = mem::take(&mut self.effects);
            replica.propose(&mut self.exits.answers(), &mut effects);
            self.exits.carry_out(replica, &mut effects);
            self.effects = effects;
        }
        self.turn = None;
        // First, so that what a failure leads to leaves with this turn.
        for disk in self.exits.flush_logs() {
            self.on_log_failed(disk, "it refuses records");
        }
        self.exits.flush_messages();
    }

    /// Ends the turn early when much is staged: a busy event loop may not come to its end for long.
    fn end_turn_if_large(&mut self) {
        if self.exits.staged_bytes() >= FLUSH_EARLY_BYTES {
            self.end_turn();
        }
    }
}
