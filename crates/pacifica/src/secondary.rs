//! What a secondary does: log what the primary of its ballot orders, acknowledge what is safe, commit
//! what it hears is committed.

use std::cmp::Ordering;

use pegasus_common::{Ballot, Decree, RpcAddress};

use crate::configuration::Configuration;
use crate::effect::{Effect, Effects};
use crate::message::{GroupCheck, GroupCheckReply, Message, PeerOutcome, PrepareAck};
use crate::mutation::Mutation;
use crate::reconfiguration::ConfigurationSource;
use crate::recovered::Standing;
use crate::replica::Replica;
use crate::role::{ErrorReason, GapReport, InactiveReason, Role, SecondaryState};

impl Replica {
    /// Begins to follow the primary of the durable ballot, and tells it from where.
    pub(crate) fn enter_secondary(&mut self, configuration: Configuration, out: &mut Effects) {
        let committed = self.list.committed();
        // After a restart under the same ballot: what was accepted in it was accepted in order, so
        // everything through the last such entry is what the primary has.
        let of_this_ballot = self
            .list
            .iter()
            .rev()
            .find(|entry| entry.ballot == self.ballot);
        let received = of_this_ballot.map_or(committed, |entry| entry.decree.max(committed));
        debug_assert!(
            received <= self.list.prepared(),
            "received but not prepared"
        );
        debug_assert_ne!(configuration.primary, Some(self.me), "it follows itself");
        self.become_role(
            Role::Secondary(SecondaryState {
                configuration,
                received,
                commit_point: committed,
                acknowledged: Decree::ZERO,
                gap: GapReport::None,
            }),
            out,
        );
        self.announce(out);
    }

    pub(crate) fn on_prepare(&mut self, from: RpcAddress, mutation: Mutation, out: &mut Effects) {
        match mutation.ballot.cmp(&self.known_ballot()) {
            Ordering::Less => return,
            Ordering::Equal => {}
            Ordering::Greater => {
                self.answer_prepare(from, mutation.ballot, PeerOutcome::NeedConfiguration, out);
                return;
            }
        }
        let outcome = match &self.role {
            Role::Secondary(secondary) => {
                if secondary.configuration.primary == Some(from) && mutation.is_intact() {
                    self.log_in_order(mutation, out);
                }
                return;
            }
            Role::Inactive(InactiveReason::Starting) => PeerOutcome::NeedConfiguration,
            // It says by itself when the ballot is safe.
            Role::Inactive(InactiveReason::Adopting(_)) => return,
            Role::Inactive(InactiveReason::Unproven) => PeerOutcome::NeedsLearning,
            Role::Inactive(InactiveReason::Outside | InactiveReason::AwaitingBallot(_)) => {
                PeerOutcome::NotMember
            }
            Role::Error(_) => PeerOutcome::Failed,
            Role::Primary(_) | Role::Learner(_) => return,
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
        };
        out.send(to, Message::PrepareAck(ack));
    }

    /// A prepare of the present primary.
    fn log_in_order(&mut self, mutation: Mutation, out: &mut Effects) {
        let Some(received) = self.note_commit_point(mutation.last_committed, out) else {
            return;
        };
        let is_too_much = self.list.uncommitted_count() >= u64::from(self.options.prepared_max);
        let decree = mutation.decree;
        if decree <= received {
            self.take_duplicate(&mutation, out);
        } else if decree == received.next() && !is_too_much {
            if let Role::Secondary(secondary) = &mut self.role {
                secondary.received = decree;
                secondary.gap = GapReport::None;
            }
            self.accept(mutation, out);
        } else if let Role::Secondary(secondary) = &mut self.role
            && secondary.gap == GapReport::None
        {
            secondary.gap = GapReport::Sent;
            self.acknowledge(PeerOutcome::Gap, out);
        }
    }

    /// Something that this replica already has as the primary has it: acknowledged again, because the
    /// first answer may be lost.
    fn take_duplicate(&mut self, mutation: &Mutation, out: &mut Effects) {
        let mine = self.list.get(mutation.decree);
        if mine.is_some_and(|mine| !mine.is_same_write(mutation)) {
            self.fail(ErrorReason::Diverged, out);
            return;
        }
        self.acknowledge(PeerOutcome::Ok, out);
    }

    /// Takes the primary's commit point, commits through it, and returns up to where the list is as
    /// the primary has it; `None` if this replica is no secondary any more.
    ///
    /// A member of the configuration has every committed mutation (I2), so what it holds at or below
    /// the commit point is what was chosen, whatever ballot the entry carries.
    fn note_commit_point(&mut self, commit_point: Decree, out: &mut Effects) -> Option<Decree> {
        let prepared = self.list.prepared();
        let Role::Secondary(secondary) = &mut self.role else {
            return None;
        };
        if commit_point > prepared {
            self.lack_committed(out);
            return None;
        }
        secondary.commit_point = secondary.commit_point.max(commit_point);
        let chosen = secondary.commit_point.min(prepared);
        secondary.received = secondary.received.max(chosen);
        let received = secondary.received;
        debug_assert!(received <= prepared, "received but not prepared");
        debug_assert!(received >= chosen, "I2: what is chosen is here");
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
        self.standing = Standing::Unproven;
        self.become_role(Role::Inactive(InactiveReason::Unproven), out);
        out.push(Effect::NeedsLearning { configuration });
    }

    fn commit_what_is_chosen(&mut self, out: &mut Effects) {
        if let Role::Secondary(secondary) = &self.role {
            let chosen = secondary.commit_point.min(secondary.received);
            debug_assert!(
                chosen >= self.list.committed(),
                "the commit point never shrinks"
            );
            self.commit_through(chosen.min(self.list.logged()), out);
        }
    }

    /// More is safe in the own log.
    pub(crate) fn on_secondary_logged(&mut self, out: &mut Effects) {
        self.commit_what_is_chosen(out);
        if let Role::Secondary(secondary) = &self.role
            && self.safe_and_received(secondary) > secondary.acknowledged
        {
            self.acknowledge(PeerOutcome::Ok, out);
        }
    }

    /// What may be acknowledged: safe in the own log as the primary of this ballot has it.
    pub(crate) fn safe_and_received(&self, secondary: &SecondaryState) -> Decree {
        secondary.received.min(self.list.logged())
    }

    fn acknowledge(&mut self, outcome: PeerOutcome, out: &mut Effects) {
        let last_committed = self.list.committed();
        let logged = self.list.logged();
        let Role::Secondary(secondary) = &mut self.role else {
            return;
        };
        let decree = secondary.received.min(logged);
        debug_assert!(decree >= last_committed, "what is committed was safe");
        secondary.acknowledged = secondary.acknowledged.max(decree);
        let ack = PrepareAck {
            ballot: self.ballot,
            decree,
            outcome,
            last_committed,
        };
        if let Some(primary) = secondary.configuration.primary {
            out.send(primary, Message::PrepareAck(ack));
        }
    }

    /// Tells the primary what this replica has, and asks for the rest.
    pub(crate) fn announce(&mut self, out: &mut Effects) {
        let Role::Secondary(secondary) = &self.role else {
            return;
        };
        if let Some(primary) = secondary.configuration.primary {
            let prepared = secondary.received;
            self.reply_to_check(primary, PeerOutcome::Gap, prepared, out);
            self.acknowledge(PeerOutcome::Ok, out);
        }
    }

    fn reply_to_check(
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
        };
        out.send(to, Message::GroupCheckReply(reply));
    }

    pub(crate) fn on_group_check(
        &mut self,
        from: RpcAddress,
        check: &GroupCheck,
        out: &mut Effects,
    ) {
        let configuration = &check.configuration;
        if configuration.primary != Some(from) || from == self.me {
            return;
        }
        let was_secondary = matches!(self.role, Role::Secondary(_));
        self.take_configuration(configuration, ConfigurationSource::GroupCheck, out);
        if configuration.ballot != self.known_ballot() {
            return;
        }
        let outcome = match &self.role {
            Role::Secondary(_) if was_secondary => {
                self.check_against(from, check, out);
                return;
            }
            // It has announced itself just now.
            Role::Secondary(_) => {
                self.note_commit_point(check.last_committed, out);
                return;
            }
            // It will, when it can.
            Role::Inactive(InactiveReason::Adopting(_) | InactiveReason::AwaitingBallot(_)) => {
                return;
            }
            Role::Primary(_) | Role::Learner(_) => return,
            Role::Inactive(InactiveReason::Starting) => PeerOutcome::NeedConfiguration,
            Role::Inactive(InactiveReason::Unproven) => PeerOutcome::NeedsLearning,
            Role::Inactive(InactiveReason::Outside) => PeerOutcome::NotMember,
            Role::Error(_) => PeerOutcome::Failed,
        };
        self.reply_to_check(from, outcome, self.list.committed(), out);
    }

    /// The regular group check of a secondary.
    fn check_against(&mut self, primary: RpcAddress, check: &GroupCheck, out: &mut Effects) {
        let Some(received) = self.note_commit_point(check.last_committed, out) else {
            return;
        };
        if self.digest.agrees_with(check.digest) == Some(false) {
            out.push(Effect::DigestMismatch {
                peer: primary,
                theirs: check.digest,
            });
            self.fail(ErrorReason::Diverged, out);
            self.reply_to_check(primary, PeerOutcome::Failed, received, out);
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
