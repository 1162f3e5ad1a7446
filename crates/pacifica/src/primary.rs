//! What a primary does: propose, count acknowledgements, commit, keep its followers supplied.

use std::sync::Arc;

use pegasus_common::{Decree, RpcAddress};

use crate::admission::Lease;
use crate::configuration::Configuration;
use crate::effect::{Effect, Effects};
use crate::message::{GroupCheck, GroupCheckReply, Message, PeerOutcome, PrepareAck};
use crate::mutation::Mutation;
use crate::replica::Replica;
use crate::role::{Follower, FollowerLink, PrimaryState, Role};

impl PrimaryState {
    fn new(configuration: Configuration, inherited: Decree, committed: Decree) -> Self {
        let follower = |&node: &RpcAddress| Follower {
            node,
            // Every member of the new configuration has all that was committed (I2).
            acknowledged: committed,
            committed: Decree::ZERO,
            link: FollowerLink::Joining,
        };
        Self {
            followers: configuration.secondaries.iter().map(follower).collect(),
            configuration,
            inherited,
            following: Arc::from([]),
            request: None,
        }
    }

    fn follower(&mut self, node: RpcAddress) -> Option<&mut Follower> {
        self.followers
            .iter_mut()
            .find(|follower| follower.node == node)
    }

    fn set_link(&mut self, node: RpcAddress, link: FollowerLink) {
        let Some(follower) = self.follower(node) else {
            return;
        };
        if follower.link != link {
            follower.link = link;
            let followers = self.followers.iter();
            let following = followers.filter(|follower| follower.link == FollowerLink::Following);
            self.following = following.map(|follower| follower.node).collect();
        }
    }

    /// Every follower has logged everything through here.
    fn acknowledged_by_all(&self) -> Decree {
        let acknowledged = self.followers.iter().map(|follower| follower.acknowledged);
        acknowledged.min().unwrap_or(Decree(i64::MAX))
    }
}

impl Replica {
    /// Begins to act under a ballot in which this replica never spoke: proposes everything that it
    /// took over again, before anything new (I5).
    pub(crate) fn enter_primary(&mut self, configuration: Configuration, out: &mut Effects) {
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
        let state = PrimaryState::new(configuration, inherited, committed);
        self.become_role(Role::Primary(state), out);
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

    /// Commits what the own log and every follower have.
    pub(crate) fn commit_acknowledged(&mut self, out: &mut Effects) {
        let Role::Primary(primary) = &self.role else {
            return;
        };
        if self.lease == Lease::NotHeld {
            return;
        }
        let target = primary.acknowledged_by_all().min(self.list.logged());
        debug_assert!(
            target >= self.list.committed(),
            "I2: acknowledgements never shrink"
        );
        debug_assert!(target <= self.list.prepared(), "acknowledged from nowhere");
        self.commit_through(target, out);
    }

    pub(crate) fn on_prepare_ack(&mut self, from: RpcAddress, ack: PrepareAck, out: &mut Effects) {
        let prepared = self.list.prepared();
        let ballot = self.ballot;
        let Role::Primary(primary) = &mut self.role else {
            return;
        };
        let Some(follower) = primary.follower(from).filter(|_| ack.ballot == ballot) else {
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
                self.on_peer_suspected(from, out);
            }
        }
    }

    pub(crate) fn on_group_check_reply(
        &mut self,
        from: RpcAddress,
        reply: GroupCheckReply,
        out: &mut Effects,
    ) {
        let ballot = self.ballot;
        let Role::Primary(primary) = &mut self.role else {
            return;
        };
        let Some(follower) = primary.follower(from).filter(|_| reply.ballot == ballot) else {
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
                self.on_peer_suspected(from, out);
            }
        }
    }

    /// Sends one follower everything after `prepared`, under the present ballot. What is committed
    /// and no longer kept it has (I2), whatever a delayed message says.
    fn send_again(&self, to: RpcAddress, prepared: Decree, out: &mut Effects) {
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
        let Role::Primary(primary) = &mut self.role else {
            return;
        };
        if let Some(check) = check.filter(|_| primary.follower(node).is_some()) {
            primary.set_link(node, FollowerLink::Joining);
            out.send(node, Message::GroupCheck(check));
        }
    }

    fn group_check(&self) -> Option<GroupCheck> {
        let Role::Primary(primary) = &self.role else {
            return None;
        };
        Some(GroupCheck {
            configuration: primary.configuration.clone(),
            last_committed: self.list.committed(),
            last_prepared: self.list.prepared(),
            digest: self.digest.newest(),
        })
    }

    fn send_group_checks(&mut self, out: &mut Effects) {
        let (Some(check), Role::Primary(primary)) = (self.group_check(), &self.role) else {
            return;
        };
        let to: Arc<[RpcAddress]> = primary.followers.iter().map(|peer| peer.node).collect();
        if !to.is_empty() {
            out.push(Effect::Broadcast {
                to,
                message: Message::GroupCheck(check),
            });
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
        let Role::Primary(primary) = &self.role else {
            return false;
        };
        let committed = self.list.committed();
        let is_idle = committed == self.list.prepared();
        primary.followers.iter().any(|follower| {
            follower.link == FollowerLink::Joining || (is_idle && follower.committed < committed)
        })
    }
}
