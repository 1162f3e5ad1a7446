//! The invariants of design section 5, as far as one replica can see them. Checked after each input
//! in debug builds; those that span replicas are checked by the tests and the simulator.

use pegasus_common::Decree;

use crate::configuration::Membership;
use crate::follow::FollowState;
use crate::learner::LearnerState;
use crate::recovered::Standing;
use crate::replica::Replica;
use crate::role::{Follower, FollowerLink, InactiveReason, PrimaryState, Role, SecondaryState};
use crate::teaching::{Agreement, Counting, Learner, Supply};

impl Replica {
    /// Panics in debug builds if the state is impossible; free in release builds.
    pub fn check_invariants(&self) {
        if !cfg!(debug_assertions) {
            return;
        }
        self.check_positions();
        if let Some(request) = &self.request {
            debug_assert_eq!(
                request.configuration.ballot,
                self.ballot.next(),
                "I3: one more"
            );
        }
        match &self.role {
            Role::Primary(primary) => self.check_primary(primary),
            Role::Secondary(secondary) => self.check_secondary(secondary),
            Role::Inactive(reason) => self.check_inactive(reason),
            Role::Learner(learner) => self.check_learning(learner),
            Role::Error(_) => {}
        }
    }

    fn check_positions(&self) {
        self.list.check();
        debug_assert!(self.durable <= self.applied, "I1: durable > applied");
        debug_assert!(
            self.applied <= self.list.committed(),
            "I1: applied > committed"
        );
        debug_assert!(self.durable >= Decree::ZERO, "decrees start at zero");
        debug_assert!(self.known_ballot() >= self.ballot, "I3: ballots grow");
        debug_assert_eq!(
            self.digest.newest().decree,
            self.committed(),
            "I8: digest position"
        );
        for entry in self.list.iter() {
            debug_assert!(
                entry.ballot <= self.ballot,
                "I3: an entry of an unknown ballot"
            );
            debug_assert!(entry.timestamp_us <= self.latest_timestamp_us || self.is_old(entry));
        }
    }

    /// History may predate the restart from which the newest timestamp is known.
    fn is_old(&self, entry: &crate::Mutation) -> bool {
        entry.decree <= self.list.committed()
    }

    fn check_primary(&self, primary: &PrimaryState) {
        let configuration = &primary.configuration;
        debug_assert_eq!(configuration.ballot, self.ballot, "I3: durable first");
        debug_assert_eq!(configuration.membership_of(self.me), Membership::Primary);
        debug_assert_eq!(self.standing, Standing::Proven, "I6: an unproven primary");
        debug_assert!(
            primary.inherited <= self.list.prepared(),
            "I5: inherited entries are lost"
        );
        debug_assert_eq!(primary.followers.len(), configuration.secondaries.len());
        let followers = primary.followers.iter();
        let following = followers.filter(|f| f.link == FollowerLink::Following);
        let taught = primary.learners.iter();
        let taught = taught.filter(|learner| learner.supply == Supply::Following);
        debug_assert_eq!(primary.following.len(), following.count() + taught.count());
        for learner in &primary.learners {
            self.check_taught(learner, configuration.membership_of(learner.node));
        }
        for follower in &primary.followers {
            self.check_follower(follower, configuration.membership_of(follower.node));
        }
        let uncommitted = self
            .list
            .iter()
            .filter(|entry| entry.decree > self.committed());
        for entry in uncommitted {
            debug_assert_eq!(
                entry.ballot, self.ballot,
                "I5: inherited and not proposed again"
            );
        }
        let may_write = self.admit_write().is_ok();
        debug_assert!(
            !may_write || self.admit_read().is_ok(),
            "I5: writes before reads"
        );
        let members = configuration.member_count();
        debug_assert!(
            !may_write || members >= self.members_needed(primary),
            "I7: too few members"
        );
        debug_assert!(
            !may_write || self.committed() >= primary.inherited,
            "I5: served too early"
        );
    }

    fn check_follower(&self, follower: &Follower, membership: Membership) {
        debug_assert_ne!(follower.node, self.me, "it follows itself");
        debug_assert_eq!(
            membership,
            Membership::Secondary,
            "a follower that is no member"
        );
        debug_assert!(
            follower.acknowledged <= self.list.prepared(),
            "acknowledged from nowhere"
        );
        debug_assert!(
            self.committed() <= follower.acknowledged,
            "I2: committed {} without {}, which has {}",
            self.committed(),
            follower.node,
            follower.acknowledged
        );
    }

    fn check_taught(&self, learner: &Learner, membership: Membership) {
        debug_assert_ne!(learner.node, self.me, "it teaches itself");
        debug_assert_eq!(membership, Membership::Outside, "a member learns");
        debug_assert!(
            learner.acknowledged <= self.list.prepared(),
            "acknowledged from nowhere"
        );
        if learner.counting != Counting::Not {
            debug_assert_eq!(learner.agreement, Agreement::Agrees, "I8: counts unseen");
            debug_assert!(learner.life.is_some(), "a learner that nobody heard counts");
            debug_assert!(
                self.committed() <= learner.acknowledged,
                "I2: {} counts and lacks committed mutations",
                learner.node
            );
        }
    }

    fn check_learning(&self, learner: &LearnerState) {
        let configuration = &learner.configuration;
        debug_assert_eq!(configuration.ballot, self.ballot, "I3: durable first");
        debug_assert_eq!(configuration.membership_of(self.me), Membership::Outside);
        self.check_follow(&learner.follow);
    }

    fn check_secondary(&self, secondary: &SecondaryState) {
        let configuration = &secondary.configuration;
        debug_assert_eq!(configuration.ballot, self.ballot, "I3: durable first");
        debug_assert_eq!(configuration.membership_of(self.me), Membership::Secondary);
        debug_assert_eq!(self.standing, Standing::Proven, "I6: an unproven secondary");
        self.check_follow(&secondary.follow);
    }

    fn check_follow(&self, follow: &FollowState) {
        debug_assert!(
            follow.received <= self.list.prepared(),
            "received but not prepared"
        );
        debug_assert!(
            self.committed() <= follow.received,
            "committed but not received"
        );
        debug_assert!(
            self.committed() <= follow.commit_point,
            "committed by itself"
        );
        debug_assert!(
            follow.acknowledged <= self.safe_and_received(follow),
            "acknowledged {} but safe is {}",
            follow.acknowledged,
            self.safe_and_received(follow)
        );
        let entries = self.list.iter();
        for entry in entries.filter(|entry| entry.decree > follow.received) {
            debug_assert!(entry.ballot < self.ballot, "{entry:?} skipped its turn");
        }
    }

    fn check_inactive(&self, reason: &InactiveReason) {
        debug_assert!(self.admit_read().is_err(), "I4: an inactive replica reads");
        debug_assert!(
            self.admit_write().is_err(),
            "I4: an inactive replica writes"
        );
        match reason {
            InactiveReason::Adopting(adoption) => {
                debug_assert!(
                    adoption.configuration.ballot > self.ballot,
                    "I3: adopts an old ballot"
                );
                debug_assert_eq!(self.request, None, "asks under a ballot that has ended");
            }
            InactiveReason::AwaitingBallot => {
                debug_assert!(self.request.is_some(), "waits for nothing");
            }
            InactiveReason::Unproven => {
                debug_assert_eq!(self.standing, Standing::Unproven, "I6: proven yet left out");
            }
            InactiveReason::Outside | InactiveReason::Starting => {}
        }
    }
}
