//! What everyone does who follows a primary, secondary or learner: log what the primary of the ballot
//! orders, acknowledge what is safe, commit what is known to be committed.

use std::cmp::Ordering;

use pegasus_common::{Ballot, Decree, RpcAddress};

use crate::effect::{Effect, Effects};
use crate::learner::{LearnPhase, LearnSignature};
use crate::message::{GroupCheck, GroupCheckReply, Message, PeerOutcome, PrepareAck};
use crate::mutation::Mutation;
use crate::planted::{self, PlantedBug};
use crate::recovered::Standing;
use crate::replica::Replica;
use crate::role::{ErrorReason, InactiveReason, Role};

/// How a secondary or a learner follows the primary of its ballot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FollowState {
    /// Everything through here in the prepare list is what the primary of this ballot has. Entries
    /// above it may be left from older ballots: they were acknowledged once, so they are kept until
    /// the primary replaces them, but they are not acknowledged again by themselves.
    pub received: Decree,
    /// The primary's commit point, as last heard.
    pub commit_point: Decree,
    /// The last cumulative acknowledgement sent in this ballot.
    pub acknowledged: Decree,
    /// A gap after `received` was reported; further prepares behind it are dropped silently.
    pub gap: GapReport,
}

/// Whether a gap has been reported, so that a burst of prepares behind one asks once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GapReport {
    /// No gap is known.
    None,
    /// The primary was asked to send again.
    Sent,
}

impl Replica {
    /// How this replica would follow the primary of its durable ballot from now on.
    ///
    /// After a restart under the same ballot: what was accepted in it was accepted in order, so
    /// everything through the last such entry is what the primary has.
    pub(crate) fn follow_from_here(&self) -> FollowState {
        let committed = self.list.committed();
        let entries = self.list.iter().rev();
        let of_this_ballot = entries
            .into_iter()
            .find(|entry| entry.ballot == self.ballot);
        let received = of_this_ballot.map_or(committed, |entry| entry.decree.max(committed));
        debug_assert!(
            received <= self.list.prepared(),
            "received but not prepared"
        );
        FollowState {
            received,
            commit_point: committed,
            acknowledged: Decree::ZERO,
            gap: GapReport::None,
        }
    }

    /// The state of a follower that takes mutations.
    fn following(&mut self) -> Option<&mut FollowState> {
        match &mut self.role {
            Role::Secondary(secondary) => Some(&mut secondary.follow),
            Role::Learner(learner) if learner.phase == LearnPhase::Following => {
                Some(&mut learner.follow)
            }
            _ => None,
        }
    }

    /// The attempt in which this replica learns, if it does.
    pub(crate) fn learn_signature(&self) -> Option<LearnSignature> {
        match &self.role {
            Role::Learner(learner) => Some(learner.signature),
            _ => None,
        }
    }

    pub(crate) fn on_prepare(&mut self, from: RpcAddress, mutation: Mutation, out: &mut Effects) {
        match mutation.ballot.cmp(&self.known_ballot()) {
            Ordering::Less if planted::is(PlantedBug::BallotCheckSkipped) => {
                self.log_in_order(mutation.under(self.ballot), out);
                return;
            }
            Ordering::Less => return,
            Ordering::Equal => {}
            Ordering::Greater => {
                self.answer_prepare(from, mutation.ballot, PeerOutcome::NeedConfiguration, out);
                return;
            }
        }
        let outcome = match &self.role {
            Role::Secondary(_) | Role::Learner(_) => {
                if self.leader() == Some(from) && mutation.is_intact() {
                    self.log_in_order(mutation, out);
                }
                return;
            }
            Role::Inactive(InactiveReason::Starting) => PeerOutcome::NeedConfiguration,
            // It says by itself when the ballot is safe.
            Role::Inactive(InactiveReason::Adopting(_)) => return,
            Role::Inactive(InactiveReason::Unproven) => PeerOutcome::NeedsLearning,
            Role::Inactive(InactiveReason::Outside | InactiveReason::AwaitingBallot) => {
                PeerOutcome::NotMember
            }
            Role::Error(_) => PeerOutcome::Failed,
            Role::Primary(_) => return,
        };
        self.answer_prepare(from, mutation.ballot, outcome, out);
    }

    fn answer_prepare(
        &self,
        to: RpcAddress,
        ballot: Ballot,
        outcome: PeerOutcome,
        out: &mut Effects,
    ) {
        let ack = PrepareAck {
            ballot,
            decree: Decree::ZERO,
            outcome,
            last_committed: self.list.committed(),
            learner: self.learn_signature(),
        };
        out.send(to, Message::PrepareAck(ack));
    }

    /// A prepare of the present primary.
    fn log_in_order(&mut self, mutation: Mutation, out: &mut Effects) {
        self.heard_from_leader();
        let Some(received) = self.note_commit_point(mutation.last_committed, out) else {
            return;
        };
        let decree = mutation.decree;
        let is_full = self.list.uncommitted_count() >= u64::from(self.options.prepared_max);
        let is_too_much = is_full && decree > self.list.prepared();
        if decree <= received {
            self.take_duplicate(&mutation, out);
        } else if decree == received.next() && !is_too_much {
            if let Some(follow) = self.following() {
                follow.received = decree;
                follow.gap = GapReport::None;
            }
            self.accept(mutation, out);
        } else if let Some(follow) = self.following()
            && follow.gap == GapReport::None
        {
            follow.gap = GapReport::Sent;
            self.acknowledge(PeerOutcome::Gap, out);
        }
    }

    /// Something that this replica already has as the primary has it: acknowledged again, because the
    /// first answer may be lost.
    fn take_duplicate(&mut self, mutation: &Mutation, out: &mut Effects) {
        let mine = self.list.get(mutation.decree);
        if mine.is_some_and(|mine| !mine.is_same_write(mutation)) {
            self.find_divergence(out);
            return;
        }
        self.acknowledge(PeerOutcome::Ok, out);
    }

    /// The group's history is another one: a learner begins anew, a member fails for good.
    fn find_divergence(&mut self, out: &mut Effects) {
        if let Role::Learner(learner) = &mut self.role {
            learner.phase = LearnPhase::StartingOver;
        } else {
            self.fail(ErrorReason::Diverged, out);
        }
    }

    /// Takes the primary's commit point, commits through it, and returns up to where the list is as
    /// the primary has it; `None` if this replica follows nobody (any more).
    ///
    /// A member of the configuration has every committed mutation (I2), so what it holds at or below
    /// the commit point is what was chosen, whatever ballot the entry carries. Of a learner that holds
    /// for what it received.
    pub(crate) fn note_commit_point(
        &mut self,
        commit_point: Decree,
        out: &mut Effects,
    ) -> Option<Decree> {
        let prepared = self.list.prepared();
        let is_member = matches!(self.role, Role::Secondary(_));
        if is_member && commit_point > prepared {
            self.lack_committed(out);
            return None;
        }
        let follow = self.following()?;
        follow.commit_point = follow.commit_point.max(commit_point);
        if is_member {
            follow.received = follow.received.max(follow.commit_point.min(prepared));
        }
        let received = follow.received;
        debug_assert!(received <= prepared, "received but not prepared");
        self.commit_what_is_chosen(out);
        Some(received)
    }

    /// The group committed what this replica does not have. That cannot happen to a member that kept
    /// what it acknowledged (I2), so this one did not.
    fn lack_committed(&mut self, out: &mut Effects) {
        let Some(configuration) = self.configuration().cloned() else {
            return;
        };
        if let Some(primary) = configuration.primary {
            self.answer_prepare(primary, self.ballot, PeerOutcome::NeedsLearning, out);
        }
        debug_assert_eq!(self.standing, Standing::Proven, "it was a secondary");
        self.request = None;
        self.standing = Standing::Unproven;
        self.become_role(Role::Inactive(InactiveReason::Unproven), out);
        out.push(Effect::NeedsLearning { configuration });
    }

    fn commit_what_is_chosen(&mut self, out: &mut Effects) {
        let committed = self.list.committed();
        if let Some(follow) = self.following() {
            let chosen = follow.commit_point.min(follow.received);
            debug_assert!(chosen >= committed, "the commit point never shrinks");
            self.commit_through(chosen.min(self.list.logged()), out);
        }
    }

    /// More is safe in the own log.
    pub(crate) fn on_follower_logged(&mut self, out: &mut Effects) {
        self.commit_what_is_chosen(out);
        let logged = self.list.logged();
        if let Some(follow) = self.following()
            && follow.received.min(logged) > follow.acknowledged
        {
            self.acknowledge(PeerOutcome::Ok, out);
        }
    }

    /// What may be acknowledged: safe in the own log as the primary of this ballot has it.
    pub(crate) fn safe_and_received(&self, follow: &FollowState) -> Decree {
        follow.received.min(self.list.logged())
    }

    pub(crate) fn acknowledge(&mut self, outcome: PeerOutcome, out: &mut Effects) {
        let (ballot, leader) = (self.ballot, self.leader());
        let (last_committed, logged) = (self.list.committed(), self.list.logged());
        let learner = self.learn_signature();
        let Some(follow) = self.following() else {
            return;
        };
        let decree = if planted::is(PlantedBug::AckBeforeLogSafe) {
            follow.received
        } else {
            follow.received.min(logged)
        };
        debug_assert!(decree >= last_committed, "what is committed was safe");
        follow.acknowledged = follow.acknowledged.max(decree);
        let ack = PrepareAck {
            ballot,
            decree,
            outcome,
            last_committed,
            learner,
        };
        if let Some(primary) = leader {
            out.send(primary, Message::PrepareAck(ack));
        }
    }

    pub(crate) fn reply_to_check(
        &self,
        to: RpcAddress,
        outcome: PeerOutcome,
        last_prepared: Decree,
        out: &mut Effects,
    ) {
        let reply = GroupCheckReply {
            ballot: self.ballot,
            outcome,
            status: self.role.status(),
            last_committed: self.list.committed(),
            last_prepared,
            digest: self.digest.newest(),
            learner: self.learn_signature(),
        };
        out.send(to, Message::GroupCheckReply(reply));
    }

    /// The regular group check of one that follows already.
    pub(crate) fn check_against(
        &mut self,
        primary: RpcAddress,
        check: &GroupCheck,
        out: &mut Effects,
    ) {
        let Some(received) = self.note_commit_point(check.last_committed, out) else {
            return;
        };
        if self.digest.agrees_with(check.digest) == Some(false) {
            let outcome = if self.learn_signature().is_some() {
                PeerOutcome::NeedsLearning
            } else {
                out.push(Effect::DigestMismatch {
                    peer: primary,
                    theirs: check.digest,
                });
                PeerOutcome::Failed
            };
            self.find_divergence(out);
            self.reply_to_check(primary, outcome, received, out);
            return;
        }
        // Prepares sent before this check have arrived or are lost.
        let outcome = if received < check.last_prepared {
            PeerOutcome::Gap
        } else {
            PeerOutcome::Ok
        };
        self.reply_to_check(primary, outcome, received, out);
        self.acknowledge(PeerOutcome::Ok, out);
    }
}
