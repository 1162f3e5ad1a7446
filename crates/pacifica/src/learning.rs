//! What a learner does besides following (see [`crate::follow`]): it begins an attempt, fetches a
//! checkpoint where the primary offers one, and gives up when nobody teaches it any more.

use std::cmp::Ordering;

use pegasus_common::RpcAddress;

use crate::configuration::{Configuration, Membership};
use crate::effect::{Effect, Effects};
use crate::learner::{CheckpointOffer, LearnPhase, LearnSignature, LearnerState};
use crate::message::{
    GroupCheck, LearnOutcome, LearnReply, LearnRequest, Message, OfferedCheckpoint, PeerOutcome,
};
use crate::replica::Replica;
use crate::role::{InactiveReason, Role};

/// A learner that has heard nothing for so many progress timers stops learning.
const SILENT_TICKS_MAX: u32 = 20;

impl Replica {
    /// The primary of this ballot wants this server to learn, or checks on it.
    pub(crate) fn on_invitation(
        &mut self,
        from: RpcAddress,
        check: &GroupCheck,
        signature: LearnSignature,
        out: &mut Effects,
    ) {
        let configuration = &check.configuration;
        match configuration.ballot.cmp(&self.known_ballot()) {
            Ordering::Less => return,
            Ordering::Equal => {}
            Ordering::Greater if matches!(self.role, Role::Error(_)) => {}
            Ordering::Greater => self.adopt(configuration, out),
        }
        match &mut self.role {
            Role::Inactive(InactiveReason::Adopting(adoption)) => adoption.invite(signature),
            Role::Inactive(
                InactiveReason::Starting | InactiveReason::Outside | InactiveReason::Unproven,
            ) => self.enter_learner(configuration.clone(), signature, LearnPhase::Asking, out),
            Role::Learner(learner) if learner.signature < signature => {
                self.enter_learner(configuration.clone(), signature, LearnPhase::Asking, out);
            }
            Role::Learner(learner) if learner.signature == signature => {
                learner.silent_ticks = 0;
                self.answer_teacher(from, check, out);
            }
            Role::Error(_) => {
                self.reply_to_check(from, PeerOutcome::Failed, self.list.committed(), out);
            }
            Role::Learner(_)
            | Role::Inactive(InactiveReason::AwaitingBallot)
            | Role::Primary(_)
            | Role::Secondary(_) => {}
        }
    }

    /// Begins or continues an attempt under the durable ballot. What is left from older ballots above
    /// the commit point may be void: it stays until the primary replaces it, as at a secondary, and
    /// is never committed before.
    pub(crate) fn enter_learner(
        &mut self,
        configuration: Configuration,
        signature: LearnSignature,
        phase: LearnPhase,
        out: &mut Effects,
    ) {
        debug_assert_eq!(configuration.ballot, self.ballot, "I3: durable first");
        let phase = match phase {
            // The primary forgets what it knew of its learners with each ballot.
            LearnPhase::Following | LearnPhase::StartingOver => LearnPhase::Asking,
            LearnPhase::Asking | LearnPhase::Fetching(_) | LearnPhase::FetchFailed => phase,
        };
        let follow = self.follow_from_here();
        let state = LearnerState {
            configuration,
            signature,
            follow,
            phase,
            silent_ticks: 0,
        };
        self.become_role(Role::Learner(state), out);
        self.ask_to_learn(out);
    }

    /// Tells the primary what this life of the learner has.
    fn ask_to_learn(&self, out: &mut Effects) {
        let Role::Learner(learner) = &self.role else {
            return;
        };
        if let Some(primary) = learner.configuration.primary
            && learner.phase == LearnPhase::Asking
        {
            let request = LearnRequest {
                ballot: self.ballot,
                signature: learner.signature,
                life: self.life,
                has: self.digest.newest(),
            };
            out.send(primary, Message::Learn(request));
        }
    }

    /// A group check of the present attempt.
    fn answer_teacher(&mut self, from: RpcAddress, check: &GroupCheck, out: &mut Effects) {
        let Role::Learner(learner) = &self.role else {
            return;
        };
        let received = learner.follow.received;
        match learner.phase {
            LearnPhase::Asking => self.ask_to_learn(out),
            LearnPhase::Following => self.check_against(from, check, out),
            LearnPhase::StartingOver => {
                self.reply_to_check(from, PeerOutcome::NeedsLearning, received, out);
            }
            LearnPhase::Fetching(_) | LearnPhase::FetchFailed => {
                self.reply_to_check(from, PeerOutcome::Ok, received, out);
            }
        }
    }

    /// Something came from the primary: it has not forgotten this learner.
    pub(crate) fn heard_from_leader(&mut self) {
        if let Role::Learner(learner) = &mut self.role {
            learner.silent_ticks = 0;
        }
    }

    /// The primary's word on the attempt of this life.
    pub(crate) fn on_learn_reply(
        &mut self,
        from: RpcAddress,
        reply: LearnReply,
        out: &mut Effects,
    ) {
        let is_from_leader = self.leader() == Some(from) && reply.ballot == self.ballot;
        let is_for_this_life = reply.life == self.life;
        let Role::Learner(learner) = &mut self.role else {
            return;
        };
        if !is_from_leader || !is_for_this_life || reply.signature < learner.signature {
            return;
        }
        if reply.signature > learner.signature {
            learner.signature = reply.signature;
            learner.phase = LearnPhase::Asking;
        }
        learner.silent_ticks = 0;
        match (reply.outcome, learner.phase) {
            (LearnOutcome::Accepted, LearnPhase::Asking) => {
                learner.phase = LearnPhase::Following;
                self.acknowledge(PeerOutcome::Ok, out);
            }
            (LearnOutcome::StartOver, LearnPhase::Asking | LearnPhase::Following) => {
                learner.phase = LearnPhase::StartingOver;
            }
            (LearnOutcome::Counted, LearnPhase::Following) => self.vouch(self.ballot, out),
            _ => {}
        }
    }

    /// The primary has a checkpoint for this learner.
    pub(crate) fn on_checkpoint_offer(
        &mut self,
        from: RpcAddress,
        offered: OfferedCheckpoint,
        out: &mut Effects,
    ) {
        let is_from_leader = self.leader() == Some(from) && offered.ballot == self.ballot;
        let committed = self.list.committed();
        let Role::Learner(learner) = &mut self.role else {
            return;
        };
        if !is_from_leader || offered.signature != learner.signature {
            return;
        }
        learner.silent_ticks = 0;
        let offer = offered.offer;
        let is_wanted = match learner.phase {
            LearnPhase::StartingOver => true,
            LearnPhase::Following => offer.at.decree > committed,
            LearnPhase::Fetching(present) => present.id != offer.id,
            LearnPhase::Asking | LearnPhase::FetchFailed => false,
        };
        if is_wanted {
            learner.phase = LearnPhase::Fetching(offer);
            out.push(Effect::FetchCheckpoint {
                from,
                signature: learner.signature,
                configuration: learner.configuration.clone(),
                offer,
            });
        }
    }

    /// The checkpoint that this learner fetches, with the attempt that it is for. The driver installs
    /// no other.
    #[must_use]
    pub fn fetching(&self) -> Option<(LearnSignature, CheckpointOffer)> {
        let (signature, phase) = match &self.role {
            Role::Learner(learner) => (learner.signature, learner.phase),
            Role::Inactive(InactiveReason::Adopting(adoption)) => adoption.learning?,
            _ => return None,
        };
        match phase {
            LearnPhase::Fetching(offer) => Some((signature, offer)),
            _ => None,
        }
    }

    /// The checkpoint could not be fetched, or not be used: the learner asks again on the next
    /// progress timer.
    pub fn on_fetch_failed(&mut self) {
        let phase = match &mut self.role {
            Role::Learner(learner) => Some(&mut learner.phase),
            Role::Inactive(InactiveReason::Adopting(adoption)) => {
                adoption.learning.as_mut().map(|(_, phase)| phase)
            }
            _ => None,
        };
        if let Some(phase) = phase.filter(|phase| matches!(phase, LearnPhase::Fetching(_))) {
            *phase = LearnPhase::FetchFailed;
        }
        self.check_invariants();
    }

    /// This replica was opened on a checkpoint that was fetched in an attempt: it goes on with it. If
    /// the group has moved on meanwhile, its primary will find this replica by itself.
    pub fn resume_learning(
        &mut self,
        configuration: &Configuration,
        signature: LearnSignature,
        out: &mut Effects,
    ) {
        let is_new = matches!(self.role, Role::Inactive(InactiveReason::Starting));
        let is_outside = configuration.membership_of(self.me) == Membership::Outside;
        if is_new && is_outside && configuration.ballot == self.ballot {
            self.enter_learner(configuration.clone(), signature, LearnPhase::Asking, out);
        }
        self.check_invariants();
    }

    /// The progress timer of a learner.
    pub(crate) fn learner_tick(&mut self, out: &mut Effects) {
        let Role::Learner(learner) = &mut self.role else {
            return;
        };
        learner.silent_ticks = learner.silent_ticks.saturating_add(1);
        if learner.silent_ticks > SILENT_TICKS_MAX {
            self.stop_learning(out);
        } else if learner.phase == LearnPhase::FetchFailed {
            learner.phase = LearnPhase::Asking;
            self.ask_to_learn(out);
        }
    }
}
