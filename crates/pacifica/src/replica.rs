//! [`Replica`]: the state machine and its inputs. What each role does is in `primary` and
//! `secondary`; changes of role are in [`crate::reconfiguration`].

use std::hash::{DefaultHasher, Hash, Hasher};

use bytes::Bytes;
use pegasus_common::{Ballot, Decree, ErrorCode, Gpid, RpcAddress};

use crate::configuration::Configuration;
use crate::digest::{DigestAt, RollingDigest};
use crate::effect::{Effect, Effects};
use crate::message::Message;
use crate::mutation::Mutation;
use crate::prepare_list::{HistoryLimits, LogPosition, PrepareList};
use crate::reconfiguration::{ReconfigurationKind, ReconfigurationRequest};
use crate::role::{ErrorReason, InactiveReason, PrimaryState, ReplicaStatus, Role};

/// The limits of one replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Options {
    /// Fewer members than this: no writes (I7). 0: by the table's replica count, 1 for one or two
    /// replicas, a majority above that.
    pub mutation_2pc_min_replica_count: u32,
    /// Mutations between what is applied and what is prepared (upstream: `staleness_for_commit`,
    /// 20). One mutation holds a whole turn's writes, and more than the round trips in flight is of
    /// no use.
    pub window_mutations: u32,
    /// Uncommitted payload bytes; one mutation may pass it.
    pub window_bytes: usize,
    /// Uncommitted mutations that a secondary keeps; more than any primary's window.
    pub prepared_max: u32,
    /// Committed mutations kept for peers that lag.
    pub history: HistoryLimits,
    /// Digests kept for comparison with peers that lag.
    pub digest_history: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            mutation_2pc_min_replica_count: 2,
            window_mutations: 64,
            window_bytes: 16 << 20,
            prepared_max: 1024,
            history: HistoryLimits {
                mutations_max: 128,
                bytes_max: 1 << 20,
            },
            digest_history: 128,
        }
    }
}

/// Whether a restarted replica surely has all that it acknowledged (I6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// It does: the log was flushed before each acknowledgement or the machine did not reboot, and
    /// nothing failed a checksum.
    Proven,
    /// Perhaps not: it must learn before it is a member again.
    Unproven,
}

/// What a replica finds when it is opened. [`crate::Replay`] makes it from the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// The highest ballot in the log.
    pub ballot: Ballot,
    /// Applied to storage, and its digest: what storage had flushed, plus what the log proved
    /// committed and the driver has applied since.
    pub committed: DigestAt,
    /// What the log has after that, without a hole. Not known to be committed.
    pub mutations: Vec<Mutation>,
    /// See [`PrepareList::stale_through`].
    pub stale_through: Decree,
    /// I6.
    pub standing: Standing,
}

impl Recovered {
    /// A replica that has just been created.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            ballot: Ballot::ZERO,
            committed: DigestAt::default(),
            mutations: Vec::new(),
            stale_through: Decree::ZERO,
            standing: Standing::Proven,
        }
    }
}

/// Whether this server may act as a primary (I4). The driver's clock decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lease {
    /// It may.
    Held,
    /// It may not read, accept writes or commit: its lease ran out, or that of the primary before
    /// it has not surely run out yet.
    NotHeld,
}

/// Why a write is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum WriteRefusal {
    /// Not the primary, or without its lease.
    #[error("this replica is not the primary")]
    NotPrimary,
    /// What it took over is not applied yet (I5).
    #[error("the new primary has not committed everything that it took over")]
    CatchingUp,
    /// I7.
    #[error("the partition has fewer members than writes need")]
    NotEnoughMembers,
    /// The window is full.
    #[error("too many writes wait for the other members")]
    WindowFull,
}

impl WriteRefusal {
    /// What a client is told.
    #[must_use]
    pub const fn error_code(self) -> ErrorCode {
        match self {
            Self::NotPrimary | Self::CatchingUp => ErrorCode::InvalidState,
            Self::NotEnoughMembers => ErrorCode::NotEnoughMember,
            Self::WindowFull => ErrorCode::CapacityExceeded,
        }
    }
}

/// Why a read is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ReadRefusal {
    /// Not the primary, or without its lease.
    #[error("this replica is not the primary")]
    NotPrimary,
    /// An acknowledged write might not be visible here yet (I5).
    #[error("the new primary has not committed everything that it took over")]
    CatchingUp,
}

impl ReadRefusal {
    /// What a client is told.
    #[must_use]
    pub const fn error_code(self) -> ErrorCode {
        ErrorCode::InvalidState
    }
}

/// One replica of one partition.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Replica {
    pub(crate) gpid: Gpid,
    pub(crate) me: RpcAddress,
    pub(crate) options: Options,
    pub(crate) ballot: Ballot,
    pub(crate) role: Role,
    pub(crate) standing: Standing,
    pub(crate) lease: Lease,
    pub(crate) list: PrepareList,
    pub(crate) digest: RollingDigest,
    pub(crate) applied: Decree,
    pub(crate) durable: Decree,
    pub(crate) latest_timestamp_us: i64,
}

impl Replica {
    /// Opens a replica. It is inactive until it hears of a configuration.
    #[must_use]
    pub fn new(gpid: Gpid, me: RpcAddress, options: Options, recovered: Recovered) -> Self {
        let latest = recovered.mutations.iter().map(|entry| entry.timestamp_us);
        let replica = Self {
            gpid,
            me,
            options,
            ballot: recovered.ballot,
            role: Role::Inactive(InactiveReason::Starting),
            standing: recovered.standing,
            lease: Lease::Held,
            latest_timestamp_us: latest.max().unwrap_or_default(),
            list: PrepareList::new(
                recovered.committed.decree,
                recovered.mutations,
                recovered.stale_through,
                options.history,
            ),
            digest: RollingDigest::new(recovered.committed, options.digest_history),
            applied: recovered.committed.decree,
            durable: Decree::ZERO,
        };
        replica.check_invariants();
        replica
    }

    /// The partition.
    #[must_use]
    pub fn gpid(&self) -> Gpid {
        self.gpid
    }

    /// This server.
    #[must_use]
    pub fn me(&self) -> RpcAddress {
        self.me
    }

    /// The limits.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The durable ballot.
    #[must_use]
    pub fn ballot(&self) -> Ballot {
        self.ballot
    }

    /// The highest ballot heard of; above [`Replica::ballot`] while it is on its way into the log.
    #[must_use]
    pub fn known_ballot(&self) -> Ballot {
        match &self.role {
            Role::Inactive(InactiveReason::Adopting(configuration)) => configuration.ballot,
            _ => self.ballot,
        }
    }

    /// What it is.
    #[must_use]
    pub fn role(&self) -> &Role {
        &self.role
    }

    /// What it is, by name.
    #[must_use]
    pub fn status(&self) -> ReplicaStatus {
        self.role.status()
    }

    /// Whether it may be a member (I6).
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// The configuration that it acts in, if it acts.
    #[must_use]
    pub fn configuration(&self) -> Option<&Configuration> {
        match &self.role {
            Role::Primary(primary) => Some(&primary.configuration),
            Role::Secondary(secondary) => Some(&secondary.configuration),
            Role::Learner(learner) => Some(&learner.configuration),
            Role::Inactive(_) | Role::Error(_) => None,
        }
    }

    /// Flushed by storage, as far as it has said.
    #[must_use]
    pub fn durable(&self) -> Decree {
        self.durable
    }

    /// Applied to storage.
    #[must_use]
    pub fn applied(&self) -> Decree {
        self.applied
    }

    /// The commit point: known to be chosen, and handed out to be applied.
    #[must_use]
    pub fn committed(&self) -> Decree {
        self.list.committed()
    }

    /// The newest decree prepared.
    #[must_use]
    pub fn prepared(&self) -> Decree {
        self.list.prepared()
    }

    /// The prepare list.
    #[must_use]
    pub fn prepare_list(&self) -> &PrepareList {
        &self.list
    }

    /// The digest of everything committed (I8).
    #[must_use]
    pub fn digest(&self) -> DigestAt {
        self.digest.newest()
    }

    /// The newest timestamp seen in this partition: the driver's mutation clock must be beyond it
    /// before it evaluates a write, so that time does not run backwards after a fail-over.
    #[must_use]
    pub fn latest_timestamp_us(&self) -> i64 {
        self.latest_timestamp_us
    }

    /// The log must keep this replica's records above the given decree, even if storage has flushed
    /// more ([`PrepareList::release_limit`]). `None`: what storage has flushed may go.
    #[must_use]
    pub fn log_release_limit(&self) -> Option<Decree> {
        self.list.release_limit()
    }

    /// A number that is equal for equal states, on every run.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish()
    }

    /// Whether a write would be accepted now.
    ///
    /// # Errors
    /// Why not.
    pub fn admit_write(&self) -> Result<(), WriteRefusal> {
        let Role::Primary(primary) = &self.role else {
            return Err(WriteRefusal::NotPrimary);
        };
        if self.lease == Lease::NotHeld {
            return Err(WriteRefusal::NotPrimary);
        }
        if self.applied < primary.inherited {
            return Err(WriteRefusal::CatchingUp);
        }
        if primary.configuration.member_count() < self.members_needed(primary) {
            return Err(WriteRefusal::NotEnoughMembers);
        }
        let in_flight = self.list.prepared().distance_from(self.applied);
        let window_is_full = in_flight >= u64::from(self.options.window_mutations)
            || self.list.uncommitted_bytes() >= self.options.window_bytes;
        if window_is_full {
            return Err(WriteRefusal::WindowFull);
        }
        Ok(())
    }

    /// Members that a write needs (I7; replication.md section 4.1).
    pub(crate) fn members_needed(&self, primary: &PrimaryState) -> usize {
        let count = match self.options.mutation_2pc_min_replica_count {
            0 if primary.configuration.max_replica_count <= 2 => 1,
            0 => primary.configuration.max_replica_count / 2 + 1,
            count => count,
        };
        usize::try_from(count).unwrap_or(usize::MAX)
    }

    /// Whether a read sees every acknowledged write. The driver checks the lease's clock besides.
    ///
    /// # Errors
    /// Why not.
    pub fn admit_read(&self) -> Result<(), ReadRefusal> {
        match &self.role {
            Role::Primary(primary) if self.lease == Lease::Held => {
                if self.applied >= primary.inherited {
                    Ok(())
                } else {
                    Err(ReadRefusal::CatchingUp)
                }
            }
            _ => Err(ReadRefusal::NotPrimary),
        }
    }

    /// Starts the replication of one mutation and returns its decree. `timestamp_us` is what the
    /// write was evaluated with, beyond [`Replica::latest_timestamp_us`].
    ///
    /// # Errors
    /// As [`Replica::admit_write`]; nothing has happened then.
    pub fn propose(
        &mut self,
        timestamp_us: i64,
        payload: Bytes,
        out: &mut Effects,
    ) -> Result<Decree, WriteRefusal> {
        self.admit_write()?;
        let decree = self.list.prepared().next();
        let mutation = Mutation {
            ballot: self.ballot,
            decree,
            timestamp_us,
            last_committed: self.list.committed(),
            checksum: Mutation::checksum_of(&payload),
            payload,
        };
        self.propose_mutation(mutation, out);
        self.check_invariants();
        Ok(decree)
    }

    /// A message from another replica of this partition.
    pub fn on_message(&mut self, from: RpcAddress, message: Message, out: &mut Effects) {
        match message {
            Message::Prepare { mutation } => self.on_prepare(from, mutation, out),
            Message::PrepareAck(ack) => self.on_prepare_ack(from, ack, out),
            Message::GroupCheck(check) => self.on_group_check(from, &check, out),
            Message::GroupCheckReply(reply) => self.on_group_check_reply(from, reply, out),
        }
        self.check_invariants();
    }

    /// The own log is safe through the record of this mutation, in append order.
    pub fn on_log_safe(&mut self, ballot: Ballot, decree: Decree, out: &mut Effects) {
        self.list.note_log_safe(LogPosition { ballot, decree });
        match &self.role {
            Role::Primary(_) => self.commit_acknowledged(out),
            Role::Secondary(_) => self.on_secondary_logged(out),
            Role::Inactive(_) | Role::Learner(_) | Role::Error(_) => {}
        }
        self.check_invariants();
    }

    /// Storage has applied everything through this decree.
    pub fn on_applied(&mut self, decree: Decree) {
        debug_assert!(decree <= self.list.committed(), "applied before committed");
        self.applied = self.applied.max(decree.min(self.list.committed()));
        self.check_invariants();
    }

    /// Storage has flushed everything through this decree.
    pub fn on_durable(&mut self, decree: Decree) {
        debug_assert!(decree <= self.applied, "flushed before applied");
        self.durable = self.durable.max(decree.min(self.applied));
        self.check_invariants();
    }

    /// The lease began or ended (I4). A primary without it commits nothing.
    pub fn on_lease(&mut self, lease: Lease, out: &mut Effects) {
        self.lease = lease;
        self.commit_acknowledged(out);
        self.check_invariants();
    }

    /// A connection to or from this peer is new: messages may have been lost.
    pub fn on_peer_connected(&mut self, peer: RpcAddress, out: &mut Effects) {
        match &self.role {
            Role::Primary(_) => self.rejoin_follower(peer, out),
            Role::Secondary(secondary) if secondary.configuration.primary == Some(peer) => {
                self.announce(out);
            }
            _ => {}
        }
        self.check_invariants();
    }

    /// The log failed for good: this replica can promise nothing more.
    pub fn on_log_failed(&mut self, out: &mut Effects) {
        self.fail(ErrorReason::LogFailed, out);
        self.check_invariants();
    }

    /// Storage could not apply a committed mutation.
    pub fn on_apply_failed(&mut self, out: &mut Effects) {
        self.fail(ErrorReason::ApplyFailed, out);
        self.check_invariants();
    }

    /// Gives up. A primary asks meta to go on without it; a secondary's primary will.
    pub(crate) fn fail(&mut self, reason: ErrorReason, out: &mut Effects) {
        if let Role::Primary(primary) = &self.role {
            out.push(Effect::RequestReconfiguration(ReconfigurationRequest {
                kind: ReconfigurationKind::DowngradeToInactive,
                node: self.me,
                configuration: primary.configuration.without(self.me),
            }));
        }
        if !matches!(self.role, Role::Error(_)) {
            self.become_role(Role::Error(reason), out);
        }
    }

    /// Changes the role, with what every change entails.
    pub(crate) fn become_role(&mut self, role: Role, out: &mut Effects) {
        let (from, to) = (self.role.status(), role.status());
        if from == ReplicaStatus::Primary && to != ReplicaStatus::Primary {
            out.push(Effect::RefuseAfter {
                committed: self.list.committed(),
            });
        }
        self.role = role;
        if from != to {
            out.push(Effect::RoleChanged {
                from,
                to,
                ballot: self.ballot,
            });
        }
    }

    /// Commits through `target`, as far as prepared, in decree order.
    pub(crate) fn commit_through(&mut self, target: Decree, out: &mut Effects) {
        while self.list.committed() < target {
            let Some(mutation) = self.list.commit_next() else {
                return;
            };
            let digest = self.digest.advance(&mutation);
            out.push(Effect::Commit { mutation, digest });
        }
    }

    /// Puts a mutation into the list and on its way to the log.
    pub(crate) fn accept(&mut self, mutation: Mutation, out: &mut Effects) {
        debug_assert_eq!(
            mutation.ballot, self.ballot,
            "I3: appended under the present ballot"
        );
        self.latest_timestamp_us = self.latest_timestamp_us.max(mutation.timestamp_us);
        self.list.accept(mutation.clone());
        out.push(Effect::Append { mutation });
    }
}
