//! What a primary does: propose, count acknowledgements, commit, keep its followers supplied.

use std::sync::Arc;

use pegasus_common::{Ballot, Decree, RpcAddress};

use crate::configuration::Configuration;
use crate::effect::{Effect, Effects};
use crate::learner::LearnSignature;
use crate::lease::LeaseTerm;
use crate::message::{GroupCheck, GroupCheckReply, Message, PeerOutcome, PrepareAck};
use crate::mutation::Mutation;
use crate::planted::{self, PlantedBug};
use crate::reconfiguration::ReconfigurationKind;
use crate::replica::Replica;
use crate::role::{Follower, FollowerLink, PrimaryState, Progress, Role};
use crate::teaching::{Counting, Learner, Supply};

impl PrimaryState {
    fn new(
        configuration: Configuration,
        inherited: Decree,
        committed: Decree,
        confirmed_in: LeaseTerm,
        learners: Vec<Learner>,
    ) -> Self {
        let follower = |&node: &RpcAddress| Follower {
            node,
            // Every member of the new configuration has all that was committed (I2).
            acknowledged: committed,
            committed: Decree::ZERO,
            link: FollowerLink::Joining,
            progress: Progress::default(),
        };
        let learners = learners.into_iter();
        let still_learn = learners
            .filter(|learner| configuration.members().all(|member| member != learner.node))
            .map(Learner::under_next_ballot);
        Self {
            followers: configuration.secondaries.iter().map(follower).collect(),
            learners: still_learn.collect(),
            next_signature: LearnSignature::first_of(configuration.ballot),
            configuration,
            inherited,
            confirmed_in,
            following: Arc::from([]),
        }
    }

    fn follower_mut(&mut self, node: RpcAddress) -> Option<&mut Follower> {
        self.followers
            .iter_mut()
            .find(|follower| follower.node == node)
    }

    fn set_link(&mut self, node: RpcAddress, link: FollowerLink) {
        if let Some(follower) = self.follower_mut(node)
            && follower.link != link
        {
            follower.link = link;
            self.list_following();
        }
    }

    /// Makes the list of those who get new prepares at once.
    pub(crate) fn list_following(&mut self) {
        let followers = self.followers.iter();
        let members = followers.filter(|follower| follower.link == FollowerLink::Following);
        let learners = self.learners.iter();
        let taught = learners.filter(|learner| learner.supply == Supply::Following);
        let nodes = members.map(|follower| follower.node);
        self.following = nodes.chain(taught.map(|learner| learner.node)).collect();
    }

    /// Everyone who counts has logged everything through here.
    fn acknowledged_by_all(&self) -> Decree {
        let members = self.followers.iter().map(|follower| follower.acknowledged);
        let counted = self
            .learners
            .iter()
            .filter(|learner| learner.counting != Counting::Not)
            .map(|learner| learner.acknowledged);
        if planted::is(PlantedBug::CommitWithoutAllMembers) {
            return members.max().unwrap_or(Decree(i64::MAX));
        }
        members.chain(counted).min().unwrap_or(Decree(i64::MAX))
    }
}

impl Replica {
    pub(crate) fn as_primary(&self) -> Option<&PrimaryState> {
        match &self.role {
            Role::Primary(primary) => Some(primary),
            _ => None,
        }
    }

    pub(crate) fn as_primary_mut(&mut self) -> Option<&mut PrimaryState> {
        match &mut self.role {
            Role::Primary(primary) => Some(primary),
            _ => None,
        }
    }

    /// Whether this primary has committed all that it took over.
    pub(crate) fn has_caught_up(&self) -> bool {
        self.as_primary()
            .is_some_and(|primary| self.committed() >= primary.inherited)
    }

    /// Makes the list of those who get new prepares at once.
    pub(crate) fn list_following(&mut self) {
        if let Some(primary) = self.as_primary_mut() {
            primary.list_following();
        }
    }

    /// Begins to act under a ballot in which this replica never spoke: proposes everything that it
    /// took over again, before anything new (I5).
    pub(crate) fn enter_primary(
        &mut self,
        configuration: Configuration,
        confirmed_in: LeaseTerm,
        learners: Vec<Learner>,
        out: &mut Effects,
    ) {
        #[cfg(feature = "planted")]
        if planted::is(PlantedBug::TakeoverTruncates) {
            self.list.forget_uncommitted();
        }
        let committed = self.list.committed();
        let inherited = self.list.prepared();
        debug_assert!(
            self.list.iter().all(|entry| entry.ballot < self.ballot),
            "a primary has never spoken under its ballot before"
        );
        let uncommitted = self.list.iter().filter(|entry| entry.decree > committed);
        let proposals: Vec<Mutation> = uncommitted
            .map(|entry| Mutation {
                last_committed: committed,
                ..entry.under(self.ballot)
            })
            .collect();
        for mutation in proposals {
            self.accept(mutation, out);
        }
        debug_assert_eq!(inherited, self.list.prepared(), "taking over loses nothing");
        let state = PrimaryState::new(configuration, inherited, committed, confirmed_in, learners);
        self.become_role(Role::Primary(state), out);
        self.ask_for_confirmation(out);
        self.send_group_checks(out);
        self.commit_acknowledged(out);
    }

    /// Gives a mutation to everyone who follows, and to the own log.
    pub(crate) fn propose_mutation(&mut self, mutation: Mutation, out: &mut Effects) {
        debug_assert_eq!(
            mutation.decree,
            self.list.prepared().next(),
            "no hole, no reuse"
        );
        let Role::Primary(primary) = &self.role else {
            return;
        };
        debug_assert!(
            mutation.decree > primary.inherited,
            "I5: inherited goes first"
        );
        if !primary.following.is_empty() {
            out.push(Effect::Broadcast {
                to: Arc::clone(&primary.following),
                message: Message::Prepare {
                    mutation: mutation.clone(),
                },
            });
        }
        self.accept(mutation, out);
    }

    /// Commits what the own log and everyone who counts have, under a lease in which meta has
    /// confirmed this primary.
    pub(crate) fn commit_acknowledged(&mut self, out: &mut Effects) {
        let Some(primary) = self.as_primary() else {
            return;
        };
        if self.confirmed_term().is_none() {
            return;
        }
        let target = primary.acknowledged_by_all().min(self.list.logged());
        debug_assert!(
            target >= self.list.committed(),
            "I2: acknowledgements never shrink"
        );
        debug_assert!(target <= self.list.prepared(), "acknowledged from nowhere");
        self.commit_through(target, out);
        self.count_learners(out);
    }

    pub(crate) fn on_prepare_ack(&mut self, from: RpcAddress, ack: PrepareAck, out: &mut Effects) {
        if let Some(signature) = ack.learner {
            self.on_learner_ack(from, signature, ack, out);
            return;
        }
        let prepared = self.list.prepared();
        let is_present = self.is_of_this_ballot(ack.ballot);
        if self.learner(from).is_some() && is_present {
            self.on_stranger(from, ack.outcome, out);
            return;
        }
        let Some(primary) = self.as_primary_mut() else {
            return;
        };
        let Some(follower) = primary.follower_mut(from).filter(|_| is_present) else {
            return;
        };
        match ack.outcome {
            PeerOutcome::Ok | PeerOutcome::Gap => {
                if ack.decree > prepared {
                    return;
                }
                follower.acknowledged = follower.acknowledged.max(ack.decree);
                follower.committed = follower.committed.max(ack.last_committed);
                let is_following = follower.link == FollowerLink::Following;
                if ack.outcome == PeerOutcome::Gap && is_following {
                    self.send_again(from, ack.decree, out);
                }
                self.commit_acknowledged(out);
            }
            PeerOutcome::NeedConfiguration if follower.link == FollowerLink::Following => {
                self.rejoin_follower(from, out);
            }
            PeerOutcome::NeedConfiguration => {}
            PeerOutcome::NotMember | PeerOutcome::NeedsLearning | PeerOutcome::Failed => {
                self.ask_to_remove(ReconfigurationKind::DowngradeToInactive, from, out);
            }
        }
    }

    pub(crate) fn is_of_this_ballot(&self, ballot: Ballot) -> bool {
        ballot == self.ballot || planted::is(PlantedBug::StaleAckAccepted)
    }

    pub(crate) fn on_group_check_reply(
        &mut self,
        from: RpcAddress,
        reply: GroupCheckReply,
        out: &mut Effects,
    ) {
        if let Some(signature) = reply.learner {
            self.on_learner_check_reply(from, signature, reply, out);
            return;
        }
        let ballot = self.ballot;
        if self.learner(from).is_some() && reply.ballot == ballot {
            self.on_stranger(from, reply.outcome, out);
            return;
        }
        let Some(primary) = self.as_primary_mut() else {
            return;
        };
        let Some(follower) = primary
            .follower_mut(from)
            .filter(|_| reply.ballot == ballot)
        else {
            return;
        };
        match reply.outcome {
            PeerOutcome::Ok | PeerOutcome::Gap => {
                follower.committed = follower.committed.max(reply.last_committed);
                let joins = follower.link == FollowerLink::Joining;
                primary.set_link(from, FollowerLink::Following);
                if joins || reply.outcome == PeerOutcome::Gap {
                    self.send_again(from, reply.last_prepared, out);
                }
                if self.digest.agrees_with(reply.digest) == Some(false) {
                    out.push(Effect::DigestMismatch {
                        peer: from,
                        theirs: reply.digest,
                    });
                }
            }
            PeerOutcome::NeedConfiguration => self.rejoin_follower(from, out),
            PeerOutcome::NotMember | PeerOutcome::NeedsLearning | PeerOutcome::Failed => {
                self.ask_to_remove(ReconfigurationKind::DowngradeToInactive, from, out);
            }
        }
    }

    /// Sends one follower everything after `prepared`, under the present ballot. What is committed
    /// and no longer kept it has (I2), whatever a delayed message says.
    pub(crate) fn send_again(&self, to: RpcAddress, prepared: Decree, out: &mut Effects) {
        let from = prepared.max(self.list.first().previous());
        for mutation in self.list.after(from).into_iter().flatten() {
            let mutation = mutation.under(self.ballot);
            debug_assert!(mutation.decree > prepared, "the follower has it");
            out.send(to, Message::Prepare { mutation });
        }
    }

    /// Stops the prepares to a follower that may have lost some, until it has said what it has.
    pub(crate) fn rejoin_follower(&mut self, node: RpcAddress, out: &mut Effects) {
        let check = self.group_check();
        let Some(primary) = self.as_primary_mut() else {
            return;
        };
        if let Some(check) = check.filter(|_| primary.follower_mut(node).is_some()) {
            primary.set_link(node, FollowerLink::Joining);
            out.send(node, Message::GroupCheck(check));
        }
    }

    pub(crate) fn group_check(&self) -> Option<GroupCheck> {
        let primary = self.as_primary()?;
        Some(GroupCheck {
            configuration: primary.configuration.clone(),
            last_committed: self.list.committed(),
            last_prepared: self.list.prepared(),
            digest: self.digest.newest(),
            learner: None,
        })
    }

    fn send_group_checks(&self, out: &mut Effects) {
        let (Some(check), Some(primary)) = (self.group_check(), self.as_primary()) else {
            return;
        };
        let to: Arc<[RpcAddress]> = primary.followers.iter().map(|peer| peer.node).collect();
        if !to.is_empty() {
            out.push(Effect::Broadcast {
                to,
                message: Message::GroupCheck(check),
            });
        }
        for learner in &primary.learners {
            self.invite(learner.node, out);
        }
    }

    /// Time for a group check: regularly, and soon after traffic stops if
    /// [`Replica::wants_group_check`]. It brings the commit point to the secondaries, so an idle
    /// table needs no empty writes; it repairs what lost messages left; and it compares digests.
    pub fn on_group_check_timer(&mut self, out: &mut Effects) {
        self.send_group_checks(out);
        self.check_invariants();
    }

    /// Whether some secondary does not know the commit point yet, or has not answered in this ballot,
    /// and no prepare in flight will tell it.
    #[must_use]
    pub fn wants_group_check(&self) -> bool {
        let Some(primary) = self.as_primary() else {
            return false;
        };
        let committed = self.list.committed();
        let is_idle = committed == self.list.prepared();
        primary.followers.iter().any(|follower| {
            follower.link == FollowerLink::Joining || (is_idle && follower.committed < committed)
        })
    }
}
