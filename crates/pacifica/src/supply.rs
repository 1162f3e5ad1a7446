//! What a primary sends a learner: from the prepare list what is there, from its log what is not, and a
//! checkpoint where the log has let it go or the learner's history is another one.

use pegasus_common::{Decree, RpcAddress};

use crate::effect::{Effect, Effects};
use crate::learner::{CheckpointOffer, LearnSignature};
use crate::message::{
    GroupCheckReply, LearnOutcome, Message, OfferedCheckpoint, PeerOutcome, PrepareAck,
};
use crate::mutation::Mutation;
use crate::replica::Replica;
use crate::teaching::{Agreement, Counting, Supply};

impl Replica {
    /// Sends a learner what follows `after`, from the cheapest source that has it.
    pub(crate) fn supply_after(&mut self, node: RpcAddress, after: Decree, out: &mut Effects) {
        let is_in_list = self.list.after(after).is_some();
        let window = Decree(after.0.saturating_add(i64::from(self.options.prepared_max)));
        let through = self.committed().min(window);
        let Some(learner) = self.learner_mut(node) else {
            return;
        };
        let signature = learner.signature;
        if is_in_list {
            learner.supply = Supply::Following;
            self.list_following();
            self.send_again(node, after, out);
            return;
        }
        learner.supply = Supply::ReadingLog { after };
        self.list_following();
        out.push(Effect::SupplyLearner {
            to: node,
            signature,
            after,
            through,
        });
    }

    /// The driver has read committed mutations for a learner from the log.
    pub fn supply_mutations(
        &mut self,
        to: RpcAddress,
        signature: LearnSignature,
        mutations: Vec<Mutation>,
        out: &mut Effects,
    ) {
        let (ballot, committed) = (self.ballot, self.committed());
        let Some(learner) = self.accepted_learner(to, signature) else {
            return;
        };
        let Supply::ReadingLog { after } = learner.supply else {
            return;
        };
        let mut through = after;
        for mutation in mutations {
            let is_next = mutation.decree == through.next() && mutation.decree <= committed;
            if !is_next || mutation.ballot > ballot || !mutation.is_intact() {
                break;
            }
            through = mutation.decree;
            // All of it is committed, so the learner may commit up to here at once.
            let mutation = Mutation {
                last_committed: mutation.decree.previous(),
                ..mutation.under(ballot)
            };
            out.send(to, Message::Prepare { mutation });
        }
        if through > after {
            learner.supply = Supply::SentLog { through };
        }
        self.check_invariants();
    }

    /// What the learner has is not the group's history, so only a checkpoint helps.
    pub(crate) fn start_over(&mut self, node: RpcAddress, out: &mut Effects) {
        let Some(learner) = self.learner_mut(node) else {
            return;
        };
        if learner.counting == Counting::Asked {
            self.ask_for_new_ballot(out);
            return;
        }
        let signature = learner.signature;
        let is_under_way = matches!(
            learner.supply,
            Supply::MakingCheckpoint | Supply::Checkpoint(_)
        );
        learner.agreement = Agreement::Contradicts;
        learner.counting = Counting::Not;
        learner.keeps_log_after = None;
        if !is_under_way {
            learner.supply = Supply::MakingCheckpoint;
            out.push(Effect::MakeCheckpoint {
                to: node,
                signature,
            });
        }
        self.list_following();
        self.reply_to_learner(node, LearnOutcome::StartOver, out);
    }

    /// The driver has a checkpoint for a learner. One that brings it no further is of no use.
    pub fn offer_checkpoint(
        &mut self,
        to: RpcAddress,
        signature: LearnSignature,
        offer: CheckpointOffer,
        out: &mut Effects,
    ) {
        let committed = self.committed();
        let Some(learner) = self.accepted_learner(to, signature) else {
            return;
        };
        let is_useful = match learner.supply {
            Supply::MakingCheckpoint | Supply::Checkpoint(_) => true,
            Supply::ReadingLog { after } => offer.at.decree > after,
            _ => false,
        };
        if is_useful && offer.at.decree <= committed {
            learner.supply = Supply::Checkpoint(offer);
            learner.offered = Some(offer.at);
            learner.keeps_log_after = Some(offer.at.decree);
            self.send_offer(to, out);
        }
        self.check_invariants();
    }

    pub(crate) fn send_offer(&self, node: RpcAddress, out: &mut Effects) {
        let Some(learner) = self.learner(node) else {
            return;
        };
        if let Supply::Checkpoint(offer) = learner.supply {
            let offered = OfferedCheckpoint {
                ballot: self.ballot,
                signature: learner.signature,
                offer,
            };
            out.send(node, Message::CheckpointOffer(offered));
        }
    }

    /// Asks a learner that may have lost messages what it has.
    pub(crate) fn rejoin_learner(&mut self, node: RpcAddress, out: &mut Effects) {
        let Some(learner) = self.learner_mut(node) else {
            return;
        };
        if matches!(
            learner.supply,
            Supply::ReadingLog { .. } | Supply::SentLog { .. } | Supply::Following
        ) {
            learner.supply = Supply::Rejoining;
            self.list_following();
        }
        self.invite(node, out);
    }

    /// A learner answers prepares.
    pub(crate) fn on_learner_ack(
        &mut self,
        from: RpcAddress,
        signature: LearnSignature,
        ack: PrepareAck,
        out: &mut Effects,
    ) {
        let is_present = self.is_of_this_ballot(ack.ballot) && ack.decree <= self.prepared();
        let Some(learner) = self
            .accepted_learner(from, signature)
            .filter(|_| is_present)
        else {
            return;
        };
        learner.quiet_ticks = 0;
        match ack.outcome {
            PeerOutcome::Ok | PeerOutcome::Gap => {
                learner.note_acknowledged(ack.decree);
                let has_gap = ack.outcome == PeerOutcome::Gap;
                let wants_more = match learner.supply {
                    Supply::SentLog { through } => has_gap || ack.decree >= through,
                    Supply::Following => has_gap,
                    // What was under way brought it there meanwhile.
                    Supply::Checkpoint(offer) => {
                        learner.agreement != Agreement::Contradicts && ack.decree >= offer.at.decree
                    }
                    _ => false,
                };
                if wants_more {
                    self.supply_after(from, ack.decree, out);
                }
                self.count_learners(out);
                self.commit_acknowledged(out);
            }
            PeerOutcome::NeedConfiguration => self.rejoin_learner(from, out),
            PeerOutcome::NeedsLearning => self.start_over(from, out),
            PeerOutcome::NotMember | PeerOutcome::Failed => self.drop_learner(from, out),
        }
    }

    /// A learner answers a group check of its attempt.
    pub(crate) fn on_learner_check_reply(
        &mut self,
        from: RpcAddress,
        signature: LearnSignature,
        reply: GroupCheckReply,
        out: &mut Effects,
    ) {
        let is_present = reply.ballot == self.ballot && reply.last_prepared <= self.prepared();
        let agrees = self.digest.agrees_with(reply.digest);
        let Some(learner) = self
            .accepted_learner(from, signature)
            .filter(|_| is_present)
        else {
            return;
        };
        learner.quiet_ticks = 0;
        let contradicts = agrees == Some(false) || learner.agreement == Agreement::Contradicts;
        match reply.outcome {
            PeerOutcome::NeedsLearning => self.start_over(from, out),
            PeerOutcome::NotMember | PeerOutcome::Failed => self.drop_learner(from, out),
            _ if contradicts => self.start_over(from, out),
            PeerOutcome::Ok | PeerOutcome::Gap | PeerOutcome::NeedConfiguration => {
                if agrees == Some(true) {
                    learner.agreement = Agreement::Agrees;
                }
                let wants_more = match learner.supply {
                    Supply::Rejoining => true,
                    Supply::Following => reply.outcome == PeerOutcome::Gap,
                    _ => false,
                };
                if wants_more {
                    self.supply_after(from, reply.last_prepared, out);
                }
                self.count_learners(out);
            }
        }
    }

    /// A server that this primary teaches does not act as a learner, or not yet.
    pub(crate) fn on_stranger(
        &mut self,
        from: RpcAddress,
        outcome: PeerOutcome,
        out: &mut Effects,
    ) {
        let was_following = self
            .learner(from)
            .is_some_and(|learner| learner.supply == Supply::Following);
        if was_following {
            self.rejoin_learner(from, out);
        } else if outcome == PeerOutcome::Failed {
            self.drop_learner(from, out);
        }
    }
}
