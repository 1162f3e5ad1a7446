//! [`Replica`]: the state machine and its inputs. Whether it serves is in [`crate::admission`], what
//! each role does in `primary` and `secondary`; changes of role are in [`crate::reconfiguration`].

use std::hash::{DefaultHasher, Hash, Hasher};

use bytes::Bytes;
use pegasus_common::{Ballot, Decree, Gpid, RpcAddress};

use crate::admission::WriteRefusal;
use crate::configuration::Configuration;
use crate::digest::{DigestAt, RollingDigest};
use crate::effect::{Effect, Effects};
use crate::learner::Life;
use crate::lease::Lease;
use crate::message::Message;
use crate::mutation::Mutation;
use crate::options::Options;
use crate::planted::{self, PlantedBug};
use crate::prepare_list::{LogPosition, PrepareList};
use crate::reconfiguration::{ReconfigurationKind, ReconfigurationRequest};
use crate::recovered::{Recovered, Standing};
use crate::role::{ErrorReason, InactiveReason, ReplicaStatus, Role};

/// One replica of one partition.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Replica {
    pub(crate) gpid: Gpid,
    pub(crate) me: RpcAddress,
    pub(crate) life: Life,
    pub(crate) options: Options,
    pub(crate) ballot: Ballot,
    pub(crate) role: Role,
    pub(crate) standing: Standing,
    pub(crate) lease: Lease,
    /// Asked of meta under this ballot.
    pub(crate) request: Option<ReconfigurationRequest>,
    pub(crate) list: PrepareList,
    pub(crate) digest: RollingDigest,
    pub(crate) applied: Decree,
    pub(crate) durable: Decree,
    pub(crate) latest_timestamp_us: i64,
}

impl Replica {
    /// Opens a replica. It is inactive until it hears of a configuration, and has no lease until
    /// `on_lease`.
    #[must_use]
    pub fn new(
        gpid: Gpid,
        me: RpcAddress,
        life: Life,
        options: Options,
        recovered: Recovered,
    ) -> Self {
        let replica = Self {
            gpid,
            me,
            life,
            options,
            ballot: recovered.ballot,
            role: Role::Inactive(InactiveReason::Starting),
            standing: if planted::is(PlantedBug::UnprovenReturns) {
                Standing::Proven
            } else {
                recovered.standing
            },
            lease: Lease::NotHeld,
            request: None,
            latest_timestamp_us: recovered.latest_timestamp_us,
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

    /// Which opening of the replica this is.
    #[must_use]
    pub fn life(&self) -> Life {
        self.life
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
            Role::Inactive(InactiveReason::Adopting(adoption)) => adoption.configuration.ballot,
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

    /// What is left of a replica whose storage has failed, for opening it again over the same log: the
    /// driver brings storage to the commit point from the log first. Only when the log holds everything
    /// that was appended, and has said so.
    #[must_use]
    pub fn remains(&self) -> Recovered {
        let committed = self.list.committed();
        Recovered {
            ballot: self.ballot,
            committed: self.digest.newest(),
            mutations: self
                .list
                .iter()
                .filter(|entry| entry.decree > committed)
                .cloned()
                .collect(),
            stale_through: self.list.stale_through(),
            standing: self.standing,
            latest_timestamp_us: self.latest_timestamp_us,
        }
    }

    /// The log must keep this replica's records above the given decree, even if storage has flushed
    /// more: for its own replay ([`PrepareList::release_limit`]), or because a learner needs them.
    /// `None`: what storage has flushed may go.
    #[must_use]
    pub fn log_release_limit(&self) -> Option<Decree> {
        let for_learners = self.taught().filter_map(|learner| learner.keeps_log_after);
        for_learners.chain(self.list.release_limit()).min()
    }

    /// A number that is equal for equal states, on every run.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish()
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
            Message::Learn(request) => self.on_learn(from, request, out),
            Message::LearnReply(reply) => self.on_learn_reply(from, reply, out),
            Message::CheckpointOffer(offered) => self.on_checkpoint_offer(from, offered, out),
        }
        self.check_invariants();
    }

    /// The own log is safe through the record of this mutation, in append order.
    pub fn on_log_safe(&mut self, ballot: Ballot, decree: Decree, out: &mut Effects) {
        self.list.note_log_safe(LogPosition { ballot, decree });
        match &self.role {
            Role::Primary(_) => self.commit_acknowledged(out),
            Role::Secondary(_) | Role::Learner(_) => self.on_follower_logged(out),
            Role::Inactive(_) | Role::Error(_) => {}
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

    /// A connection to or from this peer is new: messages may have been lost.
    pub fn on_peer_connected(&mut self, peer: RpcAddress, out: &mut Effects) {
        match &self.role {
            Role::Primary(_) => {
                self.rejoin_follower(peer, out);
                self.rejoin_learner(peer, out);
            }
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

    /// Gives up. A primary asks meta to go on without it; a secondary's primary will. What it had
    /// asked for is void.
    pub(crate) fn fail(&mut self, reason: ErrorReason, out: &mut Effects) {
        if let Some(primary) = self.as_primary() {
            let next = primary.configuration.without(self.me);
            let kind = ReconfigurationKind::DowngradeToInactive;
            self.ask_for(kind, self.me, next, out);
        } else {
            self.request = None;
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
